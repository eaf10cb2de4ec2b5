/* SPDX-License-Identifier: MIT */
/*
 * nscheck - does every authoritative server of a zone work?  Each address is
 * asked for the zone's SOA, over UDP and over TCP, and must answer with
 * authority; and their serials are compared.  Called by preflight and
 * txtwait.
 */
#ifndef DAEMON_DNS_NSCHECK_H
#define DAEMON_DNS_NSCHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dns;
struct dns_server;
struct error;
struct nscheck_op;
struct zone;

#define NSCHECK_TEXT_MAX 200

/* One address of one server; the texts are "" where it works. */
struct nscheck_server {
	const struct dns_server *server;
	char		 udp[NSCHECK_TEXT_MAX];	/* "does not answer" */
	char		 tcp[NSCHECK_TEXT_MAX];
	bool		 has_serial;	/* of the zone, that it shows */
	uint32_t	 serial;
	bool		 is_behind;	/* another one's is newer (RFC 1982) */
};

struct nscheck_reply {
	const struct nscheck_server *servers;	/* as many as the zone's */
	size_t		 n_servers;
	size_t		 n_bad;
	size_t		 n_behind;	/* of those that work */
	uint32_t	 newest;	/* serial, if any server shows one */
	/* Names in the zone's NS records that have no address, "" or
	 * "a.example, b.example". */
	char		 homeless[512];
};

/* No errors but each server's own. */
typedef void nscheck_done_cb(const struct nscheck_reply *, void *arg);
/* zone has an apex. */
struct nscheck_op *nscheck_start(struct dns *, const struct zone *,
		    unsigned timeout_ms, nscheck_done_cb *done, void *arg);
void		 nscheck_cancel(struct nscheck_op *);

#endif
