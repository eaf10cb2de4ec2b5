/* SPDX-License-Identifier: MIT */
/*
 * rollback - the previous version of a certificate goes live again.  For the
 * deployer (on_verify_failure) and acmectl rollback.
 */
#ifndef DAEMON_ENGINE_ROLLBACK_H
#define DAEMON_ENGINE_ROLLBACK_H

#include <stdbool.h>

struct cert;
struct error;

/*
 * live/NAME, the row and the plan of the deployer are the previous version's
 * when it returns; to deploy is the caller's.  The certificate then counts as
 * failed, with `why`: the scheduler tries to renew in a day (sooner where
 * that one ends before), not at once, although it is most likely due.
 * Errors as store_rollback().
 */
int	rollback_cert(struct cert *, bool force, const char *why,
	    struct error *);
/* Was it rolled back, and not renewed since? */
bool	rollback_is_done(const struct cert *);

#endif
