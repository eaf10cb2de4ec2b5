/* SPDX-License-Identifier: MIT */
#include "daemon/engine/deployer.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/deploy/deploy.h"
#include "daemon/engine/due.h"
#include "daemon/engine/priv.h"

#define WAKE_MAX_MS 60000

/* One action of one certificate, as its row says. */
struct action {
	TAILQ_ENTRY(action) link;	/* in its struct cert */
	struct store_deploy row;
	bool		 is_running;
};

/* Run what is pending of one certificate, one after the other. */
struct deployer_run {
	TAILQ_ENTRY(deployer_run) link;
	struct deployer	*deployer;
	struct cert	*cert;
	const struct conf *conf;	/* the one in force at the start */
	const struct conf_cert *cc;	/* in conf; NULL: not any more */
	size_t		 next;		/* index in cc->deploys */
	struct action	*action;	/* running */
	struct timer	 step;
	struct deploy_op *target;
	char		 serial[64];	/* it was begun for */
	char		*live_dir, *version_dir;
	unsigned	 failed;
	struct error	 err;		/* of the first that failed */
	deployer_done_cb	*done;		/* NULL: nobody waits (a retry) */
	void		*arg;
};

struct deployer {
	struct engine	*engine;
	struct deploy_env env;
	struct timer	 retry;
	bool		 is_started;
	size_t		 pending;	/* actions not done, of all */
	TAILQ_HEAD(, deployer_run) ops;
};

static struct action *
find(const struct cert *cert, const char *name)
{
	struct action *a;

	TAILQ_FOREACH(a, &cert->actions, link) {
		if (strcmp(a->row.action, name) == 0)
			return a;
	}
	return NULL;
}

static bool
is_configured(const struct cert *c, const char *action)
{
	for (size_t i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		if (strcmp(c->conf->deploys[i].name, action) == 0)
			return true;
	}
	return false;
}

static void
load_cb(const struct store_deploy *row, void *arg)
{
	struct deployer *d = arg;
	struct cert *c = engine_find(d->engine, row->cert);
	struct action *a;

	if (c == NULL)
		return;
	a = xcalloc(1, sizeof(*a));
	a->row = *row;
	TAILQ_INSERT_TAIL(&c->actions, a, link);
	d->pending += !row->done;
}

static void
save(struct deployer *d, const struct action *a)
{
	store_deploy_put(d->engine->a.store, &a->row);
}

/* Forget actions that are not configured any more. */
static void
drop_removed(struct deployer *d, struct cert *c)
{
	struct action *a, *next;

	for (a = TAILQ_FIRST(&c->actions); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (a->is_running || is_configured(c, a->row.action))
			continue;
		d->pending -= !a->row.done;
		store_deploy_delete(d->engine->a.store, a->row.cert,
		    a->row.action);
		TAILQ_REMOVE(&c->actions, a, link);
		free(a);
	}
}

static void
op_free(struct deployer_run *op)
{
	deploy_cancel(op->target);
	timer_clear(&op->step);
	if (op->action != NULL)
		op->action->is_running = false;
	op->cert->deploys--;
	TAILQ_REMOVE(&op->deployer->ops, op, link);
	conf_unref(op->conf);
	free(op->live_dir);
	free(op->version_dir);
	free(op);
}

void
deployer_run_cancel(struct deployer_run *op)
{
	if (op != NULL)
		op_free(op);
}

static void
arm(struct deployer *d)
{
	if (d->is_started)
		timer_set(&d->retry, 0);
}

static void
op_finish(struct deployer_run *op)
{
	struct deployer *d = op->deployer;
	struct cert *cert = op->cert;

	if (op->failed > 1) {
		char msg[sizeof(op->err.msg)];

		memcpy(msg, op->err.msg, sizeof(msg));
		(void)text_printf(op->err.msg, sizeof(op->err.msg),
		    "%u actions failed; the first: %s", op->failed, msg);
	}
	if (op->done != NULL)
		op->done(op->failed > 0 ? &op->err : NULL, op->arg);
	op_free(op);
	/* A reload may have come while they ran. */
	drop_removed(d, cert);
	arm(d);
}

static void
action_failed(struct deployer_run *op, const struct error *err)
{
	struct action *a = op->action;
	time_t now = clock_now();
	char span[TEXT_SPAN_MAX];

	a->row.tries++;
	a->row.retry_at = due_soon_retry_at(a->row.tries, now);
	(void)text_printf(a->row.error, sizeof(a->row.error), "%s", err->msg);
	text_clean(a->row.error);
	event_emit(op->deployer->engine, op->cert->row.name, STEP_DEPLOY,
	    LOGL_WARNING, "deploy \"%s\" failed: %s; next try in %s",
	    a->row.action, err->msg, text_span(a->row.retry_at - now, span));
	if (op->failed++ == 0) {
		op->err = *err;
		(void)error_wrap(&op->err, "deploy \"%s\"", a->row.action);
	}
}

static void
target_done(const struct error *err, void *arg)
{
	struct deployer_run *op = arg;
	struct action *a = op->action;

	op->target = NULL;
	if (strcmp(a->row.serial, op->serial) != 0) {
		event_emit(op->deployer->engine, op->cert->row.name,
		    STEP_DEPLOY, LOGL_INFO, "deploy \"%s\" begins again: there "
		    "is a newer certificate", a->row.action);
		op->next--;
	} else if (err != NULL) {
		action_failed(op, err);
	} else {
		a->row.done = true;
		op->deployer->pending--;
		a->row.done_at = clock_now();
		a->row.error[0] = '\0';
		event_emit(op->deployer->engine, op->cert->row.name,
		    STEP_DEPLOY, LOGL_NOTICE, "deploy \"%s\" done",
		    a->row.action);
	}
	a->is_running = false;
	op->action = NULL;
	save(op->deployer, a);
	timer_set(&op->step, 0);
}

static void
output_line(const char *line, void *arg)
{
	struct deployer_run *op = arg;

	event_emit(op->deployer->engine, op->cert->row.name, STEP_DEPLOY,
	    LOGL_INFO, "%s: %s", op->action->row.action, line);
}

static void
step_cb(void *arg)
{
	struct deployer_run *op = arg;
	struct deployer *d = op->deployer;
	time_t now = clock_now();

	while (op->cc != NULL && op->next < op->cc->n_deploys) {
		const struct conf_deploy *dep = &op->cc->deploys[op->next++];
		struct action *a = find(op->cert, dep->name);
		struct deploy_args args = {
			.env = &d->env,
			.cert = op->cc,
			.target = dep,
			.live_dir = op->live_dir,
			.line = output_line,
		};

		if (a == NULL || a->row.done || a->is_running ||
		    (op->done == NULL &&
		    due_planned(a->row.retry_at, now) > now))
			continue;
		(void)text_printf(op->serial, sizeof(op->serial), "%s",
		    a->row.serial);
		free(op->version_dir);
		op->version_dir = store_live_version_path(d->engine->a.store,
		    op->cert->row.name);
		args.serial = op->serial;
		args.version_dir = op->version_dir;
		a->is_running = true;
		op->action = a;
		event_emit(d->engine, op->cert->row.name, STEP_DEPLOY,
		    LOGL_INFO, "deploy \"%s\" begins", dep->name);
		op->target = deploy_start(&args, target_done, op);
		return;
	}
	op_finish(op);
}

struct deployer_run *
deployer_run_start(struct deployer *d, struct cert *cert, deployer_done_cb *done,
    void *arg)
{
	struct deployer_run *op = xcalloc(1, sizeof(*op));

	op->deployer = d;
	op->cert = cert;
	op->conf = conf_ref(d->engine->conf);
	op->cc = conf_find_cert(op->conf, cert->row.name);
	op->live_dir = store_live_path(d->engine->a.store, cert->row.name);
	op->done = done;
	op->arg = arg;
	cert->deploys++;
	TAILQ_INSERT_TAIL(&d->ops, op, link);
	timer_init(&op->step, d->engine->a.loop, step_cb, op);
	timer_set(&op->step, 0);
	return op;
}

/* When the first action that is not done is to run; -1: all are done. */
static time_t
pending_at(const struct cert *c)
{
	const struct action *a;
	time_t at = -1;

	TAILQ_FOREACH(a, &c->actions, link) {
		if (!a->row.done && !a->is_running &&
		    is_configured(c, a->row.action) && (at == -1 ||
		    a->row.retry_at < at))
			at = a->row.retry_at;
	}
	return at == -1 ? -1 : due_planned(at, clock_now());
}

static void
retry_cb(void *arg)
{
	struct deployer *d = arg;
	time_t now = clock_now(), next = 0;

	if (d->pending == 0)
		return;
	for (size_t i = 0; i < d->engine->n_certs; i++) {
		struct cert *c = d->engine->certs[i];
		time_t at = pending_at(c);

		if (at == -1 || c->conf == NULL || c->run != NULL ||
		    c->deploys > 0)
			continue;
		if (at <= now)
			(void)deployer_run_start(d, c, NULL, NULL);
		else if (next == 0 || at < next)
			next = at;
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&d->retry, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

struct deployer *
deployer_new(struct engine *e)
{
	struct deployer *d = xcalloc(1, sizeof(*d));

	d->engine = e;
	d->env = (struct deploy_env){ .loop = e->a.loop,
	    .children = e->a.children, .http = e->a.http, .dns = e->dns,
	    .sdbus = e->a.sdbus, .hooks = e->hooks,
	    .scratch = store_scratch(e->a.store) };
	TAILQ_INIT(&d->ops);
	timer_init(&d->retry, e->a.loop, retry_cb, d);
	store_deploy_each(e->a.store, load_cb, d);
	return d;
}

void
deployer_free(struct deployer *d)
{
	if (d == NULL)
		return;
	deployer_stop(d);
	free(d);
}

void
deployer_forget(struct cert *c)
{
	struct action *a;

	while ((a = TAILQ_FIRST(&c->actions)) != NULL) {
		TAILQ_REMOVE(&c->actions, a, link);
		free(a);
	}
}

/* Forget what is not configured any more, try the rest at once. */
static void
refresh(struct deployer *d, struct cert *c)
{
	struct action *a;

	TAILQ_FOREACH(a, &c->actions, link)
		a->row.retry_at = 0;
	drop_removed(d, c);
}

void
deployer_start(struct deployer *d)
{
	d->is_started = true;
	for (size_t i = 0; i < d->engine->n_certs; i++)
		refresh(d, d->engine->certs[i]);
	arm(d);
}

void
deployer_kick(struct deployer *d)
{
	arm(d);
}

void
deployer_stop(struct deployer *d)
{
	struct deployer_run *op, *next;

	d->is_started = false;
	timer_clear(&d->retry);
	for (op = TAILQ_FIRST(&d->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, link);
		if (op->done == NULL)	/* the others belong to their run */
			op_free(op);
	}
}

void
deployer_reload(struct deployer *d)
{
	deployer_start(d);
}

void
deployer_plan(struct deployer *d, struct cert *cert,
    const struct conf_cert *cc, const char *serial)
{
	for (size_t i = 0; i < cc->n_deploys; i++) {
		struct action *a = find(cert, cc->deploys[i].name);

		if (a == NULL) {
			a = xcalloc(1, sizeof(*a));
			(void)text_printf(a->row.cert, sizeof(a->row.cert),
			    "%s", cert->row.name);
			(void)text_printf(a->row.action,
			    sizeof(a->row.action), "%s", cc->deploys[i].name);
			TAILQ_INSERT_TAIL(&cert->actions, a, link);
			a->row.done = true;
		}
		d->pending += a->row.done;
		(void)text_printf(a->row.serial, sizeof(a->row.serial), "%s",
		    serial);
		a->row.done = false;
		a->row.tries = 0;
		a->row.retry_at = 0;
		a->row.error[0] = '\0';
		save(d, a);
	}
}

static const char *
state_name(const struct action *a)
{
	if (a->is_running)
		return "running";
	if (a->row.done)
		return "done";
	return a->row.error[0] != '\0' ? "failed" : "pending";
}

json_t *
deployer_json(const struct cert *c)
{
	json_t *list = json_array();
	const struct action *a;

	TAILQ_FOREACH(a, &c->actions, link) {
		(void)json_array_append_new(list, json_pack(
		    "{s:s, s:s, s:i, s:o, s:o, s:o}", "name", a->row.action,
		    "state", state_name(a), "tries", (int)a->row.tries,
		    "at", time_json(a->row.done ? a->row.done_at : 0),
		    "next_at", time_json(a->row.done ? 0 : a->row.retry_at),
		    "error", a->row.error[0] != '\0' ?
		    json_string(a->row.error) : json_null()));
	}
	return list;
}

time_t
deployer_next_at(const struct cert *c)
{
	time_t at = pending_at(c);

	return at == -1 ? 0 : at;
}

size_t
deployer_pending(const struct deployer *d)
{
	return d->pending;
}
