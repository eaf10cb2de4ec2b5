/* SPDX-License-Identifier: MIT */
/*
 * tencent-clb - a listener of Tencent Cloud Load Balancer, API of 2018-03-17
 * (https://cloud.tencent.com/document/api/214).  The certificate is taken from
 * SSL Certificates.  A listener has one certificate for each kind of key, or,
 * where SNI is on, each domain of its rules has; what is not replaced is
 * written back.  Each change is a task, and a balancer does one at a time.
 */
#include <stdlib.h>
#include <string.h>

#include "clouds/tencent.h"
#include "common/mem.h"
#include "providers/tencent.h"

enum { OPT_REGION = CLOUD_SITE + 1, OPT_BALANCER, OPT_LISTENER, OPT_DOMAINS,
    OPT_ID };

static const struct provider_opt opts[] = {
	CLOUD_SITE_OPT,
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the load balancer, \"ap-guangzhou\"" },
	[OPT_BALANCER] = { .name = "load_balancer_id", .required = true,
	    .help = "\"lb-...\"" },
	[OPT_LISTENER] = { .name = "listener_id", .required = true,
	    .help = "of HTTPS, TCP_SSL or QUIC: \"lbl-...\"" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .type = PROVIDER_OPT_LIST,
	    .help = "of the listener's rules, if SNI is on; without SNI they "
	    "are only verified" },
	[OPT_ID] = { .name = "certificate_id",
	    .help = "of the certificate that the first one of acmed replaces, "
	    "where several are bound" },
	CLOUD_OPTS
};

/* What is bound without domains: is_bound[0]. */
static const char *const listener[] = { "the listener", NULL };

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	return tencent_prepare(user, rq, "clb", "2018-03-17");
}

/* Beside those of all services; after the SDK's list. */
static const struct rest_code kinds[] = {
	{ "FailedOperation.ResourceInOperating", REST_UNAVAILABLE },
	{ "FailedOperation.ResourceInCloning", REST_UNAVAILABLE },
	{ "FailedOperation.InvalidLBStatus", REST_UNAVAILABLE },
	{ "FailedOperation.RateLimitExceeded", REST_THROTTLED },
	{ .word = NULL }
};

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	tencent_call_failed(user, a, err);
	rest_judge(kinds, REST_BEGINS, tencent_code(a), err);
}

static const struct cloud_api api = { .prepare = prepare,
    .is_refusal = tencent_refuses, .failed = failed };

static void
action(const struct cloud_call *c, struct preq *rq, const char *name,
    json_t *body /* taken */)
{
	tencent_action(c, rq, "clb", name, body);
	preq_header(rq, "X-TC-Region", provider_str(c->values, OPT_REGION));
}

/* --- what is bound --- */

static int
describe(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	action(c, rq, "DescribeListeners", json_pack("{s:s, s:[s]}",
	    "LoadBalancerId", provider_str(c->values, OPT_BALANCER),
	    "ListenerIds", provider_str(c->values, OPT_LISTENER)));
	return 0;
}

static bool
is(const json_t *object, const char *member, const char *value)
{
	const char *is = jsonx_str(object, member);

	return is != NULL && strcmp(is, value) == 0;
}

static bool
has_sni(const json_t *l)
{
	return jsonx_number(l, "SniSwitch", 0) == 1;
}

/* The listener, or NULL and err. */
static const json_t *
described(const struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const char *id = provider_str(c->values, OPT_LISTENER), *protocol;
	const json_t *all = rest_entries(a, "Response.Listeners",
	    "Response.TotalCount", err), *l;
	size_t i;

	if (all == NULL)
		return NULL;
	json_array_foreach(all, i, l) {
		if (!is(l, "ListenerId", id))
			continue;
		protocol = jsonx_str(l, "Protocol");
		if (protocol != NULL && (strcmp(protocol, "HTTPS") == 0 ||
		    strcmp(protocol, "TCP_SSL") == 0 ||
		    strcmp(protocol, "QUIC") == 0))
			return l;
		(void)error_set(err, ERR_CONFIG, "provider:refused",
		    "listener %s speaks %.20s, which has no certificate; "
		    "allowed: HTTPS, TCP_SSL, QUIC", id,
		    protocol != NULL ? protocol : "nothing");
		return NULL;
	}
	(void)error_set(err, ERR_CONFIG, "provider:refused", "%s has no "
	    "listener %s", provider_str(c->values, OPT_BALANCER), id);
	return NULL;
}

/* Does the rule serve the domain? */
static bool
is_for(const json_t *rule, const char *domain)
{
	const json_t *name;
	size_t i;

	if (is(rule, "Domain", domain))
		return true;
	json_array_foreach(json_object_get(rule, "Domains"), i, name) {
		if (json_is_string(name) &&
		    strcmp(json_string_value(name), domain) == 0)
			return true;
	}
	return false;
}

/* Certificate is what a listener or a rule has: is this one in it? */
static bool
has(const json_t *certificate, const char *id)
{
	const json_t *more;
	size_t i;

	if (id == NULL || id[0] == '\0')
		return false;
	if (is(certificate, "CertId", id))
		return true;
	json_array_foreach(json_object_get(certificate, "ExtCertIds"), i,
	    more) {
		if (json_is_string(more) &&
		    strcmp(json_string_value(more), id) == 0)
			return true;
	}
	return false;
}

/* What is to be bound, each for itself; NULL and err. */
static const char *const *
places_of(const struct cloud_call *c, const json_t *l, struct error *err)
{
	const char *const *domains = provider_list(c->values, OPT_DOMAINS);

	if (!has_sni(l))
		return listener;
	if (domains[0] != NULL)
		return domains;
	(void)error_set(err, ERR_CONFIG, "provider:refused", "SNI is on at "
	    "listener %s; name the domains of its rules in " CLOUD_DOMAINS,
	    provider_str(c->values, OPT_LISTENER));
	return NULL;
}

/* The certificate of such a place that is not ours, or, if all are, one of
 * these; NULL: there is no such place. */
static const json_t *
certificate_at(const struct cloud_call *c, const json_t *l, const char *place)
{
	const json_t *rule, *found = NULL;
	size_t i;

	if (!has_sni(l))
		return jsonx_get(l, "Certificate") != NULL ?
		    jsonx_get(l, "Certificate") : json_null();
	json_array_foreach(json_object_get(l, "Rules"), i, rule) {
		if (!is_for(rule, place))
			continue;
		found = json_object_get(rule, "Certificate");
		if (found == NULL)
			found = json_null();
		if (!has(found, c->id))
			break;
	}
	return found;
}

/* Which places have ours; NULL and err if one is not there at all. */
static const char *const *
read_bound(struct cloud_call *c, const json_t *l, struct error *err)
{
	const char *const *places = places_of(c, l, err);

	for (size_t i = 0; places != NULL && places[i] != NULL; i++) {
		const json_t *now = certificate_at(c, l, places[i]);

		if (now == NULL) {
			(void)error_set(err, ERR_CONFIG, "provider:refused",
			    "listener %s has no rule for %s; add it in the "
			    "console", provider_str(c->values, OPT_LISTENER),
			    places[i]);
			return NULL;
		}
		c->is_bound[i] = has(now, c->id);
	}
	return places;
}

static enum rest_next
looked_at(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *l = described(c, a, err);
	const char *const *places = l == NULL ? NULL : read_bound(c, l, err);

	if (places == NULL)
		return REST_FAIL;
	c->is_right = cloud_all_bound(c, places);
	return REST_NEXT;
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = looked_at },
	{ .name = NULL }
};

/* --- bind --- */

/* A member that is written as it was read. */
static void
keep(json_t *to, const json_t *from, const char *member)
{
	json_t *value = json_object_get(from, member);

	if (json_is_string(value) && json_string_length(value) > 0)
		(void)json_object_set(to, member, value);
}

static void
append_id(json_t *list, const char *id)
{
	(void)json_array_append_new(list, json_pack("{s:s}", "CertId", id));
}

/* Several: all others stay.  NULL and err: which one is ours to replace? */
static json_t *
certificates_with_ours(const struct cloud_call *c, const json_t *now,
    struct error *err)
{
	const char *old = c->bound_id;
	json_t *list, *id;
	size_t i;

	if (!has(now, old))
		old = provider_str(c->values, OPT_ID);
	if (!has(now, old)) {
		(void)error_set(err, ERR_CONFIG, "provider:refused",
		    "several certificates are bound, %.64s first; name the one "
		    "that is replaced in certificate_id",
		    jsonx_str(now, "CertId") == NULL ? "one without an id" :
		    jsonx_str(now, "CertId"));
		return NULL;
	}
	list = json_pack("[{s:s}]", "CertId", c->id);
	if (!is(now, "CertId", old) && jsonx_str(now, "CertId") != NULL)
		append_id(list, jsonx_str(now, "CertId"));
	json_array_foreach(json_object_get(now, "ExtCertIds"), i, id) {
		if (json_is_string(id) && strcmp(json_string_value(id),
		    old) != 0)
			append_id(list, json_string_value(id));
	}
	if (is(now, "SSLMode", "MUTUAL") && jsonx_str(now, "CertCaId") != NULL)
		append_id(list, jsonx_str(now, "CertCaId"));
	return list;
}

/* The body of a change; NULL and err. */
static json_t *
change(const struct cloud_call *c, const json_t *l, const char *place,
    struct error *err)
{
	const json_t *now = certificate_at(c, l, place);
	bool is_mutual = is(now, "SSLMode", "MUTUAL");
	json_t *body, *new = json_object(), *list;

	keep(new, now, "SSLMode");
	if (is_mutual)
		keep(new, now, "SSLVerifyClient");
	body = json_pack("{s:s, s:s}", "LoadBalancerId",
	    provider_str(c->values, OPT_BALANCER), "ListenerId",
	    provider_str(c->values, OPT_LISTENER));
	if (has_sni(l))
		(void)json_object_set_new(body, "Domain", json_string(place));
	if (json_array_size(json_object_get(now, "ExtCertIds")) == 0) {
		if (is_mutual)
			keep(new, now, "CertCaId");
		(void)json_object_set_new(new, "CertId", json_string(c->id));
		(void)json_object_set_new(body, "Certificate", new);
		return body;
	}
	(void)json_object_set_new(body, "MultiCertInfo", new);
	list = certificates_with_ours(c, now, err);
	if (list == NULL) {
		json_decref(body);
		return NULL;
	}
	(void)json_object_set_new(new, "CertList", list);
	return body;
}

/* memo: what is to be sent, one change after the other. */
static enum rest_next
read_settings(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *l = described(c, a, err);
	const char *const *places = l == NULL ? NULL : read_bound(c, l, err);
	json_t *body;

	if (places == NULL)
		return REST_FAIL;
	json_decref(c->memo);
	c->memo = json_array();
	for (size_t i = 0; places[i] != NULL; i++) {
		if (c->is_bound[i])
			continue;
		body = change(c, l, places[i], err);
		if (body == NULL)
			return REST_FAIL;
		(void)json_array_append_new(c->memo, body);
	}
	return REST_NEXT;
}

/* A change, or, while cursor has it, its task. */
static int
modify(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	json_t *body = json_array_get(c->memo, c->at);

	if (c->cursor[0] != '\0') {
		action(c, rq, "DescribeTaskStatus", json_pack("{s:s}",
		    "TaskId", c->cursor));
	} else if (body != NULL) {
		action(c, rq, jsonx_str(body, "Domain") != NULL ?
		    "ModifyDomainAttributes" : "ModifyListener",
		    json_incref(body));
	}
	return 0;
}

/* 0: done, 1: failed, 2: under way. */
static enum rest_next
modified(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *words = jsonx_str(a->json, "Response.Message");
	const char *domain = jsonx_str(json_array_get(c->memo, c->at),
	    "Domain");
	int64_t status;

	if (c->cursor[0] == '\0') {
		cloud_say(c, "binding certificate %s to %s", c->id,
		    domain != NULL ? domain : provider_str(c->values,
		    OPT_LISTENER));
		return jsonx_copy_str(a->json, "Response.RequestId", c->cursor,
		    sizeof(c->cursor), err) == -1 ? REST_FAIL : REST_AGAIN;
	}
	status = jsonx_number(a->json, "Response.Status", -1);
	if (status == 2)
		return REST_POLL;
	if (status != 0) {
		(void)error_set(err, ERR_TRANSIENT, "provider:refused", "the "
		    "load balancer could not be changed%s%.200s",
		    words != NULL ? ": " : "", words != NULL ? words : "");
		return REST_FAIL;
	}
	c->cursor[0] = '\0';
	return json_array_get(c->memo, ++c->at) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

/* Another target, or somebody else, changes the same balancer. */
static enum rest_next
modify_refused(void *user, const struct rest_answer *a, struct error *err)
{
	return strcmp(tencent_code(a), "FailedOperation.ResourceInOperating")
	    == 0 ? REST_POLL : REST_FAIL;
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	enum rest_next next = looked_at(user, a, err);
	const struct cloud_call *c = user;

	return next == REST_NEXT && !c->is_right ? REST_POLL : next;
}

static const struct rest_step bind[] = {
	{ .name = "read settings", .request = describe,
	    .reply = read_settings },
	{ .name = "bind", .request = modify, .reply = modified,
	    .refused = modify_refused },
	{ .name = "wait", .request = describe, .reply = shown },
	{ .name = NULL }
};

const struct cloud cloud_tencent_clb = {
	.name = "tencent-clb",
	.title = "Tencent Cloud Load Balancer",
	.doc = "Uploads the certificate to SSL Certificates and binds it to a "
	    "listener, or, where SNI is on, to domains of its rules, which "
	    "are there already. Client authentication, and a certificate with "
	    "another kind of key, stay.",
	.policy = "{\n"
	    "  \"version\": \"2.0\",\n"
	    "  \"statement\": [ {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"clb:DescribeListeners\",\n"
	    "      \"clb:ModifyListener\",\n"
	    "      \"clb:ModifyDomainAttributes\" ],\n"
	    "    \"resource\": [\n"
	    "      \"qcs::clb:ap-guangzhou:uin/UIN:clb/lb-ID\" ]\n"
	    "  }, {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"clb:DescribeTaskStatus\" ],\n"
	    "    \"resource\": [ \"*\" ]\n"
	    "  }, " TENCENT_SSL_STATEMENT " ]\n"
	    "}\n",
	.example = "region = \"ap-guangzhou\"\n"
	    "load_balancer_id = \"lb-ep8onpf0\"\n"
	    "listener_id = \"lbl-nwxkl5l3\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "tencentcloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &tencent_ssl_store,
	.within = (const char *const []){ "listener_id", "load_balancer_id",
	    NULL },
	.within_is_whole = true,
	.api = &api,
	.look = look,
	.bind = bind,
};
