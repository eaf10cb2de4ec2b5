/* SPDX-License-Identifier: MIT */
/*
 * ionos - IONOS Hosting DNS, v1 (https://developer.hosting.ionos.com/docs/dns).
 * One object for each value.  Not IONOS Cloud DNS, which is another service.
 * Zones are never written as a whole (PATCH, PUT).
 */
#include <string.h>

#include "providers/records.h"

enum { OPT_API_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key, \"PUBLICPREFIX.SECRET\"" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_secret_header(rq, "X-API-Key",
	    provider_str(c->values, OPT_API_KEY));
	return 0;
}

/* [{"code":...,"message":...}] */
static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "0.code");
	const char *why = jsonx_str(a->json, "0.message");

	if (code != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s%s%s",
		    a->status, code, why == NULL ? "" : ": ",
		    why == NULL ? "" : why);
}

static void
list_zones(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/zones");
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/zones");
	preq_path(rq, c->zone_id);
}

static void
list(struct provider_call *c, struct preq *rq)
{
	zone_start(c, rq, "GET");
	preq_query(rq, "recordName", c->fqdn);
	preq_query(rq, "recordType", "TXT");
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	zone_start(c, rq, "POST");
	preq_path(rq, "records");
	preq_json(rq, json_pack("[{s:s, s:s, s:s, s:I, s:i, s:b}]", "name",
	    name, "type", "TXT", "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "prio", 0, "disabled", 0));
}

static bool
exists(const struct rest_answer *a)
{
	const char *code = jsonx_str(a->json, "0.code");

	return (a->status == 409 && !rest_is_lasting(a)) ||
	    (code != NULL && strcmp(code, "RECORD_ALREADY_EXISTS") == 0);
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	zone_start(c, rq, "DELETE");
	preq_path(rq, "records");
	preq_path(rq, id);
}

static const struct provider_records records = {
	.zone = list_zones, .zones = { .array = "" },
	.zone_id = "id", .zone_name = "name",
	.list = list, .records = { .array = "records" },
	.id = "id", .name = "name", .value = "content", .type = "type",
	.create = create, .created = "0.id", .exists = exists,
	.remove = remove_record,
};

const struct provider provider_ionos = {
	.name = "ionos",
	.title = "IONOS",
	.doc = "developer.hosting.ionos.com, Manage keys: an API key; "
	    "public prefix and secret are joined by a dot. lego: "
	    "IONOS_API_KEY.",
	.opts = opts,
	.base_url = "https://api.hosting.ionos.com/dns/v1",
	.prepare = prepare,
	.failed = failed,
	.records = &records,
	.add = records_add,
	.remove = records_remove,
};
