/* SPDX-License-Identifier: MIT */
/* rollout_run - one round over the targets of one certificate. */
#include "daemon/rollout/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/freeze.h"
#include "daemon/deploy/gate.h"
#include "daemon/io/loop.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout_priv.h"

/* What one run has ended, another of the certificate may have waited for. */
static void
wake_others(struct rollout_run *op)
{
	struct rollout_run *other;

	TAILQ_FOREACH(other, &op->rollout->ops, link) {
		if (other != op && other->cert == op->cert)
			timer_set(&other->step, 0);
	}
}

void
rollout_run_go_on(struct rollout_run *op)
{
	timer_set(&op->step, 0);
	wake_others(op);
}

/* Does anybody wait for its end? */
static bool
is_awaited(const struct rollout_run *op)
{
	return op->done != NULL || op->is_told;
}

/* A retry or a look gives way to a run that somebody waits for. */
static bool
is_superseded(const struct rollout_run *op)
{
	const struct rollout_run *other;

	if (is_awaited(op))
		return false;
	TAILQ_FOREACH(other, &op->rollout->ops, link) {
		if (other->cert == op->cert && is_awaited(other))
			return true;
	}
	return false;
}

static void
op_free(struct rollout_run *op)
{
	struct rollout *r = op->rollout;
	struct target *t;
	struct task *task;

	while ((task = TAILQ_FIRST(&op->tasks)) != NULL)
		task_free(task);
	TAILQ_FOREACH(t, &op->cert->targets, link) {
		if (t->tried == op)
			t->tried = NULL;
	}
	timer_clear(&op->step);
	gate_end(op->gate);
	op->cert->deploys--;
	TAILQ_REMOVE(&r->ops, op, link);
	conf_unref(op->conf);
	free(op->only);
	free(op->live_dir);
	wake_others(op);
	free(op);
}

void
rollout_run_cancel(struct rollout_run *op)
{
	if (op != NULL)
		op_free(op);
}

static void
tell_end(struct rollout_run *op)
{
	/* What is no target's failure has not been told yet. */
	if (op->failed > 0 && op->is_over)
		event_end(op->cert, STEP_DEPLOY, &op->err, "%s", op->err.msg);
	else if (op->failed > 0)
		event_end_told(op->cert, STEP_DEPLOY, &op->err, "%s",
		    op->n_done > 0 ? "not all is deployed" : "not deployed");
	else
		event_end(op->cert, STEP_DEPLOY, NULL, "deployed: %u target%s "
		    "done", op->n_done, op->n_done == 1 ? "" : "s");
}

static void
op_finish(struct rollout_run *op)
{
	struct rollout *r = op->rollout;
	struct cert *cert = op->cert;

	if (op->failed > 1) {
		char msg[sizeof(op->err.msg)];

		memcpy(msg, op->err.msg, sizeof(msg));
		(void)text_printf(op->err.msg, sizeof(op->err.msg),
		    "%u actions failed; the first: %s", op->failed, msg);
	}
	if (op->done != NULL)
		op->done(op->failed > 0 ? &op->err : NULL, op->arg);
	else if (op->is_told)
		tell_end(op);
	/* What waits for the deployment goes on. */
	if (!op->is_check)
		certs_changed(r->env->certs);
	op_free(op);
	/* A reload may have come while they ran. */
	rollout_drop_removed(r, cert);
	rollout_kick(r);
}

/* --- the next target --- */

/* Does it wait for its window, or for the end of a freeze?  Told where somebody
 * looks. */
static bool
is_held(const struct rollout_run *op, struct target *t,
    const struct conf_deploy *dep, time_t now)
{
	time_t at;
	char span[TEXT_SPAN_MAX];

	if (op->done == NULL)
		return rollout_target_at(op->cert, t, dep, now) > now;
	t->row.retry_at = 0;
	at = rollout_target_at(op->cert, t, dep, now);
	if (at <= now)
		return false;
	t->tried = op;
	if (rollout_waits_for_wave(op->cert, dep)) {
		event_deploy(op->rollout->env->certs, op->cert->row.name,
		    dep->name, NULL, LOGL_INFO, "deploy \"%s\" waits: other "
		    "hosts take this version first (waves)", dep->name);
		return true;
	}
	event_deploy(op->rollout->env->certs, op->cert->row.name, dep->name,
	    NULL, LOGL_INFO, "deploy \"%s\" waits for %s: it begins in %s",
	    dep->name, freeze_deploy_at(op->cert, t->row.urgent_at, now) > now ?
	    "the end of the freeze" : "its deploy_window",
	    text_span(at - now, span));
	return true;
}

static bool
is_next(const struct rollout_run *op, struct target *t,
    const struct conf_deploy *dep, time_t now)
{
	if (t == NULL || t->task != NULL || t->tried == op ||
	    t->row.hash != dep->hash ||
	    (op->only != NULL && strcmp(op->only, dep->name) != 0))
		return false;
	if (op->is_check)
		return t->row.done && t->row.check_at != 0 &&
		    due_planned(t->row.check_at, now) <= now;
	return !t->row.done && !is_held(op, t, dep, now);
}

/* The previous version cannot go live again. */
static void
cannot_roll_back(struct rollout_run *op, bool is_command,
    const struct error *err)
{
	if (is_command) {
		op->failed++;
		op->err = *err;
		op->is_over = true;
	} else {
		event_deploy(op->rollout->env->certs, op->cert->row.name, NULL,
		    "deploy:rollback-failed", LOGL_ERROR,
		    "cannot roll back: %s", err->msg);
	}
}

/* Nobody reads live/ now. */
static void
roll_back(void *arg)
{
	struct rollout_run *op = arg;
	bool is_command = op->back != BACK_WANTED;
	struct cert *c = op->cert;
	struct target *t;
	struct error err;
	int rc;

	op->gate = NULL;
	rc = rollback_cert(c, op->back == BACK_FORCED, is_command ? NULL :
	    op->err.msg, &err);
	op->back = BACK_NO;
	timer_set(&op->step, 0);
	if (rc == -1) {
		cannot_roll_back(op, is_command, &err);
		return;
	}
	rollout_plan(op->rollout, c, c->conf, c->row.serial);
	rollout_urge(op->rollout, c);
	TAILQ_FOREACH(t, &c->targets, link)
		t->tried = NULL;
	if (!is_command) {
		(void)text_printf(op->err.code, sizeof(op->err.code), "%s",
		    "deploy:rolled-back");
		(void)error_wrap(&op->err, "rolled back to certificate %s",
		    c->row.serial);
	}
	certs_changed(op->rollout->env->certs);
}

/* Is it to roll back now?  It then waits for the gate. */
static bool
begin_rollback(struct rollout_run *op)
{
	if (op->back == BACK_WANTED && (op->cert->conf == NULL ||
	    rollback_is_done(op->cert)))
		op->back = BACK_NO;
	if (op->back == BACK_NO)
		return false;
	op->gate = gate_switch_start(op->rollout->env->gate, false,
	    roll_back, op);
	return true;
}

/* Does an earlier run still work at it?  Its end wakes this one. */
static bool
is_anothers(const struct rollout_run *op, const struct target *t)
{
	return t != NULL && t->task != NULL && t->task->run != op &&
	    is_awaited(op) && (op->only == NULL ||
	    strcmp(op->only, t->row.target) == 0);
}

/* After a reload the rest is done as it says; what runs has the old one. */
static void
follow_conf(struct rollout_run *op)
{
	const struct conf *old = op->conf;

	if (!TAILQ_EMPTY(&op->tasks))
		return;
	op->conf = conf_ref(op->rollout->env->certs->conf);
	op->cc = conf_find_cert(op->conf, op->cert->row.name);
	conf_unref(old);
}

static void
step_cb(void *arg)
{
	struct rollout_run *op = arg;
	time_t now = clock_now();
	bool is_blocked = false;

	if (op->gate != NULL)
		return;
	follow_conf(op);
	if (op->back > BACK_WANTED && begin_rollback(op))
		return;
	if (is_superseded(op)) {
		op->is_over = true;
		op->back = BACK_NO;
	}
	for (size_t i = 0; op->cc != NULL && !op->is_over &&
	    i < op->cc->n_deploys; i++) {
		const struct conf_deploy *dep = op->cc->deploys[i];
		struct target *t = rollout_find(op->cert, dep->name);

		if (!TAILQ_EMPTY(&op->tasks) && !op->cc->deploy_parallel)
			return;
		if (is_anothers(op, t)) {
			is_blocked = true;
			if (!op->cc->deploy_parallel)
				return;
		} else if (is_next(op, t, dep, now)) {
			task_start(op, dep, t);
		}
	}
	if (!TAILQ_EMPTY(&op->tasks) || is_blocked)
		return;
	if (!begin_rollback(op))
		op_finish(op);
}

/* Whoever only waits for what is served, of an earlier certificate, need not
 * go on. */
static void
stop_waiting(struct rollout *r, const struct cert *cert)
{
	struct rollout_run *op, *next;
	struct task *task;

	for (op = TAILQ_FIRST(&r->ops); op != NULL; op = next) {
		bool only_waits = true;

		next = TAILQ_NEXT(op, link);
		if (op->cert != cert || is_awaited(op))
			continue;
		TAILQ_FOREACH(task, &op->tasks, link)
			only_waits &= strcmp(task_state(task),
			    "verifying") == 0;
		if (only_waits)
			op_free(op);
	}
}

struct rollout_run *
rollout_run_start(struct rollout *r, struct cert *cert,
    rollout_done_cb *done, void *arg)
{
	struct rollout_run *op = xcalloc(1, sizeof(*op));

	if (done != NULL)
		stop_waiting(r, cert);

	op->rollout = r;
	op->cert = cert;
	op->conf = conf_ref(r->env->certs->conf);
	op->cc = conf_find_cert(op->conf, cert->row.name);
	op->live_dir = store_live_path(r->env->store, cert->row.name);
	op->done = done;
	op->arg = arg;
	TAILQ_INIT(&op->tasks);
	cert->deploys++;
	TAILQ_INSERT_TAIL(&r->ops, op, link);
	timer_init(&op->step, r->env->loop, step_cb, op);
	timer_set(&op->step, 0);
	return op;
}

void
rollout_run_due(struct rollout *r, struct cert *cert, bool is_check)
{
	struct rollout_run *op = rollout_run_start(r, cert, NULL, NULL);

	op->is_check = is_check;
}

struct rollout_run *
rollout_run_told(struct rollout *r, struct cert *cert, const char *target)
{
	struct rollout_run *op = rollout_run_start(r, cert, NULL, NULL);

	op->is_told = true;
	op->only = target != NULL ? xstrdup(target) : NULL;
	return op;
}

void
rollout_rollback(struct rollout *r, struct cert *cert, bool force)
{
	struct rollout_run *op = rollout_run_told(r, cert, NULL);

	op->back = force ? BACK_FORCED : BACK_COMMAND;
}

bool
rollout_is_rolling_back(const struct rollout *r, const struct cert *cert)
{
	const struct rollout_run *op;

	TAILQ_FOREACH(op, &r->ops, link) {
		if (op->cert == cert && op->back > BACK_WANTED)
			return true;
	}
	return false;
}

bool
rollout_settle(struct rollout *r, const struct cert *cert)
{
	struct rollout_run *op, *next;
	bool is_settled = true;

	for (op = TAILQ_FIRST(&r->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, link);
		if (op->cert != cert)
			continue;
		if (is_awaited(op))
			is_settled = false;
		else
			op_free(op);
	}
	return is_settled;
}

void
rollout_stop(struct rollout *r)
{
	struct rollout_run *op, *next;

	r->is_started = false;
	timer_clear(&r->retry);
	for (op = TAILQ_FIRST(&r->ops); op != NULL; op = next) {
		next = TAILQ_NEXT(op, link);
		if (op->done == NULL)	/* the others belong to their run */
			op_free(op);
	}
}
