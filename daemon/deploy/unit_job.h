/* SPDX-License-Identifier: MIT */
/*
 * unit_job - one test of the configuration and one job of systemd for all who
 * want the same of a unit at the same time.  A server reads the files of all
 * its certificates at each reload, so that one serves every target that waits
 * when it begins; whoever comes later waits for the next.  While more are on
 * their way (deploy_env's is_more) it waits for them, until nobody has come
 * for UNIT_JOB_QUIET_MS, and for UNIT_JOB_GATHER_MS at most.  Jobs of the same
 * kind run one after the other, each as a reader of the gate (gate.h).
 *
 * The reload of a unit that has failed is a start: a server that could not
 * start for want of its files is left down by nobody.
 */
#ifndef DAEMON_DEPLOY_UNIT_JOB_H
#define DAEMON_DEPLOY_UNIT_JOB_H

#include <stdbool.h>

#include "daemon/io/sdbus.h"

#define UNIT_JOB_QUIET_MS	2000
#define UNIT_JOB_GATHER_MS	10000

struct deploy_env;
struct error;
struct unit_jobs;
struct unit_wait;

struct unit_job_args {			/* borrowed until the job has ended */
	enum sdbus_verb	 verb;
	const char	*unit;
	const char *const *test;	/* argv; NULL: none */
	bool		 only_ask;	/* the test, and whether systemd would
					   let us; nothing else happens */
	bool		 is_own;	/* test: of the configuration */
	unsigned	 timeout_s;	/* of the test, and of the job */
	/* Progress; may be NULL; gets done's arg.  Must not leave. */
	void		(*line)(const char *line, void *arg);
};

/*
 * err: its code is "deploy:VERB:WORD", where WORD is "config-test" or what
 * follows "unit:" in sdbus.h; the message has the unit's own last words.
 */
typedef void unit_job_cb(const struct error *err, void *arg);

/* env: borrowed; its loop, children, sdbus, gate and is_more are used. */
struct unit_jobs *unit_jobs_new(const struct deploy_env *env);
/* Everybody must have left before.  NULL is allowed. */
void		 unit_jobs_free(struct unit_jobs *);
struct unit_wait *unit_job_join(struct unit_jobs *,
		    const struct unit_job_args *, unit_job_cb *done, void *arg);
/* What nobody waits for is cancelled.  NULL is allowed. */
void		 unit_job_leave(struct unit_wait *);

#endif
