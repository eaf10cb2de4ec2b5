/* SPDX-License-Identifier: MIT */
/*
 * responder_limit - how much one network may ask of the built-in responder: a
 * bucket of tokens for each source prefix (/24 of IPv4, /56 of IPv6), in a
 * table of fixed size.  UDP and TCP have one each: the sources of datagrams
 * can be forged, those of connections cannot.
 */
#ifndef DAEMON_DNS_RESPONDER_LIMIT_H
#define DAEMON_DNS_RESPONDER_LIMIT_H

#include <stdbool.h>
#include <stdint.h>

struct responder_limit;
struct sockaddr;

#define RESPONDER_RATE 100		/* queries a second */
#define RESPONDER_BURST 200		/* queries at once */

struct responder_limit *responder_limit_new(void);
void	responder_limit_free(struct responder_limit *);
/*
 * May that source be answered at now_ms (monotonic)?  Takes one token.  When
 * prefixes share a place in the table, they share the bucket.
 */
bool	responder_limit_take(struct responder_limit *,
	    const struct sockaddr *, int64_t now_ms);

#endif
