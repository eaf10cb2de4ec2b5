/* SPDX-License-Identifier: MIT */
#include "daemon/notify/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http.h"

#define REPLY_MAX 65536

struct webhook_op {
	enum notify_template template;
	struct http_op	*http;
	channel_done_cb	*done;
	void		*arg;
};

static void
webhook_cancel(void *arg)
{
	struct webhook_op *op = arg;

	if (op == NULL)
		return;
	http_cancel(op->http);
	free(op);
}

static void
http_done(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct webhook_op *op = arg;
	struct error failed;

	op->http = NULL;
	if (err == NULL && webhook_verdict(op->template, reply->status,
	    reply->body, reply->body_len, clock_now(), &failed) == -1) {
		time_t at = http_reply_retry_at(reply);

		if (at > failed.retry_at)
			failed.retry_at = at;
		err = &failed;
	}
	op->done(err, op->arg);
	webhook_cancel(op);
}

static void *
webhook_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	struct webhook_op *op = xcalloc(1, sizeof(*op));
	struct http_header headers[WEBHOOK_HEADERS];
	struct webhook_request r;
	struct http_args args = {
		.method = "POST",
		.headers = headers,
		.max_reply = REPLY_MAX,
		.timeout_ms = a->conf->timeout_s * 1000,
		.ca_file = a->conf->ca_file,
		.allow_plain = true,
		.secret_url = true,
		.once = true,
	};

	webhook_request_init(&r, a, clock_now_ms());
	for (size_t i = 0; i < r.n_headers; i++)
		headers[i] = (struct http_header){ r.headers[i].name,
		    r.headers[i].value, true };
	args.url = r.url;
	args.body = r.body;
	args.body_len = strlen(r.body);
	args.n_headers = r.n_headers;
	op->template = a->conf->template;
	op->done = done;
	op->arg = arg;
	op->http = http_start(a->env->http, &args, http_done, op);
	webhook_request_clear(&r);
	return op;
}

const struct channel_kind channel_webhook = { webhook_start, webhook_cancel };
