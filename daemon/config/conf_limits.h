/* SPDX-License-Identifier: MIT */
/* conf_limits - how much a CA lets an account ask for (the key limits). */
#ifndef DAEMON_CONFIG_CONF_LIMITS_H
#define DAEMON_CONFIG_CONF_LIMITS_H

#include <stdbool.h>
#include <stdint.h>

enum limit_kind {
	LIMIT_ORDERS,		/* of the account */
	LIMIT_CERTIFICATES,	/* of a registered domain, or an address */
	LIMIT_DUPLICATES,	/* certificates of the same names */
	LIMIT_FAILURES,		/* validations of a name that failed */
	LIMIT_KIND_END
};
/* As the key has it: "orders", ... */
const char *limit_kind_name(enum limit_kind);
/* 0 and *kind, or -1. */
int	limit_kind_parse(const char *, enum limit_kind *);

/*
 * A bucket of count tokens, one of which comes back each period_s / count.
 */
#define LIMIT_COUNT_MAX 1000000
#define LIMIT_PERIOD_MAX_S (30 * 86400)
struct conf_limit {
	unsigned	 count;		/* 0: there is no such limit */
	int64_t		 period_s;
	bool		 spares_renewals;	/* of the same names, at the
					   same CA */
};

#endif
