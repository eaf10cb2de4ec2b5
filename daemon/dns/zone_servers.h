/* SPDX-License-Identifier: MIT */
/*
 * zone_servers - the addresses of a zone's servers, as the resolvers know
 * them; for zone.c.
 */
#ifndef DAEMON_DNS_ZONE_SERVERS_H
#define DAEMON_DNS_ZONE_SERVERS_H

#include <stddef.h>

#include "common/names.h"

struct dns;
struct dns_server;
struct zone_servers_op;

#define ZONE_NS_MAX 16			/* names of servers */

struct zone_servers_args {		/* copied */
	const char	(*names)[DNAME_SIZE];
	size_t		 n_names;	/* at most ZONE_NS_MAX */
	unsigned	 timeout_ms;	/* of each question */
	const char	*told;		/* the server to take where there is no
					   address; NULL: none.  Not both none
					   and no names */
	unsigned	 told_timeout_ms;
};

/*
 * At most 32 addresses, or none.  Those that this machine has no route to are
 * left out, unless they are all that a server has.
 */
typedef void zone_servers_done_cb(const struct dns_server *list, size_t n,
    void *arg);

struct zone_servers_op *zone_servers_start(struct dns *,
		    const struct zone_servers_args *,
		    zone_servers_done_cb *done, void *arg);
void		 zone_servers_cancel(struct zone_servers_op *);

#endif
