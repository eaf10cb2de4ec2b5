/* SPDX-License-Identifier: MIT */
/*
 * persist - the TXT record of dns-persist-01 (draft-ietf-acme-dns-persist-01,
 * as Pebble 2.10 and Boulder read it): "ISSUER; accounturi=URL;
 * policy=wildcard; persistUntil=SECONDS" at _validation-persist.NAME.  Text
 * only; who asks the DNS is persist_look.  Called by engine/.
 *
 * What is found is read at least as strictly as any CA does: a record that
 * one CA might refuse is not taken for right, since to answer a challenge in
 * vain counts as a failed validation.
 */
#ifndef DAEMON_DNS_PERSIST_H
#define DAEMON_DNS_PERSIST_H

#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "common/names.h"

struct error;

#define PERSIST_FQDN_SIZE (DNAME_SIZE + 24)
#define PERSIST_UNTIL_MAX 253402300799	/* the end of the year 9999 */

/* The record's name; that of *.example.com is that of example.com. */
void	persist_fqdn(const char *name, char out[PERSIST_FQDN_SIZE]);

/*
 * The value to be published; until 0: for ever.  The caller frees.  NULL and
 * ERR_REJECTED "persist:account" if the account's URL cannot be in a record.
 */
char	*persist_value(const char *issuer, const char *account, bool wildcard,
	    time_t until, struct error *);

/* Which records are looked for.  Borrowed. */
struct persist_want {
	const char *const *issuers;	/* names of the CA, NULL-terminated;
					   NULL: any that names the account */
	const char	*account;	/* its URL */
	bool		 wildcard;	/* policy=wildcard is needed */
	time_t		 now;
};

/* What one record, or the best of several, is; the best last. */
enum persist_match {
	PERSIST_NONE,			/* none is for this CA */
	PERSIST_MALFORMED,		/* for this CA, but misspelt */
	PERSIST_OTHER_ACCOUNT,
	PERSIST_NO_WILDCARD,
	PERSIST_EXPIRED,		/* or about to, within a minute */
	PERSIST_RIGHT,
	PERSIST_MATCH_END
};
/* "missing", "malformed", "other-account", "no-wildcard", "expired",
 * "right". */
const char	*persist_match_name(enum persist_match);

struct persist_verdict {
	enum persist_match match;
	time_t		 until;		/* RIGHT, EXPIRED: persistUntil, the
					   latest of several; 0: for ever */
	char		 why[400];	/* if it is not RIGHT: a clause for a
					   person, "has expired ..." */
};

/* n values of TXT records, each with its strings joined. */
void	persist_judge(const char *const *values, size_t n,
	    const struct persist_want *, struct persist_verdict *);
/* Is the value a record of this CA and account, right or expired, wildcard
 * or not: one that acmed may replace? */
bool	persist_is_own(const char *value, const struct persist_want *);

/*
 * The value as the right-hand side of a zone file: quoted, in strings of at
 * most 255 bytes, what is special escaped.  The caller frees.
 */
char	*persist_zone_text(const char *value);

#endif
