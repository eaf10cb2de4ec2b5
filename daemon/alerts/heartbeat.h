/* SPDX-License-Identifier: MIT */
/*
 * heartbeat - fetches a URL as long as all is well, so that a service for
 * dead men's switches notices when it is not, or when we are not there at all.
 * Called by notifier.
 */
#ifndef DAEMON_ALERTS_HEARTBEAT_H
#define DAEMON_ALERTS_HEARTBEAT_H

#include <stdbool.h>
#include <time.h>

struct alerts_env;
struct heartbeats;
struct queue;

/* How each fetch went is reported to the queue, for status. */
struct heartbeats *heartbeats_new(const struct alerts_env *, struct queue *);
void		 heartbeats_free(struct heartbeats *);
/* There is another configuration: beat again at once. */
void		 heartbeats_reload(struct heartbeats *);
/* Fetch what is due, unless is_well is false; when the next is, or 0. */
time_t		 heartbeats_beat(struct heartbeats *, bool is_well,
		    time_t now);

#endif
