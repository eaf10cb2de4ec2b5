/* SPDX-License-Identifier: MIT */
/*
 * volcengine - Volcano Engine TrafficRoute DNS, API of 2018-08-01
 * (https://www.volcengine.com/docs/6758).  One object for each value.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/records.h"
#include "providers/volc.h"

#define VERSION "2018-08-01"
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

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	volc_sign(rq, "dns", provider_str(c->values, OPT_REGION),
	    provider_str(c->values, OPT_ACCESS_KEY),
	    provider_str(c->values, OPT_SECRET_KEY),
	    provider_str(c->values, OPT_SESSION_TOKEN));
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	volc_failed(a, err);
}

static void
list_zones(struct provider_call *c, struct preq *rq)
{
	volc_action(rq, "GET", "ListZones", VERSION);
	preq_query(rq, "Key", c->zone);
	preq_query(rq, "SearchMode", "exact");
	records_query_page(c, rq, "PageNumber");
	preq_query(rq, "PageSize", PAGE_SIZE);
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char host[256];

	volc_action(rq, "GET", "ListRecords", VERSION);
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
	volc_action(rq, "POST", "CreateRecord", VERSION);
	preq_json(rq, json_pack("{s:I, s:s, s:s, s:s, s:I, s:s}",
	    "ZID", (json_int_t)strtoll(c->zone_id, NULL, 10), "Host", host,
	    "Type", "TXT", "Value", c->value,
	    "TTL", (json_int_t)provider_int(c->values, OPT_TTL),
	    "Line", provider_str(c->values, OPT_LINE)));
}

static bool
exists(const struct rest_answer *a)
{
	return strcmp(volc_code(a), "ErrDBDuplicated") == 0;
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	volc_action(rq, "POST", "DeleteRecord", VERSION);
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
	return strcmp(volc_code(a), "ErrDBNotFound") == 0;
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
	.base_url = VOLC_URL,
	.prepare = prepare,
	.is_refusal = volc_is_refusal,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
