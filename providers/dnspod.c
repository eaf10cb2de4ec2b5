/* SPDX-License-Identifier: MIT */
/*
 * dnspod - DNSPod's old API with a login token (https://docs.dnspod.cn/api/);
 * new configurations should use tencentcloud.  One object for each value;
 * forms, and HTTP 200 for everything.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/records.h"

#define PAGE "3000"			/* records; the most there is */
#define FREE_TTL 600			/* the least of the free plan */

enum { OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "login_token", .required = true,
	    .secret = true,
	    .help = "ID and token, with a comma between them" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 1, .max = 604800,
	    .help = "TTL of the records in seconds; below 600 is paid for" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

enum {
	CODE_OK = 1,
	CODE_UNKNOWN_ERROR = 3,
	CODE_BAD_RECORD_ID = 8,
	CODE_EMPTY = 10,
	CODE_TTL = 32,
	CODE_LOGIN_PLACE = 85,		/* not from this address */
	CODE_EXISTS = 104,
	CODE_BAD_TOKEN = 10004,
	CODE_LOGIN = -1,
	CODE_TOO_OFTEN = -2,
	CODE_NO_RIGHT = -7,
	CODE_LOCKED_OUT = -8		/* too many failed logins */
};

static int
check(const struct provider_values *v, struct error *err)
{
	const char *token = provider_str(v, OPT_TOKEN);
	size_t digits = strspn(token, "0123456789");

	if (digits == 0 || token[digits] != ',' || token[digits + 1] == '\0')
		return error_set(err, ERR_CONFIG, "provider:options",
		    "login_token is the ID, a comma and the token: "
		    "\"12345,0a1b2c...\"");
	return 0;
}

/* Mostly a number in a string; 0, which is none of theirs: there is none. */
static long
code_of(const struct rest_answer *a)
{
	return (long)jsonx_number(a->json, "status.code", 0);
}

static bool
is_refusal(const struct rest_answer *a)
{
	return code_of(a) != CODE_OK;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *words = jsonx_str(a->json, "status.message");

	if (code_of(a) == 0) {
		if (a->status == 200)
			(void)error_set(err, ERR_TRANSIENT, "provider:reply",
			    "the answer has no status: %.100s", a->body);
		return;
	}
	(void)error_set(err, err->kind, err->code, "%.300s (code %ld)",
	    words == NULL ? "refused" : words, code_of(a));
	switch (code_of(a)) {
	case CODE_LOGIN:
	case CODE_NO_RIGHT:
	case CODE_LOCKED_OUT:
	case CODE_LOGIN_PLACE:
	case CODE_BAD_TOKEN:
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
		break;
	case CODE_TOO_OFTEN:
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s", err->msg);
		break;
	case CODE_UNKNOWN_ERROR:
		(void)error_set(err, ERR_TRANSIENT, "provider:unavailable",
		    "%s", err->msg);
		break;
	default:
		break;
	}
}

static void
method(struct provider_call *c, struct preq *rq, const char *path)
{
	preq_start(rq, "POST", path);
	preq_form(rq, "login_token", provider_str(c->values, OPT_TOKEN));
	preq_form(rq, "format", "json");
	preq_form(rq, "lang", "en");
	preq_form(rq, "error_on_empty", "no");
}

static void
record_method(struct provider_call *c, struct preq *rq, const char *path)
{
	method(c, rq, path);
	preq_form(rq, "domain_id", c->zone_id);
}

static void
form_number(struct preq *rq, const char *name, long number)
{
	char text[32];

	(void)text_printf(text, sizeof(text), "%ld", number);
	preq_form(rq, name, text);
}

static void
get_zone(struct provider_call *c, struct preq *rq)
{
	method(c, rq, "/Domain.Info");
	preq_form(rq, "domain", c->zone);
}

/*
 * 13 "wrong domain", 6, 7, 8, 9: the documents and the server differ, but
 * what is positive and has nothing to do with the login is about the domain.
 */
static enum rest_next
zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return err->kind == ERR_REJECTED && code_of(a) > 0 ?
	    REST_NO_ZONE : REST_FAIL;
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char sub[256];

	record_method(c, rq, "/Record.List");
	preq_form(rq, "sub_domain", provider_relative(c->fqdn, c->zone, "@",
	    sub, sizeof(sub)));
	preq_form(rq, "record_type", "TXT");
	form_number(rq, "offset", (long)c->list.seen);
	preq_form(rq, "length", PAGE);
}

static bool
is_empty(const struct rest_answer *a)
{
	return code_of(a) == CODE_EMPTY;
}

static void
create(struct provider_call *c, struct preq *rq, const char *sub)
{
	record_method(c, rq, "/Record.Create");
	preq_form(rq, "sub_domain", sub);
	preq_form(rq, "record_type", "TXT");
	preq_form(rq, "record_line_id", "0");	/* the default line */
	preq_form(rq, "value", c->value);
	form_number(rq, "ttl", records_ttl(c,
	    provider_int(c->values, OPT_TTL)));
}

static bool
exists(const struct rest_answer *a)
{
	return code_of(a) == CODE_EXISTS;
}

static bool
is_ttl_low(const struct rest_answer *a)
{
	return code_of(a) == CODE_TTL;
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	record_method(c, rq, "/Record.Remove");
	preq_form(rq, "record_id", id);
}

static bool
is_gone(const struct rest_answer *a)
{
	return code_of(a) == CODE_BAD_RECORD_ID;
}

static const struct provider_records records = {
	.zone = get_zone, .zone_id = "domain.id",
	.list = list,
	.records = { .array = "records", .total = "info.record_total" },
	.id = "id", .name = "name", .value = "value", .type = "type",
	.apex = "@",
	.create = create, .created = "record.id",
	.remove = remove_record,
	.is_empty = is_empty, .exists = exists, .is_gone = is_gone,
	.is_ttl_low = is_ttl_low, .raised_ttl = FREE_TTL,
};

static const struct provider_step add[] = {
	{ "find zone", records_zone_request, records_zone_reply,
	    zone_refused },
	RECORDS_FIND,
	RECORDS_CREATE(records_create_refused),
	RECORDS_FIND_EXISTING,
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", records_zone_request, records_zone_reply,
	    zone_refused },
	RECORDS_REMOVE_KEPT,
	RECORDS_FIND,
	RECORDS_REMOVE,
	{ .name = NULL }
};

const struct provider provider_dnspod = {
	.name = "dnspod",
	.title = "DNSPod, old API",
	.doc = "console.dnspod.cn, API keys, DNSPod Token: the ID and the "
	    "token, which may do everything; prefer tencentcloud, whose keys "
	    "can be restricted. acme.sh knows them as DP_Id and DP_Key, lego "
	    "up to v4 as DNSPOD_API_KEY. International accounts set base_url "
	    "to https://api.dnspod.com.",
	.opts = opts,
	.check = check,
	.base_url = "https://dnsapi.cn",
	.no_zone_help = "the domain must be in the account of this token",
	.is_refusal = is_refusal,
	.failed = failed,
	.records = &records,
	.add = add,
	.remove = remove_,
};
