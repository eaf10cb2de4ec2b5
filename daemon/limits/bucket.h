/* SPDX-License-Identifier: MIT */
/*
 * bucket - a token bucket as the moment at which it is full again (the
 * "theoretical arrival time" of GCRA, ITU-T I.371, as Boulder's limits have
 * it), and the moment at which it was so last.  Pure functions; all times are
 * milliseconds since the epoch.
 *
 * A bucket of N per TIME holds N tokens, and gets one back each TIME / N.
 */
#ifndef DAEMON_LIMITS_BUCKET_H
#define DAEMON_LIMITS_BUCKET_H

#include <stdint.h>

#include "daemon/config/conf_limits.h"

struct level {			/* all 0: never used, full */
	int64_t		 since_ms;	/* the first was taken */
	int64_t		 full_at_ms;	/* if no more is taken */
};

/*
 * What was taken at since_ms may have reached the CA later, and what comes back
 * is there so much later, too.
 */
#define BUCKET_SLACK_MS 5000

/* It cannot be emptier than empty: the clock was set back, or the limit was
 * another one. */
struct level bucket_bounded(const struct conf_limit *, struct level,
	    int64_t now);
/* Tokens that are taken, but not counted by the CA yet: none of them has come
 * back by now. */
struct level bucket_pending(const struct conf_limit *, struct level,
	    unsigned n, int64_t now);
/* When it has a token; at most now: it has one.  Never later than one would
 * come back to an empty bucket, whatever the clock has done since. */
int64_t	bucket_free_at(const struct conf_limit *, struct level, int64_t now);
/* Once a token is taken; an empty one stays empty. */
struct level bucket_take(const struct conf_limit *, struct level, int64_t now);
/*
 * The same for tokens of the future, which are not bounded by one bucket: when
 * the next one is there, and once it is taken at that time, or later.
 */
int64_t	bucket_planned_at(const struct conf_limit *, struct level,
	    int64_t now);
struct level bucket_plan(const struct conf_limit *, struct level, int64_t at);
/* Once it is given back. */
struct level bucket_give(const struct conf_limit *, struct level);

#endif
