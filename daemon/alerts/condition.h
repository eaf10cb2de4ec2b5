/* SPDX-License-Identifier: MIT */
/*
 * condition - what is the matter with a certificate, as one word: the same in
 * every view (status, the unit's status line, metrics).
 */
#ifndef DAEMON_ALERTS_CONDITION_H
#define DAEMON_ALERTS_CONDITION_H

#include <stdbool.h>
#include <time.h>

struct cert;
struct error;

/* The first that holds. */
enum condition {
	COND_MISSING,		/* there is none yet */
	COND_EXPIRED,
	COND_RENEWING,		/* valid, and being renewed */
	COND_FAILING,		/* valid; the last renewal failed */
	COND_SERVING_OLD,	/* a server was seen with an earlier one */
	COND_NOT_DEPLOYED,	/* a target failed, or never succeeded */
	COND_ROLLED_BACK,	/* to the previous one, until renewed */
	COND_DEPLOYING,
	COND_NAMES_MISSING,	/* it was issued without some of its names */
	COND_OTHER_CA,		/* than the account names now */
	COND_STAGING,		/* of a CA that nobody trusts */
	COND_VALID,
	COND_END
};

enum condition	 condition_of(const struct cert *);
/* "missing", "serving old", ... */
const char	*condition_name(enum condition);
/* Is all well?  Not so as long as a renewal or a target that failed is being
 * tried again; a rollback that a person wanted is well. */
bool		 condition_is_good(const struct cert *);
/* Why the last renewal failed, or none can be tried; NULL: neither. */
const struct error *condition_error(const struct cert *);
/* With how often in a row, and when it did last; 0 without an error. */
struct condition_failure {
	const struct error *err;
	unsigned	 times;
	time_t		 at;
	bool		 is_shared;	/* of another for all its account */
};
struct condition_failure condition_failure(const struct cert *);

#endif
