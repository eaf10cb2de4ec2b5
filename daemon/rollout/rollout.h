/* SPDX-License-Identifier: MIT */
/*
 * deployer - the deploy targets of installed certificates.  Each is a durable
 * row: pending since the installation, then done, or failed and tried again
 * with backoff; a target that is done is looked at once a day if it says how
 * to verify.  A crash anywhere leaves a row that is not done, and the target
 * runs again from its first step.  A failed target never undoes the
 * certificate, unless it is told to roll back.
 *
 * Its events carry a "code" and "target" for those who tell people:
 *   deploy:done            after a failure, or a new certificate
 *   deploy:failed          it is tried again
 *   deploy:serving-old     the same, and an earlier certificate was seen;
 *                          a warning at first and then daily, else info
 *   deploy:check-failed    the daily look found nobody to ask
 *   deploy:rolled-back, deploy:rollback-failed
 */
#ifndef DAEMON_ROLLOUT_ROLLOUT_H
#define DAEMON_ROLLOUT_ROLLOUT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <time.h>

struct cert;
struct certs;
struct children;
struct conf_cert;
struct deploy_env;
struct deployer;
struct deployer_run;
struct dns;
struct error;
struct gate;
struct hooks;
struct http;
struct loop;
struct sdbus;
struct store;

/* What it uses; borrowed until freed. */
struct rollout_env {
	struct loop	*loop;
	struct store	*store;
	struct children	*children;
	struct http	*http;
	struct dns	*dns;
	struct sdbus	*sdbus;
	struct gate	*gate;
	struct hooks	*hooks;
	struct certs	*certs;
};

struct deployer	*deployer_new(const struct rollout_env *);
void		 deployer_free(struct deployer *);
/* What steps work with. */
const struct deploy_env *deployer_env(const struct deployer *);
/* Run what is not done, now and later; what failed may have been mended. */
void		 deployer_start(struct deployer *);
/* End what is under way and begin nothing more. */
void		 deployer_stop(struct deployer *);
/* A run has ended, which kept its certificate's retries back. */
void		 deployer_kick(struct deployer *);
/* The configuration changed: forget targets that are gone, try failed ones,
 * run those that are new or do something else now. */
void		 deployer_reload(struct deployer *);

/* Write pending rows for a certificate just installed (this transaction);
 * cert->row tells its dates. */
void		 deployer_plan(struct deployer *, struct cert *,
		    const struct conf_cert *, const char *serial);

/*
 * Run the pending targets of one certificate now, but those that wait for
 * their deploy_window.  err: how many failed and why; all were tried.
 */
typedef void deployer_done_cb(const struct error *err, void *arg);
struct deployer_run *deployer_run_start(struct deployer *, struct cert *,
		    deployer_done_cb *done, void *arg);
void		 deployer_run_cancel(struct deployer_run *);

/*
 * Run all targets of a certificate (or one: target not NULL) again, whatever
 * their state and their windows; the end is told as an event with "end".  If
 * that is under way already, its end is.  ERR_CONFIG "engine:no-target".
 */
int		 deployer_force(struct deployer *, struct cert *,
		    const char *target, struct error *);

/* Cancel what runs of it and nobody waits for; false: something is left. */
bool		 deployer_settle(struct deployer *, struct cert *);
/* Roll back when the gate is open, then run all; the end is told as by
 * deployer_force().  rollback_check() has said that it can be done. */
void		 deployer_rollback(struct deployer *, struct cert *,
		    bool force);
/* Does that wait for the gate?  Nothing else is to be installed. */
bool		 deployer_is_rolling_back(const struct deployer *,
		    const struct cert *);
/* No window holds what is not done. */
void		 deployer_urge(struct deployer *, struct cert *);

/* "deploy" of doc/control-api.md. */
json_t		*deployer_json(const struct cert *);
/* When the next target of this certificate is tried; 0: none. */
time_t		 deployer_next_at(const struct cert *);
/* Free what is kept of this certificate in memory. */
void		 deployer_forget(struct cert *);
/* Targets not done, for /metrics. */
size_t		 deployer_pending(const struct deployer *);
/* Targets whose last try failed, or that never succeeded: not well until they
 * do, also while they are tried again. */
size_t		 deployer_not_deployed(const struct cert *);
/* Is a first try, for which nothing has failed yet, under way? */
bool		 deployer_is_first(const struct cert *);
/* Targets of this certificate where an earlier one is served. */
size_t		 deployer_serving_old(const struct cert *);

/* A target that is not done. */
struct deploy_open {
	const char	*name;		/* borrowed */
	unsigned	 tries;		/* that failed */
	time_t		 next_at;	/* 0: it is running */
	const char	*error;		/* of the last try, or "" */
	bool		 serves_old;	/* an earlier certificate was seen */
	/* Of what is served, as far as known: seen, or what it got the last
	   time; 0: not known. */
	time_t		 served_before, served_after;
};
void		 deployer_open_each(const struct cert *,
		    void (*each)(const struct deploy_open *, void *),
		    void *);
/* 0 and *out, or -1 if there is no such target, or it is done. */
int		 deployer_open_get(const struct cert *, const char *target,
		    struct deploy_open *out);
/* Prometheus text: of each target when what it serves ends, if that is known,
 * or whether that is an earlier certificate. */
void		 deployer_served(const struct cert *, FILE *);
void		 deployer_old(const struct cert *, FILE *);

#endif
