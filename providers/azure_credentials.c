/* SPDX-License-Identifier: MIT */
/*
 * azure_credentials - credentials of Azure: a client secret, with which users
 * ask for tokens by themselves, and tokens that are fetched instead: of the
 * managed identity of a machine (IMDS, https://learn.microsoft.com/entra/
 * identity/managed-identities-azure-resources/how-to-use-vm-token), of an App
 * Service or Container App, and of a workload identity, whose token of the
 * cluster is exchanged.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "daemon/rest/scheme_oauth.h"
#include "providers/azure.h"
#include "providers/credentials.h"
#include "providers/keyless.h"

/* The same for all machines; no name, no TLS. */
#define METADATA "http://169.254.169.254/metadata/identity/oauth2/token"

enum { MEMO_TOKEN };			/* of the pod */

static const struct provider_opt opts[] = {
	[AZURE_TENANT] = { .name = "tenant_id", .is_usual = true,
	    .help = "directory (tenant) id; with workload_identity, if it is "
	    "not AZURE_TENANT_ID" },
	[AZURE_CLIENT] = { .name = "client_id", .is_usual = true,
	    .help = "application (client) id; with managed_identity that of a "
	    "user-assigned one; with workload_identity, if it is not "
	    "AZURE_CLIENT_ID" },
	[AZURE_SECRET] = { .name = "client_secret", .is_usual = true,
	    .secret = true, .help = "value of the client secret, not its id" },
	[AZURE_ENVIRONMENT] = { .name = "environment", .fallback = "public",
	    .help = "public, china or usgovernment" },
	[AZURE_AUTHORITY] = { .name = "authority_host",
	    .help = "address of the token service, if not the usual one" },
	[AZURE_SOURCE] = { .name = "source", .fallback = "client_secret",
	    .help = "client_secret: the one given here; managed_identity: "
	    "that of the machine, App Service or Container App; "
	    "workload_identity: that of a pod" },
	[AZURE_TOKEN_FILE] = { .name = "federated_token_file",
	    .help = "with workload_identity: file of the pod's token, if it "
	    "is not AZURE_FEDERATED_TOKEN_FILE" },
	{ .name = NULL }
};

static const struct azure_environment *
environment_of(const struct keyless_call *c)
{
	return azure_environment(provider_str(c->values, AZURE_ENVIRONMENT));
}

static bool
is_for_vault(const struct keyless_call *c)
{
	return strcmp(c->scope, AZURE_FOR_VAULT) == 0;
}

static const char *
resource_of(const struct keyless_call *c)
{
	return is_for_vault(c) ? environment_of(c)->vault :
	    environment_of(c)->manager;
}

/* Of App Service only the end is told, in epoch seconds. */
static enum rest_next
token_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct keyless_call *c = user;
	int64_t end = jsonx_number(a->json, "expires_on", 0);
	const char *token;
	long life;

	if (jsonx_get(a->json, "expires_in") == NULL && end > 0)
		life = (long)(end - clock_now());
	else
		life = oauth_life(a);
	token = oauth_token(a, err);
	if (token == NULL)
		return REST_FAIL;
	keyless_put(c, is_for_vault(c) ? AZURE_VAULT_TOKEN :
	    AZURE_MANAGER_TOKEN, token);
	c->until = clock_now() + life;
	return REST_NEXT;
}

/* {"error": "invalid_request", "error_description": "Identity not found"} */
static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const char *error = jsonx_str(a->json, "error");
	const char *words = jsonx_str(a->json, "error_description");

	if (error == NULL || a->status >= 500 || a->status == 429)
		return;
	(void)error_set(err, ERR_CONFIG, "provider:credentials",
	    "HTTP %d: %s%s%s", a->status, error, words == NULL ? "" : ": ",
	    words == NULL ? "" : words);
}

/* --- managed identity --- */

static int
ask_identity(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	const char *client = provider_str(c->values, AZURE_CLIENT);
	const char *endpoint = getenv("IDENTITY_ENDPOINT");
	const char *header = getenv("IDENTITY_HEADER");

	if (endpoint != NULL && header != NULL && *endpoint != '\0') {
		preq_start(rq, "GET", endpoint);
		preq_secret_header(rq, "X-IDENTITY-HEADER", header);
		preq_query(rq, "api-version", "2019-08-01");
	} else {
		preq_start(rq, "GET", METADATA);
		preq_header(rq, "Metadata", "true");
		preq_query(rq, "api-version", "2018-02-01");
	}
	preq_query(rq, "resource", resource_of(c));
	if (client != NULL)
		preq_query(rq, "client_id", client);
	return 0;
}

static const struct rest_step identity_steps[] = {
	{ .name = "managed identity", .request = ask_identity,
	    .reply = token_told },
	{ .name = NULL }
};

/* --- workload identity --- */

static int
begin_workload(struct keyless_call *c, struct error *err)
{
	const char *path = keyless_given_or_env(c, AZURE_TOKEN_FILE,
	    "AZURE_FEDERATED_TOKEN_FILE", err);

	return path == NULL ? -1 : keyless_read_token(c, MEMO_TOKEN, path,
	    err);
}

static int
exchange(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	struct azure_app app = { .environment = environment_of(c),
	    .authority = provider_str(c->values, AZURE_AUTHORITY),
	    .assertion = c->memo[MEMO_TOKEN] };

	app.tenant = keyless_given_or_env(c, AZURE_TENANT,
	    "AZURE_TENANT_ID", err);
	if (app.tenant == NULL)
		return -1;
	app.client = keyless_given_or_env(c, AZURE_CLIENT,
	    "AZURE_CLIENT_ID", err);
	if (app.client == NULL)
		return -1;
	azure_token_start(rq, &app, resource_of(c));
	return 0;
}

static const struct rest_step workload_steps[] = {
	{ .name = "workload identity", .request = exchange,
	    .reply = token_told },
	{ .name = NULL }
};

/* --- the type --- */

static const struct keyless managed = { .local = identity_steps,
    .failed = failed };
static const struct keyless workload = { .begin = begin_workload,
    .steps = workload_steps, .failed = failed };

static const struct keyless *
find_keyless(const struct provider_values *v)
{
	const char *source = provider_str(v, AZURE_SOURCE);

	return strcmp(source, "managed_identity") == 0 ? &managed :
	    strcmp(source, "workload_identity") == 0 ? &workload : NULL;
}

static int
check(const struct provider_values *v, struct error *err)
{
	static const char *const sources[] = { "client_secret",
	    "managed_identity", "workload_identity", NULL };
	static const struct keyless_need needs[] = {
		{ AZURE_SECRET, "client_secret", true },
		{ AZURE_TOKEN_FILE, "workload_identity", false },
		{ .source = NULL }
	};
	bool is_static = strcmp(provider_str(v, AZURE_SOURCE),
	    "client_secret") == 0;

	for (int i = AZURE_TENANT; is_static && i <= AZURE_CLIENT; i++) {
		if (provider_str(v, i) == NULL)
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s is missing (%s)", opts[i].name, opts[i].help);
	}
	if (azure_check_environment(provider_str(v, AZURE_ENVIRONMENT),
	    err) == -1 || keyless_check_url("authority_host", provider_str(v,
	    AZURE_AUTHORITY), "https://HOST", err) == -1)
		return -1;
	return keyless_check(v, opts, AZURE_SOURCE, sources, needs, err);
}

const struct credentials_type credentials_azure = {
	.name = "azure", .title = "Microsoft Azure",
	.doc = "Entra ID: an app registration and a client secret of it. "
	    "Without a secret: source = \"managed_identity\" on a machine, App "
	    "Service or Container App that has one, \"workload_identity\" in a "
	    "pod of AKS.",
	.opts = opts,
	.check = check,
	.keyless = find_keyless,
};
