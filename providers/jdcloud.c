/* SPDX-License-Identifier: MIT */
/*
 * jdcloud - JD Cloud DNS, domainservice v2
 * (https://docs.jdcloud.com/cn/jd-cloud-dns/api/overview).  One object for
 * each value; lists match parts of names.
 */
#include <string.h>
#include <strings.h>

#include "daemon/rest/scheme_v4.h"
#include "daemon/rest/sign.h"
#include "providers/records.h"

#define PAGE_SIZE "50"
#define DEFAULT_VIEW (-1)

enum { OPT_ACCESS_KEY_ID, OPT_ACCESS_KEY_SECRET, OPT_REGION_ID, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ACCESS_KEY_ID] = { .name = "access_key_id", .required = true,
	    .help = "Access Key ID" },
	[OPT_ACCESS_KEY_SECRET] = { .name = "access_key_secret",
	    .required = true, .secret = true, .help = "Access Key Secret" },
	[OPT_REGION_ID] = { .name = "region_id", .fallback = "cn-north-1",
	    .help = "region named in the address and the signature" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 60, .max = 86400,
	    .help = "TTL of the records in seconds; below 600 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	static const struct scheme_v4 scheme = {
		.algorithm = "JDCLOUD2-HMAC-SHA256", .key_prefix = "JDCLOUD2",
		.terminator = "jdcloud2_request",
		.date_header = "x-jdcloud-date", .service = "domainservice",
	};
	char hex[SIGN_NONCE], uuid[40];

	(void)sign_nonce(hex);
	(void)text_printf(uuid, sizeof(uuid), "%.8s-%.4s-4%.3s-8%.3s-%.12s",
	    hex, hex + 8, hex + 12, hex + 15, hex + 18);
	preq_header(rq, "Content-Type", "application/json");
	if (preq_get_header(rq, "x-jdcloud-nonce") == NULL)
		preq_header(rq, "x-jdcloud-nonce", uuid);
	scheme_v4_sign(rq, &scheme, provider_str(c->values, OPT_REGION_ID),
	    provider_str(c->values, OPT_ACCESS_KEY_ID),
	    provider_str(c->values, OPT_ACCESS_KEY_SECRET));
	return 0;
}

static bool
is_refusal(const struct rest_answer *a)
{
	/* Some successes have an error whose code is 0. */
	return jsonx_get(a->json, "error.code") != NULL &&
	    jsonx_number(a->json, "error.code", -1) != 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	/* Names of google.rpc's, and of the gateway's, for statuses of HTTP. */
	static const struct {
		const char	*name;
		int64_t		 code;
	} statuses[] = {
		{ "UNAUTHENTICATED", 401 }, { "HTTP_UNAUTHORIZED", 401 },
		{ "PERMISSION_DENIED", 403 }, { "HTTP_FORBIDDEN", 403 },
		{ "RESOURCE_EXHAUSTED", 429 }, { "QUOTA_EXCEEDED", 429 },
		{ "HTTP_TOO_MANY_REQUESTS", 429 },
		{ "UNAVAILABLE", 503 }, { "ABORTED", 503 },
		{ "INTERNAL", 500 }, { "UNKNOWN", 500 }, { "DATA_LOSS", 500 },
		{ "DEADLINE_EXCEEDED", 504 }, { "CANCELLED", 504 },
	};
	const char *status = jsonx_str(a->json, "error.status");
	int64_t code = jsonx_number(a->json, "error.code", 0);

	for (size_t i = 0; status != NULL &&
	    i < sizeof(statuses) / sizeof(statuses[0]); i++) {
		if (strcmp(status, statuses[i].name) == 0)
			code = statuses[i].code;
	}
	if (code == 401 || code == 403)
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
	else if (code == 429)
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	else if (code >= 500 && code <= 599)
		(void)error_set(err, ERR_TRANSIENT, "provider:unavailable",
		    "%s", err->msg);
	if (status != NULL && status[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg,
		    status);
	if (err->kind == ERR_CONFIG)
		rest_blame_clock(a, err);
}

static void
domain_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/regions");
	preq_path(rq, provider_str(c->values, OPT_REGION_ID));
	preq_path(rq, "domain");
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	domain_start(c, rq, method);
	preq_path(rq, c->zone_id);
	preq_path(rq, "ResourceRecord");
}

/* The query in sorted order: it is signed as it is sent. */
static void
list_zones(struct provider_call *c, struct preq *rq)
{
	domain_start(c, rq, "GET");
	preq_query(rq, "domainName", c->zone);
	records_query_page(c, rq, "pageNumber");
	preq_query(rq, "pageSize", PAGE_SIZE);
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char host[256];

	records_start(c, rq, "GET");
	records_query_page(c, rq, "pageNumber");
	preq_query(rq, "pageSize", PAGE_SIZE);
	preq_query(rq, "search", provider_relative(c->fqdn, c->zone, "@",
	    host, sizeof(host)));
}

static void
create(struct provider_call *c, struct preq *rq, const char *host)
{
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:{s:s, s:s, s:I, s:s, s:i}}", "req",
	    "hostRecord", host, "hostValue", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "type", "TXT", "viewValue", DEFAULT_VIEW));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static bool
is_removed(const struct rest_answer *a)
{
	return a->json == NULL || jsonx_get(a->json, "requestId") != NULL;
}

static bool
is_gone(const struct rest_answer *a)
{
	return a->status == 404 ||
	    jsonx_number(a->json, "error.code", 0) == 404;
}

static const struct provider_records records = {
	.zone = list_zones,
	.zones = { .array = "result.dataList",
	    .pages = "result.totalPage" },
	.zone_id = "id", .zone_name = "domainName",
	.list = list,
	.records = { .array = "result.dataList",
	    .pages = "result.totalPage" },
	.id = "id", .name = "hostRecord", .value = "hostValue",
	.type = "type", .apex = "@",
	.create = create, .created = "result.dataList.id",
	.remove = remove_record, .is_removed = is_removed, .is_gone = is_gone,
};

const struct provider provider_jdcloud = {
	.name = "jdcloud",
	.title = "JD Cloud",
	.doc = "Console, Access Key management; better the keys of an IAM user "
	    "with a policy for domainservice only (describeDomains, "
	    "describeResourceRecord, createResourceRecord, "
	    "deleteResourceRecord).  lego: JDCLOUD_ACCESS_KEY_ID, "
	    "JDCLOUD_ACCESS_KEY_SECRET, JDCLOUD_REGION_ID.",
	.opts = opts,
	.credentials = "jdcloud",
	.base_url = "https://domainservice.jdcloud-api.com/v2",
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
