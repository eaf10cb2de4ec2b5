/* SPDX-License-Identifier: MIT */
/*
 * txtwait_priv - what txtwait.c (asking, deciding) and txtwait_text.c (telling
 * people about it) share.
 */
#ifndef DAEMON_DNS_TXTWAIT_PRIV_H
#define DAEMON_DNS_TXTWAIT_PRIV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/names.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/txtwait.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

struct dnsq_op;
struct nscheck_op;
struct nscheck_reply;

#define TW_PROGRESS_MS 1000		/* between two lines */

/* One address, whatever names it is asked for. */
struct tw_host {
	struct dns_server server;
	bool		 is_resolver;
	bool		 is_answering;	/* it did, the last time */
	unsigned	 in_flight;
};

struct tw_item {
	char		*value;
	bool		 present;
};

/* One name and all that is wanted of it. */
struct tw_group {
	char		 name[DNAME_SIZE];
	size_t		*items;		/* indexes */
	size_t		 n_items;
	struct zone	 zone;
	char		 changed_zone[DNAME_SIZE];	/* "": not known */
	char		 changed_server[340];
	bool		 has_servers;
	bool		 uses_resolvers;
	bool		 was_answered;	/* usably, by anyone */
	/* As of the last look: */
	bool		 any_agrees;
	bool		 any_pends;	/* one that counts does not agree */
	bool		 any_hope;	/* one that could answer one day */
};

/* One name at one address. */
struct tw_target {
	struct txtwait_op *op;
	struct tw_host	*host;
	size_t		 group;
	struct dnsq_op	*query;
	int64_t		 due;		/* of the next query */
	int64_t		 since;		/* last usable answer, or begin */
	bool		 was_asked;
	bool		 is_usable;	/* the last answer was */
	bool		 is_refused;	/* nobody listens there */
	bool		 is_unreachable;	/* no route there */
	bool		 has_agreed;	/* then it is not asked again */
	bool		 is_dropped;	/* the resolvers took over */
	char		 shows[64];	/* "has no record" */
};

/* Times are of clock_mono_ms(). */
struct txtwait_op {
	struct dns	*dns;
	txtwait_done_cb	*done;
	txtwait_progress_cb *progress;
	void		*arg;
	int64_t		 began;
	unsigned	 timeout_ms;
	int64_t		 patience_ms;
	int64_t		 fallback_ms;
	bool		 is_caa;	/* the values are CAA records */
	enum txtwait_whom whom;
	bool		 is_second;	/* BOTH: the servers agree, now it is
					   the resolvers' turn */
	char		 first_note[512];	/* ... note of the servers */
	struct tw_item	*items;
	size_t		 n_items;
	struct tw_group	*groups;
	size_t		 n_groups;
	struct tw_host	**hosts;
	size_t		 n_hosts;
	struct tw_target **targets;
	size_t		 n_targets;
	size_t		 cursor;	/* who is asked first, in turns */
	unsigned	 in_flight;
	struct timer	 poll;
	struct timer	 deadline;
	int64_t		 told_at;	/* last progress line */
	uint64_t	 told_set;	/* whom it waited for */
	struct nscheck_op *check;	/* time is up: why? */
};

/* Has it given no usable answer for longer than we have patience? */
bool	txtwait_is_dead(const struct tw_target *, int64_t now);

/* Give the progress line if there is something new to say. */
void	txtwait_tell(struct txtwait_op *, int64_t now);
/* The note of a success. */
void	txtwait_note(const struct txtwait_op *, char *out, size_t size);
/* The group that is waited for; NULL: none.  *n_more others are, too. */
const struct tw_group *txtwait_late(const struct txtwait_op *,
	    size_t *n_more);
/* Was the change made in a zone above the name's own? */
bool	txtwait_is_cut(const struct tw_group *);
/* The error of that. */
void	txtwait_explain_cut(const struct tw_group *, struct error *);
/* The error when time is up; with the state of the late group's servers, if
 * that was asked for. */
void	txtwait_explain(const struct txtwait_op *,
	    const struct nscheck_reply *, struct error *);

#endif
