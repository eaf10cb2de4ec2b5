/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/kubernetes.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "daemon/rest/sign.h"
#include "daemon/store/bundle.h"

/* It answers with the whole Secret, and what others keep in it. */
#define REPLY_MAX	(4 * 1024 * 1024)
#define TOKEN_MAX	16384
#define MANAGER		"acmed"

struct kubernetes_op {
	struct deploy_args a;
	struct timer	 turn;
	struct http_op	*http;
	deploy_done_cb	*done;
	void		*arg;
};

static void
kubernetes_cancel(void *arg)
{
	struct kubernetes_op *op = arg;

	timer_clear(&op->turn);
	http_cancel(op->http);
	free(op);
}

static void
finish(struct kubernetes_op *op, struct error *err)
{
	if (err != NULL)
		(void)text_printf(err->code, sizeof(err->code),
		    "deploy:kubernetes");
	op->done(err, op->arg);
	kubernetes_cancel(op);
}

/* --- the answer --- */

/* Of a Status object; or the first words of what is none. */
static void
describe(const struct http_reply *reply, char words[300])
{
	struct error err;
	json_t *o = jsonx_parse(reply->body, reply->body_len, &err);
	const char *message = jsonx_str(o, "message");

	(void)text_printf(words, 300, "%s", message != NULL ? message :
	    reply->body);
	json_decref(o);
	text_clean(words);
}

/* 409 is a race with somebody who writes it too: conflicts of fields are
 * forced. */
static enum err_kind
kind_of(int status)
{
	return status == 408 || status == 409 || status == 429 ||
	    status >= 500 ? ERR_TRANSIENT : ERR_CONFIG;
}

static void
answered(const struct error *err, const struct http_reply *reply, void *arg)
{
	struct kubernetes_op *op = arg;
	const struct conf_kubernetes *k = op->a.target->kubernetes;
	struct error failed;
	char words[300];

	op->http = NULL;
	if (err != NULL) {
		failed = *err;
		finish(op, &failed);
		return;
	}
	if (reply->status == 200 || reply->status == 201) {
		finish(op, NULL);
		return;
	}
	describe(reply, words);
	(void)error_set(&failed, kind_of(reply->status), "", "%s: secret "
	    "%s/%s: it answers %d%s%s", k->url, k->namespace, k->secret,
	    reply->status, words[0] != '\0' ? ": " : "", words);
	if (failed.kind == ERR_TRANSIENT)
		failed.retry_at = http_reply_retry_at(reply);
	finish(op, &failed);
}

/* --- the request --- */

/* Name, namespace and labels; the caller frees. */
static char *
make_metadata(const struct conf_kubernetes *k)
{
	json_t *labels = json_pack("{s:s}", "app.kubernetes.io/managed-by",
	    MANAGER), *o;
	char *text;

	for (char **p = k->labels; *p != NULL; p++) {
		const char *equals = strchr(*p, '=');
		char *name = xasprintf("%.*s", (int)(equals - *p), *p);

		(void)json_object_set_new(labels, name,
		    json_string(equals + 1));
		free(name);
	}
	o = json_pack("{s:s, s:s, s:o}", "name", k->secret, "namespace",
	    k->namespace, "labels", labels);
	text = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	if (text == NULL)
		abort();
	return text;
}

/* A file of the version in base64; free with freezero_str().  NULL: err. */
static char *
encoded(const struct deploy_args *a, enum bundle_format format,
    struct error *err)
{
	char *pem, *base64;
	size_t len;

	if (bundle_make(a->version_dir, format, a->cert->name, NULL, &pem,
	    &len, err) == -1)
		return NULL;
	base64 = sign_base64(pem, len);
	freezero(pem, len);
	return base64;
}

/*
 * The object as it shall be, in JSON, which is YAML.  By hand, so that no
 * copy of the key is left behind; free with freezero_str().  NULL: err.
 */
static char *
make_body(const struct deploy_args *a, struct error *err)
{
	char *crt = encoded(a, BUNDLE_FULLCHAIN, err), *key = NULL;
	char *metadata, *body = NULL;

	if (crt != NULL)
		key = encoded(a, BUNDLE_PRIVKEY, err);
	if (key != NULL) {
		metadata = make_metadata(a->target->kubernetes);
		body = xasprintf("{\"apiVersion\":\"v1\",\"kind\":\"Secret\","
		    "\"metadata\":%s,\"type\":\"kubernetes.io/tls\","
		    "\"data\":{\"tls.crt\":\"%s\",\"tls.key\":\"%s\"}}",
		    metadata, crt, key);
		free(metadata);
	}
	freezero_str(key);
	free(crt);
	return body;
}

static void
send_body(struct kubernetes_op *op, const char *body, const char *token)
{
	const struct conf_kubernetes *k = op->a.target->kubernetes;
	char *bearer = xasprintf("Bearer %s", token);
	char *url = xasprintf("%s/api/v1/namespaces/%s/secrets/%s"
	    "?fieldManager=" MANAGER "&force=true", k->url, k->namespace,
	    k->secret);
	const struct http_header headers[] = {
		{ "Content-Type", "application/apply-patch+yaml", false },
		{ "Accept", "application/json", false },
		{ "Authorization", bearer, true },
	};

	op->http = http_start(op->a.env->http, &(struct http_args){
	    .method = "PATCH", .url = url, .headers = headers,
	    .n_headers = sizeof(headers) / sizeof(headers[0]), .body = body,
	    .body_len = strlen(body), .max_reply = REPLY_MAX,
	    .timeout_ms = op->a.target->timeout_s * 1000,
	    .ca_file = k->ca_file }, answered, op);
	freezero_str(bearer);
	free(url);
}

/* Anew each time: a pod's token changes every hour. */
static int
read_token(const struct conf_kubernetes *k, char **token, struct error *err)
{
	size_t len;

	if (!k->token_is_open)
		return file_read_secret(k->token_file, TOKEN_MAX, token, err);
	if (file_read(AT_FDCWD, k->token_file, TOKEN_MAX, token, &len,
	    err) == -1)
		return -1;
	(*token)[strcspn(*token, "\r\n")] = '\0';
	return 0;
}

static void
begin_cb(void *arg)
{
	struct kubernetes_op *op = arg;
	const struct conf_kubernetes *k = op->a.target->kubernetes;
	char *token = NULL, *body = NULL, *said;
	struct error err;

	if (read_token(k, &token, &err) == -1 ||
	    (body = make_body(&op->a, &err)) == NULL) {
		freezero_str(token);
		finish(op, &err);
		return;
	}
	said = xasprintf("applying secret %s/%s", k->namespace, k->secret);
	if (op->a.line != NULL)
		op->a.line(said, op->arg);
	free(said);
	send_body(op, body, token);
	freezero_str(token);
	freezero_str(body);
}

static void *
kubernetes_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	struct kubernetes_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->done = done;
	op->arg = arg;
	timer_init(&op->turn, a->env->loop, begin_cb, op);
	timer_set(&op->turn, 0);
	return op;
}

static bool
kubernetes_is_wanted(const struct deploy_args *a)
{
	return a->target->kubernetes != NULL;
}

const struct deploy_kind deploy_kubernetes = {
	.name = "kubernetes",
	.is_wanted = kubernetes_is_wanted,
	.start = kubernetes_start,
	.cancel = kubernetes_cancel,
};
