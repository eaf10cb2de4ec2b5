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
#include "daemon/deploy/rest_step.h"
#include "daemon/store/bundle.h"
#include "daemon/store/keys.h"

#define REPLY_MAX 65536

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
failed(void *user, const struct rest_answer *a, struct error *err)
{
	char words[200];

	(void)text_printf(words, sizeof(words), "%s", a->body);
	text_clean(words);
	(void)error_set(err, kind_of(a->status), "", "the webhook answered "
	    "%d%s%s", a->status, words[0] != '\0' ? ": " : "", words);
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

static int
tell(void *user, struct preq *rq, struct error *err)
{
	const struct rest_step_call *c = user;
	const struct conf_webhook *w = c->s.a.target->webhook;
	char *token = NULL, *body;

	if (w->token_file != NULL && file_read_secret(w->token_file,
	    FILE_SECRET_MAX, &token, err) == -1)
		return -1;
	body = make_body(&c->s.a, err);
	if (body != NULL) {
		preq_url(rq, "POST", w->url);
		preq_body(rq, body, strlen(body), "application/json");
		if (token != NULL)
			preq_token(rq, "Bearer", token);
	}
	freezero_str(token);
	freezero_str(body);
	return body == NULL ? -1 : 0;
}

static const struct rest_step steps[] = {
	{ .name = "", .request = tell },
	{ .name = NULL }
};

static void *
webhook_start(const struct deploy_args *a, deploy_done_cb *done, void *arg)
{
	return rest_step_start(a, "webhook", &(struct rest_args){
	    .steps = steps, .ca_file = a->target->webhook->ca_file,
	    .max_reply = REPLY_MAX, .plain_text = true,
	    .is_idempotent = true, .failed = failed }, done, arg);
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
	.cancel = rest_step_cancel,
};
