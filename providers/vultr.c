/* SPDX-License-Identifier: MIT */
/*
 * vultr - Vultr DNS, API v2 (https://www.vultr.com/api/).  One object for
 * each value.
 */
#include <string.h>

#include "providers/provider.h"

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

struct vultr {
	char	cursor[256];		/* of the next page; "": the first */
	char	record_id[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_API_KEY));
	return 0;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/domains");
	preq_path(rq, c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "domain.domain", c->zone_id,
	    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL : PROVIDER_NEXT;
}

static enum provider_next
zone_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_NO_ZONE : PROVIDER_FAIL;
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/domains");
	preq_path(rq, c->zone);
	preq_path(rq, "records");
}

static const char *
relative(const struct provider_call *c, char name[256])
{
	return provider_relative(c->fqdn, c->zone, "", name, 256);
}

/* There is no filter: all records of the zone. */
static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct vultr *x = c->priv;

	records_start(c, rq, "GET");
	preq_query(rq, "per_page", "500");
	if (x->cursor[0] != '\0')
		preq_query(rq, "cursor", x->cursor);
	return 0;
}

static bool
is_ours(const struct provider_call *c, const json_t *r)
{
	const char *type = jsonx_str(r, "type");
	const char *name = jsonx_str(r, "name");
	const char *data = jsonx_str(r, "data");
	char ours[256];

	return type != NULL && strcmp(type, "TXT") == 0 &&
	    name != NULL && strcmp(name, relative(c, ours)) == 0 &&
	    data != NULL && provider_txt_is(data, c->value);
}

/* Page by page; `absent` when the last one is read. */
static enum provider_next
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err, enum provider_next present, enum provider_next absent)
{
	const json_t *records = provider_array(a, "records", err), *r;
	const char *next = jsonx_str(a->json, "meta.links.next");
	struct vultr *x = c->priv;

	if (records == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		if (is_ours(c, r))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : present;
	}
	if (next == NULL || next[0] == '\0')
		return absent;
	return jsonx_copy_str(a->json, "meta.links.next", x->cursor,
	    sizeof(x->cursor), err) == -1 ? PROVIDER_FAIL : PROVIDER_AGAIN;
}

static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct vultr *x = c->priv;
	enum provider_next next = find(c, a, err, PROVIDER_DONE,
	    PROVIDER_NEXT);

	if (next == PROVIDER_DONE)
		(void)text_printf(c->new_handle, c->new_handle_size, "%s",
		    x->record_id);
	return next;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256], quoted[300];

	(void)text_printf(quoted, sizeof(quoted), "\"%s\"", c->value);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:i}", "name",
	    relative(c, name), "type", "TXT", "data", quoted,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "priority", 0));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "record.id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

/* There since the list was read: read it again. */
static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 400 && strcasestr(a->body, "duplicate") != NULL ?
	    PROVIDER_REPEAT : PROVIDER_FAIL;
}

static enum provider_next
remove_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return find(c, a, err, PROVIDER_NEXT, PROVIDER_DONE);
}

/* The kept id first; what it leads to is our record or nothing. */
static int
delete_kept_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (c->handle[0] == '\0')
		return 0;
	records_start(c, rq, "DELETE");
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
	const struct vultr *x = c->priv;

	records_start(c, rq, "DELETE");
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
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "find record", find_request, add_find_reply, NULL },
	{ "create record", create_request, create_reply, create_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, NULL, gone_is_done },
	{ .name = NULL }
};

const struct provider provider_vultr = {
	.name = "vultr",
	.title = "Vultr",
	.doc = "Customer portal, Account, API: the API key of a (sub-)user "
	    "with the permission \"Manage DNS\" only; add this machine's "
	    "address to Access Control, or all is refused with 401. lego: "
	    "VULTR_API_KEY.",
	.opts = opts,
	.base_url = "https://api.vultr.com/v2",
	.priv_size = sizeof(struct vultr),
	.prepare = prepare,
	.add = add,
	.remove = remove_,
};
