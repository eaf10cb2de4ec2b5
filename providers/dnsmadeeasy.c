/* SPDX-License-Identifier: MIT */
/*
 * dnsmadeeasy - DNS Made Easy, API V2.0
 * (https://api-docs.dnsmadeeasy.com/).  One object for each value; what is
 * signed is the date, so that clocks must agree within half a minute.
 */
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/sign.h"
#include "providers/records.h"

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
failed(struct provider_call *c, const struct rest_answer *a,
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
		rest_blame_clock(a, err);
	} else {
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s",
		    a->status, words);
	}
}

static void
get_zone(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/V2.0/dns/managed/name");
	preq_query(rq, "domainname", c->zone);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/V2.0/dns/managed");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char name[256];

	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "recordName", provider_relative(c->fqdn, c->zone, "",
	    name, sizeof(name)));
	preq_query(rq, "rows", "100");
	preq_query_number(rq, "page", c->list.page);	/* from 0 */
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	char value[300];

	(void)text_printf(value, sizeof(value), "\"%s\"", c->value);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:s}", "type", "TXT",
	    "name", name, "value", value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "gtdLocation", "DEFAULT"));
}

/* "Record with this type (TXT), name (...), and value (...) already ..." */
static bool
exists(const struct rest_answer *a)
{
	const char *words = jsonx_str(a->json, "error.0");

	return words != NULL && strstr(words, "already exists") != NULL &&
	    strcasestr(words, "CNAME") == NULL;
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static const struct provider_records records = {
	.zone = get_zone, .zone_id = "id",
	.list = list,
	.records = { .array = "data", .pages = "totalPages" },
	.id = "id", .name = "name", .value = "value", .type = "type",
	.apex = "",
	.create = create, .created = "id", .exists = exists,
	.remove = remove_record,
};

/* Calls are scarce: creating tells as well whether the value is there. */
static const struct provider_step add[] = {
	RECORDS_ZONE,
	RECORDS_CREATE(records_create_refused),
	RECORDS_FIND_EXISTING,
	{ .name = NULL }
};

const struct provider provider_dnsmadeeasy = {
	.name = "dnsmadeeasy",
	.title = "DNS Made Easy",
	.doc = "Config, Account Information: API key and secret key; they "
	    "are good for the whole account: better use a separate account "
	    "with only the zone.  The clock must be right within 30 s.  "
	    "Sandbox: base_url = \"https://api.sandbox.dnsmadeeasy.com\".  "
	    "lego's DNSMADEEASY_API_KEY, DNSMADEEASY_API_SECRET.",
	.opts = opts,
	.base_url = "https://api.dnsmadeeasy.com",
	.no_zone_help = "the domain must be in the key's account",
	.prepare = prepare,
	.failed = failed,
	.records = &records,
	.add = add,
	.remove = records_remove,
};
