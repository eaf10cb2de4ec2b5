/* SPDX-License-Identifier: MIT */
/*
 * cloudflare - Cloudflare DNS, API v4
 * (https://developers.cloudflare.com/api/).  One object for each value.
 */
#include "providers/cloudflare.h"

#include <string.h>

#include "providers/records.h"

#define CODE_EXISTS 81057		/* "The record already exists." */
#define CODE_IDENTICAL 81058		/* "An identical record already ..." */

enum { OPT_API_TOKEN, OPT_ACCOUNT_ID, OPT_ZONE_ID, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_TOKEN] = { .name = "api_token", .required = true,
	    .secret = true,
	    .help = "API token with the rights Zone:Read and DNS:Edit" },
	[OPT_ACCOUNT_ID] = { .name = "account_id",
	    .help = "needed if several accounts have a zone of that name" },
	[OPT_ZONE_ID] = { .name = "zone_id",
	    .help = "id of the zone; Zone:Read is not needed then" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 86400,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

bool
cloudflare_has_code(const struct rest_answer *a, int64_t code)
{
	const json_t *errors = jsonx_get(a->json, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		if (jsonx_number(json_array_get(errors, i), "code", 0) == code)
			return true;
	}
	return false;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_API_TOKEN));
	return 0;
}

/* Malformed tokens are answered with 400, and some errors with 200. */
void
cloudflare_failed(const struct rest_answer *a, struct error *err)
{
	const char *why = jsonx_str(a->json, "errors.0.error_chain.0.message");
	int64_t code = jsonx_number(a->json, "errors.0.code", 0);

	/* Headers, tokens, keys; "please wait" is 971. */
	if (code == 971)
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	else if (code == 6003 || code == 6111 || code == 9103 ||
	    code == 9106 || code == 9107 || code == 9109 || code == 10000)
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
	if (why != NULL)
		(void)error_set(err, err->kind, err->code, "%s: %s", err->msg,
		    why);
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	cloudflare_failed(a, err);
}

bool
cloudflare_is_refusal(const struct rest_answer *a)
{
	return !jsonx_bool(a->json, "success", true);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *zone_id = provider_str(c->values, OPT_ZONE_ID);
	const char *account = provider_str(c->values, OPT_ACCOUNT_ID);

	if (zone_id != NULL)
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    zone_id);
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/zones");
	preq_query(rq, "name", c->zone);
	preq_query(rq, "per_page", "50");
	records_query_page(c, rq, "page");
	if (account != NULL)
		preq_query(rq, "account.id", account);
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const struct records_list zone_pages = {
		.pages = "result_info.total_pages" };
	const json_t *zones = rest_entries(a, "result", NULL, err), *z;
	const char *name, *status, *type;

	if (zones == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "name");
		status = jsonx_str(z, "status");
		type = jsonx_str(z, "type");
		/*
		 * Their servers are not asked about others: pending, moved;
		 * and only a network of one's own about internal ones.
		 */
		if (name == NULL || !provider_name_is(name, c->zone) ||
		    (status != NULL && strcmp(status, "active") != 0) ||
		    (type != NULL && strcmp(type, "internal") == 0))
			continue;
		if (c->zone_id[0] != '\0') {
			c->zone_id[0] = '\0';
			(void)error_set(err, ERR_CONFIG, "cloudflare:accounts",
			    "several accounts have a zone %s; set account_id "
			    "or zone_id", c->zone);
			return REST_FAIL;
		}
		if (jsonx_copy_str(z, "id", c->zone_id, PROVIDER_ZONE_ID_SIZE,
		    err) == -1)
			return REST_FAIL;
	}
	if (c->zone_id[0] == '\0')
		return records_page(c, a, &zone_pages, json_array_size(zones),
		    REST_NO_ZONE, err);
	c->list.page = c->list.seen = 0;
	return REST_NEXT;
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "dns_records");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	records_start(c, rq, "GET");
	preq_query(rq, "type", provider_type(c));
	preq_query(rq, "name", c->fqdn);
	preq_query(rq, "per_page", "100");
	records_query_page(c, rq, "page");
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	char content[PROVIDER_CONTENT_SIZE];
	struct provider_caa caa;
	json_t *body = json_pack("{s:s, s:s, s:I}", "type", provider_type(c),
	    "name", name, "ttl",
	    (json_int_t)provider_int(c->values, OPT_TTL));

	/* CAA is written in parts, and read as one text. */
	if (c->is_caa && provider_caa_read(c->value, &caa))
		json_object_set_new(body, "data", json_pack(
		    "{s:i, s:s, s:s}", "flags", (int)caa.flags, "tag", caa.tag,
		    "value", caa.value));
	else
		json_object_set_new(body, "content", json_string(
		    provider_content(c, c->value, content)));
	records_start(c, rq, "POST");
	preq_json(rq, body);
}

static bool
exists(const struct rest_answer *a)
{
	return cloudflare_has_code(a, CODE_IDENTICAL) ||
	    cloudflare_has_code(a, CODE_EXISTS);
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static const struct provider_records records = {
	.list = list,
	.records = { .array = "result", .pages = "result_info.total_pages" },
	.id = "id", .name = "name", .value = "content", .type = "type",
	.create = create, .created = "result.id", .exists = exists,
	.remove = remove_record,
};

/* Creating tells as well whether the value is there. */
static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	RECORDS_CREATE(records_create_refused),
	RECORDS_FIND_EXISTING,
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	RECORDS_REMOVE_KEPT,
	RECORDS_FIND,
	RECORDS_REMOVE,
	{ .name = NULL }
};

const struct provider provider_cloudflare = {
	.name = "cloudflare",
	.title = "Cloudflare",
	.doc = "Dashboard, My Profile, API Tokens: a token with Zone / Zone / "
	    "Read and Zone / DNS / Edit for the zones in question.  Global API "
	    "keys are not supported.  lego: CLOUDFLARE_DNS_API_TOKEN, "
	    "CF_DNS_API_TOKEN.",
	.opts = opts,
	.credentials = "cloudflare",
	.takes_caa = true,
	.base_url = CLOUDFLARE_API,
	.no_zone_help = "a token without Zone:Read sees no zones at all, "
	    "and a zone must be active there",
	.prepare = prepare,
	.is_refusal = cloudflare_is_refusal,
	.failed = failed,
	.records = &records,
	.add = add,
	.remove = remove_,
};
