/* SPDX-License-Identifier: MIT */
/*
 * turns - newOrder and the fetching of authorizations take turns: as many as
 * wait of one kind go at once, but never both kinds together.  Pebble (up to
 * 2.10.1) locks up for ever when they overlap: newOrder holds its database
 * and waits for an authorization that is being read, whose reader waits for
 * the database.  A single renewal never waits here.
 *
 * Of newOrders one goes first, and two for each that is answered: what a CA
 * answers to many that are due at once, such as "come back later", is known
 * before all have asked.  An answer that is long in coming (3 s) keeps the
 * next from going no longer.
 */
#ifndef DAEMON_ACME_TURNS_H
#define DAEMON_ACME_TURNS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/io/loop.h"

struct error;

enum turn_kind {
	TURN_ANY,		/* goes whenever it likes */
	TURN_ORDER,
	TURN_AUTHZ
};

/* Of one request; what is to be set: kind, go, arg. */
struct turn {
	enum turn_kind	 kind;
	void		(*go)(void *arg);	/* its turn has come */
	void		*arg;
	enum { TURN_NONE, TURN_AWAITED, TURN_TAKEN } state;
	TAILQ_ENTRY(turn) link;
};

TAILQ_HEAD(turn_queue, turn);

struct turns {
	enum turn_kind	 now;
	unsigned	 active;
	unsigned	 orders_max;	/* so many newOrders at a time */
	int64_t		 ordered_ms;	/* clock_boot_ms() of the last answer
					   to one; 0: none */
	struct turn_queue waiting;	/* first come, first served */
	struct timer	 next;		/* lets go who may */
	struct timer	 slow;		/* lets one more newOrder go */
};

void	turns_init(struct turns *, struct loop *);
/* Nobody waits or is active any more. */
void	turns_clear(struct turns *);
/* May it go now?  Else it is queued, and go() called when it may. */
bool	turns_begin(struct turns *, struct turn *);
/* How the request of one that has its turn ended; NULL: well. */
void	turns_learn(struct turns *, const struct turn *,
	    const struct error *);
/*
 * It has ended, or is given up.  Who follows goes in the next turn of the
 * loop, when the owner of this one knows how it ended.  Nothing to do for
 * TURN_NONE.
 */
void	turns_end(struct turns *, struct turn *);

#endif
