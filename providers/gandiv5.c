/* SPDX-License-Identifier: MIT */
/*
 * gandiv5 - Gandi LiveDNS, API v5 (https://api.gandi.net/docs/livedns/).
 *
 * Whole sets are replaced and there is no precondition, except that POST
 * creates only.  So a set is read, written and read back, and all that again
 * if somebody else wrote in between.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_TOKEN, OPT_API_KEY, OPT_SHARING_ID, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "personal_access_token", .secret = true,
	    .help = "personal access token" },
	[OPT_API_KEY] = { .name = "api_key", .secret = true,
	    .help = "API key of the old kind, instead of a token" },
	[OPT_SHARING_ID] = { .name = "sharing_id",
	    .help = "id of the organisation, if it is not the usual one" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 300, .max = 2592000,
	    .help = "TTL of new record sets in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of values that the set held when it was read. */
struct gandi {
	json_int_t	 ttl;		/* of the set; ours if there is none */
	bool		 exists;	/* the set */
	bool		 is_written;
};

static int
check(const struct provider_values *v, struct error *err)
{
	if ((provider_str(v, OPT_TOKEN) == NULL) ==
	    (provider_str(v, OPT_API_KEY) == NULL))
		return error_set(err, ERR_CONFIG, "gandiv5:options",
		    "set personal_access_token or api_key");
	return 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *token = provider_str(c->values, OPT_TOKEN);
	const char *sharing_id = provider_str(c->values, OPT_SHARING_ID);

	if (token != NULL)
		preq_token(rq, "Bearer", token);
	else
		preq_token(rq, "Apikey", provider_str(c->values, OPT_API_KEY));
	if (sharing_id != NULL)
		preq_query(rq, "sharing_id", sharing_id);
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *what = jsonx_str(a->json, "errors.0.name");
	const char *why = jsonx_str(a->json, "errors.0.description");

	if (why != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s: %s",
		    a->status, what == NULL ? "request" : what, why);
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/domains");
	preq_path(rq, c->zone);
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (jsonx_copy_str(a->json, "fqdn", c->zone_id, PROVIDER_ZONE_ID_SIZE,
	    err) == -1)
		return REST_FAIL;
	return REST_NEXT;
}

/* 403: not among the domains that the token was made for. */
static enum rest_next
zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 || a->status == 403 ? REST_NO_ZONE :
	    REST_FAIL;
}

static void
set_start(struct provider_call *c, struct preq *rq, const char *method)
{
	char name[256];

	preq_start(rq, method, "/domains");
	preq_path(rq, c->zone);
	preq_path(rq, "records");
	preq_path(rq, provider_relative(c->fqdn, c->zone, "@", name,
	    sizeof(name)));
	preq_path(rq, "TXT");
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	set_start(c, rq, "GET");
	return 0;
}

/* Before the change and after it: is it as it should be? */
static enum rest_next
judge(struct provider_call *c)
{
	const struct gandi *x = c->priv;

	if (provider_set_holds(c, c->memo) == provider_wanted(c))
		return REST_DONE;
	return x->is_written ? REST_REPEAT : REST_NEXT;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *values = rest_array(a, "rrset_values", err);
	struct gandi *x = c->priv;

	if (values == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_deep_copy(values);
	x->ttl = jsonx_number(a->json, "rrset_ttl",
	    provider_int(c->values, OPT_TTL));
	x->exists = true;
	return judge(c);
}

static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct gandi *x = c->priv;

	if (a->status != 404)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_array();
	x->ttl = provider_int(c->values, OPT_TTL);
	x->exists = false;
	return judge(c);
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct gandi *x = c->priv;
	json_t *values = provider_set_changed(c, c->memo, c->is_add);

	x->is_written = true;
	if (json_array_size(values) == 0) {
		json_decref(values);
		set_start(c, rq, "DELETE");
		return 0;
	}
	set_start(c, rq, x->exists ? "PUT" : "POST");
	preq_json(rq, json_pack("{s:I, s:o}", "rrset_ttl", x->ttl,
	    "rrset_values", values));
	return 0;
}

/* Somebody made the set since it was read. */
static enum rest_next
add_write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 409 && !rest_is_lasting(a) ? REST_REPEAT :
	    REST_FAIL;
}

static enum rest_next
remove_write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_NEXT : REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, read_reply, read_refused },
	{ "write records", write_request, NULL, add_write_refused },
	{ "read back", read_request, read_reply, read_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, read_reply, read_refused },
	{ "write records", write_request, NULL, remove_write_refused },
	{ "read back", read_request, read_reply, read_refused },
	{ .name = NULL }
};

const struct provider provider_gandiv5 = {
	.name = "gandiv5",
	.title = "Gandi LiveDNS",
	.doc = "account.gandi.net, Authentication: a personal access token "
	    "with \"Manage domain name technical configurations\" for the "
	    "domains in question. lego: GANDIV5_PERSONAL_ACCESS_TOKEN, "
	    "GANDIV5_API_KEY.",
	.opts = opts,
	.check = check,
	.takes_batch = true,
	.base_url = "https://api.gandi.net/v5/livedns",
	.no_zone_help = "a token that is not for the domain sees no zone",
	.priv_size = sizeof(struct gandi),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
