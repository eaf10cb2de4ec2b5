/* SPDX-License-Identifier: MIT */
/*
 * priv - what the files of engine/ share: struct engine.  Nobody else includes
 * it.
 */
#ifndef DAEMON_ENGINE_PRIV_H
#define DAEMON_ENGINE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/alerts/env.h"
#include "daemon/certs/certs.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cluster/cluster.h"
#include "daemon/cluster/publisher.h"
#include "daemon/cluster/replica.h"
#include "daemon/config/conf.h"
#include "daemon/dns/provider_env.h"
#include "daemon/engine/engine.h"
#include "daemon/fleet/env.h"
#include "daemon/io/clockwatch.h"
#include "daemon/io/loop.h"
#include "daemon/manage/manage.h"
#include "daemon/persist/persist_env.h"
#include "daemon/preflight/preflight.h"
#include "daemon/renewal/env.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollout.h"
#include "daemon/watches/watches.h"

struct ari;
struct csrs;
struct hosts;
struct reports;
struct waves;
struct requests;
struct persist_jobs;
struct persist_watch;
struct notifier;
struct rehearsals;
struct turns;
struct revocations;
struct tls_alpn;
struct textfile;

struct engine {
	struct engine_args a;		/* conf is the one in force */
	const struct conf *conf;
	time_t		 started_at, loaded_at;
	char		*reload_error;
	struct dns	*dns;
	struct etcd	*etcd;
	struct provider_env providers;
	struct certs	*certs;
	struct accounts	*accounts;
	struct holds	*holds;
	struct cleanup	*cleanup;
	struct http01	*http01;
	struct tls_alpn	*tls_alpn;
	struct tokens	*tokens;
	struct gate	*gate;		/* of live/ and what is made of it */
	struct hooks	*hooks;
	struct rollout	*rollout;
	struct notifier	*notifier;
	struct textfile	*textfile;
	struct ari	*ari;

	struct cert	**ready;	/* due, waiting for a place */
	size_t		 n_ready, next_ready;
	struct timer	 schedule;	/* looks at all, */
	struct timer	 sweep;		/* so soon at the latest */
	TAILQ_HEAD(, cert) looks;	/* to be looked at alone, */
	struct timer	 look;
	struct clockwatch clock;
	bool		 is_stopping;
	unsigned long	 renewed, failed;	/* runs, for /metrics */

	struct timer	 stop_tick;
	int64_t		 stop_by_ms;	/* monotonic */
	void		(*stop_done)(void *);
	void		*stop_arg;
	struct cleanup_wait_op *stop_wait;
	struct preflights *preflights;
	struct persist_watch *persist_watch;
	struct persist_jobs *persist_jobs;
	struct manage_jobs *manage_jobs;
	struct revocations *revocations;
	struct rehearsals *rehearsals;
	struct turns	*turns;
	struct watches	*watches;
	struct reports	*reports;	/* what we say to publishers */
	struct hosts	*hosts;		/* what hosts say to us */
	struct waves	*waves;		/* who takes a new version first */
	struct csrs	*csrs;
	struct requests	*requests;

	struct cluster	*cluster;
	struct replica	*replica;
	struct publisher *publisher;	/* the cluster's key of it */
	struct timer	 shared_tick;
	uint64_t	 cluster_hash;	/* of the section in force; 0: none */
	bool		 redoes;	/* it is another: look again at all
					   that is ours, once we are in */
	unsigned	 n_locking;	/* locks being asked for, */
	bool		 waits_to_lock;	/* and more would have been */
	int64_t		 shared_stop_by_ms;	/* monotonic */
	void		(*shared_done)(void *);
	void		*shared_arg;

	/* What the rooms use. */
	struct cleanup_env cleanup_env;
	struct rollout_env rollout_env;
	struct source_streams *streams;
	struct renewal_env renewal_env;
	struct preflight_env preflight_env;
	struct persist_env persist_env;
	struct manage_env manage_env;
	struct alerts_env alerts_env;
	struct watches_env watches_env;
	struct cluster_env cluster_env;
	struct cluster_adopt cluster_adopt;
	struct replica_env replica_env;
	struct fleet_env fleet_env;
};

/* --- command.c --- */
/* The certificate for a command: NULL with engine_renew_now()'s errors if it is
 * not configured. */
struct cert	*engine_find_known(const struct engine *, const char *name,
		    struct error *);

/* Of revocations_new(): renew what is to be revoked. */
void		 engine_revocation_kept(const char *cert, const struct error *,
		    void *engine);

/* --- next.c --- */
/* When the certificate must be looked at next; 0: now; -1: never. */
time_t		 engine_next_at(const struct engine *, const struct cert *,
		    const char **action);
/* Until when one that is due waits for what its account may ask for
 * (budget.h); 0: it does not. */
time_t		 engine_limited_until(const struct cert *, struct error *why);
/* When it is due, whatever its account may; 0: now. */
time_t		 engine_due_of(const struct cert *, const char **action);
/* Whatever was tried and failed: when is it to be renewed, also where it lacks
 * names?  0: now. */
time_t		 engine_needed_at(const struct cert *);
/* Was a renewal begun, and does the next run go on with its order, which needs
 * no other?  It may have been left at another CA. */
bool		 engine_goes_on(const struct cert *);
/* Has a person paused it?  What is to be revoked is replaced all the same. */
bool		 engine_is_paused(const struct engine *, const struct cert *);
/* After a run that the cluster did not let go on, seconds. */
#define ENGINE_PUT_OFF_S 5

/* --- ended.c --- */
/* renewal_done_cb; the arg is the engine. */
void		 engine_run_done(struct cert *, enum step,
		    const struct error *, void *engine);

/* --- schedule.c --- */
/* Of pointers to certificates, for qsort(): who goes first, what was asked for,
 * then what expires first. */
int		 engine_by_urgency(const void *, const void *);
/* Begin runs of what is queued, as far as there are places. */
void		 engine_start_ready(struct engine *);
/* Look at all certificates in the next turn. */
void		 engine_reschedule(struct engine *);
/* Look at one in the next turn, as its own state has changed: not at each of
 * 100,000 for an event of one.  At all soon after. */
void		 engine_look(struct engine *, struct cert *);
/* Not any more. */
void		 engine_unlook(struct engine *, struct cert *);
/* Queue what is due and start what may run; the arg is the engine. */
void		 engine_schedule_cb(void *);
void		 engine_look_cb(void *);

/* --- status.c --- */
/* As engine_next_at(), or its next deploy if that is sooner. */
time_t		 engine_next_any(const struct engine *, const struct cert *,
		    const char **action);
/* "next" of doc/control-api.md: what is done next, be it a deploy. */
json_t		*engine_next_json(const struct engine *,
		    const struct cert *);

#endif
