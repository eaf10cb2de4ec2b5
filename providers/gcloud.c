/* SPDX-License-Identifier: MIT */
/*
 * gcloud - Google Cloud DNS, API v1
 * (https://cloud.google.com/dns/docs/reference/rest/v1).  Whole sets.
 *
 * A change is carried out as one or not at all, and its deletions must be the
 * sets exactly as they are: deletion of what was read and addition of what is
 * wanted is a compare-and-swap.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/scheme_oauth.h"
#include "providers/credentials.h"
#include "providers/google.h"
#include "providers/provider.h"
#include "providers/records.h"

#define SCOPE "https://www.googleapis.com/auth/ndev.clouddns.readwrite"

enum { OPT_ACCOUNT, OPT_PROJECT, OPT_ZONE_NAME, OPT_TOKEN_URL, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ACCOUNT] = { .name = "service_account", .required = true,
	    .secret = true,
	    .help = "key of a service account in JSON, as downloaded" },
	[OPT_PROJECT] = { .name = "project",
	    .help = "id of the project, if not that of the key" },
	[OPT_ZONE_NAME] = { .name = "managed_zone",
	    .help = "name or id of the zone; dns.managedZones.list is not "
	    "needed then" },
	[OPT_TOKEN_URL] = { .name = "token_url",
	    .help = "token service, if not that of the key" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 0, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the set that was read, or NULL. */
struct gcloud {
	struct oauth_use use;
	char	project[128];
	char	change_id[128];
	char	zone_id[PROVIDER_ZONE_ID_SIZE];	/* found on some page */
};

static json_t *
account_load(const struct provider_values *values, struct error *err)
{
	return google_account(provider_str(values, OPT_ACCOUNT), err);
}

/* Without a key what is fetched says which project. */
static int
check(const struct provider_values *values, struct error *err)
{
	json_t *account = NULL;
	bool has_project;

	if (provider_given(values, OPT_ACCOUNT) == NULL)
		return 0;
	account = account_load(values, err);
	has_project = provider_str(values, OPT_PROJECT) != NULL ||
	    jsonx_str(account, "project_id") != NULL;
	if (account == NULL)
		return -1;
	json_decref(account);
	return has_project ? 0 : error_set(err, ERR_CONFIG, "gcloud:project",
	    "the key has no project_id: set project");
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct gcloud *x = c->priv;

	oauth_prepare(c->keep, &x->use, rq);
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct gcloud *x = c->priv;
	const char *reason = jsonx_str(a->json, "error.errors.0.reason");

	oauth_failed(c->keep, &x->use, a, err);
	if (reason == NULL)
		return;
	if (a->status == 403 && (strcmp(reason, "rateLimitExceeded") == 0 ||
	    strcmp(reason, "userRateLimitExceeded") == 0 ||
	    strcmp(reason, "dailyLimitExceeded") == 0))
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	/* Of records in a zone, say: no waiting helps. */
	else if (strcmp(reason, "quotaExceeded") == 0)
		(void)error_set(err, ERR_CONFIG, "provider:quota", "%s",
		    err->msg);
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg,
	    reason);
}

static int
set_project(struct provider_call *c, const char *theirs, struct error *err)
{
	const char *project = provider_str(c->values, OPT_PROJECT);
	struct gcloud *x = c->priv;

	if (project == NULL)
		project = theirs;
	if (project == NULL)
		return error_set(err, ERR_CONFIG, "gcloud:project",
		    "the credentials name no project: set project");
	(void)text_printf(x->project, sizeof(x->project), "%s", project);
	return 0;
}

static int
token_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct gcloud *x = c->priv;
	json_t *account;
	int rc;

	if (oauth_take(c->keep, &x->use, provider_fetched(c->values,
	    GCP_TOKEN)))
		return set_project(c, provider_fetched(c->values, GCP_PROJECT),
		    err);
	account = account_load(c->values, err);
	if (account == NULL)
		return -1;
	rc = set_project(c, jsonx_str(account, "project_id"), err);
	if (rc == 0 && !oauth_is_fresh(c->keep, &x->use))
		rc = google_token_start(rq, account, provider_str(c->values,
		    OPT_TOKEN_URL), SCOPE, err);
	json_decref(account);
	return rc;
}

static enum rest_next
token_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct gcloud *x = c->priv;

	return oauth_read(c->keep, &x->use, a, err) == -1 ? REST_FAIL :
	    REST_NEXT;
}

static void
zones_start(struct provider_call *c, struct preq *rq, const char *method)
{
	const struct gcloud *x = c->priv;

	preq_start(rq, method, "/dns/v1/projects");
	preq_path(rq, x->project);
	preq_path(rq, "managedZones");
}

static void
query_page(const struct provider_call *c, struct preq *rq)
{
	if (c->list.cursor[0] != '\0')
		preq_query(rq, "pageToken", c->list.cursor);
}

/* Pages may be empty and have others behind them. */
static enum rest_next
next_page(struct provider_call *c, const struct rest_answer *a,
    enum rest_next last, struct error *err)
{
	static const struct records_list pages = { .cursor = "nextPageToken" };
	enum rest_next next = records_page(c, a, &pages, 0, last, err);

	if (next == last)
		memset(&c->list, 0, sizeof(c->list));
	return next;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *name = provider_str(c->values, OPT_ZONE_NAME);
	char zone[256];

	if (name != NULL)
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    name);
	if (c->zone_id[0] != '\0')
		return 0;
	(void)text_printf(zone, sizeof(zone), "%s.", c->zone);
	zones_start(c, rq, "GET");
	preq_query(rq, "dnsName", zone);
	query_page(c, rq);
	return 0;
}

/* A list may be left out if it is empty, but "kind" never is. */
static bool
list_read(const struct rest_answer *a, const char *name,
    const json_t **out, struct error *err)
{
	*out = jsonx_get(a->json, name);
	if (*out == NULL && jsonx_str(a->json, "kind") != NULL)
		return true;
	*out = rest_entries(a, name, NULL, err);
	return *out != NULL;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *zones, *z;
	const char *name, *visibility;
	struct gcloud *x = c->priv;
	enum rest_next next;

	if (!list_read(a, "managedZones", &zones, err))
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "dnsName");
		visibility = jsonx_str(z, "visibility");
		if (name == NULL || !provider_name_is(name, c->zone) ||
		    (visibility != NULL &&
		    strcmp(visibility, "public") != 0))
			continue;
		if (c->zone_id[0] != '\0' || x->zone_id[0] != '\0') {
			c->zone_id[0] = '\0';
			(void)error_set(err, ERR_CONFIG, "gcloud:zones",
			    "there are several public zones %s; set "
			    "managed_zone", c->zone);
			return REST_FAIL;
		}
		if (jsonx_copy_str(z, "name", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1)
			return REST_FAIL;
	}
	if (c->zone_id[0] != '\0')
		(void)text_printf(x->zone_id, sizeof(x->zone_id), "%s",
		    c->zone_id);
	c->zone_id[0] = '\0';
	next = next_page(c, a, x->zone_id[0] == '\0' ? REST_NO_ZONE :
	    REST_NEXT, err);
	if (next == REST_NEXT)
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    x->zone_id);
	return next;
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char fqdn[256];

	(void)text_printf(fqdn, sizeof(fqdn), "%s.", c->fqdn);
	zones_start(c, rq, "GET");
	preq_path(rq, c->zone_id);
	preq_path(rq, "rrsets");
	preq_query(rq, "name", fqdn);
	preq_query(rq, "type", provider_type(c));
	query_page(c, rq);
	return 0;
}

static bool
is_our_set(const struct provider_call *c, const json_t *set)
{
	const char *name = jsonx_str(set, "name");
	const char *type = jsonx_str(set, "type");

	return name != NULL && provider_name_is(name, c->fqdn) &&
	    provider_is_type(c, type);
}

/* How many values of the batch does the set hold? */
static size_t
held(const struct provider_call *c)
{
	const json_t *values = json_object_get(c->memo, "rrdatas");
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(values); j++) {
			const char *s = json_string_value(
			    json_array_get(values, j));

			if (s != NULL && provider_value_is(c, s,
			    c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *sets;

	if (!list_read(a, "rrsets", &sets, err))
		return REST_FAIL;
	if (c->list.page == 0) {
		json_decref(c->memo);
		c->memo = NULL;
	}
	for (size_t i = 0; c->memo == NULL && i < json_array_size(sets); i++) {
		if (is_our_set(c, json_array_get(sets, i)))
			c->memo = json_incref(json_array_get(sets, i));
	}
	if (c->memo != NULL &&
	    json_array_size(json_object_get(c->memo, "rrdatas")) == 0) {
		(void)error_set(err, ERR_CONFIG, "gcloud:policy",
		    "%s has a routing policy: acmed changes simple records "
		    "only", c->fqdn);
		return REST_FAIL;
	}
	if (c->memo == NULL && next_page(c, a, REST_NEXT, err) !=
	    REST_NEXT)
		return err->kind == ERR_NONE ? REST_AGAIN : REST_FAIL;
	return held(c) == provider_wanted(c) ? REST_DONE : REST_NEXT;
}

/* [the set with these values], or [] if there are none. */
static json_t *
set_with(const struct provider_call *c, json_t *values /* taken */)
{
	json_int_t ttl = jsonx_number(c->memo, "ttl",
	    provider_int(c->values, OPT_TTL));
	char fqdn[256];

	if (json_array_size(values) == 0) {
		json_decref(values);
		return json_array();
	}
	(void)text_printf(fqdn, sizeof(fqdn), "%s.", c->fqdn);
	return json_pack("[{s:s, s:s, s:s, s:I, s:o}]", "kind",
	    "dns#resourceRecordSet", "name", fqdn, "type", provider_type(c),
	    "ttl", ttl, "rrdatas", values);
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const json_t *old = json_object_get(c->memo, "rrdatas");
	json_t *values = json_array();
	char text[PROVIDER_CONTENT_SIZE];

	for (size_t i = 0; i < json_array_size(old); i++) {
		json_t *v = json_array_get(old, i);
		const char *s = json_string_value(v);

		if (s == NULL || !provider_in_batch(c, s))
			json_array_append(values, v);
	}
	for (size_t i = 0; c->is_add && i < c->n_batch; i++)
		json_array_append_new(values, json_string(provider_content(c,
		    c->batch[i], text)));
	zones_start(c, rq, "POST");
	preq_path(rq, c->zone_id);
	preq_path(rq, "changes");
	preq_json(rq, json_pack("{s:o, s:o}", "deletions", set_with(c,
	    old == NULL ? json_array() : json_copy((json_t *)(uintptr_t)old)),
	    "additions", set_with(c, values)));
	return 0;
}

static enum rest_next
write_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct gcloud *x = c->priv;

	return jsonx_copy_str(a->json, "id", x->change_id,
	    sizeof(x->change_id), err) == -1 ? REST_FAIL : REST_NEXT;
}

/* Somebody was faster. */
static enum rest_next
write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *words = jsonx_str(a->json, "error.message");

	return (a->status == 412 || a->status == 409 || (a->status == 404 &&
	    words != NULL && strstr(words, "entity.change") != NULL)) &&
	    !rest_is_lasting(a) ? REST_REPEAT : REST_FAIL;
}

/* "done": all of Google's servers have it. */
static int
wait_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct gcloud *x = c->priv;

	zones_start(c, rq, "GET");
	preq_path(rq, c->zone_id);
	preq_path(rq, "changes");
	preq_path(rq, x->change_id);
	return 0;
}

static enum rest_next
wait_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *status = jsonx_str(a->json, "status");

	if (status == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer has no status");
		return REST_FAIL;
	}
	return strcmp(status, "done") == 0 ? REST_DONE : REST_POLL;
}

static const struct provider_step add[] = {
	{ "get token", token_request, token_reply, NULL },
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, NULL },
	{ "write records", write_request, write_reply, write_refused },
	{ "wait for change", wait_request, wait_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "get token", token_request, token_reply, NULL },
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, NULL },
	{ "write records", write_request, write_reply, write_refused },
	{ .name = NULL }
};

const struct provider provider_gcloud = {
	.name = "gcloud",
	.title = "Google Cloud DNS",
	.doc = "IAM, Service accounts, Keys: a JSON key, or the service "
	    "account of this machine or pod, which credentials of type gcp "
	    "take.  Role DNS "
	    "Administrator, or a role of your own with "
	    "dns.changes.create, dns.changes.get, dns.managedZones.list and "
	    "dns.resourceRecordSets.create, delete, list, update.  lego's "
	    "GCE_SERVICE_ACCOUNT, GCE_PROJECT, GCE_ZONE_ID.",
	.opts = opts,
	.credentials = "gcp",
	.check = check,
	.base_url = "https://dns.googleapis.com",
	.no_zone_help = "private zones, and those of other projects, do not "
	    "count",
	.takes_batch = true,
	.takes_caa = true,
	.keep_size = sizeof(struct oauth),
	.priv_size = sizeof(struct gcloud),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
