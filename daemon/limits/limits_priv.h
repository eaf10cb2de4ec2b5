/* SPDX-License-Identifier: MIT */
/* limits_priv - what limits.c (what is so) and limits_plan.c (what will be)
 * share. */
#ifndef DAEMON_LIMITS_LIMITS_PRIV_H
#define DAEMON_LIMITS_LIMITS_PRIV_H

#include <stddef.h>
#include <stdint.h>

#include "daemon/limits/bucket.h"
#include "daemon/limits/limits.h"

/* Is that limit one for this order? */
bool		 limits_counts(const struct limits_order *, enum limit_kind);
/* The i-th bucket of that kind, a domain's perhaps more than once; NULL: there
 * are no more. */
const char	*limits_key(const struct limits *, const struct limits_order *,
		    enum limit_kind, size_t i, char out[DOMAIN_SIZE]);
/* Has one of the names before the i-th the same key? */
bool		 limits_is_counted(const struct limits *,
		    const struct limits_order *, enum limit_kind, size_t i,
		    const char *key);
/* What that bucket has now, and a number that is its own. */
struct level	 limits_level(const struct limits *,
		    const struct conf_account *, enum limit_kind,
		    const char *key, uint64_t *hash);

#endif
