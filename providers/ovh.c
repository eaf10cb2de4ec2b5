/* SPDX-License-Identifier: MIT */
/*
 * ovh - OVHcloud, domain zones (https://eu.api.ovh.com/console/).  One object
 * for each value; a refresh publishes what was changed.  Requests are signed
 * with OVH's own time, or have a token: fetched for a service account, or
 * given.
 */
#include <string.h>

#include "daemon/rest/scheme_oauth.h"
#include "providers/provider.h"
#include "providers/scheme_ovh.h"

enum { OPT_ENDPOINT, OPT_APPLICATION_KEY, OPT_APPLICATION_SECRET,
    OPT_CONSUMER_KEY, OPT_CLIENT_ID, OPT_CLIENT_SECRET, OPT_TOKEN_URL,
    OPT_ACCESS_TOKEN, OPT_TTL, OPT_BASE_URL };

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
	[OPT_CLIENT_ID] = { .name = "client_id",
	    .help = "OAuth2 service account, instead of the three keys" },
	[OPT_CLIENT_SECRET] = { .name = "client_secret", .secret = true,
	    .help = "the service account's secret" },
	[OPT_TOKEN_URL] = { .name = "token_url",
	    .help = "address of the token service, if not the endpoint's" },
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
	struct oauth_use use;
};

struct ovh_keep {
	struct oauth	 oauth;
	bool		 has_skew;
	long long	 skew;		/* OVH's clock minus ours, seconds */
};

#define TOKEN_EU "https://www.ovh.com/auth/oauth2/token"
#define TOKEN_CA "https://ca.ovh.com/auth/oauth2/token"
#define TOKEN_US "https://us.ovhcloud.com/auth/oauth2/token"

struct endpoint {
	const char	*name, *url, *token_url;
};

static const struct endpoint endpoints[] = {
	{ "ovh-eu", "https://eu.api.ovh.com/1.0", TOKEN_EU },
	{ "ovh-ca", "https://ca.api.ovh.com/1.0", TOKEN_CA },
	{ "ovh-us", "https://api.us.ovhcloud.com/1.0", TOKEN_US },
	{ "kimsufi-eu", "https://eu.api.kimsufi.com/1.0", TOKEN_EU },
	{ "kimsufi-ca", "https://ca.api.kimsufi.com/1.0", TOKEN_CA },
	{ "soyoustart-eu", "https://eu.api.soyoustart.com/1.0", TOKEN_EU },
	{ "soyoustart-ca", "https://ca.api.soyoustart.com/1.0", TOKEN_CA },
};

static const struct endpoint *
endpoint_of(const struct provider_values *v)
{
	const char *name = provider_str(v, OPT_ENDPOINT);

	for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		if (strcmp(endpoints[i].name, name) == 0)
			return &endpoints[i];
	}
	return NULL;
}

/* How many of these options are set. */
static int
count(const struct provider_values *v, const int *opt, int n)
{
	int found = 0;

	for (int i = 0; i < n; i++)
		found += provider_str(v, opt[i]) != NULL;
	return found;
}

static int
check(const struct provider_values *v, struct error *err)
{
	static const int keys[] = { OPT_APPLICATION_KEY,
	    OPT_APPLICATION_SECRET, OPT_CONSUMER_KEY };
	static const int client[] = { OPT_CLIENT_ID, OPT_CLIENT_SECRET };
	static const int token[] = { OPT_ACCESS_TOKEN };
	int n_keys = count(v, keys, 3), n_client = count(v, client, 2);
	int n_token = count(v, token, 1);

	if (endpoint_of(v) == NULL)
		return error_set(err, ERR_CONFIG, "ovh:options",
		    "endpoint \"%s\" is not one of ovh-eu, ovh-ca, ovh-us, "
		    "kimsufi-eu, kimsufi-ca, soyoustart-eu, soyoustart-ca",
		    provider_str(v, OPT_ENDPOINT));
	if (n_keys % 3 != 0 || n_client % 2 != 0 ||
	    n_keys / 3 + n_client / 2 + n_token != 1)
		return error_set(err, ERR_CONFIG, "ovh:options",
		    "set application_key, application_secret and "
		    "consumer_key, or client_id and client_secret, or "
		    "access_token");
	return 0;
}

static bool
is_signed(const struct provider_call *c)
{
	return provider_str(c->values, OPT_APPLICATION_KEY) != NULL;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *token = provider_str(c->values, OPT_ACCESS_TOKEN);
	const char *base = provider_str(c->values, OPT_BASE_URL);
	const struct ovh_keep *keep = c->keep;
	const struct ovh *x = c->priv;

	preq_base(rq, endpoint_of(c->values)->url);
	if (token != NULL)
		preq_token(rq, "Bearer", token);
	else if (!is_signed(c))
		oauth_prepare(&keep->oauth, &x->use, rq);
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
has_code(const struct rest_answer *a, const char *code)
{
	const char *s = jsonx_str(a->json, "errorCode");

	return s != NULL && strcmp(s, code) == 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const char *const credentials[] = { "INVALID_CREDENTIAL",
	    "INVALID_KEY", "INVALID_SIGNATURE", "NOT_CREDENTIAL" };
	const char *code = jsonx_str(a->json, "errorCode");
	struct ovh_keep *keep = c->keep;
	const struct ovh *x = c->priv;
	char msg[400];

	if (provider_str(c->values, OPT_CLIENT_ID) != NULL)
		oauth_failed(&keep->oauth, &x->use, a, err);
	if (code != NULL) {
		(void)text_printf(msg, sizeof(msg), "%s", err->msg);
		(void)error_set(err, err->kind, err->code, "%s (%s)", msg,
		    code);
	}
	for (size_t i = 0; i < sizeof(credentials) / sizeof(credentials[0]);
	    i++) {
		if (has_code(a, credentials[i]))
			(void)error_set(err, ERR_CONFIG,
			    "provider:credentials", "%s", err->msg);
	}
	/* Another task runs on the zone. */
	if (a->status == 409 && !rest_is_lasting(a))
		err->kind = ERR_TRANSIENT;
	if (has_code(a, "QUERY_TIME_OUT")) {
		/* A clock was set since: ask for theirs again. */
		keep->has_skew = false;
		err->kind = ERR_TRANSIENT;
	}
}

static int
token_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *client_id = provider_str(c->values, OPT_CLIENT_ID);
	const char *url = provider_str(c->values, OPT_TOKEN_URL);
	const struct ovh_keep *keep = c->keep;
	struct ovh *x = c->priv;

	if (client_id == NULL || oauth_is_fresh(&keep->oauth, &x->use))
		return 0;
	preq_start(rq, "POST", url != NULL ? url :
	    endpoint_of(c->values)->token_url);
	preq_form(rq, "grant_type", "client_credentials");
	preq_form(rq, "client_id", client_id);
	preq_form(rq, "client_secret",
	    provider_str(c->values, OPT_CLIENT_SECRET));
	preq_form(rq, "scope", "all");
	return 0;
}

static enum rest_next
token_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct ovh_keep *keep = c->keep;
	struct ovh *x = c->priv;

	return oauth_read(&keep->oauth, &x->use, a, err) == -1 ?
	    REST_FAIL : REST_NEXT;
}

static int
time_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct ovh_keep *keep = c->keep;

	if (keep->has_skew || !is_signed(c))
		return 0;
	preq_start(rq, "GET", "/auth/time");
	((struct ovh *)c->priv)->is_public = true;
	return 0;
}

static enum rest_next
time_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct ovh_keep *keep = c->keep;

	if (!json_is_integer(a->json)) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer is not a time: %.100s", a->body);
		return REST_FAIL;
	}
	keep->skew = json_integer_value(a->json) - (long long)clock_now();
	keep->has_skew = true;
	((struct ovh *)c->priv)->is_public = false;
	return REST_NEXT;
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

static enum rest_next
find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *ids = rest_entries(a, "", NULL, err);

	if (ids == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_deep_copy(ids);
	return REST_NEXT;
}

/* A consumer key may be good for some zones and not for their parents. */
static enum rest_next
find_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 || has_code(a, "NOT_GRANTED_CALL") ?
	    REST_NO_ZONE : REST_FAIL;
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

static enum rest_next
read_next(struct provider_call *c)
{
	struct ovh *x = c->priv;

	return ++x->at < json_array_size(c->memo) ? REST_AGAIN :
	    REST_NEXT;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *type = jsonx_str(a->json, "fieldType");
	const char *target = jsonx_str(a->json, "target");
	struct ovh *x = c->priv;

	if (type == NULL || target == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the answer is not a record: %.100s", a->body);
		return REST_FAIL;
	}
	if (!provider_is_txt(type) || !provider_txt_is(target, c->value))
		return read_next(c);
	(void)id_at(c, x->at, x->record_id);
	return REST_NEXT;
}

/* Gone since it was listed. */
static enum rest_next
read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? read_next(c) : REST_FAIL;
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

static enum rest_next
create_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return jsonx_copy_str(a->json, "id", c->new_handle,
	    c->new_handle_size, err) == -1 ? REST_FAIL : REST_NEXT;
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

static enum rest_next
delete_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return a->status == 404 ? REST_NEXT : REST_FAIL;
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
	{ "get token", token_request, token_reply, NULL },
	{ "get time", time_request, time_reply, NULL },
	{ "find records", find_request, find_reply, find_refused },
	{ "read record", read_request, read_reply, read_refused },
	{ "create record", create_request, create_reply, NULL },
	{ "refresh", refresh_request, NULL, NULL },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "get token", token_request, token_reply, NULL },
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
	    "OVH_CONSUMER_KEY, OVH_CLIENT_ID, OVH_CLIENT_SECRET, "
	    "OVH_ACCESS_TOKEN.",
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
