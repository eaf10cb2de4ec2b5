/* SPDX-License-Identifier: MIT */
#include "daemon/io/http_listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"

enum {
	LIFE_MS = 10000,		/* of a connection */
	CONN_MAX = 128,
	HEADERS_MAX = 8192,
	BACKLOG = 128,
	HTTP_PORT = 80,
	TICK_QUIET_MS = 10000,		/* nobody is connected */
	TICK_BUSY_MS = 1000
};

/* evhttp tells nobody when it closes a connection: control/server.h. */
struct conn {
	TAILQ_ENTRY(conn) link;
	struct bufferevent *bev;
	int64_t		 since_ms;
};

struct sock {
	TAILQ_ENTRY(sock) link;
	struct evhttp_bound_socket *bound;
	struct evconnlistener *listener;	/* owned by bound */
	struct sockaddr_storage ss;
	bool		 is_wanted;
};

struct http_listen {
	struct loop	*loop;
	struct evhttp	*http;
	http_listen_cb	*find;
	void		*arg;
	TAILQ_HEAD(, sock) socks;
	TAILQ_HEAD(, conn) conns;	/* oldest first */
	size_t		 n_conns;
	struct timer	 tick;
	unsigned	 life_ms;
};

/* --- connections --- */

static bool
conn_is_closed(const struct conn *c)
{
	bufferevent_event_cb event_cb = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

static void
conn_free(struct http_listen *h, struct conn *c)
{
	TAILQ_REMOVE(&h->conns, c, link);
	h->n_conns--;
	(void)bufferevent_decref(c->bev);
	free(c);
}

static void
conn_drop(struct http_listen *h, struct conn *c)
{
	if (!conn_is_closed(c))
		bufferevent_trigger_event(c->bev,
		    BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
	if (conn_is_closed(c))
		conn_free(h, c);
}

/* libevent's time limits begin anew with each byte; this one does not. */
static void
tick_cb(void *arg)
{
	struct http_listen *h = arg;
	int64_t now_ms = clock_mono_ms();
	struct conn *c, *next;
	struct sock *s;

	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (conn_is_closed(c) || now_ms - c->since_ms >= h->life_ms)
			conn_drop(h, c);
	}
	/* After accept_failed_cb(). */
	TAILQ_FOREACH(s, &h->socks, link)
		(void)evconnlistener_enable(s->listener);
	if (h->n_conns > 0)
		timer_set(&h->tick, h->life_ms < TICK_BUSY_MS ? h->life_ms :
		    TICK_BUSY_MS);
	else if (!TAILQ_EMPTY(&h->socks))
		timer_set(&h->tick, TICK_QUIET_MS);
}

/* Those that are closed already, or else the oldest. */
static void
make_room(struct http_listen *h)
{
	struct conn *c, *next;

	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (conn_is_closed(c))
			conn_free(h, c);
	}
	if (h->n_conns >= CONN_MAX)
		conn_drop(h, TAILQ_FIRST(&h->conns));
}

/* evhttp asks for a bufferevent for the connection it has accepted. */
static struct bufferevent *
conn_new_cb(struct event_base *base, void *arg)
{
	struct http_listen *h = arg;
	struct conn *c = xcalloc(1, sizeof(*c));

	if (h->n_conns >= CONN_MAX)
		make_room(h);
	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		abort();
	bufferevent_incref(c->bev);
	c->since_ms = clock_mono_ms();
	bufferevent_setwatermark(c->bev, EV_READ, 0, 2 * HEADERS_MAX);
	TAILQ_INSERT_TAIL(&h->conns, c, link);
	if (++h->n_conns == 1)		/* sooner than it is set to */
		timer_set(&h->tick, h->life_ms < TICK_BUSY_MS ? h->life_ms :
		    TICK_BUSY_MS);
	return c->bev;
}

/*
 * Out of descriptors, most likely.  Without a pause the loop would spin; the
 * tick listens again.  arg is evhttp's, not ours.
 */
static void
accept_failed_cb(struct evconnlistener *listener, void *arg)
{
	(void)evconnlistener_disable(listener);
}

/* --- requests --- */

static void
reply(struct evhttp_request *req, int status, const char *type,
    const char *text)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(req);
	struct evbuffer *body = evbuffer_new();
	char length[32];

	if (body == NULL)
		abort();
	(void)text_printf(length, sizeof(length), "%zu", strlen(text));
	(void)evhttp_add_header(headers, "Content-Type", type);
	(void)evhttp_add_header(headers, "Content-Length", length);
	(void)evhttp_add_header(headers, "Cache-Control", "no-store");
	(void)evhttp_add_header(headers, "Connection", "close");
	if (evhttp_request_get_command(req) != EVHTTP_REQ_HEAD)
		(void)evbuffer_add(body, text, strlen(text));
	evhttp_send_reply(req, status, NULL, body);
	evbuffer_free(body);
}

static void
request_cb(struct evhttp_request *req, void *arg)
{
	struct http_listen *h = arg;
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(req);
	const char *path = uri != NULL ? evhttp_uri_get_path(uri) : NULL;
	const char *text = path != NULL ? h->find(path, h->arg) : NULL;

	if (text != NULL)
		reply(req, HTTP_OK, "application/octet-stream", text);
	else
		reply(req, HTTP_NOTFOUND, "text/plain", "not found\n");
}

struct http_listen *
http_listen_new(struct loop *loop, http_listen_cb *find, void *arg)
{
	struct http_listen *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	h->find = find;
	h->arg = arg;
	h->life_ms = LIFE_MS;
	TAILQ_INIT(&h->socks);
	TAILQ_INIT(&h->conns);
	timer_init(&h->tick, loop, tick_cb, h);
	h->http = evhttp_new(loop_base(loop));
	if (h->http == NULL)
		abort();
	evhttp_set_max_headers_size(h->http, HEADERS_MAX);
	evhttp_set_max_body_size(h->http, 0);
	evhttp_set_timeout(h->http, LIFE_MS / 1000);
	/* evhttp answers the others with 501. */
	evhttp_set_allowed_methods(h->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
	evhttp_set_bevcb(h->http, conn_new_cb, h);
	evhttp_set_gencb(h->http, request_cb, h);
	return h;
}

void
http_listen_free(struct http_listen *h)
{
	struct conn *c;

	if (h == NULL)
		return;
	http_listen_begin(h);
	http_listen_end(h);
	timer_clear(&h->tick);
	evhttp_free(h->http);		/* closes the connections */
	while ((c = TAILQ_FIRST(&h->conns)) != NULL)
		conn_free(h, c);
	free(h);
}

void
http_listen_test_limit(struct http_listen *h, unsigned life_ms)
{
	h->life_ms = life_ms;
}

/* --- sockets --- */

static struct sock *
sock_find(struct http_listen *h, const struct sockaddr_storage *ss)
{
	struct sock *s;

	TAILQ_FOREACH(s, &h->socks, link) {
		if (evutil_sockaddr_cmp((const struct sockaddr *)&s->ss,
		    (const struct sockaddr *)ss, 1) == 0)
			return s;
	}
	return NULL;
}

static void
sock_add(struct http_listen *h, int fd, const struct sockaddr_storage *ss,
    unsigned flags)
{
	struct sock *s = xcalloc(1, sizeof(*s));

	s->ss = *ss;
	s->is_wanted = true;
	/* Its callback comes with evhttp_bind_listener(). */
	s->listener = evconnlistener_new(loop_base(h->loop), NULL, NULL,
	    flags | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (s->listener == NULL)
		abort();
	s->bound = evhttp_bind_listener(h->http, s->listener);
	if (s->bound == NULL)
		abort();
	evconnlistener_set_error_cb(s->listener, accept_failed_cb);
	TAILQ_INSERT_TAIL(&h->socks, s, link);
	if (!timer_is_set(&h->tick))
		timer_set(&h->tick, TICK_QUIET_MS);
}

static int
refuse(const char *address, int error, struct error *err)
{
	return error_set(err, ERR_CONFIG, "http:listen",
	    "cannot listen on %s: %s%s", address, strerror(error),
	    error == EACCES ? "; a port under 1024 is for root: enable "
	    "acmed-http.socket and say http_listen = systemd" :
	    error == EADDRINUSE ? "; another web server? let it serve the "
	    "challenges from a webroot" : "");
}

/* Listening at an address, not blocking; or -1 and errno. */
static int
listen_at(const struct sockaddr_storage *ss, socklen_t len)
{
	const int on = 1;
	int fd, saved;

	fd = socket(ss->ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
	    0);
	if (fd == -1)
		return -1;
	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (ss->ss_family == AF_INET6)
		(void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on,
		    sizeof(on));
	if (bind(fd, (const struct sockaddr *)ss, len) == -1 ||
	    listen(fd, BACKLOG) == -1) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

void
http_listen_begin(struct http_listen *h)
{
	struct sock *s;

	TAILQ_FOREACH(s, &h->socks, link)
		s->is_wanted = false;
}

int
http_listen_open(struct http_listen *h, const char *address,
    struct error *err)
{
	struct sockaddr_storage ss = { 0 };
	int len = (int)sizeof(ss), fd;
	struct sock *s;

	if (evutil_parse_sockaddr_port(address, (struct sockaddr *)&ss,
	    &len) == -1)
		return refuse(address, EINVAL, err);
	if (ss.ss_family == AF_INET &&
	    ((struct sockaddr_in *)&ss)->sin_port == 0)
		((struct sockaddr_in *)&ss)->sin_port = htons(HTTP_PORT);
	if (ss.ss_family == AF_INET6 &&
	    ((struct sockaddr_in6 *)&ss)->sin6_port == 0)
		((struct sockaddr_in6 *)&ss)->sin6_port = htons(HTTP_PORT);
	s = sock_find(h, &ss);
	if (s != NULL) {
		s->is_wanted = true;
		return 0;
	}
	fd = listen_at(&ss, (socklen_t)len);
	if (fd == -1)
		return refuse(address, errno, err);
	sock_add(h, fd, &ss, LEV_OPT_CLOSE_ON_FREE);
	return 0;
}

void
http_listen_passed(struct http_listen *h, int fd)
{
	struct sockaddr_storage ss = { 0 };
	socklen_t len = sizeof(ss);
	struct sock *s;

	if (getsockname(fd, (struct sockaddr *)&ss, &len) == -1)
		return;
	s = sock_find(h, &ss);
	if (s != NULL)
		s->is_wanted = true;
	else
		sock_add(h, fd, &ss, 0);
}

void
http_listen_end(struct http_listen *h)
{
	struct sock *s, *next;

	for (s = TAILQ_FIRST(&h->socks); s != NULL; s = next) {
		next = TAILQ_NEXT(s, link);
		if (s->is_wanted)
			continue;
		TAILQ_REMOVE(&h->socks, s, link);
		evhttp_del_accept_socket(h->http, s->bound);
		free(s);
	}
}
