/* SPDX-License-Identifier: MIT */
/*
 * zone - where a TXT record really lives: CNAMEs followed, the zone's apex
 * found by asking for SOA label by label, its authoritative servers with all
 * their addresses.  Asked of the configured resolvers.
 */
#ifndef DAEMON_DNS_ZONE_H
#define DAEMON_DNS_ZONE_H

#include <stdbool.h>
#include <stddef.h>

#include "common/names.h"

struct dns;
struct dns_server;
struct error;
struct zone_op;

struct zone {
	char		 fqdn[DNAME_SIZE];	/* after CNAMEs */
	char		 apex[DNAME_SIZE];	/* "" if no SOA was found */
	bool		 is_told;	/* apex is dns_tell()'s: no resolver
					   knows better */
	bool		 is_elsewhere;	/* an alias or a delegation led out of
					   the zone of the name above the one
					   that was asked for */
	char		(*aliases)[DNAME_SIZE];	/* the CNAMEs followed: the
					   name asked for, and so on */
	size_t		 n_aliases;
	struct dns_server *servers;	/* authoritative; may be none */
	size_t		 n_servers;
};

void	zone_clear(struct zone *);
void	zone_copy(struct zone *to, const struct zone *from);

/*
 * Find the zone of fqdn.  That no SOA is found, or no address of an
 * authoritative server, is no error: apex or n_servers then say so, and the
 * caller falls back to the resolvers.  Where no resolver answers, or knows
 * more than the top-level domain, a zone that was told (dns_tell()) is taken;
 * its servers are those that the resolvers name, else the one that was told.
 * Errors: ERR_TRANSIENT "dns:resolver" (no resolver answered, SERVFAIL; names
 * them, and tells what the server does that was told), ERR_REJECTED
 * "dns:cname-loop" (more than 8 CNAMEs), ERR_CONFIG "dns:name" (a name that
 * is too long: none is ever cut).
 *
 * An alias that any other name beside fqdn has as well comes from a wildcard
 * ("*.example.com CNAME ..."), was not meant for fqdn, and ends as soon as
 * fqdn has a record: it is not followed.
 */
typedef void zone_done_cb(const struct error *err, const struct zone *zone,
    void *arg);
struct zone_op	*zone_start(struct dns *, const char *fqdn,
		    unsigned timeout_ms, zone_done_cb *done, void *arg);
/* The same without following any alias: the record is to be at fqdn itself. */
struct zone_op	*zone_start_exact(struct dns *, const char *fqdn,
		    unsigned timeout_ms, zone_done_cb *done, void *arg);
void		 zone_cancel(struct zone_op *);

#endif
