/* SPDX-License-Identifier: MIT */
/*
 * luadns - LuaDNS, API v1 (https://www.luadns.com/api.html).  One object for
 * each value; lists come whole.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_USER, OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_USER] = { .name = "api_username", .required = true,
	    .help = "e-mail address of the account" },
	[OPT_TOKEN] = { .name = "api_token", .required = true,
	    .secret = true, .help = "API token" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 1, .max = 2147483647,
	    .help = "TTL of the records in seconds; 300 is the least of free "
	    "plans" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct luadns {
	char	record_id[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_basic(rq, provider_str(c->values, OPT_USER),
	    provider_str(c->values, OPT_TOKEN));
	return 0;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] == '\0')
		preq_start(rq, "GET", "/v1/zones");
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = provider_array(a, "", err);

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *z = json_array_get(zones, i);
		const char *name = jsonx_str(z, "name");

		if (name != NULL && strcasecmp(name, c->zone) == 0)
			return jsonx_copy_str(z, "id", c->zone_id,
			    PROVIDER_ZONE_ID_SIZE, err) == -1 ?
			    PROVIDER_FAIL : PROVIDER_NEXT;
	}
	return PROVIDER_NO_ZONE;
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v1/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	records_start(c, rq, "GET");
	return 0;
}

/* The id of our record, in x->record_id, or "". */
static int
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *all = provider_array(a, "", err);
	struct luadns *x = c->priv;
	size_t len = strlen(c->fqdn);

	if (all == NULL)
		return -1;
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *r = json_array_get(all, i);
		const char *type = jsonx_str(r, "type");
		const char *name = jsonx_str(r, "name");
		const char *content = jsonx_str(r, "content");

		if (type != NULL && strcmp(type, "TXT") == 0 &&
		    name != NULL && strncasecmp(name, c->fqdn, len) == 0 &&
		    strcmp(name + len, ".") == 0 &&
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
	const struct luadns *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	if (x->record_id[0] == '\0')
		return PROVIDER_NEXT;
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return PROVIDER_DONE;
}

static enum provider_next
remove_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct luadns *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	return x->record_id[0] == '\0' ? PROVIDER_DONE : PROVIDER_NEXT;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256];

	(void)text_printf(name, sizeof(name), "%s.", c->fqdn);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", name, "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
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
	/* The record comes back: proof that something was deleted. */
	return jsonx_get(a->json, "id") != NULL ? PROVIDER_DONE :
	    PROVIDER_NEXT;
}

/* Gone, or an id that is none of theirs. */
static enum provider_next
delete_kept_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 || a->status == 400 || a->status == 422 ?
	    PROVIDER_NEXT : PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct luadns *x = c->priv;

	records_start(c, rq, "DELETE");
	preq_path(rq, x->record_id);
	return 0;
}

static enum provider_next
delete_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	if (jsonx_get(a->json, "id") != NULL)
		return PROVIDER_DONE;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the server does not confirm the deletion: %.100s", a->body);
	return PROVIDER_FAIL;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, add_find_reply, NULL },
	{ "create record", create_request, create_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, delete_reply, delete_refused },
	{ .name = NULL }
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
	.priv_size = sizeof(struct luadns),
	.prepare = prepare,
	.add = add,
	.remove = remove_,
};
