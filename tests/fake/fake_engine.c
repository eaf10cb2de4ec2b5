/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_engine.h"

#include <sys/queue.h>

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/account_import.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf.h"
#include "daemon/engine/engine.h"
#include "daemon/engine/glance.h"
#include "daemon/manage/manage.h"
#include "daemon/persist/persist_job.h"
#include "daemon/preflight/preflight.h"
#include "daemon/renewal/cert_import.h"

struct event_sub {
	TAILQ_ENTRY(event_sub)	 entry;
	struct engine		*engine;
	event_sub_cb		*cb;
	void			*arg;
};

struct preflight {
	TAILQ_ENTRY(preflight)	 entry;
	struct engine		*engine;
	preflight_line_cb	*line;
	preflight_done_cb	*done;
	void			*arg;
};

struct preflights {
	struct engine		*engine;
};

struct persist_jobs {
	struct engine		*engine;
};

struct engine {
	struct preflights preflights;
	struct persist_jobs persist_jobs;
	TAILQ_HEAD(, preflight) checks;
	size_t	n_checks;
	char	checked[4096];
	TAILQ_HEAD(, event_sub) subs;
	size_t	n_subs;
	bool	stopping;
	bool	is_ill;
	bool		 is_held;
	bool	instant;
	char	renewed[4096];
	unsigned n_renew_calls;
	TAILQ_HEAD(, persist_job) jobs;
	size_t	n_jobs;
	struct persist_job_args job_args;
	TAILQ_HEAD(, manage_job) managed;
	size_t	n_many;
	size_t	n_shown;
	char	name[32];
};

struct persist_job {
	TAILQ_ENTRY(persist_job) entry;
	struct engine		*engine;
	persist_job_done_cb	*done;
	void			*arg;
};

struct manage_job {
	TAILQ_ENTRY(manage_job)	 entry;
	struct engine		*engine;
	manage_done_cb		*done;
	void			*arg;
};

static const char *const certs[] = { "a.example", "b.example", "www.example" };

struct engine *
fake_engine_new(void)
{
	struct engine *e = xcalloc(1, sizeof(*e));

	e->preflights.engine = e->persist_jobs.engine = e;
	TAILQ_INIT(&e->subs);
	TAILQ_INIT(&e->checks);
	TAILQ_INIT(&e->jobs);
	TAILQ_INIT(&e->managed);
	return e;
}

void
fake_engine_free(struct engine *e)
{
	if (e->n_subs != 0 || e->n_checks != 0 || e->n_jobs != 0)
		abort();
	free(e);
}

const char *
fake_engine_renewed(const struct engine *e)
{
	return e->renewed;
}

unsigned
fake_engine_renew_calls(const struct engine *e)
{
	return e->n_renew_calls;
}

size_t
fake_engine_subs(const struct engine *e)
{
	return e->n_subs;
}

void
fake_engine_set_stopping(struct engine *e, bool stopping)
{
	e->stopping = stopping;
}

void
fake_engine_set_held(struct engine *e, bool is_held)
{
	e->is_held = is_held;
}

void
fake_engine_set_instant(struct engine *e, bool instant)
{
	e->instant = instant;
}

/* Subscribers may leave from their callback. */
static void
emit(struct engine *e, json_t *event /* taken */)
{
	struct event_sub *sub, *next;

	for (sub = TAILQ_FIRST(&e->subs); sub != NULL; sub = next) {
		next = TAILQ_NEXT(sub, entry);
		sub->cb(event, sub->arg);
	}
	json_decref(event);
}

void
fake_engine_step(struct engine *e, const char *cert, const char *step,
    const char *msg)
{
	emit(e, json_pack("{s:i, s:s, s:s, s:s, s:s}", "at", 1795300001,
	    "cert", cert, "step", step, "level", "info", "msg", msg));
}

void
fake_engine_end(struct engine *e, const char *cert, bool ok)
{
	emit(e, json_pack("{s:i, s:s, s:s, s:s, s:s, s:b, s:b}", "at",
	    1795300009, "cert", cert, "step", "deploy", "level", "notice",
	    "msg", "over", "end", 1, "ok", ok));
}

const struct conf *
engine_conf(const struct engine *e)
{
	static char path[] = "/nowhere/acmed.conf";
	static char *none[] = { NULL };
	static struct conf conf = { .path = path, .state_dir = path,
	    .http_listen = none, .tls_alpn_listen = none };

	return &conf;
}

int
engine_renew_with_new_key(struct engine *e, const char *name,
    struct error *err)
{
	return engine_renew_now(e, name, err);
}

int
engine_rehearse_check(const struct engine *e, const char *name,
    const char *directory, struct error *err)
{
	return 0;
}

int
engine_rehearse(struct engine *e, const char *name, const char *directory,
    struct error *err)
{
	return e->stopping ? error_set(err, ERR_TRANSIENT,
	    "engine:stopping", "acmed is stopping") : 0;
}

json_t *
engine_export_account(struct engine *e, const char *name, struct error *err)
{
	(void)error_set(err, ERR_CONFIG, "manage:unknown-account", "no %s",
	    name);
	return NULL;
}

int
engine_replace_and_revoke(struct engine *e, const char *name, int reason,
    bool by_key, struct error *err)
{
	return engine_renew_now(e, name, err);
}

int
engine_revoke_cancel(struct engine *e, const char *name, struct error *err)
{
	return engine_renew_now(e, name, err);
}

struct manage_job *
manage_start(struct manage_jobs *all, const struct manage_args *a,
    manage_done_cb *done, void *arg)
{
	struct manage_job *j = xcalloc(1, sizeof(*j));
	struct engine *e = (struct engine *)(void *)all;

	j->engine = e;
	j->done = done;
	j->arg = arg;
	TAILQ_INSERT_TAIL(&e->managed, j, entry);
	return j;
}

void
manage_cancel(struct manage_job *j)
{
	if (j == NULL)
		return;
	TAILQ_REMOVE(&j->engine->managed, j, entry);
	free(j);
}

bool
fake_engine_manage_end(struct engine *e)
{
	struct manage_job *j = TAILQ_FIRST(&e->managed);
	json_t *reply;

	if (j == NULL)
		return false;
	reply = json_object();
	j->done(NULL, reply, j->arg);
	json_decref(reply);
	manage_cancel(j);
	return true;
}

struct manage_jobs *
engine_manage_jobs(const struct engine *e)
{
	return (struct manage_jobs *)(uintptr_t)e;
}

struct cluster *
engine_cluster(const struct engine *e)
{
	return NULL;
}

int
engine_pause(struct engine *e, const char *name, time_t until,
    struct error *err)
{
	return engine_renew_now(e, name, err);
}

int
engine_resume(struct engine *e, const char *name, struct error *err)
{
	return engine_renew_now(e, name, err);
}

int
engine_delete(struct engine *e, const char *name, struct error *err)
{
	return engine_renew_now(e, name, err);
}

int
engine_rollout(struct engine *e, const char *name, const char *what,
    struct error *err)
{
	return engine_renew_now(e, name, err);
}

int
engine_receipts_forget(struct engine *e, const char *host, struct error *err)
{
	return engine_renew_now(e, host, err);
}

json_t *
engine_receipts(const struct engine *e, const char *cert)
{
	return json_pack("[{s:s}]", "certificate", cert);
}

json_t *
engine_status(const struct engine *e)
{
	return json_pack("{s:s, s:[]}", "version", "test", "cleanup");
}

void
fake_engine_many(struct engine *e, size_t n)
{
	e->n_many = n;
}

size_t
fake_engine_shown(const struct engine *e)
{
	return e->n_shown;
}

/* The three, and behind them x0000001 and so on. */
const char *
engine_next_name(const struct engine *e, const char *after)
{
	struct engine *mutable = (struct engine *)(uintptr_t)e;
	size_t n = after[0] == 'x' ? strtoul(after + 1, NULL, 10) : 0;

	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		if (strcmp(certs[i], after) > 0)
			return certs[i];
	}
	if (n >= e->n_many)
		return NULL;
	(void)text_printf(mutable->name, sizeof(mutable->name), "x%07zu",
	    n + 1);
	return e->name;
}

json_t *
engine_cert_brief(const struct engine *e, const char *name)
{
	((struct engine *)(uintptr_t)e)->n_shown++;
	return json_pack("{s:s, s:s}", "name", name, "state", "valid");
}

json_t *
engine_cert_status(const struct engine *e, const char *name)
{
	for (size_t i = 0; i < sizeof(certs) / sizeof(certs[0]); i++) {
		if (strcmp(certs[i], name) == 0)
			return json_pack("{s:s, s:s}", "name", name,
			    "state", "valid");
	}
	return NULL;
}

bool
engine_glance(const struct engine *e, const char *name, struct glance *g)
{
	memset(g, 0, sizeof(*g));
	g->is_good = !e->is_ill || strcmp(name, "b.example") != 0;
	g->condition = g->is_good ? COND_VALID : COND_MISSING;
	g->word = g->is_good ? "valid" : "missing";
	g->action = "renew";
	return true;
}

int
engine_put(struct engine *e, const char *name, const char *chain,
    const char *key, struct error *err)
{
	return engine_renew_now(e, name, err);
}

void
engine_each_unwell(const struct engine *e,
    void (*each)(const char *name, const char *what, const char *word,
    const char *why, void *), void *arg)
{
}

const char *
engine_reload_error(const struct engine *e)
{
	return e->is_ill ? "/nowhere/acmed.conf:3: x" : NULL;
}

void
fake_engine_set_ill(struct engine *e, bool is_ill)
{
	e->is_ill = is_ill;
}

bool
engine_has_cert(const struct engine *e, const char *name)
{
	json_t *j = engine_cert_status(e, name);

	json_decref(j);
	return j != NULL;
}

char *
engine_metrics(const struct engine *e)
{
	return xstrdup("acmed_up 1\n");
}

char *
engine_gauge(const struct engine *e, enum engine_gauge gauge,
    const char *name)
{
	if (name == NULL)
		return xasprintf("# TYPE g%d gauge\n", (int)gauge);
	return gauge == ENGINE_GAUGE_SERVED ? xstrdup("") :
	    xasprintf("g%d{name=\"%s\"} 1\n", (int)gauge, name);
}

int
engine_check_known(const struct engine *e, const char *name,
    struct error *err)
{
	json_t *j = engine_cert_status(e, name);

	json_decref(j);
	if (j != NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "engine:unknown-cert",
	    "no certificate \"%s\" is configured", name);
}

int
engine_renew_now(struct engine *e, const char *name, struct error *err)
{
	size_t len = strlen(e->renewed);

	e->n_renew_calls++;
	if (engine_check_known(e, name, err) == -1)
		return -1;
	if (e->stopping)
		return error_set(err, ERR_TRANSIENT, "engine:stopping",
		    "acmed is stopping");
	(void)text_printf(e->renewed + len, sizeof(e->renewed) - len, "%s ",
	    name);
	if (e->instant) {
		fake_engine_step(e, name, "order", "begun");
		fake_engine_end(e, name, true);
	}
	return 0;
}

int
engine_check_held(const struct engine *e, const char *name, struct error *err)
{
	if (strcmp(name, "b.example") != 0 || !e->is_held)
		return 0;
	return error_set(err, ERR_RATELIMIT, "engine:held",
	    "\"%s\" is held", name);
}

void
engine_pass_limits(struct engine *e, const char *name)
{
}

/* As engine_renew_now(), with what besides in the list of names. */
int
engine_deploy_now(struct engine *e, const char *name, const char *target,
    struct error *err)
{
	size_t len = strlen(e->renewed);

	if (target != NULL && strcmp(target, "web") != 0)
		return error_set(err, ERR_CONFIG, "engine:no-target",
		    "no target \"%s\"", target);
	(void)text_printf(e->renewed + len, sizeof(e->renewed) - len,
	    "deploy:%s:", target != NULL ? target : "");
	return engine_renew_now(e, name, err);
}

int
engine_rollback(struct engine *e, const char *name, bool force,
    struct error *err)
{
	size_t len = strlen(e->renewed);

	(void)text_printf(e->renewed + len, sizeof(e->renewed) - len,
	    "rollback:%s:", force ? "force" : "");
	return engine_renew_now(e, name, err);
}

struct event_sub *
engine_subscribe(struct engine *e, event_sub_cb *cb, void *arg)
{
	struct event_sub *sub = xcalloc(1, sizeof(*sub));

	sub->engine = e;
	sub->cb = cb;
	sub->arg = arg;
	TAILQ_INSERT_TAIL(&e->subs, sub, entry);
	e->n_subs++;
	return sub;
}

void
event_unsubscribe(struct event_sub *sub)
{
	TAILQ_REMOVE(&sub->engine->subs, sub, entry);
	sub->engine->n_subs--;
	free(sub);
}

/* --- preflights --- */

struct preflights *
engine_preflights(const struct engine *e)
{
	return (struct preflights *)(uintptr_t)&e->preflights;
}

struct persist_jobs *
engine_persist_jobs(const struct engine *e)
{
	return (struct persist_jobs *)(uintptr_t)&e->persist_jobs;
}


const char *
fake_engine_checked(const struct engine *e)
{
	return e->checked;
}

size_t
fake_engine_checks(const struct engine *e)
{
	return e->n_checks;
}

struct preflight *
preflight_start(struct preflights *all, const struct preflight_args *a,
    preflight_line_cb *line, preflight_done_cb *done, void *arg)
{
	struct preflight *pf = xcalloc(1, sizeof(*pf));
	struct engine *e = all->engine;
	size_t len;

	for (size_t i = 0; i < a->n_names; i++) {
		len = strlen(e->checked);
		(void)text_printf(e->checked + len, sizeof(e->checked) - len,
		    "%s ", a->names[i]);
	}
	len = strlen(e->checked);
	(void)text_printf(e->checked + len, sizeof(e->checked) - len, "%s",
	    a->has_probe ? "+" : "-");
	pf->engine = e;
	pf->line = line;
	pf->done = done;
	pf->arg = arg;
	TAILQ_INSERT_TAIL(&e->checks, pf, entry);
	e->n_checks++;
	return pf;
}

void
preflight_cancel(struct preflight *pf)
{
	if (pf == NULL)
		return;
	TAILQ_REMOVE(&pf->engine->checks, pf, entry);
	pf->engine->n_checks--;
	free(pf);
}

static void
check_end(struct preflight *pf, const struct error *err)
{
	pf->done(err, pf->arg);
	preflight_cancel(pf);
}

void
fake_engine_check_line(struct engine *e, const char *msg)
{
	struct preflight *pf, *next;
	json_t *line = json_pack("{s:s, s:s?}", "cert", "a.example", "msg",
	    msg);

	for (pf = TAILQ_FIRST(&e->checks); pf != NULL; pf = next) {
		next = TAILQ_NEXT(pf, entry);
		if (msg != NULL)
			pf->line(line, pf->arg);
		else
			check_end(pf, NULL);
	}
	json_decref(line);
}

void
fake_engine_check_stop(struct engine *e)
{
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "engine:stopping",
	    "acmed is stopping");
	while (!TAILQ_EMPTY(&e->checks))
		check_end(TAILQ_FIRST(&e->checks), &err);
}

/* --- imports: "a.example" and its account are there already --- */

json_t *
engine_import_account(struct engine *e, const struct account_import *a,
    struct error *err)
{
	if (strcmp(a->name, "a.example") != 0)
		return json_pack("{s:s, s:b}", "account", a->name, "jwk",
		    a->pem == NULL);
	(void)error_set(err, ERR_CONFIG, "import:exists", "it is there");
	return NULL;
}

json_t *
engine_export(struct engine *e, const char *name, const char *password,
    struct error *err)
{
	return json_pack("{s:s, s:b}", "name", name, "pkcs12",
	    password != NULL);
}

json_t *
engine_import_cert(struct engine *e, const struct cert_import *a,
    struct error *err)
{
	if (strcmp(a->name, "a.example") != 0)
		return json_pack("{s:s, s:b}", "name", a->name, "check",
		    a->check);
	(void)error_set(err, ERR_CONFIG, "import:exists", "it is there");
	return NULL;
}

/* --- test messages --- */

json_t *
engine_notify_test(struct engine *e, const char *channel, struct error *err)
{
	if (channel != NULL && strcmp(channel, "ops") != 0) {
		(void)error_set(err, ERR_CONFIG, "notify:unknown-channel",
		    "there is no channel \"%s\"", channel);
		return NULL;
	}
	return json_pack("{s:[s]}", "started", "ops");
}

json_t *
engine_notify_results(const struct engine *e)
{
	return json_pack("{s:b, s:[]}", "running", 0, "results");
}

/* persist_job.h */

struct persist_job *
persist_job_start(struct persist_jobs *jobs,
    const struct persist_job_args *a, persist_job_done_cb *done, void *arg)
{
	struct persist_job *j = xcalloc(1, sizeof(*j));
	struct engine *e = jobs->engine;

	j->engine = e;
	j->done = done;
	j->arg = arg;
	TAILQ_INSERT_TAIL(&e->jobs, j, entry);
	e->n_jobs++;
	e->job_args = *a;
	e->job_args.cert = NULL;
	return j;
}

void
persist_job_cancel(struct persist_job *j)
{
	if (j == NULL)
		return;
	TAILQ_REMOVE(&j->engine->jobs, j, entry);
	j->engine->n_jobs--;
	free(j);
}

size_t
fake_engine_jobs(const struct engine *e)
{
	return e->n_jobs;
}

const struct persist_job_args *
fake_engine_job_args(const struct engine *e)
{
	return &e->job_args;
}

void
fake_engine_job_end(struct engine *e, bool ok)
{
	struct persist_job *j = TAILQ_FIRST(&e->jobs);
	json_t *reply = json_pack("{s:s, s:[]}", "certificate", "a.example",
	    "records");
	struct error err;

	(void)error_set(&err, ERR_REJECTED, "persist:no-issuer", "no name");
	j->done(ok ? NULL : &err, ok ? reply : NULL, j->arg);
	persist_job_cancel(j);
	json_decref(reply);
}
