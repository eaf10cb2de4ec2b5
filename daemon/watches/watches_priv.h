/* SPDX-License-Identifier: MIT */
/* watches_priv - what watches.c and watches_told.c share. */
#ifndef DAEMON_WATCHES_WATCHES_PRIV_H
#define DAEMON_WATCHES_WATCHES_PRIV_H

#include <sys/queue.h>

#include "daemon/io/loop.h"
#include "daemon/watches/watches.h"

struct conf_verify;
struct conf_watch;
struct look_op;
struct slots;

struct watched_item {
	TAILQ_ENTRY(watched_item) link;
	struct watches	*watches;
	struct store_watch row;
	/* In the configuration; NULL: not any more, or not yet. */
	const struct conf_watch *conf;
	const struct conf_verify *target;	/* NULL: it is a file */
	uint64_t	 hash;		/* of the section it was looked at for;
					   0: not since the start */
	struct timer	 due;
	struct look_op	*look;
};

struct watches {
	const struct watches_env *env;
	struct slots	*asking;
	TAILQ_HEAD(, watched_item) items;
	bool		 is_started, is_stopped;
};

/* Is nothing wrong with it, as far as known? */
bool		 watched_is_well(const struct watched_item *, time_t now);
/* "valid", "ends soon", "expired", "wrong", "not answering", "not looked at
 * yet". */
const char	*watched_condition(const struct watched_item *, time_t now);

#endif
