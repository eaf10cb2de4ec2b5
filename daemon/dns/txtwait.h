/* SPDX-License-Identifier: MIT */
/*
 * txtwait - wait until the DNS shows TXT values, or shows them no more: every
 * address of every authoritative server is asked directly, again and again,
 * until each agrees.  No fixed sleeps: the pause is a twentieth of the time
 * waited so far, 25 ms to 5 s.
 *
 * A server that gives no usable answer at all (no reply, REFUSED, SERVFAIL,
 * not authoritative) for the patience time is reported as dead and no longer
 * waited for, as long as at least one other server agrees.  If none of them
 * ever answers (a firewall), the resolvers are asked instead and the progress
 * says so.  A server that does answer must agree.
 */
#ifndef DAEMON_DNS_TXTWAIT_H
#define DAEMON_DNS_TXTWAIT_H

#include <stdbool.h>
#include <stddef.h>

struct dns;
struct error;
struct txtwait_op;
struct zone;

struct txtwait_item {
	const struct zone *zone;	/* its fqdn is the name asked for */
	const char	*value;
	bool		 present;	/* wanted: there, or gone */
	/* Where the provider made the change (provider_run.h), to explain why
	 * it does not show; NULL or "": not known. */
	const char	*changed_zone, *changed_server;
};

/* One line for a person when something worth telling changes: "waiting for
 * ns2.example.test (192.0.2.2): does not show _acme-challenge.example.test
 * yet (3 of 4 servers do)". */
typedef void txtwait_progress_cb(const char *line, void *arg);

/* Who must agree.  Resolvers remember what was not there: with BOTH they are
 * asked only once the authoritative servers agree. */
enum txtwait_whom {
	TXTWAIT_AUTHORITATIVE,
	TXTWAIT_RESOLVERS,
	TXTWAIT_BOTH
};

struct txtwait_args {			/* borrowed; copied */
	bool		 is_caa;	/* all values are CAA records, as a
					   zone file has them; else TXT */
	const struct txtwait_item *items;
	size_t		 n_items;
	enum txtwait_whom whom;
	unsigned	 timeout_ms;	/* then ERR_TRANSIENT "dns:stale",
					   naming the servers and what they
					   showed; after 3 s ERR_CONFIG
					   "dns:zone-cut" if the change was made
					   in a zone above that of the name */
	unsigned	 patience_ms;	/* for dead servers; 0: 30 s, and never
					   more than half of timeout_ms */
	txtwait_progress_cb *progress;	/* may be NULL; gets done's arg */
};

struct txtwait_reply {
	/* What a person should know, "" if nothing: "ns3.example.test
	 * (192.0.2.3) did not answer", "asked the resolvers, no
	 * authoritative server answered". */
	char		 note[512];
};

typedef void txtwait_done_cb(const struct error *err,
    const struct txtwait_reply *reply, void *arg);

struct txtwait_op *txtwait_start(struct dns *, const struct txtwait_args *,
		    txtwait_done_cb *done, void *arg);
void		 txtwait_cancel(struct txtwait_op *);
/* In done, with an error: is this name one that it is about? */
bool		 txtwait_is_late(const struct txtwait_op *, const char *fqdn);

#endif
