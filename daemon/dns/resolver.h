/* SPDX-License-Identifier: MIT */
/*
 * resolver - ask the configured resolvers, one after the other until one
 * gives a usable answer.  The one that did last is asked first.  Where none
 * are configured /etc/resolv.conf says who they are; it is read again when it
 * changes.  Called by zone, txtwait and update.
 */
#ifndef DAEMON_DNS_RESOLVER_H
#define DAEMON_DNS_RESOLVER_H

#include <ldns/ldns.h>
#include <stddef.h>

#include "common/names.h"

struct dns;
struct dns_server;
struct error;
struct loop;
struct resolver_op;

#define RESOLVERS_MAX 8

/* For the other modules of dns/ (dns_new() is in zone.h). */
struct loop	*dns_loop(const struct dns *);
/*
 * What dns_tell() was told of the zone of name: of the longest that has it,
 * or of a server of unknown zones.  NULL: nothing.  Borrowed.
 */
struct dns_told {
	char		 apex[DNAME_SIZE];	/* "": of unknown zones */
	char		*server;	/* see server.h; NULL: none */
};
const struct dns_told *dns_told(const struct dns *, const char *name);
/* Borrowed until the next call. */
const struct dns_server *dns_resolvers(struct dns *, size_t *n);
/*
 * The queries of txtwait in flight, all operations together: a bound on
 * descriptors.
 */
unsigned	*dns_in_flight(struct dns *);

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
