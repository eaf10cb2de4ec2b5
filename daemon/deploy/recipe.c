/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/recipe.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/deploy/cloud_version.h"
#include "daemon/deploy/step.h"
#include "daemon/recipes/run.h"
#include "daemon/rest/sign.h"
#include "daemon/store/bundle.h"

struct recipe_step {
	struct step	 s;
	struct recipe_op *recipe;
	struct cloud_version version;
	struct cloud_call call;		/* .cert, .upload_name: what is in it */
	char		 passphrase[SIGN_NONCE];
};

static void
recipe_step_cancel(void *arg)
{
	struct recipe_step *op = arg;

	recipe_cancel(op->recipe);
	step_clear(&op->s);
	cloud_version_clear(&op->version);
	explicit_bzero(op->passphrase, sizeof(op->passphrase));
	free(op);
}

static void
finish(struct recipe_step *op, const struct error *err)
{
	step_tell(&op->s, "recipe", err);
	recipe_step_cancel(op);
}

static json_t *
make_names(const struct recipe_step *op)
{
	json_t *all = json_array();

	for (const char *const *p = op->call.cert.names; *p != NULL; p++)
		(void)json_array_append_new(all, json_string(*p));
	return all;
}

/* In base64, under the passphrase of this run. */
static json_t *
make_pkcs12(const struct recipe_step *op, struct error *err)
{
	char *der, *base64;
	json_t *json;
	size_t len;

	if (bundle_make(op->s.a.version_dir, BUNDLE_PKCS12,
	    op->s.a.cert->name, op->passphrase, &der, &len, err) == -1)
		return NULL;
	base64 = sign_base64(der, len);
	freezero(der, len);
	json = json_string(base64);
	freezero_str(base64);
	return json;
}

static json_t *
word(void *user, const char *name, struct error *err)
{
	const struct recipe_step *op = user;
	const struct cloud_cert *c = &op->call.cert;
	const struct { const char *name, *text; } texts[] = {
		{ "name", c->name }, { "domain", c->names[0] },
		{ "fullchain", c->fullchain }, { "leaf", c->leaf },
		{ "chain", c->chain }, { "key", c->key },
		{ "key_traditional", c->sec1_key }, { "serial", c->serial },
		{ "fingerprint_sha256", c->sha256 },
		{ "label", op->call.upload_name },
		{ "passphrase", op->passphrase },
	};

	if (strcmp(name, "names") == 0)
		return make_names(op);
	if (strcmp(name, "pkcs12") == 0)
		return make_pkcs12(op, err);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].name, name) == 0)
			return json_string(texts[i].text);
	}
	return NULL;
}

static void
say(void *user, const char *title)
{
	const struct recipe_step *op = user;

	step_say(&op->s, "%s", title);
}

static void
recipe_done(struct error *err, void *arg)
{
	struct recipe_step *op = arg;

	op->recipe = NULL;
	finish(op, err);
}

static void
begin(void *arg)
{
	struct recipe_step *op = arg;
	const struct deploy_args *a = &op->s.a;
	const struct conf_recipe *r = a->target->recipe;
	const char *proxy = provider_values_str(r->values, "proxy");
	struct error err;

	if (provider_values_look(r->values, &err) == -1 ||
	    cloud_version_read(&op->version, a->version_dir, a->cert->name,
	    &op->call, &err) == -1) {
		finish(op, &err);
		return;
	}
	op->recipe = recipe_start(&(struct recipe_args){
	    .loop = a->env->loop, .http = a->env->http, .recipe = r->recipe,
	    .values = r->values, .word = word, .say = say, .user = op,
	    .allow_http = provider_values_bool(r->values, "allow_http"),
	    .ca_file = provider_values_str(r->values, "ca_file"),
	    .proxy = proxy != NULL && strcmp(proxy, "none") == 0 ? "" :
	    proxy,
	    .fingerprint = provider_values_str(r->values, "fingerprint"),
	    .timeout_ms = a->target->timeout_s * 1000 }, recipe_done, op);
}

static void *
recipe_step_start(const struct deploy_args *a, deploy_done_cb *done,
    void *arg)
{
	struct recipe_step *op = xcalloc(1, sizeof(*op));

	(void)sign_nonce(op->passphrase);
	step_init(&op->s, a, begin, op, done, arg);
	return op;
}

static bool
recipe_is_wanted(const struct deploy_args *a)
{
	return a->target->recipe != NULL;
}

const struct deploy_kind deploy_recipe = {
	.name = "recipe",
	.is_wanted = recipe_is_wanted,
	.start = recipe_step_start,
	.cancel = recipe_step_cancel,
	.is_wait = true,
};
