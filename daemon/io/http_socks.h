/* SPDX-License-Identifier: MIT */
/*
 * http_socks - the listening sockets of an evhttp, or of a server that speaks
 * something else, which a reload may change.
 * One that stays is open all the time.
 */
#ifndef DAEMON_IO_HTTP_SOCKS_H
#define DAEMON_IO_HTTP_SOCKS_H

#include <stdbool.h>

struct evhttp;
struct http_socks;
struct loop;

/* None at first.  port: where an address names none. */
struct http_socks *http_socks_new(struct loop *, struct evhttp *, int port);
/* The same for who accepts himself: fd is not blocking, and his. */
typedef void http_socks_accept_cb(int fd, void *arg);
struct http_socks *http_socks_new_plain(struct loop *, int port,
		    http_socks_accept_cb *, void *arg);
/* Before evhttp_free().  NULL is allowed. */
void		 http_socks_free(struct http_socks *);

/* To change them: begin, one call for each that is wanted, end, which closes
 * what is not wanted any more.  Where some were asked for and none could be
 * had, those stay that are no more open than what was asked for: of the
 * loopback, of the same address, or any where a wildcard was asked for. */
void		 http_socks_begin(struct http_socks *);
/* "192.0.2.1:80", "[2001:db8::1]:80", or without a port.  One that is not
 * wanted any more is not in its way, whichever is a wildcard.  -1 and errno.
 */
int		 http_socks_open(struct http_socks *, const char *address);
/* A listening socket of somebody else's, who closes it. */
void		 http_socks_passed(struct http_socks *, int fd);
void		 http_socks_end(struct http_socks *);

/* A listening socket that is ours from now on. */
void		 http_socks_add(struct http_socks *, int fd /* taken */);

bool		 http_socks_is_empty(const struct http_socks *);
/*
 * Accept connections, or let them wait.  When an accept fails, most likely for
 * want of descriptors, that socket waits until this is called with true.
 */
void		 http_socks_enable(struct http_socks *, bool);

#endif
