/* SPDX-License-Identifier: MIT */
/*
 * refusal - what a CA says of its limits in words alone: until when, and for
 * which names.  The texts are Boulder's (ratelimits/transaction.go and
 * wfe2/wfe.go); see https://letsencrypt.org/docs/rate-limits/.  Pure.
 */
#ifndef DAEMON_ACME_REFUSAL_H
#define DAEMON_ACME_REFUSAL_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/names.h"

struct error;

/* "..., retry after 2026-01-02 03:04:05 UTC: see ...", or the same as
 * 2026-01-02T03:04:05Z; 0: it names no time. */
time_t	refusal_retry_at(const char *text);

/*
 * A name whose validation has failed so often that the CA has paused it, until
 * somebody opens its page: *err becomes ERR_CONFIG "acme:paused", with the
 * names and the whole link.  (A link that was cut is of no use: one that does
 * not fit is left out.)  It lets its reader unpause these names, and nothing
 * else, so that it is no secret and may be in logs and mails.  false: the text
 * is of something else, and *err is as it was.
 */
bool	refusal_read_paused(const char *text, struct error *err);

/* What a limit is about. */
enum refusal_about {
	REFUSAL_ACCOUNT,	/* or everybody: all that is asked */
	REFUSAL_DOMAIN,		/* all names in a registered domain */
	REFUSAL_NAME,		/* one name */
	REFUSAL_NAMES,		/* these names, or this set of them */
};
/* domain: of REFUSAL_DOMAIN and REFUSAL_NAME, canonical. */
enum refusal_about refusal_about(const struct error *,
	    char domain[DNAME_SIZE]);

#endif
