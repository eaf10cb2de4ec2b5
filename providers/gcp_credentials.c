/* SPDX-License-Identifier: MIT */
/*
 * gcp_credentials - credentials of Google Cloud: the key of a service account,
 * with which users ask for tokens by themselves, and tokens that are fetched
 * instead: from the metadata server of a machine or a pod
 * (https://cloud.google.com/compute/docs/access/authenticate-workloads), or
 * with what a file of application-default credentials holds
 * (https://google.aip.dev/auth/4110): a service account's key, or the refresh
 * token of a user.
 */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/rest/scheme_oauth.h"
#include "providers/credentials.h"
#include "providers/google.h"
#include "providers/keyless.h"

/* The same for all machines; metadata.google.internal. */
#define METADATA "http://169.254.169.254/computeMetadata/v1/"
#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define FILE_MAX 65536			/* bytes */

enum { MEMO_FILE };			/* of the file, as JSON */

static const struct provider_opt opts[] = {
	[GCP_ACCOUNT] = { .name = "service_account", .is_usual = true,
	    .secret = true,
	    .help = "key of a service account in JSON, as downloaded" },
	[GCP_SOURCE] = { .name = "source", .fallback = "service_account",
	    .help = "service_account: the key given here; metadata_server: "
	    "the service account of the machine, or of a pod with Workload "
	    "Identity; application_default: a file that gcloud auth "
	    "application-default login has written, or a key" },
	[GCP_FILE] = { .name = "application_credentials_file",
	    .help = "with application_default: the file, if it is not "
	    "GOOGLE_APPLICATION_CREDENTIALS" },
	[GCP_TOKEN_URI] = { .name = "token_uri",
	    .help = "with application_default: the token service, if it is "
	    "not the usual one" },
	{ .name = NULL }
};

static enum rest_next
token_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct keyless_call *c = user;
	const char *token = oauth_token(a, err);

	if (token == NULL)
		return REST_FAIL;
	keyless_put(c, GCP_TOKEN, token);
	c->until = clock_now() + oauth_life(a);
	return REST_NEXT;
}

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
	rest_blame_clock(a, err);
}

/* --- the metadata server --- */

static void
ask_metadata(struct preq *rq, const char *what)
{
	char *url = xasprintf(METADATA "%s", what);

	preq_start(rq, "GET", url);
	preq_header(rq, "Metadata-Flavor", "Google");
	free(url);
}

static int
ask_project(void *user, struct preq *rq, struct error *err)
{
	ask_metadata(rq, "project/project-id");
	return 0;
}

/* Others have metadata at that address as well. */
static enum rest_next
project_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct keyless_call *c = user;
	const char *flavor = rest_header(a, "Metadata-Flavor");

	if (flavor == NULL || strcmp(flavor, "Google") != 0) {
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "what answers at 169.254.169.254 is no metadata server "
		    "of Google");
		return REST_FAIL;
	}
	keyless_put(c, GCP_PROJECT, a->body);
	return REST_NEXT;
}

static int
ask_token(void *user, struct preq *rq, struct error *err)
{
	ask_metadata(rq, "instance/service-accounts/default/token");
	return 0;
}

static enum rest_next
no_account(void *user, const struct rest_answer *a, struct error *err)
{
	if (a->status == 404)
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "this machine has no service account; attach one, with "
		    "the access scope cloud-platform");
	return REST_FAIL;
}

static const struct rest_step metadata[] = {
	{ .name = "metadata project", .request = ask_project,
	    .reply = project_told },
	{ .name = "metadata token", .request = ask_token,
	    .reply = token_told, .refused = no_account },
	{ .name = NULL }
};

/* --- application-default credentials --- */

static json_t *
file_parse(const char *text)
{
	return jsonx_parse_any(text, strlen(text));
}

static int
begin_file(struct keyless_call *c, struct error *err)
{
	const char *path = provider_str(c->values, GCP_FILE), *type;
	json_t *json;
	char *text;

	if (path == NULL)
		path = keyless_env("GOOGLE_APPLICATION_CREDENTIALS", err);
	if (path == NULL || file_read_private(path, FILE_MAX, &text,
	    err) == -1)
		return -1;
	keyless_keep(c, MEMO_FILE, text);
	json = file_parse(text);
	freezero_str(text);
	type = jsonx_str(json, "type");
	if (type != NULL && (strcmp(type, "service_account") == 0 ||
	    strcmp(type, "authorized_user") == 0)) {
		const char *project = jsonx_str(json, "project_id");

		keyless_put(c, GCP_PROJECT, project != NULL ? project :
		    jsonx_str(json, "quota_project_id"));
		json_decref(json);
		return 0;
	}
	(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s has "
	    "credentials of type \"%.60s\"; allowed: service_account, "
	    "authorized_user", path, type != NULL ? type : "");
	json_decref(json);
	return -1;
}

static int
put_user(const struct keyless_call *c, struct preq *rq, const json_t *json,
    struct error *err)
{
	static const char *const members[] = { "client_id", "client_secret",
	    "refresh_token" };
	const char *url = provider_str(c->values, GCP_TOKEN_URI);

	preq_start(rq, "POST", url != NULL ? url : GOOGLE_TOKEN_URL);
	preq_form(rq, "grant_type", "refresh_token");
	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
		const char *text = jsonx_str(json, members[i]);

		if (text == NULL)
			return error_set(err, ERR_CONFIG,
			    "provider:credentials", "the file has no %s; run "
			    "gcloud auth application-default login again",
			    members[i]);
		preq_form(rq, members[i], text);
	}
	return 0;
}

static int
exchange(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;
	json_t *json = file_parse(c->memo[MEMO_FILE]), *account;
	const char *type = jsonx_str(json, "type");
	int rc = -1;

	if (type != NULL && strcmp(type, "authorized_user") == 0) {
		rc = put_user(c, rq, json, err);
	} else {
		account = google_account(c->memo[MEMO_FILE], err);
		if (account != NULL)
			rc = google_token_start(rq, account, provider_str(
			    c->values, GCP_TOKEN_URI), SCOPE, err);
		json_decref(account);
	}
	json_decref(json);
	return rc;
}

static const struct rest_step file_steps[] = {
	{ .name = "application-default credentials", .request = exchange,
	    .reply = token_told },
	{ .name = NULL }
};

/* --- the type --- */

static const struct keyless server = { .local = metadata, .failed = failed };
static const struct keyless adc = { .begin = begin_file, .steps = file_steps,
    .failed = failed };

static const struct keyless *
find_keyless(const struct provider_values *v)
{
	const char *source = provider_str(v, GCP_SOURCE);

	return strcmp(source, "metadata_server") == 0 ? &server :
	    strcmp(source, "application_default") == 0 ? &adc : NULL;
}

static int
check(const struct provider_values *v, struct error *err)
{
	static const char *const sources[] = { "service_account",
	    "metadata_server", "application_default", NULL };
	static const struct keyless_need needs[] = {
		{ GCP_ACCOUNT, "service_account", true },
		{ GCP_FILE, "application_default", false },
		{ GCP_TOKEN_URI, "application_default", false },
		{ .source = NULL }
	};

	if (keyless_check(v, opts, GCP_SOURCE, sources, needs, err) == -1)
		return -1;
	return keyless_check_url("token_uri", provider_str(v, GCP_TOKEN_URI),
	    "https://HOST/PATH", err);
}

const struct credentials_type credentials_gcp = {
	.name = "gcp", .title = "Google Cloud",
	.doc = "IAM & Admin, Service Accounts: a key of type JSON. Without a "
	    "key: source = \"metadata_server\" on a machine with a service "
	    "account, or in a pod of GKE with Workload Identity.",
	.opts = opts,
	.check = check,
	.keyless = find_keyless,
};
