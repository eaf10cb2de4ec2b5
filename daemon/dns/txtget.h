/* SPDX-License-Identifier: MIT */
/*
 * txtget - the TXT values of a name, as each address of each authoritative
 * server gives them now; if none of these answers (a firewall), as the
 * resolvers do.  Called by persist_look.
 */
#ifndef DAEMON_DNS_TXTGET_H
#define DAEMON_DNS_TXTGET_H

#include <stdbool.h>
#include <stddef.h>

struct dns;
struct error;
struct txtget_op;
struct zone;

/* What one of those that answered has. */
struct txtget_set {
	const char	*server;	/* "ns1.example.test (192.0.2.1)" */
	const char *const *values;	/* as dnsmsg_txt_value() */
	size_t		 n_values;
};

struct txtget_reply {			/* dies on return */
	const struct txtget_set *sets;	/* at least one */
	size_t		 n_sets;
	bool		 is_cached;	/* the resolvers' */
	char		 note[512];	/* who did not answer; "" if all did */
};

/* Errors: ERR_TRANSIENT "dns:no-answer", which names them all; ERR_CONFIG
 * "dns:name". */
typedef void txtget_done_cb(const struct error *err,
    const struct txtget_reply *reply, void *arg);

/* The zone's fqdn is the name asked for.  timeout_ms is of each try: the
 * servers, then the resolvers. */
struct txtget_op *txtget_start(struct dns *, const struct zone *,
		    unsigned timeout_ms, txtget_done_cb *done, void *arg);
void		 txtget_cancel(struct txtget_op *);

#endif
