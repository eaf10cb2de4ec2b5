/* SPDX-License-Identifier: MIT */
/*
 * glance - a certificate in a few numbers, for those who look at all of them:
 * it allocates nothing.
 */
#ifndef DAEMON_ENGINE_GLANCE_H
#define DAEMON_ENGINE_GLANCE_H

#include <stdbool.h>
#include <time.h>

#include "daemon/alerts/condition.h"

struct engine;
struct error;

struct glance {
	enum condition	 condition;
	const char	*word;		/* its name; static */
	bool		 is_good;	/* as "ok" of doc/control-api.md */
	time_t		 not_after;	/* 0: there is none */
	time_t		 next_at;	/* 0: now; -1: no time is known */
	const char	*action;	/* as "next.action"; static */
	const struct error *err;	/* of the last renewal; NULL: none;
					   borrowed until the next turn */
};

/* false if no certificate of that name is configured. */
bool		 engine_glance(const struct engine *, const char *name,
		    struct glance *);
/* The watched certificates (watches.h) that are not well: section, target, its
 * condition, and why or "". */
void		 engine_each_unwell(const struct engine *,
		    void (*each)(const char *name, const char *what,
		    const char *word, const char *why, void *), void *);
/* Why the configuration is not in force as it is written; NULL: it is. */
const char	*engine_reload_error(const struct engine *);

#endif
