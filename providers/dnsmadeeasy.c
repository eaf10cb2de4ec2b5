/* SPDX-License-Identifier: MIT */
/*
 * dnsmadeeasy - DNS Made Easy, API V2.0
 * (https://api-docs.dnsmadeeasy.com/).  One object for each value; what is
 * signed is the date, so that clocks must agree within half a minute.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/provider.h"
#include "providers/sign.h"

enum { OPT_KEY, OPT_SECRET, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key of the account" },
	[OPT_SECRET] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "secret key of the account" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "120", .min = 5, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct dnsmadeeasy {
	unsigned page;			/* of records read; 0: none */
	char	record_id[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *secret = provider_str(c->values, OPT_SECRET);
	time_t now = clock_now();
	char date[40], hex[SIGN_HEX];
	struct tm tm;

	if (gmtime_r(&now, &tm) == NULL || strftime(date, sizeof(date),
	    "%a, %d %b %Y %H:%M:%S GMT", &tm) == 0)
		abort();
	preq_secret_header(rq, "x-dnsme-apiKey",
	    provider_str(c->values, OPT_KEY));
	preq_header(rq, "x-dnsme-requestDate", date);
	preq_secret_header(rq, "x-dnsme-hmac", sign_hmac_hex(SIGN_SHA1,
	    secret, strlen(secret), date, hex));
	return 0;
}

/* {"error": ["..."]}: the words tell more than the status. */
static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *words = jsonx_str(a->json, "error.0");

	if (words == NULL)
		return;
	if (strcasestr(words, "rate limit") != NULL)
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "HTTP %d: %s", a->status, words);
	else if (strcasestr(words, "API key") != NULL ||
	    strcasestr(words, "invalid date") != NULL ||
	    strcasestr(words, "hmac") != NULL) {
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "HTTP %d: %s", a->status, words);
		provider_blame_clock(a, err);
	} else {
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s",
		    a->status, words);
	}
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/V2.0/dns/managed/name");
	preq_query(rq, "domainname", c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->zone_id,
	    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL : PROVIDER_NEXT;
}

static enum provider_next
zone_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_NO_ZONE : PROVIDER_FAIL;
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/V2.0/dns/managed");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256], value[300];

	(void)text_printf(value, sizeof(value), "\"%s\"", c->value);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:s}", "type", "TXT",
	    "name", provider_relative(c->fqdn, c->zone, "", name,
	    sizeof(name)), "value", value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "gtdLocation", "DEFAULT"));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

/* "Record with this type (TXT), name (...), and value (...) already ..." */
static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *words = jsonx_str(a->json, "error.0");

	return words != NULL && strstr(words, "already exists") != NULL ?
	    PROVIDER_NEXT : PROVIDER_FAIL;
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct dnsmadeeasy *x = c->priv;
	char page[16], name[256];

	(void)text_printf(page, sizeof(page), "%u", x->page);
	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "recordName", provider_relative(c->fqdn, c->zone, "",
	    name, sizeof(name)));
	preq_query(rq, "rows", "100");
	preq_query(rq, "page", page);
	return 0;
}

/*
 * The id of our record, in x->record_id, or "".  PROVIDER_AGAIN: on the next
 * page; PROVIDER_NEXT: all was read.
 */
static enum provider_next
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *all = provider_array(a, "data", err);
	struct dnsmadeeasy *x = c->priv;
	char name[256];

	if (all == NULL)
		return PROVIDER_FAIL;
	(void)provider_relative(c->fqdn, c->zone, "", name, sizeof(name));
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *r = json_array_get(all, i);
		const char *type = jsonx_str(r, "type");
		const char *there = jsonx_str(r, "name");
		const char *value = jsonx_str(r, "value");

		if (type != NULL && strcmp(type, "TXT") == 0 &&
		    there != NULL && strcasecmp(there, name) == 0 &&
		    value != NULL && provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : PROVIDER_NEXT;
	}
	x->page++;
	return jsonx_int(a->json, "totalPages", 1) > x->page ?
	    PROVIDER_AGAIN : PROVIDER_NEXT;
}

/* The record was there before: its id is all that is wanted. */
static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct dnsmadeeasy *x = c->priv;
	enum provider_next next = find(c, a, err);

	if (next != PROVIDER_NEXT)
		return next;
	if (x->record_id[0] == '\0')
		return PROVIDER_REPEAT;		/* deleted since */
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return PROVIDER_DONE;
}

static enum provider_next
remove_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct dnsmadeeasy *x = c->priv;
	enum provider_next next = find(c, a, err);

	return next == PROVIDER_NEXT && x->record_id[0] == '\0' ?
	    PROVIDER_DONE : next;
}

/* The kept id first; what it leads to is our record or nothing. */
static int
delete_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->handle[0] == '\0')
		return 0;
	records_start(c, rq, "DELETE");
	preq_path(rq, c->handle);
	return 0;
}

static enum provider_next
delete_kept_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return PROVIDER_DONE;
}

/* Gone, or an id that is none of theirs. */
static enum provider_next
delete_kept_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return err->kind == ERR_REJECTED ? PROVIDER_NEXT : PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct dnsmadeeasy *x = c->priv;

	records_start(c, rq, "DELETE");
	preq_path(rq, x->record_id);
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, add_find_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, NULL, delete_refused },
	{ .name = NULL }
};

const struct provider provider_dnsmadeeasy = {
	.name = "dnsmadeeasy",
	.title = "DNS Made Easy",
	.doc = "Config, Account Information: API key and secret key; they "
	    "hold for the whole account, so better have one of its own with "
	    "just the zone.  The clock must be right within 30 s.  Sandbox: "
	    "base_url = \"https://api.sandbox.dnsmadeeasy.com\".  lego's "
	    "DNSMADEEASY_API_KEY, DNSMADEEASY_API_SECRET.",
	.opts = opts,
	.base_url = "https://api.dnsmadeeasy.com",
	.no_zone_help = "the domain must be in the key's account",
	.priv_size = sizeof(struct dnsmadeeasy),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
