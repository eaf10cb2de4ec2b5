/* SPDX-License-Identifier: MIT */
/*
 * digitalocean - DigitalOcean DNS, API v2
 * (https://docs.digitalocean.com/reference/api/).  One object for each value;
 * a second one with the same value would be accepted, so that all records of
 * the name are looked at first.
 */
#include <string.h>

#include "providers/provider.h"

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

struct digitalocean {
	unsigned page;			/* of records read; 0: none */
	char	record_id[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_TOKEN));
	return 0;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/v2/domains");
	preq_path(rq, c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "domain.name", c->zone_id,
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
	preq_start(rq, method, "/v2/domains");
	preq_path(rq, c->zone_id);
	preq_path(rq, "records");
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct digitalocean *x = c->priv;
	char page[16];

	(void)text_printf(page, sizeof(page), "%u", x->page + 1);
	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "name", c->fqdn);
	preq_query(rq, "per_page", "200");
	preq_query(rq, "page", page);
	return 0;
}

/*
 * The id of our record, in x->record_id, or "".  PROVIDER_AGAIN: on the next
 * page; PROVIDER_NEXT: all was read.
 */
static enum provider_next
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *all = provider_array(a, "domain_records", err);
	struct digitalocean *x = c->priv;
	char name[256];

	if (all == NULL)
		return PROVIDER_FAIL;
	(void)provider_relative(c->fqdn, c->zone, "@", name, sizeof(name));
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *r = json_array_get(all, i);
		const char *type = jsonx_str(r, "type");
		const char *there = jsonx_str(r, "name");
		const char *data = jsonx_str(r, "data");

		if (type != NULL && strcmp(type, "TXT") == 0 &&
		    there != NULL && strcasecmp(there, name) == 0 &&
		    data != NULL && provider_txt_is(data, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : PROVIDER_NEXT;
	}
	x->page++;
	return jsonx_str(a->json, "links.pages.next") != NULL ?
	    PROVIDER_AGAIN : PROVIDER_NEXT;
}

static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct digitalocean *x = c->priv;
	enum provider_next next = find(c, a, err);

	if (next != PROVIDER_NEXT || x->record_id[0] == '\0')
		return next;
	(void)text_printf(c->new_handle, c->new_handle_size, "%s",
	    x->record_id);
	return PROVIDER_DONE;
}

static enum provider_next
remove_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct digitalocean *x = c->priv;
	enum provider_next next = find(c, a, err);

	return next == PROVIDER_NEXT && x->record_id[0] == '\0' ?
	    PROVIDER_DONE : next;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256];

	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT", "name",
	    provider_relative(c->fqdn, c->zone, "@", name, sizeof(name)),
	    "data", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "domain_record.id", c->new_handle,
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
	return a->status == 204 ? PROVIDER_DONE : PROVIDER_NEXT;
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
	const struct digitalocean *x = c->priv;

	records_start(c, rq, "DELETE");
	preq_path(rq, x->record_id);
	return 0;
}

static enum provider_next
delete_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	if (a->status == 204)
		return PROVIDER_DONE;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "HTTP %d instead of 204", a->status);
	return PROVIDER_FAIL;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_DONE : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "find record", find_request, add_find_reply, NULL },
	{ "create record", create_request, create_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, delete_reply, delete_refused },
	{ .name = NULL }
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
	.priv_size = sizeof(struct digitalocean),
	.prepare = prepare,
	.add = add,
	.remove = remove_,
};
