/* SPDX-License-Identifier: MIT */
/*
 * ns1 - NS1 Connect, API v1 (https://developer.ibm.com/apis/catalog/ns1--ibm-
 * ns1-connect-api).  Whole sets ("records" with "answers"), without a
 * precondition: the set is read, written and read back, and all that again if
 * somebody else wrote in between.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_KEY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "API key that may view and manage zones" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 1, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of answers that was read; NULL: no such set. */
struct ns1 {
	bool	is_written;		/* the set; to be read back */
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_secret_header(rq, "X-NSONE-Key",
	    provider_str(c->values, OPT_KEY));
	return 0;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/v1/zones");
	preq_path(rq, c->zone);
	preq_query(rq, "records", "false");
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "zone", c->zone_id,
	    PROVIDER_ZONE_ID_SIZE, err) == -1 ? REST_FAIL : REST_NEXT;
}

static enum rest_next
zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_NO_ZONE : REST_FAIL;
}

static void
set_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v1/zones");
	preq_path(rq, c->zone);
	preq_path(rq, c->fqdn);
	preq_path(rq, "TXT");
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	set_start(c, rq, "GET");
	return 0;
}

/* An answer is an array of strings, to be joined. */
static bool
answer_is(const json_t *answer, const char *value)
{
	const json_t *parts = json_object_get(answer, "answer");
	char text[300] = "";

	for (size_t i = 0; i < json_array_size(parts); i++) {
		const char *s = json_string_value(json_array_get(parts, i));
		size_t n = strlen(text);

		if (s == NULL || !text_printf(text + n, sizeof(text) - n,
		    "%s", s))
			return false;
	}
	return provider_txt_is(text, value);
}

static bool
answer_is_ours(const struct provider_call *c, const json_t *answer)
{
	for (size_t i = 0; i < c->n_batch; i++) {
		if (answer_is(answer, c->batch[i]))
			return true;
	}
	return false;
}

/* How many values of the batch does the set hold? */
static size_t
held(const struct provider_call *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(c->memo); j++) {
			if (answer_is(json_array_get(c->memo, j),
			    c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

/* Before the change and after it: is it as it should be? */
static enum rest_next
compare(struct provider_call *c)
{
	const struct ns1 *x = c->priv;

	if (held(c) == provider_wanted(c))
		return REST_DONE;
	return x->is_written ? REST_REPEAT : REST_NEXT;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *answers = rest_array(a, "answers", err);

	if (answers == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_copy((json_t *)(uintptr_t)answers);
	return compare(c);
}

/* "record not found": there is no set; the zone was there just now. */
static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *words = jsonx_str(a->json, "message");

	if (a->status != 404 || words == NULL ||
	    strstr(words, "record not found") == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = NULL;
	return compare(c);
}

/* What the set holds beside the batch, as it was read. */
static json_t *
others(const struct provider_call *c)
{
	json_t *out = json_array();

	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		json_t *answer = json_array_get(c->memo, i);

		if (!answer_is_ours(c, answer))
			json_array_append(out, answer);
	}
	return out;
}

/* PUT creates; POST changes the members sent and keeps all else. */
static int
add_write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct ns1 *x = c->priv;
	json_t *answers = others(c);

	for (size_t i = 0; i < c->n_batch; i++)
		json_array_append_new(answers, json_pack("{s:[s]}", "answer",
		    c->batch[i]));
	x->is_written = true;
	if (c->memo != NULL) {
		set_start(c, rq, "POST");
		preq_json(rq, json_pack("{s:o}", "answers", answers));
		return 0;
	}
	set_start(c, rq, "PUT");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I, s:o}", "zone",
	    c->zone, "domain", c->fqdn, "type", "TXT", "ttl",
	    (json_int_t)provider_int(c->values, OPT_TTL),
	    "answers", answers));
	return 0;
}

static int
remove_write_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	struct ns1 *x = c->priv;
	json_t *answers = others(c);

	x->is_written = true;
	if (json_array_size(answers) == 0) {
		json_decref(answers);
		set_start(c, rq, "DELETE");
		return 0;
	}
	set_start(c, rq, "POST");
	preq_json(rq, json_pack("{s:o}", "answers", answers));
	return 0;
}

/* Somebody made the set, or deleted it, since it was read. */
static enum rest_next
write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *words = jsonx_str(a->json, "message");

	return words != NULL && ((a->status == 400 &&
	    strstr(words, "already exists") != NULL &&
	    !rest_is_lasting(a)) || (a->status == 404 &&
	    strstr(words, "record not found") != NULL)) ? REST_REPEAT :
	    REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, read_reply, read_refused },
	{ "write records", add_write_request, NULL, write_refused },
	{ "read back", read_request, read_reply, read_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, read_reply, read_refused },
	{ "write records", remove_write_request, NULL, write_refused },
	{ "read back", read_request, read_reply, read_refused },
	{ .name = NULL }
};

const struct provider provider_ns1 = {
	.name = "ns1",
	.title = "NS1 Connect",
	.doc = "Account settings, API keys: a key with View zones and Manage "
	    "zones, restricted to the zone.  lego's NS1_API_KEY.",
	.opts = opts,
	.base_url = "https://api.nsone.net",
	.no_zone_help = "a restricted key sees only its zones",
	.takes_batch = true,
	.priv_size = sizeof(struct ns1),
	.prepare = prepare,
	.add = add,
	.remove = remove_,
};
