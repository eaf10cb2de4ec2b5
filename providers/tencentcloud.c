/* SPDX-License-Identifier: MIT */
/*
 * tencentcloud - DNSPod at Tencent Cloud, API 3.0 of 2021-03-23
 * (https://cloud.tencent.com/document/api/1427/56193).  One object for each
 * value; errors come with HTTP 200.  The zone is found by asking for its
 * records.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/provider.h"
#include "providers/scheme_hmac.h"

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

struct tencentcloud {
	json_int_t offset;		/* of the page to be read */
	json_int_t record_id;		/* found; 0 if there is none */
	bool	is_raised;		/* the TTL was too low for them */
};

/* The vendor's code, never NULL. */
static const char *
code_of(const struct provider_answer *a)
{
	const char *code = jsonx_str(a->json, "Response.Error.Code");

	return code == NULL ? "" : code;
}

static bool
begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

/* In .prepare the body and the action are set already. */
static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *token = provider_str(c->values, OPT_TOKEN);
	time_t now = clock_now();
	char text[32];

	preq_header(rq, "Content-Type", "application/json; charset=utf-8");
	scheme_tc3(rq, "dnspod", provider_str(c->values, OPT_ID),
	    provider_str(c->values, OPT_KEY), now);
	(void)text_printf(text, sizeof(text), "%lld", (long long)now);
	preq_header(rq, "X-TC-Timestamp", text);
	preq_header(rq, "X-TC-Version", "2021-03-23");
	if (token != NULL)
		preq_secret_header(rq, "X-TC-Token", token);
	return 0;
}

static bool
is_refusal(const struct provider_answer *a)
{
	return jsonx_get(a->json, "Response.Error") != NULL;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *code = code_of(a);
	const char *words = jsonx_str(a->json, "Response.Error.Message");

	if (code[0] == '\0')
		return;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%.300s (%s)",
	    words == NULL ? "refused" : words, code);
	if (begins(code, "AuthFailure") || begins(code, "Unauthorized") ||
	    begins(code, "OperationDenied") ||
	    begins(code, "FailedOperation.Login"))
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
	else if (begins(code, "RequestLimitExceeded"))
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	else if (begins(code, "InternalError") ||
	    begins(code, "ResourceUnavailable") ||
	    begins(code, "FailedOperation.UnknowError") || a->status >= 500)
		(void)error_set(err, ERR_TRANSIENT, "provider:unavailable",
		    "%s", err->msg);
	if (strcmp(code, "AuthFailure.SignatureExpire") == 0)
		provider_blame_clock(a, err);
}

static void
action(struct preq *rq, const char *name, json_t *body /* taken */)
{
	preq_start(rq, "POST", "");
	preq_header(rq, "X-TC-Action", name);
	preq_json(rq, body);
}

static const char *
relative(const struct provider_call *c, char out[256])
{
	return provider_relative(c->fqdn, c->zone, "@", out, 256);
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct tencentcloud *x = c->priv;
	char sub[256];

	/* A small "d" in this one. */
	action(rq, "DescribeRecordList", json_pack(
	    "{s:s, s:s, s:s, s:I, s:i}", "Domain", c->zone,
	    "Subdomain", relative(c, sub), "RecordType", "TXT",
	    "Offset", x->offset, "Limit", PAGE));
	return 0;
}

static void
find_in(struct provider_call *c, const json_t *records)
{
	struct tencentcloud *x = c->priv;
	char sub[256];

	(void)relative(c, sub);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		const char *name = jsonx_str(r, "Name");
		const char *type = jsonx_str(r, "Type");
		const char *value = jsonx_str(r, "Value");

		if (name != NULL && strcasecmp(name, sub) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			x->record_id = jsonx_int(r, "RecordId", 0);
	}
}

/* PROVIDER_NEXT: all pages were read, or record_id is set. */
static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *records = provider_array(a, "Response.RecordList", err);
	struct tencentcloud *x = c->priv;
	json_int_t n = (json_int_t)json_array_size(records);

	if (records == NULL)
		return PROVIDER_FAIL;
	find_in(c, records);
	x->offset += n;
	if (x->record_id == 0 && n > 0 && x->offset < jsonx_int(a->json,
	    "Response.RecordCountInfo.TotalCount", 0))
		return PROVIDER_AGAIN;
	x->offset = 0;
	return PROVIDER_NEXT;
}

/* Nothing at that name, as against no such zone. */
static bool
is_empty(const struct provider_answer *a)
{
	return strcmp(code_of(a), "ResourceNotFound.NoDataOfRecord") == 0;
}

static bool
is_no_zone(const struct provider_answer *a)
{
	static const char *const codes[] = {
	    "InvalidParameterValue.DomainNotExists",
	    "InvalidParameter.DomainInvalid",
	    "InvalidParameter.DomainNotReged",
	    "InvalidParameter.DomainNotAllowed",
	    "InvalidParameter.DomainIdInvalid",
	    "ResourceNotFound.NoDataOfDomain",
	    "FailedOperation.NotDomainOwner" };

	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		if (strcmp(code_of(a), codes[i]) == 0)
			return true;
	}
	return false;
}

static void
keep_id(struct provider_call *c, json_int_t id)
{
	(void)text_printf(c->new_handle, c->new_handle_size,
	    "%" JSON_INTEGER_FORMAT, id);
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct tencentcloud *x = c->priv;
	enum provider_next next = find_reply(c, a, err);

	if (next != PROVIDER_NEXT || x->record_id == 0)
		return next;
	keep_id(c, x->record_id);
	return PROVIDER_DONE;
}

static enum provider_next
find_before_add_refused(struct provider_call *c,
    const struct provider_answer *a, struct error *err)
{
	return is_no_zone(a) ? PROVIDER_NO_ZONE :
	    is_empty(a) ? PROVIDER_NEXT : PROVIDER_FAIL;
}

/* Gone since "exists" was said, or, as lists lag behind, not in it yet. */
static enum provider_next
find_after_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	enum provider_next next = find_before_add(c, a, err);

	return next == PROVIDER_NEXT ? PROVIDER_REPEAT : next;
}

static enum provider_next
find_after_add_refused(struct provider_call *c,
    const struct provider_answer *a, struct error *err)
{
	return is_empty(a) ? PROVIDER_REPEAT : PROVIDER_FAIL;
}

static enum provider_next
find_before_remove(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct tencentcloud *x = c->priv;
	enum provider_next next = find_reply(c, a, err);

	return next == PROVIDER_NEXT && x->record_id == 0 ?
	    PROVIDER_DONE : next;
}

static enum provider_next
find_before_remove_refused(struct provider_call *c,
    const struct provider_answer *a, struct error *err)
{
	return is_no_zone(a) ? PROVIDER_NO_ZONE :
	    is_empty(a) ? PROVIDER_DONE : PROVIDER_FAIL;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct tencentcloud *x = c->priv;
	char sub[256];

	action(rq, "CreateRecord", json_pack(
	    "{s:s, s:s, s:s, s:s, s:s, s:s, s:I}", "Domain", c->zone,
	    "SubDomain", relative(c, sub), "RecordType", "TXT",
	    "RecordLine", LINE, "RecordLineId", "0", "Value", c->value,
	    "TTL", x->is_raised ? (json_int_t)FREE_TTL :
	    (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "Response.RecordId", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct tencentcloud *x = c->priv;

	if (strcmp(code_of(a), "InvalidParameter.DomainRecordExist") == 0)
		return PROVIDER_NEXT;
	if (strcmp(code_of(a), "LimitExceeded.RecordTtlLimit") == 0 &&
	    !x->is_raised && provider_int(c->values, OPT_TTL) < FREE_TTL) {
		x->is_raised = true;
		return PROVIDER_AGAIN;
	}
	return PROVIDER_FAIL;
}

static void
delete_start(struct provider_call *c, struct preq *rq, json_int_t id)
{
	action(rq, "DeleteRecord", json_pack("{s:s, s:I}", "Domain", c->zone,
	    "RecordId", id));
}

/* The kept id first: lists lag some seconds behind. */
static int
delete_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	char *end;
	long long id = strtoll(c->handle, &end, 10);

	if (id > 0 && *end == '\0')
		delete_start(c, rq, id);
	return 0;
}

static enum provider_next
delete_kept_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return PROVIDER_DONE;
}

/* Gone, or an id that is none of theirs: is the value there? */
static enum provider_next
delete_kept_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return is_no_zone(a) ? PROVIDER_NO_ZONE :
	    err->kind == ERR_REJECTED ? PROVIDER_NEXT : PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	delete_start(c, rq, ((struct tencentcloud *)c->priv)->record_id);
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return strcmp(code_of(a), "InvalidParameter.RecordIdInvalid") == 0 ||
	    is_empty(a) ? PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find record", find_request, find_before_add,
	    find_before_add_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, find_after_add,
	    find_after_add_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, find_before_remove,
	    find_before_remove_refused },
	{ "delete record", delete_request, NULL, delete_refused },
	{ .name = NULL }
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
	.base_url = "https://dnspod.tencentcloudapi.com",
	.no_zone_help = "the domain must be in the account of this key",
	.priv_size = sizeof(struct tencentcloud),
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
