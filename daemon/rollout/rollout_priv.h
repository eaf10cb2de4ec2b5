/* SPDX-License-Identifier: MIT */
/* rollout_priv - what the files of rollout share.  Nobody else includes it. */
#ifndef DAEMON_ROLLOUT_ROLLOUT_PRIV_H
#define DAEMON_ROLLOUT_ROLLOUT_PRIV_H

#include "daemon/certs/certs.h"
#include "daemon/deploy/deploy.h"
#include "daemon/io/loop.h"
#include "daemon/rollout/rollout.h"

struct task;

/* One target of one certificate, as its row says. */
struct target {
	TAILQ_ENTRY(target) link;	/* in its struct cert */
	struct store_deploy row;
	struct task	*task;		/* running; NULL: not */
	const struct rollout_run *tried;	/* had its turn in this one */
};

struct rollout {
	const struct rollout_env *env;
	struct deploy_env steps;	/* what steps work with */
	struct timer	 retry;
	bool		 is_started;
	size_t		 pending;	/* targets not done, of all */
	TAILQ_HEAD(, rollout_run) ops;
};

/* Of the certificate, by name; NULL if there is none. */
struct target	*rollout_find(const struct cert *, const char *name);
/* The target as it is configured now; NULL: not any more. */
const struct conf_deploy *rollout_conf(const struct cert *,
		    const char *name);
void		 rollout_save(struct rollout *, const struct target *);

/* --- rollout_served.c --- */
/* What it serves, while it does not have what it is to have.  The row is not
 * saved, here and below. */
void		 rollout_serves(struct target *, time_t not_before,
		    time_t not_after);
/* The same, as deploy.h's `seen` tells it; no window holds it when that is
 * near its end. */
void		 rollout_seen(struct target *, time_t not_before,
		    time_t not_after, bool is_all);
/* The end of what it serves, as far as known; 0: not known. */
time_t		 rollout_served_until(const struct target *);

/* --- rollout.c --- */
/* Not done any more; the row is not saved. */
void		 rollout_undo(struct rollout *, struct target *);
/* When a target that is not done may run. */
time_t		 rollout_target_at(const struct target *,
		    const struct conf_deploy *, time_t now);
/* Draw the time of the next daily look. */
time_t		 rollout_next_check(const struct conf_deploy *, time_t now);
/* Forget targets that are not configured any more. */
void		 rollout_drop_removed(struct rollout *, struct cert *);

/* "verifying", or "running". */
const char	*task_state(const struct task *);
/* What it runs. */
const struct deploy_op *task_op(const struct task *);

/* --- rollout_gather.c --- */
/* deploy_env's is_more; the arg is the rollout. */
bool		 rollout_is_more(const char *step, const char *unit,
		    void *arg);

/* A run that nobody waits for: what is due, or (is_check) the daily looks. */
void		 rollout_run_due(struct rollout *, struct cert *,
		    bool is_check);
/* A run whose end is told; NULL: all targets. */
struct rollout_run *rollout_run_told(struct rollout *, struct cert *,
		    const char *target);

#endif
