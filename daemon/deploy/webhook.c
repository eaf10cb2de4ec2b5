/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/webhook.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "daemon/store/bundle.h"
#include "daemon/store/keys.h"

#define REPLY_MAX 65536

struct webhook_op {
	struct deploy_args a;
	struct timer	 turn;
	struct http_op	*http;
	deploy_done_cb	*done;
	void		*arg;
};

static void
webhook_cancel(void *arg)
{
	struct webhook_op *op = arg;

	timer_clear(&op->turn);
	http_cancel(op->http);
	free(op);
}

static void
finish(struct webhook_op *op, struct error *err)
{
	if (err != NULL)
		(void)text_printf(err->code, sizeof(err->code),
		    "deploy:webhook");
	op->done(err, op->arg);
	webhook_cancel(op);
}

static enum err_kind
kind_of(int status)
{
	if (status == 401 || status == 403)
		return ERR_CONFIG;
	if (status == 429 || status == 408)
		return ERR_TRANSIENT;
	return status >= 400 && status < 500 ? ERR_REJECTED : ERR_TRANSIENT;
}

static void
answered(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct webhook_op *op = arg;
	struct error failed;
	char words[200];

	op->http = NULL;
	if (err != NULL) {
		failed = *err;
		finish(op, &failed);
	} else if (reply->status / 100 == 2) {
		finish(op, NULL);
	} else {
		(void)text_printf(words, sizeof(words), "%s", reply->body);
		text_clean(words);
		(void)error_set(&failed, kind_of(reply->status), "", "the "
		    "webhook answered %d%s%s", reply->status,
		    words[0] != '\0' ? ": " : "", words);
		finish(op, &failed);
	}
}

/* Add a file made of the version under its name; the key only if asked. */
static int
add_pem(const struct deploy_args *a, json_t *o, enum bundle_format format,
    struct error *err)
{
	char *pem;
	size_t len;

	if (bundle_make(a->version_dir, format, a->cert->name, NULL, &pem,
	    &len, err) == -1)
		return -1;
	(void)json_object_set_new(o, bundle_format_name(format),
	    json_stringn(pem, len));
	freezero(pem, len);
	return 0;
}

static int
add_facts(json_t *o, struct error *err)
{
	const json_t *pem = json_object_get(o, "fullchain");
	struct cert_info info;

	if (cert_info_read(json_string_value(pem), json_string_length(pem),
	    &info, err) == -1)
		return -1;
	(void)json_object_set_new(o, "issuer", json_string(info.issuer));
	(void)json_object_set_new(o, "not_before",
	    json_integer(info.not_before));
	(void)json_object_set_new(o, "not_after",
	    json_integer(info.not_after));
	(void)json_object_set_new(o, "sha256", json_string(info.sha256));
	cert_info_clear(&info);
	return 0;
}

/* The body; the caller frees with freezero_str().  NULL: err. */
static char *
make_body(const struct deploy_args *a, struct error *err)
{
	json_t *names = json_array(), *o;
	char host[256] = "", *body = NULL;

	(void)gethostname(host, sizeof(host) - 1);
	for (size_t i = 0; i < a->cert->n_names; i++)
		(void)json_array_append_new(names,
		    json_string(a->cert->names[i].name));
	o = json_pack("{s:s, s:s, s:o, s:s, s:s, s:s}", "event", "deploy",
	    "certificate", a->cert->name, "names", names, "serial",
	    a->serial, "target", a->target->name, "host", host);
	if (add_pem(a, o, BUNDLE_FULLCHAIN, err) == 0 &&
	    add_facts(o, err) == 0 && (!a->target->webhook->include_key ||
	    add_pem(a, o, BUNDLE_PRIVKEY, err) == 0))
		body = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	return body;
}

static void
send_body(struct webhook_op *op, const char *body, const char *token)
{
	const struct conf_webhook *w = op->a.target->webhook;
	char *bearer = token != NULL ? xasprintf("Bearer %s", token) : NULL;
	const struct http_header headers[] = {
		{ "Content-Type", "application/json", false },
		{ "Authorization", bearer, true },
	};

	op->http = http_start(op->a.env->http, &(struct http_args){
	    .method = "POST", .url = w->url, .headers = headers,
	    .n_headers = bearer != NULL ? 2 : 1, .body = body,
	    .body_len = strlen(body), .max_reply = REPLY_MAX,
	    .timeout_ms = op->a.target->timeout_s * 1000,
	    .ca_file = w->ca_file, .secret_url = true }, answered, op);
	freezero_str(bearer);
}

static void
begin_cb(void *arg)
{
	struct webhook_op *op = arg;
	const struct conf_webhook *w = op->a.target->webhook;
	char *token = NULL, *body = NULL;
	struct error err;

	if ((w->token_file == NULL || file_read_secret(w->token_file,
	    FILE_SECRET_MAX, &token, &err) == 0) &&
	    (body = make_body(&op->a, &err)) != NULL)
		send_body(op, body, token);
	else
		finish(op, &err);
	freezero_str(token);
	freezero_str(body);
}

static void *
webhook_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct webhook_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->env->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

static bool
webhook_is_wanted(const struct deploy_args *a)
{
	return a->target->webhook != NULL;
}

const struct deploy_kind deploy_webhook = {
	.name = "webhook",
	.is_wanted = webhook_is_wanted,
	.start = webhook_start,
	.cancel = webhook_cancel,
};
