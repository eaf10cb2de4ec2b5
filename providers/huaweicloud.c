/* SPDX-License-Identifier: MIT */
/*
 * huaweicloud - Huawei Cloud DNS, public zones, API v2
 * (https://support.huaweicloud.com/intl/en-us/api-dns/dns_api_60001.html).
 * Whole sets, without any precondition: a set is read, written with our
 * values, and watched until it is active, which also reads it back; all that
 * again if somebody else wrote in between.
 */
#include <string.h>

#include "providers/huawei.h"
#include "providers/provider.h"

#define PAGE 500			/* the most there is */
#define GAP_MS 600			/* 100 requests a minute are allowed */

enum { OPT_ID, OPT_SECRET, OPT_TOKEN, OPT_PROJECT, OPT_REGION, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_ID] = { .name = "access_key_id", .required = true,
	    .help = "access key (AK) of an IAM user" },
	[OPT_SECRET] = { .name = "secret_access_key", .required = true,
	    .secret = true, .help = "its secret key (SK)" },
	[OPT_TOKEN] = { .name = "security_token", .secret = true,
	    .help = "of temporary keys" },
	[OPT_PROJECT] = { .name = "project_id",
	    .help = "project, for keys that are restricted to one" },
	[OPT_REGION] = { .name = "region",
	    .help = "region to talk to (\"cn-north-4\"); any will do" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "300", .min = 1, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the set as it was read last, or NULL if there is none. */
struct huaweicloud {
	json_int_t offset;		/* of the page of zones */
	char	set_id[64];
	bool	is_right;		/* nothing to write, only to wait */
	bool	is_deleting;
};

static int
check(const struct provider_values *v, struct error *err)
{
	const char *region = provider_str(v, OPT_REGION);

	if (region != NULL && !huawei_is_region(region))
		return error_set(err, ERR_CONFIG, "provider:options",
		    "region: \"%s\" is not the name of a region", region);
	return 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *region = provider_str(c->values, OPT_REGION);
	char url[200];

	if (region != NULL) {
		(void)text_printf(url, sizeof(url),
		    "https://dns.%s.myhuaweicloud.com", region);
		preq_base(rq, url);
	}
	huawei_sign(rq, provider_str(c->values, OPT_PROJECT),
	    provider_str(c->values, OPT_ID),
	    provider_str(c->values, OPT_SECRET),
	    provider_str(c->values, OPT_TOKEN));
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	/* Key, rights, account. */
	if (HUAWEI_CODE(a, "DNS.0005", "DNS.0013", "DNS.0030", "DNS.0040",
	    "DNS.1802"))
		(void)error_set(err, REST_CREDENTIALS, "%s", err->msg);
	else if (HUAWEI_CODE(a, "DNS.0014", "DNS.0021"))
		(void)error_set(err, REST_THROTTLED, "%s", err->msg);
	else if (HUAWEI_CODE(a, "DNS.0403", "DNS.0404", "DNS.2002"))
		(void)error_set(err, REST_QUOTA, "%s", err->msg);
	/* The domain is suspended, frozen, or in no normal state. */
	else if (HUAWEI_CODE(a, "DNS.0209", "DNS.0213", "DNS.0214",
	    "DNS.2003", "DNS.2005", "DNS.2006"))
		(void)error_set(err, ERR_CONFIG, "huaweicloud:status", "%s",
		    err->msg);
	/* Services behind it: IAM, and others. */
	else if (HUAWEI_CODE(a, "DNS.0000", "DNS.0001", "DNS.0012",
	    "DNS.0015", "DNS.0022", "DNS.0036"))
		(void)error_set(err, REST_UNAVAILABLE, "%s", err->msg);
	huawei_failed(a, err);
}

/* name with a final dot. */
static const char *
dotted(const char *name, char out[260])
{
	(void)text_printf(out, 260, "%s.", name);
	return out;
}

static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct huaweicloud *x = c->priv;
	char name[260];

	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/v2/zones");
	preq_query(rq, "type", "public");
	preq_query(rq, "name", dotted(c->zone, name));
	preq_query_number(rq, "limit", PAGE);
	preq_query_number(rq, "offset", x->offset);
	return 0;
}

/* A zone or set in that state is not in the DNS, whatever it holds. */
static bool
is_unserved(const json_t *o)
{
	static const char *const states[] = { "FREEZE", "PENDING_FREEZE",
	    "ILLEGAL", "POLICE", "DISABLE", "PENDING_DISABLE", "ERROR" };
	const char *status = jsonx_str(o, "status");

	for (size_t i = 0; status != NULL &&
	    i < sizeof(states) / sizeof(states[0]); i++) {
		if (strcmp(status, states[i]) == 0)
			return true;
	}
	return false;
}

static enum rest_next
unserved(const char *what, const json_t *o, struct error *err)
{
	(void)error_set(err, ERR_CONFIG, "huaweicloud:status",
	    "the %s is in state %s: it is not served", what,
	    jsonx_str(o, "status"));
	return REST_FAIL;
}

/* The filter finds parts of names, too. */
static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *zones = rest_entries(a, "zones",
	    "metadata.total_count", err);
	struct huaweicloud *x = c->priv;

	if (zones == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *z = json_array_get(zones, i);
		const char *name = jsonx_str(z, "name");
		const char *type = jsonx_str(z, "zone_type");

		if (name == NULL || !provider_name_is(name, c->zone) ||
		    (type != NULL && strcmp(type, "public") != 0))
			continue;
		if (c->is_add && is_unserved(z))
			return unserved("zone", z, err);
		return jsonx_copy_str(z, "id", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1 ? REST_FAIL :
		    REST_NEXT;
	}
	x->offset += (json_int_t)json_array_size(zones);
	return json_array_size(zones) > 0 && x->offset <
	    jsonx_number(a->json, "metadata.total_count", 0) ? REST_AGAIN :
	    REST_NO_ZONE;
}

static void
sets_start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/v2/zones");
	preq_path(rq, c->zone_id);
	preq_path(rq, "recordsets");
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char name[260];

	sets_start(c, rq, "GET");
	preq_query(rq, "type", "TXT");
	preq_query(rq, "name", dotted(c->fqdn, name));
	preq_query(rq, "search_mode", "equal");
	preq_query_number(rq, "limit", PAGE);
	return 0;
}

static bool
is_our_set(const struct provider_call *c, const json_t *set)
{
	const char *name = jsonx_str(set, "name");
	const char *type = jsonx_str(set, "type");
	const char *line = jsonx_str(set, "line");

	return name != NULL && provider_name_is(name, c->fqdn) &&
	    provider_is_txt(type) &&
	    (line == NULL || strcmp(line, "default_view") == 0);
}

/* How many values of the batch does the set hold? */
static size_t
held(const struct provider_call *c, const json_t *set)
{
	const json_t *records = json_object_get(set, "records");
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(records); j++) {
			const char *s = json_string_value(
			    json_array_get(records, j));

			if (s != NULL && provider_txt_is(s, c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

static bool
is_pending(const json_t *set)
{
	const char *status = jsonx_str(set, "status");

	return status != NULL && strncmp(status, "PENDING_", 8) == 0;
}

/* Is the set as it should be? */
static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *sets = rest_entries(a, "recordsets",
	    "metadata.total_count", err);
	struct huaweicloud *x = c->priv;

	if (sets == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = NULL;
	for (size_t i = 0; c->memo == NULL && i < json_array_size(sets); i++) {
		if (is_our_set(c, json_array_get(sets, i)))
			c->memo = json_deep_copy(json_array_get(sets, i));
	}
	if (c->memo == NULL)
		return provider_wanted(c) == 0 ? REST_DONE : REST_NEXT;
	if (c->is_add && is_unserved(c->memo) &&
	    held(c, c->memo) == provider_wanted(c))
		return unserved("record set", c->memo, err);
	if (jsonx_copy_str(c->memo, "id", x->set_id, sizeof(x->set_id),
	    err) == -1)
		return REST_FAIL;
	if (json_object_get(c->memo, "records") == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "a record set without records: %.100s", a->body);
		return REST_FAIL;
	}
	if (held(c, c->memo) != provider_wanted(c))
		return is_pending(c->memo) ? REST_POLL : REST_NEXT;
	if (!is_pending(c->memo))
		return REST_DONE;
	x->is_right = true;
	return REST_NEXT;
}

/* What the set is to hold: all that is not ours, and when adding ours. */
static json_t *
wanted(const struct provider_call *c)
{
	const json_t *old = json_object_get(c->memo, "records");
	json_t *records = json_array();
	char content[300];

	for (size_t i = 0; i < json_array_size(old); i++) {
		const char *s = json_string_value(json_array_get(old, i));

		if (s != NULL && !provider_in_batch(c, s))
			json_array_append_new(records, json_string(s));
	}
	for (size_t i = 0; c->is_add && i < c->n_batch; i++) {
		(void)text_printf(content, sizeof(content), "\"%s\"",
		    c->batch[i]);
		json_array_append_new(records, json_string(content));
	}
	return records;
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct huaweicloud *x = c->priv;
	const char *description = jsonx_str(c->memo, "description");
	json_t *records, *set;
	char name[260];

	if (x->is_right)
		return 0;
	records = wanted(c);
	x->is_deleting = json_array_size(records) == 0;
	sets_start(c, rq, c->memo == NULL ? "POST" :
	    x->is_deleting ? "DELETE" : "PUT");
	if (c->memo != NULL)
		preq_path(rq, x->set_id);
	if (x->is_deleting) {
		json_decref(records);
		return 0;
	}
	set = json_pack("{s:s, s:s, s:I, s:o}", "name", dotted(c->fqdn, name),
	    "type", "TXT", "ttl", (json_int_t)jsonx_number(c->memo, "ttl",
	    provider_int(c->values, OPT_TTL)), "records", records);
	if (description != NULL)
		json_object_set_new(set, "description",
		    json_string(description));
	preq_json(rq, set);
	return 0;
}

static enum rest_next
write_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct huaweicloud *x = c->priv;

	return !x->is_deleting && jsonx_copy_str(a->json, "id", x->set_id,
	    sizeof(x->set_id), err) == -1 ? REST_FAIL : REST_NEXT;
}

/* Somebody was faster: made the set, deleted it, or is changing it. */
static enum rest_next
write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return HUAWEI_CODE(a, "DNS.0312", "DNS.0335", "DNS.0313", "DNS.0004",
	    "DNS.0016") && !rest_is_lasting(a) ? REST_REPEAT :
	    REST_FAIL;
}

static int
wait_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	sets_start(c, rq, "GET");
	preq_path(rq, ((struct huaweicloud *)c->priv)->set_id);
	return 0;
}

/* Until it is active, and then: is it still what was written? */
static enum rest_next
wait_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *status = jsonx_str(a->json, "status");

	if (is_pending(a->json) && !is_unserved(a->json))
		return REST_POLL;
	if (status == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the record set has no status");
		return REST_FAIL;
	}
	if (is_unserved(a->json) && (c->is_add ||
	    strcmp(status, "ERROR") == 0))
		return unserved("record set", a->json, err);
	return held(c, a->json) == provider_wanted(c) ? REST_DONE :
	    REST_REPEAT;
}

/* The set is gone. */
static enum rest_next
add_wait_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_REPEAT : REST_FAIL;
}

static enum rest_next
remove_wait_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_DONE : REST_FAIL;
}

static const struct provider_step add[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, NULL },
	{ "write records", write_request, write_reply, write_refused },
	{ "wait", wait_request, wait_reply, add_wait_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "find zone", zone_request, zone_reply, NULL },
	{ "read records", read_request, read_reply, NULL },
	{ "write records", write_request, write_reply, write_refused },
	{ "wait", wait_request, wait_reply, remove_wait_refused },
	{ .name = NULL }
};

const struct provider provider_huaweicloud = {
	.name = "huaweicloud",
	.title = "Huawei Cloud DNS",
	.doc = "IAM console: a user with programmatic access and an access "
	    "key (AK/SK). It needs dns:zone:list, dns:recordset:list, "
	    "dns:recordset:get, dns:recordset:create, dns:recordset:update "
	    "and dns:recordset:delete (or DNS FullAccess). lego knows the "
	    "key as HUAWEICLOUD_ACCESS_KEY_ID, "
	    "HUAWEICLOUD_SECRET_ACCESS_KEY and HUAWEICLOUD_REGION.",
	.opts = opts,
	.credentials = "huaweicloud",
	.check = check,
	.takes_batch = true,
	.base_url = "https://dns.myhuaweicloud.com",
	.no_zone_help = "only public zones of the account of this key are "
	    "seen",
	.priv_size = sizeof(struct huaweicloud),
	.gap_ms = GAP_MS,
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
