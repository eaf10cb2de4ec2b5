/* SPDX-License-Identifier: MIT */
/*
 * server - what the files of this folder know of the server, its connections
 * and the request being answered.  control.c makes and ends them.
 */
#ifndef DAEMON_CONTROL_SERVER_H
#define DAEMON_CONTROL_SERVER_H

#include <sys/queue.h>
#include <sys/types.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/control/peer.h"
#include "daemon/io/loop.h"

struct bufferevent;
struct engine;
struct error;
struct evconnlistener;
struct evhttp;
struct evhttp_request;
struct stream;

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
	int64_t			 since_ms;	/* accept or last request */
	struct stream		*stream;	/* NULL: none runs on it */
	bool			 is_busy;	/* its reply takes long */
};
TAILQ_HEAD(conn_list, conn);

struct control {
	struct loop		*loop;
	struct engine		*engine;
	struct evhttp		*http;
	struct evconnlistener	*listener;	/* owned by http */
	char			*path;
	struct sock_id		 id;
	gid_t			 gid;		/* of API_GROUP, or -1 */
	/* control_reload_cb of control.h. */
	json_t			*(*reload)(void *arg, struct error *,
				    json_t *lines);
	void			*reload_arg;
	struct conn_list	 conns;
	size_t			 n_conns;
	size_t			 n_streams;
	size_t			 n_checks;
	size_t			 n_jobs;
	struct timer		 tick;		/* watches over conns */
	unsigned		 idle_ms;
	unsigned		 beat_ms;
};

/* One request while it is answered. */
struct call {
	struct control		*ctl;
	struct evhttp_request	*req;
	const char		*path;
	uid_t			 uid;
};

/* The connection a request came on. */
struct conn	*conn_of(struct control *, struct evhttp_request *);
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
