/* SPDX-License-Identifier: MIT */
/*
 * priv - what the files of engine/ share.  Nobody else includes it.
 */
#ifndef DAEMON_ENGINE_PRIV_H
#define DAEMON_ENGINE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/log.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/config/conf.h"
#include "daemon/dns/provider_run.h"
#include "daemon/engine/engine.h"
#include "daemon/io/loop.h"
#include "daemon/store/store.h"

struct accounts;
struct ari;
struct action;
struct cert_info;
struct cleanup;
struct holds;
struct deployer;
struct gate;
struct http01;
struct preflight;
struct persist_job;
struct persist_watch;
struct hooks;
struct teller;
struct renewal;
struct watch;
struct tokens;

/* Steps of a run, in order; names as in acmectl status and the log. */
enum step {
	STEP_ACCOUNT,
	STEP_ORDER,
	STEP_AUTHORIZE,
	STEP_FINALIZE,
	STEP_DOWNLOAD,
	STEP_INSTALL,
	STEP_DEPLOY,
	STEP_END
};
const char	*step_name(enum step);

/* The deploy actions of one certificate; deployer.c's. */
TAILQ_HEAD(actions, action);

/* One certificate that is, or was, in the configuration. */
struct cert {
	struct engine	*engine;
	const struct conf_cert *conf;	/* in engine->conf; NULL: not in it */
	char		*names;		/* JSON of conf->names, sorted */
	char		*directory;	/* of its account; NULL: it has none */
	struct store_cert row;		/* what state.db says */
	struct renewal	*run;		/* NULL: none */
	struct watch	*watch;		/* NULL: it has no source */
	struct actions	 actions;
	unsigned	 deploys;	/* operations of the deployer */
	bool		 forced;	/* renew-now asked for it */
	bool		 was_forced;	/* ... for the run under way */
	bool		 passes_hold;	/* a person asked, to the end of the
					   run: the account's hold is not for
					   it */
	struct ca_clock	 ca_clock;	/* as the last order found it */
	bool		 is_queued;	/* in engine->ready */
	bool		 has_place;	/* its run is one of max_renewals */
	json_t		*persist;	/* what persist_watch saw, or NULL */
	time_t		 persist_at;	/* when it is to look again */
	time_t		 persist_told_at;	/* of a problem */
	bool		 ari_polling;	/* the CA is being asked */
	bool		 is_pulled;	/* the run is one it called for */
	unsigned	 ari_failures;	/* of asking, in a row */
	bool		 avoids_persist;	/* the CA refused
					   dns-persist-01 in the last run */
};

struct engine {
	struct engine_args a;		/* conf is the one in force */
	const struct conf *conf;
	time_t		 started_at, loaded_at;
	char		*reload_error;
	struct dns	*dns;
	struct provider_env env;
	struct accounts	*accounts;
	struct holds	*holds;
	struct cleanup	*cleanup;
	struct http01	*http01;
	struct tokens	*tokens;
	struct gate	*gate;		/* of live/ and what is made of it */
	struct hooks	*hooks;
	struct deployer	*deployer;
	struct teller	*teller;
	struct ari	*ari;

	struct cert	**certs;	/* sorted by name */
	size_t		 n_certs;
	struct cert	**ready;	/* due, waiting for a place */
	size_t		 n_ready, next_ready;
	unsigned	 running;	/* runs that have a place */
	struct timer	 schedule;
	bool		 is_stopping;
	TAILQ_HEAD(, engine_sub) subs;
	bool		 is_telling;	/* in a round of the subscribers */
	unsigned long	 renewed, failed;	/* runs, for /metrics */

	struct timer	 stop_tick;
	int64_t		 stop_by_ms;	/* monotonic */
	void		(*stop_done)(void *);
	void		*stop_arg;
	struct cleanup_wait_op *stop_wait;
	TAILQ_HEAD(, preflight) preflights;
	struct persist_watch *persist_watch;
	TAILQ_HEAD(, persist_job) persist_jobs;
};

/* --- engine_table.c --- */
/* Read all rows of state.db, before engine_table_apply(). */
void		 engine_table_load(struct engine *);
/* Join the table with a configuration; report NULL, or lists of the names that
 * were added, removed and changed. */
void		 engine_table_apply(struct engine *, const struct conf *,
		    json_t *report);
void		 engine_table_free(struct engine *);
/* The certificate of that name, or NULL. */
struct cert	*engine_find(const struct engine *, const char *name);
/* The same for a command: NULL with engine_renew_now()'s errors if it is not
 * configured. */
struct cert	*engine_find_known(const struct engine *, const char *name,
		    struct error *);
/* The row becomes what live/NAME holds, and that is to be deployed. */
void		 cert_follow_live(struct cert *, const struct cert_info *);
/* Put the row into state.db (the transaction of this turn). */
void		 cert_save(struct cert *);
/* The order under way is of no use any more; not saved. */
void		 cert_order_forget(struct cert *);

/* --- engine_schedule.c --- */
/* When the certificate must be looked at next; 0: now; -1: never. */
time_t		 cert_next_at(const struct cert *, const char **action);
/* The run only deploys from now on: another one may begin. */
void		 engine_give_place(struct cert *);
/* Look at all certificates in the next turn. */
void		 engine_reschedule(struct engine *);
/* Queue what is due and start what may run; the arg is the engine. */
void		 engine_schedule_cb(void *);

/* --- event.c --- */
/*
 * Tell what happens: log line, history and subscribers.  STEP_END stands
 * for the clean-up, which belongs to no run.
 */
void		 event_emit(struct engine *, const char *cert, enum step,
		    enum log_level, const char *fmt, ...)
		    __attribute__((format(printf, 5, 6)));
/* The same of a deploy target, or of all (NULL), with the code of
 * deployer.h; NULL: none. */
void		 event_deploy(struct engine *, const char *cert,
		    const char *target, const char *code, enum log_level,
		    const char *fmt, ...)
		    __attribute__((format(printf, 6, 7)));
/* The last event of a run; err NULL: it went well. */
void		 event_end(struct cert *, enum step, const struct error *err,
		    const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));

/* --- status.c --- */
/* "next" of doc/control-api.md: what is done next, be it a deploy. */
json_t		*cert_next_json(const struct cert *);

/* {"kind", "code", "msg", "at"} */
json_t		*error_json(const struct error *, time_t at);
/* An epoch time, or null for 0 and less. */
json_t		*time_json(time_t);

#endif
