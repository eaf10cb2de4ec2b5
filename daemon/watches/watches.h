/* SPDX-License-Identifier: MIT */
/*
 * watches - certificates that others renew (`watch` in acmed.conf): looked at
 * once a day, sooner where something is wrong.  What was seen is durable, so
 * that alarms of it outlive a restart.
 */
#ifndef DAEMON_WATCHES_WATCHES_H
#define DAEMON_WATCHES_WATCHES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "daemon/store/store.h"

struct conf;
struct dns;
struct loop;
struct watches;

/* What it uses; borrowed until freed. */
struct watches_env {
	struct loop	*loop;
	struct store	*store;
	struct dns	*dns;
	/* Something is wrong that was not before, or no more. */
	void		(*noticed)(void *arg);
	void		*arg;
};

struct watches	*watches_new(const struct watches_env *);
void		 watches_free(struct watches *);
/* Use this configuration, whose reference is the caller's: what is new or has
 * changed is looked at soon, and so is what is not well. */
void		 watches_apply(struct watches *, const struct conf *);
/* At the start: all are looked at in the first minute. */
void		 watches_start(struct watches *);
void		 watches_stop(struct watches *);
/* The clock was set, or stood still: what is due now is looked at now. */
void		 watches_kick(struct watches *);

/* How much is left of it, as alarms count (alarm.h), or of `warn`. */
enum watched_left { WATCHED_FINE, WATCHED_SOON, WATCHED_URGENT,
    WATCHED_EXPIRED };
enum watched_left watched_left(const struct store_watch *, int64_t warn_s,
		    time_t now);

/* One target or file. */
struct watched {
	const struct store_watch *row;
	int64_t		 warn_s;	/* of its section */
	bool		 is_judged;	/* err is about a certificate that was
					   seen */
};
void		 watches_each(const struct watches *,
		    void (*each)(const struct watched *, void *), void *);
/* Those that are not well: section, target, condition, and why or "". */
void		 watches_each_unwell(const struct watches *,
		    void (*each)(const char *name, const char *what,
		    const char *word, const char *why, void *), void *arg);
/* The row; NULL: it is not watched any more. */
const struct store_watch *watches_find(const struct watches *,
		    const char *name, const char *what);

/* "watches" of doc/control-api.md, and Prometheus text. */
json_t		*watches_json(const struct watches *);
void		 watches_metrics(const struct watches *, FILE *);

#endif
