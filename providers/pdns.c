/* SPDX-License-Identifier: MIT */
/*
 * pdns - the HTTP API of the PowerDNS Authoritative Server
 * (https://doc.powerdns.com/authoritative/http-api/), from 4.0 on.
 *
 * Newer servers (4.9.12, 5.0.2) add and remove single records of a set:
 * EXTEND and PRUNE.  Older ones replace whole sets: the set is read, written
 * and read back, and all that again if somebody else wrote in between.
 */
#include <string.h>

#include "providers/provider.h"

enum { OPT_BASE_URL, OPT_API_KEY, OPT_SERVER_ID, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_BASE_URL] = { .name = "base_url", .required = true,
	    .help = "address of the API, \"http://127.0.0.1:8081\"" },
	[OPT_API_KEY] = { .name = "api_key", .required = true, .secret = true,
	    .help = "the server's api-key" },
	[OPT_SERVER_ID] = { .name = "server_id", .fallback = "localhost",
	    .help = "as in /api/v1/servers/ID" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 0, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of records that the set held when it was read. */
struct pdns {
	json_int_t	 ttl;		/* of the set; ours if there is none */
	bool		 is_primary;	/* secondaries want to be told */
	bool		 is_written;	/* the set; to be read back */
	bool		 is_done;
};

/* For the daemon's life: what this server cannot do. */
struct pdns_keep {
	bool		 no_extend;
};

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	preq_secret_header(rq, "X-API-Key",
	    provider_str(c->values, OPT_API_KEY));
	return 0;
}

static bool
ends_in(const char *s, size_t len, const char *end)
{
	size_t n = strlen(end);

	return len >= n && strncmp(s + len - n, end, n) == 0;
}

/* Other tools want the beginning of the API's path in their address. */
static const char *
api_path(const struct provider_call *c)
{
	const char *base = provider_str(c->values, OPT_BASE_URL);
	size_t len = strlen(base);

	while (len > 0 && base[len - 1] == '/')
		len--;
	return ends_in(base, len, "/api/v1") ? "/servers" :
	    ends_in(base, len, "/api") ? "/v1/servers" : "/api/v1/servers";
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method)
{
	char zone[256];

	(void)text_printf(zone, sizeof(zone), "%s.", c->zone);
	preq_start(rq, method, api_path(c));
	preq_path(rq, provider_str(c->values, OPT_SERVER_ID));
	preq_path(rq, "zones");
	preq_path(rq, zone);
}

/* The set; a zone that does not exist is noticed on the way. */
static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char fqdn[256];

	(void)text_printf(fqdn, sizeof(fqdn), "%s.", c->fqdn);
	zone_start(c, rq, "GET");
	preq_query(rq, "rrset_name", fqdn);
	preq_query(rq, "rrset_type", provider_type(c));
	return 0;
}

static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	/* Before 4.3 a missing zone was 422 "Could not find domain". */
	return a->status == 404 || (a->status == 422 &&
	    strstr(a->body, "Could not find") != NULL) ? REST_NO_ZONE :
	    REST_FAIL;
}

/* Servers before 4.6 do not filter. */
static bool
is_our_set(const struct provider_call *c, const json_t *set)
{
	const char *name = jsonx_str(set, "name");
	const char *type = jsonx_str(set, "type");

	return name != NULL && provider_is_type(c, type) &&
	    provider_name_is(name, c->fqdn);
}

static int
read_set(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *sets = rest_entries(a, "rrsets", NULL, err), *set;
	const char *kind = jsonx_str(a->json, "kind");
	struct pdns *x = c->priv;

	if (sets == NULL)
		return -1;
	x->is_primary = kind != NULL && (strcasecmp(kind, "Master") == 0 ||
	    strcasecmp(kind, "Primary") == 0);
	json_decref(c->memo);
	c->memo = json_array();
	x->ttl = provider_int(c->values, OPT_TTL);
	for (size_t i = 0; i < json_array_size(sets); i++) {
		set = json_array_get(sets, i);
		if (!is_our_set(c, set))
			continue;
		x->ttl = jsonx_number(set, "ttl", x->ttl);
		json_array_extend(c->memo, json_object_get(set, "records"));
	}
	return 0;
}

/* How many values of the batch does the set show? */
static size_t
held(const struct provider_call *c)
{
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(c->memo); j++) {
			const json_t *r = json_array_get(c->memo, j);
			const char *s = jsonx_str(r, "content");

			if (s != NULL && provider_value_is(c, s,
			    c->batch[i]) &&
			    !jsonx_bool(r, "disabled", false)) {
				n++;
				break;
			}
		}
	}
	return n;
}

/* Before the change and after it: is it as it should be? */
static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct pdns *x = c->priv;

	if (read_set(c, a, err) == -1)
		return REST_FAIL;
	if (held(c) != provider_wanted(c))
		return x->is_written ? REST_REPEAT : REST_NEXT;
	x->is_done = true;
	return x->is_written ? REST_NEXT : REST_DONE;
}

static json_t *
our_record(const struct provider_call *c, const char *value)
{
	char content[PROVIDER_CONTENT_SIZE];

	return json_pack("{s:s, s:b}", "content", provider_content(c, value,
	    content), "disabled", 0);
}

/* One change of our set. */
static json_t *
change(const struct provider_call *c, const char *type,
    json_t *records /* taken */)
{
	const struct pdns *x = c->priv;
	char fqdn[256];

	(void)text_printf(fqdn, sizeof(fqdn), "%s.", c->fqdn);
	return json_pack("{s:s, s:s, s:I, s:s, s:o}", "name", fqdn,
	    "type", provider_type(c), "ttl", x->ttl, "changetype", type,
	    "records", records);
}

static void
patch(struct provider_call *c, struct preq *rq, json_t *changes /* taken */)
{
	zone_start(c, rq, "PATCH");
	preq_json(rq, json_pack("{s:o}", "rrsets", changes));
}

/* EXTEND and PRUNE want a change for each record. */
static int
single_request(struct provider_call *c, struct preq *rq, const char *type)
{
	const struct pdns_keep *keep = c->keep;
	json_t *changes;

	if (keep->no_extend)
		return 0;
	changes = json_array();
	for (size_t i = 0; i < c->n_batch; i++)
		json_array_append_new(changes, change(c, type,
		    json_pack("[o]", our_record(c, c->batch[i]))));
	patch(c, rq, changes);
	return 0;
}

static int
extend_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	return single_request(c, rq, "EXTEND");
}

static int
prune_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	return single_request(c, rq, "PRUNE");
}

static enum rest_next
single_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	((struct pdns *)c->priv)->is_done = true;
	return REST_NEXT;
}

static enum rest_next
single_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct pdns_keep *keep = c->keep;

	/* "Changetype not understood", "Changetype 'EXTEND' is not ..." */
	if ((a->status == 422 || a->status == 400) &&
	    strcasestr(a->body, "changetype") != NULL) {
		keep->no_extend = true;
		return REST_NEXT;
	}
	/* Somebody made the set, with another TTL, since it was read. */
	if (a->status == 422 && strstr(a->body, "TTL") != NULL)
		return REST_REPEAT;
	return REST_FAIL;
}

static int
replace_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct pdns *x = c->priv;
	json_t *records;

	if (x->is_done)
		return 0;
	records = json_array();
	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		json_t *r = json_array_get(c->memo, i);
		const char *s = jsonx_str(r, "content");

		if (s == NULL || !provider_in_batch(c, s))
			json_array_append(records, r);
	}
	for (size_t i = 0; c->is_add && i < c->n_batch; i++)
		json_array_append_new(records, our_record(c, c->batch[i]));
	x->is_written = true;
	patch(c, rq, json_pack("[o]", change(c,
	    json_array_size(records) == 0 ? "DELETE" : "REPLACE", records)));
	return 0;
}

static int
read_back_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct pdns *x = c->priv;

	return x->is_done ? 0 : read_request(c, rq, err);
}

/* Else secondaries hear of the change within a minute only. */
static int
notify_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct pdns *x = c->priv;

	if (!x->is_primary)
		return 0;
	zone_start(c, rq, "PUT");
	preq_path(rq, "notify");
	return 0;
}

/* The change is made, and the wait for propagation has the last word. */
static enum rest_next
notify_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return REST_DONE;
}

static const struct provider_step add[] = {
	{ "read records", read_request, read_reply, read_refused },
	{ "add records", extend_request, single_reply, single_refused },
	{ "write records", replace_request, NULL, NULL },
	{ "read back", read_back_request, read_reply, NULL },
	{ "notify", notify_request, NULL, notify_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "read records", read_request, read_reply, read_refused },
	{ "remove records", prune_request, single_reply, single_refused },
	{ "write records", replace_request, NULL, NULL },
	{ "read back", read_back_request, read_reply, NULL },
	{ "notify", notify_request, NULL, notify_refused },
	{ .name = NULL }
};

const struct provider provider_pdns = {
	.name = "pdns",
	.title = "PowerDNS",
	.doc = "pdns.conf: api=yes, api-key=..., webserver=yes and "
	    "webserver-allow-from with the address of this machine.  "
	    "The key may change all zones of the server.  lego: PDNS_API_URL, "
	    "PDNS_API_KEY, PDNS_SERVER_NAME.",
	.opts = opts,
	.keep_size = sizeof(struct pdns_keep),
	.takes_batch = true,
	.takes_caa = true,
	.priv_size = sizeof(struct pdns),
	.prepare = prepare,
	.add = add,
	.remove = remove_,
};
