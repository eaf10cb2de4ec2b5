/* SPDX-License-Identifier: MIT */
#include "daemon/engine/engine.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/deploy/hooks.h"
#include "daemon/dns/responder.h"
#include "daemon/dns/zone.h"
#include "daemon/engine/accounts.h"
#include "daemon/engine/cleanup.h"
#include "daemon/engine/deployer.h"
#include "daemon/engine/due.h"
#include "daemon/engine/preflight.h"
#include "daemon/engine/persist_job.h"
#include "daemon/engine/persist_watch.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/outbox.h"
#include "daemon/engine/renewal.h"
#include "daemon/engine/rollback.h"
#include "daemon/engine/watch.h"
#include "daemon/engine/tokens.h"
#include "daemon/http01/http01.h"
#include "daemon/engine/teller.h"
#include "daemon/io/sd.h"
#include "providers/provider.h"

/* The wall clock may jump or the machine sleep: look again this often. */
#define WAKE_MAX_MS 30000
#define STOP_WAIT_MS 8000
#define RESTART_RETRY_S 60

static void	start_ready(struct engine *);
static void	stop_tick_cb(void *);

/* --- the table of certificates --- */

static int
by_name(const void *a, const void *b)
{
	return strcmp((*(struct cert *const *)a)->row.name,
	    (*(struct cert *const *)b)->row.name);
}

struct cert *
engine_find(const struct engine *e, const char *name)
{
	size_t lo = 0, hi = e->n_certs;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int cmp = strcmp(name, e->certs[mid]->row.name);

		if (cmp == 0)
			return e->certs[mid];
		if (cmp < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

static struct cert *
cert_new(struct engine *e, const char *name)
{
	struct cert *c = xcalloc(1, sizeof(*c));

	c->engine = e;
	c->row.name = xstrdup(name);
	c->row.key = KEY_TYPE_END;
	TAILQ_INIT(&c->actions);
	return c;
}

static void
cert_free(struct cert *c)
{
	renewal_cancel(c->run);
	watch_free(c);
	deployer_forget(c);
	json_decref(c->persist);
	store_cert_clear(&c->row);
	free(c->names);
	free(c);
}

void
cert_save(struct cert *c)
{
	store_cert_put(c->engine->a.store, &c->row);
}

void
cert_order_forget(struct cert *c)
{
	struct store_cert *row = &c->row;

	free(row->order_url);
	free(row->order_names);
	free(row->order_account);
	free(row->order_finalize);
	row->order_url = row->order_names = NULL;
	row->order_account = row->order_finalize = NULL;
}

static int
by_string(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A sorted JSON array: what two sets of names are compared by. */
static char *
names_json(const char **names, size_t n)
{
	json_t *list = json_array();
	char *text;

	qsort(names, n, sizeof(*names), by_string);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(names[i]));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (text == NULL)
		abort();
	return text;
}

static char *
conf_names_json(const struct conf_cert *conf)
{
	const char **names = xcalloc(conf->n_names, sizeof(*names));
	char *text;

	for (size_t i = 0; i < conf->n_names; i++)
		names[i] = conf->names[i].name;
	text = names_json(names, conf->n_names);
	free(names);
	return text;
}

static void
row_load_cb(const struct store_cert *row, void *arg)
{
	struct engine *e = arg;
	struct cert *c = cert_new(e, row->name);

	free(c->row.name);
	store_cert_dup(&c->row, row);
	e->certs = xreallocarray(e->certs, e->n_certs + 1, sizeof(*e->certs));
	e->certs[e->n_certs++] = c;
}

/* Join the table with a configuration; report NULL or the names' lists. */
static void
apply_conf(struct engine *e, const struct conf *conf, json_t *report)
{
	size_t old = e->n_certs;

	for (size_t i = 0; i < old; i++)
		e->certs[i]->conf = NULL;
	e->certs = xreallocarray(e->certs, old + conf->n_certs,
	    sizeof(*e->certs));
	for (size_t i = 0; i < conf->n_certs; i++) {
		const struct conf_cert *cc = conf->certs[i];
		struct cert key = { .row.name = cc->name }, *pkey = &key;
		struct cert **found = old == 0 ? NULL : bsearch(&pkey,
		    e->certs, old, sizeof(*e->certs), by_name);
		struct cert *c = found != NULL ? *found :
		    cert_new(e, cc->name);
		char *names = conf_names_json(cc);
		const char *list = NULL;

		if (found == NULL)
			e->certs[e->n_certs++] = c;
		if (c->names == NULL)
			list = "added";
		else if (strcmp(c->names, names) != 0 ||
		    (c->row.key != KEY_TYPE_END && c->row.key != cc->key))
			list = "changed";
		if (report != NULL && list != NULL)
			(void)json_array_append_new(json_object_get(report,
			    list), json_string(cc->name));
		free(c->names);
		c->names = names;
		c->conf = cc;
	}
	for (size_t i = 0; i < e->n_certs; i++)
		watch_reload(e->certs[i]);
	qsort(e->certs, e->n_certs, sizeof(*e->certs), by_name);
	for (size_t i = 0; i < e->n_certs; i++) {
		struct cert *c = e->certs[i];

		if (c->conf != NULL || c->names == NULL)
			continue;
		free(c->names);
		c->names = NULL;
		if (report != NULL)
			(void)json_array_append_new(json_object_get(report,
			    "removed"), json_string(c->row.name));
	}
}

/* --- when --- */

/* Is the installed certificate the one that the configuration wants? */
static bool
is_wanted(const struct cert *c)
{
	return c->row.serial[0] != '\0' && c->row.names != NULL &&
	    strcmp(c->row.names, c->names) == 0 && c->row.key == c->conf->key;
}

/*
 * Was a renewal begun and not ended?  Also one that was asked for early goes
 * on: after a crash the new certificate may be in live/ already, with nobody
 * told of it.
 */
static bool
is_begun(const struct cert *c)
{
	return c->row.order_url != NULL && c->row.order_names != NULL &&
	    strcmp(c->row.order_names, c->names) == 0;
}

time_t
cert_next_at(const struct cert *c, const char **action)
{
	const struct store_cert *row = &c->row;
	time_t due = 0, retry_at = due_planned(row->retry_at, clock_now());

	*action = "none";
	if (c->conf == NULL)
		return -1;
	if (c->run != NULL || c->is_queued) {
		*action = "running";
		return -1;
	}
	if (c->watch != NULL)
		return watch_next_at(c, action);
	if (c->forced) {
		*action = "renew";
		return 0;
	}
	if (is_wanted(c) && !is_begun(c))
		due = due_at(row->not_before, row->not_after,
		    c->conf->renew_before_s, row->spread);
	if (row->failures > 0 && retry_at > due &&
	    row->names_failed != NULL &&
	    strcmp(row->names_failed, c->names) == 0) {
		*action = "retry";
		return retry_at;
	}
	*action = "renew";
	return due;
}

/* Who goes first: what was asked for, then what expires first. */
static int
by_urgency(const void *a, const void *b)
{
	const struct cert *x = *(struct cert *const *)a;
	const struct cert *y = *(struct cert *const *)b;

	if (x->forced != y->forced)
		return x->forced ? -1 : 1;
	if (x->row.not_after != y->row.not_after)
		return x->row.not_after < y->row.not_after ? -1 : 1;
	return strcmp(x->row.name, y->row.name);
}

static void
update_status(struct engine *e)
{
	size_t configured = 0, failing = 0, valid = 0;
	time_t now = clock_now();

	for (size_t i = 0; i < e->n_certs; i++) {
		const struct cert *c = e->certs[i];

		if (c->conf == NULL)
			continue;
		configured++;
		if (c->row.error != NULL)
			failing++;
		if (c->row.not_after > now)
			valid++;
	}
	sd_status(e->a.sd, "%zu certificates: %zu valid, %zu failing, "
	    "%u being renewed; %zu TXT records in the DNS", configured, valid,
	    failing, e->running, cleanup_count(e->cleanup));
}

static void
schedule_cb(void *arg)
{
	struct engine *e = arg;
	time_t now = clock_now(), next = 0;
	const char *action;

	if (e->is_stopping)
		return;
	/* What is queued stays queued; what became due joins it. */
	memmove(e->ready, e->ready + e->next_ready,
	    (e->n_ready - e->next_ready) * sizeof(*e->ready));
	e->n_ready -= e->next_ready;
	e->next_ready = 0;
	for (size_t i = 0; i < e->n_certs; i++) {
		struct cert *c = e->certs[i];
		time_t at = cert_next_at(c, &action);

		if (at == -1)
			continue;
		if (at <= now) {
			c->is_queued = true;
			e->ready[e->n_ready++] = c;
		} else if (next == 0 || at < next) {
			next = at;
		}
	}
	qsort(e->ready, e->n_ready, sizeof(*e->ready), by_urgency);
	start_ready(e);
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&e->schedule, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
	update_status(e);
}

void
engine_reschedule(struct engine *e)
{
	if (!e->is_stopping)
		timer_set(&e->schedule, 0);
}

/* --- runs --- */

/* "in 59d 3h", for the next run of a certificate. */
#define WHEN_MAX (TEXT_SPAN_MAX + 32)
static const char *
when_next(const struct cert *c, char out[WHEN_MAX])
{
	char span[TEXT_SPAN_MAX];
	const char *action;
	time_t now = clock_now(), at = cert_next_at(c, &action);

	if (at == -1)
		(void)text_printf(out, WHEN_MAX,
		    "never, it is not configured");
	else
		(void)text_printf(out, WHEN_MAX, "in %s", at > now ?
		    text_span(at - now, span) : "a moment");
	return out;
}

static void
run_failed(struct cert *c, enum step step, const struct error *err)
{
	char when[WHEN_MAX], left[TEXT_SPAN_MAX];
	struct store_cert *row = &c->row;
	time_t now = clock_now();

	/* A person who tries again and again shall not make the next try of
	 * our own a day later. */
	if (!c->was_forced || row->failures == 0)
		row->failures++;
	row->retry_at = due_retry_at(err, row->failures, now, row->not_after);
	row->error_at = now;
	free(row->error);
	row->error = xmemdup(err, sizeof(*err));
	cert_save(c);
	if (row->serial[0] != '\0')
		event_end(c, step, err, "%s; next try %s; the "
		    "certificate in use expires in %s", err->msg,
		    when_next(c, when), text_span(row->not_after - now, left));
	else
		event_end(c, step, err, "%s; next try %s; there is no "
		    "certificate yet", err->msg, when_next(c, when));
}

static void
run_done(struct cert *c, enum step step, const struct error *err)
{
	struct engine *e = c->engine;
	char when[WHEN_MAX];

	e->running--;
	if (err != NULL)
		e->failed++;
	else
		e->renewed++;
	if (err != NULL && rollback_is_done(c))
		event_end(c, STEP_DEPLOY, err, "%s", err->msg);
	else if (err != NULL && strncmp(err->code, "deploy:", 7) == 0)
		event_end(c, STEP_DEPLOY, err, "the certificate is installed, "
		    "but %s", err->msg);
	else if (err != NULL)
		run_failed(c, step, err);
	else
		event_end(c, STEP_DEPLOY, NULL, "done; next renewal %s",
		    when_next(c, when));
	if (err == NULL)
		teller_renewed(e->teller, c);
	deployer_kick(e->deployer);
	persist_watch_kick(e->persist_watch, c);
	start_ready(e);
	engine_reschedule(e);
}

/*
 * Is one of the same names and account under way, such as the RSA twin of an
 * EC certificate?  Boulder gives both the same order while it is pending, and
 * an order makes one certificate: they go one after the other.
 */
static bool
twin_runs(const struct engine *e, const struct cert *c)
{
	for (size_t i = 0; i < e->n_certs; i++) {
		const struct cert *t = e->certs[i];

		if (t->run != NULL && t != c && t->names != NULL &&
		    c->watch == NULL && t->watch == NULL &&
		    strcmp(t->names, c->names) == 0 &&
		    strcmp(t->conf->account->name,
		    c->conf->account->name) == 0)
			return true;
	}
	return false;
}

static void
start_ready(struct engine *e)
{
	while (!e->is_stopping && e->next_ready < e->n_ready &&
	    e->running < e->conf->max_renewals) {
		struct cert *c = e->ready[e->next_ready++];

		c->is_queued = false;
		/* A twin is queued again when the run is over. */
		if (c->conf == NULL || c->run != NULL || twin_runs(e, c))
			continue;
		if (c->watch != NULL && !watch_wants_run(c)) {
			watch_poll(c);
			continue;
		}
		c->was_forced = c->forced;
		c->forced = false;
		e->running++;
		c->run = renewal_start(c, run_done);
	}
}

struct cert *
engine_find_known(const struct engine *e, const char *name,
    struct error *err)
{
	struct cert *c = engine_find(e, name);
	const char **names, *near;
	size_t n = 0;

	if (e->is_stopping) {
		(void)error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
		return NULL;
	}
	if (c != NULL && c->conf != NULL)
		return c;
	names = xcalloc(e->n_certs, sizeof(*names));
	for (size_t i = 0; i < e->n_certs; i++) {
		if (e->certs[i]->conf != NULL)
			names[n++] = e->certs[i]->row.name;
	}
	near = text_nearest(name, names, n);
	(void)error_set(err, ERR_CONFIG, "engine:unknown-cert",
	    "there is no certificate \"%s\" in the configuration%s%s%s",
	    name, near != NULL ? "; did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "");
	free(names);
	return NULL;
}

int
engine_renew_now(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);

	if (c == NULL)
		return -1;
	if (c->run == NULL) {
		c->forced = true;
		engine_reschedule(e);
	}
	return 0;
}

/* --- life --- */

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
	e->started_at = e->loaded_at = clock_now();
	TAILQ_INIT(&e->subs);
	TAILQ_INIT(&e->preflights);
	TAILQ_INIT(&e->persist_jobs);
	provider_env_init(&e->env, a->loop, a->http, e->dns, a->children);
	e->accounts = accounts_new(a->loop, a->ca_http, a->children, a->store);
	timer_init(&e->schedule, a->loop, schedule_cb, e);
	timer_init(&e->stop_tick, a->loop, stop_tick_cb, e);
	store_cert_each(a->store, row_load_cb, e);
	if (e->n_certs > 0)
		qsort(e->certs, e->n_certs, sizeof(*e->certs), by_name);
	apply_conf(e, e->conf, NULL);
	e->ready = xcalloc(e->n_certs, sizeof(*e->ready));
	e->cleanup = cleanup_new(e);
	e->http01 = http01_new(a->loop);
	e->tokens = tokens_new(e);
	e->hooks = hooks_new(a->loop, a->children);
	e->deployer = deployer_new(e);
	e->persist_watch = persist_watch_new(e);
	e->teller = teller_new(e);
	return e;
}

/*
 * live/NAME is what servers see.  Where it and the row differ (a restored
 * backup, files removed by hand, a crash before the row was written) the
 * files are believed, and deployed: the servers may not have them yet.
 */
void
cert_follow_live(struct cert *c, const struct cert_info *info)
{
	struct store_cert *row = &c->row;
	size_t n = 0;

	(void)text_printf(row->serial, sizeof(row->serial), "%s",
	    info->serial);
	(void)text_printf(row->issuer, sizeof(row->issuer), "%s",
	    info->issuer);
	row->not_before = info->not_before;
	row->not_after = info->not_after;
	row->key = info->key;
	free(row->names);
	while (info->names[n] != NULL)
		n++;
	row->names = names_json((const char **)info->names, n);
	cert_order_forget(c);		/* most likely it is of it */
	cert_save(c);
	deployer_plan(c->engine->deployer, c, c->conf, info->serial);
}

static void
check_live(struct cert *c)
{
	struct log_ctx ctx = { .cert = c->row.name };
	char stamp[STORE_STAMP_SIZE];
	struct cert_info info;
	struct error err;
	int rc;

	store_live_stamp(c->engine->a.store, c->row.name, stamp);
	if (stamp[0] != '\0' && strcmp(stamp, c->row.stamp) == 0)
		return;
	rc = store_live_info(c->engine->a.store, c->row.name, &info, &err);
	if (rc == -1)
		log_error(&ctx, "the installed certificate is damaged: %s; "
		    "renewing it", err.msg);
	if (rc != 0) {
		c->row.serial[0] = '\0';
		c->row.not_before = c->row.not_after = 0;
		c->row.stamp[0] = '\0';
		return;
	}
	if (strcmp(info.serial, c->row.serial) != 0)
		cert_follow_live(c, &info);
	memcpy(c->row.stamp, stamp, sizeof(stamp));
	cert_save(c);
	cert_info_clear(&info);
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
	for (size_t i = 0; i < e->n_certs; i++) {
		struct cert *c = e->certs[i];

		if (c->conf == NULL)
			continue;
		check_live(c);
		/* Not if systemd starts us again and again. */
		if (c->row.error_at < clock_now() - RESTART_RETRY_S)
			retry_mended(c);
		/* One that a crash has left behind; no order needs it. */
		if (c->row.order_url == NULL)
			store_pending_key_drop(e->a.store, c->row.name);
	}
	/* Runs first: those that resume an order keep its records. */
	schedule_cb(e);
	cleanup_start(e->cleanup);
	tokens_start(e->tokens);
	deployer_start(e->deployer);
	persist_watch_kick(e->persist_watch, NULL);
	teller_start(e->teller);
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
	teller_free(e->teller);
	e->teller = NULL;
	for (size_t i = 0; i < e->n_certs; i++)
		cert_free(e->certs[i]);
	deployer_free(e->deployer);
	hooks_free(e->hooks);
	cleanup_free(e->cleanup);
	tokens_free(e->tokens);
	http01_free(e->http01);
	accounts_free(e->accounts);
	provider_env_clear(&e->env);
	dns_free(e->dns);
	conf_unref(e->conf);
	free(e->certs);
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
	e->loaded_at = clock_now();
	engine_set_reload_error(e, NULL);
	/* Forget the queue: its entries may be gone. */
	for (size_t i = e->next_ready; i < e->n_ready; i++)
		e->ready[i]->is_queued = false;
	e->n_ready = e->next_ready = 0;
	serve_challenges(e);
	apply_conf(e, conf, report);
	e->ready = xreallocarray(e->ready, e->n_certs, sizeof(*e->ready));
	for (size_t i = 0; i < e->n_certs; i++)
		retry_mended(e->certs[i]);
	deployer_reload(e->deployer);
	cleanup_retry(e->cleanup);
	tokens_retry(e->tokens);
	persist_watch_kick(e->persist_watch, NULL);
	teller_reload(e->teller);
	conf_unref(old);
	engine_reschedule(e);
	return report;
}

void
engine_set_reload_error(struct engine *e, const char *text)
{
	free(e->reload_error);
	e->reload_error = text != NULL ? xstrdup(text) : NULL;
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
