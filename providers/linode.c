/* SPDX-License-Identifier: MIT */
/*
 * linode - Linode (Akamai) Domains, API v4
 * (https://techdocs.akamai.com/linode-api/).  One object for each value.
 */
#include <string.h>

#include "providers/provider.h"

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

struct linode {
	json_int_t	 page;		/* read so far */
	char		 record_id[32];
	char		 refusal[200];	/* of the create, to be looked into */
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *field = jsonx_str(a->json, "errors.0.field");
	const char *why = jsonx_str(a->json, "errors.0.reason");

	if (why != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s%s%s",
		    a->status, field == NULL ? "" : field,
		    field == NULL ? "" : ": ", why);
}

static const char *
relative(const struct provider_call *c, char name[256])
{
	return provider_relative(c->fqdn, c->zone, "", name, 256);
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

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/domains");
	filter(rq, "domain", c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = provider_array(a, "data", err), *z;
	const char *name, *type;

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "domain");
		type = jsonx_str(z, "type");
		if (name == NULL || strcmp(name, c->zone) != 0)
			continue;
		if (type != NULL && strcmp(type, "master") != 0) {
			(void)error_set(err, ERR_CONFIG, "linode:type",
			    "the domain %s has the type %s, only master "
			    "domains can be changed", name, type);
			return PROVIDER_FAIL;
		}
		return jsonx_copy_str(z, "id", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1 ? PROVIDER_FAIL :
		    PROVIDER_NEXT;
	}
	return PROVIDER_NO_ZONE;
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/domains");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct linode *x = c->priv;
	char page[32];

	(void)text_printf(page, sizeof(page), "%lld",
	    (long long)x->page + 1);
	records_start(c, rq, "GET");
	preq_query(rq, "page", page);
	preq_query(rq, "page_size", PAGE_SIZE);
	filter(rq, "type", "TXT");
	return 0;
}

static bool
is_ours(const struct provider_call *c, const json_t *r)
{
	const char *type = jsonx_str(r, "type");
	const char *name = jsonx_str(r, "name");
	const char *target = jsonx_str(r, "target");
	char ours[256];

	return type != NULL && strcmp(type, "TXT") == 0 && name != NULL &&
	    (strcmp(name, relative(c, ours)) == 0 ||
	    strcmp(name, c->fqdn) == 0) &&
	    target != NULL && provider_txt_is(target, c->value);
}

/* Page by page; `absent` when the last one is read. */
static enum provider_next
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err, enum provider_next present, enum provider_next absent)
{
	const json_t *records = provider_array(a, "data", err), *r;
	struct linode *x = c->priv;

	if (records == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(records); i++) {
		r = json_array_get(records, i);
		if (is_ours(c, r))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : present;
	}
	x->page++;
	return x->page < jsonx_int(a->json, "pages", 1) ? PROVIDER_AGAIN :
	    absent;
}

/* Before the create, and again if that was refused. */
static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct linode *x = c->priv;
	enum provider_next next = find(c, a, err, PROVIDER_DONE,
	    PROVIDER_NEXT);

	if (next == PROVIDER_DONE)
		(void)text_printf(c->new_handle, c->new_handle_size, "%s",
		    x->record_id);
	if (next != PROVIDER_NEXT || x->refusal[0] == '\0')
		return next;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%s",
	    x->refusal);
	return PROVIDER_FAIL;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256];

	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", relative(c, name), "target", c->value,
	    "ttl_sec", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

/* The words for a record that is there already are not documented. */
static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct linode *x = c->priv;

	if (a->status != 400)
		return PROVIDER_FAIL;
	(void)text_printf(x->refusal, sizeof(x->refusal), "%s", err->msg);
	x->page = 0;
	return PROVIDER_NEXT;
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
gone_is_next(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 || a->status == 400 ? PROVIDER_NEXT :
	    PROVIDER_FAIL;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct linode *x = c->priv;

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
	{ "find zone", zone_request, zone_reply, NULL },
	{ "find record", find_request, add_find_reply, NULL },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, add_find_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    gone_is_next },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, NULL, gone_is_done },
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
	.base_url = "https://api.linode.com/v4",
	.priv_size = sizeof(struct linode),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
