/* SPDX-License-Identifier: MIT */
/*
 * responder - a small authoritative name server within acmed, for the names
 * that are delegated to it: what the provider "builtin" adds to.  One in
 * struct provider_env; it outlives the calls of providers and the
 * configurations.  Zones and sockets are those of the configuration in force,
 * the values are in memory only: a run that is resumed adds its own again.
 *
 * It answers for TXT, SOA and NS (and the addresses of its own name) in its
 * zones and refuses everything else.
 */
#ifndef DAEMON_DNS_RESPONDER_H
#define DAEMON_DNS_RESPONDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/error.h"
#include "daemon/dns/responder_listen.h"

struct loop;
struct responder;
struct tsig_key;

/* What one configured provider asks for.  Borrowed. */
struct responder_args {
	const char *const *listen;	/* "0.0.0.0:53", "[::]:53"; NULL-
					   terminated.  Empty: the sockets
					   that systemd has passed, else both
					   of these */
	const char *const *zones;	/* NULL-terminated */
	const char	*ns_name;
	const char *const *ns_addresses;	/* NULL-terminated */
	const char	*mbox;		/* or NULL */
	const char *const *peers;	/* hosts that serve the same zones, and
					   have our values too (updates);
					   NULL-terminated, or NULL */
	const char	*peer_key;	/* the TSIG key of these, a text as
					   tsig_text.h has it; or NULL */
	uint32_t	 ttl;		/* seconds */
};

struct responder *responder_new(struct loop *);
void	responder_free(struct responder *);

/* The key of peer_key; the caller clears it. */
int	responder_key(const struct responder_args *, struct tsig_key *,
	    struct error *);
/* Are the options in order?  ERR_CONFIG says what is wrong. */
int	responder_check(const struct responder_args *, struct error *);

/*
 * A configuration comes into force: begin, one serve for each provider, end.
 * Sockets that both have stay open all the time.  NULL is allowed for begin
 * and end.
 */
void	responder_begin(struct responder *);
/*
 * ERR_CONFIG "builtin:listen" if an address cannot be listened on (it is
 * tried again, every 30 seconds and when a value is added); the others are
 * served all the same.
 */
int	responder_serve(struct responder *, const struct responder_args *,
	    struct error *);
void	responder_end(struct responder *);

/* The addresses of the configuration in force: how many, at most max.  What is
 * closed is tried once more. */
size_t	responder_places(struct responder *, struct responder_place *out,
	    size_t max);
/* The zone of ours that holds fqdn, if there is one. */
bool	responder_zone_of(const struct responder *, const char *fqdn,
	    char apex[DNAME_SIZE]);

/*
 * Put values at fqdn, or take them away: those that are there, or not there,
 * already are success.  ERR_CONFIG "builtin:zone" (add: no zone of ours holds
 * the name), "builtin:listen" (add: no socket is open); see also
 * responder_table.h.
 */
int	responder_add(struct responder *, const char *fqdn,
	    const char *const *values, size_t n_values, struct error *);
int	responder_remove(struct responder *, const char *fqdn,
	    const char *const *values, size_t n_values, struct error *);

#endif
