/* SPDX-License-Identifier: MIT */
/*
 * check_options - the options of a section that are in a table from outside:
 * of a provider, of credentials, of a cloud product.
 */
#ifndef DAEMON_CONFIG_CHECK_OPTIONS_H
#define DAEMON_CONFIG_CHECK_OPTIONS_H

#include "daemon/config/check.h"

struct error;
struct provider_opt;
struct provider_values;

/*
 * Never NULL; the caller frees with provider_values_free().  check (NULL:
 * none) is called when there was no mistake.  What lender (NULL: nobody) has,
 * which stays the caller's, is a mistake if it is given here as well.
 */
struct provider_values *check_options(struct check *, const struct section *,
	    const struct provider_opt *,
	    int (*check)(const struct provider_values *, struct error *),
	    struct provider_values *lender);

/* text (NULL: nothing was given), the value of key, is none of these names: a
 * mistake in that line. */
void	check_unknown_type(struct check *, const struct section *,
	    const char *key, const char *text, int line,
	    const char *const *names, size_t n);

/* The object of `credentials = "NAME"`, if it is of that type; NULL: told, or
 * (unless is_needed) the key is not there.  what has them: "type alidns". */
struct conf_credentials *check_lender(struct check *, const struct section *,
	    const char *type, const char *what, bool is_needed);

#endif
