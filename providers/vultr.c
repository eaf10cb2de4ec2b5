/* SPDX-License-Identifier: MIT */
/*
 * vultr - Vultr DNS, API v2 (https://www.vultr.com/api/).  One object for
 * each value.
 */
#include <string.h>

#include "providers/records.h"

enum { OPT_API_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key whose access list has this machine's address" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "120", .min = 120, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_API_KEY));
	return 0;
}

static void
get_zone(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/domains");
	preq_path(rq, c->zone);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/domains");
	preq_path(rq, c->zone);
	preq_path(rq, "records");
}

/* There is no filter: all records of the zone. */
static void
list(struct provider_call *c, struct preq *rq)
{
	records_start(c, rq, "GET");
	preq_query(rq, "per_page", "500");
	if (c->list.cursor[0] != '\0')
		preq_query(rq, "cursor", c->list.cursor);
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	char quoted[300];

	(void)text_printf(quoted, sizeof(quoted), "\"%s\"", c->value);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:i}", "name", name,
	    "type", "TXT", "data", quoted,
	    "ttl", (json_int_t)records_ttl(c,
	    provider_int(c->values, OPT_TTL)), "priority", 0));
}

static bool
exists(const struct rest_answer *a)
{
	return a->status == 400 && strcasestr(a->body, "duplicate") != NULL;
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static const struct provider_records records = {
	.zone = get_zone, .zone_id = "domain.domain",
	.list = list,
	.records = { .array = "records", .cursor = "meta.links.next" },
	.id = "id", .name = "name", .value = "data", .type = "type",
	.apex = "",
	.ttl = "ttl",			/* another one is refused with 400 */
	.create = create, .created = "record.id", .exists = exists,
	.remove = remove_record,
};

const struct provider provider_vultr = {
	.name = "vultr",
	.title = "Vultr",
	.doc = "Customer portal, Account, API: the API key of a (sub-)user "
	    "with the permission \"Manage DNS\" only; add this machine's "
	    "address to Access Control, or every call fails with 401. lego: "
	    "VULTR_API_KEY.",
	.opts = opts,
	.base_url = "https://api.vultr.com/v2",
	.prepare = prepare,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
