/* SPDX-License-Identifier: MIT */
#include "daemon/engine/csrs.h"
#include "daemon/engine/requests.h"
#include "daemon/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/accounts/fault.h"
#include "daemon/accounts/hold.h"
#include "daemon/accounts/skew.h"
#include "daemon/alerts/notifier.h"
#include "daemon/alerts/queue.h"
#include "daemon/certs/event.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/hooks.h"
#include "daemon/dns/dns.h"
#include "daemon/dns/provider_env.h"
#include "daemon/dns/responder.h"
#include "daemon/dns/zones.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/lost.h"
#include "daemon/engine/placeholder.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/rehearse.h"
#include "daemon/engine/shared.h"
#include "daemon/engine/textfile.h"
#include "daemon/engine/turns.h"
#include "daemon/etcd/etcd.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/reports.h"
#include "daemon/fleet/waves.h"
#include "daemon/http01/http01.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/io/tls_alpn.h"
#include "daemon/manage/revocations.h"
#include "daemon/persist/persist_job.h"
#include "daemon/persist/persist_watch.h"
#include "daemon/preflight/preflight.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_stream.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"
#include "providers/provider.h"

#define STOP_WAIT_MS 8000
#define RESTART_RETRY_S 60

static void	stop_tick_cb(void *);

/* Others come soon, beside those that wait to switch live/: not those that
 * wait for the DNS first, which may take minutes. */
static bool
is_more_to_switch(void *arg)
{
	const struct engine *e = arg;
	size_t near = 0;

	for (size_t i = 0; i < e->certs->n; i++) {
		const struct cert *c = e->certs->list[i];

		near += c->place.is_running && c->step >= STEP_FINALIZE;
	}
	return near > gate_waiting(e->gate);
}

static void
reader_late(const char *reader, void *arg)
{
	log_warning(NULL, "%s has not ended for %d s: certificates are "
	    "switched while it runs", reader, GATE_PATIENCE_MS / 1000);
}

static json_t *
next_json(const struct cert *c, void *arg)
{
	return engine_next_json(arg, c);
}

static void
noticed(void *arg)
{
	struct engine *e = arg;

	notifier_kick(e->notifier);
}

static void
changed(struct cert *c, void *arg)
{
	struct engine *e = arg;

	if (c == NULL) {
		engine_reschedule(e);
		return;
	}
	if (!e->is_stopping)
		shared_changed(e, c);
	engine_look(e, c);
}

static void
freed(void *arg)
{
	engine_start_ready(arg);
}

static time_t
next_at(const struct cert *c, void *arg)
{
	const char *action;

	return engine_next_at(arg, c, &action);
}

/* All that is planned by the wall clock looks again. */
static void
clock_moved(int64_t set_s, int64_t slept_s, void *arg)
{
	struct engine *e = arg;
	char span[TEXT_SPAN_MAX];

	if (slept_s != 0)
		log_info(NULL, "the machine was suspended for %s",
		    text_span(slept_s, span));
	if (set_s != 0)
		log_info(NULL, "the clock was set %s %s", text_span(set_s < 0 ?
		    -set_s : set_s, span), set_s < 0 ? "back" : "ahead");
	if (e->is_stopping)
		return;
	ari_kick(e->ari);
	persist_watch_kick(e->persist_watch, NULL);
	cleanup_kick(e->cleanup);
	tokens_kick(e->tokens);
	rollout_kick(e->rollout);
	watches_kick(e->watches);
	hosts_kick(e->hosts);
	notifier_clock_moved(e->notifier);
	textfile_kick(e->textfile);
	engine_reschedule(e);
}

/* A certificate of the cluster is due here from now on. */
static void
taken_over(struct cert *c, void *arg)
{
	struct engine *e = arg;

	rollout_follow(e->rollout, c);
	shared_taken_over(e, c);
}

/* One that is not held has a fence that nothing passes. */
static int64_t
fence(const struct cert *c, char **key, void *arg)
{
	const struct engine *e = arg;
	int64_t created = cluster_fence(e->cluster, c);

	*key = cluster_lock_key(e->cluster, c);
	return created != 0 ? created : -1;
}

/* The rooms, each with what it uses. */
static void
rooms_new(struct engine *e)
{
	const struct engine_args *a = &e->a;

	shared_new(e);
	e->cleanup_env = (struct cleanup_env){ .loop = a->loop,
	    .store = a->store, .dns = e->dns, .providers = &e->providers,
	    .http01 = e->http01, .certs = e->certs };
	e->cleanup = cleanup_new(&e->cleanup_env);
	e->tokens = tokens_new(&e->cleanup_env);
	e->rollout_env = (struct rollout_env){ .loop = a->loop,
	    .store = a->store, .children = a->children, .http = a->http,
	    .leases = e->providers.leases, .etcd = e->etcd, .dns = e->dns,
	    .sdbus = a->sdbus, .gate = e->gate, .hooks = e->hooks,
	    .certs = e->certs,
	    .takeovers = slots_new(a->loop, TAKEOVERS_MAX),
	    .taken_over = taken_over, .looked = shared_looked, .arg = e };
	e->rollout = rollout_new(&e->rollout_env);
	e->streams = source_streams_new(&e->rollout_env);
	e->renewal_env = (struct renewal_env){ .loop = a->loop,
	    .store = a->store, .children = a->children, .http = a->http,
	    .etcd = e->etcd, .dns = e->dns,
	    .providers = &e->providers, .gate = e->gate,
	    .hooks = e->hooks, .certs = e->certs, .accounts = e->accounts,
	    .holds = e->holds, .cleanup = e->cleanup, .tokens = e->tokens,
	    .tls_alpn = e->tls_alpn, .rollout = e->rollout,
	    .fence = fence, .arg = e };
	e->preflight_env = (struct preflight_env){ .loop = a->loop,
	    .store = a->store, .ca_http = a->ca_http, .http = a->http,
	    .etcd = e->etcd, .dns = e->dns,
	    .providers = &e->providers, .certs = e->certs,
	    .cluster = e->cluster,
	    .accounts = e->accounts, .cleanup = e->cleanup,
	    .tokens = e->tokens, .tls_alpn = e->tls_alpn,
	    .rollout = e->rollout };
	e->preflights = preflights_new(&e->preflight_env);
	e->persist_env = (struct persist_env){ .loop = a->loop,
	    .store = a->store, .ca_http = a->ca_http, .dns = e->dns,
	    .providers = &e->providers, .accounts = e->accounts,
	    .certs = e->certs };
	e->persist_watch = persist_watch_new(&e->persist_env);
	e->persist_jobs = persist_jobs_new(&e->persist_env);
	e->manage_env = (struct manage_env){ .loop = a->loop,
	    .store = a->store, .certs = e->certs,
	    .accounts = e->accounts };
	e->manage_jobs = manage_jobs_new(&e->manage_env);
	e->revocations = revocations_new(&e->manage_env, e->manage_jobs,
	    engine_revocation_kept, e);
	e->rehearsals = rehearsals_new(e);
	e->turns = turns_new(e);
	e->watches_env = (struct watches_env){ .loop = a->loop,
	    .store = a->store, .dns = e->dns, .noticed = noticed, .arg = e };
	e->watches = watches_new(&e->watches_env);
	watches_apply(e->watches, e->conf);
	e->fleet_env = (struct fleet_env){ .loop = a->loop,
	    .store = a->store, .http = a->http, .etcd = e->etcd,
	    .certs = e->certs, .rollout = e->rollout,
	    .cluster = e->cluster, .hold = shared_hold, .fence = fence,
	    .acted = shared_acted, .noticed = noticed, .arg = e };
	e->reports = reports_new(&e->fleet_env);
	e->hosts = hosts_new(&e->fleet_env);
	e->waves = waves_new(&e->fleet_env);
	e->alerts_env = (struct alerts_env){ .loop = a->loop,
	    .store = a->store, .children = a->children, .http = a->http,
	    .certs = e->certs, .cleanup = e->cleanup,
	    .rollout = e->rollout, .revocations = e->revocations,
	    .watches = e->watches, .waves = e->waves,
	    .reload_error = &e->reload_error, .cluster = e->cluster,
	    .next_at = next_at, .arg = e };
	e->notifier = notifier_new(&e->alerts_env);
	e->ari = ari_new(e);
	e->textfile = textfile_new(e);
	e->csrs = csrs_new(e);
	e->requests = requests_new(e);
}

/* Certificates that other hosts publish. */
static void
watch_sources(struct engine *e)
{
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];

		watch_reload(&e->rollout_env, c);
		takeover_reload(&e->rollout_env, c);
	}
	source_streams_apply(e->streams, e->conf);
}

struct engine *
engine_new(const struct engine_args *a, struct error *err)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->dns = dns_new(a->loop, (const char *const *)a->conf->resolvers,
	    err);
	if (e->dns == NULL) {
		free(e);
		return NULL;
	}
	e->a = *a;
	e->conf = conf_ref(a->conf);
	zones_tell(e->dns, e->conf);
	e->started_at = e->loaded_at = clock_now();
	e->etcd = etcd_new(a->loop, a->http);
	provider_env_init(&e->providers, a->loop, a->http, e->dns,
	    a->children);
	e->accounts = accounts_new(a->loop, a->ca_http, a->children, a->store);
	e->holds = holds_new(a->store);
	timer_init(&e->schedule, a->loop, engine_schedule_cb, e);
	timer_init(&e->sweep, a->loop, engine_schedule_cb, e);
	timer_init(&e->look, a->loop, engine_look_cb, e);
	TAILQ_INIT(&e->looks);
	timer_init(&e->stop_tick, a->loop, stop_tick_cb, e);
	clockwatch_init(&e->clock, a->loop, clock_moved, e);
	e->certs = certs_new(a->loop, a->store);
	missing_load(e->certs);
	e->certs->events.next = next_json;
	e->certs->events.noticed = noticed;
	e->certs->changed = changed;
	e->certs->arg = e;
	e->certs->places.freed = freed;
	e->certs->places.arg = e;
	certs_apply(e->certs, e->conf, NULL);
	e->ready = xcalloc(e->certs->n, sizeof(*e->ready));
	e->http01 = http01_new(a->loop);
	e->tls_alpn = tls_alpn_new(a->loop);
	e->gate = gate_new(&(struct gate_args){ .loop = a->loop,
	    .is_more = is_more_to_switch, .late = reader_late, .arg = e });
	e->hooks = hooks_new(a->loop, a->children, e->gate,
	    HOOKS_PATIENCE_MS);
	rooms_new(e);
	shared_begin(e);
	watch_sources(e);
	shared_apply(e);
	return e;
}

/* A person may just have mended what failed. */
static void
retry_mended(struct cert *c)
{
	if (c->conf != NULL && c->row.failures > 0 && c->row.error != NULL &&
	    c->row.error->kind == ERR_CONFIG)
		c->row.retry_at = 0;
}

/* Our own sockets: of the built-in responder, of http-01 and tls-alpn-01. */
static void
serve_challenges(struct engine *e)
{
	struct error failed;

	/* Who only serves proves nothing. */
	if (e->conf->cluster != NULL &&
	    e->conf->cluster->role == CLUSTER_SERVE)
		return;
	if (http01_listen(e->http01, e->conf->http_listen, &failed) == -1)
		log_error(NULL, "http-01: %s", failed.msg);
	if (tls_alpn_listen(e->tls_alpn, e->conf->tls_alpn_listen,
	    &failed) == -1)
		log_error(NULL, "tls-alpn-01: %s", failed.msg);
	responder_begin(e->providers.responder);
	for (size_t i = 0; i < e->conf->n_providers; i++) {
		const struct conf_provider *p = e->conf->providers[i];
		struct log_ctx ctx = { .provider = p->name };
		struct error err;

		if (p->type->serve != NULL &&
		    p->type->serve(&e->providers, p->values, &err) == -1)
			log_error(&ctx, "%s", err.msg);
	}
	responder_end(e->providers.responder);
}

void
engine_start(struct engine *e)
{
	serve_challenges(e);
	clockwatch_start(&e->clock);
	lost_start(e);
	placeholder_place(e);
	skew_start(e->certs);
	fault_look(e->certs);
	hold_retry(e->holds, true);
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];

		if (c->conf == NULL)
			continue;
		/* Not if systemd starts us again and again. */
		if (c->row.error_at < clock_now() - RESTART_RETRY_S)
			retry_mended(c);
		/* A replacement that was not made yet. */
		if (revocations_want_new_key(e->revocations, c))
			c->forced = cert_is_paused(c, clock_now());
		/* One that a crash has left behind; no order needs it. */
		if (c->row.order_url == NULL && c->conf->given == NULL)
			store_pending_drop(e->a.store, c->row.name);
		if (pair_first_names(c) == NULL)
			store_first_drop(e->a.store, c->row.name);
	}
	/* Runs first: those that resume an order keep its records. */
	engine_schedule_cb(e);
	textfile_kick(e->textfile);
	cleanup_start(e->cleanup);
	tokens_start(e->tokens);
	rollout_start(e->rollout);
	persist_watch_kick(e->persist_watch, NULL);
	watches_start(e->watches);
	reports_apply(e->reports);
	hosts_apply(e->hosts);
	waves_apply(e->waves);
	notifier_start(e->notifier);
	ari_start(e->ari);
	csrs_apply(e->csrs);
	requests_apply(e->requests);
	accounts_refresh(e->accounts, e->conf);
}

static void
certs_leave(struct engine *e)
{
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];

		renewal_cancel(c->run);
		takeover_cancel(c);
		watch_free(c);
		rollout_forget(c);
	}
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	e->is_stopping = true;
	timer_clear(&e->schedule);
	timer_clear(&e->sweep);
	timer_clear(&e->look);
	timer_clear(&e->stop_tick);
	clockwatch_stop(&e->clock);
	cleanup_wait_cancel(e->stop_wait);
	preflights_free(e->preflights);
	persist_watch_free(e->persist_watch);
	persist_jobs_free(e->persist_jobs);
	rehearsals_free(e->rehearsals);
	turns_free(e->turns);
	revocations_free(e->revocations);
	manage_jobs_free(e->manage_jobs);
	rollout_stop(e->rollout);
	ari_free(e->ari);
	textfile_free(e->textfile);
	requests_free(e->requests);
	csrs_free(e->csrs);
	notifier_free(e->notifier);
	e->notifier = NULL;
	watches_free(e->watches);
	reports_free(e->reports);
	waves_free(e->waves);
	hosts_free(e->hosts);
	certs_leave(e);
	shared_free(e);
	source_streams_free(e->streams);
	rollout_free(e->rollout);
	slots_free(e->rollout_env.takeovers);
	hooks_free(e->hooks);
	gate_free(e->gate);
	cleanup_free(e->cleanup);
	tokens_free(e->tokens);
	http01_free(e->http01);
	tls_alpn_free(e->tls_alpn);
	accounts_free(e->accounts);
	replica_free(e->replica);
	publisher_free(e->publisher);
	holds_free(e->holds);
	fault_clear(e->certs);
	certs_free(e->certs);
	provider_env_clear(&e->providers);
	etcd_free(e->etcd);
	dns_free(e->dns);
	conf_unref(e->conf);
	free(e->ready);
	free(e->reload_error);
	free(e);
}

static void
cleaned_cb(void *arg)
{
	struct engine *e = arg;

	e->stop_wait = NULL;
	tokens_flush(e->tokens);
	shared_stop(e, e->stop_done, e->stop_arg);
}

/* End the runs, but those that the CA is judging only if all is true. */
static size_t
stop_runs(struct engine *e, bool all)
{
	struct error err;
	size_t judged = 0;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping; the run goes on at the next start");
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];
		struct renewal *run = c->run;

		if (run == NULL)
			continue;
		if (!all && renewal_is_judged(run)) {
			judged++;
			continue;
		}
		c->run = NULL;
		event_end(c, c->step, &err, "%s", err.msg);
		renewal_cancel(run);
		place_end(&c->place);		/* for those that are judged */
	}
	return judged;
}

static void
stop_tick_cb(void *arg)
{
	struct engine *e = arg;
	int64_t left = e->stop_by_ms - clock_mono_ms();

	/* Half of the time is kept for the removal of the records. */
	if (stop_runs(e, left < STOP_WAIT_MS / 2) > 0) {
		timer_set(&e->stop_tick, 50);
		return;
	}
	e->stop_wait = cleanup_wait_start(e->cleanup, NULL, CLEANUP_TRIED,
	    left > 0 ? (unsigned)left : 0, cleaned_cb, e);
}

void
engine_stop(struct engine *e, void (*done)(void *arg), void *arg)
{
	e->is_stopping = true;
	timer_clear(&e->schedule);
	timer_clear(&e->sweep);
	timer_clear(&e->look);
	preflights_stop(e->preflights);
	persist_watch_stop(e->persist_watch);
	ari_stop(e->ari);
	watches_stop(e->watches);
	hosts_stop(e->hosts);
	waves_stop(e->waves);
	reports_stop(e->reports);
	persist_jobs_stop(e->persist_jobs);
	manage_jobs_stop(e->manage_jobs);
	rehearsals_stop(e->rehearsals);
	rollout_stop(e->rollout);
	source_streams_apply(e->streams, NULL);
	e->stop_done = done;
	e->stop_arg = arg;
	e->stop_by_ms = clock_mono_ms() + STOP_WAIT_MS;
	stop_tick_cb(e);
}

json_t *
engine_reload(struct engine *e, const struct conf *conf)
{
	json_t *report = json_pack("{s:[], s:[], s:[]}", "added", "removed",
	    "changed");
	const struct conf *old = e->conf;
	struct error err;

	/* The configuration's check has parsed the same addresses. */
	if (dns_set_resolvers(e->dns, (const char *const *)conf->resolvers,
	    &err) == -1)
		log_error(NULL, "%s; the old resolvers are used", err.msg);
	e->conf = conf_ref(conf);
	zones_tell(e->dns, conf);
	e->loaded_at = clock_now();
	engine_set_reload_error(e, NULL);
	/* Forget the queue: its entries may be gone. */
	for (size_t i = e->next_ready; i < e->n_ready; i++)
		e->ready[i]->is_queued = false;
	e->n_ready = e->next_ready = 0;
	serve_challenges(e);
	certs_apply(e->certs, conf, report);
	fault_look(e->certs);
	placeholder_place(e);
	watch_sources(e);
	etcd_log_in_anew(e->etcd);
	shared_apply(e);
	e->ready = xreallocarray(e->ready, e->certs->n, sizeof(*e->ready));
	for (size_t i = 0; i < e->certs->n; i++)
		retry_mended(e->certs->list[i]);
	hold_retry(e->holds, false);
	rollout_start(e->rollout);
	cleanup_retry(e->cleanup);
	tokens_retry(e->tokens);
	persist_watch_kick(e->persist_watch, NULL);
	watches_apply(e->watches, conf);
	reports_apply(e->reports);
	hosts_apply(e->hosts);
	waves_apply(e->waves);
	notifier_reload(e->notifier);
	ari_kick(e->ari);
	csrs_apply(e->csrs);
	requests_apply(e->requests);
	textfile_kick(e->textfile);
	accounts_refresh(e->accounts, conf);
	conf_unref(old);
	engine_reschedule(e);
	return report;
}

const struct conf *
engine_conf(const struct engine *e)
{
	return e->conf;
}

void
engine_set_reload_error(struct engine *e, const char *text)
{
	free(e->reload_error);
	e->reload_error = text != NULL ? xstrdup(text) : NULL;
	if (text != NULL)	/* it may have been cut in a character */
		text_clean(e->reload_error);
	notifier_kick(e->notifier);
	engine_reschedule(e);		/* the unit's status line */
}

json_t *
engine_notify_test(struct engine *e, const char *channel, struct error *err)
{
	return queue_test(notifier_queue(e->notifier), channel, err);
}

json_t *
engine_notify_results(const struct engine *e)
{
	return queue_test_json(notifier_queue(e->notifier));
}

struct event_sub *
engine_subscribe(struct engine *e, void (*cb)(const json_t *, void *),
    void *arg)
{
	return event_subscribe(e->certs, cb, arg);
}

struct preflights *
engine_preflights(const struct engine *e)
{
	return e->preflights;
}

struct persist_jobs *
engine_persist_jobs(const struct engine *e)
{
	return e->persist_jobs;
}

struct manage_jobs *
engine_manage_jobs(const struct engine *e)
{
	return e->manage_jobs;
}
