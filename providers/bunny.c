/* SPDX-License-Identifier: MIT */
/*
 * bunny - bunny.net DNS (https://docs.bunny.net/reference/).  One object for
 * each value; PUT creates, and creates twice if it is asked twice.
 */
#include <string.h>
#include <strings.h>

#include "providers/records.h"

#define TYPE_TXT 3

enum { OPT_API_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key of the account" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 15, .max = 86400,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_secret_header(rq, "AccessKey",
	    provider_str(c->values, OPT_API_KEY));
	return 0;
}

static void
list_zones(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/dnszone");
	records_query_page(c, rq, "page");
	/* Each zone comes with all its records. */
	preq_query(rq, "perPage", "5");
	preq_query(rq, "search", c->zone);
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/dnszone");
	preq_path(rq, c->zone_id);
}

/* The zone comes with all its records. */
static void
list(struct provider_call *c, struct preq *rq)
{
	zone_start(c, rq, "GET");
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	zone_start(c, rq, "PUT");
	preq_path(rq, "records");
	preq_json(rq, json_pack("{s:i, s:s, s:s, s:I}", "Type", TYPE_TXT,
	    "Name", name, "Value", c->value,
	    "Ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	zone_start(c, rq, "DELETE");
	preq_path(rq, "records");
	preq_path(rq, id);
}

static const struct provider_records records = {
	.zone = list_zones,
	.zones = { .array = "Items", .more = "HasMoreItems" },
	.zone_id = "Id", .zone_name = "Domain",
	.list = list, .records = { .array = "Records" },
	.id = "Id", .name = "Name", .value = "Value",
	.type = "Type", .txt = TYPE_TXT, .apex = "",
	.create = create, .created = "Id",
	.remove = remove_record,
};

const struct provider provider_bunny = {
	.name = "bunny",
	.title = "bunny.net",
	.doc = "Dashboard, Account Settings, API Key.  The key is good for the "
	    "whole account; there are none for single zones.  lego: "
	    "BUNNY_API_KEY.",
	.opts = opts,
	.base_url = "https://api.bunny.net",
	.max_reply = 16u << 20,		/* some 30,000 records */
	.lean_member = "Records",
	.max_calls = 2,
	.prepare = prepare,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
