/* SPDX-License-Identifier: MIT */
/*
 * issuer - which CA the installed certificate is of: one of those that the
 * configuration names, another one (then it is due), or one whose certificates
 * nobody trusts, for tries.
 */
#ifndef DAEMON_CERTS_ISSUER_H
#define DAEMON_CERTS_ISSUER_H

#include <stdbool.h>

struct cert;
struct conf_account;

/*
 * Is it known to be of another CA than the directories of its accounts name?
 * What is not known is of the right one: nothing is renewed on a guess.
 */
bool	issuer_is_other(const struct cert *);
/* The account that it uses now (accounts/choice.h); NULL: none. */
const struct conf_account *issuer_now(const struct cert *);
/* The account among its own that is of the CA that issued it: the first where
 * that is not known; NULL: none. */
const struct conf_account *issuer_account(const struct cert *);
/* Has it the profile that it is to have from its CA? */
bool	issuer_has_profile(const struct cert *);
/* Is it of a staging CA, as far as such are known? */
bool	issuer_is_staging(const struct cert *);

/* Is it the directory of a CA for tries, which nobody trusts? */
bool		 issuer_is_for_tries(const char *directory);
/* The directory where renewals of that CA can be tried, or NULL: none is
 * known. */
const char	*issuer_staging_of(const char *directory);

#endif
