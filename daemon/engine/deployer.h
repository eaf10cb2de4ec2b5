/* SPDX-License-Identifier: MIT */
/*
 * deployer - the deploy actions of installed certificates.  Each is a durable
 * row: pending at installation, done, or failed and tried again with backoff.
 * A failed action never undoes the certificate.
 */
#ifndef DAEMON_ENGINE_DEPLOYER_H
#define DAEMON_ENGINE_DEPLOYER_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct cert;
struct conf_cert;
struct deployer;
struct deployer_run;
struct engine;
struct error;

struct deployer	*deployer_new(struct engine *);
void		 deployer_free(struct deployer *);
/* Run what is not done, now and later; what failed may have been mended. */
void		 deployer_start(struct deployer *);
/* End what is under way and begin nothing more. */
void		 deployer_stop(struct deployer *);
/* A run has ended, which kept its certificate's retries back. */
void		 deployer_kick(struct deployer *);
/* The configuration changed: forget actions that are gone, try failed ones. */
void		 deployer_reload(struct deployer *);

/* Write pending rows for a certificate just installed (this transaction). */
void		 deployer_plan(struct deployer *, struct cert *,
		    const struct conf_cert *, const char *serial);

/*
 * Run the pending actions of one certificate now, in the order of the
 * configuration.  err: how many failed and why; all were tried.
 */
typedef void deployer_done_cb(const struct error *err, void *arg);
struct deployer_run *deployer_run_start(struct deployer *, struct cert *,
		    deployer_done_cb *done, void *arg);
void		 deployer_run_cancel(struct deployer_run *);

/* "deploy" of doc/control-api.md. */
json_t		*deployer_json(const struct cert *);
/* When the next failed action of this certificate is tried; 0: none. */
time_t		 deployer_next_at(const struct cert *);
/* Free what is kept of this certificate in memory. */
void		 deployer_forget(struct cert *);
/* Actions not done, for /metrics. */
size_t		 deployer_pending(const struct deployer *);

#endif
