/* SPDX-License-Identifier: MIT */
/*
 * job - a request that is answered once, when an operation of the daemon is
 * over.  At most JOB_MAX are under way; meanwhile the connection has no time
 * limits, and when the client leaves, the operation is cancelled.
 */
#ifndef DAEMON_CONTROL_JOB_H
#define DAEMON_CONTROL_JOB_H

#include <jansson.h>

struct call;
struct error;
struct job;

/* NULL: there are too many, and the client has been told. */
struct job	*job_begin(struct call *);
/* What it waits for, started with job_done() and the job as its argument. */
void		 job_waits(struct job *, void (*cancel)(void *op), void *op);
/* The reply, which is borrowed, or the error.  The job is over. */
void		 job_done(const struct error *, const json_t *reply,
		    void *job);

#endif
