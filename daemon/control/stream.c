/* SPDX-License-Identifier: MIT */
#include "daemon/control/stream.h"

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/event.h"
#include "daemon/control/reply.h"
#include "daemon/control/server.h"
#include "daemon/engine/engine.h"
#include "daemon/preflight/preflight.h"

struct stream {
	struct server		*server;
	struct conn		*conn;
	struct evhttp_request	*req;
	struct event_sub	*sub;	/* NULL: no more events */
	bool			 is_check;
	struct preflight	*check;	/* NULL: no more lines of it */
	char			*cert;	/* only this one's; or NULL */
	json_t			*names;	/* followed and not yet ended; or
					   NULL */
	struct evbuffer		*out;	/* not yet given to evhttp */
	bool			 begun;
	bool			 ended;
	int64_t			 beat_at_ms;
	struct timer		 drop;
};

/* Nothing more comes from the engine. */
static void
stop_listening(struct stream *s)
{
	if (s->sub != NULL)
		event_unsubscribe(s->sub);
	s->sub = NULL;
	preflight_cancel(s->check);
	s->check = NULL;
}

static void
stream_free(struct stream *s)
{
	stop_listening(s);
	timer_clear(&s->drop);
	s->conn->beat = NULL;
	s->server->n_streams--;
	s->server->n_checks -= s->is_check;
	evbuffer_free(s->out);
	json_decref(s->names);
	free(s->cert);
	free(s);
}

/* The client left, or drop_cb() or server_free() closed the connection. */
static void
closed_cb(struct evhttp_connection *evcon, void *arg)
{
	struct stream *s = arg;

	request_closed(s->req);
	stream_free(s);
}

static void
drop_cb(void *arg)
{
	struct stream *s = arg;

	log_info(NULL, "a reader of events is more than %d kB behind: dropped",
	    STREAM_BACKLOG_MAX / 1024);
	/* Calls closed_cb(). */
	evhttp_connection_free(evhttp_request_get_connection(s->req));
}

static void
flush(struct stream *s)
{
	struct evbuffer *waiting = bufferevent_get_output(s->conn->bev);

	evhttp_send_reply_chunk(s->req, s->out);
	if (evbuffer_get_length(waiting) <= STREAM_BACKLOG_MAX)
		return;
	/* From the loop: our caller may be in the middle of something. */
	stop_listening(s);
	timer_set(&s->drop, 0);
}

/* Send the sign of life if it is time. */
static void
beat_cb(void *arg, int64_t now_ms)
{
	struct stream *s = arg;

	if ((s->sub == NULL && s->check == NULL) || now_ms < s->beat_at_ms)
		return;
	s->beat_at_ms = now_ms + s->server->beat_ms;
	(void)evbuffer_add(s->out, "\n", 1);
	flush(s);
}

/* All that was followed is over: end the reply. */
static void
finish(struct stream *s)
{
	struct evhttp_request *req = s->req;

	evhttp_connection_set_closecb(evhttp_request_get_connection(req),
	    NULL, NULL);
	/* What is left to send has its time limits again. */
	conn_limit(s->conn, s->server->idle_ms);
	s->conn->since_ms = clock_mono_ms();
	stream_free(s);
	evhttp_send_reply_end(req);
}

static bool
is_wanted(const struct stream *s, const char *cert)
{
	if (s->names != NULL)
		return cert != NULL && json_object_get(s->names, cert) != NULL;
	return s->cert == NULL || (cert != NULL && strcmp(s->cert, cert) == 0);
}

static void
event_cb(const json_t *event, void *arg)
{
	struct stream *s = arg;
	const char *cert = jsonx_str(event, "cert");
	char *line;

	if (s->ended || !is_wanted(s, cert))
		return;
	line = json_dumps(event, JSON_COMPACT);
	if (line == NULL)
		return;		/* a text that is not UTF-8 */
	(void)evbuffer_add_printf(s->out, "%s\n", line);
	free(line);
	if (s->names != NULL && jsonx_bool(event, "end", false)) {
		(void)json_object_del(s->names, cert);
		s->ended = json_object_size(s->names) == 0;
	}
	if (!s->begun)
		return;
	flush(s);
	if (s->ended && s->sub != NULL)
		finish(s);
}

/* One that nobody feeds yet. */
static struct stream *
stream_make(struct server *server, struct evhttp_request *req)
{
	struct stream *s;
	struct error err;

	if (server->n_streams >= STREAM_MAX) {
		(void)error_set(&err, ERR_TRANSIENT, API_ERR_BUSY,
		    "%d programs follow events already", STREAM_MAX);
		reply_error(req, 503, &err, NULL);
		return NULL;
	}
	s = xcalloc(1, sizeof(*s));
	s->server = server;
	s->conn = conn_of(server, req);
	s->req = req;
	s->out = evbuffer_new();
	if (s->out == NULL)
		abort();
	timer_init(&s->drop, server->loop, drop_cb, s);
	s->conn->beat = beat_cb;
	s->conn->beat_arg = s;
	server->n_streams++;
	return s;
}

struct stream *
stream_new(struct server *server, struct evhttp_request *req,
    const char *cert)
{
	struct stream *s = stream_make(server, req);

	if (s == NULL)
		return NULL;
	s->cert = cert == NULL ? NULL : xstrdup(cert);
	s->sub = engine_subscribe(server->engine, event_cb, s);
	return s;
}

struct stream *
stream_follow(struct server *server, struct evhttp_request *req,
    json_t *names)
{
	struct stream *s = stream_new(server, req, NULL);

	if (s == NULL)
		json_decref(names);
	else
		s->names = names;
	return s;
}

void
stream_skip(struct stream *s, const char *cert, bool ok, time_t at)
{
	char when[TEXT_TIME_MAX], *msg;
	json_t *event;

	msg = xasprintf("nothing is done before %s", text_time(at, when));
	event = json_pack("{s:I, s:s, s:s, s:s, s:s, s:b, s:b}", "at",
	    (json_int_t)clock_now(), "cert", cert, "step", "done", "level",
	    "notice", "msg", msg, "end", 1, "ok", ok);
	if (event != NULL)
		event_cb(event, s);
	json_decref(event);
	free(msg);
}

void
stream_begin(struct stream *s)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(s->req);

	(void)evhttp_add_header(headers, "Content-Type", "application/jsonl");
	/* The last thing on this connection, which has lost its limits. */
	(void)evhttp_add_header(headers, "Connection", "close");
	evhttp_connection_set_closecb(evhttp_request_get_connection(s->req),
	    closed_cb, s);
	/* A reader may be silent, and may even be stopped for a while. */
	conn_limit(s->conn, 0);
	s->begun = true;
	s->beat_at_ms = clock_mono_ms() + s->server->beat_ms;
	evhttp_send_reply_start(s->req, 200, NULL);
	flush(s);
	if (s->ended && s->sub != NULL)
		finish(s);
}

void
stream_abort(struct stream *s)
{
	stream_free(s);
}

/* --- checks --- */

static void
check_line(const json_t *line, void *arg)
{
	struct stream *s = arg;
	char *text = json_dumps(line, JSON_COMPACT);

	if (text == NULL)
		return;		/* a text that is not UTF-8 */
	(void)evbuffer_add_printf(s->out, "%s\n", text);
	free(text);
	flush(s);
}

static void
check_done(const struct error *err, void *arg)
{
	struct stream *s = arg;
	json_t *line;

	s->check = NULL;
	if (err != NULL) {
		line = json_pack("{s:{s:s, s:s, s:s}}", "error",
		    "kind", err_kind_name(err->kind), "code", err->code,
		    "msg", err->msg);
		check_line(line, s);
		json_decref(line);
	}
	/* drop_cb() ends it otherwise. */
	if (!timer_is_set(&s->drop))
		finish(s);
}

void
stream_check(struct server *server, struct evhttp_request *req,
    const struct preflight_args *args)
{
	struct stream *s;
	struct error err;

	if (server->n_checks >= CHECK_MAX) {
		(void)error_set(&err, ERR_TRANSIENT, API_ERR_BUSY,
		    "%d checks are under way already", CHECK_MAX);
		reply_error(req, 503, &err, NULL);
		return;
	}
	s = stream_make(server, req);
	if (s == NULL)
		return;
	s->is_check = true;
	server->n_checks++;
	s->check = preflight_start(engine_preflights(server->engine), args,
	    check_line, check_done, s);
	stream_begin(s);
}
