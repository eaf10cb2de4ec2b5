/* SPDX-License-Identifier: MIT */
/*
 * netcup - netcup CCP DNS
 * (https://ccp.netcup.net/run/webservice/servers/endpoint.php).  Everything
 * is a POST within a login session.  Records are sent as a list of which those
 * without an id are added and those marked are deleted; ids may change with
 * any update, so that values alone are trusted.  For the domains in netcup's
 * CloudDNS see netcup_cloud.c.
 */
#include <string.h>
#include <strings.h>

#include "providers/netcup.h"

#define SESSION_MS (INT64_C(13) * 60 * 1000)	/* of 15 minutes */

#define NEW_KEY 64			/* characters of a key of the new API */
#define CODE_NO_SESSION 4001
#define CODE_INVALID 4013		/* or too many requests */
#define CODE_NO_DOMAIN 5028
#define CODE_NO_RECORDS 5029
#define CODE_NO_ZONE 5031		/* of infoDnsZone */

static const struct provider_opt opts[] = {
	[NETCUP_CUSTOMER_NUMBER] = { .name = "customer_number",
	    .help = "as for the login to the CCP; not for CloudDNS" },
	[NETCUP_API_KEY] = { .name = "api_key", .required = true,
	    .secret = true, .help = "CCP, Master Data, API; alone for "
	    "CloudDNS" },
	[NETCUP_API_PASSWORD] = { .name = "api_password", .secret = true,
	    .help = "CCP, Master Data, API; not for CloudDNS" },
	PROVIDER_ZONE_OPTS,
	PROVIDER_BASE_OPT,
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};

struct netcup_keep {
	char	session[256];		/* "": not logged in */
	int64_t	until;			/* monotonic */
};

static int
check(const struct provider_values *v, struct error *err)
{
	bool is_new = strlen(provider_str(v, NETCUP_API_KEY)) == NEW_KEY;
	bool has_number = provider_str(v, NETCUP_CUSTOMER_NUMBER) != NULL;
	bool has_password = provider_str(v, NETCUP_API_PASSWORD) != NULL;

	if (is_new && (has_number || has_password))
		return error_set(err, ERR_CONFIG, "netcup:options",
		    "api_key has %d characters and is for CloudDNS, which "
		    "has no customer_number and api_password: remove them, "
		    "or use a legacy key, as the CCP's DNS API wants",
		    NEW_KEY);
	if (!is_new && (!has_number || !has_password))
		return error_set(err, ERR_CONFIG, "netcup:options",
		    "%s is not set: the CCP's DNS API wants customer_number, "
		    "api_key and api_password, CloudDNS an api_key of %d "
		    "characters alone", has_number ? "api_password" :
		    "customer_number", NEW_KEY);
	return 0;
}

static int
prepare(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (netcup_is_cloud(c->values))
		preq_token(rq, "Bearer",
		    provider_str(c->values, NETCUP_API_KEY));
	return 0;
}

static void
action(struct preq *rq, const char *name, json_t *param /* taken */)
{
	preq_start(rq, "POST", "");
	preq_query_word(rq, "JSON");
	preq_json(rq, json_pack("{s:s, s:o}", "action", name, "param", param));
}

static json_t *
session_param(struct provider_call *c)
{
	const struct netcup_keep *keep = c->keep;

	return json_pack("{s:s, s:s, s:s, s:s}",
	    "customernumber", provider_str(c->values, NETCUP_CUSTOMER_NUMBER),
	    "apikey", provider_str(c->values, NETCUP_API_KEY),
	    "apisessionid", keep->session, "domainname", c->zone);
}

static bool
is_refusal(const struct rest_answer *a)
{
	const char *status = jsonx_str(a->json, "status");

	return (status != NULL && strcmp(status, "error") == 0) ||
	    !jsonx_bool(a->json, "success", true);	/* CloudDNS */
}

static bool
has_code(const struct rest_answer *a, int64_t code)
{
	return jsonx_number(a->json, "statuscode", 0) == code;
}

static void
failed(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const struct netcup_keep *keep = c->keep;
	const char *words = jsonx_str(a->json, "longmessage");
	int64_t code = jsonx_number(a->json, "statuscode", 0);

	if (netcup_is_cloud(c->values)) {
		netcup_cloud_failed(a, err);
		return;
	}
	if (words == NULL || words[0] == '\0')
		words = jsonx_str(a->json, "shortmessage");
	if (code == 0 || words == NULL)
		return;
	if (code == CODE_INVALID && strcasestr(words, "requests") != NULL)
		(void)error_set(err, ERR_RATELIMIT, "provider:throttled",
		    "%s (%lld)", words, (long long)code);
	/* Too many failed logins lock the API. */
	else if (keep->session[0] == '\0' || (code >= 4001 && code <= 4012))
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "%s (%lld)", words, (long long)code);
	else
		(void)error_set(err, err->kind, err->code, "%s (%lld)",
		    words, (long long)code);
}

static int
login_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	struct netcup_keep *keep = c->keep;

	if (netcup_is_cloud(c->values))
		return 0;
	if (keep->session[0] != '\0' && clock_mono_ms() < keep->until)
		return 0;
	keep->session[0] = '\0';
	action(rq, "login", json_pack("{s:s, s:s, s:s}",
	    "customernumber", provider_str(c->values, NETCUP_CUSTOMER_NUMBER),
	    "apikey", provider_str(c->values, NETCUP_API_KEY),
	    "apipassword", provider_str(c->values, NETCUP_API_PASSWORD)));
	return 0;
}

static enum rest_next
login_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	struct netcup_keep *keep = c->keep;
	struct netcup *x = c->priv;

	if (jsonx_copy_str(a->json, "responsedata.apisessionid",
	    keep->session, sizeof(keep->session), err) == -1)
		return REST_FAIL;
	keep->until = clock_mono_ms() + SESSION_MS;
	x->is_fresh = true;
	return REST_NEXT;
}

/* A session that ended early; one that was just begun did not. */
static enum rest_next
session_refused(struct provider_call *c, const struct rest_answer *a)
{
	struct netcup_keep *keep = c->keep;
	const struct netcup *x = c->priv;

	if (!has_code(a, CODE_NO_SESSION) || x->is_fresh)
		return REST_FAIL;
	keep->session[0] = '\0';
	return REST_REPEAT;
}

/* A name with "_", or a TLD alone, is none to them. */
static bool
is_no_zone(const struct rest_answer *a)
{
	return has_code(a, CODE_NO_DOMAIN) || has_code(a, CODE_NO_ZONE) ||
	    (has_code(a, CODE_INVALID) &&
	    strstr(a->body, "domainname") != NULL);
}

/* The update of a domain, or the look at its zone. */
static enum rest_next
update_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	return is_no_zone(a) ? REST_NO_ZONE : session_refused(c, a);
}

/* Leaves the record found, as they sent it, in c->memo. */
static int
find_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	if (!netcup_is_cloud(c->values))
		action(rq, "infoDnsRecords", session_param(c));
	return 0;
}

static enum rest_next
find_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *records = rest_entries(a,
	    "responsedata.dnsrecords", NULL, err);

	if (records == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(records); i++) {
		json_t *r = json_array_get(records, i);
		const char *host = jsonx_str(r, "hostname");
		const char *type = jsonx_str(r, "type");
		const char *value = jsonx_str(r, "destination");

		if (provider_is_at_name(c, host) &&
		    provider_is_txt(type) &&
		    value != NULL && provider_txt_is(value, c->value)) {
			c->memo = json_deep_copy(r);
			break;
		}
	}
	return REST_NEXT;
}

static enum rest_next
find_refused(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (is_no_zone(a))
		return REST_NO_ZONE;
	if (!has_code(a, CODE_NO_RECORDS))
		return session_refused(c, a);
	((struct netcup *)c->priv)->is_empty = true;
	return REST_NEXT;
}

static void
update(struct provider_call *c, struct preq *rq, json_t *record /* taken */)
{
	json_t *param = session_param(c);

	json_object_set_new(param, "dnsrecordset",
	    json_pack("{s:[o]}", "dnsrecords", record));
	action(rq, "updateDnsRecords", param);
}

static int
add_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	char host[256];

	if (c->memo != NULL || netcup_is_cloud(c->values))
		return 0;
	update(c, rq, json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:s}",
	    "id", "", "hostname", provider_relative(c->fqdn, c->zone, "@",
	    host, sizeof(host)), "type", "TXT", "priority", "",
	    "destination", c->value, "deleterecord", 0, "state", "yes"));
	return 0;
}

/*
 * A domain that is not theirs may have no records, too, and what is to be
 * removed is in another; an addition is refused then.
 */
static int
zone_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	const struct netcup *x = c->priv;

	if (x->is_empty)
		action(rq, "infoDnsZone", session_param(c));
	return 0;
}

static int
delete_request(struct provider_call *c, struct preq *rq, struct error *err)
{
	json_t *record;

	if (c->memo == NULL)
		return 0;
	record = json_deep_copy(c->memo);
	json_object_set_new(record, "deleterecord", json_true());
	update(c, rq, record);
	return 0;
}

static enum rest_next
update_reply(struct provider_call *c, const struct rest_answer *a,
    struct error *err)
{
	if (jsonx_str(a->json, "status") != NULL)
		return REST_NEXT;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "an answer without status");
	return REST_FAIL;
}

static const struct provider_step add[] = {
	{ "log in", login_request, login_reply, NULL },
	{ "find record", find_request, find_reply, find_refused },
	{ "add record", add_request, update_reply, update_refused },
	NETCUP_CLOUD_ZONE,
	NETCUP_CLOUD_ADD,
	NETCUP_CLOUD_WAIT,
	{ .name = NULL }
};

static const struct provider_step remove_[] = {
	{ "log in", login_request, login_reply, NULL },
	{ "find record", find_request, find_reply, find_refused },
	{ "find zone", zone_request, update_reply, update_refused },
	{ "delete record", delete_request, update_reply, update_refused },
	NETCUP_CLOUD_ZONE,
	NETCUP_CLOUD_REMOVE,
	{ .name = NULL }
};

const struct provider provider_netcup = {
	.name = "netcup",
	.title = "netcup",
	.doc = "Domains in CloudDNS, as new ones are since summer 2026: "
	    "Customer Control Panel, Master Data, API, API Keys: a key of 64 "
	    "characters, set as api_key alone.  It serves names that begin "
	    "with _acme-challenge only: CNAMEs and challenge_alias must lead "
	    "to such, and dns-persist-01 is not possible.  All other "
	    "domains: a legacy API key and the API password from the same "
	    "page, with the customer number.  Both are good for the whole "
	    "account; with domains of both kinds, configure two providers.  "
	    "Records take 5 to 15 minutes to appear, a minute in CloudDNS, "
	    "so that propagation_timeout should be 30m.  lego: "
	    "NETCUP_CUSTOMER_NUMBER, NETCUP_API_KEY, NETCUP_API_PASSWORD.",
	.opts = opts,
	.check = check,
	.propagation_s = 1800,	/* see doc */
	.base_url = "https://ccp.netcup.net/run/webservice/servers/"
	    "endpoint.php",
	.keep_size = sizeof(struct netcup_keep),
	.no_zone_help = "a key of 64 characters sees no domains outside of "
	    "netcup's CloudDNS, any other none within",
	.max_calls = 1,			/* of one session, and zone */
	.priv_size = sizeof(struct netcup),
	.prepare = prepare,
	.is_refusal = is_refusal,
	.failed = failed,
	.add = add,
	.remove = remove_,
};
