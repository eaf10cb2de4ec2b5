/* SPDX-License-Identifier: MIT */
/*
 * server - a name server as a person wrote it, "HOST", "HOST:PORT", and an
 * address in the same way, IPv6 with a port in brackets: all of its addresses.
 * Called by zone and by the rfc2136 provider.
 */
#ifndef DAEMON_DNS_SERVER_H
#define DAEMON_DNS_SERVER_H

#include <stddef.h>

struct dns;
struct dns_server;
struct error;
struct server_op;

/* ERR_CONFIG "dns:address" if it is neither an address nor a host's name. */
int		 server_check(const char *text, struct error *);

/*
 * err NULL: at least one, borrowed; a name's are labelled with it.  Errors:
 * those of server_check() and of addresses_start().
 */
typedef void server_done_cb(const struct error *err,
    const struct dns_server *list, size_t n, void *arg);
struct server_op *server_start(struct dns *, const char *text,
		    unsigned timeout_ms, server_done_cb *done, void *arg);
void		 server_cancel(struct server_op *);

#endif
