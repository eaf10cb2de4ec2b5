/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/kubernetes.h"

#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/rest_step.h"
#include "daemon/rest/sign.h"
#include "daemon/store/bundle.h"

/* It answers with the whole Secret, and what others keep in it. */
#define REPLY_MAX	(4 * 1024 * 1024)
#define TOKEN_MAX	16384
#define MANAGER		"acmed"

/* 409 is a race with somebody who writes it too: conflicts of fields are
 * forced. */
static enum err_kind
kind_of(int status)
{
	return status == 408 || status == 409 || status == 429 ||
	    status >= 500 ? ERR_TRANSIENT : ERR_CONFIG;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const struct rest_step_call *c = user;
	const struct conf_kubernetes *k = c->s.a.target->kubernetes;
	char words[REST_WORDS_MAX];

	rest_vendor_words(a, words);
	(void)error_set(err, kind_of(a->status), "", "%s: secret %s/%s: it "
	    "answers %d%s%s", k->url, k->namespace, k->secret, a->status,
	    words[0] != '\0' ? ": " : "", words);
}

/* --- the request --- */

/* Name, namespace and labels. */
static json_t *
make_metadata(const struct conf_kubernetes *k)
{
	json_t *labels = json_pack("{s:s}", "app.kubernetes.io/managed-by",
	    MANAGER);

	for (char **p = k->labels; *p != NULL; p++) {
		const char *equals = strchr(*p, '=');
		char *name = xasprintf("%.*s", (int)(equals - *p), *p);

		(void)json_object_set_new(labels, name,
		    json_string(equals + 1));
		free(name);
	}
	return json_pack("{s:s, s:s, s:o}", "name", k->secret, "namespace",
	    k->namespace, "labels", labels);
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

/* The object as it shall be, in JSON, which is YAML.  NULL: err. */
static json_t *
make_object(const struct deploy_args *a, struct error *err)
{
	char *crt = encoded(a, BUNDLE_FULLCHAIN, err), *key = NULL;
	json_t *object = NULL;

	if (crt != NULL)
		key = encoded(a, BUNDLE_PRIVKEY, err);
	if (key != NULL)
		object = json_pack("{s:s, s:s, s:o, s:s, s:{s:s, s:s}}",
		    "apiVersion", "v1", "kind", "Secret", "metadata",
		    make_metadata(a->target->kubernetes), "type",
		    "kubernetes.io/tls", "data", "tls.crt", crt, "tls.key",
		    key);
	freezero_str(key);
	free(crt);
	return object;
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

static int
apply(void *user, struct preq *rq, struct error *err)
{
	struct rest_step_call *c = user;
	const struct conf_kubernetes *k = c->s.a.target->kubernetes;
	json_t *object;
	char *token;

	if (read_token(k, &token, err) == -1)
		return -1;
	object = make_object(&c->s.a, err);
	if (object != NULL) {
		step_say(&c->s, "applying secret %s/%s", k->namespace,
		    k->secret);
		preq_start(rq, "PATCH", "/api/v1/namespaces");
		preq_path(rq, k->namespace);
		preq_path(rq, "secrets");
		preq_path(rq, k->secret);
		preq_query(rq, "fieldManager", MANAGER);
		preq_query(rq, "force", "true");
		preq_token(rq, "Bearer", token);
		preq_json(rq, object);
		preq_header(rq, "Content-Type",
		    "application/apply-patch+yaml");
	}
	freezero_str(token);
	return object == NULL ? -1 : 0;
}

static const struct rest_step steps[] = {
	{ .name = "", .request = apply },
	{ .name = NULL }
};

static void *
kubernetes_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	const struct conf_kubernetes *k = a->target->kubernetes;

	return rest_step_start(a, "kubernetes", &(struct rest_args){
	    .steps = steps, .base_url = k->url, .ca_file = k->ca_file,
	    .max_reply = REPLY_MAX, .is_idempotent = true,
	    .failed = failed }, done, arg);
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
	.cancel = rest_step_cancel,
};
