/* SPDX-License-Identifier: MIT */
/*
 * bunny - bunny.net DNS (https://docs.bunny.net/reference/).  One object for
 * each value; PUT creates, and creates twice if it is asked twice.
 */
#include <string.h>
#include <strings.h>

#include "providers/provider.h"

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

struct bunny {
	int	page;
	char	record_id[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_secret_header(rq, "AccessKey",
	    provider_str(c->values, OPT_API_KEY));
	return 0;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct bunny *x = c->priv;
	char page[16];

	if (c->zone_id[0] != '\0')
		return 0;
	(void)text_printf(page, sizeof(page), "%d", x->page + 1);
	preq_start(rq, "GET", "/dnszone");
	preq_query(rq, "page", page);
	preq_query(rq, "perPage", "1000");
	preq_query(rq, "search", c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = provider_array(a, "Items", err), *z;
	struct bunny *x = c->priv;
	const char *name;

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "Domain");
		if (name != NULL && strcasecmp(name, c->zone) == 0)
			return jsonx_copy_str(z, "Id", c->zone_id,
			    PROVIDER_ZONE_ID_SIZE, err) == -1 ?
			    PROVIDER_FAIL : PROVIDER_NEXT;
	}
	x->page++;
	return jsonx_bool(a->json, "HasMoreItems", false) ? PROVIDER_AGAIN :
	    PROVIDER_NO_ZONE;
}

/* The zone comes with all its records. */
static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_start(rq, "GET", "/dnszone");
	preq_path(rq, c->zone_id);
	return 0;
}

static int
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *records = provider_array(a, "Records", err), *r;
	struct bunny *x = c->priv;
	const char *name, *value;
	char want[256];

	if (records == NULL)
		return -1;
	(void)provider_relative(c->fqdn, c->zone, "", want, sizeof(want));
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		name = jsonx_str(r, "Name");
		value = jsonx_str(r, "Value");
		if (jsonx_int(r, "Type", -1) == TYPE_TXT && name != NULL &&
		    strcasecmp(name, want) == 0 && value != NULL &&
		    provider_txt_is(value, c->value))
			return jsonx_copy_str(r, "Id", x->record_id,
			    sizeof(x->record_id), err);
	}
	return 0;
}

static enum provider_next
find_before_add(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct bunny *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return x->record_id[0] != '\0' ? PROVIDER_DONE : PROVIDER_NEXT;
}

static enum provider_next
find_before_remove(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct bunny *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	return x->record_id[0] == '\0' ? PROVIDER_DONE : PROVIDER_NEXT;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256];

	preq_start(rq, "PUT", "/dnszone");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
	preq_json(rq, json_pack("{s:i, s:s, s:s, s:I}", "Type", TYPE_TXT,
	    "Name", provider_relative(c->fqdn, c->zone, "", name,
	    sizeof(name)), "Value", c->value,
	    "Ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "Id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct bunny *x = c->priv;

	preq_start(rq, "DELETE", "/dnszone");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
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
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_add, NULL },
	{ "create record", create_request, create_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, find_before_remove, NULL },
	{ "delete record", delete_request, NULL, delete_refused },
	{ .name = NULL }
};

const struct provider provider_bunny = {
	.name = "bunny",
	.title = "bunny.net",
	.doc = "Dashboard, Account Settings, API Key.  The key is good for the "
	    "whole account; there are none for single zones.  lego: "
	    "BUNNY_API_KEY.",
	.opts = opts,
	.base_url = "https://api.bunny.net",
	.priv_size = sizeof(struct bunny),
	.prepare = prepare,
	.add = add,
	.remove = remove_,
};
