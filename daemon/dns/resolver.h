/* SPDX-License-Identifier: MIT */
/*
 * resolver - ask the configured resolvers, one after the other until one
 * gives a usable answer.  The one that did last is asked first.  Called by
 * zone, txtwait and update.
 */
#ifndef DAEMON_DNS_RESOLVER_H
#define DAEMON_DNS_RESOLVER_H

#include <ldns/ldns.h>

struct dns;
struct error;
struct resolver_op;

/* err NULL: pkt is a reply with NOERROR, NXDOMAIN or NOTIMP, which tells of
 * nothing; it dies on return. */
typedef void resolver_done_cb(const struct error *err, const ldns_pkt *pkt,
    void *arg);

/*
 * Errors: ERR_TRANSIENT "dns:resolver" tells what each of them did;
 * ERR_CONFIG "dns:name".
 */
struct resolver_op *resolver_start(struct dns *, const char *name,
		    unsigned type, unsigned timeout_ms,
		    resolver_done_cb *done, void *arg);
void		 resolver_cancel(struct resolver_op *);

#endif
