/* SPDX-License-Identifier: MIT */
/*
 * azuredns - Azure DNS, public zones, through the Azure Resource Manager
 * (https://learn.microsoft.com/rest/api/dns/).  Whole sets; every write is
 * conditional on the ETag that was read.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/scheme_oauth.h"
#include "providers/azure.h"
#include "providers/credentials.h"
#include "providers/provider.h"

#define API_VERSION "2018-05-01"

enum { OPT_TENANT, OPT_CLIENT, OPT_SECRET, OPT_SUBSCRIPTION, OPT_GROUP,
    OPT_ENVIRONMENT, OPT_AUTHORITY, OPT_TTL };

static const struct provider_opt opts[] = {
	[OPT_TENANT] = { .name = "tenant_id", .required = true,
	    .help = "directory (tenant) id" },
	[OPT_CLIENT] = { .name = "client_id", .required = true,
	    .help = "application (client) id" },
	[OPT_SECRET] = { .name = "client_secret", .required = true,
	    .secret = true, .help = "value of the client secret, not its id" },
	[OPT_SUBSCRIPTION] = { .name = "subscription_id", .required = true,
	    .help = "subscription that has the zone" },
	[OPT_GROUP] = { .name = "resource_group",
	    .help = "of the zone; then the zones of the subscription are not "
	    "listed" },
	[OPT_ENVIRONMENT] = { .name = "environment", .fallback = "public",
	    .help = "public, china or usgovernment" },
	[OPT_AUTHORITY] = { .name = "authority_host",
	    .help = "address of the token service, if not the usual one" },
	[OPT_TTL] = { .name = "ttl", .type = PROVIDER_OPT_INT,
	    .fallback = "60", .min = 1, .max = 2147483647,
	    .help = "TTL of the records in seconds" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

/*
 * c->memo is the set that was read, or NULL; c->zone_id the resource group,
 * since the zone's whole id can be longer than the room there is.
 */
struct azuredns {
	struct oauth_use use;
	char	skip_name[32];		/* of the zones' next page, or "" */
	char	skip_token[2048];
	char	group[PROVIDER_ZONE_ID_SIZE];	/* that has the zone, or "" */
};

static const struct azure_environment *
environment_of(const struct provider_values *values)
{
	return azure_environment(provider_str(values, OPT_ENVIRONMENT));
}

static int
check(const struct provider_values *values, struct error *err)
{
	return azure_check_environment(provider_str(values, OPT_ENVIRONMENT),
	    err);
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct azuredns *x = c->priv;

	if (!x->use.has_token)
		return 0;
	preq_base(rq, environment_of(c->values)->manager);
	preq_query(rq, "api-version", API_VERSION);
	oauth_prepare(c->keep, &x->use, rq);
	return 0;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const char *const config[] = { "SubscriptionNotFound",
	    "ResourceGroupNotFound", "InvalidSubscriptionId",
	    "AuthorizationFailed" };
	const struct azuredns *x = c->priv;
	const char *code = jsonx_str(a->json, "error.code");

	oauth_failed(c->keep, &x->use, a, err);
	if (code == NULL)
		code = jsonx_str(a->json, "code");
	if (code == NULL)
		return;
	for (size_t i = 0; i < sizeof(config) / sizeof(config[0]); i++) {
		if (strcmp(code, config[i]) == 0)
			err->kind = ERR_CONFIG;
	}
	if (strcmp(code, "ScopeLocked") == 0)
		(void)error_set(err, ERR_CONFIG, "provider:locked", "%s",
		    err->msg);
	(void)error_set(err, err->kind, err->code, "%s (%s)", err->msg, code);
}

static int
token_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct azure_app app = {
		.environment = environment_of(c->values),
		.authority = provider_str(c->values, OPT_AUTHORITY),
		.tenant = provider_str(c->values, OPT_TENANT),
		.client = provider_str(c->values, OPT_CLIENT),
		.secret = provider_str(c->values, OPT_SECRET),
	};
	struct azuredns *x = c->priv;

	if (!oauth_take(c->keep, &x->use, provider_fetched(c->values,
	    AZURE_MANAGER_TOKEN)) && !oauth_is_fresh(c->keep, &x->use))
		azure_token_start(rq, &app, app.environment->manager);
	return 0;
}

static enum rest_next
token_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct azuredns *x = c->priv;

	return oauth_read(c->keep, &x->use, a, err) == -1 ? REST_FAIL :
	    REST_NEXT;
}

static void
subscription_start(struct provider_call *c, struct preq *rq,
    const char *method)
{
	preq_start(rq, method, "/subscriptions");
	preq_path(rq, provider_str(c->values, OPT_SUBSCRIPTION));
}

/* /subscriptions/S/resourceGroups/G/providers/Microsoft.Network/dnsZones/Z */
static void
zone_start(struct provider_call *c, struct preq *rq, const char *method,
    const char *group)
{
	subscription_start(c, rq, method);
	preq_path(rq, "resourceGroups");
	preq_path(rq, group);
	preq_path(rq, "providers");
	preq_path(rq, "Microsoft.Network");
	preq_path(rq, "dnsZones");
	preq_path(rq, c->zone);
}

/* The zone itself, if its group is known; else all of the subscription. */
static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const char *group = provider_str(c->values, OPT_GROUP);
	const struct azuredns *x = c->priv;

	if (c->zone_id[0] != '\0')
		return 0;
	if (group != NULL) {
		zone_start(c, rq, "GET", group);
		return 0;
	}
	subscription_start(c, rq, "GET");
	preq_path(rq, "providers");
	preq_path(rq, "Microsoft.Network");
	preq_path(rq, "dnszones");
	if (x->skip_name[0] != '\0')
		preq_query(rq, x->skip_name, x->skip_token);
	return 0;
}

/* Copy text up to '&', percent-decoded. */
static bool
decode(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && *text != '&'; text++) {
		char hex[3] = "", c = *text;

		if (c == '%') {
			if (!isxdigit((unsigned char)text[1]) ||
			    !isxdigit((unsigned char)text[2]))
				return false;
			hex[0] = text[1];
			hex[1] = text[2];
			c = (char)strtol(hex, NULL, 16);
			text += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return n > 0;
}

/*
 * Of "nextLink" only the skip token is taken, so that no answer can send our
 * token elsewhere.  False if there is a next page and it cannot be asked for.
 */
static bool
next_page(struct azuredns *x, const struct rest_answer *a)
{
	const char *link = jsonx_str(a->json, "nextLink"), *at, *begin;

	x->skip_name[0] = '\0';
	if (link == NULL || link[0] == '\0')
		return true;
	at = strcasestr(link, "skiptoken=");
	if (at == NULL)
		return false;
	begin = at > link && at[-1] == '$' ? at - 1 : at;
	(void)text_printf(x->skip_name, sizeof(x->skip_name), "%.*s",
	    (int)(at - begin) + (int)strlen("skiptoken"), begin);
	/* Or "%24skiptoken=". */
	if (at - link >= 3 && strncmp(at - 3, "%24", 3) == 0)
		(void)text_printf(x->skip_name, sizeof(x->skip_name),
		    "$%.*s", (int)strlen("skiptoken"), at);
	return decode(at + strlen("skiptoken="), x->skip_token,
	    sizeof(x->skip_token));
}

/* The segment behind /resourceGroups/. */
static bool
group_copy(const char *id, char *out, size_t size)
{
	static const char before[] = "/resourceGroups/";
	const char *at = id == NULL ? NULL : strcasestr(id, before);
	size_t len;

	if (at == NULL)
		return false;
	at += strlen(before);
	len = strcspn(at, "/");
	return len > 0 && text_printf(out, size, "%.*s", (int)len, at);
}

/* Groups may have zones of the same name, of which one is delegated to. */
static int
zone_found(struct provider_call *c, const json_t *zone, struct error *err)
{
	struct azuredns *x = c->priv;

	if (x->group[0] != '\0')
		return error_set(err, ERR_CONFIG, "azuredns:zones",
		    "several resource groups have a zone %s; set "
		    "resource_group", c->zone);
	if (group_copy(jsonx_str(zone, "id"), x->group, sizeof(x->group)))
		return 0;
	return error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the zone has no usable id");
}

static enum rest_next
zone_done(struct provider_call *c)
{
	struct azuredns *x = c->priv;

	if (x->group[0] == '\0')
		return REST_NO_ZONE;
	(void)text_printf(c->zone_id, PROVIDER_ZONE_ID_SIZE, "%s", x->group);
	return REST_NEXT;
}

static enum rest_next
zone_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct azuredns *x = c->priv;
	const json_t *zones;

	if (provider_str(c->values, OPT_GROUP) != NULL)
		return zone_found(c, a->json, err) == -1 ? REST_FAIL :
		    zone_done(c);
	zones = rest_entries(a, "value", NULL, err);
	if (zones == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(zones); i++) {
		const json_t *z = json_array_get(zones, i);
		const char *name = jsonx_str(z, "name");
		const char *kind = jsonx_str(z, "properties.zoneType");

		if (name != NULL && provider_name_is(name, c->zone) &&
		    (kind == NULL || strcmp(kind, "Public") == 0) &&
		    zone_found(c, z, err) == -1)
			return REST_FAIL;
	}
	if (!next_page(x, a)) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the list of zones goes on in a way not understood");
		return REST_FAIL;
	}
	return x->skip_name[0] != '\0' ? REST_AGAIN : zone_done(c);
}

/* The group may be missing rather than the zone: that is no NO_ZONE. */
static enum rest_next
zone_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *code = jsonx_str(a->json, "error.code");

	return a->status == 404 && code != NULL &&
	    strcmp(code, "ResourceNotFound") == 0 ? REST_NO_ZONE :
	    REST_FAIL;
}

static void
set_start(struct provider_call *c, struct preq *rq, const char *method)
{
	char name[256];

	zone_start(c, rq, method, c->zone_id);
	preq_path(rq, provider_type(c));
	preq_path(rq, provider_relative(c->fqdn, c->zone, "@", name,
	    sizeof(name)));
}

static int
read_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	set_start(c, rq, "GET");
	return 0;
}

/* As they are written; the case of the names of members does not matter to
 * Azure, and its answers have had both. */
static const char *
set_member(const struct provider_call *c)
{
	return c->is_caa ? "caaRecords" : "TXTRecords";
}

/* What was read; NULL: it has none. */
static const json_t *
set_records(const struct provider_call *c, const json_t *set)
{
	const json_t *records = jsonx_get(set, c->is_caa ?
	    "properties.caaRecords" : "properties.TXTRecords");

	return records == NULL && c->is_caa ? jsonx_get(set,
	    "properties.CAARecords") : records;
}

/* {"flags": 0, "tag": "issue", "value": "..."} */
static bool
caa_record_is(const json_t *record, const char *value)
{
	const char *tag = jsonx_str(record, "tag");
	const char *there = jsonx_str(record, "value");
	struct provider_caa ours;

	return provider_caa_read(value, &ours) && tag != NULL &&
	    there != NULL && strcasecmp(tag, ours.tag) == 0 &&
	    strcmp(there, ours.value) == 0 &&
	    jsonx_number(record, "flags", -1) == (json_int_t)ours.flags;
}

static json_t *
record_new(const struct provider_call *c, const char *value)
{
	struct provider_caa caa;

	if (!c->is_caa)
		return json_pack("{s:[s]}", "value", value);
	(void)provider_caa_read(value, &caa);
	return json_pack("{s:i, s:s, s:s}", "flags", (int)caa.flags, "tag",
	    caa.tag, "value", caa.value);
}

/* {"value": ["...", "..."]}: the strings are to be joined. */
static bool
txt_record_is(const json_t *record, const char *value)
{
	const json_t *parts = json_object_get(record, "value");
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
record_is(const struct provider_call *c, const json_t *record,
    const char *value)
{
	return c->is_caa ? caa_record_is(record, value) :
	    txt_record_is(record, value);
}

/* How many values of the batch does the set hold? */
static size_t
held(const struct provider_call *c)
{
	const json_t *records = set_records(c, c->memo);
	size_t n = 0;

	for (size_t i = 0; i < c->n_batch; i++) {
		for (size_t j = 0; j < json_array_size(records); j++) {
			if (record_is(c, json_array_get(records, j),
			    c->batch[i])) {
				n++;
				break;
			}
		}
	}
	return n;
}

static enum rest_next
read_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (!json_is_array(set_records(c, a->json)) && rest_array(a,
	    "properties.TXTRecords", err) == NULL)
		return REST_FAIL;
	if (jsonx_str(a->json, "etag") == NULL) {
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "the set has no etag");
		return REST_FAIL;
	}
	json_decref(c->memo);
	c->memo = json_copy((json_t *)(uintptr_t)a->json);
	return held(c) == provider_wanted(c) ? REST_DONE : REST_NEXT;
}

/* There is no such set; but ParentResourceNotFound: no such zone. */
static bool
is_no_set(const struct rest_answer *a)
{
	const char *code = jsonx_str(a->json, "error.code");

	if (code == NULL)
		code = jsonx_str(a->json, "code");
	return a->status == 404 && code != NULL &&
	    (strcmp(code, "NotFound") == 0 ||
	    strcmp(code, "ResourceNotFound") == 0);
}

static enum rest_next
add_read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return is_no_set(a) ? REST_NEXT : REST_FAIL;
}

static enum rest_next
remove_read_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return is_no_set(a) ? REST_DONE : REST_FAIL;
}

static int
write_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const json_t *old = set_records(c, c->memo);
	json_t *metadata = jsonx_get(c->memo, "properties.metadata");
	json_t *records = json_array(), *properties;
	const char *etag = jsonx_str(c->memo, "etag");

	for (size_t i = 0; i < json_array_size(old); i++) {
		json_t *r = json_array_get(old, i);
		bool is_ours = false;

		for (size_t j = 0; j < c->n_batch; j++)
			is_ours |= record_is(c, r, c->batch[j]);
		if (!is_ours)
			json_array_append(records, r);
	}
	for (size_t i = 0; c->is_add && i < c->n_batch; i++)
		json_array_append_new(records, record_new(c, c->batch[i]));
	set_start(c, rq, json_array_size(records) == 0 ? "DELETE" : "PUT");
	if (etag != NULL)
		preq_header(rq, "If-Match", etag);
	else
		preq_header(rq, "If-None-Match", "*");
	if (json_array_size(records) == 0) {
		json_decref(records);
		return 0;
	}
	properties = json_pack("{s:I, s:o}", "TTL", (json_int_t)jsonx_number(
	    c->memo, "properties.TTL", provider_int(c->values, OPT_TTL)),
	    set_member(c), records);
	if (metadata != NULL)
		json_object_set(properties, "metadata", metadata);
	preq_json(rq, json_pack("{s:o}", "properties", properties));
	return 0;
}

/* The set as it is now. */
static enum rest_next
write_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (jsonx_str(a->json, "etag") != NULL)
		return REST_DONE;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the set that was written has no etag");
	return REST_FAIL;
}

/*
 * Somebody was faster (412), or is still being served.  Other conflicts last:
 * a lock on the zone, a CNAME at the name.
 */
static enum rest_next
write_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	static const char *const busy[] = { "AnotherOperationInProgress",
	    "RetryableError", "in progress", "concurrent", NULL };

	return a->status == 412 || (a->status == 409 &&
	    !rest_is_lasting(a) && rest_says(a, busy)) ||
	    is_no_set(a) ? REST_REPEAT : REST_FAIL;
}

static const struct provider_step add[] = {
	{ "get token", token_request, token_reply, NULL },
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, read_reply, add_read_refused },
	{ "write records", write_request, write_reply, write_refused },
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "get token", token_request, token_reply, NULL },
	{ "find zone", zone_request, zone_reply, zone_refused },
	{ "read records", read_request, read_reply,
	    remove_read_refused },
	{ "write records", write_request, NULL, write_refused },
	{ .name = NULL }
};

const struct provider provider_azuredns = {
	.name = "azuredns",
	.title = "Azure DNS",
	.doc = "Microsoft Entra ID, App registrations: an application with a "
	    "client secret, or the identity of this machine or pod, which "
	    "credentials of type azure take.  Give it the role DNS Zone "
	    "Contributor on the zone, or on its record set "
	    "TXT/_acme-challenge with Reader on the zone.  lego's "
	    "AZURE_TENANT_ID, AZURE_CLIENT_ID, AZURE_CLIENT_SECRET, "
	    "AZURE_SUBSCRIPTION_ID, "
	    "AZURE_RESOURCE_GROUP, AZURE_ENVIRONMENT.",
	.opts = opts,
	.credentials = "azure",
	.scope = AZURE_FOR_MANAGER,
	.check = check,
	.base_url = "https://management.azure.com",
	.no_zone_help = "the application sees only zones that it has a role "
	    "on",
	.takes_batch = true,
	.takes_caa = true,
	.keep_size = sizeof(struct oauth),
	.priv_size = sizeof(struct azuredns),
	.prepare = prepare,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
