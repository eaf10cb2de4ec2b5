/* SPDX-License-Identifier: MIT */
/*
 * porkbun - Porkbun, API v3 (https://porkbun.com/api/json/v3/documentation).
 * One object for each value.  All calls are POST with the keys in the body.
 */
#include <string.h>

#include "providers/records.h"

#define THROTTLED_S 10			/* until the next call, at the least */

enum { OPT_API_KEY, OPT_SECRET_API_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key, \"pk1_...\"" },
	[OPT_SECRET_API_KEY] = { .name = "secret_api_key", .required = true,
	    .secret = true, .help = "secret API key, \"sk1_...\"" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 600, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

static bool
is_refusal(const struct rest_answer *a)
{
	const char *status = jsonx_str(a->json, "status");

	/* 202 with a page of HTML: too many calls. */
	return (a->status == 202 && a->json == NULL) ||
	    (status != NULL && strcmp(status, "SUCCESS") != 0);
}

static bool
says(const struct rest_answer *a, const char *words)
{
	const char *s = jsonx_str(a->json, "message");

	return s != NULL && strcasestr(s, words) != NULL;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "code");

	if ((a->status == 202 || a->status == 503) && a->json == NULL) {
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "HTTP %d with a page: too many calls", a->status);
		err->retry_at = clock_now() + THROTTLED_S;
	} else if (says(a, "API key") || says(a, "opted in") ||
	    (code != NULL && strncmp(code, "INVALID_API_KEY", 15) == 0))
		(void)error_set(err, ERR_CONFIG, "provider:credentials", "%s",
		    err->msg);
}

static void
call_start(struct provider_call *c, struct preq *rq, const char *path)
{
	preq_start(rq, "POST", path);
	preq_path(rq, c->zone);
}

/* The body: the keys and what else is in json. */
static void
call_body(struct provider_call *c, struct preq *rq, json_t *json /* taken */)
{
	json_object_set_new(json, "apikey",
	    json_string(provider_str(c->values, OPT_API_KEY)));
	json_object_set_new(json, "secretapikey",
	    json_string(provider_str(c->values, OPT_SECRET_API_KEY)));
	preq_json(rq, json);
}

/* This tells as well whether they have the zone. */
static void
list(struct provider_call *c, struct preq *rq)
{
	char name[256];

	call_start(c, rq, "/dns/retrieveByNameType");
	preq_path(rq, "TXT");
	(void)provider_relative(c->fqdn, c->zone, "", name, sizeof(name));
	if (name[0] != '\0')
		preq_path(rq, name);
	call_body(c, rq, json_object());
}

static bool
is_no_zone(const struct rest_answer *a)
{
	return says(a, "invalid domain");
}

static void
create(struct provider_call *c, struct preq *rq, const char *full)
{
	char name[256], ttl[24];

	(void)text_printf(ttl, sizeof(ttl), "%ld",
	    provider_int(c->values, OPT_TTL));
	call_start(c, rq, "/dns/create");
	call_body(c, rq, json_pack("{s:s, s:s, s:s, s:s}", "name",
	    provider_relative(full, c->zone, "", name, sizeof(name)),
	    "type", "TXT", "content", c->value, "ttl", ttl));
}

static void
remove_record(struct provider_call *c, struct preq *rq, const char *id)
{
	call_start(c, rq, "/dns/delete");
	preq_path(rq, id);
	call_body(c, rq, json_object());
}

static bool
is_removed(const struct rest_answer *a)
{
	return jsonx_str(a->json, "status") != NULL;
}

/* Somebody else was faster: look again. */
static enum rest_next
delete_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return says(a, "invalid record") ? REST_REPEAT : REST_FAIL;
}

static const struct provider_records records = {
	.list = list, .records = { .array = "records" },
	.id = "id", .name = "name", .value = "content", .type = "type",
	.create = create, .created = "id",
	.remove = remove_record, .is_removed = is_removed,
	.is_no_zone = is_no_zone,
};

/* The same words for a record that is there and for all other causes. */
static const struct provider_step add[] = {
	RECORDS_FIND,
	RECORDS_CREATE(records_create_doubted),
	RECORDS_FIND_EXISTING,
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	RECORDS_FIND,
	{ "delete record", records_remove_request, records_remove_reply,
	    delete_refused },
	{ .name = NULL }
};

const struct provider provider_porkbun = {
	.name = "porkbun",
	.title = "Porkbun",
	.doc = "porkbun.com, Account, API Access: an API key and its secret; "
	    "then turn on \"API Access\" for each domain in Domain "
	    "Management. lego: PORKBUN_API_KEY, PORKBUN_SECRET_API_KEY.",
	.opts = opts,
	.max_calls = 1,
	.base_url = "https://api.porkbun.com/api/json/v3",
	.gap_ms = 1000,
	.is_refusal = is_refusal,
	.failed = failed,
	.records = &records,
	.add = add,
	.remove = remove_,
};
