/* SPDX-License-Identifier: MIT */
/*
 * dnsq - one query, or one message made elsewhere, to one DNS server, and its
 * reply.  The only DNS code that owns sockets.  Called by resolver, txtwait
 * and update.
 *
 * A query goes by UDP from a fresh connected socket (a random port) with a
 * random id, is repeated on the way, and taken to TCP when the reply says it
 * is truncated.  What comes with another id or another question is ignored.
 * A message goes by TCP.
 */
#ifndef DAEMON_DNS_DNSQ_H
#define DAEMON_DNS_DNSQ_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns_server;
struct dnsq_op;
struct error;
struct loop;

#define DNSQ_RESEND_MS 500		/* then twice as long, and so on */

/* Borrowed; dnsq_start() copies. */
struct dnsq_args {
	const struct dns_server *server;
	const char	*name;		/* a query: name, type, rd */
	unsigned	 type;
	bool		 rd;
	bool		 wants_ad;	/* ask whether the answer is validated:
					   AD in the reply (RFC 6840 5.7) */
	bool		 no_check;	/* CD: ask for it unvalidated */
	bool		 by_tcp;	/* at once */
	const void	*msg;		/* not NULL: this message instead */
	size_t		 msg_len;	/* bytes, at least a header */
	unsigned	 timeout_ms;	/* the whole of it; must be > 0 */
};

struct dnsq_reply {
	const ldns_pkt	*pkt;		/* a query's; any rcode */
	const uint8_t	*wire;		/* a message's, and a query's */
	size_t		 wire_len;	/* bytes, at least a header */
};

/*
 * err NULL: reply is set; both die on return.  Errors are ERR_TRANSIENT and
 * begin with the server's label: "dns:timeout", "dns:refused" (nobody listens
 * there), "dns:unreachable" (no route), "dns:reply" (not a DNS message),
 * "dns:io"; ERR_CONFIG "dns:name".
 */
typedef void dnsq_done_cb(const struct error *err,
    const struct dnsq_reply *reply, void *arg);

struct dnsq_op	*dnsq_start(struct loop *, const struct dnsq_args *,
		    dnsq_done_cb *done, void *arg);
void		 dnsq_cancel(struct dnsq_op *);

#endif
