/* SPDX-License-Identifier: MIT */
/*
 * tencentcloud - DNSPod at Tencent Cloud, API 3.0 of 2021-03-23
 * (https://cloud.tencent.com/document/api/1427/56193).  One object for each
 * value; errors come with HTTP 200.  The zone is found by asking for its
 * records.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/records.h"
#include "providers/tencent.h"

#define PAGE 3000			/* records; the most there is */
#define FREE_TTL 600			/* the least of the free plan */
#define LINE "\xe9\xbb\x98\xe8\xae\xa4"	/* "default" in Chinese */

enum { OPT_ID, OPT_KEY, OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ID] = { .name = "secret_id", .required = true,
	    .help = "SecretId of a CAM user" },
	[OPT_KEY] = { .name = "secret_key", .required = true, .secret = true,
	    .help = "its SecretKey" },
	[OPT_TOKEN] = { .name = "session_token", .secret = true,
	    .help = "of temporary credentials (STS)" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 1, .max = 604800,
	    .help = "TTL of the records in seconds; below 600 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	tencent_sign(rq, "dnspod", "2021-03-23",
	    provider_str(c->values, OPT_ID), provider_str(c->values, OPT_KEY),
	    provider_str(c->values, OPT_TOKEN));
	return 0;
}

/*
 * What DNSPod's own codes mean that are not about the request, by how they
 * begin; after the vendor's list (errorcodes.py of its Python SDK).
 */
static const struct rest_code kinds[] = {
	/* Key, clock, rights, account, source address. */
	{ "FailedOperation.AccountIsLocked", REST_CREDENTIALS },
	{ "FailedOperation.Login", REST_CREDENTIALS },
	{ "FailedOperation.MobileNotVerified", REST_CREDENTIALS },
	{ "FailedOperation.NotRealNamedUser", REST_CREDENTIALS },
	{ "FailedOperation.TencentCloudForbid", REST_CREDENTIALS },
	{ "FailedOperation.TwoStepNotOn", REST_CREDENTIALS },
	{ "InvalidParameter.AccountIsBanned", REST_CREDENTIALS },
	{ "InvalidParameter.EmailNotVerified", REST_CREDENTIALS },
	{ "InvalidParameter.InvalidSecretId", REST_CREDENTIALS },
	{ "InvalidParameter.InvalidSignature", REST_CREDENTIALS },
	{ "InvalidParameter.InvalidTime", REST_CREDENTIALS },
	{ "InvalidParameter.LoginToken", REST_CREDENTIALS },
	{ "InvalidParameter.MobileNotVerified", REST_CREDENTIALS },
	{ "InvalidParameter.PermissionDenied", REST_CREDENTIALS },
	{ "InvalidParameter.QcloudUinInvalid", REST_CREDENTIALS },
	{ "InvalidParameter.RequestIpLimited", REST_CREDENTIALS },
	{ "InvalidParameter.TimestampExpired", REST_CREDENTIALS },
	{ "InvalidParameter.UnrealNameUser", REST_CREDENTIALS },
	{ "InvalidParameter.UserAlreadyLocked", REST_CREDENTIALS },
	{ "InvalidParameter.UserAreaInvalid", REST_CREDENTIALS },
	{ "InvalidParameter.UserNotExists", REST_CREDENTIALS },
	{ "LimitExceeded.FailedLoginLimitExceeded", REST_CREDENTIALS },
	/* Too many requests; "Common" says "too often". */
	{ "FailedOperation.FrequencyLimit", REST_THROTTLED },
	{ "InvalidParameter.Common", REST_THROTTLED },
	{ "InvalidParameter.OperationIsTooFrequent", REST_THROTTLED },
	/* Out of order, or at work on it. */
	{ "FailedOperation.TemporaryError", REST_UNAVAILABLE },
	{ "FailedOperation.UnknowError", REST_UNAVAILABLE },
	{ "InvalidParameter.DomainIsModifyingDns", REST_UNAVAILABLE },
	{ "InvalidParameter.DomainTaskNotFinished", REST_UNAVAILABLE },
	{ "InvalidParameter.OperateFailed", REST_UNAVAILABLE },
	{ "InvalidParameter.TaskNotCompleted", REST_UNAVAILABLE },
	{ .word = NULL }
};

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	tencent_failed(a, err);
	rest_judge(kinds, REST_BEGINS, tencent_code(a), err);
	if (strcmp(tencent_code(a), "InvalidParameter.TimestampExpired") == 0)
		rest_blame_clock(a, err);
}

static void
action(struct preq *rq, const char *name, json_t *body /* taken */)
{
	preq_start(rq, "POST", "");
	preq_header(rq, "X-TC-Action", name);
	preq_json(rq, body);
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char sub[256];

	/* A small "d" in this one. */
	action(rq, "DescribeRecordList", json_pack(
	    "{s:s, s:s, s:s, s:I, s:i}", "Domain", c->zone, "Subdomain",
	    provider_relative(c->fqdn, c->zone, "@", sub, sizeof(sub)),
	    "RecordType", provider_type(c), "Offset", (json_int_t)c->list.seen,
	    "Limit", PAGE));
}

/* Nothing at that name, as against no such zone. */
static bool
is_empty(const struct rest_answer *a)
{
	return strcmp(tencent_code(a), "ResourceNotFound.NoDataOfRecord") == 0;
}

static bool
is_no_zone(const struct rest_answer *a)
{
	static const char *const codes[] = {
	    "InvalidParameterValue.DomainNotExists",
	    "InvalidParameter.DomainInvalid",
	    "InvalidParameter.DomainNotReged",
	    "InvalidParameter.DomainNotAllowed",
	    "InvalidParameter.DomainIdInvalid",
	    "ResourceNotFound.NoDataOfDomain",
	    "FailedOperation.NotDomainOwner",
	    "FailedOperation.DomainOwnedByOtherUser",
	    "OperationDenied.DomainOwnerAllowedOnly",
	    "OperationDenied.NoPermissionToOperateDomain" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(tencent_code(a), codes[i]) == 0)
			return true;
	}
	return false;
}

static void
create(struct provider_call *c, struct preq *rq, const char *sub)
{
	action(rq, "CreateRecord", json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "Domain", c->zone,
	    "SubDomain", sub, "RecordType", provider_type(c),
	    "RecordLine", LINE, "RecordLineId", "0", "Value", c->value,
	    "TTL", (json_int_t)records_ttl(c,
	    provider_int(c->values, OPT_TTL))));
}

static bool
exists(const struct rest_answer *a)
{
	return strcmp(tencent_code(a),
	    "InvalidParameter.DomainRecordExist") == 0;
}

static bool
is_ttl_low(const struct rest_answer *a)
{
	return strcmp(tencent_code(a), "LimitExceeded.RecordTtlLimit") == 0;
}

/* A number; 0, which is nobody's, if the handle is none. */
static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	action(rq, "DeleteRecord", json_pack("{s:s, s:I}", "Domain", c->zone,
	    "RecordId", (json_int_t)strtoll(id, NULL, 10)));
}

static bool
is_gone(const struct rest_answer *a)
{
	return strcmp(tencent_code(a),
	    "InvalidParameter.RecordIdInvalid") == 0 || is_empty(a);
}

/* Lists lag some seconds behind. */
static const struct provider_records records = {
	.list = list,
	.records = { .array = "Response.RecordList",
	    .total = "Response.RecordCountInfo.TotalCount" },
	.id = "RecordId", .name = "Name", .value = "Value", .type = "Type",
	.apex = "@",
	.create = create, .created = "Response.RecordId",
	.remove = remove_record,
	.is_no_zone = is_no_zone, .is_empty = is_empty, .exists = exists,
	.is_gone = is_gone, .is_ttl_low = is_ttl_low, .raised_ttl = FREE_TTL,
};

const struct provider provider_tencentcloud = {
	.name = "tencentcloud",
	.title = "Tencent Cloud DNSPod",
	.doc = "CAM console: a sub-user with programming access and a key. It "
	    "needs dnspod:DescribeRecordList, dnspod:CreateRecord and "
	    "dnspod:DeleteRecord (or QcloudDNSPodFullAccess). lego knows the "
	    "key as TENCENTCLOUD_SECRET_ID, TENCENTCLOUD_SECRET_KEY and "
	    "TENCENTCLOUD_SESSION_TOKEN, acme.sh as Tencent_SecretId and "
	    "Tencent_SecretKey. International accounts may set base_url to "
	    "https://dnspod.intl.tencentcloudapi.com.",
	.opts = opts,
	.credentials = "tencentcloud",
	.takes_caa = true,
	.base_url = "https://dnspod.tencentcloudapi.com",
	.no_zone_help = "the domain must be in the account of this key",
	.prepare = prepare,
	.is_refusal = tencent_is_refusal,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
