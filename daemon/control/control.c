/* SPDX-License-Identifier: MIT */
#include "daemon/control/control.h"

#include <sys/socket.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/http.h>
#include <event2/listener.h>
#include <stdlib.h>
#include <unistd.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/control/peer.h"
#include "daemon/control/request.h"
#include "daemon/control/server.h"
#include "daemon/control/stream.h"

enum {
	IDLE_MS = 30000,
	BEAT_MS = 30000,
	HEADERS_MAX = 16384,
	/* Bytes read ahead; more than the largest request needs. */
	READ_AHEAD_MAX = HEADERS_MAX + 2 * API_BODY_MAX,
	TICK_QUIET_MS = 10000,	/* nobody is connected */
	TICK_BUSY_MS = 1000,
	TICK_FULL_MS = 10,	/* others wait for a place */
	/* By then who is let in has asked; the slow make room for others. */
	PATIENCE_FULL_MS = 200
};

/* Has evhttp let go of it? */
static bool
conn_is_closed(const struct conn *c)
{
	bufferevent_event_cb event_cb = NULL;

	bufferevent_getcb(c->bev, NULL, NULL, &event_cb, NULL);
	return event_cb == NULL;
}

static void
conn_free(struct control *ctl, struct conn *c)
{
	TAILQ_REMOVE(&ctl->conns, c, entry);
	ctl->n_conns--;
	(void)bufferevent_decref(c->bev);
	free(c);
}

/*
 * libevent's time limits begin anew with each byte, so a client that sends
 * one byte now and then is dropped here.
 */
static void
conn_watch(struct control *ctl, struct conn *c, int64_t now_ms)
{
	char byte;

	if (c->stream != NULL)
		stream_beat(c->stream, now_ms);
	else if (c->is_busy) {
		/* evhttp does not read before it has replied. */
		if (recv(bufferevent_getfd(c->bev), &byte, 1,
		    MSG_PEEK | MSG_DONTWAIT) == 0)
			bufferevent_trigger_event(c->bev,
			    BEV_EVENT_READING | BEV_EVENT_EOF, 0);
	} else if (now_ms - c->since_ms > (ctl->n_conns >= CONN_MAX ?
	    PATIENCE_FULL_MS : 2 * (int64_t)ctl->idle_ms))
		bufferevent_trigger_event(c->bev,
		    BEV_EVENT_READING | BEV_EVENT_TIMEOUT, 0);
}

/* How long until conns are looked at again. */
static int64_t
tick_ms(const struct control *ctl)
{
	unsigned least = ctl->idle_ms < ctl->beat_ms ? ctl->idle_ms :
	    ctl->beat_ms;

	if (ctl->n_conns >= CONN_MAX)
		return TICK_FULL_MS;
	if (ctl->n_conns == 0)
		return TICK_QUIET_MS;
	return least < TICK_BUSY_MS ? least : TICK_BUSY_MS;
}

static void
tick_cb(void *arg)
{
	struct control *ctl = arg;
	struct conn *c, *next;
	int64_t now_ms = clock_mono_ms();

	for (c = TAILQ_FIRST(&ctl->conns); c != NULL; c = next) {
		next = TAILQ_NEXT(c, entry);
		if (!conn_is_closed(c))
			conn_watch(ctl, c, now_ms);
		if (conn_is_closed(c))
			conn_free(ctl, c);
	}
	/* Also after accept_failed_cb(). */
	if (ctl->n_conns < CONN_MAX)
		(void)evconnlistener_enable(ctl->listener);
	timer_set(&ctl->tick, tick_ms(ctl));
}

/* evhttp asks for a bufferevent for the connection it has accepted. */
static struct bufferevent *
conn_new_cb(struct event_base *base, void *arg)
{
	struct control *ctl = arg;
	struct conn *c = xcalloc(1, sizeof(*c));

	c->bev = bufferevent_socket_new(base, -1, BEV_OPT_CLOSE_ON_FREE);
	if (c->bev == NULL)
		abort();
	bufferevent_incref(c->bev);
	c->since_ms = clock_mono_ms();
	/* What comes in while we answer must not pile up. */
	bufferevent_setwatermark(c->bev, EV_READ, 0, READ_AHEAD_MAX);
	TAILQ_INSERT_TAIL(&ctl->conns, c, entry);
	if (++ctl->n_conns >= CONN_MAX)
		(void)evconnlistener_disable(ctl->listener);
	/* Sooner than it is set to. */
	if (ctl->n_conns == 1 || ctl->n_conns >= CONN_MAX)
		timer_set(&ctl->tick, tick_ms(ctl));
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

static void
serve(struct control *ctl, int fd)
{
	struct event_base *base = loop_base(ctl->loop);

	ctl->http = evhttp_new(base);
	/* Its callback comes with evhttp_bind_listener(). */
	ctl->listener = evconnlistener_new(base, NULL, NULL,
	    LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC, 0, fd);
	if (ctl->http == NULL || ctl->listener == NULL)
		abort();
	evhttp_set_max_body_size(ctl->http, API_BODY_MAX);
	evhttp_set_max_headers_size(ctl->http, HEADERS_MAX);
	evhttp_set_timeout(ctl->http, (int)(ctl->idle_ms / 1000));
	/* Those that we do not serve get our own 405. */
	evhttp_set_allowed_methods(ctl->http, EVHTTP_REQ_GET |
	    EVHTTP_REQ_POST | EVHTTP_REQ_HEAD | EVHTTP_REQ_PUT |
	    EVHTTP_REQ_DELETE | EVHTTP_REQ_OPTIONS | EVHTTP_REQ_PATCH);
	evhttp_set_bevcb(ctl->http, conn_new_cb, ctl);
	evhttp_set_gencb(ctl->http, request_cb, ctl);
	if (evhttp_bind_listener(ctl->http, ctl->listener) == NULL)
		abort();
	evconnlistener_set_error_cb(ctl->listener, accept_failed_cb);
}

struct control *
control_new(struct loop *loop, struct engine *engine, const char *socket_path,
    control_reload_cb *reload, void *arg, struct error *err)
{
	struct control *ctl = xcalloc(1, sizeof(*ctl));
	int fd;

	ctl->loop = loop;
	ctl->engine = engine;
	ctl->path = xstrdup(socket_path);
	ctl->reload = reload;
	ctl->reload_arg = arg;
	ctl->idle_ms = IDLE_MS;
	ctl->beat_ms = BEAT_MS;
	ctl->gid = group_id(API_GROUP);
	TAILQ_INIT(&ctl->conns);
	timer_init(&ctl->tick, loop, tick_cb, ctl);
	fd = sock_listen(socket_path, ctl->gid, &ctl->id, err);
	if (fd == -1) {
		free(ctl->path);
		free(ctl);
		return NULL;
	}
	serve(ctl, fd);
	timer_set(&ctl->tick, tick_ms(ctl));
	return ctl;
}

void
control_free(struct control *ctl)
{
	struct conn *c;

	if (ctl == NULL)
		return;
	timer_clear(&ctl->tick);
	sock_remove(ctl->path, &ctl->id);
	/* Closes the connections; those of streams free their stream. */
	evhttp_free(ctl->http);
	while ((c = TAILQ_FIRST(&ctl->conns)) != NULL)
		conn_free(ctl, c);
	free(ctl->path);
	free(ctl);
}

void
control_test_limits(struct control *ctl, unsigned idle_ms, unsigned beat_ms)
{
	struct timeval tv = { idle_ms / 1000, idle_ms % 1000 * 1000 };

	ctl->idle_ms = idle_ms;
	ctl->beat_ms = beat_ms;
	evhttp_set_timeout_tv(ctl->http, &tv);
}
