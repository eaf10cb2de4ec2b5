/* SPDX-License-Identifier: MIT */
/*
 * dnsimple - DNSimple, API v2 (https://developer.dnsimple.com/v2/).  One
 * object for each value.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_TOKEN, OPT_ACCOUNT, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "oauth_token", .required = true,
	    .secret = true,
	    .help = "account access token" },
	[OPT_ACCOUNT] = { .name = "account_id",
	    .help = "number of the account; needed with a user token" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 1, .max = 604800,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct dnsimple {
	unsigned page;			/* of records read; 0: none */
	char	record_id[64];
};

/* For the daemon's life: whose token it is. */
struct dnsimple_keep {
	char	account[64];
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_TOKEN));
	return 0;
}

/* {"message": "Validation failed", "errors": {"content": ["..."]}} */
static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *errors = json_object_get(a->json, "errors");
	void *first = json_object_iter((json_t *)(uintptr_t)errors);
	const char *words = json_string_value(json_array_get(
	    json_object_iter_value(first), 0));

	if (a->status == 402)
		err->kind = ERR_CONFIG;
	if (words != NULL)
		(void)error_set(err, err->kind, err->code, "%s: %s %s",
		    err->msg, json_object_iter_key(first), words);
}

static int
account_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *account = provider_str(c->values, OPT_ACCOUNT);
	struct dnsimple_keep *keep = c->keep;

	if (account != NULL)
		(void)text_printf(keep->account, sizeof(keep->account), "%s",
		    account);
	if (keep->account[0] == '\0')
		preq_start(rq, "GET", "/v2/whoami");
	return 0;
}

static enum provider_next
account_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *account = jsonx_get(a->json, "data.account");
	struct dnsimple_keep *keep = c->keep;

	if (json_is_null(account)) {
		(void)error_set(err, ERR_CONFIG, "dnsimple:token",
		    "oauth_token is the token of a user: use an account "
		    "access token, or set account_id");
		return PROVIDER_FAIL;
	}
	return jsonx_copy_str(account, "id", keep->account,
	    sizeof(keep->account), err) == -1 ? PROVIDER_FAIL : PROVIDER_NEXT;
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method,
    const char *zone)
{
	const struct dnsimple_keep *keep = c->keep;

	preq_start(rq, method, "/v2");
	preq_path(rq, keep->account);
	preq_path(rq, "zones");
	preq_path(rq, zone);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	zone_start(c, rq, "GET", c->zone);
	return 0;
}

static enum provider_next
zone_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "data.name", c->zone_id,
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
	zone_start(c, rq, method, c->zone_id);
	preq_path(rq, "records");
}

static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct dnsimple *x = c->priv;
	char page[16], name[256];

	(void)text_printf(page, sizeof(page), "%u", x->page + 1);
	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "name", provider_relative(c->fqdn, c->zone, "", name,
	    sizeof(name)));
	preq_query(rq, "per_page", "100");
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
	const json_t *all = provider_array(a, "data", err);
	struct dnsimple *x = c->priv;
	char name[256];

	if (all == NULL)
		return PROVIDER_FAIL;
	(void)provider_relative(c->fqdn, c->zone, "", name, sizeof(name));
	for (size_t i = 0; i < json_array_size(all); i++) {
		const json_t *r = json_array_get(all, i);
		const char *type = jsonx_str(r, "type");
		const char *there = jsonx_str(r, "name");
		const char *content = jsonx_str(r, "content");

		if (type != NULL && strcmp(type, "TXT") == 0 &&
		    there != NULL && strcasecmp(there, name) == 0 &&
		    content != NULL && provider_txt_is(content, c->value))
			return jsonx_copy_str(r, "id", x->record_id,
			    sizeof(x->record_id), err) == -1 ?
			    PROVIDER_FAIL : PROVIDER_NEXT;
	}
	x->page++;
	return jsonx_int(a->json, "pagination.total_pages", 1) > x->page ?
	    PROVIDER_AGAIN : PROVIDER_NEXT;
}

static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct dnsimple *x = c->priv;
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
	const struct dnsimple *x = c->priv;
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
	    provider_relative(c->fqdn, c->zone, "", name, sizeof(name)),
	    "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "data.id", c->new_handle,
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
	const struct dnsimple *x = c->priv;

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
	{ "find account", account_request, account_reply, NULL },
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "find record", find_request, add_find_reply, NULL },
	{ "create record", create_request, create_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find account", account_request, account_reply, NULL },
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "delete record", delete_kept_request, delete_kept_reply,
	    delete_kept_refused },
	{ "find record", find_request, remove_find_reply, NULL },
	{ "delete record", delete_request, delete_reply, delete_refused },
	{ .name = NULL }
};

const struct provider provider_dnsimple = {
	.name = "dnsimple",
	.title = "DNSimple",
	.doc = "Account (not User), Automation, API tokens: an account access "
	    "token; restrict it to the zone if the plan allows.  Sandbox: "
	    "base_url = \"https://api.sandbox.dnsimple.com\".  lego's "
	    "DNSIMPLE_OAUTH_TOKEN, DNSIMPLE_BASE_URL.",
	.opts = opts,
	.base_url = "https://api.dnsimple.com",
	.no_zone_help = "the zone must be in the token's account",
	.keep_size = sizeof(struct dnsimple_keep),
	.priv_size = sizeof(struct dnsimple),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
