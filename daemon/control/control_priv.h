/* SPDX-License-Identifier: MIT */
/*
 * control_priv - what the files of daemon/control/ share.  control.c owns the
 * server and its connections, request*.c answer with reply.c, page.c what is
 * long a piece at a time, stream.c follows runs, peer.c knows the socket and
 * who is at its other end.
 */
#ifndef DAEMON_CONTROL_CONTROL_PRIV_H
#define DAEMON_CONTROL_CONTROL_PRIV_H

#include <sys/queue.h>
#include <sys/types.h>

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/control/control.h"
#include "daemon/io/loop.h"

struct bufferevent;
struct evbuffer;
struct evconnlistener;
struct evhttp;
struct evhttp_request;
struct stream;

enum {
	CONN_MAX = 64,			/* connections; others wait unseen */
	STREAM_MAX = 32,		/* of them, streams */
	CHECK_MAX = 4,			/* of them, checks */
	JOB_MAX = 8,			/* requests of persist.c */
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

/* What the socket's file is, so that only our own is removed. */
struct sock_id {
	dev_t	dev;
	ino_t	ino;
};

struct control {
	struct loop		*loop;
	struct engine		*engine;
	struct evhttp		*http;
	struct evconnlistener	*listener;	/* owned by http */
	char			*path;
	struct sock_id		 id;
	gid_t			 gid;		/* of API_GROUP, or -1 */
	control_reload_cb	*reload;
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

/* control.c */

/* The connection a request came on. */
struct conn	*conn_of(struct control *, struct evhttp_request *);

/* request.c */

/* evhttp's callback for everything; arg is the struct control. */
void	request_cb(struct evhttp_request *, void *arg);

/* reply.c */

/* Answer with {"error": ...} and, unless it is NULL, "lines": lines. */
void	reply_error(struct evhttp_request *, int status, const struct error *,
	    json_t *lines);
/* Answer with j, which is taken. */
void	reply_json(struct evhttp_request *, int status, json_t *j /* taken */);

/* The HTTP status that fits an error of the engine. */
int	reply_status(const struct error *err);
/* Answer with these bytes, which are drained. */
void	reply_buffer(struct evhttp_request *, int status, const char *type,
	    struct evbuffer *);
/* 400, and why. */
void	bad_request(struct call *, const char *why);
bool	cert_exists(struct call *, const char *name);
/* Answer as the engine does for a name that it does not know. */
void	unknown_cert(struct call *, const char *name);

/* persist.c */

/* POST /v1/persist. */
void	persist_request(struct control *, struct evhttp_request *);

/* request_deploy.c, request_names.c */

void	post_deploy(struct call *);
void	post_rollback(struct call *);
void	post_renew(struct call *);
void	post_check(struct call *);

/* page.c */

void	get_status(struct call *);
void	get_metrics(struct call *);

/* stream.c */

/*
 * A stream of events: of all certificates (cert NULL), of one, or, for
 * stream_follow(), of the members of names (an object, each NAME: true; taken)
 * until each of them has ended.  Events are kept back until stream_begin()
 * has sent the reply's head.  NULL if there are too many streams; the request
 * is then answered.
 */
struct stream	*stream_new(struct control *, struct evhttp_request *,
		    const char *cert);
struct stream	*stream_follow(struct control *, struct evhttp_request *,
		    json_t *names /* taken */);
/*
 * A stream of the lines of a preflight, which ends with it, and it with the
 * stream: begun already.  If there are too many the request is answered.
 */
struct preflight_args;
void		 stream_check(struct control *, struct evhttp_request *,
		    const struct preflight_args *);
void		 stream_begin(struct stream *);
/* Before stream_begin(): forget it; the request is still to be answered. */
void		 stream_abort(struct stream *);
/* Send the sign of life if it is time. */
void		 stream_beat(struct stream *, int64_t now_ms);

/* peer.c */

/*
 * A listening socket at path, non-blocking and close-on-exec; -1 and
 * ERR_CONFIG "control:socket".
 */
int	sock_listen(const char *path, gid_t, struct sock_id *,
	    struct error *);
/* Remove path if it still is that socket. */
void	sock_remove(const char *path, const struct sock_id *);
/* The id of a group, (gid_t)-1 if there is none of that name. */
gid_t	group_id(const char *name);
/*
 * May the process at the other end of fd use the API?  *uid says who it is.
 * -1 and ERR_CONFIG API_ERR_FORBIDDEN if not.
 */
int	peer_check(int fd, gid_t, uid_t *uid, struct error *);

#endif
