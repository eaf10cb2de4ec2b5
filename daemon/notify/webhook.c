/* SPDX-License-Identifier: MIT */
#include "daemon/notify/webhook.h"

#include <stdlib.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http.h"
#include "daemon/rest/run.h"

#define REPLY_MAX 65536

struct webhook_op {
	struct channel_args a;		/* its texts are ours: */
	char		*subject, *text, *json;
	struct rest_op	*rest;
	channel_done_cb	*done;
	void		*arg;
};

static void
webhook_cancel(void *arg)
{
	struct webhook_op *op = arg;

	if (op == NULL)
		return;
	rest_cancel(op->rest);
	free(op->subject);
	free(op->text);
	free(op->json);
	free(op);
}

static int
build(void *user, struct preq *rq, struct error *err)
{
	const struct webhook_op *op = user;

	webhook_request(rq, &op->a, clock_now_ms());
	return 0;
}

/* Whatever the status: several services refuse with 200. */
static enum rest_next
answered(void *user, const struct rest_answer *a, struct error *err)
{
	const struct webhook_op *op = user;
	time_t at = http_reply_retry_at(a->http);

	if (webhook_verdict(op->a.conf->template, a->status, a->body,
	    a->body_len, clock_now(), err) == 0)
		return REST_DONE;
	if (at > err->retry_at)
		err->retry_at = at;
	return REST_FAIL;
}

static const struct rest_step steps[] = {
	{ .name = "", .request = build, .reply = answered,
	    .refused = answered },
	{ .name = NULL }
};

static void
rest_done(enum rest_next end, struct error *err, void *arg)
{
	struct webhook_op *op = arg;

	op->rest = NULL;
	op->done(end == REST_DONE ? NULL : err, op->arg);
	webhook_cancel(op);
}

static void *
webhook_start(const struct channel_args *a, channel_done_cb *done, void *arg)
{
	struct webhook_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->a.subject = op->subject = xstrdup(a->subject);
	op->a.text = op->text = xstrdup(a->text);
	op->a.json = op->json = xstrdup(a->json);
	op->a.id = op->a.target = "";	/* no service asks for them */
	op->done = done;
	op->arg = arg;
	op->rest = rest_start(&(struct rest_args){
	    .loop = a->env->loop, .http = a->env->http, .steps = steps,
	    .user = op, .allow_http = true, .ca_file = a->conf->ca_file,
	    .max_reply = REPLY_MAX, .timeout_ms = a->conf->timeout_s * 1000,
	    .plain_text = true }, rest_done, op);
	return op;
}

const struct channel_kind channel_webhook = { webhook_start, webhook_cancel };
