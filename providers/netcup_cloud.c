/* SPDX-License-Identifier: MIT */
/*
 * netcup's CloudDNS, which holds their new domains since summer 2026
 * (https://api.netcup.com/v1, described in its /openapi.json and at
 * https://www.netcup.com/en/helpcenter/documentation/netcup-api).  How it
 * answers was taken from acme.sh's dns_netcup and aellwein's netcup-dns-api,
 * whose tests ran against it:
 *  - an invalid key is HTTP 400, so that the code in errors tells, not the
 *    status;
 *  - GET /domain?fqdn= refuses names with "_" (validationError);
 *  - challenges have endpoints of their own, for values of 43 characters at
 *    _acme-challenge.SCOPE ("@" is the zone itself).  To add one that is there
 *    is a success (200 instead of 201), to delete one that is not is 404;
 *  - a new one is "pending" until the zone is "deployed", and its servers
 *    show it about a minute after that.
 */
#include <string.h>

#include "providers/netcup.h"

#define BASE "https://api.netcup.com/v1"
#define PREFIX "_acme-challenge."
#define MOST_LOOKS 10			/* about 40 s; then the DNS tells */

bool
netcup_is_cloud(const struct provider_values *v)
{
	return provider_str(v, NETCUP_CUSTOMER_NUMBER) == NULL;
}

static bool
has_code(const struct rest_answer *a, const char *code)
{
	const char *s = jsonx_str(a->json, "errors.0.code");

	return s != NULL && strcmp(s, code) == 0;
}

void
netcup_cloud_failed(const struct rest_answer *a, struct error *err)
{
	const char *code = jsonx_str(a->json, "errors.0.code");
	const char *why = jsonx_str(a->json, "errors.0.message");

	if (has_code(a, "authenticationError"))
		(void)error_set(err, ERR_CONFIG, "provider:credentials",
		    "%s", err->msg);
	if (code != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %s: %s",
		    a->status, code, why == NULL ? "" : why);
}

int
netcup_cloud_zone_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (!netcup_is_cloud(c->values))
		return 0;
	if (strncmp(c->fqdn, PREFIX, strlen(PREFIX)) != 0)
		return error_set(err, ERR_CONFIG, "netcup:name",
		    "netcup's CloudDNS takes names that begin with "
		    "_acme-challenge only, not %s: let the CNAME, or "
		    "challenge_alias, lead to such a name", c->fqdn);
	if (c->zone_id[0] != '\0')
		return 0;
	preq_start(rq, "GET", "/domain");
	preq_base(rq, BASE);
	preq_query(rq, "fqdn", c->zone);
	return 0;
}

enum rest_next
netcup_cloud_zone_reply(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	const json_t *domains = rest_entries(a, "result", NULL, err);

	if (domains == NULL)
		return REST_FAIL;
	for (size_t i = 0; i < json_array_size(domains); i++) {
		const json_t *d = json_array_get(domains, i);
		const char *name = jsonx_str(d, "fqdn");

		if (name == NULL || !provider_name_is(name, c->zone))
			continue;
		if (!jsonx_bool(d, "isDnsManaged", true)) {
			(void)error_set(err, ERR_CONFIG, "netcup:not-cloud",
			    "%s is not in netcup's CloudDNS: if the CCP holds "
			    "its DNS, set customer_number, api_password and "
			    "an api_key of the CCP's DNS API", c->zone);
			return REST_FAIL;
		}
		return jsonx_copy_str(d, "id", c->zone_id,
		    PROVIDER_ZONE_ID_SIZE, err) == -1 ? REST_FAIL :
		    REST_NEXT;
	}
	return REST_NO_ZONE;
}

enum rest_next
netcup_cloud_zone_refused(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	return has_code(a, "resourceDoesNotExist") ||
	    has_code(a, "validationError") ? REST_NO_ZONE : REST_FAIL;
}

static const char *
scope(const struct provider_call *c, char out[256])
{
	return provider_relative(c->fqdn + strlen(PREFIX), c->zone, "@", out,
	    256);
}

static void
start(struct provider_call *c, struct preq *rq, const char *method)
{
	preq_start(rq, method, "/domain");
	preq_base(rq, BASE);
	preq_path(rq, c->zone_id);
	preq_path(rq, "acme");
	preq_path(rq, "challenge");
}

static void
start_ours(struct provider_call *c, struct preq *rq, const char *method)
{
	char name[256];

	start(c, rq, method);
	preq_path(rq, scope(c, name));
	preq_path(rq, c->value);
}

int
netcup_cloud_add_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	char name[256];

	if (!netcup_is_cloud(c->values))
		return 0;
	start(c, rq, "POST");
	preq_json(rq, json_pack("{s:s, s:s}", "scope", scope(c, name),
	    "value", c->value));
	return 0;
}

enum rest_next
netcup_cloud_add_reply(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	const json_t *made = rest_array(a, "result", err);
	const char *status;

	if (made == NULL)
		return REST_FAIL;
	status = jsonx_str(made, "0.status");
	return status != NULL && strcmp(status, "deployed") == 0 ?
	    REST_DONE : REST_NEXT;
}

int
netcup_cloud_wait_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (netcup_is_cloud(c->values))
		start_ours(c, rq, "GET");
	return 0;
}

enum rest_next
netcup_cloud_wait_reply(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	struct netcup *x = c->priv;
	enum rest_next next = netcup_cloud_add_reply(c, a, err);

	if (next != REST_NEXT)
		return next;
	return ++x->looks < MOST_LOOKS ? REST_POLL : REST_DONE;
}

int
netcup_cloud_remove_request(struct provider_call *c, struct preq *rq,
    struct error *err)
{
	if (netcup_is_cloud(c->values))
		start_ours(c, rq, "DELETE");
	return 0;
}

enum rest_next
netcup_cloud_remove_refused(struct provider_call *c,
    const struct rest_answer *a, struct error *err)
{
	return has_code(a, "resourceDoesNotExist") ? REST_DONE :
	    REST_FAIL;
}
