/* SPDX-License-Identifier: MIT */
/*
 * Replies with something for each certificate.  They are written a piece at a
 * time, the next one when the client has read the last: 100,000 certificates
 * cost as much memory as a hundred.  In between the table may change, so the
 * place in it is kept as a name.
 */
#include "daemon/control/page.h"

#include <sys/queue.h>	/* before libevent, which would undefine parts */

#include <event2/buffer.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"

enum {
	PIECE = 32768,		/* bytes, about; the client has one at a time */
	PIECE_CERTS = 1000	/* the loop has others to serve */
};

struct page {
	struct control		*ctl;
	struct conn		*conn;
	struct evhttp_request	*req;
	struct evbuffer		*out;	/* not yet given to evhttp */
	/* Add the next bit to out; false: it was the last one. */
	bool			(*fill)(struct page *);
	char			*after;	/* the last certificate, "" at first */
	size_t			 left;	/* at most so many more of them */
	bool			 has_any;
	enum engine_gauge	 gauge;
	struct timer		 again;
};

static void
page_free(struct page *p)
{
	timer_clear(&p->again);
	evbuffer_free(p->out);
	free(p->after);
	free(p);
}

/* As in stream.c: the client left, or the connection is closed. */
static void
closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct page *p = arg;

	request_closed(p->req);
	page_free(p);
}

/* Make out a piece; false: the page is complete. */
static bool
fill_piece(struct page *p)
{
	for (int i = 0; i < PIECE_CERTS &&
	    evbuffer_get_length(p->out) < PIECE; i++) {
		if (!p->fill(p))
			return false;
	}
	return true;
}

static void
more_cb(struct evhttp_connection *evcon, void *arg)
{
	struct page *p = arg;
	struct evhttp_request *req = p->req;

	/* control.c drops those on which nothing moves. */
	p->conn->since_ms = clock_mono_ms();
	if (!fill_piece(p)) {
		evhttp_send_reply_chunk(req, p->out);
		evhttp_connection_set_closecb(evcon, NULL, NULL);
		page_free(p);
		evhttp_send_reply_end(req);
	} else if (evbuffer_get_length(p->out) > 0) {
		evhttp_send_reply_chunk_with_cb(req, p->out, more_cb, p);
	} else {
		timer_set(&p->again, 0);
	}
}

static void
again_cb(void *arg)
{
	struct page *p = arg;

	more_cb(evhttp_request_get_connection(p->req), p);
}

static struct page *
page_new(struct call *c, bool (*fill)(struct page *))
{
	struct page *p = xcalloc(1, sizeof(*p));

	p->ctl = c->ctl;
	p->conn = conn_of(c->ctl, c->req);
	p->req = c->req;
	p->out = evbuffer_new();
	if (p->out == NULL)
		abort();
	p->fill = fill;
	p->after = xstrdup("");
	p->left = SIZE_MAX;
	timer_init(&p->again, c->ctl->loop, again_cb, p);
	return p;
}

static void
page_begin(struct page *p, const char *type)
{
	struct evhttp_connection *evcon =
	    evhttp_request_get_connection(p->req);

	if (!fill_piece(p)) {
		reply_buffer(p->req, 200, type, p->out);
		page_free(p);
		return;
	}
	(void)evhttp_add_header(evhttp_request_get_output_headers(p->req),
	    "Content-Type", type);
	evhttp_connection_set_closecb(evcon, closed_cb, p);
	evhttp_send_reply_start(p->req, 200, NULL);
	evhttp_send_reply_chunk_with_cb(p->req, p->out, more_cb, p);
}

static void
put(struct page *p, const char *text)
{
	if (evbuffer_add(p->out, text, strlen(text)) == -1)
		abort();
}

/* The next certificate, NULL after the last; it is p->after from now on. */
static const char *
next_name(struct page *p)
{
	const char *name = p->left == 0 ? NULL :
	    engine_next_name(p->ctl->engine, p->after);

	if (name == NULL)
		return NULL;
	p->left -= p->left != SIZE_MAX;
	free(p->after);
	return p->after = xstrdup(name);
}

/* --- /v1/status --- */

static bool
fill_status(struct page *p)
{
	const char *name = next_name(p);
	json_t *cert = name == NULL ? NULL :
	    engine_cert_brief(p->ctl->engine, name);
	char *text;

	if (cert == NULL) {
		put(p, "\n]}\n");
		return false;
	}
	text = json_dumps(cert, JSON_COMPACT);
	json_decref(cert);
	if (text == NULL)
		return true;		/* a text that is not UTF-8 */
	put(p, p->has_any ? ",\n" : "\n");
	put(p, text);
	p->has_any = true;
	free(text);
	return true;
}

/* The rest, and the beginning of the list. */
static void
begin_status(struct page *p)
{
	json_t *j = engine_status(p->ctl->engine);
	char *text = json_dumps(j, JSON_COMPACT);

	json_decref(j);
	if (text == NULL)
		text = xstrdup("{}");
	text[strlen(text) - 1] = '\0';
	put(p, text);
	put(p, text[1] != '\0' ? ",\"certificates\":[" :
	    "\"certificates\":[");
	free(text);
}

/* "after=NAME&limit=N", both optional; -1: something else. */
static int
parse_query(struct page *p, const char *query)
{
	struct evkeyvalq params = TAILQ_HEAD_INITIALIZER(params);
	const struct evkeyval *kv;
	int rc = evhttp_parse_query_str(query, &params);
	char *end;

	TAILQ_FOREACH(kv, &params, next) {
		if (strcmp(kv->key, "after") == 0) {
			free(p->after);
			p->after = xstrdup(kv->value);
		} else if (strcmp(kv->key, "limit") == 0 &&
		    kv->value[0] >= '0' && kv->value[0] <= '9') {
			errno = 0;
			p->left = strtoul(kv->value, &end, 10);
			if (errno != 0 || *end != '\0')
				rc = -1;
		} else {
			rc = -1;
		}
	}
	evhttp_clear_headers(&params);
	return rc;
}

void
get_status(struct call *c)
{
	const char *query = evhttp_uri_get_query(
	    evhttp_request_get_evhttp_uri(c->req));
	struct page *p = page_new(c, fill_status);

	if (query != NULL && *query != '\0' && parse_query(p, query) == -1) {
		page_free(p);
		bad_request(c, "the query is not after=NAME, limit=NUMBER or "
		    "both");
		return;
	}
	begin_status(p);
	page_begin(p, "application/json");
}

/* --- /metrics --- */

static bool
fill_metrics(struct page *p)
{
	const char *name = next_name(p);
	char *text;

	if (name == NULL) {
		if (++p->gauge == ENGINE_GAUGE_END)
			return false;
		free(p->after);
		p->after = xstrdup("");
	}
	text = engine_gauge(p->ctl->engine, p->gauge, name);
	put(p, text);
	free(text);
	return true;
}

void
get_metrics(struct call *c)
{
	struct page *p = page_new(c, fill_metrics);
	char *text = engine_metrics(c->ctl->engine);

	put(p, text);
	free(text);
	text = engine_gauge(c->ctl->engine, p->gauge, NULL);
	put(p, text);
	free(text);
	page_begin(p, "text/plain; version=0.0.4; charset=utf-8");
}
