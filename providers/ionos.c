/* SPDX-License-Identifier: MIT */
/*
 * ionos - IONOS Hosting DNS, v1 (https://developer.hosting.ionos.com/docs/dns).
 * One object for each value.  Not IONOS Cloud DNS, which is another service.
 * Zones are never written as a whole (PATCH, PUT).
 */
#include <string.h>

#include "providers/provider.h"

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

struct ionos {
	char	record_id[64];
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
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "0.code");
	const char *why = jsonx_str(a->json, "0.message");

	if (code != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s%s%s",
		    a->status, code, why == NULL ? "" : ": ",
		    why == NULL ? "" : why);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] == '\0')
		preq_start(rq, "GET", "/zones");
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = provider_array(a, "", err), *z;
	const char *name;

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "name");
		if (name == NULL || strcasecmp(name, c->zone) != 0)
			continue;
		return jsonx_copy_str(z, "id", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL :
		    PROVIDER_NEXT;
	}
	return PROVIDER_NO_ZONE;
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/zones");
	preq_path(rq, c->zone_id);
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	zone_start(c, rq, "GET");
	preq_query(rq, "recordName", c->fqdn);
	preq_query(rq, "recordType", "TXT");
	return 0;
}

static int
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *records = provider_array(a, "records", err), *r;
	struct ionos *x = c->priv;
	const char *name, *type, *content;

	if (records == NULL)
		return -1;
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		name = jsonx_str(r, "name");
		type = jsonx_str(r, "type");
		content = jsonx_str(r, "content");
		if (name != NULL && strcasecmp(name, c->fqdn) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    content != NULL && provider_txt_is(content, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err);
	}
	return 0;
}

static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct ionos *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	if (x->record_id[0] == '\0')
		return PROVIDER_NEXT;
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return PROVIDER_DONE;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	zone_start(c, rq, "POST");
	preq_path(rq, "records");
	preq_json(rq, json_pack("[{s:s, s:s, s:s, s:I, s:i, s:b}]", "name",
	    c->fqdn, "type", "TXT", "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "prio", 0, "disabled", 0));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "0.id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

/* There since the list was read: read it again. */
static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "0.code");

	return a->status == 409 || (code != NULL &&
	    strcmp(code, "RECORD_ALREADY_EXISTS") == 0) ? PROVIDER_REPEAT :
	    PROVIDER_FAIL;
}

static enum provider_next
remove_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct ionos *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	return x->record_id[0] == '\0' ? PROVIDER_DONE : PROVIDER_NEXT;
}

/* The kept id first; what it leads to is our record or nothing. */
static int
delete_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->handle[0] == '\0')
		return 0;
	zone_start(c, rq, "DELETE");
	preq_path(rq, "records");
	preq_path(rq, c->handle);
	return 0;
}

static enum provider_next
delete_kept_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return PROVIDER_DONE;
}

static enum provider_next
delete_kept_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 || a->status == 400 ? PROVIDER_NEXT :
	    PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct ionos *x = c->priv;

	zone_start(c, rq, "DELETE");
	preq_path(rq, "records");
	preq_path(rq, x->record_id);
	return 0;
}

static enum provider_next
gone_is_done(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, add_find_reply, NULL },
	{ "create record", create_request, create_reply, create_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, NULL, gone_is_done },
	{ .name = NULL }
};

const struct provider provider_ionos = {
	.name = "ionos",
	.title = "IONOS",
	.doc = "developer.hosting.ionos.com, Manage keys: an API key; "
	    "public prefix and secret are joined by a dot. lego: "
	    "IONOS_API_KEY.",
	.opts = opts,
	.base_url = "https://api.hosting.ionos.com/dns/v1",
	.priv_size = sizeof(struct ionos),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
