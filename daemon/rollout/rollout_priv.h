/* SPDX-License-Identifier: MIT */
/* rollout_priv - what the files of rollout share.  Nobody else includes it. */
#ifndef DAEMON_ROLLOUT_ROLLOUT_PRIV_H
#define DAEMON_ROLLOUT_ROLLOUT_PRIV_H

#include "daemon/certs/certs.h"
#include "daemon/deploy/deploy.h"
#include "daemon/io/loop.h"
#include "daemon/rollout/rollout.h"

struct gate_op;

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

/* One target under way. */
struct task {
	TAILQ_ENTRY(task) link;
	struct rollout_run *run;
	struct target	*target;
	const struct conf_deploy *dep;	/* in run->conf */
	struct deploy_op *op;
	char		 serial[64];	/* it was begun for */
	uint64_t	 hash;		/* ... and with these settings */
	time_t		 seen_before, seen_after;	/* of what is served
					   instead; 0: nothing was seen */
	bool		 saw_all;
	char		*version_dir;
	struct conf_cert *cc;		/* run->cc with the names that the
					   certificate has; NULL: it has its
					   own, all of them */
};

/* One round over the targets of one certificate. */
struct rollout_run {
	TAILQ_ENTRY(rollout_run) link;
	struct rollout	*rollout;
	struct cert	*cert;
	const struct conf *conf;	/* in force when none of tasks ran */
	const struct conf_cert *cc;	/* in conf; NULL: not any more */
	bool		 is_check;	/* only look */
	bool		 is_told;	/* its end is an event */
	char		*only;		/* target; NULL: all */
	TAILQ_HEAD(, task) tasks;
	unsigned	 n_done;
	struct timer	 step;
	char		*live_dir;
	unsigned	 failed;
	struct error	 err;		/* of the first that failed */
	enum { BACK_NO, BACK_WANTED, BACK_COMMAND, BACK_FORCED } back;
	struct gate_op	*gate;		/* until it may roll back */
	bool		 is_over;	/* nothing is to be done any more */
	rollout_done_cb	*done;		/* NULL: nobody waits */
	void		*arg;
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
/* Do other members of the cluster take this version first? */
bool		 rollout_waits_for_wave(const struct cert *,
		    const struct conf_deploy *);
/* When a target that is not done may run; while it waits for its wave, when to
 * look again. */
time_t		 rollout_target_at(const struct cert *, const struct target *,
		    const struct conf_deploy *, time_t now);
/* Draw the time of the next daily look. */
time_t		 rollout_next_check(const struct conf_deploy *,
		    const struct target *, time_t now);
/* Forget targets that are not configured any more. */
void		 rollout_drop_removed(struct rollout *, struct cert *);

/* --- rollout_task.c --- */
/* Begin the target; a look, if the run is one. */
void		 task_start(struct rollout_run *, const struct conf_deploy *,
		    struct target *);
/* It ends here, and nobody is told. */
void		 task_free(struct task *);
/* "verifying", or "running". */
const char	*task_state(const struct task *);
/* What it runs. */
const struct deploy_op *task_op(const struct task *);

/* --- rollout_gather.c --- */
/* deploy_env's is_more; the arg is the rollout. */
bool		 rollout_is_more(const char *step, const char *unit,
		    void *arg);

/* --- rollout_run.c --- */
/* A task of the run has ended: on to the next; others of the certificate may
 * have waited for it. */
void		 rollout_run_go_on(struct rollout_run *);
/* A run that nobody waits for: what is due, or (is_check) the daily looks. */
void		 rollout_run_due(struct rollout *, struct cert *,
		    bool is_check);
/* A run whose end is told; NULL: all targets. */
struct rollout_run *rollout_run_told(struct rollout *, struct cert *,
		    const char *target);

#endif
