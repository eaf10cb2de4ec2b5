/* SPDX-License-Identifier: MIT */
/*
 * persist_look - is the record that dns-persist-01 needs for a name in the
 * DNS?  Asked of the authoritative servers: it must be right at each of them
 * that answers, since nobody knows which one the CA will ask.  Called by
 * engine/.
 *
 * Only the name's own record counts.  The draft lets a CA take one of a name
 * above it; neither Pebble nor Boulder does.
 */
#ifndef DAEMON_DNS_PERSIST_LOOK_H
#define DAEMON_DNS_PERSIST_LOOK_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/dns/persist.h"

struct dns;
struct error;
struct persist_look_op;
struct zone;

struct persist_look_reply {		/* dies on return */
	const struct zone *zone;	/* where the record is, or would be;
					   aliases followed */
	struct persist_verdict verdict;	/* of the server that is worst; why
					   names it if not all agree */
	const char *const *values;	/* all values there are, each once */
	size_t		 n_values;
	char		 note[512];	/* who did not answer, or "" */
};

/* Errors: those of zone_start() and txtget_start(). */
typedef void persist_look_done_cb(const struct error *err,
    const struct persist_look_reply *reply, void *arg);

/* want is copied; a name with "*." sets its wildcard. */
struct persist_look_op *persist_look_start(struct dns *, const char *name,
		    const struct persist_want *want,
		    persist_look_done_cb *done, void *arg);
void		 persist_look_cancel(struct persist_look_op *);

#endif
