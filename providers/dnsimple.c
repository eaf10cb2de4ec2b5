/* SPDX-License-Identifier: MIT */
/*
 * dnsimple - DNSimple, API v2 (https://developer.dnsimple.com/v2/).  One
 * object for each value.
 */
#include <string.h>

#include "providers/records.h"

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
failed(struct provider_call *c, const struct rest_answer *a,
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

static enum rest_next
account_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *account = jsonx_get(a->json, "data.account");
	struct dnsimple_keep *keep = c->keep;

	if (json_is_null(account)) {
		(void)error_set(err, ERR_CONFIG, "dnsimple:token",
		    "oauth_token is the token of a user: use an account "
		    "access token, or set account_id");
		return REST_FAIL;
	}
	return jsonx_copy_str(account, "id", keep->account,
	    sizeof(keep->account), err) == -1 ? REST_FAIL : REST_NEXT;
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

static void
get_zone(struct provider_call *c, struct preq *rq)
{
	zone_start(c, rq, "GET", c->zone);
}

static void
records_start(struct provider_call *c, struct preq *rq, const char *method)
{
	zone_start(c, rq, method, c->zone);
	preq_path(rq, "records");
}

static void
list(struct provider_call *c, struct preq *rq)
{
	char name[256];

	records_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "name", provider_relative(c->fqdn, c->zone, "", name,
	    sizeof(name)));
	preq_query(rq, "per_page", "100");
	records_query_page(c, rq, "page");
}

static void
create(struct provider_call *c, struct preq *rq, const char *name)
{
	records_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "type", "TXT",
	    "name", name, "content", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	records_start(c, rq, "DELETE");
	preq_path(rq, id);
}

static bool
is_removed(const struct rest_answer *a)
{
	return a->status == 204;
}

/* 403: the token is for other zones than this candidate. */
static bool
is_no_zone(const struct rest_answer *a)
{
	return a->status == 404 || a->status == 403;
}

static const struct provider_records records = {
	.is_no_zone = is_no_zone,
	.zone = get_zone, .zone_id = "data.name",
	.list = list,
	.records = { .array = "data", .pages = "pagination.total_pages" },
	.id = "id", .name = "name", .value = "content", .type = "type",
	.apex = "",
	.create = create, .created = "data.id",
	.remove = remove_record, .is_removed = is_removed,
};

static const struct provider_step add[] = {
	{ "find account", account_request, account_reply, NULL },
	RECORDS_ZONE,
	RECORDS_FIND,
	RECORDS_CREATE(records_create_refused),
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find account", account_request, account_reply, NULL },
	RECORDS_ZONE,
	RECORDS_REMOVE_KEPT,
	RECORDS_FIND,
	RECORDS_REMOVE,
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
	.prepare = prepare,
	.failed = failed,
	.records = &records,
	.add = add,
	.remove = remove_,
};
