/* SPDX-License-Identifier: MIT */
/* waves_priv - what waves.c (when, and which) and waves_tell.c (the manifest)
 * share. */
#ifndef DAEMON_FLEET_WAVES_PRIV_H
#define DAEMON_FLEET_WAVES_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/queue.h>

#include "daemon/fleet/waves.h"
#include "daemon/io/loop.h"

struct conf_deploy;
struct event_sub;
struct asking;
struct telling;

struct waves {
	const struct fleet_env *env;
	struct timer	 tick;
	size_t		 next;		/* certificate that it looks at */
	bool		 is_under_way;	/* one of those before it is */
	struct event_sub *events;
	LIST_HEAD(, telling) tellings;
	LIST_HEAD(, asking) askings;
	bool		 is_stopped;
};

/* The target that publishes there: one of the certificate's, or what its
 * cluster shares, by the name of the repository.  NULL: none does. */
const struct conf_deploy *waves_place(const struct cert *,
		    const char *repository);

/* --- waves_there.c --- */
/* Is none of these members of the cluster there?  false also if that is not
 * known yet; the tick comes when it is. */
bool		 waves_none_there(struct waves *, const struct cert *,
		    const char *const *names, size_t n);
void		 waves_there_stop(struct waves *);

/* --- waves_tell.c --- */
/* What is published there is published again, as its row says who may take it,
 * when that is durable. */
void		 waves_tell(struct waves *, const struct cert *,
		    const struct conf_deploy *);
void		 waves_tell_stop(struct waves *);

#endif
