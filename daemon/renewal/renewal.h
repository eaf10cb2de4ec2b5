/* SPDX-License-Identifier: MIT */
/*
 * renewal - one run of one certificate, from account to deploy.  A step never
 * goes back: any failure ends the run with one error, and the engine decides
 * from its kind when the next begins.  What must outlive a crash (order, key)
 * is durable before the act that depends on it, so the next run resumes.
 */
#ifndef DAEMON_RENEWAL_RENEWAL_H
#define DAEMON_RENEWAL_RENEWAL_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/certs/step.h"

struct cert;
struct error;
struct renewal;
struct renewal_env;

/* A run without a hitch, or err; step is where it ended.  The row's
 * names_failed are then set. */
typedef void renewal_done_cb(struct cert *, enum step step,
    const struct error *err, void *arg);

/* cert->run is the caller's to set; the run clears it before done. */
struct renewal	*renewal_start(const struct renewal_env *, struct cert *,
		    renewal_done_cb *done, void *arg);
/* The order stays, to be resumed.  NULL is allowed. */
void		 renewal_cancel(struct renewal *);
/* Is the CA looking at its TXT records right now? */
bool		 renewal_is_judged(const struct renewal *);
/* The "run" of doc/control-api.md. */
json_t		*renewal_json(const struct renewal *);

#endif
