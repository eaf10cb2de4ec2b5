/* SPDX-License-Identifier: MIT */
/*
 * godaddy - GoDaddy Domains API v1 (https://developer.godaddy.com/doc).
 * Values are appended one by one; to remove one, the whole set is written
 * without it and read back.
 */
#include <string.h>

#include "providers/provider.h"

#define GAP_MS 1000			/* 60 requests a minute are allowed */

enum { OPT_KEY, OPT_SECRET, OPT_SHOPPER, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "production key" },
	[OPT_SECRET] = { .name = "api_secret", .required = true,
	    .secret = true, .help = "its secret" },
	[OPT_SHOPPER] = { .name = "shopper_id",
	    .help = "customer's id, for resellers" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "600", .min = 600, .max = 86400,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of records that the set held when it was read. */
struct godaddy {
	size_t	at;			/* of the batch, to be added */
	size_t	n_blank;		/* records without text */
	bool	is_written;		/* the set; to be read back */
	bool	is_blind;		/* nothing can be read */
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *shopper = provider_str(c->values, OPT_SHOPPER);
	char token[300];

	if (!text_printf(token, sizeof(token), "%s:%s",
	    provider_str(c->values, OPT_KEY),
	    provider_str(c->values, OPT_SECRET)))
		return error_set(err, ERR_CONFIG, "provider:options",
		    "api_key and api_secret are too long");
	preq_token(rq, "sso-key", token);
	explicit_bzero(token, sizeof(token));
	if (shopper != NULL)
		preq_header(rq, "X-Shopper-Id", shopper);
	return 0;
}

static bool
is_code(const struct rest_answer *a, const char *want)
{
	const char *code = jsonx_str(a->json, "code");

	return code != NULL && strcmp(code, want) == 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *field = jsonx_str(a->json, "fields.0.message");
	const char *code = jsonx_str(a->json, "code");
	int64_t wait_s = jsonx_number(a->json, "retryAfterSec", 0);

	if (code != NULL)
		(void)error_set(err, err->kind, err->code, "%s (%s)%s%s",
		    err->msg, code, field == NULL ? "" : ": ",
		    field == NULL ? "" : field);
	if (is_code(a, "ACCESS_DENIED"))
		(void)error_set(err, err->kind, err->code, "%s; GoDaddy does "
		    "not let this key do that: is the domain in its account, "
		    "and is it a production key?", err->msg);
	if (err->kind == ERR_RATELIMIT && wait_s > 0 && wait_s < 86400)
		err->retry_at = clock_now() + (time_t)wait_s;
}

static const char *
relative(const struct provider_call *c, char out[256])
{
	return provider_relative(c->fqdn, c->zone, "@", out, 256);
}

static void
set_start(struct provider_call *c, struct preq *rq, const char *method)
{
	char name[256];

	preq_start(rq, method, "/v1/domains");
	preq_path(rq, c->zone);
	preq_path(rq, "records");
	preq_path(rq, "TXT");
	preq_path(rq, relative(c, name));
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	set_start(c, rq, "GET");
	return 0;
}

/*
 * This tells as well whether they have the zone: 404 "... or does not have a
 * zone file", 422 for what could be no domain at all, 403 for that of others.
 * The domain itself is not asked for: small accounts may not, and zones that
 * are only hosted there have none.
 */
static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 || a->status == 422 || a->status == 403 ?
	    REST_NO_ZONE : REST_FAIL;
}

/* Some accounts may write and not read: the write tells of the zone then. */
static enum rest_next
add_read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (a->status != 403)
		return read_refused(c, a, err);
	((struct godaddy *)c->priv)->is_blind = true;
	return REST_NEXT;
}

static bool
is_held(const struct provider_call *c, const char *value)
{
	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		const char *s = jsonx_str(json_array_get(c->memo, i), "data");

		if (s != NULL && provider_txt_is(s, value))
			return true;
	}
	return false;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *records = rest_array(a, "", err);

	if (records == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_deep_copy(records);
	return REST_NEXT;
}

static size_t
count_blank(const struct provider_call *c)
{
	size_t n = 0;

	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		const char *s = jsonx_str(json_array_get(c->memo, i), "data");

		n += s != NULL && s[strspn(s, " ")] == '\0';
	}
	return n;
}

static enum rest_next
add_read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (read_reply(c, a, err) == REST_FAIL)
		return REST_FAIL;
	((struct godaddy *)c->priv)->n_blank = count_blank(c);
	return REST_NEXT;
}

/* The next value of the batch that is missing; skipped if there is none. */
static int
append_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct godaddy *x = c->priv;
	char name[256];

	while (x->at < c->n_batch && is_held(c, c->batch[x->at]))
		x->at++;
	if (x->at == c->n_batch)
		return 0;
	preq_start(rq, "PATCH", "/v1/domains");
	preq_path(rq, c->zone);
	preq_path(rq, "records");
	preq_json(rq, json_pack("[{s:s, s:s, s:s, s:I}]", "type", "TXT",
	    "name", relative(c, name), "data", c->batch[x->at],
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum rest_next
append_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	((struct godaddy *)c->priv)->at++;
	((struct godaddy *)c->priv)->is_written = true;
	return REST_AGAIN;
}

static enum rest_next
append_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct godaddy *x = c->priv;

	if (is_code(a, "DUPLICATE_RECORD"))
		return append_reply(c, a, err);
	return x->is_blind ? read_refused(c, a, err) : REST_FAIL;
}

static int
read_back_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct godaddy *x = c->priv;

	return !x->is_written || x->is_blind ? 0 : read_request(c, rq, err);
}

/* With "domain protection" the record is there and its text is not. */
static enum rest_next
read_back_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct godaddy *x = c->priv;

	if (read_reply(c, a, err) == REST_FAIL)
		return REST_FAIL;
	if (is_held(c, c->value) || count_blank(c) <= x->n_blank)
		return REST_DONE;
	(void)error_set(err, ERR_CONFIG, "godaddy:protection",
	    "GoDaddy stored the record without its text, as it does where "
	    "domain protection is on: turn it off for %s", c->zone);
	return REST_FAIL;
}

/* Before the change and after it: is any of ours still there? */
static enum rest_next
remove_read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct godaddy *x = c->priv;

	if (read_reply(c, a, err) == REST_FAIL)
		return REST_FAIL;
	for (size_t i = 0; i < c->n_batch; i++) {
		if (is_held(c, c->batch[i]))
			return x->is_written ? REST_REPEAT :
			    REST_NEXT;
	}
	return REST_DONE;
}

/* All that is not ours; older tools left records of a blank. */
static json_t *
others(const struct provider_call *c)
{
	json_t *rest = json_array();

	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		json_t *r = json_array_get(c->memo, i);
		const char *s = jsonx_str(r, "data");

		if (s == NULL || (s[strspn(s, " ")] != '\0' &&
		    !provider_in_batch(c, s)))
			json_array_append(rest, r);
	}
	return rest;
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	json_t *rest = others(c);

	((struct godaddy *)c->priv)->is_written = true;
	if (json_array_size(rest) == 0) {
		json_decref(rest);
		set_start(c, rq, "DELETE");
		return 0;
	}
	set_start(c, rq, "PUT");
	preq_json(rq, rest);
	return 0;
}

static enum rest_next
write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_NEXT : REST_FAIL;
}

static const struct provider_step add[] = {
	{ "read records", read_request, add_read_reply, add_read_refused },
	{ "add record", append_request, append_reply, append_refused },
	{ "read back", read_back_request, read_back_reply, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "read records", read_request, remove_read_reply, read_refused },
	{ "write records", write_request, NULL, write_refused },
	{ "read back", read_request, remove_read_reply, NULL },
	{ .name = NULL }
};

const struct provider provider_godaddy = {
	.name = "godaddy",
	.title = "GoDaddy",
	.doc = "developer.godaddy.com, API Keys: a production key (it may do "
	    "everything; keys cannot be restricted). The account needs a "
	    "domain of its own, and domain protection must be off. lego "
	    "knows the key as GODADDY_API_KEY and "
	    "GODADDY_API_SECRET, acme.sh as GD_Key and GD_Secret.",
	.opts = opts,
	.takes_batch = true,
	.base_url = "https://api.godaddy.com",
	.no_zone_help = "the domain must be in the account of this key",
	.priv_size = sizeof(struct godaddy),
	.gap_ms = GAP_MS,
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
