/* SPDX-License-Identifier: MIT */
/*
 * responder_tcp - the TCP connections of the built-in responder: several
 * queries on each, few connections in all, none that is idle for long.
 */
#ifndef DAEMON_DNS_RESPONDER_TCP_H
#define DAEMON_DNS_RESPONDER_TCP_H

#include <stddef.h>

struct loop;
struct responder_limit;
struct responder_table;
struct responder_tcp;
struct sockaddr;

#define RESPONDER_TCP_MAX 128		/* connections; then the oldest goes */
#define RESPONDER_TCP_EACH 1000		/* queries of one connection */
#define RESPONDER_TCP_IDLE_MS 5000

/* Table and limit are borrowed. */
struct responder_tcp *responder_tcp_new(struct loop *,
	    struct responder_table *, struct responder_limit *);
void	responder_tcp_free(struct responder_tcp *);
/* For tests. */
void	responder_tcp_set_idle(struct responder_tcp *, unsigned ms);
size_t	responder_tcp_count(const struct responder_tcp *);

/* Serve a connection that was accepted.  The descriptor is taken. */
void	responder_tcp_serve(struct responder_tcp *, int fd,
	    const struct sockaddr *peer);

#endif
