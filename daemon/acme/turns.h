/* SPDX-License-Identifier: MIT */
/*
 * turns - newOrder and the fetching of authorizations take turns: as many as
 * wait of one kind go at once, but never both kinds together.  Pebble (up to
 * 2.10.1) locks up for ever when they overlap: newOrder holds its database
 * and waits for an authorization that is being read, whose reader waits for
 * the database.  A single renewal never waits here.
 */
#ifndef DAEMON_ACME_TURNS_H
#define DAEMON_ACME_TURNS_H

#include <stdbool.h>
#include <sys/queue.h>

struct acme_op;

enum turn {
	TURN_ANY,		/* goes whenever it likes */
	TURN_ORDER,
	TURN_AUTHZ
};

TAILQ_HEAD(turn_queue, acme_op);

struct turns {
	enum turn	 now;
	unsigned	 active;
	struct turn_queue waiting;	/* first come, first served */
};

/* May it go now?  Else it is queued, and op_send() called when it may. */
bool	turns_begin(struct turns *, struct acme_op *);
/* It has ended, or is given up. */
void	turns_end(struct turns *, struct acme_op *);

#endif
