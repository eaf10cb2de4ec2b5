/* SPDX-License-Identifier: MIT */
/*
 * server - an HTTP server over evhttp and its connections, and the request
 * being answered.  control.c has one on the Unix socket, status/ another one.
 *
 * Nothing a client does harms the daemon: requests, streams and connections
 * are bounded in size, number and time.  Who is slow makes room for others.
 */
#ifndef DAEMON_CONTROL_SERVER_H
#define DAEMON_CONTROL_SERVER_H

#include <sys/queue.h>
#include <sys/types.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/io/loop.h"

struct bufferevent;
struct control;
struct engine;
struct error;
struct evhttp;
struct evhttp_request;
struct http_socks;

enum {
	CONN_MAX = 64,			/* connections; others wait unseen */
	STREAM_MAX = 32,		/* of them, streams */
	CHECK_MAX = 4,			/* of them, checks */
	JOB_MAX = 8,			/* of job.h, at a time */
	STREAM_BACKLOG_MAX = 1 << 20	/* bytes a reader may be behind */
};

/*
 * One connection.  evhttp 2.1 tells nobody when it closes one that has no
 * request, so we keep a reference to each bufferevent: when evhttp gives its
 * own up, the callbacks are gone.
 */
struct conn {
	TAILQ_ENTRY(conn)	 entry;
	struct bufferevent	*bev;
	int64_t			 since_ms;	/* accept, last request, or
						   last seen to read */
	int			 unread;	/* bytes it then had to read */
	bool			 is_busy;	/* its reply takes long */
	/* Set: a stream runs on it, and watches over itself. */
	void			(*beat)(void *arg, int64_t now_ms);
	void			*beat_arg;
};
TAILQ_HEAD(conn_list, conn);

struct server {
	struct loop		*loop;
	struct engine		*engine;
	struct evhttp		*http;
	struct http_socks	*socks;		/* of http */
	struct conn_list	 conns;
	size_t			 n_conns;
	size_t			 n_streams;
	size_t			 n_checks;
	size_t			 n_jobs;
	struct timer		 tick;		/* watches over conns */
	size_t			 read_ahead;	/* bytes; more than a request
						   needs */
	unsigned		 idle_ms;
	unsigned		 beat_ms;
};

struct server_args {
	struct loop	*loop;
	struct engine	*engine;
	int		 port;		/* where an address names none */
	size_t		 max_body;	/* bytes; a longer one is a 413 */
	/* evhttp's callback for everything, and its argument. */
	void		(*request)(struct evhttp_request *, void *arg);
	void		*arg;
};

/* Its sockets come with http_socks_open() and so on, of io/. */
struct server	*server_new(const struct server_args *);
/* Drop all clients, and close the sockets.  NULL is allowed. */
void		 server_free(struct server *);
/*
 * For tests: a silent or slow client is dropped after idle_ms (default 30 s),
 * one that has stopped to read a long reply after at most twice that, and a
 * stream shows that it lives every beat_ms (default 30 s).
 */
void		 server_test_limits(struct server *, unsigned idle_ms,
		    unsigned beat_ms);

/* One request while it is answered. */
struct call {
	struct server		*server;
	struct control		*ctl;	/* NULL: none on the Unix socket */
	struct evhttp_request	*req;
	const char		*path;
	uid_t			 uid;	/* with ctl */
};

/* The connection a request came on. */
struct conn	*conn_of(struct server *, struct evhttp_request *);
/* It is closed when nothing has moved for so long; 0: never. */
void		 conn_limit(struct conn *, unsigned ms);

/*
 * A request's body, of which an empty one means empty; the caller decrefs.
 * NULL: as jsonx_parse().
 */
json_t		*request_body(struct evhttp_request *, const char *empty,
		    struct error *);
/*
 * To be called when the connection of a request has been closed.  If the
 * client left, evhttp has taken the request off it and forgotten it: it is
 * freed.
 */
void		 request_closed(struct evhttp_request *);

#endif
