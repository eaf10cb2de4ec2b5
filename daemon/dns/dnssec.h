/* SPDX-License-Identifier: MIT */
/*
 * dnssec - is a zone signed, and are its signatures good?  Asked of all
 * resolvers at once: a CA's own one validates, and where one of ours does it
 * sees the same.  A zone whose signatures are broken is SERVFAIL to it, and
 * there again with CD, which asks not to validate.  Called by preflight.
 */
#ifndef DAEMON_DNS_DNSSEC_H
#define DAEMON_DNS_DNSSEC_H

struct dns;
struct dnssec_op;
struct error;

enum dnssec_state {		/* what is worse, or known better, is later */
	DNSSEC_UNKNOWN,		/* no resolver of ours validates */
	DNSSEC_INSECURE,	/* the zone is not signed */
	DNSSEC_SECURE,
	DNSSEC_BROKEN
};

struct dnssec_reply {
	enum dnssec_state state;
	char		 resolver[64];	/* that says so; "" for unknown */
};

/* Errors: ERR_TRANSIENT "dns:resolver" (no resolver knows the zone: it fails
 * without validation, too, or there was no answer); ERR_CONFIG "dns:name". */
typedef void dnssec_done_cb(const struct error *err,
    const struct dnssec_reply *, void *arg);

/* apex is the zone's: its SOA is asked for. */
struct dnssec_op *dnssec_start(struct dns *, const char *apex,
		    unsigned timeout_ms, dnssec_done_cb *done, void *arg);
void		 dnssec_cancel(struct dnssec_op *);

#endif
