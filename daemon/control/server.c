/* SPDX-License-Identifier: MIT */
#include "daemon/control/server.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/io/http_socks.h"

enum {
	IDLE_MS = 30000,
	BEAT_MS = 30000,
	HEADERS_MAX = 16384,
	TICK_QUIET_MS = 10000,	/* nobody is connected */
	TICK_BUSY_MS = 1000,
	TICK_FULL_MS = 10,	/* others wait for a place */
	/* By then who is let in has asked; the slow make room for others. */
	PATIENCE_FULL_MS = 200
};

/* --- connections --- */

/* Has evhttp let go of it? */
static bool
conn_is_closed(const struct conn *c)
{
	bufferevent_event_cb event_cb = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

static void
conn_free(struct server *s, struct conn *c)
{
	TAILQ_REMOVE(&s->conns, c, entry);
	s->n_conns--;
	(void)bufferevent_decref(c->bev);
	free(c);
}

/*
 * Has it read of what we have sent, since it was looked at last?  The socket is
 * long full before libevent may write again, and has nothing to tell meanwhile.
 */
static bool
conn_reads(struct conn *c)
{
	int before = c->unread;

	if (ioctl(bufferevent_getfd(c->bev), SIOCOUTQ, &c->unread) == -1)
		c->unread = 0;
	return c->unread < before;
}

/*
 * libevent's time limits begin anew with each byte, so a client that sends
 * one byte now and then is dropped here.
 */
static void
conn_watch(struct server *s, struct conn *c, int64_t now_ms)
{
	char byte;

	if (conn_reads(c))
		c->since_ms = now_ms;
	if (c->beat != NULL)
		c->beat(c->beat_arg, now_ms);
	else if (c->is_busy) {
		/* evhttp does not read before it has replied. */
		if (recv(bufferevent_getfd(c->bev), &byte, 1,
		    MSG_PEEK | MSG_DONTWAIT) == 0)
			bufferevent_trigger_event(c->bev,
			    BEV_EVENT_READING | BEV_EVENT_EOF, 0);
	} else if (now_ms - c->since_ms > (s->n_conns >= CONN_MAX ?
	    PATIENCE_FULL_MS : 2 * (int64_t)s->idle_ms))
		bufferevent_trigger_event(c->bev,
		    BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

/* How long until conns are looked at again. */
static int64_t
tick_ms(const struct server *s)
{
	unsigned least = s->idle_ms < s->beat_ms ? s->idle_ms :
	    s->beat_ms;

	if (s->n_conns >= CONN_MAX)
		return TICK_FULL_MS;
	if (s->n_conns == 0)
		return TICK_QUIET_MS;
	return least < TICK_BUSY_MS ? least : TICK_BUSY_MS;
}

static void
tick_cb(void *arg)
{
	struct server *s = arg;
	struct conn *c, *next;
	int64_t now_ms = clock_mono_ms(), late_ms = now_ms - s->tick.due_ms;

	for (c = TAILQ_FIRST(&s->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		/* What held up the loop is nobody's fault. */
		c->since_ms += late_ms;
		if (!conn_is_closed(c))
			conn_watch(s, c, now_ms);
		if (conn_is_closed(c))
			conn_free(s, c);
	}
	/* Also after an accept that failed. */
	if (s->n_conns < CONN_MAX)
		http_socks_enable(s->socks, true);
	timer_set(&s->tick, tick_ms(s));
}

/* evhttp asks for a bufferevent for the connection it has accepted. */
static struct bufferevent *
conn_new_cb(struct event_base *base, void *arg)
{
	struct server *s = arg;
	struct conn *c = xcalloc(1, sizeof(*c));

	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		abort();
	bufferevent_incref(c->bev);
	c->since_ms = clock_mono_ms();
	/* What comes in while we answer must not pile up. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, s->read_ahead);
	TAILQ_INSERT_TAIL(&s->conns, c, entry);
	if (++s->n_conns >= CONN_MAX)
		http_socks_enable(s->socks, false);
	/* Sooner than it is set to. */
	if (s->n_conns == 1 || s->n_conns >= CONN_MAX)
		timer_set(&s->tick, tick_ms(s));
	return c->bev;
}

struct conn *
conn_of(struct server *s, struct evhttp_request *req)
{
	struct bufferevent *bev = evhttp_connection_get_bufferevent(
	    evhttp_request_get_connection(req));
	struct conn *c;

	TAILQ_FOREACH(c, &s->conns, entry) {
		if (c->bev == bev)
			return c;
	}
	abort();		/* conn_new_cb() made it */
}

void
conn_limit(struct conn *c, unsigned ms)
{
	struct timeval tv = { ms / 1000, ms % 1000 * 1000 };

	(void)bufferevent_set_timeouts(c->bev, ms > 0 ? &tv : NULL,
	    ms > 0 ? &tv : NULL);
}

json_t *
request_body(struct evhttp_request *req, const char *empty, struct error *err)
{
	struct evbuffer *in = evhttp_request_get_input_buffer(req);
	size_t len = evbuffer_get_length(in);

	if (len == 0)
		return jsonx_parse(empty, strlen(empty), err);
	return jsonx_parse((const char *)evbuffer_pullup(in, -1), len, err);
}

void
request_closed(struct evhttp_request *req)
{
	if (evhttp_request_get_connection(req) == NULL)
		evhttp_request_free(req);
}

/* --- the server --- */

struct server *
server_new(const struct server_args *a)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->loop = a->loop;
	s->engine = a->engine;
	s->read_ahead = HEADERS_MAX + 2 * a->max_body;
	s->idle_ms = IDLE_MS;
	s->beat_ms = BEAT_MS;
	TAILQ_INIT(&s->conns);
	timer_init(&s->tick, a->loop, tick_cb, s);
	s->http = evhttp_new(loop_base(a->loop));
	if (s->http == NULL)
		abort();
	evhttp_set_max_body_size(s->http, (ev_ssize_t)a->max_body);
	evhttp_set_max_headers_size(s->http, HEADERS_MAX);
	evhttp_set_timeout(s->http, IDLE_MS / 1000);
	/* Those that we do not serve get our own 405. */
	evhttp_set_allowed_methods(s->http, EVHTTP_REQ_GET |
	    EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(s->http, conn_new_cb, s);
	evhttp_set_gencb(s->http, a->request, a->arg);
	s->socks = http_socks_new(a->loop, s->http, a->port);
	timer_set(&s->tick, tick_ms(s));
	return s;
}

void
server_free(struct server *s)
{
	struct conn *c;

	if (s == NULL)
		return;
	timer_clear(&s->tick);
	http_socks_free(s->socks);
	/* Closes the connections; those of streams free their stream. */
	evhttp_free(s->http);
	while ((c = TAILQ_FIRST(&s->conns)) != NULL)
		conn_free(s, c);
	free(s);
}

void
server_test_limits(struct server *s, unsigned idle_ms, unsigned beat_ms)
{
	struct timeval tv = { idle_ms / 1000, idle_ms % 1000 * 1000 };

	s->idle_ms = idle_ms;
	s->beat_ms = beat_ms;
	evhttp_set_timeout_tv(s->http, &tv);
}
