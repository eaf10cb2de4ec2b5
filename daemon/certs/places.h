/* SPDX-License-Identifier: MIT */
/*
 * places - who works.  A run has a place of max_renewals while it asks a CA or
 * a provider.  While it waits (for the DNS, for room at a name, for the CA's
 * next poll, for hooks, for servers that read) it has none, and takes one again
 * for what it asks next; it then goes before runs that have not begun.
 *
 * What has begun is bounded, too: PLACES_RUNS_MAX runs (max_renewals if that is
 * more), for their memory; of them PLACES_BEGINNING_MAX from their begin until
 * their authorizations are known and their key is made.  Pebble locks up with
 * more orders there, and key generations and pre hooks are kept few.
 */
#ifndef DAEMON_CERTS_PLACES_H
#define DAEMON_CERTS_PLACES_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/queue.h>

#include "daemon/io/loop.h"

#define PLACES_RUNS_MAX		300
#define PLACES_BEGINNING_MAX	20

struct place_op;

struct places {
	unsigned	 max;		/* max_renewals */
	unsigned	 running;	/* renewals that have begun, and do not
					   only deploy */
	struct place	**runs;		/* of these, in any order */
	unsigned	 working;	/* of them, with a place */
	unsigned	 beginning;
	TAILQ_HEAD(, place_op) waiting;	/* to go on */
	struct timer	 next;
	/* A new run may perhaps begin. */
	void		(*freed)(void *arg);
	void		*arg;
};

/* Of one certificate; all zero but the first where no renewal runs. */
struct place {
	struct places	*places;
	bool		 is_running;	/* its run has more to do than deploy */
	bool		 is_working;	/* ... is one of max_renewals */
	bool		 is_beginning;	/* ... has no authorizations yet */
};

void	places_init(struct places *, struct loop *);
/* Nobody waits any more. */
void	places_clear(struct places *);
void	places_set_max(struct places *, unsigned max);

/* Runs that have begun, and wait for a place to go on. */
size_t	places_waiting(const struct places *);
/* May a new run begin now? */
bool	places_are_free(const struct places *);
/* It begins, with a place. */
void	place_begin(struct place *);
/* Its authorizations are known, and its key is made. */
void	place_begun(struct place *);
/* It only waits now.  Nothing happens if it has no place. */
void	place_give(struct place *);
/* It is over, or only deploys: another one for the same names may begin. */
void	place_end(struct place *);

/* go is called from the loop when the run has a place (again). */
typedef void place_go_cb(void *arg);
struct place_op *place_start(struct place *, place_go_cb *go, void *arg);
void	place_cancel(struct place_op *);

#endif
