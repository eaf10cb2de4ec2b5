/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_http.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"

#define SENT_MAX 256

struct http {
	struct loop		*loop;
	const struct fake_exchange *script;
	size_t			 n, next;
	char			 problem[512];
	struct fake_sent	 sent[SENT_MAX];
	size_t			 n_sent, n_in_flight;
};

struct http_headers {
	const char	*lines;
	char		 value[1024];	/* what http_reply_header() returned */
};

struct http_op {
	struct http		*http;
	const struct fake_exchange *exchange;	/* NULL: not in the script */
	struct timer		 answer;
	void			(*data)(const char *, size_t, void *);
	http_done_cb		*done;
	void			*arg;
};

struct http *
http_new(struct loop *loop, const char *user_agent)
{
	struct http *h = xcalloc(1, sizeof(*h));

	h->loop = loop;
	return h;
}

void
http_free(struct http *h)
{
	if (h == NULL)
		return;
	assert(h->n_in_flight == 0);
	for (size_t i = 0; i < h->n_sent; i++) {
		free(h->sent[i].method);
		free(h->sent[i].url);
		free(h->sent[i].body);
		free(h->sent[i].headers);
	}
	free(h);
}

void
fake_http_script(struct http *h, const struct fake_exchange *script, size_t n)
{
	h->script = script;
	h->n = n;
	h->next = 0;
	h->problem[0] = '\0';
}

const char *
fake_http_check(struct http *h)
{
	if (h->problem[0] == '\0' && h->next < h->n)
		(void)text_printf(h->problem, sizeof(h->problem),
		    "%zu of %zu requests came; missing: %s %s", h->next, h->n,
		    h->script[h->next].method, h->script[h->next].url);
	return h->problem[0] == '\0' ? NULL : h->problem;
}

const struct fake_sent *
fake_http_sent(struct http *h, size_t n)
{
	return n < h->n_sent ? &h->sent[n] : NULL;
}

size_t
fake_http_in_flight(const struct http *h)
{
	return h->n_in_flight;
}

static void
record(struct http *h, const struct http_args *a)
{
	struct fake_sent *s = &h->sent[h->n_sent];

	assert(h->n_sent < SENT_MAX);
	h->n_sent++;
	s->method = xstrdup(a->method);
	s->url = xstrdup(a->url);
	s->body = xstrndup(a->body == NULL ? "" : a->body, a->body_len);
	s->headers = xstrdup("");
	for (size_t i = 0; i < a->n_headers; i++) {
		char *more = xasprintf("%s%s: %s\n", s->headers,
		    a->headers[i].name, a->headers[i].value);

		free(s->headers);
		s->headers = more;
	}
	s->timeout_ms = a->timeout_ms;
	s->max_reply = a->max_reply;
}

static const struct fake_exchange *
find(struct http *h, const struct http_args *a)
{
	const struct fake_exchange *x = &h->script[h->next];

	if (h->next < h->n && strcmp(x->method, a->method) == 0 &&
	    strcmp(x->url, a->url) == 0) {
		h->next++;
		return x;
	}
	if (h->problem[0] == '\0')
		(void)text_printf(h->problem, sizeof(h->problem),
		    "request %zu was %s %s, not %s %s", h->next, a->method,
		    a->url, h->next < h->n ? x->method : "none",
		    h->next < h->n ? x->url : "");
	return NULL;
}

static void
finish(struct http_op *op, const struct error *err,
    const struct http_reply *reply)
{
	op->done(err, reply, op->arg);
	http_cancel(op);
}

/* As it comes: in small pieces. */
static void
stream(struct http_op *op, const char *body)
{
	size_t len = strlen(body), n;

	for (; len > 0; body += n, len -= n) {
		n = len < 7 ? len : 7;
		op->data(body, n, op->arg);
	}
}

static void
answer_cb(void *arg)
{
	struct http_op *op = arg;
	const struct fake_exchange *x = op->exchange;
	struct http_headers headers = { .lines = "" };
	struct http_reply reply = { .body = "", .headers = &headers };
	struct error err;

	if (x != NULL && op->data != NULL && x->body != NULL)
		stream(op, x->body);
	if (x != NULL && x->failure != NULL && strcmp(x->failure,
	    FAKE_HANGS) == 0)
		return;
	if (x == NULL) {
		(void)error_set(&err, ERR_INTERNAL, "fake:unexpected",
		    "%s", op->http->problem);
		finish(op, &err, NULL);
	} else if (x->failure != NULL) {
		(void)error_set(&err, strcmp(x->failure, "http:too-large") == 0
		    ? ERR_REJECTED : ERR_TRANSIENT, x->failure, "ca.test: %s",
		    x->failure);
		finish(op, &err, NULL);
	} else {
		reply.status = x->status;
		if (x->headers != NULL)
			headers.lines = x->headers;
		if (x->body != NULL && op->data == NULL)
			reply.body = x->body;
		reply.body_len = strlen(reply.body);
		finish(op, NULL, &reply);
	}
}

struct http_op *
http_start(struct http *h, const struct http_args *args, http_done_cb *done,
    void *arg)
{
	struct http_op *op = xcalloc(1, sizeof(*op));

	assert(args->timeout_ms > 0);
	op->http = h;
	op->done = done;
	op->arg = arg;
	record(h, args);
	op->exchange = find(h, args);
	h->n_in_flight++;
	timer_init(&op->answer, h->loop, answer_cb, op);
	op->data = args->data;
	if (op->exchange == NULL || op->exchange->failure == NULL ||
	    op->exchange->body != NULL ||
	    strcmp(op->exchange->failure, FAKE_HANGS) != 0)
		timer_set(&op->answer, 0);
	return op;
}

void
http_cancel(struct http_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->answer);
	op->http->n_in_flight--;
	free(op);
}

const char *
http_reply_header(const struct http_reply *reply, const char *name, size_t nth)
{
	/* The value is cut out of its line: the reply owns the copy. */
	struct http_headers *h = (struct http_headers *)(uintptr_t)
	    reply->headers;
	size_t len = strlen(name);

	for (const char *p = h->lines; *p != '\0'; p += strspn(p, "\n")) {
		size_t line = strcspn(p, "\n");

		if (strncasecmp(p, name, len) == 0 && p[len] == ':' &&
		    nth-- == 0) {
			p += len + 1 + strspn(p + len + 1, " ");
			(void)text_printf(h->value, sizeof(h->value), "%.*s",
			    (int)strcspn(p, "\n"), p);
			return h->value;
		}
		p += line;
	}
	return NULL;
}

time_t
http_reply_date(const struct http_reply *reply)
{
	const char *value = http_reply_header(reply, "Date", 0);

	return value == NULL ? 0 : (time_t)strtoll(value, NULL, 10);
}

time_t
http_reply_retry_at(const struct http_reply *reply)
{
	const char *value = http_reply_header(reply, "Retry-After", 0);

	return value == NULL ? 0 : clock_now() + (time_t)strtol(value, NULL,
	    10);
}

unsigned long
http_requests(const struct http *h)
{
	return h->n_sent;
}

unsigned long
http_connections(const struct http *h)
{
	return 1;
}
