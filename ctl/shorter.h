/* SPDX-License-Identifier: MIT */
/*
 * shorter - certificates that their CA will issue for a shorter time, and how
 * often they are renewed then.  Let's Encrypt's default (its profile "classic")
 * becomes 64 days on 10 February 2027 and 45 days on 16 February 2028:
 * https://letsencrypt.org/2025/12/02/from-90-to-45
 */
#ifndef CTL_SHORTER_H
#define CTL_SHORTER_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

#include "ctl/term.h"

struct shorter {
	time_t	 now;
	size_t	 n;			/* certificates */
	json_t	*names;			/* of the first of them */
	/* The same for all, or the least and the most: days from one renewal to
	   the next, now and after each change. */
	long	 least[3], most[3];
};

void	shorter_init(struct shorter *, time_t now);
void	shorter_clear(struct shorter *);
/* A CERT of the status: NULL if it will not be affected, else [{"from",
 * "days", "renewed_every"}, ...] of changes to come (days; from is when), which
 * the caller decrefs. */
json_t	*shorter_add(struct shorter *, const json_t *cert);
/* Nothing, where none is affected. */
void	shorter_print(const struct shorter *, const struct term *);

#endif
