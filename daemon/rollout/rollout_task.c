/* SPDX-License-Identifier: MIT */
/* rollout_task - one target of a round: its steps, and how they ended. */
#include "daemon/rollout/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/missing.h"
#include "daemon/deploy/verify.h"
#include "daemon/rollout/rollout_priv.h"

#define ALARM_S		(23 * 3600)	/* warned again of what stays */
#define CHECK_RETRY_S	3600	/* nobody could be asked */

const char *
task_state(const struct task *task)
{
	return strcmp(deploy_step(task->op), "verify") == 0 ? "verifying" :
	    "running";
}

const struct deploy_op *
task_op(const struct task *task)
{
	return task->op;
}

void
task_free(struct task *task)
{
	deploy_cancel(task->op);
	task->target->task = NULL;
	TAILQ_REMOVE(&task->run->tasks, task, link);
	free(task->version_dir);
	free(task->cc);
	free(task);
}

/* --- how it ended --- */

/* What stays wrong is warned of once a day, not at every try. */
static enum log_level
alarm_level(struct target *t, time_t now)
{
	if (t->row.alarm_at != 0 && now - t->row.alarm_at < ALARM_S &&
	    t->row.alarm_at <= now)
		return LOGL_INFO;
	t->row.alarm_at = now;
	return LOGL_WARNING;
}

static void
put_error(struct target *t, const struct error *err)
{
	free(t->row.error);
	t->row.error = xstrdup(err->msg);
	text_clean(t->row.error);
}

static void
target_failed(struct task *task, const struct error *err)
{
	struct rollout_run *op = task->run;
	struct target *t = task->target;
	time_t now = clock_now();
	enum log_level level = LOGL_WARNING;
	char span[TEXT_SPAN_MAX];

	t->row.tries++;
	t->row.retry_at = due_soon_retry_at(t->row.tries, now);
	t->row.is_old = strcmp(err->code, VERIFY_ERR_OLD) == 0;
	if (t->row.is_old)
		level = alarm_level(t, now);
	put_error(t, err);
	event_deploy(op->rollout->env->certs, op->cert->row.name,
	    t->row.target,
	    t->row.is_old ? "deploy:serving-old" : "deploy:failed", level,
	    "deploy \"%s\" failed: %s; next try in %s", t->row.target,
	    err->msg, text_span(t->row.retry_at - now, span));
	if (task->dep->rollback && err->kind != ERR_CONFIG &&
	    strncmp(err->code, VERIFY_ERR, strlen(VERIFY_ERR)) == 0)
		op->back = BACK_WANTED;
	if (op->failed++ == 0) {
		op->err = *err;
		(void)error_wrap(&op->err, "deploy \"%s\"", t->row.target);
	}
}

static void
target_succeeded(struct task *task)
{
	struct rollout_run *op = task->run;
	struct target *t = task->target;

	t->row.done = true;
	op->rollout->pending--;
	t->row.done_at = clock_now();
	t->row.check_at = rollout_next_check(task->dep, t,
	    t->row.done_at);
	xstrset(&t->row.error, NULL);
	t->row.is_old = false;
	t->row.served_before = t->row.served_after = 0;
	t->row.alarm_at = 0;
	op->n_done++;
	event_deploy(op->rollout->env->certs, op->cert->row.name,
	    t->row.target,
	    "deploy:done", LOGL_NOTICE, "deploy \"%s\" done", t->row.target);
}

/* The look from time to time. */
static void
looked(struct task *task, const struct error *err)
{
	struct certs *certs = task->run->rollout->env->certs;
	const char *cert = task->run->cert->row.name;
	struct target *t = task->target;
	time_t now = clock_now();

	if (err == NULL) {
		if (t->row.error != NULL)
			event_deploy(certs, cert, t->row.target, "deploy:done",
			    LOGL_NOTICE, "deploy \"%s\": the certificate is "
			    "served", t->row.target);
		xstrset(&t->row.error, NULL);
		t->row.alarm_at = 0;
		t->row.check_at = rollout_next_check(task->dep, t, now);
		return;
	}
	put_error(t, err);
	if (strcmp(err->code, VERIFY_ERR) == 0) {
		/* Nobody could be asked: to reload would not help. */
		t->row.check_at = now + CHECK_RETRY_S;
		event_deploy(certs, cert, t->row.target, "deploy:check-failed",
		    alarm_level(t, now), "deploy \"%s\": what is served "
		    "cannot be seen: %s", t->row.target, err->msg);
		return;
	}
	rollout_undo(task->run->rollout, t);
	rollout_serves(t, t->row.not_before, t->row.not_after);
	t->row.is_old = strcmp(err->code, VERIFY_ERR_OLD) == 0;
	event_deploy(certs, cert, t->row.target, t->row.is_old ?
	    "deploy:serving-old" : "deploy:failed", alarm_level(t, now),
	    "deploy \"%s\": %s; it runs again", t->row.target, err->msg);
}

static void
task_done(const struct error *err, void *arg)
{
	struct task *task = arg;
	struct rollout_run *op = task->run;
	struct target *t = task->target;

	task->op = NULL;
	if (strcmp(t->row.serial, task->serial) != 0 ||
	    t->row.hash != task->hash) {
		event_deploy(op->rollout->env->certs, op->cert->row.name,
		    t->row.target, NULL, LOGL_INFO, "deploy \"%s\" begins "
		    "again: there is a newer %s", t->row.target,
		    strcmp(t->row.serial, task->serial) != 0 ? "certificate" :
		    "configuration");
		t->tried = NULL;
	} else if (op->is_check) {
		looked(task, err);
	} else if (err != NULL) {
		target_failed(task, err);
	} else {
		target_succeeded(task);
	}
	if (task->seen_after != 0 && !t->row.done)
		rollout_seen(t, task->seen_before, task->seen_after,
		    task->saw_all);
	rollout_save(op->rollout, t);
	task_free(task);
	rollout_run_go_on(op);
}

static void
output_line(const char *line, void *arg)
{
	struct task *task = arg;

	event_deploy(task->run->rollout->env->certs, task->run->cert->row.name,
	    task->target->row.target, NULL, LOGL_INFO, "%s: %s",
	    task->target->row.target, line);
}

static void
seen_cb(time_t not_before, time_t not_after, bool is_all, void *arg)
{
	struct task *task = arg;

	task->seen_before = not_before;
	task->seen_after = not_after;
	task->saw_all = is_all;
}

/* --- its beginning --- */

void
task_start(struct rollout_run *op, const struct conf_deploy *dep,
    struct target *t)
{
	struct rollout *r = op->rollout;
	struct task *task = xcalloc(1, sizeof(*task));
	bool by_ari;
	struct deploy_args args = {
		.env = &r->steps,
		.cert = op->cc,
		.wanted = op->cc,
		.target = dep,
		.live_dir = op->live_dir,
		.serial = task->serial,
		.renew_at = ari_window_due_at(op->cert, &by_ari),
		.only = op->is_check ? "verify" : NULL,
		.line = output_line,
		.seen = seen_cb,
	};

	task->run = op;
	task->target = t;
	task->dep = dep;
	task->cc = missing_installed_conf(op->cert, op->cc);
	if (task->cc == NULL)
		task->cc = cert_conf_named(op->cc, op->cert->row.names);
	if (task->cc != NULL)
		args.cert = task->cc;
	(void)text_printf(task->serial, sizeof(task->serial), "%s",
	    t->row.serial);
	task->hash = t->row.hash;
	task->version_dir = store_live_version_path(r->env->store,
	    op->cert->row.name);
	args.version_dir = task->version_dir;
	t->task = task;
	t->tried = op;
	TAILQ_INSERT_TAIL(&op->tasks, task, link);
	event_deploy(r->env->certs, op->cert->row.name, dep->name, NULL,
	    LOGL_INFO, "deploy \"%s\" %s", dep->name, op->is_check ?
	    "is looked at" : "begins");
	task->op = deploy_start(&args, task_done, task);
}
