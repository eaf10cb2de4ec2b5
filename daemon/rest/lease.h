/* SPDX-License-Identifier: MIT */
/*
 * lease - the use of a section `credentials`.  While a lease is held, its
 * values are good: those that are fetched (providers/keyless.h) are there, and
 * are renewed before they end.  All that use one section share what was
 * fetched, and one fetch.
 *
 *	take	ready: sign; ...; give
 *
 * Fetched values change from one turn of the loop to the next: read them
 * anew for each request.
 */
#ifndef DAEMON_REST_LEASE_H
#define DAEMON_REST_LEASE_H

#include <stdbool.h>

struct conf_credentials;
struct error;
struct http;
struct lease;
struct leases;
struct loop;

struct leases	*leases_new(struct loop *, struct http *);
/* Wipes.  All must be given back before.  NULL is allowed. */
void		 leases_free(struct leases *);

/*
 * err NULL: the values are good until the lease is given back.  Else its
 * message begins with `credentials "NAME": `, and the lease is to be given
 * back.
 */
typedef void lease_cb(const struct error *err, void *arg);
/*
 * ready is called from the loop, once; for static credentials in the next turn.
 * The section (NULL: there is none) is borrowed until the lease is given back.
 * scope: for whom, where the vendor tells that apart, else NULL.
 */
struct lease	*lease_take(struct leases *, const struct conf_credentials *,
		    const char *scope, lease_cb *ready, void *arg);
/* Also before ready, which is not called then.  NULL is allowed. */
void		 lease_give(struct lease *);
/*
 * The vendor has refused them.  True if that may be for their age, as they were
 * not fetched for this lease: take another one, which fetches again.  NULL
 * is allowed.
 */
bool		 lease_doubt(struct lease *);

#endif
