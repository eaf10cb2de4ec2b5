/* SPDX-License-Identifier: MIT */
/*
 * linode - Linode (Akamai) Domains, API v4
 * (https://techdocs.akamai.com/linode-api/).  One object for each value.
 */
#include <string.h>

#include "providers/records.h"

#define PAGE_SIZE "500"

enum { OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "token", .required = true, .secret = true,
	    .help = "personal access token with the scope Domains, "
	    "Read/Write" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 300, .max = 2419200,
	    .help = "TTL of the records in seconds; 300, 3600 or more" },
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
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *field = jsonx_str(a->json, "errors.0.field");
	const char *why = jsonx_str(a->json, "errors.0.reason");

	if (why != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s%s%s",
		    a->status, field == NULL ? "" : field,
		    field == NULL ? "" : ": ", why);
}

/* {"NAME":"VALUE"}: what a list is to hold. */
static void
filter(struct preq *rq, const char *name, const char *value)
{
	char text[300];

	/* Names have neither quotes nor backslashes. */
	(void)text_printf(text, sizeof(text), "{\"%s\":\"%s\"}", name, value);
	preq_header(rq, "X-Filter", text);
}

static void
list_zones(struct provider_call *c, struct preq *rq)
{
	preq_start(rq, "GET", "/domains");
	records_query_page(c, rq, "page");
	preq_query(rq, "page_size", PAGE_SIZE);
	filter(rq, "domain", c->zone);
}

/* Domains of other types are secondaries: they cannot be changed. */
static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *zones = jsonx_get(a->json, "data");

	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *z = json_array_get(zones, i);
		const char *name = jsonx_str(z, "domain");
		const char *type = jsonx_str(z, "type");

		if (name == NULL || !provider_name_is(name, c->zone) ||
		    type == NULL || strcmp(type, "master") == 0)
			continue;
		(void)error_set(err, ERR_CONFIG, "linode:type",
		    "the domain %s has the type %s, only master domains can "
		    "be changed", name, type);
		return REST_FAIL;
	}
	return records_zone_reply(c, a, err);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/domains");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	records_start(c, rq, "GET");
	records_query_page(c, rq, "page");
	preq_query(rq, "page_size", PAGE_SIZE);
	filter(rq, "type", "TXT");
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", name, "target", c->value,
	    "ttl_sec", (json_int_t)provider_int(c->values, OPT_TTL)));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static const struct provider_records records = {
	.zone = list_zones, .zones = { .array = "data", .pages = "pages" },
	.zone_id = "id", .zone_name = "domain",
	.list = list, .records = { .array = "data", .pages = "pages" },
	.id = "id", .name = "name", .value = "target", .type = "type",
	.apex = "",
	.create = create, .created = "id",
	.remove = remove_record,
};

/* Their words for a record that is there already are not documented. */
static const struct provider_step add[] = {
	{ "find zone", records_zone_request, zone_reply, NULL },
	RECORDS_FIND,
	RECORDS_CREATE(records_create_doubted),
	RECORDS_FIND_EXISTING,
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", records_zone_request, zone_reply, NULL },
	RECORDS_REMOVE_KEPT,
	RECORDS_FIND,
	RECORDS_REMOVE,
	{ .name = NULL }
};

const struct provider provider_linode = {
	.name = "linode",
	.title = "Linode",
	.doc = "Cloud Manager, My Profile, API Tokens: a personal access "
	    "token with Read/Write for Domains and no access to the rest. "
	    "Changes are published every few minutes: allow 15 minutes for "
	    "propagation. lego: LINODE_TOKEN.",
	.opts = opts,
	.propagation_s = 1200,	/* see doc */
	.base_url = "https://api.linode.com/v4",
	.prepare = prepare,
	.failed = failed,
	.records = &records,
	.add = add,
	.remove = remove_,
};
