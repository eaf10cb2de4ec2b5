/* SPDX-License-Identifier: MIT */
/*
 * issuer - which CA the installed certificate is of: the one that the
 * configuration names, another one (then it is due), or one whose certificates
 * nobody trusts, for tries.
 */
#ifndef DAEMON_CERTS_ISSUER_H
#define DAEMON_CERTS_ISSUER_H

#include <stdbool.h>

struct cert;

/*
 * Is it known to be of another CA than its account's directory names now?
 * What is not known is of the right one: nothing is renewed on a guess.
 */
bool	issuer_is_other(const struct cert *);
/* Is it of a staging CA, as far as such are known? */
bool	issuer_is_staging(const struct cert *);
/* Do two directory URLs name the same CA?  Case of scheme and host, the port
 * 443 and a slash at the end make no difference. */
bool	issuer_same(const char *a, const char *b);

/* Is it the directory of a CA for tries, which nobody trusts? */
bool		 issuer_is_for_tries(const char *directory);
/* The directory where renewals of that CA can be tried, or NULL: none is
 * known. */
const char	*issuer_staging_of(const char *directory);

#endif
