/* SPDX-License-Identifier: MIT */
/*
 * persist_job - the standing records of dns-persist-01 of one certificate:
 * which account and CA they name, then one after the other.  Called by
 * control/; doc/control-api.md has the reply.
 *
 * They are meant to stay: the journal of cleanup knows nothing of them.  A
 * job that is broken off has written what it has; the next one goes on.
 */
#ifndef DAEMON_PERSIST_PERSIST_JOB_H
#define DAEMON_PERSIST_PERSIST_JOB_H

#include <jansson.h>
#include <time.h>

#include "daemon/persist/persist_record.h"

struct error;
struct persist_env;
struct persist_job;
struct persist_jobs;

struct persist_job_args {		/* borrowed; copied */
	const char	*cert;
	enum persist_act act;
	time_t		 until;		/* persistUntil; 0: for ever */
};

/*
 * The reply is borrowed.  A record that could not be written has its error in
 * it.  Errors: ERR_CONFIG "engine:unknown-cert", "persist:no-issuer" (the CA
 * names itself nowhere), those of the account and of acme_meta_start();
 * ERR_TRANSIENT "engine:stopping".
 */
typedef void persist_job_done_cb(const struct error *err, const json_t *reply,
    void *arg);

/* The jobs under way. */
struct persist_jobs *persist_jobs_new(const struct persist_env *);
/* End all of them, and each that is begun from now on. */
void		 persist_jobs_stop(struct persist_jobs *);
void		 persist_jobs_free(struct persist_jobs *);

struct persist_job *persist_job_start(struct persist_jobs *,
		    const struct persist_job_args *,
		    persist_job_done_cb *done, void *arg);
void		 persist_job_cancel(struct persist_job *);

#endif
