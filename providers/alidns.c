/* SPDX-License-Identifier: MIT */
/*
 * alidns - Alibaba Cloud DNS, API of 2015-01-09, signature V3
 * (https://www.alibabacloud.com/help/en/dns/api-alidns-2015-01-09-overview).
 * One object for each value; everything is a POST with its parameters in the
 * query.  The zone is found by asking for its records.
 */
#include <string.h>

#include "providers/provider.h"
#include "providers/scheme_hmac.h"

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

struct alidns {
	int	page;			/* of the list, from 0 on */
	char	record_id[64];		/* found; "" if there is none */
	bool	is_raised;		/* the TTL was too low for them */
};

/* The vendor's code, never NULL. */
static const char *
code_of(const struct provider_answer *a)
{
	const char *code = jsonx_str(a->json, "Code");

	return code == NULL ? "" : code;
}

static bool
begins(const char *s, const char *prefix)
{
	return strncmp(s, prefix, strlen(prefix)) == 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *token = provider_str(c->values, OPT_TOKEN);
	char date[TEXT_TIME_MAX], nonce[SIGN_NONCE], hash[SIGN_HEX];

	/* As curl would add it, but unsigned. */
	preq_header(rq, "Content-Type", "application/x-www-form-urlencoded");
	preq_header(rq, "x-acs-version", "2015-01-09");
	preq_header(rq, "x-acs-date", text_time(clock_now(), date));
	preq_header(rq, "x-acs-signature-nonce", sign_nonce(nonce));
	preq_header(rq, "x-acs-content-sha256", scheme_body_hash(rq, hash));
	if (token != NULL)
		preq_secret_header(rq, "x-acs-security-token", token);
	scheme_acs3(rq, provider_str(c->values, OPT_ID),
	    provider_str(c->values, OPT_SECRET));
	return 0;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *code = code_of(a);

	if (begins(code, "InvalidAccessKeyId") ||
	    begins(code, "InvalidSecurityToken") ||
	    begins(code, "SignatureDoesNotMatch") ||
	    begins(code, "IncompleteSignature") ||
	    begins(code, "InvalidTimeStamp") || begins(code, "Forbidden") ||
	    begins(code, "NoPermission"))
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
	else if (begins(code, "Throttling"))
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
	else if (strcmp(code, "SignatureNonceUsed") == 0 ||
	    strcmp(code, "LastOperationNotFinished") == 0)
		(void)error_set(err, ERR_TRANSIENT, "provider:unavailable",
		    "%s", err->msg);
	if (code[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s (%s)",
		    err->msg, code);
	if (begins(code, "InvalidTimeStamp"))
		provider_blame_clock(a, err);
}

static void
action(struct preq *rq, const char *name)
{
	preq_start(rq, "POST", "");
	preq_header(rq, "x-acs-action", name);
}

static const char *
relative(const struct provider_call *c, char out[256])
{
	return provider_relative(c->fqdn, c->zone, "@", out, 256);
}

static void
query_number(struct preq *rq, const char *name, long number)
{
	char text[32];

	(void)text_printf(text, sizeof(text), "%ld", number);
	preq_query(rq, name, text);
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct alidns *x = c->priv;
	char rr[256];

	action(rq, "DescribeDomainRecords");
	preq_query(rq, "DomainName", c->zone);
	preq_query(rq, "RRKeyWord", relative(c, rr));
	preq_query(rq, "TypeKeyWord", "TXT");
	query_number(rq, "PageNumber", x->page + 1);
	query_number(rq, "PageSize", PAGE);
	return 0;
}

/* Look for our value; the filters find parts of words, too. */
static int
find_in(struct provider_call *c, const json_t *records, struct error *err)
{
	struct alidns *x = c->priv;
	char rr[256];

	(void)relative(c, rr);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		const char *name = jsonx_str(r, "RR");
		const char *type = jsonx_str(r, "Type");
		const char *value = jsonx_str(r, "Value");

		if (name != NULL && strcasecmp(name, rr) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "RecordId", x->record_id,
			    sizeof(x->record_id), err);
	}
	return 0;
}

/* PROVIDER_NEXT: all pages were read, or record_id is set. */
static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *records = provider_array(a, "DomainRecords.Record", err);
	struct alidns *x = c->priv;
	int64_t size;

	if (records == NULL || find_in(c, records, err) == -1)
		return PROVIDER_FAIL;
	size = jsonx_int(a->json, "PageSize", PAGE);
	x->page++;
	if (x->record_id[0] == '\0' && json_array_size(records) > 0 &&
	    x->page * size < jsonx_int(a->json, "TotalCount", 0))
		return PROVIDER_AGAIN;
	x->page = 0;
	return PROVIDER_NEXT;
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct alidns *x = c->priv;
	enum provider_next next = find_reply(c, a, err);

	if (next != PROVIDER_NEXT || x->record_id[0] == '\0')
		return next;
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return PROVIDER_DONE;
}

static enum provider_next
find_after_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	enum provider_next next = find_before_add(c, a, err);

	/* Gone since "exists" was said, or not to be seen yet. */
	return next == PROVIDER_NEXT ? PROVIDER_REPEAT : next;
}

static enum provider_next
find_before_remove(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct alidns *x = c->priv;
	enum provider_next next = find_reply(c, a, err);

	return next == PROVIDER_NEXT && x->record_id[0] == '\0' ?
	    PROVIDER_DONE : next;
}

/* "Not existing", "of another account", "impossible name". */
static enum provider_next
find_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *code = code_of(a);

	return begins(code, "InvalidDomainName") ||
	    strcmp(code, "IncorrectDomainUser") == 0 ||
	    strcmp(code, "DomainForbidden") == 0 ? PROVIDER_NO_ZONE :
	    PROVIDER_FAIL;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct alidns *x = c->priv;
	char rr[256];

	action(rq, "AddDomainRecord");
	preq_query(rq, "DomainName", c->zone);
	preq_query(rq, "RR", relative(c, rr));
	preq_query(rq, "Type", "TXT");
	preq_query(rq, "Value", c->value);
	query_number(rq, "TTL", x->is_raised ? FREE_TTL :
	    provider_int(c->values, OPT_TTL));
	preq_query(rq, "Line", provider_str(c->values, OPT_LINE));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "RecordId", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct alidns *x = c->priv;

	if (strcmp(code_of(a), "DomainRecordDuplicate") == 0)
		return PROVIDER_NEXT;
	if (strstr(code_of(a), "TTL") != NULL && !x->is_raised &&
	    provider_int(c->values, OPT_TTL) < FREE_TTL) {
		x->is_raised = true;
		return PROVIDER_AGAIN;
	}
	return PROVIDER_FAIL;
}

static void
delete_start(struct preq *rq, const char *id)
{
	action(rq, "DeleteDomainRecord");
	preq_query(rq, "RecordId", id);
}

static int
delete_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->handle[0] != '\0')
		delete_start(rq, c->handle);
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
	return err->kind == ERR_REJECTED ? PROVIDER_NEXT : PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct alidns *x = c->priv;

	delete_start(rq, x->record_id);
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return strcmp(code_of(a), "DomainRecordNotBelongToUser") == 0 ?
	    PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find record", find_request, find_before_add, find_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, find_after_add, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, find_before_remove, find_refused },
	{ "delete record", delete_request, NULL, delete_refused },
	{ .name = NULL }
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
	.base_url = "https://alidns.aliyuncs.com",
	.no_zone_help = "the domain must be in the account of this AccessKey",
	.priv_size = sizeof(struct alidns),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
