/* SPDX-License-Identifier: MIT */
/*
 * reach - does any of the resolvers answer at all?  All are asked at once, by
 * UDP, and those that are silent by TCP too, to tell a closed port from a dead
 * server.  Called by preflight.
 */
#ifndef DAEMON_DNS_REACH_H
#define DAEMON_DNS_REACH_H

struct dns;
struct error;
struct reach_op;

/* err NULL: one has answered, whatever it said.  Else ERR_TRANSIENT
 * "dns:resolver", with what each of them did. */
typedef void reach_done_cb(const struct error *err, void *arg);

/* name is what they are asked the SOA of: one they are to know soon anyway. */
struct reach_op	*reach_start(struct dns *, const char *name,
		    unsigned timeout_ms, reach_done_cb *done, void *arg);
void		 reach_cancel(struct reach_op *);

#endif
