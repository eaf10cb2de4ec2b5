/* SPDX-License-Identifier: MIT */
/*
 * deploy - one target of one certificate: its steps run one after the other,
 * in the order that the target has them, and the first that fails ends it.  A
 * retry begins with the first step again: every step can be repeated.
 * Called by rollout/, which owns retries and state.
 */
#ifndef DAEMON_DEPLOY_DEPLOY_H
#define DAEMON_DEPLOY_DEPLOY_H

#include <stdbool.h>

#include "daemon/deploy/kind.h"

struct deploy_op;

struct deploy_op *deploy_start(const struct deploy_args *,
		    deploy_done_cb *done, void *arg);
void		 deploy_cancel(struct deploy_op *);
/* The kind of the step under way: "exec", "verify", ... */
const char	*deploy_step(const struct deploy_op *);
/* Is that kind of step still to begin? */
bool		 deploy_comes_to(const struct deploy_op *, const char *kind);

#endif
