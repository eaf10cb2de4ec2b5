/* SPDX-License-Identifier: MIT */
/*
 * rollout - the deploy targets of installed certificates.  Each is a durable
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
struct rollout;
struct rollout_run;
struct dns;
struct error;
struct etcd;
struct gate;
struct hooks;
struct http;
struct leases;
struct loop;
struct sdbus;
struct slots;
struct store;

/* What it uses; borrowed until freed. */
struct rollout_env {
	struct loop	*loop;
	struct store	*store;
	struct children	*children;
	struct http	*http;
	struct leases	*leases;
	struct etcd	*etcd;
	struct dns	*dns;
	struct sdbus	*sdbus;
	struct gate	*gate;
	struct hooks	*hooks;
	struct certs	*certs;
	struct slots	*takeovers;	/* at work at one time */
	/* From now on it is due here (takeover.h); NULL: nobody asks. */
	void		(*taken_over)(struct cert *, void *arg);
	/* What its cluster has published was looked at; NULL: nobody asks. */
	void		(*looked)(struct cert *, void *arg);
	void		*arg;
};

struct rollout	*rollout_new(const struct rollout_env *);
void		 rollout_free(struct rollout *);
/* What steps work with. */
const struct deploy_env *rollout_env(const struct rollout *);
/* Run what is not done, now and later; what failed may have been mended.  At
 * the start and after a reload: targets that are gone are forgotten, those
 * that are new or do something else now are run. */
void		 rollout_start(struct rollout *);
/* Of a certificate of a cluster, which is configured: another member renews it
 * now, and what runs there runs here no more; or the other way round. */
void		 rollout_follow(struct rollout *, struct cert *);
/* End what is under way and begin nothing more. */
void		 rollout_stop(struct rollout *);
/* Look again what is to be run: a renewal may have kept its certificate's
 * retries back. */
void		 rollout_kick(struct rollout *);

/* Write pending rows for a certificate just installed (this transaction);
 * cert->row tells its dates. */
void		 rollout_plan(struct rollout *, struct cert *,
		    const struct conf_cert *, const char *serial);

/*
 * Run the pending targets of one certificate now, but those that wait for
 * their deploy_window.  err: how many failed and why; all were tried.
 */
typedef void rollout_done_cb(const struct error *err, void *arg);
struct rollout_run *rollout_run_start(struct rollout *, struct cert *,
		    rollout_done_cb *done, void *arg);
void		 rollout_run_cancel(struct rollout_run *);

/*
 * Run all targets of a certificate (or one: target not NULL) again, whatever
 * their state and their windows; the end is told as an event with "end".  If
 * that is under way already, its end is.  ERR_CONFIG "engine:no-target".
 */
int		 rollout_force(struct rollout *, struct cert *,
		    const char *target, struct error *);

/* Cancel what runs of it and nobody waits for; false: one is left whose end
 * will be told. */
bool		 rollout_settle(struct rollout *, const struct cert *);
/* Roll back when the gate is open, then run all; the end is told as by
 * rollout_force().  rollback_check() has said that it can be done. */
void		 rollout_rollback(struct rollout *, struct cert *,
		    bool force);
/* Does that wait for the gate?  Nothing else is to be installed. */
bool		 rollout_is_rolling_back(const struct rollout *,
		    const struct cert *);
/* No window holds what is not done. */
void		 rollout_urge(struct rollout *, struct cert *);

/* "deploy" of doc/control-api.md. */
json_t		*rollout_json(const struct cert *);
/* When the next target of this certificate is tried; 0: none. */
time_t		 rollout_next_at(const struct cert *);
/* Free what is kept of this certificate in memory. */
void		 rollout_forget(struct cert *);
/* Targets not done, for /metrics. */
size_t		 rollout_pending(const struct rollout *);
/* Targets whose last try failed, or that never succeeded: not well until they
 * do, also while they are tried again. */
size_t		 rollout_not_deployed(const struct cert *);
/* Is a first try, for which nothing has failed yet, under way? */
bool		 rollout_is_first(const struct cert *);
/* Targets of this certificate where an earlier one is served. */
size_t		 rollout_serving_old(const struct cert *);

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
void		 rollout_open_each(const struct cert *,
		    void (*each)(const struct deploy_open *, void *),
		    void *);
/* 0 and *out, or -1 if there is no such target, or it is done. */
int		 rollout_open_get(const struct cert *, const char *target,
		    struct deploy_open *out);
/* When all targets had the installed certificate, or it was installed where
 * there are none; 0: they have not. */
time_t		 rollout_done_at(const struct cert *);
/* The same of one target, and which certificate (borrowed) that was. */
time_t		 rollout_done_get(const struct cert *, const char *target,
		    const char **serial);
/* Prometheus text: of each target when what it serves ends, if that is known;
 * and whether that is the installed certificate, if it was looked at. */
void		 rollout_served(const struct cert *, const char *metric,
		    FILE *);
void		 rollout_match(const struct cert *, const char *metric,
		    FILE *);

#endif
