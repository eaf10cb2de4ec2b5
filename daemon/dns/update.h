/* SPDX-License-Identifier: MIT */
/*
 * update - add or remove TXT values of a name on its server (RFC 2136, signed
 * by TSIG, over TCP).  Adding what is there and removing what is gone succeed;
 * other values stay.  Called by the rfc2136 provider.
 *
 * The server is asked which zone has the name: over UDP, over TCP where that
 * gets no answer, and signed where the unsigned question finds no zone or
 * another than the key may change (views).
 */
#ifndef DAEMON_DNS_UPDATE_H
#define DAEMON_DNS_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_server;
struct error;
struct loop;
struct tsig_key;
struct update_op;

/* Borrowed; update_start() copies. */
struct update_args {
	const struct dns_server *server;
	const struct tsig_key *key;
	const char	*zone;		/* "": ask the server, walking up */
	const char	*fqdn;
	const char *const *values;	/* at least one; all or nothing */
	size_t		 n_values;
	bool		 is_add;
	bool		 is_caa;	/* as dnsmsg.h has it; else TXT */
	uint32_t	 ttl;		/* seconds */
	unsigned	 timeout_ms;	/* the whole of it; must be > 0 */
};

/*
 * err NULL: the server has said so, and its signature is right; zone is the
 * one that was changed, borrowed.  Errors name the server.  ERR_CONFIG:
 * "dns:tsig" (BADSIG, BADKEY, BADTIME after one retry with the server's time,
 * a refusal that nobody signed), "dns:refused-update" (update policy),
 * "dns:zone" (the server does not serve it), "dns:zone-cut" (it has delegated
 * the name, and nobody would see the record), "dns:too-many" (it cannot take
 * one more value); ERR_TRANSIENT: "dns:timeout", "dns:refused",
 * "dns:unreachable", "dns:io", "dns:reply", "dns:servfail", "dns:unsigned" (a
 * success nobody signed); ERR_REJECTED "dns:update".
 */
typedef void update_done_cb(const struct error *err, const char *zone,
    void *arg);

struct update_op *update_start(struct loop *, const struct update_args *,
		    update_done_cb *done, void *arg);
void		 update_cancel(struct update_op *);

#endif
