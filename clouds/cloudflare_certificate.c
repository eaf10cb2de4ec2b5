/* SPDX-License-Identifier: MIT */
/*
 * cloudflare-certificate - custom certificates of a Cloudflare zone, API v4
 * (https://developers.cloudflare.com/api/resources/custom_certificates/).  In
 * place, though the id may change when the content does.  An answer has neither
 * serial nor fingerprint: it is ours if an upload was begun, and hosts and the
 * second of expiry are the same; one of these alone is not enough, as some CAs
 * let all certificates of a day end together.  What was served before stays
 * until the new one is active.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "clouds/cloud.h"
#include "common/mem.h"
#include "providers/cloudflare.h"
#include "providers/credentials.h"

#define PAGE 50				/* certificates */
#define CODE_QUOTA 1228

enum { OPT_ZONE_ID, OPT_ID, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_ZONE_ID] = { .name = "zone_id", .required = true,
	    .help = "id of the zone, from its overview in the dashboard" },
	[OPT_ID] = { .name = "certificate_id",
	    .help = "of a custom certificate that is to be replaced from now "
	    "on; otherwise acmed uploads one of its own the first time" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "names of the zone that are looked at afterwards" },
	CLOUD_OPTS
};

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	preq_token(rq, "Bearer", provider_str(c->credentials,
	    CLOUDFLARE_TOKEN));
	return 0;
}

static bool
is_refusal(void *user, const struct rest_answer *a)
{
	return cloudflare_is_refusal(a);
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	cloudflare_failed(a, err);
	if (cloudflare_has_code(a, CODE_QUOTA))
		(void)error_set(err, REST_QUOTA, "%s; the plan has no custom "
		    "certificate left", err->msg);
}

static const struct cloud_api api = { .base_url = CLOUDFLARE_API,
    .prepare = prepare, .is_refusal = is_refusal, .failed = failed };

/* id: "" for all of them. */
static void
begin(const struct cloud_call *c, struct preq *rq, const char *method,
    const char *id)
{
	preq_start(rq, method, "/zones");
	preq_path(rq, provider_str(c->values, OPT_ZONE_ID));
	preq_path(rq, "custom_certificates");
	if (id[0] != '\0')
		preq_path(rq, id);
}

static int
get(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	if (c->id[0] != '\0')
		begin(c, rq, "GET", c->id);
	return 0;
}

/* --- find --- */

static bool
has_host(const json_t *hosts, const char *name)
{
	const json_t *host;
	size_t i;

	json_array_foreach(hosts, i, host) {
		if (json_is_string(host) &&
		    strcasecmp(json_string_value(host), name) == 0)
			return true;
	}
	return false;
}

static bool
is_ours(const struct cloud_call *c, const json_t *entry)
{
	const json_t *hosts = jsonx_get(entry, "hosts");
	const char *end = jsonx_str(entry, "expires_on");
	char own[TEXT_TIME_MAX];
	size_t n = 0;

	/* To the second; some have fractions after it. */
	if (!c->is_known || end == NULL || strncmp(end, text_time(
	    c->cert.not_after, own), strlen("2026-01-02T03:04:05")) != 0)
		return false;
	while (c->cert.names[n] != NULL && has_host(hosts, c->cert.names[n]))
		n++;
	return c->cert.names[n] == NULL && json_array_size(hosts) == n;
}

static int
get_known(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	if (c->id[0] == '\0' && provider_str(c->values, OPT_ID) != NULL)
		(void)text_printf(c->id, sizeof(c->id), "%s",
		    provider_str(c->values, OPT_ID));
	return get(user, rq, err);
}

static enum rest_next
got_known(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_found = is_ours(c, jsonx_get(a->json, "result"));
	return REST_DONE;
}

/* Gone, or it got another id and that answer was lost. */
static enum rest_next
unknown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *given = provider_str(c->values, OPT_ID);

	if (a->status != 404 || (given != NULL && !c->is_known))
		return REST_FAIL;
	c->id[0] = '\0';
	return REST_NEXT;
}

/* Nobody else's is taken for ours: only what was begun is looked for.  Without
 * anything known this is no more than the proof of the right to read. */
static int
list(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	begin(c, rq, "GET", "");
	preq_query_number(rq, "per_page", PAGE);
	if (c->page > 0)
		preq_query_number(rq, "page", c->page + 1);
	return 0;
}

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "result",
	    "result_info.total_count", err), *entry;
	size_t i;

	if (all == NULL)
		return REST_FAIL;
	if (!c->is_begun)
		return REST_NEXT;
	json_array_foreach(all, i, entry) {
		const char *status = jsonx_str(entry, "status");

		if (!is_ours(c, entry) || (status != NULL &&
		    strcmp(status, "deleted") == 0))
			continue;
		c->is_found = true;
		return jsonx_copy_str(entry, "id", c->id, sizeof(c->id),
		    err) == -1 ? REST_FAIL : REST_DONE;
	}
	c->page++;
	return json_array_size(all) > 0 && c->page < jsonx_number(a->json,
	    "result_info.total_pages", INT64_MAX) ? REST_AGAIN : REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "read certificate", .request = get_known,
	    .reply = got_known, .refused = unknown },
	{ .name = "list certificates", .request = list, .reply = listed },
	{ .name = NULL }
};

/* --- upload --- */

/* Where the key may be is the user's choice, which a change must repeat. */
static enum rest_next
got_settings(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const kept[] = { "geo_restrictions", "policy" };
	struct cloud_call *c = user;
	const json_t *result = jsonx_get(a->json, "result");

	c->memo = json_object();
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		json_t *value = json_object_get(result, kept[i]);

		if (value != NULL && !json_is_null(value))
			(void)json_object_set(c->memo, kept[i], value);
	}
	return REST_NEXT;
}

static int
upload(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	bool is_new = c->id[0] == '\0';
	/* force: the chain that was issued is the one that is served. */
	json_t *body = json_pack("{s:s, s:s, s:s}", "certificate",
	    c->cert.fullchain, "private_key", c->cert.key, "bundle_method",
	    "force");

	if (is_new)
		(void)json_object_set_new(body, "type",
		    json_string("sni_custom"));
	(void)json_object_update(body, c->memo);
	begin(c, rq, is_new ? "POST" : "PATCH", c->id);
	preq_json(rq, body);
	return 0;
}

static enum rest_next
uploaded(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return jsonx_copy_str(a->json, "result.id", c->id, sizeof(c->id),
	    err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_full = cloudflare_has_code(a, CODE_QUOTA);
	return REST_FAIL;
}

static const struct rest_step upload_steps[] = {
	{ .name = "read settings", .request = get, .reply = got_settings },
	{ .name = "upload", .request = upload, .reply = uploaded,
	    .refused = upload_refused },
	{ .name = NULL }
};

/* --- wait --- */

static enum rest_next
waited(void *user, const struct rest_answer *a, struct error *err)
{
	const char *status = jsonx_str(a->json, "result.status");

	if (status == NULL)
		return cloud_lacks("status", err);
	if (strcmp(status, "active") == 0)
		return REST_NEXT;
	if (strcmp(status, "expired") == 0 || strcmp(status, "deleted") == 0) {
		(void)error_set(err, ERR_TRANSIENT, "provider:refused", "the "
		    "certificate is %s there", status);
		return REST_FAIL;
	}
	return REST_POLL;
}

static const struct rest_step bind[] = {
	{ .name = "wait", .request = get, .reply = waited },
	{ .name = NULL }
};

static const char *const object[] = { "certificate_id", "zone_id", NULL };

static const struct cloud_store store = {
	.name = "cloudflare-certificate",
	.api = &api,
	.is_in_place = true,
	.place = "zone_id",
	.object = object,
	.find = find,
	.upload = upload_steps,
};

const struct cloud cloud_cloudflare_certificate = {
	.name = "cloudflare-certificate",
	.title = "Cloudflare custom certificates",
	.doc = "Uploads the certificate to a zone, which serves it for the "
	    "names that it fits, and replaces it at each renewal. Custom "
	    "certificates are part of the plans Business and Enterprise.",
	.policy = "Zone / SSL and Certificates / Edit\n",
	.example = "zone_id = \"0123456789abcdef0123456789abcdef\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "cloudflare",
	.opts = opts,
	.store = &store,
	.api = &api,
	.bind = bind,
};
