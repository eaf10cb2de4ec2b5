/* SPDX-License-Identifier: MIT */
/*
 * rest_step - the operation of a deploy step whose work is a table of steps of
 * a REST API (daemon/rest/rest.h).  The kind's .start is one call of
 * rest_step_start(), its .cancel is rest_step_cancel().
 */
#ifndef DAEMON_DEPLOY_REST_STEP_H
#define DAEMON_DEPLOY_REST_STEP_H

#include <jansson.h>

#include "daemon/deploy/step.h"
#include "daemon/rest/run.h"

/* What the functions of the table get as user. */
struct rest_step_call {
	struct step	 s;		/* s.a: the target, the version */
	const char	*kind;
	json_t		*memo;		/* NULL at the first step; what a step
					   puts there is kept to the last, then
					   released: no secrets */
	struct rest_op	*rest;
};

/*
 * kind is the name of the kind; errors have the code "deploy:KIND".  Of the
 * rest_args those that say where and how are the kind's (steps, base_url,
 * ca_file, failed, ...); loop, http, time limit and user are set here.
 */
void	*rest_step_start(const struct deploy_args *, const char *kind,
	    const struct rest_args *, deploy_done_cb *done, void *arg);
void	 rest_step_cancel(void *op);

#endif
