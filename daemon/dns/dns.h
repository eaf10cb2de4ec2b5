/* SPDX-License-Identifier: MIT */
/*
 * dns - the DNS side's context: which resolvers to ask, and the zones that the
 * configuration names.
 */
#ifndef DAEMON_DNS_DNS_H
#define DAEMON_DNS_DNS_H

#include <stddef.h>

#include "common/names.h"

struct dns;
struct dns_server;
struct error;
struct loop;

#define RESOLVERS_MAX 8

/*
 * resolvers is as in struct conf; empty: those of /etc/resolv.conf, which is
 * read again when it changes.  ERR_CONFIG on a malformed address.
 */
struct dns	*dns_new(struct loop *, const char *const *resolvers,
		    struct error *);
/* Others from now on; queries under way keep theirs. */
int		 dns_set_resolvers(struct dns *, const char *const *resolvers,
		    struct error *);
/*
 * Zones that the configuration names, and a server that has them (server.h;
 * NULL: none is known): for names whose SOA no resolver tells.  apex "": a
 * server of unknown zones, which is only looked at to explain.  apex NULL:
 * forget all.
 */
void		 dns_tell(struct dns *, const char *apex, const char *server);
/* Another one that was told the same. */
struct dns	*dns_new_like(const struct dns *,
		    const char *const *resolvers, struct error *);
/* All operations must be finished or cancelled before. */
void		 dns_free(struct dns *);

/* For the other modules of dns/: */
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
/* Borrowed until the next call, at most RESOLVERS_MAX. */
const struct dns_server *dns_resolvers(struct dns *, size_t *n);
/* Which of them is to be asked first; and from now on this one. */
size_t		 dns_preferred(const struct dns *);
void		 dns_prefer(struct dns *, const struct dns_server *);
/*
 * The queries of txtwait in flight, all operations together: a bound on
 * descriptors.
 */
unsigned	*dns_in_flight(struct dns *);

#endif
