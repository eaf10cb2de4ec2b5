/* SPDX-License-Identifier: MIT */
#include "daemon/io/http_listen.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/http_socks.h"
#include "daemon/io/loop.h"

enum {
	LIFE_MS = 10000,		/* of a connection */
	CONN_MAX = 128,
	HEADERS_MAX = 8192,
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

struct http_listen {
	struct loop	*loop;
	struct evhttp	*http;
	http_listen_cb	*find;
	void		*arg;
	struct http_socks *socks;	/* of http */
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

	for (c = TAILQ_FIRST(&h->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, link);
		if (conn_is_closed(c) || now_ms - c->since_ms >= h->life_ms)
			conn_drop(h, c);
	}
	/* After an accept that failed. */
	http_socks_enable(h->socks, true);
	if (h->n_conns > 0)
		timer_set(&h->tick, h->life_ms < TICK_BUSY_MS ? h->life_ms :
		    TICK_BUSY_MS);
	else if (!http_socks_is_empty(h->socks))
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

/* Somebody must look after the sockets as long as there are any. */
static void
watch(struct http_listen *h)
{
	if (!timer_is_set(&h->tick))
		timer_set(&h->tick, TICK_QUIET_MS);
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
	h->socks = http_socks_new(loop, h->http, HTTP_PORT);
	return h;
}

void
http_listen_free(struct http_listen *h)
{
	struct conn *c;

	if (h == NULL)
		return;
	http_socks_free(h->socks);
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

void
http_listen_begin(struct http_listen *h)
{
	http_socks_begin(h->socks);
}

int
http_listen_open(struct http_listen *h, const char *address,
    struct error *err)
{
	if (http_socks_open(h->socks, address) == -1)
		return error_set(err, ERR_CONFIG, "http:listen",
		    "cannot listen on %s: %s%s", address, strerror(errno),
		    errno == EACCES ? "; a port under 1024 is for root: "
		    "enable acmed-http.socket and say http_listen = systemd" :
		    errno == EADDRINUSE ? "; another web server? let it serve "
		    "the challenges from a webroot" : "");
	watch(h);
	return 0;
}

void
http_listen_passed(struct http_listen *h, int fd)
{
	http_socks_passed(h->socks, fd);
	watch(h);
}

bool
http_listen_end(struct http_listen *h)
{
	http_socks_end(h->socks);
	return !http_socks_is_empty(h->socks);
}
