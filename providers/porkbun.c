/* SPDX-License-Identifier: MIT */
/*
 * porkbun - Porkbun, API v3 (https://porkbun.com/api/json/v3/documentation).
 * One object for each value.  All calls are POST with the keys in the body.
 */
#include <string.h>

#include "providers/provider.h"

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

struct porkbun {
	char	record_id[64];
	char	refusal[200];		/* of the create, to be looked into */
};

static bool
is_refusal(const struct provider_answer *a)
{
	const char *status = jsonx_str(a->json, "status");

	/* 202 with a page of HTML: too many calls. */
	return (a->status == 202 && a->json == NULL) ||
	    (status != NULL && strcmp(status, "SUCCESS") != 0);
}

static bool
says(const struct provider_answer *a, const char *words)
{
	const char *s = jsonx_str(a->json, "message");

	return s != NULL && strcasestr(s, words) != NULL;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "code");

	if ((a->status == 202 || a->status == 503) && a->json == NULL) {
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "HTTP %d with a page: too many calls", a->status);
		err->retry_at = clock_now() + THROTTLED_S;
	} else if (says(a, "API key") || says(a, "opted in") ||
	    (code != NULL && strncmp(code, "INVALID_API_KEY", 15) == 0))
		err->kind = ERR_CONFIG;
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

static const char *
relative(const struct provider_call *c, char name[256])
{
	return provider_relative(c->fqdn, c->zone, "", name, 256);
}

/* This tells as well whether they have the zone. */
static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256];

	call_start(c, rq, "/dns/retrieveByNameType");
	preq_path(rq, "TXT");
	if (relative(c, name)[0] != '\0')
		preq_path(rq, name);
	call_body(c, rq, json_object());
	return 0;
}

static int
find(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *records = provider_array(a, "records", err), *r;
	struct porkbun *x = c->priv;
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
find_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return says(a, "invalid domain") ? PROVIDER_NO_ZONE : PROVIDER_FAIL;
}

/* Before the create, and again if that was refused. */
static enum provider_next
add_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct porkbun *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	if (x->record_id[0] != '\0') {
		(void)text_printf(c->new_handle, c->new_handle_size, "%s",
		    x->record_id);
		return PROVIDER_DONE;
	}
	if (x->refusal[0] == '\0')
		return PROVIDER_NEXT;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%s",
	    x->refusal);
	return PROVIDER_FAIL;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256], ttl[24];

	(void)text_printf(ttl, sizeof(ttl), "%ld",
	    provider_int(c->values, OPT_TTL));
	call_start(c, rq, "/dns/create");
	call_body(c, rq, json_pack("{s:s, s:s, s:s, s:s}", "name",
	    relative(c, name), "type", "TXT", "content", c->value,
	    "ttl", ttl));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_DONE;
}

/* The same words for a record that is there and for all other causes. */
static enum provider_next
create_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct porkbun *x = c->priv;

	if (err->kind != ERR_REJECTED)
		return PROVIDER_FAIL;
	(void)text_printf(x->refusal, sizeof(x->refusal), "%s", err->msg);
	return PROVIDER_NEXT;
}

static enum provider_next
remove_find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const struct porkbun *x = c->priv;

	if (find(c, a, err) == -1)
		return PROVIDER_FAIL;
	return x->record_id[0] == '\0' ? PROVIDER_DONE : PROVIDER_NEXT;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct porkbun *x = c->priv;

	call_start(c, rq, "/dns/delete");
	preq_path(rq, x->record_id);
	call_body(c, rq, json_object());
	return 0;
}

static enum provider_next
delete_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	if (jsonx_str(a->json, "status") != NULL)
		return PROVIDER_DONE;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the answer has no status: %.100s", a->body);
	return PROVIDER_FAIL;
}

/* Somebody else was faster: look again. */
static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return says(a, "invalid record") ? PROVIDER_REPEAT : PROVIDER_FAIL;
}

static const struct provider_step add[] = {
	{ "find record", find_request, add_find_reply, find_refused },
	{ "create record", create_request, create_reply, create_refused },
	{ "find record", find_request, add_find_reply, find_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find record", find_request, remove_find_reply, find_refused },
	{ "delete record", delete_request, delete_reply, delete_refused },
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
	.priv_size = sizeof(struct porkbun),
	.gap_ms = 1000,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
