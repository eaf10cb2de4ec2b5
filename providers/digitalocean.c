/* SPDX-License-Identifier: MIT */
/*
 * digitalocean - DigitalOcean DNS, API v2
 * (https://docs.digitalocean.com/reference/api/).  One object for each value;
 * a second one with the same value would be accepted, so that all records of
 * the name are looked at first.
 */
#include <string.h>

#include "providers/records.h"

enum { OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "auth_token", .required = true,
	    .secret = true,
	    .help = "personal access token with the domain scopes" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 30, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
get_zone(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/v2/domains");
	preq_path(rq, c->zone);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v2/domains");
	preq_path(rq, c->zone);
	preq_path(rq, "records");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "name", c->fqdn);
	preq_query(rq, "per_page", "200");
	records_query_page(c, rq, "page");
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", name, "data", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static bool
is_removed(const struct rest_answer *a)
{
	return a->status == 204;
}

static const struct provider_records records = {
	.zone = get_zone, .zone_id = "domain.name",
	.list = list,
	.records = { .array = "domain_records", .more = "links.pages.next" },
	.id = "id", .name = "name", .value = "data", .type = "type",
	.apex = "@",
	.create = create, .created = "domain_record.id",
	.remove = remove_record, .is_removed = is_removed,
};

const struct provider provider_digitalocean = {
	.name = "digitalocean",
	.title = "DigitalOcean",
	.doc = "Control panel, API, Tokens: a personal access token with the "
	    "custom scopes domain:read, domain:create and domain:delete.  "
	    "lego's DO_AUTH_TOKEN.",
	.opts = opts,
	.base_url = "https://api.digitalocean.com",
	.no_zone_help = "the domain must be among those of the token's team",
	.prepare = prepare,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
