/* SPDX-License-Identifier: MIT */
/*
 * addresses - all addresses of a host, as this machine sees it: an address
 * literal, /etc/hosts, or what addrs finds.  Called by deploy/verify.
 */
#ifndef DAEMON_DNS_ADDRESSES_H
#define DAEMON_DNS_ADDRESSES_H

#include <stddef.h>
#include <stdint.h>

struct addresses_op;
struct dns;
struct dns_server;
struct error;

#define ADDRESSES_MAX 32

/*
 * err NULL: at least one, borrowed.  Errors: ERR_TRANSIENT "dns:resolver",
 * "dns:no-address"; ERR_CONFIG "dns:name".
 */
typedef void addresses_done_cb(const struct error *err,
    const struct dns_server *list, size_t n, void *arg);
struct addresses_op *addresses_start(struct dns *, const char *host,
		    unsigned timeout_ms, addresses_done_cb *done, void *arg);
void		 addresses_cancel(struct addresses_op *);

/* What the text of a hosts(5) file says of a name; at most max. */
size_t		 addresses_of_hosts(const char *text, const char *host,
		    struct dns_server *out, size_t max);
/* Put another port in. */
void		 addresses_set_port(struct dns_server *, uint16_t port);

#endif
