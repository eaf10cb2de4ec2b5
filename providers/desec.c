/* SPDX-License-Identifier: MIT */
/*
 * desec - deSEC (https://desec.readthedocs.io/).  Whole sets are replaced and
 * there is no precondition, so a set is read, written and read back.  Writes
 * are scarce (15 a minute for a domain): all values go in one.
 */
#include <stdlib.h>
#include <string.h>

#include "providers/provider.h"

enum { OPT_TOKEN, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TOKEN] = { .name = "token", .required = true, .secret = true,
	    .help = "API token" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 1, .max = 86400,
	    .help = "TTL of new record sets in seconds; raised to the "
	    "domain's minimum_ttl, mostly 3600" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of values that the set held when it was read. */
struct desec {
	json_int_t	 ttl;		/* of the set; 0: there is none */
	bool		 is_written;
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_token(rq, "Token", provider_str(c->values, OPT_TOKEN));
	return 0;
}

/* {"ttl":["Ensure ..."]}; in bulk requests one such object in an array. */
static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *all = json_is_array(a->json) ?
	    json_array_get(a->json, 0) : a->json, *why;
	const char *field;
	void *it = json_object_iter((json_t *)all);

	if (it == NULL)
		return;
	field = json_object_iter_key(it);
	why = json_array_get(json_object_iter_value(it), 0);
	if (json_is_string(why))
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s: %s",
		    a->status, field, json_string_value(why));
	if (a->status == 409 && !rest_is_lasting(a))
		err->kind = ERR_TRANSIENT;
}

/* They say which domain a name belongs to; the id is its minimum_ttl. */
static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/domains/");
	preq_query(rq, "owns_qname", c->fqdn);
	return 0;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *zones = rest_entries(a, "", NULL, err), *z;
	const char *name;

	if (zones == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		z = json_array_get(zones, i);
		name = jsonx_str(z, "name");
		if (name == NULL || !provider_name_is(name, c->zone))
			continue;
		(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%lld",
		    (long long)jsonx_number(z, "minimum_ttl", 3600));
		return REST_NEXT;
	}
	return REST_NO_ZONE;
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[256], path[640];

	(void)text_printf(path, sizeof(path), "/domains/%s/rrsets/%s/%s/",
	    c->zone, provider_relative(c->fqdn, c->zone, "@", name,
	    sizeof(name)), provider_type(c));
	preq_start(rq, "GET", path);
	return 0;
}

/* Before the change and after it: is it as it should be? */
static enum rest_next
judge(struct provider_call *c)
{
	const struct desec *x = c->priv;

	if (provider_set_holds(c, c->memo) == provider_wanted(c))
		return REST_DONE;
	return x->is_written ? REST_REPEAT : REST_NEXT;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *values = rest_array(a, "records", err);
	struct desec *x = c->priv;

	if (values == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_deep_copy(values);
	x->ttl = jsonx_number(a->json, "ttl", 0);
	return judge(c);
}

static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct desec *x = c->priv;

	if (a->status != 404)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_array();
	x->ttl = 0;
	return judge(c);
}

/* A bulk request of one set: it creates, replaces, and removes if empty. */
static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct desec *x = c->priv;
	json_t *values = provider_set_changed(c, c->memo, c->is_add);
	json_int_t ttl = x->ttl, least = strtol(c->zone_id, NULL, 10);
	char name[256], path[320];

	if (ttl == 0)
		ttl = provider_int(c->values, OPT_TTL);
	if (ttl < least)
		ttl = least;
	x->is_written = true;
	(void)text_printf(path, sizeof(path), "/domains/%s/rrsets/", c->zone);
	preq_start(rq, "PUT", path);
	preq_json(rq, json_pack("[{s:s, s:s, s:I, s:o}]", "subname",
	    provider_relative(c->fqdn, c->zone, "", name, sizeof(name)),
	    "type", provider_type(c), "ttl", ttl, "records", values));
	return 0;
}

static const struct provider_step steps[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, read_refused },
	{ "write records", write_request, NULL, NULL },
	{ "read back", read_request, read_reply, read_refused },
	{ .name = NULL }
};

const struct provider provider_desec = {
	.name = "desec",
	.title = "deSEC",
	.doc = "desec.io, Token Management: a token, best with a policy that "
	    "allows writing TXT sets of the subnames in question only. "
	    "lego: DESEC_TOKEN.",
	.opts = opts,
	.takes_batch = true,
	.takes_caa = true,
	.base_url = "https://desec.io/api/v1",
	.priv_size = sizeof(struct desec),
	.prepare = prepare,
	.failed = failed,
	.add = steps,
	.remove = steps,
};
