/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/unit_job.h"

#include <assert.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/deploy/config_test.h"
#include "daemon/deploy/deploy.h"
#include "daemon/deploy/exec.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/polkit.h"
#include "daemon/deploy/unit_log.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"

#define OUTPUT_MAX	16384
#define JOIN_MS		50	/* others may be about to join */
#define LOOK_MS		100	/* are more on their way? */
#define SETTLE_MS	300
#define JOURNAL_LAG_MS	200	/* what was just said is not there yet */
#define JOURNAL_MS	5000

/* One who waits for a job. */
struct unit_wait {
	TAILQ_ENTRY(unit_wait) link;
	struct unit_job	*job;
	void		(*line)(const char *line, void *arg);
	unit_job_cb	*done;
	void		*arg;
};

struct unit_job {
	TAILQ_ENTRY(unit_job) link;
	struct unit_jobs *jobs;
	TAILQ_HEAD(, unit_wait) waits;
	struct unit_job_args a;		/* unit and test are copies */
	char		**test;
	int64_t		 since_ms;	/* somebody waits */
	int64_t		 joined_ms;	/* the last of them came */
	bool		 is_gathering;	/* and has said so */
	bool		 has_begun;	/* nobody may join any more */
	bool		 has_ended;	/* those who waited are being told */
	bool		 is_start;	/* of a unit that had failed */
	struct gate_op	*gate;
	struct child_op	*child;
	struct sdbus_op	*bus;
	struct unit_log_op *log;
	struct timer	 turn;		/* to begin; to read the log */
	time_t		 since;		/* the job began */
	struct error	 before;	/* is_start: why there is no reload */
	struct error	 why;		/* it failed ... */
	struct sdbus_unit unit;		/* ... and of whom */
};

struct unit_jobs {
	const struct deploy_env *env;
	TAILQ_HEAD(, unit_job) all;	/* in the order in which they begin */
};

static void	begin_bus(struct unit_job *, enum sdbus_verb);

static void
say(struct unit_job *job, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

static void
say(struct unit_job *job, const char *fmt, ...)
{
	char text[2048];
	struct unit_wait *w;
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	TAILQ_FOREACH(w, &job->waits, link) {
		if (w->line != NULL)
			w->line(text, w->arg);
	}
}

/* --- life --- */

static bool
is_same_argv(char *const *a, const char *const *b)
{
	if (a == NULL || b == NULL)
		return a == NULL && b == NULL;
	for (; *a != NULL && *b != NULL; a++, b++) {
		if (strcmp(*a, *b) != 0)
			return false;
	}
	return *a == NULL && *b == NULL;
}

static bool
is_same(const struct unit_job *job, const struct unit_job_args *a)
{
	return job->a.verb == a->verb && strcmp(job->a.unit, a->unit) == 0 &&
	    job->a.only_ask == a->only_ask &&
	    job->a.timeout_s == a->timeout_s && job->a.is_own == a->is_own &&
	    is_same_argv(job->test, a->test);
}

/* Is an equal one before it?  That one goes first. */
static bool
is_behind(const struct unit_job *job)
{
	const struct unit_job *other;

	TAILQ_FOREACH(other, &job->jobs->all, link) {
		if (other == job)
			return false;
		if (is_same(other, &job->a))
			return true;
	}
	return false;
}

static void
job_free(struct unit_job *job)
{
	struct unit_jobs *jobs = job->jobs;
	struct unit_job *other;

	child_cancel(job->child);
	sdbus_cancel(job->bus);
	unit_log_cancel(job->log);
	gate_end(job->gate);
	timer_clear(&job->turn);
	TAILQ_REMOVE(&jobs->all, job, link);
	TAILQ_FOREACH(other, &jobs->all, link) {
		if (!other->has_begun && other->gate == NULL &&
		    !timer_is_set(&other->turn) && is_same(other, &job->a))
			timer_set(&other->turn, 0);
	}
	strv_free(job->test);
	free((char *)(uintptr_t)job->a.unit);
	free(job);
}

void
unit_job_leave(struct unit_wait *w)
{
	struct unit_job *job;

	if (w == NULL)
		return;
	job = w->job;
	TAILQ_REMOVE(&job->waits, w, link);
	free(w);
	if (TAILQ_EMPTY(&job->waits) && !job->has_ended)
		job_free(job);
}

/* err NULL: it went well. */
static void
finish(struct unit_job *job, const struct error *err)
{
	struct unit_wait *w;

	job->has_ended = true;
	while ((w = TAILQ_FIRST(&job->waits)) != NULL) {
		unit_job_cb *done = w->done;
		void *arg = w->arg;

		unit_job_leave(w);
		done(err, arg);
	}
	job_free(job);
}

/* --- the end of a job that failed --- */

static void
add(struct error *err, const char *text)
{
	size_t used = strlen(err->msg);

	(void)text_printf(err->msg + used, sizeof(err->msg) - used, "%s",
	    text);
}

static void
set_code(struct unit_job *job, const char *word)
{
	(void)text_printf(job->why.code, sizeof(job->why.code),
	    "deploy:%s:%s", sdbus_verb_name(job->a.verb), word);
}

static void
log_read(const char *lines, void *arg)
{
	struct unit_job *job = arg;

	job->log = NULL;
	if (lines[0] != '\0') {
		add(&job->why, "; its log: ");
		add(&job->why, lines);
	} else {
		add(&job->why, "; see journalctl -u ");
		add(&job->why, job->unit.id);
	}
	finish(job, &job->why);
}

static void
log_cb(void *arg)
{
	struct unit_job *job = arg;

	job->log = unit_log_start(job->jobs->env->children, job->unit.id,
	    job->since, log_read, job);
}

/* why is set; tell it, with the unit's own words if there may be any. */
static void
failed(struct unit_job *job)
{
	/* It has read what it reads. */
	gate_end(job->gate);
	job->gate = NULL;
	if (!job->unit.has_log) {
		finish(job, &job->why);
		return;
	}
	timer_init(&job->turn, job->jobs->env->loop, log_cb, job);
	timer_set(&job->turn, JOURNAL_LAG_MS);
}

static void
denied(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct unit_job *job = arg;
	char word[32];

	job->child = NULL;
	polkit_explain(sdbus_verb_name(job->a.verb), job->unit.id,
	    err == NULL ? reply->out : "", &job->why);
	(void)text_printf(word, sizeof(word), "%s", job->why.code +
	    strlen("unit:"));
	set_code(job, word);
	failed(job);
}

/* Of the log of polkit it is seen why. */
static void
ask_polkit(struct unit_job *job)
{
	char **env = deploy_exec_base_env();
	struct child_args args = {
		.argv = polkit_log_argv,
		.env = (const char *const *)env,
		.max_output = OUTPUT_MAX,
		.timeout_ms = JOURNAL_MS,
	};

	job->child = child_start(job->jobs->env->children, &args, denied,
	    job);
	deploy_exec_env_free(env);
}

/* The unit had failed before, and could not be started either. */
static void
explain_start(struct unit_job *job)
{
	char text[512];

	if (!polkit_is_refusal(&job->why))
		return;
	job->why = job->before;
	(void)text_printf(text, sizeof(text), "; to start it: systemctl start "
	    "%s (acmed would, if a polkit rule allowed it the verb \"start\" "
	    "for this unit, see acmed(8))", job->unit.id);
	add(&job->why, text);
	job->unit.has_log = true;
	job->since = 0;		/* what it said when it failed */
}

static void
bus_done(const struct error *err, const struct sdbus_unit *unit, void *arg)
{
	struct unit_job *job = arg;
	const char *word;

	job->bus = NULL;
	job->unit = *unit;
	if (err == NULL) {
		if (unit->was_stopped && !job->a.only_ask)
			say(job, "%s is not running: it will read the new "
			    "files when it is started", unit->id);
		finish(job, NULL);
		return;
	}
	if (unit->was_failed && !job->is_start && !job->a.only_ask) {
		job->is_start = true;
		job->before = *err;
		say(job, "%s has failed: starting it", unit->id);
		begin_bus(job, SDBUS_START);
		return;
	}
	job->why = *err;
	word = strncmp(err->code, "unit:", 5) == 0 ? err->code + 5 : "bus";
	if (!job->is_start && polkit_is_refusal(err)) {
		ask_polkit(job);
		return;
	}
	if (job->is_start)
		explain_start(job);
	set_code(job, job->is_start ? "failed" : word);
	failed(job);
}

static void
begin_bus(struct unit_job *job, enum sdbus_verb verb)
{
	struct sdbus_args args = {
		.verb = verb,
		.unit = job->a.unit,
		.timeout_ms = job->a.timeout_s * 1000,
		.settle_ms = SETTLE_MS,
		.only_ask = job->a.only_ask,
	};

	job->since = clock_now();
	job->bus = sdbus_start(job->jobs->env->sdbus, &args, bus_done, job);
}

/* --- the test of the configuration --- */

static void
run_verb(struct unit_job *job)
{
	if (!job->a.only_ask)
		say(job, "%s %s", sdbus_verb_name(job->a.verb), job->a.unit);
	begin_bus(job, job->a.verb);
}

static void
tested(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct unit_job *job = arg;

	job->child = NULL;
	switch (config_test_judge(job->a.test, job->a.is_own, geteuid() == 0,
	    err, reply, &job->why)) {
	case CONFIG_BAD:
		(void)error_wrap(&job->why, "%s: the test of its "
		    "configuration failed, so there was no %s", job->a.unit,
		    sdbus_verb_name(job->a.verb));
		set_code(job, "config-test");
		finish(job, &job->why);
		return;
	case CONFIG_UNSEEN:
		say(job, "its configuration cannot be tested without "
		    "privileges: %s", job->why.msg);
		break;
	case CONFIG_GOOD:
		break;
	}
	run_verb(job);
}

/* It may read: nobody joins any more. */
static void
may_read(void *arg)
{
	struct unit_job *job = arg;
	char **env;
	struct child_args args = {
		.argv = job->a.test,
		.max_output = OUTPUT_MAX,
		.timeout_ms = job->a.timeout_s * 1000,
	};

	job->has_begun = true;
	if (job->a.test == NULL) {
		run_verb(job);
		return;
	}
	env = deploy_exec_base_env();
	args.env = (const char *const *)env;
	job->child = child_start(job->jobs->env->children, &args, tested, job);
	deploy_exec_env_free(env);
}

/* Is it worth while to wait for others who are on their way? */
static bool
gathers(struct unit_job *job)
{
	const struct deploy_env *env = job->jobs->env;
	const char *verb = sdbus_verb_name(job->a.verb);
	int64_t now = clock_mono_ms();

	if (job->a.only_ask || env->is_more == NULL ||
	    now - job->joined_ms >= UNIT_JOB_QUIET_MS ||
	    now - job->since_ms >= UNIT_JOB_GATHER_MS ||
	    !env->is_more(verb, job->a.unit, env->arg))
		return false;
	if (!job->is_gathering)
		say(job, "%s of %s waits a moment for other certificates that "
		    "are being renewed", verb, job->a.unit);
	job->is_gathering = true;
	return true;
}

static void
begin_cb(void *arg)
{
	struct unit_job *job = arg;
	char what[SDBUS_NAME_MAX + 32];

	if (is_behind(job))
		return;		/* job_free() of that one goes on */
	if (gathers(job)) {
		timer_set(&job->turn, LOOK_MS);
		return;
	}
	(void)text_printf(what, sizeof(what), "%s of %s",
	    sdbus_verb_name(job->a.verb), job->a.unit);
	job->gate = gate_read_start(job->jobs->env->gate, what, may_read, job);
}

static struct unit_job *
job_new(struct unit_jobs *jobs, const struct unit_job_args *a)
{
	struct unit_job *job = xcalloc(1, sizeof(*job));

	job->jobs = jobs;
	job->a = *a;
	job->a.unit = xstrdup(a->unit);
	job->test = strv_copy(a->test);
	job->a.test = (const char *const *)job->test;
	TAILQ_INIT(&job->waits);
	TAILQ_INSERT_TAIL(&jobs->all, job, link);
	timer_init(&job->turn, jobs->env->loop, begin_cb, job);
	timer_set(&job->turn, JOIN_MS);
	job->since_ms = clock_mono_ms();
	return job;
}

struct unit_wait *
unit_job_join(struct unit_jobs *jobs, const struct unit_job_args *a,
    unit_job_cb *done, void *arg)
{
	struct unit_wait *w = xcalloc(1, sizeof(*w));
	struct unit_job *job;

	TAILQ_FOREACH(job, &jobs->all, link) {
		if (!job->has_begun && is_same(job, a))
			break;
	}
	if (job == NULL)
		job = job_new(jobs, a);
	w->job = job;
	w->line = a->line;
	w->done = done;
	w->arg = arg;
	TAILQ_INSERT_TAIL(&job->waits, w, link);
	job->joined_ms = clock_mono_ms();
	return w;
}

struct unit_jobs *
unit_jobs_new(const struct deploy_env *env)
{
	struct unit_jobs *jobs = xcalloc(1, sizeof(*jobs));

	jobs->env = env;
	TAILQ_INIT(&jobs->all);
	return jobs;
}

void
unit_jobs_free(struct unit_jobs *jobs)
{
	assert(jobs == NULL || TAILQ_EMPTY(&jobs->all));
	free(jobs);
}
