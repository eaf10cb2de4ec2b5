/* SPDX-License-Identifier: MIT */
/*
 * luadns - LuaDNS, API v1 (https://www.luadns.com/api.html).  One object for
 * each value.  Lists have no word of pages, but come in such if that is asked
 * for (its Go client, luadns-go, has the parameters).
 */
#include <string.h>

#include "providers/records.h"

#define PAGE 100			/* entries */

enum { OPT_USER, OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_USER] = { .name = "api_username", .required = true,
	    .help = "e-mail address of the account" },
	[OPT_TOKEN] = { .name = "api_token", .required = true,
	    .secret = true, .help = "API token" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 1, .max = 2147483647,
	    .help = "TTL of the records in seconds; at least 300 "
	    "in free plans" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_basic(rq, provider_str(c->values, OPT_USER),
	    provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
query_page(struct provider_call *c, struct preq *rq)
{
	preq_query_number(rq, "limit", PAGE);
	records_query_page(c, rq, "page");
}

static void
list_zones(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/v1/zones");
	query_page(c, rq);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v1/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	records_start(c, rq, "GET");
	query_page(c, rq);
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	char dotted[300];

	(void)text_printf(dotted, sizeof(dotted), "%s.", name);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", dotted, "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

/* The record comes back. */
static bool
is_removed(const struct rest_answer *a)
{
	return jsonx_get(a->json, "id") != NULL;
}

static const struct provider_records records = {
	.zone = list_zones, .zones = { .array = "", .full = PAGE },
	.zone_id = "id", .zone_name = "name",
	.list = list,
	.records = { .array = "", .full = PAGE },
	.id = "id", .name = "name", .value = "content", .type = "type",
	.create = create, .created = "id",
	.remove = remove_record, .is_removed = is_removed,
};

const struct provider provider_luadns = {
	.name = "luadns",
	.title = "LuaDNS",
	.doc = "Settings, API: enable it, and make a token restricted to the "
	    "zone.  A zone kept in a Git repository may be overwritten by the "
	    "next push.  lego's LUADNS_API_USERNAME, LUADNS_API_TOKEN.",
	.opts = opts,
	.base_url = "https://api.luadns.com",
	.no_zone_help = "a restricted token sees only its zones",
	.gap_ms = 250,		/* 1200 requests in 5 minutes */
	.prepare = prepare,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
