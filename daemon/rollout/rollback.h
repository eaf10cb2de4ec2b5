/* SPDX-License-Identifier: MIT */
/*
 * rollback - the previous version of a certificate goes live again.  For the
 * rollout (on_verify_failure) and acmectl rollback.
 */
#ifndef DAEMON_ROLLOUT_ROLLBACK_H
#define DAEMON_ROLLOUT_ROLLBACK_H

#include <stdbool.h>

struct cert;
struct error;

/*
 * live/NAME and the row are the previous version's when it returns; to plan
 * and deploy it is the caller's, who holds the gate.  The
 * scheduler tries to renew in a day (sooner where that one ends before), not
 * at once, although it is most likely due.  why: a target failed, and so the
 * certificate counts as failing; NULL: a person wanted it, and all is well.
 * Errors as store_previous().
 */
int	rollback_cert(struct cert *, bool force, const char *why,
	    struct error *);
/* Is there something to go back to? */
int	rollback_check(const struct cert *, bool force, struct error *);
/* Codes of row.error then: after a failure, and where a person asked. */
#define ROLLBACK_CODE "deploy:rolled-back"
#define ROLLBACK_BY_COMMAND "engine:rolled-back"
/* Was it rolled back, and not renewed since? */
bool	rollback_is_done(const struct cert *);
bool	rollback_is_error(const struct error *);
/* The same, by a person: row.error is a note, and no failure. */
bool	rollback_is_wanted(const struct cert *);

#endif
