/* SPDX-License-Identifier: MIT */
/*
 * check_profile - the keys profile and profile_required of an account, and of
 * a certificate, which has the account's where it has none of its own.
 */
#ifndef DAEMON_CONFIG_CHECK_PROFILE_H
#define DAEMON_CONFIG_CHECK_PROFILE_H

#include "daemon/config/check.h"

void	check_account_profile(struct check *, const struct section *,
	    struct conf_account *);
/* account and names are known. */
void	check_cert_profile(struct check *, const struct section *,
	    struct conf_cert *);

void	check_free_profiles(struct conf_cert *);

/* How long certificates of its profile live, in seconds; 0: not known. */
int64_t	check_profile_lifetime_s(const struct conf_cert *);

#endif
