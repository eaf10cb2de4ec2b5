/* SPDX-License-Identifier: MIT */
/*
 * hetzner - Hetzner DNS through the Cloud API
 * (https://docs.hetzner.cloud/reference/cloud#dns).  The server adds and
 * removes single values of a set; each change is an action to be waited for.
 * The older API of dns.hetzner.com has ended.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "api_token", .required = true, .secret = true,
	    .help = "API token (Read & Write) of the zone's project" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 2147483647,
	    .help = "TTL of new record sets in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct hetzner {
	char	action_id[32];
	bool	exists;			/* the set */
	bool	no_set;			/* add_records wanted one */
};

static bool
has_code(const struct rest_answer *a, const char *code)
{
	const char *s = jsonx_str(a->json, "error.code");

	return s != NULL && strcmp(s, code) == 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Bearer", provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "error.code");
	const char *why = jsonx_str(a->json, "error.message");

	/* Another action is at work on the zone. */
	if (has_code(a, "conflict") || has_code(a, "locked"))
		err->kind = ERR_TRANSIENT;
	/* 403 as well, but nothing is wrong with the token. */
	if (has_code(a, "resource_limit_exceeded"))
		(void)error_set(err, ERR_CONFIG, "provider:quota", "%s",
		    err->msg);
	if (code != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s: %s",
		    a->status, code, why == NULL ? "" : why);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/zones");
	preq_path(rq, c->zone);
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *mode = jsonx_str(a->json, "zone.mode");

	if (mode != NULL && strcmp(mode, "primary") != 0) {
		(void)error_set(err, ERR_CONFIG, "hetzner:mode",
		    "the zone %s is in the mode %s, only primary zones can "
		    "be changed", c->zone, mode);
		return REST_FAIL;
	}
	return jsonx_copy_str(a->json, "zone.id", c->zone_id,
	    PROVIDER_ZONE_ID_SIZE, err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_NO_ZONE : REST_FAIL;
}

static const char *
relative(struct provider_call *c, char name[256])
{
	return provider_relative(c->fqdn, c->zone, "@", name, 256);
}

static void
set_start(struct provider_call *c, struct preq *rq, const char *method)
{
	char name[256];

	preq_start(rq, method, "/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "rrsets");
	preq_path(rq, relative(c, name));
	preq_path(rq, provider_type(c));
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	set_start(c, rq, "GET");
	return 0;
}

/* 1 if the set has our value; -1 and err. */
static int
is_there(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *records = rest_array(a, "rrset.records", err);
	struct hetzner *x = c->priv;

	if (records == NULL)
		return -1;
	x->exists = true;
	for (size_t i = 0; i < json_array_size(records); i++) {
		const char *s = jsonx_str(json_array_get(records, i), "value");

		if (s != NULL && provider_value_is(c, s, c->value))
			return 1;
	}
	return 0;
}

static enum rest_next
add_read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	int there = is_there(c, a, err);

	return there == -1 ? REST_FAIL : there == 1 ? REST_DONE :
	    REST_NEXT;
}

static enum rest_next
add_read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_NEXT : REST_FAIL;
}

static enum rest_next
remove_read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	int there = is_there(c, a, err);

	return there == -1 ? REST_FAIL : there == 0 ? REST_DONE :
	    REST_NEXT;
}

static enum rest_next
gone_is_done(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_DONE : REST_FAIL;
}

static json_t *
our_records(const struct provider_call *c)
{
	char text[PROVIDER_CONTENT_SIZE];

	return json_pack("[{s:s}]", "value", provider_content(c, c->value,
	    text));
}

static int
extend_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct hetzner *x = c->priv;
	json_t *body = json_pack("{s:o}", "records", our_records(c));

	/* Another TTL than that of the set would be refused. */
	if (!x->exists)
		json_object_set_new(body, "ttl",
		    json_integer(provider_int(c->values, OPT_TTL)));
	set_start(c, rq, "POST");
	preq_path(rq, "actions");
	preq_path(rq, "add_records");
	preq_json(rq, body);
	return 0;
}

static enum rest_next
action_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct hetzner *x = c->priv;

	return jsonx_copy_str(a->json, "action.id", x->action_id,
	    sizeof(x->action_id), err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
extend_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct hetzner *x = c->priv;

	if (has_code(a, "uniqueness_error") && !rest_is_lasting(a))
		return REST_REPEAT;		/* there since it was read */
	if (a->status != 404)
		return REST_FAIL;
	x->no_set = true;
	return REST_NEXT;
}

static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct hetzner *x = c->priv;
	char name[256];

	if (!x->no_set)
		return 0;
	preq_start(rq, "POST", "/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "rrsets");
	preq_json(rq, json_pack("{s:s, s:s, s:I, s:o}", "name",
	    relative(c, name), "type", provider_type(c),
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL),
	    "records", our_records(c)));
	return 0;
}

static enum rest_next
create_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return has_code(a, "uniqueness_error") && !rest_is_lasting(a) ?
	    REST_REPEAT : REST_FAIL;
}

static int
shrink_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	set_start(c, rq, "POST");
	preq_path(rq, "actions");
	preq_path(rq, "remove_records");
	preq_json(rq, json_pack("{s:o}", "records", our_records(c)));
	return 0;
}

static int
wait_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct hetzner *x = c->priv;

	preq_start(rq, "GET", "/actions");
	preq_path(rq, x->action_id);
	return 0;
}

static enum rest_next
wait_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *status = jsonx_str(a->json, "action.status");
	const char *code = jsonx_str(a->json, "action.error.code");
	const char *why = jsonx_str(a->json, "action.error.message");

	if (status != NULL && strcmp(status, "running") == 0)
		return REST_POLL;
	if (status != NULL && strcmp(status, "success") == 0)
		return REST_DONE;
	(void)error_set(err, ERR_TRANSIENT, "hetzner:action",
	    "the change ended with status \"%s\": %s: %s",
	    status == NULL ? "" : status, code == NULL ? "" : code,
	    why == NULL ? "no reason given" : why);
	return REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, add_read_reply, add_read_refused },
	{ "add record", extend_request, action_reply, extend_refused },
	{ "create set", create_request, action_reply, create_refused },
	{ "wait", wait_request, wait_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, remove_read_reply, gone_is_done },
	{ "remove record", shrink_request, action_reply, gone_is_done },
	{ "wait", wait_request, wait_reply, NULL },
	{ .name = NULL }
};

const struct provider provider_hetzner = {
	.name = "hetzner",
	.title = "Hetzner DNS",
	.doc = "Hetzner Console, the project that holds the zone, Security, "
	    "API tokens: a token with Read & Write. Tokens of the old DNS "
	    "Console are of no use: move the zone to the Console first. "
	    "lego: HETZNER_API_TOKEN.",
	.opts = opts,
	.base_url = "https://api.hetzner.cloud/v1",
	.takes_caa = true,
	.no_zone_help = "a token sees the zones of its own project only",
	.priv_size = sizeof(struct hetzner),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
