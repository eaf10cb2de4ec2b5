/* SPDX-License-Identifier: MIT */
#include "daemon/notify/webhook.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/http.h"
#include "daemon/recipes/run.h"
#include "daemon/rest/run.h"

#define REPLY_MAX 65536

struct webhook_op {
	struct channel_args a;		/* its texts are ours: */
	char		*subject, *text, *json, *id;
	struct rest_op	*rest;
	struct recipe_op *recipe;	/* instead: of a template's file */
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
	recipe_cancel(op->recipe);
	free(op->subject);
	free(op->text);
	free(op->json);
	free(op->id);
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

/* --- templates of files --- */

/* A placeholder; the options are secret and chat. */
static json_t *
word(void *user, const char *name, struct error *err)
{
	const struct webhook_op *op = user;
	const struct { const char *name, *text; } texts[] = {
		{ "webhook", op->a.conf->url },
		{ "secret", op->a.conf->secret }, { "chat", op->a.conf->chat },
		{ "subject", op->subject }, { "text", op->text },
		{ "level", notify_level_name(op->a.level) },
		{ "id", op->id }, { "host", op->a.env->host },
	};
	struct error syntax;
	json_t *all, *found;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].name, name) == 0)
			return texts[i].text == NULL ? NULL :
			    json_string(texts[i].text);
	}
	all = jsonx_parse(op->json, strlen(op->json), &syntax);
	found = json_incref(jsonx_get(all, name));	/* event, what */
	json_decref(all);
	return found;
}

static void
recipe_done(struct error *err, void *arg)
{
	struct webhook_op *op = arg;
	struct error own;

	op->recipe = NULL;
	if (err != NULL) {
		own = *err;
		(void)text_printf(own.code, sizeof(own.code), "%s",
		    err->kind == ERR_CONFIG ? "notify:refused" :
		    err->kind == ERR_REJECTED ? "notify:rejected" :
		    "notify:busy");
		err = &own;
	}
	op->done(err, op->arg);
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
	op->a.id = op->id = xstrdup(a->id != NULL ? a->id : "");
	op->a.target = "";		/* no service asks for it */
	op->done = done;
	op->arg = arg;
	if (a->conf->recipe != NULL) {
		op->recipe = recipe_start(&(struct recipe_args){
		    .loop = a->env->loop, .http = a->env->http,
		    .recipe = a->conf->recipe, .word = word, .user = op,
		    .allow_http = true, .ca_file = a->conf->ca_file,
		    .timeout_ms = a->conf->timeout_s * 1000 }, recipe_done,
		    op);
		return op;
	}
	op->rest = rest_start(&(struct rest_args){
	    .loop = a->env->loop, .http = a->env->http, .steps = steps,
	    .user = op, .allow_http = true, .ca_file = a->conf->ca_file,
	    .max_reply = REPLY_MAX, .timeout_ms = a->conf->timeout_s * 1000,
	    .plain_text = true }, rest_done, op);
	return op;
}

const struct channel_kind channel_webhook = { webhook_start, webhook_cancel };
