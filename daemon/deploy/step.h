/* SPDX-License-Identifier: MIT */
/*
 * step - what an operation of a deploy step begins with: what it was asked to
 * do, and whom it tells.  A kind has it as the first member of its own.
 */
#ifndef DAEMON_DEPLOY_STEP_H
#define DAEMON_DEPLOY_STEP_H

#include "daemon/deploy/deploy.h"
#include "daemon/io/loop.h"

struct step {
	struct deploy_args a;
	struct timer	 turn;
	deploy_done_cb	*done;
	void		*arg;
};

/* begin(op) is called in the next turn of the loop. */
void	step_init(struct step *, const struct deploy_args *,
	    void (*begin)(void *op), void *op, deploy_done_cb *done,
	    void *arg);
/* It begins no more. */
void	step_clear(struct step *);
/* A line of progress. */
void	step_say(const struct step *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
/* Call done; an error (NULL: none) gets the code "deploy:KIND". */
void	step_tell(const struct step *, const char *kind,
	    const struct error *);

#endif
