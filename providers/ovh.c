/* SPDX-License-Identifier: MIT */
/*
 * ovh - OVHcloud, domain zones (https://eu.api.ovh.com/console/).  One object
 * for each value; a refresh publishes what was changed.  Requests are signed
 * with OVH's own time.
 */
#include <string.h>

#include "providers/provider.h"
#include "providers/scheme_ovh.h"

enum { OPT_ENDPOINT, OPT_APPLICATION_KEY, OPT_APPLICATION_SECRET,
    OPT_CONSUMER_KEY, OPT_ACCESS_TOKEN, OPT_TTL, OPT_BASE_URL };

static const struct provider_opt opts[] = {
	[OPT_ENDPOINT] = { .name = "endpoint", .fallback = "ovh-eu",
	    .help = "ovh-eu, ovh-ca, ovh-us, kimsufi-eu, kimsufi-ca, "
	    "soyoustart-eu or soyoustart-ca" },
	[OPT_APPLICATION_KEY] = { .name = "application_key",
	    .help = "application key" },
	[OPT_APPLICATION_SECRET] = { .name = "application_secret",
	    .secret = true, .help = "application secret" },
	[OPT_CONSUMER_KEY] = { .name = "consumer_key", .secret = true,
	    .help = "consumer key" },
	[OPT_ACCESS_TOKEN] = { .name = "access_token", .secret = true,
	    .help = "access token, instead of the three keys" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 60, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	[OPT_BASE_URL] = PROVIDER_BASE_OPT,
	PROVIDER_ZONE_OPTS,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/* c->memo is the array of ids of the records at our name. */
struct ovh {
	size_t	at;			/* in the array */
	char	record_id[32];		/* "": not there */
	bool	is_public;		/* the request: not to be signed */
};

struct ovh_keep {
	bool		 has_skew;
	long long	 skew;		/* OVH's clock minus ours, seconds */
};

static const char *
endpoint_url(const struct provider_values *v)
{
	static const struct { const char *name, *url; } all[] = {
		{ "ovh-eu", "https://eu.api.ovh.com/1.0" },
		{ "ovh-ca", "https://ca.api.ovh.com/1.0" },
		{ "ovh-us", "https://api.us.ovhcloud.com/1.0" },
		{ "kimsufi-eu", "https://eu.api.kimsufi.com/1.0" },
		{ "kimsufi-ca", "https://ca.api.kimsufi.com/1.0" },
		{ "soyoustart-eu", "https://eu.api.soyoustart.com/1.0" },
		{ "soyoustart-ca", "https://ca.api.soyoustart.com/1.0" },
	};
	const char *name = provider_str(v, OPT_ENDPOINT);

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i].name, name) == 0)
			return all[i].url;
	}
	return NULL;
}

static int
check(const struct provider_values *v, struct error *err)
{
	bool has_token = provider_str(v, OPT_ACCESS_TOKEN) != NULL;
	int n = (provider_str(v, OPT_APPLICATION_KEY) != NULL) +
	    (provider_str(v, OPT_APPLICATION_SECRET) != NULL) +
	    (provider_str(v, OPT_CONSUMER_KEY) != NULL);

	if (endpoint_url(v) == NULL)
		return error_set(err, ERR_CONFIG, "ovh:options",
		    "endpoint \"%s\" is none of ovh-eu, ovh-ca, ovh-us, "
		    "kimsufi-eu, kimsufi-ca, soyoustart-eu, soyoustart-ca",
		    provider_str(v, OPT_ENDPOINT));
	if (n != (has_token ? 0 : 3))
		return error_set(err, ERR_CONFIG, "ovh:options",
		    "set application_key, application_secret and "
		    "consumer_key, or access_token alone");
	return 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *token = provider_str(c->values, OPT_ACCESS_TOKEN);
	const char *base = provider_str(c->values, OPT_BASE_URL);
	const struct ovh_keep *keep = c->keep;
	const struct ovh *x = c->priv;

	preq_base(rq, endpoint_url(c->values));
	if (token != NULL)
		preq_token(rq, "Bearer", token);
	else if (!x->is_public)
		scheme_ovh_sign(rq, base != NULL && strncmp(base, "http:",
		    5) == 0 ? "http" : "https", &(struct scheme_ovh){
		    .application_key = provider_str(c->values,
		    OPT_APPLICATION_KEY),
		    .application_secret = provider_str(c->values,
		    OPT_APPLICATION_SECRET),
		    .consumer_key = provider_str(c->values, OPT_CONSUMER_KEY),
		    .time = (long long)clock_now() + keep->skew });
	return 0;
}

static bool
has_code(const struct provider_answer *a, const char *code)
{
	const char *s = jsonx_str(a->json, "errorCode");

	return s != NULL && strcmp(s, code) == 0;
}

static void
failed(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	static const char *const credentials[] = { "INVALID_CREDENTIAL",
	    "INVALID_KEY", "INVALID_SIGNATURE", "NOT_CREDENTIAL" };
	const char *code = jsonx_str(a->json, "errorCode");
	struct ovh_keep *keep = c->keep;
	char msg[400];

	if (code != NULL) {
		(void)text_printf(msg, sizeof(msg), "%s", err->msg);
		(void)error_set(err, err->kind, err->code, "%s (%s)", msg,
		    code);
	}
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]);
	    i++) {
		if (has_code(a, credentials[i]))
			err->kind = ERR_CONFIG;
	}
	if (a->status == 409)		/* another task runs on the zone */
		err->kind = ERR_TRANSIENT;
	if (has_code(a, "QUERY_TIME_OUT")) {
		/* A clock was set since: ask for theirs again. */
		keep->has_skew = false;
		err->kind = ERR_TRANSIENT;
	}
}

static int
time_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct ovh_keep *keep = c->keep;

	if (keep->has_skew || provider_str(c->values, OPT_ACCESS_TOKEN) != NULL)
		return 0;
	preq_start(rq, "GET", "/auth/time");
	((struct ovh *)c->priv)->is_public = true;
	return 0;
}

static enum provider_next
time_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	struct ovh_keep *keep = c->keep;

	if (!json_is_integer(a->json)) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer is no time: %.100s", a->body);
		return PROVIDER_FAIL;
	}
	keep->skew = json_integer_value(a->json) - (long long)clock_now();
	keep->has_skew = true;
	((struct ovh *)c->priv)->is_public = false;
	return PROVIDER_NEXT;
}

static void
zone_start(struct provider_call *c, struct preq *rq, const char *method,
    const char *what)
{
	preq_start(rq, method, "/domain/zone");
	preq_path(rq, c->zone);
	preq_path(rq, what);
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

	zone_start(c, rq, "GET", "record");
	preq_query(rq, "fieldType", "TXT");
	preq_query(rq, "subDomain", relative(c, name));
	return 0;
}

static enum provider_next
find_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const json_t *ids = provider_array(a, "", err);

	if (ids == NULL)
		return PROVIDER_FAIL;
	c->memo = json_deep_copy(ids);
	return PROVIDER_NEXT;
}

/* A consumer key may be good for some zones and not for their parents. */
static enum provider_next
find_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 || has_code(a, "NOT_GRANTED_CALL") ?
	    PROVIDER_NO_ZONE : PROVIDER_FAIL;
}

/* The id at place i of the array; "" behind its end. */
static const char *
id_at(const struct provider_call *c, size_t i, char id[32])
{
	char path[24];
	struct error err;

	id[0] = '\0';
	(void)text_printf(path, sizeof(path), "%zu", i);
	(void)jsonx_copy_str(c->memo, path, id, 32, &err);
	return id;
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct ovh *x = c->priv;
	char id[32];

	/* The id kept from add spares the look at each. */
	for (size_t i = 0; i < json_array_size(c->memo); i++) {
		if (c->handle[0] != '\0' &&
		    strcmp(id_at(c, i, id), c->handle) == 0)
			(void)text_printf(x->record_id, sizeof(x->record_id),
			    "%s", id);
	}
	if (x->record_id[0] != '\0' || x->at >= json_array_size(c->memo))
		return 0;
	zone_start(c, rq, "GET", "record");
	preq_path(rq, id_at(c, x->at, id));
	return 0;
}

static enum provider_next
read_next(struct provider_call *c)
{
	struct ovh *x = c->priv;

	return ++x->at < json_array_size(c->memo) ? PROVIDER_AGAIN :
	    PROVIDER_NEXT;
}

static enum provider_next
read_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	const char *type = jsonx_str(a->json, "fieldType");
	const char *target = jsonx_str(a->json, "target");
	struct ovh *x = c->priv;

	if (type == NULL || target == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer is no record: %.100s", a->body);
		return PROVIDER_FAIL;
	}
	if (strcmp(type, "TXT") != 0 || !provider_txt_is(target, c->value))
		return read_next(c);
	(void)id_at(c, x->at, x->record_id);
	return PROVIDER_NEXT;
}

/* Gone since it was listed. */
static enum provider_next
read_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? read_next(c) : PROVIDER_FAIL;
}

/* A record that is there may still lack its refresh: that follows anyway. */
static int
create_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct ovh *x = c->priv;
	char name[256];

	if (x->record_id[0] != '\0') {
		(void)text_printf(c->new_handle, c->new_handle_size, "%s",
		    x->record_id);
		return 0;
	}
	zone_start(c, rq, "POST", "record");
	preq_json(rq, json_pack("{s:s, s:s, s:s, s:I}", "fieldType", "TXT",
	    "subDomain", relative(c, name), "target", c->value,
	    "ttl", (json_int_t)provider_int(c->values, OPT_TTL)));
	return 0;
}

static enum provider_next
create_reply(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->new_handle,
	    c->new_handle_size, err) == -1 ? PROVIDER_FAIL : PROVIDER_NEXT;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct ovh *x = c->priv;

	if (x->record_id[0] == '\0')
		return 0;
	zone_start(c, rq, "DELETE", "record");
	preq_path(rq, x->record_id);
	return 0;
}

static enum provider_next
delete_refused(struct provider_call *c, const struct provider_answer *a,
    struct error *err)
{
	return a->status == 404 ? PROVIDER_NEXT : PROVIDER_FAIL;
}

/* Once, behind the last value. */
static int
refresh_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (c->n_after == 0)
		zone_start(c, rq, "POST", "refresh");
	return 0;
}

static const struct provider_step add[] = {
	{ "get time", time_request, time_reply, NULL },
	{ "find records", find_request, find_reply, find_refused },
	{ "read record", read_request, read_reply, read_refused },
	{ "create record", create_request, create_reply, NULL },
	{ "refresh", refresh_request, NULL, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "get time", time_request, time_reply, NULL },
	{ "find records", find_request, find_reply, find_refused },
	{ "read record", read_request, read_reply, read_refused },
	{ "delete record", delete_request, NULL, delete_refused },
	{ "refresh", refresh_request, NULL, NULL },
	{ .name = NULL }
};

const struct provider provider_ovh = {
	.name = "ovh",
	.title = "OVHcloud",
	.doc = "https://eu.api.ovh.com/createToken/ (or that of the "
	    "endpoint): an application and a consumer key with the rights "
	    "GET and POST /domain/zone/ZONE/record, GET and DELETE "
	    "/domain/zone/ZONE/record/* and POST /domain/zone/ZONE/refresh. "
	    "lego: OVH_ENDPOINT, OVH_APPLICATION_KEY, OVH_APPLICATION_SECRET, "
	    "OVH_CONSUMER_KEY, OVH_ACCESS_TOKEN.",
	.opts = opts,
	.check = check,
	.keep_size = sizeof(struct ovh_keep),
	.base_url = "https://eu.api.ovh.com/1.0",
	.no_zone_help = "a consumer key without the right GET "
	    "/domain/zone/ZONE/record does not see the zone",
	.priv_size = sizeof(struct ovh),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
