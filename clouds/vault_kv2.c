/* SPDX-License-Identifier: MIT */
/*
 * vault-kv2 - HashiCorp Vault and OpenBao, key-value engine version 2
 * (https://developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2).  In place:
 * one write is one version of the secret, with key and chain; check-and-set
 * keeps two writers apart, and fields of others stay.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "providers/credentials.h"

#define TOKEN_MAX 4096

enum { OPT_PATH, OPT_MOUNT, OPT_FULLCHAIN, OPT_PRIVKEY };

static const struct provider_opt opts[] = {
	[OPT_PATH] = { .name = "path", .required = true,
	    .help = "of the secret, below the mount" },
	[OPT_MOUNT] = { .name = "mount", .fallback = "secret",
	    .help = "where the engine is mounted" },
	[OPT_FULLCHAIN] = { .name = "fullchain_field",
	    .fallback = "fullchain",
	    .help = "field for certificate and chain; Fabio wants \"cert\"" },
	[OPT_PRIVKEY] = { .name = "privkey_field", .fallback = "privkey",
	    .help = "field for the key; Fabio wants \"key\"" },
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static void
begin(const struct cloud_call *c, struct preq *rq, const char *method,
    const char *path)
{
	preq_start(rq, method, path);
	preq_base(rq, provider_str(c->credentials, VAULT_ADDRESS));
}

/* The token that was given, or that logging in has brought. */
static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *namespace = provider_str(c->credentials, VAULT_NAMESPACE);
	const char *token = provider_str(c->credentials, VAULT_TOKEN);

	if (namespace != NULL)
		preq_header(rq, "X-Vault-Namespace", namespace);
	preq_header(rq, "X-Vault-Request", "true");
	if (token == NULL)
		token = c->priv;
	if (token[0] != '\0')
		preq_secret_header(rq, "X-Vault-Token", token);
	return 0;
}

/* Sealed or without a leader is 503; an index not seen yet is 412. */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	if (a->status == 412)
		err->kind = ERR_TRANSIENT;
}

static const struct cloud_api api = { .prepare = prepare, .failed = failed };

/* --- log in --- */

static int
login(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *role = provider_str(c->credentials, VAULT_ROLE_ID);
	const char *secret = provider_str(c->credentials, VAULT_SECRET_ID);
	const char *token = c->priv;

	if (role == NULL || token[0] != '\0')
		return 0;
	begin(c, rq, "POST", "/v1/auth/approle/login");
	preq_json(rq, json_pack("{s:s, s:s}", "role_id", role, "secret_id",
	    secret));
	return 0;
}

static enum rest_next
logged_in(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "auth.client_token", c->priv,
	    TOKEN_MAX, err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
login_refused(void *user, const struct rest_answer *a, struct error *err)
{
	if (a->status == 400)
		err->kind = ERR_CONFIG;
	return REST_FAIL;
}

/* --- read --- */

static void
data_path(const struct cloud_call *c, struct preq *rq, const char *method)
{
	begin(c, rq, method, "/v1");
	preq_subpath(rq, provider_str(c->values, OPT_MOUNT));
	preq_path(rq, "data");
	preq_subpath(rq, provider_str(c->values, OPT_PATH));
}

static int
get(void *user, struct preq *rq, struct error *err)
{
	data_path(user, rq, "GET");
	return 0;
}

static void
set_id(struct cloud_call *c)
{
	(void)text_printf(c->id, sizeof(c->id), "%s/%s",
	    provider_str(c->values, OPT_MOUNT),
	    provider_str(c->values, OPT_PATH));
}

/* Names of fields may have dots in them. */
static const char *
field(const json_t *data, const char *name)
{
	return json_string_value(json_object_get(data, name));
}

static enum rest_next
got(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *data = jsonx_get(a->json, "data.data");
	int64_t version = jsonx_number(a->json, "data.metadata.version", -1);

	if (version < 0)
		return cloud_lacks("version: is the engine of version 2?",
		    err);
	set_id(c);
	c->number = version;
	c->is_found = cloud_is_ours(c, field(data, provider_str(c->values,
	    OPT_FULLCHAIN))) && field(data, provider_str(c->values,
	    OPT_PRIVKEY)) != NULL;
	return REST_NEXT;
}

/* Absent, or a version that was deleted, which counts for check-and-set. */
static enum rest_next
not_got(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (a->status != 404)
		return REST_FAIL;
	set_id(c);
	c->number = jsonx_number(a->json, "data.metadata.version", 0);
	return REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "log in", .request = login, .reply = logged_in,
	    .refused = login_refused },
	{ .name = "read", .request = get, .reply = got, .refused = not_got },
	{ .name = NULL }
};

/* --- write --- */

/* Again, since what others keep in it is written back. */
static enum rest_next
got_others(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->number = jsonx_number(a->json, "data.metadata.version", 0);
	c->memo = json_incref(jsonx_get(a->json, "data.data"));
	return REST_NEXT;
}

/* What is written: ours, and the fields of others as they were. */
static json_t *
make_data(const struct cloud_call *c)
{
	const char *chain_field = provider_str(c->values, OPT_FULLCHAIN);
	const char *key_field = provider_str(c->values, OPT_PRIVKEY);
	char time[TEXT_TIME_MAX];
	json_t *data = json_pack("{s:s, s:s, s:s, s:s}", "cert", c->cert.leaf,
	    "chain", c->cert.chain, "serial", c->cert.serial, "not_after",
	    text_time(c->cert.not_after, time));

	(void)json_object_set_new(data, chain_field,
	    json_string(c->cert.fullchain));
	(void)json_object_set_new(data, key_field, json_string(c->cert.key));
	(void)json_object_update_missing(data, c->memo);
	return data;
}

static int
put(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	data_path(c, rq, "POST");
	preq_json(rq, json_pack("{s:{s:I}, s:o}", "options", "cas",
	    (json_int_t)c->number, "data", make_data(c)));
	return 0;
}

static enum rest_next
put_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const race[] = { "check-and-set", NULL };

	/* Somebody has written: read again. */
	return a->status == 400 && rest_says(a, race) ? REST_REPEAT :
	    REST_FAIL;
}

static const struct rest_step upload[] = {
	{ .name = "read", .request = get, .reply = got_others,
	    .refused = not_got },
	{ .name = "write", .request = put, .refused = put_refused },
	{ .name = NULL }
};

/* Segments that a server, or something before it, would resolve to another
 * path: that of another secret, which the policy may not mean. */
static bool
is_path(const char *path)
{
	for (;; path++) {
		size_t len = strcspn(path, "/");

		if (len == 0 || (len <= 2 && strspn(path, ".") >= len))
			return false;
		path += len;
		if (*path == '\0')
			return true;
	}
}

static int
check(const struct provider_values *values, struct error *err)
{
	static const int paths[] = { OPT_PATH, OPT_MOUNT };

	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		const char *path = provider_str(values, paths[i]);

		if (!is_path(path))
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s = \"%.200s\"; allowed: a path such as "
			    "acmed/www.example.com, without \"/\" at its "
			    "ends, empty segments, \".\" or \"..\"",
			    opts[paths[i]].name, path);
	}
	return 0;
}

/* Several certificates may share a secret, in fields of their own. */
static const char *const object[] = { "path", "mount", "fullchain_field",
    NULL };

static const struct cloud_store store = {
	.name = "vault-kv2",
	.api = &api,
	.is_in_place = true,
	.place = "path",
	.object = object,
	.find = find,
	.upload = upload,
};

const struct cloud cloud_vault_kv2 = {
	.name = "vault-kv2",
	.title = "HashiCorp Vault and OpenBao, key-value engine version 2",
	.doc = "Writes fullchain, privkey, cert, chain, serial and not_after "
	    "as one version of a secret. Other fields of it stay.",
	.policy = "path \"secret/data/acmed/*\" {\n"
	    "  capabilities = [ \"create\", \"update\", \"read\" ]\n"
	    "}\n",
	.example = "path = \"acmed/www.example.com\"\n",
	.credentials = "vault",
	.opts = opts,
	.check = check,
	.priv_size = TOKEN_MAX,
	.store = &store,
};
