/* SPDX-License-Identifier: MIT */
/*
 * westcn - West.cn, API v2 (https://www.west.cn/CustomerCenter/doc/apiv2.html).
 * One object for each value.  Answers come in GBK, and with HTTP 200 whatever
 * they say.
 */
#include <iconv.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"
#include "daemon/rest/sign.h"
#include "providers/provider.h"

#define LIMIT 100			/* entries of a page */
#define RESULT_OK 200
#define ERRCODE_AUTH 10000

enum { OPT_USERNAME, OPT_PASSWORD, OPT_TTL, OPT_ZONE };

static const struct provider_opt opts[] = {
	[OPT_USERNAME] = { .name = "username", .required = true,
	    .help = "of the account" },
	[OPT_PASSWORD] = { .name = "password", .required = true,
	    .secret = true,
	    .help = "API password, not that of the account" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 86400,
	    .help = "TTL of the records in seconds" },
	[OPT_ZONE] = PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct westcn {
	int	page;			/* of the list, from 0 on */
	char	record_id[64];
};

/* The answer as UTF-8, '?' for what is not GBK; the caller frees. */
static char *
utf8_of(const struct rest_answer *a)
{
	size_t left = a->body_len, room = 2 * a->body_len;
	char *text = xmalloc(room + 1), *out = text;
	char *in = (char *)(uintptr_t)a->body;	/* not written to */
	iconv_t cd = iconv_open("UTF-8", "GBK");

	while (left > 0) {
		if (cd != (iconv_t)-1 &&
		    iconv(cd, &in, &left, &out, &room) != (size_t)-1)
			break;
		if (left == 0 || room == 0)
			break;
		*out++ = (unsigned char)*in < 0x80 ? *in : '?';
		room--;
		in++;
		left--;
	}
	if (cd != (iconv_t)-1)
		(void)iconv_close(cd);
	*out = '\0';
	return text;
}

/* What they say, or NULL if it is no JSON; the caller releases it. */
static json_t *
parse(const struct rest_answer *a)
{
	char *text;
	json_t *json;

	if (a->json != NULL)
		return json_incref((json_t *)(uintptr_t)a->json);
	text = utf8_of(a);
	json = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
	free(text);
	return json;
}

/* Each request is authenticated by three fields of its own. */
static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *user = provider_str(c->values, OPT_USERNAME);
	char now[32], hex[SIGN_HEX], *text;

	(void)text_printf(now, sizeof(now), "%lld",
	    (long long)clock_now_ms());
	text = xasprintf("%s%s%s", user, provider_str(c->values,
	    OPT_PASSWORD), now);
	preq_form(rq, "username", user);
	preq_form(rq, "time", now);
	preq_form(rq, "token", sign_hash_hex(SIGN_MD5, text, hex));
	freezero_str(text);
	return 0;
}

static bool
is_refusal(const struct rest_answer *a)
{
	json_t *json = parse(a);
	bool is = jsonx_get(json, "result") != NULL &&
	    jsonx_number(json, "result", 0) != RESULT_OK;

	json_decref(json);
	return is;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	json_t *json = parse(a);
	const char *msg = jsonx_str(json, "msg");
	int64_t code = jsonx_number(json, "errcode", 0);

	if (code == ERRCODE_AUTH)
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
	if (msg != NULL)
		(void)error_set(err, err->kind, err->code, "%s (%lld)", msg,
		    (long long)code);
	if (code == ERRCODE_AUTH)
		rest_blame_clock(a, err);
	json_decref(json);
}

static void
action(struct preq *rq, const char *act)
{
	preq_start(rq, "POST", "/domain/");
	preq_query(rq, "act", act);
}

static void
form_page(struct provider_call *c, struct preq *rq)
{
	const struct westcn *x = c->priv;
	char number[16];

	(void)text_printf(number, sizeof(number), "%d", LIMIT);
	preq_form(rq, "limit", number);
	(void)text_printf(number, sizeof(number), "%d", x->page + 1);
	preq_form(rq, "pageno", number);
}

/* What the list of an answer says of one of its entries. */
typedef enum rest_next entry_cb(struct provider_call *,
    const json_t *entry, struct error *);

/* The first entry's answer that is not AGAIN; else the next page, or end. */
static enum rest_next
read_list(struct provider_call *c, const struct rest_answer *a,
    entry_cb *entry, enum rest_next end, struct error *err)
{
	json_t *json = parse(a);
	struct rest_answer parsed = { .json = json };
	struct westcn *x = c->priv;
	enum rest_next next = REST_AGAIN;
	const json_t *items;

	if (json == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "HTTP %d, but the answer is not JSON", a->status);
		return REST_FAIL;
	}
	items = rest_entries(&parsed, "data.items", "data.total", err);
	if (items == NULL)
		next = REST_FAIL;
	for (size_t i = 0; next == REST_AGAIN &&
	    i < json_array_size(items); i++)
		next = entry(c, json_array_get(items, i), err);
	if (next == REST_AGAIN && (json_array_size(items) == 0 ||
	    (int64_t)++x->page * LIMIT >=
	    jsonx_number(json, "data.total", 0)))
		next = end;
	json_decref(json);
	return next;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	/* Domains of other registrars may be missing from the list. */
	if (provider_str(c->values, OPT_ZONE) != NULL)
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    c->zone);
	if (c->zone_id[0] != '\0')
		return 0;
	action(rq, "getdomains");
	form_page(c, rq);
	return 0;
}

static enum rest_next
zone_entry(struct provider_call *c, const json_t *entry, struct error *err)
{
	const char *domain = jsonx_str(entry, "domain");
	struct westcn *x = c->priv;

	if (domain == NULL || !provider_name_is(domain, c->zone))
		return REST_AGAIN;
	(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s", c->zone);
	x->page = 0;
	return REST_NEXT;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return read_list(c, a, zone_entry, REST_NO_ZONE, err);
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char host[256];

	action(rq, "getdnsrecord");
	preq_form(rq, "domain", c->zone_id);
	preq_form(rq, "host", provider_relative(c->fqdn, c->zone, "@", host,
	    sizeof(host)));
	preq_form(rq, "type", "TXT");
	form_page(c, rq);
	return 0;
}

static enum rest_next
record_entry(struct provider_call *c, const json_t *entry, struct error *err)
{
	const char *item = jsonx_str(entry, "item");
	const char *type = jsonx_str(entry, "type");
	const char *value = jsonx_str(entry, "value");
	struct westcn *x = c->priv;

	if (!provider_is_at_name(c, item) ||
	    !provider_is_txt(type) ||
	    value == NULL || !provider_txt_is(value, c->value))
		return REST_AGAIN;
	return jsonx_copy_str(entry, "id", x->record_id, sizeof(x->record_id),
	    err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
find_before_add(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	enum rest_next next = read_list(c, a, record_entry, REST_NEXT,
	    err);
	const struct westcn *x = c->priv;

	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return next == REST_NEXT && x->record_id[0] != '\0' ?
	    REST_DONE : next;
}

static enum rest_next
find_before_remove(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return read_list(c, a, record_entry, REST_DONE, err);
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char host[256], ttl[16];

	(void)text_printf(ttl, sizeof(ttl), "%ld", provider_int(c->values,
	    OPT_TTL));
	action(rq, "adddnsrecord");
	preq_form(rq, "domain", c->zone_id);
	preq_form(rq, "host", provider_relative(c->fqdn, c->zone, "@", host,
	    sizeof(host)));
	preq_form(rq, "type", "TXT");
	preq_form(rq, "value", c->value);
	preq_form(rq, "ttl", ttl);
	return 0;
}

static enum rest_next
create_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	json_t *json = parse(a);
	int rc = jsonx_copy_str(json, "data.id", c->new_handle,
	    c->new_handle_size, err);

	if (json == NULL)
		err->kind = ERR_TRANSIENT;
	json_decref(json);
	return rc == -1 ? REST_FAIL : REST_NEXT;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct westcn *x = c->priv;

	action(rq, "deldnsrecord");
	preq_form(rq, "domain", c->zone_id);
	preq_form(rq, "id", x->record_id);
	return 0;
}

static enum rest_next
delete_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	json_t *json = parse(a);
	bool is_done = jsonx_number(json, "result", 0) == RESULT_OK;

	json_decref(json);
	if (is_done)
		return REST_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "HTTP %d, but an answer without result", a->status);
	return REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_add, NULL },
	{ "create record", create_request, create_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_remove, NULL },
	{ "delete record", delete_request, delete_reply, NULL },
	{ .name = NULL }
};

const struct provider provider_westcn = {
	.name = "westcn",
	.title = "West.cn",
	.doc = "Account, API configuration (www.west.cn/manager/API/"
	    "APIconfig.asp): set an API password, and allow the address of "
	    "this machine if addresses are listed.  It is good for the whole "
	    "account.  lego: WESTCN_USERNAME, WESTCN_PASSWORD.",
	.opts = opts,
	.base_url = "https://api.west.cn/api/v2",
	.no_zone_help = "domains of other registrars may not be listed: set "
	    "zone",
	.priv_size = sizeof(struct westcn),
	.plain_text = true,		/* GBK is no JSON */
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
