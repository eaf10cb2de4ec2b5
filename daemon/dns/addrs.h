/* SPDX-License-Identifier: MIT */
/*
 * addrs - the addresses of a host, as the resolvers tell them: what a CA
 * connects to for http-01.  Called by preflight and addresses.
 */
#ifndef DAEMON_DNS_ADDRS_H
#define DAEMON_DNS_ADDRS_H

#include <stddef.h>

#include "daemon/dns/dnsaddr.h"

struct dns;
struct dns_addrs_op;
struct error;

#define DNS_ADDRS_MAX 32

struct dns_addrs_reply {
	struct dns_server list[DNS_ADDRS_MAX];
	size_t		 n;
	char		 text[512];	/* "192.0.2.1, 2001:db8::1" */
};

/* That there are none is no error.  Errors: ERR_TRANSIENT "dns:resolver",
 * ERR_CONFIG "dns:name". */
typedef void dns_addrs_done_cb(const struct error *err,
    const struct dns_addrs_reply *, void *arg);
struct dns_addrs_op *dns_addrs_start(struct dns *, const char *name,
		    unsigned timeout_ms, dns_addrs_done_cb *done, void *arg);
void		 dns_addrs_cancel(struct dns_addrs_op *);

#endif
