/* SPDX-License-Identifier: MIT */
/*
 * http_listen - a small HTTP server that the whole world may talk to, over
 * evhttp.  GET and HEAD of short texts; one request a connection, which has
 * 10 seconds in all, however slowly its bytes come; when there are too many
 * connections, the oldest makes room for the next.  Called by http01.
 */
#ifndef DAEMON_IO_HTTP_LISTEN_H
#define DAEMON_IO_HTTP_LISTEN_H

#include <stdbool.h>

struct error;
struct http_listen;
struct loop;

/* The text to answer with, borrowed until the next turn of the loop; NULL: it
 * is answered with 404.  path is as it came, without a query. */
typedef const char *http_listen_cb(const char *path, void *arg);

/* Its sockets come with http_listen_open(). */
struct http_listen *http_listen_new(struct loop *, http_listen_cb *,
		    void *arg);
/* NULL is allowed. */
void		 http_listen_free(struct http_listen *);

/*
 * Change the sockets: begin, one call for each that is wanted, end, which
 * closes what is not wanted any more.  One that stays is open all the time.
 */
void		 http_listen_begin(struct http_listen *);
/* "192.0.2.1:80", "[2001:db8::1]:80"; without a port: 80.  ERR_CONFIG
 * "http:listen" says what is in the way. */
int		 http_listen_open(struct http_listen *, const char *address,
		    struct error *);
/* A listening socket of somebody else's, who closes it. */
void		 http_listen_passed(struct http_listen *, int fd);
/* Is any open? */
bool		 http_listen_end(struct http_listen *);

/* For tests: how long a connection may live. */
void		 http_listen_test_limit(struct http_listen *,
		    unsigned life_ms);

#endif
