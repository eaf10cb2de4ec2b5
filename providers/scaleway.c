/* SPDX-License-Identifier: MIT */
/*
 * scaleway - Scaleway Domains and DNS, v2beta1
 * (https://www.scaleway.com/en/developers/api/domains-and-dns/).  Lists of
 * changes: all values of a name are added or removed in one request.
 */
#include <string.h>
#include <strings.h>

#include "providers/provider.h"
#include "providers/records.h"

#define PAGE_SIZE "100"			/* the most they give */

enum { OPT_SECRET_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_SECRET_KEY] = { .name = "secret_key", .required = true,
	    .secret = true, .help = "secret key of an IAM API key" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 86400,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of our records that were found. */
struct scaleway {
	int	page;			/* of the list, from 0 on */
	int64_t	seen;			/* of its entries */
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_secret_header(rq, "X-Auth-Token",
	    provider_str(c->values, OPT_SECRET_KEY));
	return 0;
}

/* "invalid argument(s)" alone helps nobody. */
static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *name = jsonx_str(a->json, "details.0.argument_name");
	const char *help = jsonx_str(a->json, "details.0.help_message");
	const char *type = jsonx_str(a->json, "type");

	/* 403 as well, but nothing is wrong with the key. */
	if (type != NULL && strcmp(type, "quotas_exceeded") == 0)
		(void)error_set(err, ERR_CONFIG, "provider:quota", "%s",
		    err->msg);
	if (name != NULL)
		(void)error_set(err, err->kind, err->code, "%s (%s%s%s)",
		    err->msg, name, help == NULL ? "" : ": ",
		    help == NULL ? "" : help);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/dns-zones");
	preq_query(rq, "dns_zones", c->zone);
	records_query_page(c, rq, "page");
	preq_query(rq, "page_size", PAGE_SIZE);
	return 0;
}

/* A zone is a domain, or a part of one below it. */
static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const struct records_list zone_pages = {
		.total = "total_count" };
	const json_t *zones = rest_entries(a, "dns_zones",
	    "total_count", err), *z;
	const char *domain, *sub;
	char name[1024];

	if (zones == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		domain = jsonx_str(z, "domain");
		sub = jsonx_str(z, "subdomain");
		if (domain == NULL)
			continue;
		(void)text_printf(name, sizeof(name), "%s%s%s",
		    sub == NULL ? "" : sub,
		    sub == NULL || sub[0] == '\0' ? "" : ".", domain);
		if (!provider_name_is(name, c->zone))
			continue;
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    c->zone);
		return REST_NEXT;
	}
	return records_page(c, a, &zone_pages, json_array_size(zones),
	    REST_NO_ZONE, err);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/dns-zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct scaleway *x = c->priv;
	char name[256];

	records_start(c, rq, "GET");
	preq_query(rq, "name", provider_relative(c->fqdn, c->zone, "", name,
	    sizeof(name)));
	preq_query(rq, "type", "TXT");
	preq_query_number(rq, "page", x->page + 1);
	preq_query(rq, "page_size", PAGE_SIZE);
	return 0;
}

static enum rest_next
find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *records = rest_entries(a, "records",
	    "total_count", err);
	struct scaleway *x = c->priv;

	if (records == NULL)
		return REST_FAIL;
	if (c->memo == NULL)
		c->memo = json_array();
	for (size_t i = 0; i < json_array_size(records); i++) {
		json_t *r = json_array_get(records, i);
		const char *name = jsonx_str(r, "name");
		const char *type = jsonx_str(r, "type");
		const char *data = jsonx_str(r, "data");

		if (provider_is_at_name(c, name) &&
		    provider_is_txt(type) &&
		    data != NULL && provider_in_batch(c, data))
			json_array_append(c->memo, r);
	}
	x->page++;
	x->seen += (int64_t)json_array_size(records);
	return json_array_size(records) > 0 &&
	    x->seen < jsonx_number(a->json, "total_count", 0) ? REST_AGAIN :
	    REST_NEXT;
}

static bool
is_held(const struct provider_call *c, const char *value)
{
	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		if (provider_txt_is(jsonx_str(json_array_get(c->memo, i),
		    "data"), value))
			return true;
	}
	return false;
}

static void
change(struct provider_call *c, struct preq *rq, json_t *changes /* taken */)
{
	records_start(c, rq, "PATCH");
	/* Else a mistyped zone would be made. */
	preq_json(rq, json_pack("{s:b, s:b, s:o}", "return_all_records", 0,
	    "disallow_new_zone_creation", 1, "changes", changes));
}

static int
add_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	json_t *records = json_array();
	char name[256], data[300];

	(void)provider_relative(c->fqdn, c->zone, "", name, sizeof(name));
	for (size_t i = 0; i < c->n_batch; i++) {
		if (is_held(c, c->batch[i]))
			continue;
		(void)text_printf(data, sizeof(data), "\"%s\"", c->batch[i]);
		json_array_append_new(records, json_pack(
		    "{s:s, s:s, s:s, s:I, s:s}", "name", name, "type", "TXT",
		    "data", data, "ttl",
		    (json_int_t)provider_int(c->values, OPT_TTL),
		    "comment", "acmed"));
	}
	if (json_array_size(records) == 0)
		json_decref(records);
	else
		change(c, rq, json_pack("[{s:{s:o}}]", "add", "records",
		    records));
	return 0;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	json_t *changes;

	if (json_array_size(c->memo) == 0)
		return 0;
	changes = json_array();
	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		char id[64];

		if (jsonx_copy_str(json_array_get(c->memo, i), "id", id,
		    sizeof(id), err) == -1) {
			json_decref(changes);
			return -1;
		}
		json_array_append_new(changes, json_pack("{s:{s:s}}",
		    "delete", "id", id));
	}
	change(c, rq, changes);
	return 0;
}

/* Another change is being made, or a record is gone since it was read. */
static enum rest_next
change_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return (a->status == 409 || a->status == 404) &&
	    !rest_is_lasting(a) ? REST_REPEAT : REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find records", find_request, find_reply, NULL },
	{ "add records", add_request, NULL, change_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find records", find_request, find_reply, NULL },
	{ "delete records", delete_request, NULL, change_refused },
	{ .name = NULL }
};

const struct provider provider_scaleway = {
	.name = "scaleway",
	.title = "Scaleway",
	.doc = "Console, IAM: an application with a policy that gives "
	    "DomainsDNSFullAccess to the project of the zones, and an API key "
	    "of it; acmed needs the secret key only.  lego: "
	    "SCW_SECRET_KEY.",
	.opts = opts,
	.base_url = "https://api.scaleway.com/domain/v2beta1",
	.no_zone_help = "a key without DomainsDNSFullAccess (or "
	    "DomainsDNSReadOnly) for its project sees no zones",
	.takes_batch = true,
	.priv_size = sizeof(struct scaleway),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
