/* SPDX-License-Identifier: MIT */
/*
 * floor - the least time between two orders for one certificate, whatever a CA
 * hands out.  One that is due as it comes (backdated, cut short, of seconds
 * only; or this machine's clock is wrong), and a run that got nothing although
 * it had asked for the certificate, hold the next order of our own for an
 * hour, and for a day from the second one in a row on.  A person who asks is
 * not held.
 *
 * The pause is kept as that after any failure is, in the row: so it is shown,
 * told, and outlives restarts.
 */
#ifndef DAEMON_CERTS_FLOOR_H
#define DAEMON_CERTS_FLOOR_H

#include <stdbool.h>

#include "daemon/certs/step.h"

struct cert;
struct error;
struct store_cert;

/* What such a certificate is shown as: the error's code. */
#define FLOOR_DUE_ON_ARRIVAL "engine:due-on-arrival"

/*
 * The row has become that of a new certificate, without failures; names are
 * those that it was asked for with.  clock says how this machine's and the CA's
 * differ ("": they do not); NULL: not known.
 */
void		 floor_installed(struct cert *, const char *names,
		    const char *clock);
/* A run has failed in that step, and the row's retry_at is set: it may have
 * to be later.  The row is not saved. */
void		 floor_failed(struct cert *, enum step,
		    const struct error *);
/* Is the row's error that its certificate was due as it came? */
bool		 floor_is_held(const struct store_cert *);

#endif
