/* SPDX-License-Identifier: MIT */
/*
 * dnspod - DNSPod's old API with a login token (https://docs.dnspod.cn/api/);
 * new configurations should use tencentcloud.  One object for each value;
 * forms, and HTTP 200 for everything.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/provider.h"

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

struct dnspod {
	long	offset;			/* of the page to be read */
	char	record_id[64];		/* found; "" if there is none */
	bool	is_raised;		/* the TTL was too low for them */
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

/* A number in a string; 0, which is none of theirs, if there is none. */
static long
code_of(const struct provider_answer *a)
{
	const char *code = jsonx_str(a->json, "status.code");

	return code == NULL ? 0 : strtol(code, NULL, 10);
}

static bool
is_refusal(const struct provider_answer *a)
{
	return code_of(a) != CODE_OK;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
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

static const char *
relative(const struct provider_call *c, char out[256])
{
	return provider_relative(c->fqdn, c->zone, "@", out, 256);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	method(c, rq, "/Domain.Info");
	preq_form(rq, "domain", c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "domain.id", c->zone_id,
	    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL : PROVIDER_NEXT;
}

/*
 * 13 "wrong domain", 6, 7, 8, 9: the documents and the server differ, but
 * what is positive and has nothing to do with the login is about the domain.
 */
static enum provider_next
zone_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return err->kind == ERR_REJECTED && code_of(a) > 0 ?
	    PROVIDER_NO_ZONE : PROVIDER_FAIL;
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct dnspod *x = c->priv;
	char sub[256];

	record_method(c, rq, "/Record.List");
	preq_form(rq, "sub_domain", relative(c, sub));
	preq_form(rq, "record_type", "TXT");
	form_number(rq, "offset", x->offset);
	preq_form(rq, "length", PAGE);
	return 0;
}

static int
find_in(struct provider_call *c, const json_t *records, struct error *err)
{
	struct dnspod *x = c->priv;
	char sub[256];

	(void)relative(c, sub);
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		const char *name = jsonx_str(r, "name");
		const char *type = jsonx_str(r, "type");
		const char *value = jsonx_str(r, "value");

		if (name != NULL && strcasecmp(name, sub) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err);
	}
	return 0;
}

/* A number, in a string or not. */
static long
total_of(const struct provider_answer *a)
{
	const char *s = jsonx_str(a->json, "info.record_total");

	return s != NULL ? strtol(s, NULL, 10) :
	    (long)jsonx_int(a->json, "info.record_total", 0);
}

/* PROVIDER_NEXT: all pages were read, or record_id is set. */
static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *records = provider_array(a, "records", err);
	struct dnspod *x = c->priv;
	size_t n = json_array_size(records);

	if (records == NULL || find_in(c, records, err) == -1)
		return PROVIDER_FAIL;
	x->offset += (long)n;
	if (x->record_id[0] == '\0' && n > 0 && x->offset < total_of(a))
		return PROVIDER_AGAIN;
	x->offset = 0;
	return PROVIDER_NEXT;
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct dnspod *x = c->priv;
	enum provider_next next = find_reply(c, a, err);

	if (next != PROVIDER_NEXT || x->record_id[0] == '\0')
		return next;
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return PROVIDER_DONE;
}

static enum provider_next
find_before_add_refused(struct provider_call *c,
    const struct provider_answer *a, struct error *err)
{
	return code_of(a) == CODE_EMPTY ? PROVIDER_NEXT : PROVIDER_FAIL;
}

/* Gone since "exists" was said, or not to be seen yet. */
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
	return code_of(a) == CODE_EMPTY ? PROVIDER_REPEAT : PROVIDER_FAIL;
}

static enum provider_next
find_before_remove(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct dnspod *x = c->priv;
	enum provider_next next = find_reply(c, a, err);

	return next == PROVIDER_NEXT && x->record_id[0] == '\0' ?
	    PROVIDER_DONE : next;
}

static enum provider_next
find_before_remove_refused(struct provider_call *c,
    const struct provider_answer *a, struct error *err)
{
	return code_of(a) == CODE_EMPTY ? PROVIDER_DONE : PROVIDER_FAIL;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct dnspod *x = c->priv;
	char sub[256];

	record_method(c, rq, "/Record.Create");
	preq_form(rq, "sub_domain", relative(c, sub));
	preq_form(rq, "record_type", "TXT");
	preq_form(rq, "record_line_id", "0");	/* the default line */
	preq_form(rq, "value", c->value);
	form_number(rq, "ttl", x->is_raised ? FREE_TTL :
	    provider_int(c->values, OPT_TTL));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "record.id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct dnspod *x = c->priv;

	if (code_of(a) == CODE_EXISTS)
		return PROVIDER_NEXT;
	if (code_of(a) == CODE_TTL && !x->is_raised &&
	    provider_int(c->values, OPT_TTL) < FREE_TTL) {
		x->is_raised = true;
		return PROVIDER_AGAIN;
	}
	return PROVIDER_FAIL;
}

static void
delete_start(struct provider_call *c, struct preq *rq, const char *id)
{
	record_method(c, rq, "/Record.Remove");
	preq_form(rq, "record_id", id);
}

static int
delete_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->handle[0] != '\0')
		delete_start(c, rq, c->handle);
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
	delete_start(c, rq, ((struct dnspod *)c->priv)->record_id);
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return code_of(a) == CODE_BAD_RECORD_ID ? PROVIDER_DONE :
	    PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "find record", find_request, find_before_add,
	    find_before_add_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, find_after_add,
	    find_after_add_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, find_before_remove,
	    find_before_remove_refused },
	{ "delete record", delete_request, NULL, delete_refused },
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
	.priv_size = sizeof(struct dnspod),
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
