/* SPDX-License-Identifier: MIT */
/*
 * gcp-certificatemanager - Google Cloud Certificate Manager, API v1
 * (https://cloud.google.com/certificate-manager/docs/reference/
 * certificate-manager/rest).  In place: a self-managed certificate is given new
 * content, and the maps and proxies that name it follow.  Every change is an
 * operation that is waited for.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "daemon/rest/scheme_oauth.h"
#include "providers/credentials.h"
#include "providers/google.h"

#define SCOPE "https://www.googleapis.com/auth/cloud-platform"
#define LOWER "abcdefghijklmnopqrstuvwxyz"
#define DIGITS "0123456789"

enum { OPT_ID, OPT_PROJECT, OPT_LOCATION, OPT_SCOPE, OPT_TOKEN_URL };

static const struct provider_opt opts[] = {
	[OPT_ID] = { .name = "certificate_id", .required = true,
	    .help = "of the certificate: lower-case letters, digits, \"-\"" },
	[OPT_PROJECT] = { .name = "project",
	    .help = "id of the project, if not that of the key" },
	[OPT_LOCATION] = { .name = "location", .fallback = "global",
	    .help = "global, or the region of regional load balancers" },
	[OPT_SCOPE] = { .name = "scope", .fallback = "DEFAULT",
	    .help = "of a certificate that is made: DEFAULT, EDGE_CACHE, "
	    "ALL_REGIONS; it cannot be changed later" },
	[OPT_TOKEN_URL] = { .name = "token_url",
	    .help = "token service, if not that of the key" },
	CLOUD_OPTS
};

struct manager {
	struct oauth	 oauth;
	struct oauth_use use;
	char		 project[128];
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *id = provider_str(values, OPT_ID);
	const char *location = provider_str(values, OPT_LOCATION);
	const char *scope = provider_str(values, OPT_SCOPE);
	size_t len = strlen(id);

	if (len == 0 || len > 63 || strchr(LOWER, id[0]) == NULL ||
	    id[strspn(id, LOWER DIGITS "-")] != '\0')
		return error_set(err, ERR_CONFIG, "config:value",
		    "certificate_id = \"%.100s\"; allowed: 1 to 63 lower-case "
		    "letters, digits, \"-\", the first one a letter", id);
	if (location[0] == '\0' ||
	    location[strspn(location, LOWER DIGITS "-")] != '\0')
		return error_set(err, ERR_CONFIG, "config:value",
		    "location = \"%.100s\"; allowed: global, or a region such "
		    "as europe-west1", location);
	if (strcmp(scope, "DEFAULT") == 0 ||
	    strcmp(scope, "EDGE_CACHE") == 0 ||
	    strcmp(scope, "ALL_REGIONS") == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "scope = "
	    "\"%.100s\"; allowed: DEFAULT, EDGE_CACHE, ALL_REGIONS", scope);
}

/* --- requests --- */

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const struct manager *x = c->priv;

	oauth_prepare(&x->oauth, &x->use, rq);
	return 0;
}

/* The kind of google.rpc.Status; words stay. */
static void
judge(const char *status, struct error *err)
{
	static const struct rest_code codes[] = {
		{ "UNAUTHENTICATED", REST_CREDENTIALS },
		{ "PERMISSION_DENIED", REST_CREDENTIALS },
		{ "RESOURCE_EXHAUSTED", REST_THROTTLED },
		{ "ABORTED", REST_UNAVAILABLE },
		{ "ALREADY_EXISTS", REST_UNAVAILABLE },	/* since it was
							   looked for */
		{ "UNAVAILABLE", REST_UNAVAILABLE },
		{ "INTERNAL", REST_UNAVAILABLE },
		{ "DEADLINE_EXCEEDED", REST_UNAVAILABLE },
		{ .word = NULL }
	};

	rest_judge(codes, REST_IS, status, err);
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const struct cloud_call *c = user;
	struct manager *x = c->priv;
	const char *status = jsonx_str(a->json, "error.status");

	if (status != NULL) {
		(void)error_set(err, err->kind, err->code, "%s (%s)",
		    err->msg, status);
		judge(status, err);
	}
	oauth_failed(&x->oauth, &x->use, a, err);
}

static const struct cloud_api api = {
	.base_url = "https://certificatemanager.googleapis.com",
	.prepare = prepare, .failed = failed,
};

static void
call(const struct cloud_call *c, struct preq *rq, const char *method)
{
	const struct manager *x = c->priv;

	preq_start(rq, method, "/v1/projects");
	preq_path(rq, x->project);
	preq_path(rq, "locations");
	preq_path(rq, provider_str(c->values, OPT_LOCATION));
	preq_path(rq, "certificates");
}

/* --- the token --- */

static int
set_project(struct cloud_call *c, const char *theirs, struct error *err)
{
	const char *project = provider_str(c->values, OPT_PROJECT);
	struct manager *x = c->priv;

	if (project == NULL)
		project = theirs;
	if (project == NULL)
		return error_set(err, ERR_CONFIG, "gcloud:project",
		    "the credentials name no project: set project");
	if (text_printf(x->project, sizeof(x->project), "%s", project))
		return 0;
	return error_set(err, ERR_CONFIG, "gcloud:project",
	    "the project's id is too long");
}

static int
token(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	struct manager *x = c->priv;
	json_t *account;
	int rc;

	if (oauth_take(&x->oauth, &x->use, provider_fetched(c->credentials,
	    GCP_TOKEN)))
		return set_project(c, provider_fetched(c->credentials,
		    GCP_PROJECT), err);
	account = google_account(provider_str(c->credentials, GCP_ACCOUNT),
	    err);
	if (account == NULL)
		return -1;
	rc = set_project(c, jsonx_str(account, "project_id"), err);
	if (rc == 0 && !oauth_is_fresh(&x->oauth, &x->use))
		rc = google_token_start(rq, account, provider_str(c->values,
		    OPT_TOKEN_URL), SCOPE, err);
	json_decref(account);
	return rc;
}

static enum rest_next
got_token(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	struct manager *x = c->priv;

	return oauth_read(&x->oauth, &x->use, a, err) == -1 ? REST_FAIL :
	    REST_NEXT;
}

/* --- find --- */

static int
get(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	call(c, rq, "GET");
	preq_path(rq, provider_str(c->values, OPT_ID));
	return 0;
}

/* One that Google renews itself has "managed" in it. */
static enum rest_next
got(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (jsonx_get(a->json, "managed") != NULL) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is "
		    "renewed by Google itself; allowed: a self-managed "
		    "certificate, or a certificate_id that is not there yet",
		    provider_str(c->values, OPT_ID));
		return REST_FAIL;
	}
	if (jsonx_copy_str(a->json, "name", c->id, sizeof(c->id), err) == -1)
		return REST_FAIL;
	c->is_found = cloud_is_ours(c, jsonx_str(a->json, "pemCertificate"));
	return REST_NEXT;
}

static enum rest_next
not_got(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *status = jsonx_str(a->json, "error.status");

	if (a->status != 404 || status == NULL ||
	    strcmp(status, "NOT_FOUND") != 0)
		return REST_FAIL;
	c->id[0] = '\0';
	return REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "get token", .request = token, .reply = got_token },
	{ .name = "read certificate", .request = get, .reply = got,
	    .refused = not_got },
	{ .name = NULL }
};

/* --- create, or replace --- */

static int
put(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const char *id = provider_str(c->values, OPT_ID);
	json_t *body = json_pack("{s:{s:s, s:s}}", "selfManaged",
	    "pemCertificate", c->cert.fullchain, "pemPrivateKey",
	    c->cert.key);

	if (c->id[0] != '\0') {
		call(c, rq, "PATCH");
		preq_path(rq, id);
		preq_query(rq, "updateMask", "selfManaged");
	} else {
		call(c, rq, "POST");
		preq_query(rq, "certificateId", id);
		(void)json_object_set_new(body, "description", json_sprintf(
		    "acmed, certificate \"%s\"", c->cert.name));
		(void)json_object_set_new(body, "scope", json_string(
		    provider_str(c->values, OPT_SCOPE)));
	}
	preq_json(rq, body);
	return 0;
}

/* cursor: the operation, as it goes into a path. */
static enum rest_next
put_begun(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "name", c->cursor, sizeof(c->cursor),
	    err) == -1 ? REST_FAIL : REST_NEXT;
}

static int
operation(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	preq_start(rq, "GET", "/v1");
	preq_subpath(rq, c->cursor);
	return 0;
}

/* google.rpc.Status has numbers here, as google/rpc/code.proto has them. */
static enum rest_next
is_done(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const names[] = { [1] = "CANCELLED",
	    [3] = "INVALID_ARGUMENT", [4] = "DEADLINE_EXCEEDED",
	    [5] = "NOT_FOUND", [6] = "ALREADY_EXISTS",
	    [7] = "PERMISSION_DENIED", [8] = "RESOURCE_EXHAUSTED",
	    [9] = "FAILED_PRECONDITION", [10] = "ABORTED", [13] = "INTERNAL",
	    [14] = "UNAVAILABLE", [16] = "UNAUTHENTICATED" };
	const json_t *why = jsonx_get(a->json, "error");
	int64_t code = jsonx_number(why, "code", 0);
	const char *words = jsonx_str(why, "message"), *name = NULL;
	struct cloud_call *c = user;

	if (!jsonx_bool(a->json, "done", false))
		return REST_POLL;
	if (why == NULL) {
		if (c->id[0] == '\0')
			return jsonx_copy_str(a->json, "response.name", c->id,
			    sizeof(c->id), err) == -1 ? REST_FAIL : REST_NEXT;
		return REST_NEXT;
	}
	if (code > 0 && code < (int64_t)(sizeof(names) / sizeof(names[0])))
		name = names[code];
	(void)error_set(err, ERR_CONFIG, "provider:refused", "the change has "
	    "failed: %s (%s)", words != NULL ? words : "no reason is given",
	    name != NULL ? name : "UNKNOWN");
	judge(name, err);
	return REST_FAIL;
}

static const struct rest_step upload[] = {
	{ .name = "get token", .request = token, .reply = got_token },
	{ .name = "write certificate", .request = put, .reply = put_begun },
	{ .name = "wait", .request = operation, .reply = is_done },
	{ .name = NULL }
};

static const char *const object[] = { "certificate_id", "project", "location",
    NULL };

static const struct cloud_store store = {
	.name = "gcp-certificatemanager",
	.api = &api,
	.is_in_place = true,
	.place = "certificate_id",
	.object = object,
	.find = find,
	.upload = upload,
};

const struct cloud cloud_gcp_certificatemanager = {
	.name = "gcp-certificatemanager",
	.title = "Google Cloud Certificate Manager",
	.doc = "Creates a self-managed certificate, and at each renewal gives "
	    "it the new content: certificate map entries and target proxies "
	    "that name it follow by themselves. Bind it once, by hand: "
	    "gcloud certificate-manager maps entries create.",
	.policy = "title: acmed\n"
	    "includedPermissions:\n"
	    "- certificatemanager.certs.create\n"
	    "- certificatemanager.certs.get\n"
	    "- certificatemanager.certs.update\n"
	    "- certificatemanager.operations.get\n",
	.example = "certificate_id = \"www-example-com\"\n",
	.credentials = "gcp",
	.opts = opts,
	.check = check,
	.priv_size = sizeof(struct manager),
	.store = &store,
};
