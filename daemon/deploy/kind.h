/* SPDX-License-Identifier: MIT */
/*
 * kind - what a kind of deploy step is.  One file and one header for each;
 * deploy.c runs those that a target asks for.
 */
#ifndef DAEMON_DEPLOY_KIND_H
#define DAEMON_DEPLOY_KIND_H

#include "daemon/deploy/deploy.h"

/* An asynchronous operation, as everywhere; the op is the kind's own. */
struct deploy_kind {
	const char	*name;		/* as in the configuration */
	/* Does the target ask for it? */
	bool		(*is_wanted)(const struct deploy_args *);
	/* done gets arg; so does args->line. */
	void		*(*start)(const struct deploy_args *,
			    deploy_done_cb *done, void *arg);
	void		(*cancel)(void *op);
	/* It waits for most of its time, or for what others do: no slot of
	 * deploy_env's work is taken for it. */
	bool		is_wait;
	/*
	 * For args->is_check: could it be done?  Nothing changes that stays,
	 * and no server notices.  Either check tells at once (0, or -1 with
	 * start's error), or start itself looks at is_check; with neither the
	 * step is passed over: only doing it would tell.
	 */
	int		(*check)(const struct deploy_args *, struct error *);
	bool		 start_checks;
};

/* In the order in which they run; ended by NULL. */
extern const struct deploy_kind *const deploy_kinds[];

#endif
