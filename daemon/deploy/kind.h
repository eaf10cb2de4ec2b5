/* SPDX-License-Identifier: MIT */
/*
 * kind - what a kind of deploy step is, and is given.  One file and one header
 * for each; deploy.c runs those that a target asks for.
 */
#ifndef DAEMON_DEPLOY_KIND_H
#define DAEMON_DEPLOY_KIND_H

#include <stdbool.h>
#include <time.h>

struct children;
struct cloud_turns;
struct conf_cert;
struct conf_deploy;
struct dns;
struct error;
struct etcd;
struct gate;
struct hooks;
struct http;
struct leases;
struct loop;
struct object_fence;
struct sdbus;
struct slots;
struct store;
struct unit_jobs;

/* What steps work with; lives as long as the engine. */
struct deploy_env {
	struct loop	*loop;
	struct children	*children;
	struct http	*http;
	struct leases	*leases;	/* of credentials */
	struct etcd	*etcd;
	struct sdbus	*sdbus;
	struct hooks	*hooks;
	struct gate	*gate;
	struct unit_jobs *units;
	struct slots	*work;		/* steps that work, of all targets */
	struct slots	*asking;	/* connections of verify, likewise */
	struct cloud_turns *clouds;	/* of those who upload to one store */
	struct store	*store;
	const char	*scratch;	/* directory for files of a moment;
					   0700, empty at start */
	struct dns	*dns;
	/* Will another certificate soon want the same step (reload, restart,
	   start) of this unit?  NULL: no. */
	bool		(*is_more)(const char *step, const char *unit,
			    void *arg);
	void		*arg;
};

struct deploy_args {			/* borrowed until done or cancel */
	const struct deploy_env *env;
	const struct conf_cert *cert;	/* with the names that are in it */
	const struct conf_cert *wanted;	/* with all that are configured; NULL:
					   those are all in it */
	const struct conf_deploy *target;
	const char	*live_dir;	/* .../live/NAME, for other programs */
	const char	*version_dir;	/* .../archive/NAME/SERIAL: what live
					   was; read this, it does not change */
	const char	*serial;	/* hex, of the leaf there */
	time_t		 renew_at;	/* when it is planned to be renewed */
	const struct object_fence *fence;	/* of what is published; NULL:
						   none */
	const char	*only;		/* run steps of this kind only; NULL:
					   all that the target asks for */
	bool		 is_check;	/* only find out whether it could be
					   done (kind.h, check) */
	/* Progress, a line at a time; may be NULL; gets done's arg.  Must not
	   cancel. */
	void		(*line)(const char *line, void *arg);
	/* The step fails, and this is what is served instead: of all that was
	   seen, the dates of the certificate that ends first.  is_all false:
	   somebody could not be asked.  May be NULL; gets done's arg. */
	void		(*seen)(time_t not_before, time_t not_after,
			    bool is_all, void *arg);
};

/* err NULL: every step is done.  Else its code is "deploy:KIND" (or one that
 * begins so) and its kind tells whether trying again can help. */
typedef void deploy_done_cb(const struct error *err, void *arg);

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
