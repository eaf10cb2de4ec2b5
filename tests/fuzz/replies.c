/* SPDX-License-Identifier: MIT */
#include "tests/fuzz/replies.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http_priv.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_time.h"

#define REQUESTS_MAX 3000	/* 500 pages of each of six steps */
#define MARK "\n%%\n"

struct call {
	struct http_op	 op;
	struct timer	 answer;
};

static char *input, *next, *end;
static unsigned n_requests;

void
need(bool ok)
{
	if (!ok)
		abort();
}

void
check_error(const struct error *err)
{
	need(err->kind > ERR_NONE && err->kind < ERR_KIND_END);
	need(strcmp(err->code, "provider:bug") != 0);
	for (const char *p = err->msg; *p != '\0'; p++)
		need((unsigned char)*p >= ' ' && *p != 0x7f);
}

char *
cut(char **text, const char *mark)
{
	char *begin = *text, *at;

	if (begin == NULL)
		return NULL;
	at = strstr(begin, mark);
	if (at == NULL) {
		*text = NULL;
	} else {
		*at = '\0';
		*text = at + strlen(mark);
	}
	return begin;
}

char *
replies_begin(const uint8_t *data, size_t size)
{
	size_t len;

	free(input);
	input = xmalloc(size + 1);
	if (size > 0)
		memcpy(input, data, size);
	input[size] = '\0';
	next = input;
	end = input + size;
	n_requests = 0;
	return replies_next(&len);
}

char *
replies_next(size_t *len)
{
	char *begin = next, *at;

	if (begin == NULL)
		return NULL;
	at = memmem(begin, (size_t)(end - begin), MARK, strlen(MARK));
	next = at == NULL ? NULL : at + strlen(MARK);
	if (at == NULL)
		at = end;
	*at = '\0';
	*len = (size_t)(at - begin);
	return begin;
}

unsigned
replies_asked(void)
{
	return n_requests;
}

void
replies_run(const bool *is_over)
{
	while (!*is_over)
		need(fake_time_step());
	while (fake_time_step())
		;
}

/* --- in place of io/http --- */

static void
answer_cb(void *arg)
{
	struct call *call = arg;
	struct http_headers headers = { 0 };
	struct http_reply reply = { .headers = &headers, .body = "" };
	size_t len;
	char *text = replies_next(&len), *behind, *line;
	struct error err;

	if (text == NULL) {
		(void)error_set(&err, ERR_TRANSIENT, "http:timeout",
		    "api.test: no complete answer within 30 s");
		call->op.done(&err, NULL, call->op.arg);
		http_cancel(&call->op);
		return;
	}
	behind = text + len;
	line = cut(&text, "\n");
	reply.status = (int)(strtoul(line, NULL, 10) % 600);
	if (reply.status < 200)
		reply.status = 200;
	while ((line = cut(&text, "\n")) != NULL && line[0] != '\0')
		(void)http_headers_add(&headers, line, strlen(line));
	if (text != NULL) {
		reply.body = text;
		reply.body_len = (size_t)(behind - text);
	}
	call->op.done(NULL, &reply, call->op.arg);
	http_headers_clear(&headers);
	http_cancel(&call->op);
}

/* Encrypted, or of the machine itself: metadata of clouds, Docker's socket. */
static bool
is_safe(const struct http_args *args)
{
	static const char *const own[] = { "https://", "http://127.",
	    "http://localhost", "http://[::1]", "http://[fd00:ec2::23]",
	    "http://169.254.", "http://100.100.100.200/" };

	for (size_t i = 0; i < sizeof(own) / sizeof(own[0]); i++) {
		if (strncmp(args->url, own[i], strlen(own[i])) == 0)
			return true;
	}
	return args->unix_socket != NULL;
}

struct http_op *
http_start(struct http *h, const struct http_args *args, http_done_cb *done,
    void *arg)
{
	struct call *call = xcalloc(1, sizeof(*call));

	/* It ends by itself, whatever it is told. */
	need(++n_requests < REQUESTS_MAX);
	need(is_safe(args));
	for (const char *p = args->url; *p != '\0'; p++)
		need(*p > ' ' && *p < 0x7f);
	for (size_t i = 0; i < args->n_headers; i++)
		need(strpbrk(args->headers[i].value, "\r\n") == NULL);
	call->op.done = done;
	call->op.arg = arg;
	timer_init(&call->answer, (struct loop *)h, answer_cb, call);
	timer_set(&call->answer, 1);
	return &call->op;
}

void
http_cancel(struct http_op *op)
{
	struct call *call = (struct call *)op;

	if (op == NULL)
		return;
	timer_clear(&call->answer);
	free(call);
}
