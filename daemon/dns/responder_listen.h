/* SPDX-License-Identifier: MIT */
/*
 * responder_listen - the sockets that the built-in responder answers at: those
 * of the configuration or those that systemd has passed, UDP and TCP of each
 * address, and what comes in by them.
 */
#ifndef DAEMON_DNS_RESPONDER_LISTEN_H
#define DAEMON_DNS_RESPONDER_LISTEN_H

#include <stdbool.h>
#include <stddef.h>

#include "common/error.h"
#include "daemon/dns/dnsaddr.h"

struct loop;
struct responder_listen;
struct responder_table;

/* The table, borrowed, has the answers; updates change it. */
struct responder_listen *responder_listen_new(struct loop *,
	    struct responder_table *);
void	responder_listen_free(struct responder_listen *);

/*
 * A configuration comes into force: begin, at for the addresses of each
 * provider, end, which closes what none of them has named.  Sockets that stay
 * are open all the time.
 */
void	responder_listen_begin(struct responder_listen *);
/*
 * NULL-terminated; an empty list: the sockets that systemd has passed, else
 * port 53 everywhere.  ERR_CONFIG "builtin:listen" if one cannot be listened
 * on (it is tried again every 30 seconds); the others are served.
 */
int	responder_listen_at(struct responder_listen *,
	    const char *const *addresses, struct error *);
void	responder_listen_end(struct responder_listen *);
/* Do not wait for the 30 seconds.  -1: none is open, err says why. */
int	responder_listen_again(struct responder_listen *, struct error *);

/* One address of the configuration in force. */
struct responder_place {
	struct dns_server server;	/* where to ask it from this machine:
					   for one of all addresses, the
					   loopback's */
	bool		 is_passed;	/* by systemd */
	struct error	 err;		/* kind ERR_NONE: UDP and TCP are
					   open */
};
/* How many there are, at most max; what is closed is tried once more. */
size_t	responder_listen_places(struct responder_listen *,
	    struct responder_place *out, size_t max);

#endif
