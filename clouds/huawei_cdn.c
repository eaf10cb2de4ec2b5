/* SPDX-License-Identifier: MIT */
/*
 * huawei-cdn - Huawei Cloud CDN, API v1.1 of a domain's configuration
 * (https://support.huaweicloud.com/intl/en-us/api-cdn/).  In place: each
 * domain has its certificate and key in itself, and no store has a quota.  The
 * group "https" of a domain is read, changed and written back: what is left out
 * of it falls to its default; other groups stay as they are.
 */
#include <string.h>

#include "clouds/huawei.h"

enum { OPT_ENTERPRISE, OPT_DOMAINS };

static const struct provider_opt opts[] = {
	[OPT_ENTERPRISE] = HUAWEI_ENTERPRISE_OPT,
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "accelerated domains, as the console shows them" },
	CLOUD_OPTS
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

static void
enterprise(const struct cloud_call *c, struct preq *rq)
{
	const char *id = provider_str(c->values, OPT_ENTERPRISE);

	if (id != NULL)
		preq_query(rq, "enterprise_project_id", id);
}

/* The configuration of entry c->at of the domains, if there is one. */
static void
begin(const struct cloud_call *c, struct preq *rq, const char *method)
{
	const char *domain = domains_of(c)[c->at];

	if (domain == NULL)
		return;
	huawei_start(rq, method, "cdn", NULL,
	    "/v1.1/cdn/configuration/domains");
	preq_path(rq, domain);
	preq_path(rq, "configs");
	enterprise(c, rq);
}

static int
get(void *user, struct preq *rq, struct error *err)
{
	begin(user, rq, "GET");
	return 0;
}

static bool
is(const json_t *object, const char *member, const char *value)
{
	const char *is = jsonx_str(object, member);

	return is != NULL && strcmp(is, value) == 0;
}

/* The group of the answer, or NULL and err. */
static const json_t *
https_of(const struct cloud_call *c, const struct rest_answer *a,
    struct error *err)
{
	const json_t *https = jsonx_get(a->json, "configs.https");
	size_t n = json_array_size(json_object_get(https, "certificates"));

	if (!json_is_object(https)) {
		(void)cloud_lacks("configs.https", err);
		return NULL;
	}
	/* Their keys are not shown, so that they could not be kept. */
	if (n < 2)
		return https;
	(void)error_set(err, ERR_CONFIG, "provider:refused", "%s has %zu "
	    "certificates; leave one of them in the console",
	    domains_of(c)[c->at], n);
	return NULL;
}

static bool
has_ours(const struct cloud_call *c, const json_t *https)
{
	return is(https, "https_status", "on") && cloud_is_ours(c,
	    jsonx_str(https, "certificate_value"));
}

/* --- find --- */

static enum rest_next
got(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *https = https_of(c, a, err);

	if (https == NULL)
		return REST_FAIL;
	c->is_bound[c->at++] = has_ours(c, https);
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	/* Each domain is in one target only: its id. */
	(void)text_printf(c->id, sizeof(c->id), "%s", domains_of(c)[0]);
	c->is_found = cloud_all_bound(c, domains_of(c));
	return REST_NEXT;
}

static const struct rest_step find[] = {
	{ .name = "read what is bound", .request = get, .reply = got },
	{ .name = NULL }
};

/* --- is a change under way? --- */

static int
list(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	huawei_start(rq, "GET", "cdn", NULL, "/v1.0/cdn/domains");
	preq_query(rq, "domain_name", domains_of(c)[c->at]);
	preq_query(rq, "exact_match", "true");
	preq_query(rq, "page_number", "1");
	preq_query(rq, "page_size", "100");
	enterprise(c, rq);
	return 0;
}

/* Older versions search for parts of names. */
static const char *
status_of(const struct cloud_call *c, const json_t *all)
{
	const json_t *entry;
	size_t i;

	json_array_foreach(all, i, entry) {
		if (is(entry, "domain_name", domains_of(c)[c->at]))
			return jsonx_str(entry, "domain_status");
	}
	return NULL;
}

/* REST_AGAIN: is it so of the next domain, too? */
static enum rest_next
settled(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *all = rest_entries(a, "domains", "total", err);
	const char *status = all == NULL ? NULL : status_of(c, all);

	if (all == NULL)
		return REST_FAIL;
	if (status == NULL)
		return cloud_lacks("domain_status", err);
	if (strcmp(status, "configuring") == 0)
		return REST_POLL;
	if (domains_of(c)[++c->at] != NULL)
		return REST_AGAIN;
	c->at = 0;
	return REST_NEXT;
}

/* --- upload --- */

/* All but what is about the certificate. */
static json_t *
settings_of(const json_t *https)
{
	static const char *const others[] = { "https_status", "private_key",
	    "scm_certificate_id", "expire_time", "certificates" };
	json_t *kept = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)https, key, value) {
		if (!json_is_null(value) &&
		    strncmp(key, "certificate_", 12) != 0 &&
		    strncmp(key, "enc_", 4) != 0)
			(void)json_object_set(kept, key, value);
	}
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		(void)json_object_del(kept, others[i]);
	return kept;
}

static int
read_unbound(void *user, struct preq *rq, struct error *err)
{
	(void)cloud_next_unbound(user, domains_of(user));
	begin(user, rq, "GET");
	return 0;
}

static enum rest_next
read_https(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *https = https_of(c, a, err);

	if (https == NULL)
		return REST_FAIL;
	if (is(https, "certificate_type", "server_sm") &&
	    is(https, "https_status", "on")) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s has "
		    "an SM certificate; choose an international one in the "
		    "console first", domains_of(c)[c->at]);
		return REST_FAIL;
	}
	if (c->memo == NULL)
		c->memo = json_object();
	(void)json_object_set_new(c->memo, domains_of(c)[c->at],
	    settings_of(https));
	return cloud_next_domain(c, domains_of(c));
}

static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, domains_of(c));
	json_t *https;

	if (domain == NULL)
		return 0;
	https = json_pack("{s:s, s:s, s:i, s:s, s:s, s:s}", "https_status",
	    "on", "certificate_type", "server", "certificate_source", 0,
	    "certificate_name", c->upload_name, "certificate_value",
	    c->cert.fullchain, "private_key", c->cert.key);
	(void)json_object_update(https, json_object_get(c->memo, domain));
	cloud_say(c, "binding %s to %s", c->upload_name, domain);
	begin(c, rq, "PUT");
	preq_json(rq, json_pack("{s:{s:o}}", "configs", "https", https));
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, domains_of(c));
}

static enum rest_next
put_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const busy[] = { "configuring", "being configured",
	    NULL };

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	/* Another change has come between: what was read is not true. */
	if (rest_says(a, busy))
		err->kind = ERR_TRANSIENT;
	return huawei_blames_key(a) ? cloud_other_key(user) : REST_FAIL;
}

static const struct rest_step upload[] = {
	{ .name = "wait for other changes", .request = list,
	    .reply = settled },
	{ .name = "read settings", .request = read_unbound,
	    .reply = read_https },
	{ .name = "bind", .request = put, .reply = was_put,
	    .refused = put_refused },
	{ .name = NULL }
};

/* --- wait --- */

static enum rest_next
listed(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = domains_of(c)[c->at];
	const char *status = status_of(c, jsonx_get(a->json, "domains"));

	if (status == NULL || strcmp(status, "configure_failed") != 0)
		return settled(user, a, err);
	(void)error_set(err, ERR_TRANSIENT, "provider:refused", "%s: the "
	    "certificate could not be deployed; the console says why",
	    domain);
	return REST_FAIL;
}

static enum rest_next
compared(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const json_t *https = https_of(c, a, err);

	if (https == NULL)
		return REST_FAIL;
	if (!has_ours(c, https))
		return REST_POLL;
	return domains_of(c)[++c->at] != NULL ? REST_AGAIN : REST_NEXT;
}

static const struct rest_step bind[] = {
	{ .name = "wait", .request = list, .reply = listed },
	{ .name = "compare", .request = get, .reply = compared },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	return cloud_check_words(CLOUD_DOMAINS, provider_list(values,
	    OPT_DOMAINS), "domain names", err);
}

static const struct cloud_store store = {
	.name = "huawei-cdn",
	.api = &huawei_api,
	.is_in_place = true,
	.find = find,
	.upload = upload,
};

const struct cloud cloud_huawei_cdn = {
	.name = "huawei-cdn",
	.title = "Huawei Cloud CDN",
	.doc = "Brings the certificate to accelerated domains, which are "
	    "there already. HTTPS is switched on; HTTP/2, TLS versions, OCSP "
	    "stapling and all other settings stay. An IAM user of an account "
	    "with enterprise projects needs enterprise_project_id.",
	.policy = "{\n"
	    "  \"Version\": \"1.1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"cdn:configuration:modifyHttpsConf\",\n"
	    "      \"cdn:configuration:queryHttpsConf\",\n"
	    "      \"cdn:configuration:queryDomains\" ]\n"
	    "  } ]\n"
	    "}\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "huaweicloud",
	.opts = opts,
	.check = check,
	.store = &store,
	.api = &huawei_api,
	.bind = bind,
};
