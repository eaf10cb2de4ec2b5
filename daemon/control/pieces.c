/* SPDX-License-Identifier: MIT */
#include "daemon/control/pieces.h"

#include <event2/buffer.h>
#include <event2/http.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"

enum {
	PIECE = 32768,		/* bytes, about; the client has one at a time */
	PIECE_BITS = 1000	/* the loop has others to serve */
};

struct pieces {
	struct conn		*conn;
	struct evhttp_request	*req;
	struct evbuffer		*out;	/* not yet given to evhttp */
	const char		*type;
	int			 status;
	bool			 has_begun;	/* its head is sent */
	pieces_fill_cb		*fill;
	void			(*release)(void *arg);
	void			*arg;
	struct timer		 again;
};

static void
pieces_free(struct pieces *p)
{
	timer_clear(&p->again);
	evbuffer_free(p->out);
	p->release(p->arg);
	free(p);
}

/* As in stream.c: the client left, or the connection is closed. */
static void
closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct pieces *p = arg;

	request_closed(p->req);
	pieces_free(p);
}

/* Make out a piece; false: the reply is complete. */
static bool
fill_piece(struct pieces *p)
{
	for (int i = 0; i < PIECE_BITS &&
	    evbuffer_get_length(p->out) < PIECE; i++) {
		if (!p->fill(p, p->arg))
			return false;
	}
	return true;
}

static void
finish(struct pieces *p)
{
	struct evhttp_request *req = p->req;

	evhttp_connection_set_closecb(evhttp_request_get_connection(req),
	    NULL, NULL);
	if (p->has_begun) {
		evhttp_send_reply_chunk(req, p->out);
		evhttp_send_reply_end(req);
	} else {
		reply_buffer(req, p->status, p->type, p->out);
	}
	pieces_free(p);
}

static void
begin(struct pieces *p)
{
	p->has_begun = true;
	(void)evhttp_add_header(evhttp_request_get_output_headers(p->req),
	    "Content-Type", p->type);
	evhttp_send_reply_start(p->req, p->status, NULL);
}

/* HEAD wants the head alone, and how long the rest is only GET would tell: the
 * same header as it has then, which evhttp adds where a body follows. */
static void
end_head(struct pieces *p)
{
	(void)evhttp_add_header(evhttp_request_get_output_headers(p->req),
	    "Transfer-Encoding", "chunked");
	begin(p);
	(void)evbuffer_drain(p->out, evbuffer_get_length(p->out));
	finish(p);
}

static void
more_cb(struct evhttp_connection *evcon, void *arg)
{
	struct pieces *p = arg;

	/* The server drops those on which nothing moves. */
	p->conn->since_ms = clock_mono_ms();
	if (!fill_piece(p)) {
		finish(p);
		return;
	}
	if (evbuffer_get_length(p->out) > 0 &&
	    evhttp_request_get_command(p->req) == EVHTTP_REQ_HEAD) {
		end_head(p);
		return;
	}
	if (evbuffer_get_length(p->out) == 0) {
		timer_set(&p->again, 0);
		return;
	}
	if (!p->has_begun)
		begin(p);
	evhttp_send_reply_chunk_with_cb(p->req, p->out, more_cb, p);
}

static void
again_cb(void *arg)
{
	struct pieces *p = arg;

	more_cb(evhttp_request_get_connection(p->req), p);
}

void
pieces_begin(struct call *c, const char *type, pieces_fill_cb *fill,
    void (*release)(void *arg), void *arg)
{
	struct pieces *p = xcalloc(1, sizeof(*p));
	struct evhttp_connection *evcon =
	    evhttp_request_get_connection(c->req);

	p->conn = conn_of(c->server, c->req);
	p->req = c->req;
	p->out = evbuffer_new();
	if (p->out == NULL)
		abort();
	p->type = type;
	p->status = 200;
	p->fill = fill;
	p->release = release;
	p->arg = arg;
	timer_init(&p->again, c->server->loop, again_cb, p);
	evhttp_connection_set_closecb(evcon, closed_cb, p);
	/* The server knows better who reads, and looks after it from now on:
	 * libevent counts what the client does not send, too. */
	conn_limit(p->conn, 0);
	more_cb(evcon, p);
}

struct evbuffer *
pieces_out(struct pieces *p)
{
	return p->out;
}

void
pieces_set_status(struct pieces *p, int status)
{
	p->status = status;
}
