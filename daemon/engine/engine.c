/* SPDX-License-Identifier: MIT */
#include "daemon/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/accounts.h"
#include "daemon/accounts/hold.h"
#include "daemon/alerts/notifier.h"
#include "daemon/alerts/queue.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/hooks.h"
#include "daemon/dns/responder.h"
#include "daemon/dns/zone.h"
#include "daemon/dns/zones.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/lost.h"
#include "daemon/engine/priv.h"
#include "daemon/http01/http01.h"
#include "daemon/persist/persist_job.h"
#include "daemon/persist/persist_watch.h"
#include "daemon/preflight/preflight.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollout.h"
#include "providers/provider.h"

#define STOP_WAIT_MS 8000
#define RESTART_RETRY_S 60

static void	stop_tick_cb(void *);

/* Others are under way, beside those that wait to switch live/. */
static bool
is_more_to_switch(void *arg)
{
	const struct engine *e = arg;

	return e->running > gate_waiting(e->gate);
}

static void
reader_late(const char *reader, void *arg)
{
	log_warning(NULL, "%s has not ended for %d s: certificates are "
	    "switched beside it", reader, GATE_PATIENCE_MS / 1000);
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
	TAILQ_INIT(&e->subs);
	TAILQ_INIT(&e->preflights);
	TAILQ_INIT(&e->persist_jobs);
	provider_env_init(&e->env, a->loop, a->http, e->dns, a->children);
	e->accounts = accounts_new(a->loop, a->ca_http, a->children, a->store);
	e->holds = holds_new(a->store);
	timer_init(&e->schedule, a->loop, engine_schedule_cb, e);
	timer_init(&e->stop_tick, a->loop, stop_tick_cb, e);
	engine_table_load(e);
	engine_table_apply(e, e->conf, NULL);
	e->ready = xcalloc(e->n_certs, sizeof(*e->ready));
	e->cleanup = cleanup_new(e);
	e->http01 = http01_new(a->loop);
	e->tokens = tokens_new(e);
	e->gate = gate_new(&(struct gate_args){ .loop = a->loop,
	    .is_more = is_more_to_switch, .late = reader_late, .arg = e });
	e->hooks = hooks_new(a->loop, a->children, e->gate,
	    HOOKS_PATIENCE_MS);
	e->deployer = deployer_new(e);
	e->persist_watch = persist_watch_new(e);
	e->teller = teller_new(e);
	e->ari = ari_new(e);
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

/* Our own sockets: of the built-in responder, and of http-01. */
static void
serve_challenges(struct engine *e)
{
	struct error failed;

	if (http01_listen(e->http01, e->conf->http_listen, &failed) == -1)
		log_error(NULL, "http-01: %s", failed.msg);
	responder_begin(e->env.responder);
	for (size_t i = 0; i < e->conf->n_providers; i++) {
		const struct conf_provider *p = e->conf->providers[i];
		struct log_ctx ctx = { .provider = p->name };
		struct error err;

		if (p->type->serve != NULL &&
		    p->type->serve(&e->env, p->values, &err) == -1)
			log_error(&ctx, "%s", err.msg);
	}
	responder_end(e->env.responder);
}

void
engine_start(struct engine *e)
{
	serve_challenges(e);
	lost_start(e);
	for (size_t i = 0; i < e->n_certs; i++) {
		struct cert *c = e->certs[i];

		if (c->conf == NULL)
			continue;
		/* Not if systemd starts us again and again. */
		if (c->row.error_at < clock_now() - RESTART_RETRY_S)
			retry_mended(c);
		/* One that a crash has left behind; no order needs it. */
		if (c->row.order_url == NULL)
			store_pending_drop(e->a.store, c->row.name);
	}
	/* Runs first: those that resume an order keep its records. */
	engine_schedule_cb(e);
	cleanup_start(e->cleanup);
	tokens_start(e->tokens);
	deployer_start(e->deployer);
	persist_watch_kick(e->persist_watch, NULL);
	teller_start(e->teller);
	ari_start(e->ari);
}

void
engine_free(struct engine *e)
{
	if (e == NULL)
		return;
	e->is_stopping = true;
	timer_clear(&e->schedule);
	timer_clear(&e->stop_tick);
	cleanup_wait_cancel(e->stop_wait);
	preflight_stop_all(e);
	persist_watch_free(e->persist_watch);
	persist_job_stop_all(e);
	deployer_stop(e->deployer);
	ari_free(e->ari);
	teller_free(e->teller);
	e->teller = NULL;
	engine_table_free(e);
	deployer_free(e->deployer);
	hooks_free(e->hooks);
	gate_free(e->gate);
	cleanup_free(e->cleanup);
	tokens_free(e->tokens);
	http01_free(e->http01);
	accounts_free(e->accounts);
	holds_free(e->holds);
	provider_env_clear(&e->env);
	dns_free(e->dns);
	conf_unref(e->conf);
	free(e->ready);
	free(e->reload_error);
	free(e);
}

static void
stopped_cb(void *arg)
{
	struct engine *e = arg;

	e->stop_wait = NULL;
	tokens_flush(e->tokens);
	e->stop_done(e->stop_arg);
}

/* End the runs, but those that the CA is judging only if all is true. */
static size_t
stop_runs(struct engine *e, bool all)
{
	struct error err;
	size_t judged = 0;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping; the run goes on at the next start");
	for (size_t i = 0; i < e->n_certs; i++) {
		struct cert *c = e->certs[i];
		struct renewal *run = c->run;

		if (run == NULL)
			continue;
		if (!all && renewal_is_judged(run)) {
			judged++;
			continue;
		}
		c->run = NULL;
		event_end(c, renewal_step(run), &err, "%s", err.msg);
		renewal_cancel(run);
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
	    left > 0 ? (unsigned)left : 0, stopped_cb, e);
}

void
engine_stop(struct engine *e, void (*done)(void *arg), void *arg)
{
	e->is_stopping = true;
	timer_clear(&e->schedule);
	preflight_stop_all(e);
	persist_watch_stop(e->persist_watch);
	ari_stop(e->ari);
	persist_job_stop_all(e);
	deployer_stop(e->deployer);
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
	engine_table_apply(e, conf, report);
	e->ready = xreallocarray(e->ready, e->n_certs, sizeof(*e->ready));
	for (size_t i = 0; i < e->n_certs; i++)
		retry_mended(e->certs[i]);
	deployer_reload(e->deployer);
	cleanup_retry(e->cleanup);
	tokens_retry(e->tokens);
	persist_watch_kick(e->persist_watch, NULL);
	teller_reload(e->teller);
	ari_kick(e->ari);
	accounts_refresh(e->accounts, conf);
	conf_unref(old);
	engine_reschedule(e);
	return report;
}

void
engine_set_reload_error(struct engine *e, const char *text)
{
	free(e->reload_error);
	e->reload_error = text != NULL ? xstrdup(text) : NULL;
	if (text != NULL)	/* it may have been cut in a character */
		text_clean(e->reload_error);
	teller_kick(e->teller);
}

json_t *
engine_notify_test(struct engine *e, const char *channel, struct error *err)
{
	return outbox_test(teller_outbox(e->teller), channel, err);
}

json_t *
engine_notify_results(const struct engine *e)
{
	return outbox_test_json(teller_outbox(e->teller));
}
