/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/config_test.h"
#include "daemon/deploy/unit_job.h"
#include "daemon/io/loop.h"
#include "daemon/store/keys.h"

struct unit_op {
	struct deploy_args a;
	enum sdbus_verb	 verb;
	char		**units;	/* of the target */
	size_t		 next;
	struct timer	 turn;
	struct unit_wait *wait;
	struct error	 first;
	unsigned	 failed;
	deploy_done_cb	*done;
	void		*arg;
};

static void
unit_cancel(void *arg)
{
	struct unit_op *op = arg;

	if (op == NULL)
		return;
	unit_job_leave(op->wait);
	timer_clear(&op->turn);
	free(op);
}

static void
line_cb(const char *line, void *arg)
{
	struct unit_op *op = arg;

	if (op->a.line != NULL)
		op->a.line(line, op->arg);
}

/* If this unit did not do it, the others have their turn. */
static void
unit_done(const struct error *err, void *arg)
{
	struct unit_op *op = arg;

	op->wait = NULL;
	if (err != NULL && op->failed++ == 0)
		op->first = *err;
	if (err != NULL && op->units[op->next] != NULL)
		line_cb(err->msg, op);
	timer_set(&op->turn, 0);
}

static void
next_unit(void *arg)
{
	struct unit_op *op = arg;
	struct unit_job_args args = {
		.verb = op->verb,
		.unit = op->units[op->next],
		.is_own = op->a.target->config_test != NULL,
		.timeout_s = op->a.target->timeout_s,
		.only_ask = op->a.is_check,
		.line = line_cb,
	};

	if (args.unit == NULL) {
		if (op->failed > 1)
			(void)error_wrap(&op->first, "%u units failed; the "
			    "first", op->failed);
		op->done(op->failed > 0 ? &op->first : NULL, op->arg);
		unit_cancel(op);
		return;
	}
	op->next++;
	if (op->verb != SDBUS_START)
		args.test = config_test_argv(op->a.target, args.unit,
		    geteuid() == 0);
	op->wait = unit_job_join(op->a.env->units, &args, unit_done, op);
}

/* Files that do not fit together must not reach any server. */
static void
begin(void *arg)
{
	struct unit_op *op = arg;

	if (!op->a.is_check &&
	    cert_files_check(op->a.version_dir, &op->first) == -1) {
		(void)text_printf(op->first.code, sizeof(op->first.code),
		    "deploy:%s:files", sdbus_verb_name(op->verb));
		op->done(&op->first, op->arg);
		unit_cancel(op);
		return;
	}
	timer_init(&op->turn, op->a.env->loop, next_unit, op);
	next_unit(op);
}

static void *
unit_start(const struct deploy_args *a, enum sdbus_verb verb, char **units,
    deploy_done_cb *done, void *arg)
{
	struct unit_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->verb = verb;
	op->units = units;
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->env->loop, begin, op);
	timer_set(&op->turn, 0);
	return op;
}

bool
unit_is_wanted(const struct conf_deploy *target, const char *step,
    const char *unit)
{
	char **const lists[SDBUS_VERB_END] = {
		[SDBUS_RELOAD] = target->reload,
		[SDBUS_RESTART] = target->restart,
		[SDBUS_START] = target->start,
	};

	for (int i = 0; i < SDBUS_VERB_END; i++) {
		if (strcmp(sdbus_verb_name((enum sdbus_verb)i), step) != 0)
			continue;
		for (char **u = lists[i]; u != NULL && *u != NULL; u++) {
			if (strcmp(*u, unit) == 0)
				return true;
		}
	}
	return false;
}

static void *
reload_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	return unit_start(a, SDBUS_RELOAD, a->target->reload, done, arg);
}

static bool
reload_is_wanted(const struct deploy_args *a)
{
	return a->target->reload != NULL;
}

static void *
restart_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	return unit_start(a, SDBUS_RESTART, a->target->restart, done, arg);
}

static bool
restart_is_wanted(const struct deploy_args *a)
{
	return a->target->restart != NULL;
}

static void *
start_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	return unit_start(a, SDBUS_START, a->target->start, done, arg);
}

static bool
start_is_wanted(const struct deploy_args *a)
{
	return a->target->start != NULL;
}

const struct deploy_kind deploy_reload = {
	.name = "reload",
	.is_wanted = reload_is_wanted,
	.start = reload_start,
	.cancel = unit_cancel,
	.is_wait = true,
	.start_checks = true,
};

const struct deploy_kind deploy_restart = {
	.name = "restart",
	.is_wanted = restart_is_wanted,
	.start = restart_start,
	.cancel = unit_cancel,
	.is_wait = true,
	.start_checks = true,
};

const struct deploy_kind deploy_start_unit = {
	.name = "start",
	.is_wanted = start_is_wanted,
	.start = start_start,
	.cancel = unit_cancel,
	.is_wait = true,
	.start_checks = true,
};
