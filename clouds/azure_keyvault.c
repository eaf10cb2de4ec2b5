/* SPDX-License-Identifier: MIT */
/*
 * azure-keyvault - certificates of Azure Key Vault, data plane, api-version 7.4
 * (https://learn.microsoft.com/rest/api/keyvault/certificates/).  In place: each
 * import is a new version of one name, which what reads the name without a
 * version takes by itself.  Versions are not removed: who reads them is not
 * known here.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "daemon/rest/scheme_oauth.h"
#include "providers/azure.h"
#include "providers/credentials.h"

#define API_VERSION "7.4"
#define NAME_CHARS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" \
    "0123456789-"

enum { OPT_VAULT, OPT_NAME };

static const struct provider_opt opts[] = {
	[OPT_VAULT] = { .name = "vault_name", .required = true,
	    .help = "of the vault, the first label of its address" },
	[OPT_NAME] = { .name = "certificate_name", .required = true,
	    .help = "of the certificate in it: letters, digits, \"-\"" },
	CLOUD_OPTS
};

struct keyvault {
	struct oauth	 oauth;
	struct oauth_use use;
};

static int
check_name(const char *option, const char *name, size_t max,
    struct error *err)
{
	size_t len = strlen(name);

	if (len > 0 && len <= max && name[strspn(name, NAME_CHARS)] == '\0')
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "%s = \"%.200s\"; "
	    "allowed: 1 to %zu letters, digits, \"-\"", option, name, max);
}

static int
check(const struct provider_values *values, struct error *err)
{
	if (check_name("vault_name", provider_str(values, OPT_VAULT), 63,
	    err) == -1)
		return -1;
	return check_name("certificate_name", provider_str(values, OPT_NAME),
	    127, err);
}

/* --- requests --- */

static const struct azure_environment *
environment_of(const struct cloud_call *c)
{
	return azure_environment(provider_str(c->credentials,
	    AZURE_ENVIRONMENT));
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const struct keyvault *x = c->priv;

	oauth_prepare(&x->oauth, &x->use, rq);
	return 0;
}

/* {"error": {"code", "message", "innererror": {"code"}}} */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const struct cloud_call *c = user;
	struct keyvault *x = c->priv;
	const char *code = jsonx_str(a->json, "error.innererror.code");

	oauth_failed(&x->oauth, &x->use, a, err);
	if (code == NULL)
		code = jsonx_str(a->json, "error.code");
	if (code == NULL)
		return;
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg, code);
	if (strcmp(code, "ObjectIsDeletedButRecoverable") == 0)
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s; "
		    "recover the deleted certificate (az keyvault certificate "
		    "recover --vault-name %s --name %s), purge it, or set "
		    "another certificate_name", err->msg, provider_str(
		    c->values, OPT_VAULT), provider_str(c->values, OPT_NAME));
	else if (strcmp(code, "ObjectIsBeingDeleted") == 0 ||
	    strcmp(code, "ObjectIsBeingRecovered") == 0)
		err->kind = ERR_TRANSIENT;
}

static const struct cloud_api api = { .prepare = prepare, .failed = failed };

static void
call(const struct cloud_call *c, struct preq *rq, const char *method)
{
	char url[256];

	(void)text_printf(url, sizeof(url), "https://%s.%s",
	    provider_str(c->values, OPT_VAULT),
	    environment_of(c)->vault_host);
	preq_start(rq, method, "/certificates");
	preq_base(rq, url);
	preq_path(rq, provider_str(c->values, OPT_NAME));
}

/* --- the token --- */

static int
token(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	struct keyvault *x = c->priv;
	const struct azure_app app = {
		.environment = environment_of(c),
		.authority = provider_str(c->credentials, AZURE_AUTHORITY),
		.tenant = provider_str(c->credentials, AZURE_TENANT),
		.client = provider_str(c->credentials, AZURE_CLIENT),
		.secret = provider_str(c->credentials, AZURE_SECRET),
	};

	if (!oauth_take(&x->oauth, &x->use, provider_fetched(c->credentials,
	    AZURE_VAULT_TOKEN)) && !oauth_is_fresh(&x->oauth, &x->use))
		azure_token_start(rq, &app, app.environment->vault);
	return 0;
}

static enum rest_next
got_token(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	struct keyvault *x = c->priv;

	return oauth_read(&x->oauth, &x->use, a, err) == -1 ? REST_FAIL :
	    REST_NEXT;
}

/* --- find --- */

static void
set_id(struct cloud_call *c)
{
	(void)text_printf(c->id, sizeof(c->id), "%s/%s",
	    provider_str(c->values, OPT_VAULT),
	    provider_str(c->values, OPT_NAME));
}

static int
get(void *user, struct preq *rq, struct error *err)
{
	call(user, rq, "GET");
	preq_query(rq, "api-version", API_VERSION);
	return 0;
}

/* x5t is the SHA-1 of the latest version, in base64url. */
static enum rest_next
got(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *x5t = jsonx_str(a->json, "x5t");
	unsigned char *hash;
	char hex[41];
	size_t len;

	if (x5t == NULL || text_b64url_decode(x5t, &hash, &len) == -1)
		return cloud_lacks("x5t", err);
	if (len == 20)
		c->is_found = strcmp(text_hex(hash, len, hex),
		    c->cert.sha1) == 0 && jsonx_bool(a->json,
		    "attributes.enabled", true);
	free(hash);
	set_id(c);
	return REST_NEXT;
}

static enum rest_next
not_got(void *user, const struct rest_answer *a, struct error *err)
{
	const char *code = jsonx_str(a->json, "error.code");

	if (a->status != 404 || code == NULL ||
	    strcmp(code, "CertificateNotFound") != 0)
		return REST_FAIL;
	set_id(user);
	return REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "get token", .request = token, .reply = got_token },
	{ .name = "read certificate", .request = get, .reply = got,
	    .refused = not_got },
	{ .name = NULL }
};

/* --- import --- */

static int
import(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	char *pfx = c->pkcs12(c, err);

	if (pfx == NULL)
		return -1;
	call(c, rq, "POST");
	preq_path(rq, "import");
	preq_query(rq, "api-version", API_VERSION);
	preq_json(rq, json_pack("{s:s, s:{s:{s:s}}, s:{s:b}, s:{s:s}}",
	    "value", pfx, "policy", "secret_props", "contentType",
	    "application/x-pkcs12", "attributes", "enabled", 1, "tags",
	    "acmed", c->cert.name));
	freezero_str(pfx);
	return 0;
}

static const struct rest_step upload[] = {
	{ .name = "get token", .request = token, .reply = got_token },
	{ .name = "import", .request = import },
	{ .name = NULL }
};

static const char *const object[] = { "certificate_name", "vault_name", NULL };

static const struct cloud_store store = {
	.name = "azure-keyvault",
	.api = &api,
	.is_in_place = true,
	.place = "vault_name",
	.object = object,
	.find = find,
	.upload = upload,
};

const struct cloud cloud_azure_keyvault = {
	.name = "azure-keyvault",
	.title = "Azure Key Vault",
	.doc = "Imports key and chain as a new version of one certificate, "
	    "which is made the first time. App Service, Front Door, "
	    "Application Gateway and others that refer to it without a version "
	    "take the new one by themselves, some of them a day later. "
	    "Old versions stay.",
	.policy = "role: Key Vault Certificates Officer\n"
	    "scope: /subscriptions/SUBSCRIPTION/resourceGroups/GROUP/providers/"
	    "\n  Microsoft.KeyVault/vaults/VAULT/certificates/NAME\n"
	    "(with access policies: certificates get, import)\n",
	.example = "vault_name = \"web-vault\"\n"
	    "certificate_name = \"www-example-com\"\n",
	.credentials = "azure",
	.scope = AZURE_FOR_VAULT,
	.opts = opts,
	.check = check,
	.priv_size = sizeof(struct keyvault),
	.store = &store,
};
