/* SPDX-License-Identifier: MIT */
/*
 * turns - when each of those that wait for what an account may ask for gets its
 * token, if they take them by urgency, as the queue does.  For people: the
 * schedule itself looks when the next one is there.
 */
#ifndef DAEMON_ENGINE_TURNS_H
#define DAEMON_ENGINE_TURNS_H

#include <time.h>

struct cert;
struct engine;
struct turns;

struct turns	*turns_new(const struct engine *);
void		 turns_free(struct turns *);

/*
 * Its turn, for one that waits (engine_limited_until()); as of a few seconds
 * ago.  0: it is not among those that were looked at.
 */
time_t		 turns_at(struct turns *, const struct cert *);

#endif
