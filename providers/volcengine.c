/* SPDX-License-Identifier: MIT */
/*
 * volcengine - Volcano Engine TrafficRoute DNS, API of 2018-08-01
 * (https://www.volcengine.com/docs/6758).  One object for each value.
 */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "daemon/rest/scheme_v4.h"
#include "providers/records.h"

#define PAGE_SIZE "500"			/* the most they give */

enum { OPT_ACCESS_KEY, OPT_SECRET_KEY, OPT_SESSION_TOKEN, OPT_REGION,
    OPT_LINE, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ACCESS_KEY] = { .name = "access_key", .required = true,
	    .help = "Access Key ID" },
	[OPT_SECRET_KEY] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "Secret Access Key" },
	[OPT_SESSION_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials" },
	[OPT_REGION] = { .name = "region", .fallback = "cn-beijing",
	    .help = "region named in the signature" },
	[OPT_LINE] = { .name = "line", .fallback = "default",
	    .help = "resolution line of the records" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 1, .max = 86400,
	    .help = "TTL of the records in seconds; below 600 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static const char *
code_of(const struct rest_answer *a)
{
	const char *code = jsonx_str(a->json, "ResponseMetadata.Error.Code");

	return code == NULL ? "" : code;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	static const struct scheme_v4 scheme = {
		.algorithm = "HMAC-SHA256", .key_prefix = "",
		.terminator = "request", .date_header = "X-Date",
		.hash_header = "X-Content-Sha256", .service = "dns",
	};
	const char *token = provider_str(c->values, OPT_SESSION_TOKEN);

	/* It is always signed. */
	if (preq_get_header(rq, "Content-Type") == NULL)
		preq_header(rq, "Content-Type",
		    "application/x-www-form-urlencoded");
	if (token != NULL)
		preq_secret_header(rq, "X-Security-Token", token);
	scheme_v4_sign(rq, &scheme, provider_str(c->values, OPT_REGION),
	    provider_str(c->values, OPT_ACCESS_KEY),
	    provider_str(c->values, OPT_SECRET_KEY));
	return 0;
}

static bool
is_refusal(const struct rest_answer *a)
{
	return json_is_object(jsonx_get(a->json, "ResponseMetadata.Error"));
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const struct rest_code codes[] = {
		{ "Signature", REST_CREDENTIALS },
		{ "AccessKey", REST_CREDENTIALS },
		{ "Credential", REST_CREDENTIALS },
		{ "SecurityToken", REST_CREDENTIALS },
		{ "AccessDenied", REST_CREDENTIALS },
		{ "Timestamp", REST_CREDENTIALS },
		{ "Expired", REST_CREDENTIALS },
		{ "InvalidAuthorization", REST_CREDENTIALS },
		{ "MissingAuth", REST_CREDENTIALS },
		{ "LackPolicy", REST_CREDENTIALS },
		{ "NoPermission", REST_CREDENTIALS },
		{ "FlowLimit", REST_THROTTLED },
		{ "Throttl", REST_THROTTLED },
		{ "TooManyRequests", REST_THROTTLED },
		{ "Internal", REST_UNAVAILABLE },
		{ "ServiceUnavailable", REST_UNAVAILABLE },
		{ .word = NULL }
	};
	const char *code = code_of(a);
	const char *msg = jsonx_str(a->json, "ResponseMetadata.Error.Message");

	rest_judge(codes, REST_HAS, code, err);
	if (code[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s: %s", code,
		    msg == NULL ? "" : msg);
	if (err->kind == ERR_CONFIG)
		rest_blame_clock(a, err);
}

static void
action(struct preq *rq, const char *method, const char *name)
{
	preq_start(rq, method, "");
	preq_query(rq, "Action", name);
	preq_query(rq, "Version", "2018-08-01");
}

static void
list_zones(struct provider_call *c, struct preq *rq)
{
	action(rq, "GET", "ListZones");
	preq_query(rq, "Key", c->zone);
	preq_query(rq, "SearchMode", "exact");
	records_query_page(c, rq, "PageNumber");
	preq_query(rq, "PageSize", PAGE_SIZE);
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char host[256];

	action(rq, "GET", "ListRecords");
	preq_query(rq, "ZID", c->zone_id);
	preq_query(rq, "Host", provider_relative(c->fqdn, c->zone, "@", host,
	    sizeof(host)));
	preq_query(rq, "Type", "TXT");
	preq_query(rq, "Value", c->value);
	preq_query(rq, "SearchMode", "exact");
	records_query_page(c, rq, "PageNumber");
	preq_query(rq, "PageSize", PAGE_SIZE);
}

static void
create(struct provider_call *c, struct preq *rq, const char *host)
{
	action(rq, "POST", "CreateRecord");
	preq_json(rq, json_pack("{s:I, s:s, s:s, s:s, s:I, s:s}",
	    "ZID", (json_int_t)strtoll(c->zone_id, NULL, 10), "Host", host,
	    "Type", "TXT", "Value", c->value,
	    "TTL", (json_int_t)provider_int(c->values, OPT_TTL),
	    "Line", provider_str(c->values, OPT_LINE)));
}

static bool
exists(const struct rest_answer *a)
{
	return strcmp(code_of(a), "ErrDBDuplicated") == 0;
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	action(rq, "POST", "DeleteRecord");
	preq_json(rq, json_pack("{s:s}", "RecordID", id));
}

static bool
is_removed(const struct rest_answer *a)
{
	return jsonx_get(a->json, "ResponseMetadata") != NULL;
}

static bool
is_gone(const struct rest_answer *a)
{
	return strcmp(code_of(a), "ErrDBNotFound") == 0;
}

static const struct provider_records records = {
	.zone = list_zones,
	.zones = { .array = "Result.Zones", .total = "Result.Total" },
	.zone_id = "ZID", .zone_name = "ZoneName",
	.list = list,
	.records = { .array = "Result.Records",
	    .total = "Result.TotalCount" },
	.id = "RecordID", .name = "Host", .value = "Value", .type = "Type",
	.apex = "@",
	.create = create, .created = "Result.RecordID", .exists = exists,
	.remove = remove_record, .is_removed = is_removed, .is_gone = is_gone,
};

const struct provider provider_volcengine = {
	.name = "volcengine",
	.title = "Volcano Engine",
	.doc = "Console, Access Control (IAM): a user with programmatic access "
	    "and the policy DNSFullAccess, or a policy of your own with "
	    "dns:ListZones, dns:ListRecords, dns:CreateRecord and "
	    "dns:DeleteRecord; then its Access Keys.  lego: VOLC_ACCESSKEY, "
	    "VOLC_SECRETKEY, VOLC_REGION.",
	.opts = opts,
	.credentials = "volcengine",
	.base_url = "https://open.volcengineapi.com",
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
