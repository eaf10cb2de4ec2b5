/* SPDX-License-Identifier: MIT */
/*
 * cloudflare - Cloudflare DNS, API v4
 * (https://developers.cloudflare.com/api/).  One object for each value.
 */
#include <string.h>

#include "providers/provider.h"

#define CODE_EXISTS 81057		/* "The record already exists." */
#define CODE_IDENTICAL 81058		/* "An identical record already ..." */

enum { OPT_API_TOKEN, OPT_ACCOUNT_ID, OPT_ZONE_ID, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_TOKEN] = { .name = "api_token", .required = true,
	    .secret = true,
	    .help = "API token with the rights Zone:Read and DNS:Edit" },
	[OPT_ACCOUNT_ID] = { .name = "account_id",
	    .help = "needed if several accounts have a zone of that name" },
	[OPT_ZONE_ID] = { .name = "zone_id",
	    .help = "id of the zone; Zone:Read is not needed then" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 86400,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct cloudflare {
	char	record_id[64];
};

static bool
has_code(const struct provider_answer *a, int64_t code)
{
	const json_t *errors = jsonx_get(a->json, "errors");

	for (size_t i = 0; i < json_array_size(errors); i++) {
		if (jsonx_int(json_array_get(errors, i), "code", 0) == code)
			return true;
	}
	return false;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_API_TOKEN));
	return 0;
}

/* Malformed tokens are answered with 400, and some errors with 200. */
static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *why = jsonx_str(a->json, "errors.0.error_chain.0.message");
	int64_t code = jsonx_int(a->json, "errors.0.code", 0);

	if (code == 6003 || code == 9109 || code == 10000)
		err->kind = ERR_CONFIG;
	if (why != NULL)
		(void)error_set(err, err->kind, err->code, "%s: %s", err->msg,
		    why);
}

static bool
is_refusal(const struct provider_answer *a)
{
	return !jsonx_bool(a->json, "success", true);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *zone_id = provider_str(c->values, OPT_ZONE_ID);
	const char *account = provider_str(c->values, OPT_ACCOUNT_ID);

	if (zone_id != NULL)
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s",
		    zone_id);
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/zones");
	preq_query(rq, "name", c->zone);
	preq_query(rq, "per_page", "50");
	if (account != NULL)
		preq_query(rq, "account.id", account);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *zones = provider_array(a, "result", err), *z;
	const char *name;

	if (zones == NULL)
		return PROVIDER_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "name");
		if (name == NULL || strcmp(name, c->zone) != 0)
			continue;
		if (c->zone_id[0] != '\0') {
			c->zone_id[0] = '\0';
			(void)error_set(err, ERR_CONFIG, "cloudflare:accounts",
			    "several accounts have a zone %s; set account_id "
			    "or zone_id", c->zone);
			return PROVIDER_FAIL;
		}
		if (jsonx_copy_str(z, "id", c->zone_id, PROVIDER_ZONE_ID_SIZE,
		    err) == -1)
			return PROVIDER_FAIL;
	}
	return c->zone_id[0] == '\0' ? PROVIDER_NO_ZONE : PROVIDER_NEXT;
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "dns_records");
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char content[300];

	(void)text_printf(content, sizeof(content), "\"%s\"", c->value);
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", c->fqdn, "content", content,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "result.id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return has_code(a, CODE_IDENTICAL) || has_code(a, CODE_EXISTS) ?
	    PROVIDER_NEXT : PROVIDER_FAIL;
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "name", c->fqdn);
	preq_query(rq, "per_page", "100");
	return 0;
}

/* The id of the record with our value; out becomes "" if there is none. */
static int
find(struct provider_call *c, const struct provider_answer *a, char *out,
    size_t size, struct error *err)
{
	const json_t *records = provider_array(a, "result", err);

	if (records == NULL)
		return -1;
	out[0] = '\0';
	for (size_t i = 0; i < json_array_size(records); i++) {
		const json_t *r = json_array_get(records, i);
		const char *name = jsonx_str(r, "name");
		const char *type = jsonx_str(r, "type");
		const char *content = jsonx_str(r, "content");

		if (name != NULL && strcmp(name, c->fqdn) == 0 &&
		    type != NULL && strcmp(type, "TXT") == 0 &&
		    content != NULL && provider_txt_is(content, c->value))
			return jsonx_copy_str(r, "id", out, size, err);
	}
	return 0;
}

/* The record was there before: its id is all that is wanted. */
static enum provider_next
find_existing_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	if (find(c, a, c->new_handle, c->new_handle_size, err) == -1)
		return PROVIDER_FAIL;
	/* Deleted since, or "exists" was said of something else. */
	return c->new_handle[0] == '\0' ? PROVIDER_REPEAT : PROVIDER_DONE;
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

/* Gone, or an id that is none of theirs. */
static enum provider_next
delete_kept_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 || a->status == 400 ? PROVIDER_NEXT :
	    PROVIDER_FAIL;
}

static enum provider_next
not_found_is_next(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_NEXT : PROVIDER_FAIL;
}

static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct cloudflare *x = c->priv;

	if (find(c, a, x->record_id, sizeof(x->record_id), err) == -1)
		return PROVIDER_FAIL;
	return x->record_id[0] == '\0' ? PROVIDER_DONE : PROVIDER_NEXT;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct cloudflare *x = c->priv;

	records_start(c, rq, "DELETE");
	preq_path(rq, x->record_id);
	return 0;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, find_existing_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, find_reply, NULL },
	{ "delete record", delete_request, NULL, not_found_is_next },
	{ .name = NULL }
};

const struct provider provider_cloudflare = {
	.name = "cloudflare",
	.title = "Cloudflare",
	.doc = "Dashboard, My Profile, API Tokens: a token with Zone / Zone / "
	    "Read and Zone / DNS / Edit for the zones in question.",
	.opts = opts,
	.base_url = "https://api.cloudflare.com/client/v4",
	.no_zone_help = "a token without Zone:Read sees no zones at all",
	.priv_size = sizeof(struct cloudflare),
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
