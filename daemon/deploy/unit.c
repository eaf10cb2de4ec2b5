/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/unit.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/config_test.h"
#include "daemon/deploy/exec.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"
#include "daemon/io/sdbus.h"
#include "daemon/store/keys.h"

#define OUTPUT_MAX	16384
#define SETTLE_MS	300
#define JOURNAL_LAG_MS	200	/* what was just said is not there yet */
#define JOURNAL_MS	5000
#define JOURNAL_LINES	"5"
#define LOG_SIZE	900
#define POLKIT_ACTION	"org.freedesktop.systemd1.manage-units"
#define POLKIT_FILE	"/etc/polkit-1/rules.d/50-acmed.rules"

struct unit_op {
	struct deploy_args a;
	enum sdbus_verb	 verb;
	char		**units;	/* of the target */
	size_t		 next;
	struct timer	 turn;
	char		**env;		/* of programs */
	const char *const *test;	/* under way, or the last */
	struct child_op	*child;
	struct sdbus_op	*job;
	time_t		 since;		/* the job began */
	struct sdbus_unit unit;		/* whose job failed, and ... */
	struct error	 why;		/* ... this is the reason */
	struct error	 first;
	unsigned	 failed;
	deploy_done_cb	*done;
	void		*arg;
};

static void	next_unit(void *);

static void
say(const struct unit_op *op, const char *fmt, const char *what,
    const char *more)
{
	char *text;

	if (op->a.line == NULL)
		return;
	text = xasprintf("%s%s%s", fmt, what, more);
	op->a.line(text, op->arg);
	free(text);
}

static void
unit_cancel(void *arg)
{
	struct unit_op *op = arg;

	if (op == NULL)
		return;
	child_cancel(op->child);
	sdbus_cancel(op->job);
	timer_clear(&op->turn);
	deploy_exec_env_free(op->env);
	free(op);
}

static const char *
unit_now(const struct unit_op *op)
{
	return op->units[op->next - 1];
}

static void
set_code(const struct unit_op *op, struct error *err, const char *word)
{
	(void)text_printf(err->code, sizeof(err->code), "deploy:%s:%s",
	    sdbus_verb_name(op->verb), word);
}

/* This unit did not do it; the others have their turn. */
static void
unit_failed(struct unit_op *op, const struct error *err)
{
	if (op->failed++ == 0)
		op->first = *err;
	if (op->units[op->next] != NULL)
		say(op, "", err->msg, "");
	timer_set(&op->turn, 0);
}

/* --- the journal --- */

/* The lines that journalctl found, as one. */
static void
join_lines(const char *text, char out[LOG_SIZE])
{
	out[0] = '\0';
	while (*text != '\0') {
		size_t len = strcspn(text, "\n"), used = strlen(out);

		if (len > 0)
			(void)text_printf(out + used, LOG_SIZE - used,
			    "%s%.*s", used > 0 ? " | " : "", (int)len, text);
		text += len + (text[len] == '\n');
	}
	text_clean(out);
}

static void
log_read(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct unit_op *op = arg;
	char lines[LOG_SIZE] = "";
	struct error *why = &op->why;
	size_t used = strlen(why->msg);

	op->child = NULL;
	if (err == NULL)
		join_lines(reply->out, lines);
	if (lines[0] != '\0')
		(void)text_printf(why->msg + used, sizeof(why->msg) - used,
		    "; its log: %s", lines);
	else
		(void)text_printf(why->msg + used, sizeof(why->msg) - used,
		    "; see journalctl -u %s", op->unit.id);
	unit_failed(op, why);
}

static void
read_log(void *arg)
{
	struct unit_op *op = arg;
	char *since = xasprintf("--since=@%lld", (long long)op->since);
	const char *argv[] = { "journalctl", "--no-pager", "-q", "-o", "cat",
	    "-n", JOURNAL_LINES, since, "-u", op->unit.id, NULL };
	struct child_args args = {
		.argv = argv,
		.env = (const char *const *)op->env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = JOURNAL_MS,
	};

	op->child = child_start(op->a.env->children, &args, log_read, op);
	timer_init(&op->turn, op->a.env->loop, next_unit, op);
	free(since);
}

/* --- the job --- */

static void
explain_rule(const struct unit_op *op, struct error *err)
{
	size_t used = strlen(err->msg);

	(void)text_printf(err->msg + used, sizeof(err->msg) - used,
	    ": no polkit rule allows this user %s with verb \"%s\" and unit "
	    "\"%s\"; add it to %s, see acmed(8)", POLKIT_ACTION,
	    sdbus_verb_name(op->verb), op->unit.id, POLKIT_FILE);
}

static void
job_done(const struct error *err, const struct sdbus_unit *unit, void *arg)
{
	struct unit_op *op = arg;
	const char *word;

	op->job = NULL;
	op->unit = *unit;
	if (err == NULL) {
		if (unit->was_stopped)
			say(op, unit->id, " is not running: it will read the "
			    "new files when it is started", "");
		timer_set(&op->turn, 0);
		return;
	}
	op->why = *err;
	word = strncmp(err->code, "unit:", 5) == 0 ? err->code + 5 : "bus";
	if (strcmp(word, "denied") == 0)
		explain_rule(op, &op->why);
	set_code(op, &op->why, word);
	if (!unit->has_log) {
		unit_failed(op, &op->why);
		return;
	}
	timer_init(&op->turn, op->a.env->loop, read_log, op);
	timer_set(&op->turn, JOURNAL_LAG_MS);
}

static void
begin_job(struct unit_op *op)
{
	struct sdbus_args args = {
		.verb = op->verb,
		.unit = unit_now(op),
		.timeout_ms = op->a.target->timeout_s * 1000,
		.settle_ms = SETTLE_MS,
	};

	say(op, sdbus_verb_name(op->verb), " ", args.unit);
	op->since = clock_now();
	op->job = sdbus_start(op->a.env->sdbus, &args, job_done, op);
}

/* --- the test of the configuration --- */

static void
tested(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct unit_op *op = arg;
	struct error why;

	op->child = NULL;
	switch (config_test_judge(op->test, op->a.target->config_test != NULL,
	    geteuid() == 0, err, reply, &why)) {
	case CONFIG_BAD:
		(void)error_wrap(&why, "%s: the test of its configuration "
		    "failed, so there was no %s", unit_now(op),
		    sdbus_verb_name(op->verb));
		set_code(op, &why, "config-test");
		unit_failed(op, &why);
		return;
	case CONFIG_UNSEEN:
		say(op, "its configuration cannot be tested without "
		    "privileges: ", why.msg, "");
		break;
	case CONFIG_GOOD:
		break;
	}
	begin_job(op);
}

static void
begin_test(struct unit_op *op)
{
	struct child_args args = {
		.argv = op->test,
		.env = (const char *const *)op->env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = op->a.target->timeout_s * 1000,
	};

	op->child = child_start(op->a.env->children, &args, tested, op);
}

static void
next_unit(void *arg)
{
	struct unit_op *op = arg;

	if (op->units[op->next] == NULL) {
		if (op->failed > 1)
			(void)error_wrap(&op->first, "%u units failed; the "
			    "first", op->failed);
		op->done(op->failed > 0 ? &op->first : NULL, op->arg);
		unit_cancel(op);
		return;
	}
	op->next++;
	op->test = config_test_argv(op->a.target, unit_now(op));
	if (op->test != NULL && op->verb != SDBUS_START)
		begin_test(op);
	else
		begin_job(op);
}

/* Files that do not fit together must not reach any server. */
static void
begin(void *arg)
{
	struct unit_op *op = arg;

	if (cert_files_check(op->a.version_dir, &op->first) == -1) {
		set_code(op, &op->first, "files");
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
	op->env = deploy_exec_env(a);
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->env->loop, begin, op);
	timer_set(&op->turn, 0);
	return op;
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
};

const struct deploy_kind deploy_restart = {
	.name = "restart",
	.is_wanted = restart_is_wanted,
	.start = restart_start,
	.cancel = unit_cancel,
};

const struct deploy_kind deploy_start_unit = {
	.name = "start",
	.is_wanted = start_is_wanted,
	.start = start_start,
	.cancel = unit_cancel,
};
