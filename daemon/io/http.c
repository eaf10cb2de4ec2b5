/* SPDX-License-Identifier: MIT */
#include "daemon/io/http.h"

#include <assert.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/io/http_priv.h"

#define ACTIVE_UNKNOWN 1	/* until the first response tells */
#define ACTIVE_HTTP1 6		/* connections, */
#define STREAMS_HTTP1 10	/* and those of answers without end */
#define ACTIVE_HTTP2 100	/* streams of one connection */
#define ORIGINS_MAX 32		/* whose protocol is remembered */
#define SPARE_MAX 8
#define IDLE_MS 60000
#define OPEN_MAX 16		/* idle connections kept */

struct http {
	struct loop		*loop;
	char			*user_agent;
	CURLM			*multi;		/* NULL after a long idle */
	struct timer		 curl_timer;	/* curl's own */
	struct timer		 kick;		/* see to the queues */
	struct timer		 idle;
	TAILQ_HEAD(, http_origin) origins;	/* oldest first */
	unsigned		 n_origins;
	unsigned		 n_ops;
	bool			 wants_many;	/* some origin speaks HTTP/1,
						   or an answer has no end */
	bool			 is_wide;	/* curl was told so */
	CURL			*spare[SPARE_MAX];
	unsigned		 n_spare;
	unsigned long		 requests;
	unsigned long		 connections;
};

static void	collect(struct http *);

static void
curl_timer_cb(void *arg)
{
	struct http *h = arg;
	int running;

	(void)curl_multi_socket_action(h->multi, CURL_SOCKET_TIMEOUT, 0,
	    &running);
	collect(h);
}

static int
set_timer_cb(CURLM *multi, long ms, void *arg)
{
	struct http *h = arg;

	if (ms < 0)
		timer_clear(&h->curl_timer);
	else
		timer_set(&h->curl_timer, ms);
	return 0;
}

static void
socket_ready_cb(int fd, unsigned what, void *arg)
{
	struct http *h = arg;
	int running;

	(void)curl_multi_socket_action(h->multi, fd,
	    (what & FD_READ ? CURL_CSELECT_IN : 0) |
	    (what & FD_WRITE ? CURL_CSELECT_OUT : 0), &running);
	collect(h);
}

static int
set_socket_cb(CURL *easy, curl_socket_t fd, int what, void *arg, void *socketp)
{
	struct fdwatch *w = socketp;
	struct http *h = arg;

	if (what == CURL_POLL_REMOVE) {
		if (w != NULL)
			fdwatch_clear(w);
		free(w);
		return 0;
	}
	if (w == NULL) {
		w = xcalloc(1, sizeof(*w));
		fdwatch_init(w, h->loop, socket_ready_cb, h);
		(void)curl_multi_assign(h->multi, fd, w);
	}
	fdwatch_set(w, fd, (what & CURL_POLL_IN ? (unsigned)FD_READ : 0) |
	    (what & CURL_POLL_OUT ? (unsigned)FD_WRITE : 0));
	return 0;
}

static void
open_multi(struct http *h)
{
	CURLM *m = curl_multi_init();

	/*
	 * One connection for each host, whatever the number of requests: as
	 * long as only HTTP/2 was met, a second one is wanted only for what
	 * shall have one of its own, beside an answer without end.
	 */
	if (m == NULL ||
	    curl_multi_setopt(m, CURLMOPT_SOCKETFUNCTION, set_socket_cb) ||
	    curl_multi_setopt(m, CURLMOPT_SOCKETDATA, h) ||
	    curl_multi_setopt(m, CURLMOPT_TIMERFUNCTION, set_timer_cb) ||
	    curl_multi_setopt(m, CURLMOPT_TIMERDATA, h) ||
	    curl_multi_setopt(m, CURLMOPT_PIPELINING,
	    (long)CURLPIPE_MULTIPLEX) ||
	    curl_multi_setopt(m, CURLMOPT_MAX_CONCURRENT_STREAMS,
	    (long)ACTIVE_HTTP2) ||
	    curl_multi_setopt(m, CURLMOPT_MAXCONNECTS, (long)OPEN_MAX) ||
	    curl_multi_setopt(m, CURLMOPT_MAX_HOST_CONNECTIONS, 1L))
		abort();
	h->multi = m;
	h->is_wide = false;
}

static void
close_multi(struct http *h)
{
	struct http_origin *o;

	while (h->n_spare > 0)
		curl_easy_cleanup(h->spare[--h->n_spare]);
	if (h->multi != NULL)
		(void)curl_multi_cleanup(h->multi);
	h->multi = NULL;
	TAILQ_FOREACH(o, &h->origins, entry)
		o->is_suspect = false;
	timer_clear(&h->curl_timer);
}

/*
 * A daemon that renews now and then sleeps most of its life: give back the
 * connections, which curl would not see closed by their servers, and memory.
 */
static void
idle_cb(void *arg)
{
	struct http *h = arg;

	if (h->n_ops > 0)
		return;
	close_multi(h);
#ifdef __GLIBC__
	(void)malloc_trim(0);	/* measured: 2.4 of 16 MB resident */
#endif
}

static void
origin_free(struct http *h, struct http_origin *o)
{
	TAILQ_REMOVE(&h->origins, o, entry);
	h->n_origins--;
	free(o->key);
	free(o);
}

/* The origin of that key; key is taken. */
static struct http_origin *
origin_get(struct http *h, char *key)
{
	struct http_origin *o, *next;

	TAILQ_FOREACH(o, &h->origins, entry) {
		if (strcmp(o->key, key) == 0) {
			free(key);
			return o;
		}
	}
	for (o = TAILQ_FIRST(&h->origins);
	    o != NULL && h->n_origins >= ORIGINS_MAX; o = next) {
		next = TAILQ_NEXT(o, entry);
		if (o->active == 0 && TAILQ_EMPTY(&o->queue))
			origin_free(h, o);
	}
	o = xcalloc(1, sizeof(*o));
	o->key = key;
	TAILQ_INIT(&o->queue);
	TAILQ_INSERT_TAIL(&h->origins, o, entry);
	h->n_origins++;
	return o;
}

void
http_learned(struct http_op *op, enum http_speaks speaks)
{
	if (op->origin->speaks == speaks)
		return;
	op->origin->speaks = speaks;
	if (speaks == SPEAKS_HTTP1) {
		op->http->wants_many = true;
		op->origin->is_suspect = false;
	}
	timer_set(&op->http->kick, 0);
}

/* No longer in a queue, nor in curl's hands. */
static void
detach(struct http_op *op)
{
	struct http *h = op->http;
	long connects = 0;

	switch (op->state) {
	case OP_QUEUED:
		TAILQ_REMOVE(&op->origin->queue, op, entry);
		break;
	case OP_ACTIVE:
		(void)curl_easy_getinfo(op->easy, CURLINFO_NUM_CONNECTS,
		    &connects);
		h->connections += (unsigned long)connects;
		(void)curl_multi_remove_handle(h->multi, op->easy);
		if (h->n_spare < SPARE_MAX) {
			curl_easy_reset(op->easy);
			h->spare[h->n_spare++] = op->easy;
		} else {
			curl_easy_cleanup(op->easy);
		}
		op->easy = NULL;
		op->origin->active--;
		op->origin->streams -= op->data != NULL;
		if (!TAILQ_EMPTY(&op->origin->queue))
			timer_set(&h->kick, 0);
		break;
	case OP_FAILED:
		break;
	}
	op->state = OP_FAILED;
}

static void
op_free(struct http_op *op)
{
	struct http *h = op->http;

	http_op_clear(op);
	free(op);
	if (--h->n_ops == 0)
		timer_set(&h->idle, IDLE_MS);
}

/* err NULL: there is a reply with this status. */
static void
finish(struct http_op *op, int status, const struct error *err)
{
	struct http_reply reply = { .status = status,
	    .body = op->reply != NULL ? op->reply : "",
	    .body_len = op->reply_len, .headers = &op->reply_headers };
	long long ms = clock_mono_ms() - op->started_ms;

	timer_clear(&op->deadline);
	detach(op);
	op->http->requests++;
	/* Of several connections the silent one may still be among them. */
	if (err == NULL && !op->http->is_wide)
		op->origin->is_suspect = false;
	if (err == NULL)
		log_debug(NULL, "%s %s -> %d, %lld ms", op->method,
		    op->shown_url, status, ms);
	else
		log_debug(NULL, "%s %s failed after %lld ms: %s", op->method,
		    op->shown_url != NULL ? op->shown_url : "-", ms,
		    err->msg);
	op->done(err, err == NULL ? &reply : NULL, op->arg);
	op_free(op);
}

/*
 * An old connection that broke before a word of the response came: the server
 * gave it up just then.  curl repeats the first request on such a connection,
 * but fails the others that share it.
 */
static bool
may_repeat(const struct http_op *op, CURLcode rc)
{
	long connects = 1;

	switch ((int)rc) {
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
	case CURLE_PARTIAL_FILE:
		break;
	default:
		return false;
	}
	(void)curl_easy_getinfo(op->easy, CURLINFO_NUM_CONNECTS, &connects);
	return connects == 0 && !op->has_response && !op->is_repeated;
}

static void
repeat(struct http_op *op)
{
	detach(op);
	op->is_repeated = true;
	op->errbuf[0] = '\0';
	op->state = OP_QUEUED;
	TAILQ_INSERT_HEAD(&op->origin->queue, op, entry);
	timer_set(&op->http->kick, 0);
}

/* Finish what curl has finished. */
static void
collect(struct http *h)
{
	CURLMsg *msg;
	int left;

	/* A done may cancel what is next, so that each is asked for anew. */
	while ((msg = curl_multi_info_read(h->multi, &left)) != NULL) {
		CURLcode rc = msg->data.result;
		struct http_op *op = NULL;
		struct error err;
		long status = 0;

		(void)curl_easy_getinfo(msg->easy_handle, CURLINFO_PRIVATE,
		    (char **)&op);
		if (rc != CURLE_OK && may_repeat(op, rc)) {
			repeat(op);
			continue;
		}
		if (rc != CURLE_OK) {
			(void)http_easy_error(op, rc, &err);
			finish(op, 0, &err);
			continue;
		}
		(void)curl_easy_getinfo(op->easy, CURLINFO_RESPONSE_CODE,
		    &status);
		finish(op, (int)status, NULL);
	}
}

static void
deadline_cb(void *arg)
{
	struct http_op *op = arg;
	curl_off_t connected_us = 0;
	struct error err;

	if (op->state == OP_FAILED) {
		err = *op->bad;
		finish(op, 0, &err);
		return;
	}
	if (op->easy != NULL)
		(void)curl_easy_getinfo(op->easy, CURLINFO_PRETRANSFER_TIME_T,
		    &connected_us);
	/* HTTP/2 only ends the stream: the next try would go the same way.
	 * HTTP/1.1 closes what has an answer outstanding.  That an answer
	 * without end has lasted so long tells nothing. */
	if (connected_us != 0 && op->origin->speaks != SPEAKS_HTTP1 &&
	    op->data == NULL)
		op->origin->is_suspect = true;
	(void)error_set(&err, ERR_TRANSIENT, "http:timeout",
	    "%s: %s within %g s", op->host, op->state == OP_QUEUED ?
	    "no free connection" : connected_us == 0 ?
	    "no connection" : "no complete answer", op->timeout_ms / 1000.0);
	finish(op, 0, &err);
}

/* Reported by the deadline's timer, from the loop. */
static void
fail_later(struct http_op *op, const struct error *err)
{
	op->state = OP_FAILED;
	op->bad = xmemdup(err, sizeof(*err));
	timer_set(&op->deadline, 0);
}

static void
activate(struct http *h, struct http_op *op)
{
	struct http_origin *o = op->origin;
	struct error err;

	TAILQ_REMOVE(&o->queue, op, entry);
	op->easy = h->n_spare > 0 ? h->spare[--h->n_spare] : curl_easy_init();
	if (op->easy == NULL)
		abort();
	if (http_easy_setup(op, h->user_agent, &err) == 0) {
		CURLMcode rc = curl_multi_add_handle(h->multi, op->easy);

		if (rc == CURLM_OK) {
			op->state = OP_ACTIVE;
			o->active++;
			o->streams += op->data != NULL;
			return;
		}
		(void)error_set(&err, ERR_INTERNAL, "http:io", "%s: curl: %s",
		    op->host, curl_multi_strerror(rc));
	}
	curl_easy_cleanup(op->easy);
	op->easy = NULL;
	fail_later(op, &err);
}

static void
kick_cb(void *arg)
{
	static const unsigned room[] = {
		[SPEAKS_UNKNOWN] = ACTIVE_UNKNOWN,
		[SPEAKS_HTTP1] = ACTIVE_HTTP1,
		[SPEAKS_HTTP2] = ACTIVE_HTTP2,
	};
	struct http *h = arg;
	struct http_origin *o;
	struct http_op *op;

	if (h->multi == NULL)
		open_multi(h);
	if (h->wants_many && !h->is_wide) {
		(void)curl_multi_setopt(h->multi,
		    CURLMOPT_MAX_HOST_CONNECTIONS,
		    (long)(ACTIVE_HTTP1 + STREAMS_HTTP1));
		h->is_wide = true;
	}
	TAILQ_FOREACH(o, &h->origins, entry) {
		while (o->active - (o->streams < STREAMS_HTTP1 ? o->streams :
		    STREAMS_HTTP1) < room[o->speaks] &&
		    (op = TAILQ_FIRST(&o->queue)) != NULL)
			activate(h, op);
	}
}

struct http *
http_new(struct loop *loop, const char *user_agent)
{
	struct http *h = xcalloc(1, sizeof(*h));

	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		abort();
	h->loop = loop;
	h->user_agent = xstrdup(user_agent);
	TAILQ_INIT(&h->origins);
	timer_init(&h->curl_timer, loop, curl_timer_cb, h);
	timer_init(&h->kick, loop, kick_cb, h);
	timer_init(&h->idle, loop, idle_cb, h);
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	assert(h->n_ops == 0);
	close_multi(h);
	timer_clear(&h->kick);
	timer_clear(&h->idle);
	while (!TAILQ_EMPTY(&h->origins))
		origin_free(h, TAILQ_FIRST(&h->origins));
	free(h->user_agent);
	free(h);
	curl_global_cleanup();
}

struct http_op *
http_start(struct http *h, const struct http_args *args, http_done_cb *done,
    void *arg)
{
	struct http_op *op = xcalloc(1, sizeof(*op));
	struct error err;
	char *key = NULL;

	op->http = h;
	op->done = done;
	op->arg = arg;
	op->started_ms = clock_mono_ms();
	timer_init(&op->deadline, h->loop, deadline_cb, op);
	h->n_ops++;
	timer_clear(&h->idle);
	if (http_op_fill(op, args, &key, &err) == -1) {
		free(key);
		fail_later(op, &err);
		return op;
	}
	h->wants_many |= op->data != NULL;
	op->origin = origin_get(h, key);
	op->state = OP_QUEUED;
	if (args->urgent)
		TAILQ_INSERT_HEAD(&op->origin->queue, op, entry);
	else
		TAILQ_INSERT_TAIL(&op->origin->queue, op, entry);
	timer_set(&op->deadline, op->timeout_ms);
	timer_set(&h->kick, 0);
	return op;
}

void
http_cancel(struct http_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->deadline);
	detach(op);
	op_free(op);
}

unsigned long
http_requests(const struct http *h)
{
	return h->requests;
}

unsigned long
http_connections(const struct http *h)
{
	return h->connections;
}
