/* SPDX-License-Identifier: MIT */
/*
 * alidns - Alibaba Cloud DNS, API of 2015-01-09, signature V3
 * (https://www.alibabacloud.com/help/en/dns/api-alidns-2015-01-09-overview).
 * One object for each value; everything is a POST with its parameters in the
 * query.  The zone is found by asking for its records.
 */
#include <string.h>
#include <strings.h>

#include "providers/aliyun.h"
#include "providers/records.h"

#define PAGE 500			/* records; the most there is */
#define FREE_TTL 600			/* the least of the free edition */

enum { OPT_ID, OPT_SECRET, OPT_TOKEN, OPT_LINE, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ID] = { .name = "access_key_id", .required = true,
	    .help = "AccessKey ID of a RAM user" },
	[OPT_SECRET] = { .name = "access_key_secret", .required = true,
	    .secret = true, .help = "its AccessKey secret" },
	[OPT_TOKEN] = { .name = "security_token", .secret = true,
	    .help = "of temporary credentials (STS)" },
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

static bool
begins(const char *s, const char *prefix)
{
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	aliyun_sign(rq, "2015-01-09", provider_str(c->values, OPT_ID),
	    provider_str(c->values, OPT_SECRET),
	    provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	aliyun_failed(a, err);
}

static void
action(struct preq *rq, const char *name)
{
	preq_start(rq, "POST", "");
	preq_header(rq, "x-acs-action", name);
}

/* The filters find parts of words, too. */
static void
list(struct provider_call *c, struct preq *rq)
{
	char rr[256];

	action(rq, "DescribeDomainRecords");
	preq_query(rq, "DomainName", c->zone);
	preq_query(rq, "RRKeyWord", provider_relative(c->fqdn, c->zone, "@",
	    rr, sizeof(rr)));
	preq_query(rq, "TypeKeyWord", provider_type(c));
	records_query_page(c, rq, "PageNumber");
	preq_query_number(rq, "PageSize", PAGE);
}

/* "Not existing", "of another account", "impossible name". */
static bool
is_no_zone(const struct rest_answer *a)
{
	const char *code = aliyun_code(a);

	return begins(code, "InvalidDomainName") ||
	    strcmp(code, "IncorrectDomainUser") == 0 ||
	    strcmp(code, "DomainForbidden") == 0;
}

static void
create(struct provider_call *c, struct preq *rq, const char *rr)
{
	action(rq, "AddDomainRecord");
	preq_query(rq, "DomainName", c->zone);
	preq_query(rq, "RR", rr);
	preq_query(rq, "Type", provider_type(c));
	preq_query(rq, "Value", c->value);
	preq_query_number(rq, "TTL", records_ttl(c,
	    provider_int(c->values, OPT_TTL)));
	preq_query(rq, "Line", provider_str(c->values, OPT_LINE));
}

static bool
exists(const struct rest_answer *a)
{
	return strcmp(aliyun_code(a), "DomainRecordDuplicate") == 0;
}

static bool
is_ttl_low(const struct rest_answer *a)
{
	return strstr(aliyun_code(a), "TTL") != NULL;
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	action(rq, "DeleteDomainRecord");
	preq_query(rq, "RecordId", id);
}

static bool
is_gone(const struct rest_answer *a)
{
	return strcmp(aliyun_code(a), "DomainRecordNotBelongToUser") == 0;
}

static const struct provider_records records = {
	.list = list,
	.records = { .array = "DomainRecords.Record", .total = "TotalCount" },
	.id = "RecordId", .name = "RR", .value = "Value", .type = "Type",
	.apex = "@",
	.create = create, .created = "RecordId",
	.remove = remove_record,
	.is_no_zone = is_no_zone, .exists = exists, .is_gone = is_gone,
	.is_ttl_low = is_ttl_low, .raised_ttl = FREE_TTL,
};

const struct provider provider_alidns = {
	.name = "alidns",
	.title = "Alibaba Cloud DNS",
	.doc = "RAM console: a user with OpenAPI access and an AccessKey. It "
	    "needs alidns:DescribeDomainRecords, alidns:AddDomainRecord and "
	    "alidns:DeleteDomainRecord (or AliyunDNSFullAccess). lego knows "
	    "the key as ALICLOUD_ACCESS_KEY, ALICLOUD_SECRET_KEY and "
	    "ALICLOUD_SECURITY_TOKEN, acme.sh as Ali_Key and Ali_Secret.",
	.opts = opts,
	.credentials = "aliyun",
	.takes_caa = true,
	.base_url = "https://alidns.aliyuncs.com",
	.no_zone_help = "the domain must be in the account of this AccessKey",
	.prepare = prepare,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
