/* SPDX-License-Identifier: MIT */
/*
 * aliyun-fc - custom domains of Alibaba Cloud Function Compute, API of
 * 2023-03-30, and of 2021-04-06 for FC 2.0
 * (https://help.aliyun.com/zh/functioncompute/fc/developer-reference/).  In
 * place: a domain has the certificate itself, not an id; signed as all others,
 * but with a path of its own and JSON.
 */
#include <string.h>

#include "clouds/aliyun.h"
#include "providers/aliyun.h"

#define JSON "application/json; charset=utf-8"

enum { OPT_REGION, OPT_DOMAINS, OPT_HTTPS, OPT_VERSION };

static const struct provider_opt opts[] = {
	[OPT_REGION] = { .name = "region", .required = true,
	    .help = "of the functions, \"cn-hangzhou\"" },
	[OPT_DOMAINS] = { .name = CLOUD_DOMAINS, .required = true,
	    .type = PROVIDER_OPT_LIST,
	    .help = "custom domains, which are there already" },
	[OPT_HTTPS] = { .name = "enable_https", .type = PROVIDER_OPT_BOOL,
	    .help = "let domains that speak HTTP only speak HTTPS as well" },
	[OPT_VERSION] = { .name = "version", .fallback = "3.0",
	    .help = "of Function Compute: 3.0 or 2.0" },
	CLOUD_OPTS
};

static bool
is_v2(const struct cloud_call *c)
{
	return strcmp(provider_str(c->values, OPT_VERSION), "2.0") == 0;
}

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, OPT_DOMAINS);
}

/* Some regions had their hosts before. */
static void
put_host(const struct cloud_call *c, struct preq *rq)
{
	static const char *const others[] = { "me-central-1",
	    "cn-hangzhou-finance", "cn-shanghai-finance-1",
	    "cn-heyuan-acdr-1", NULL };
	const char *region = provider_str(c->values, OPT_REGION);
	const char *before = "fcv3.", *after = "";
	char url[128];

	for (size_t i = 0; others[i] != NULL; i++) {
		if (strcmp(region, others[i]) == 0) {
			before = "";
			after = ".fc";
		}
	}
	if (is_v2(c)) {
		before = "fc.";
		after = "";
	}
	(void)text_printf(url, sizeof(url), "https://%s%s%s.aliyuncs.com",
	    before, region, after);
	preq_base(rq, url);
}

/* Entry c->at of the domains. */
static void
begin(const struct cloud_call *c, struct preq *rq, const char *method,
    const char *action)
{
	const char *version = is_v2(c) ? "2021-04-06" : "2023-03-30";
	char path[64];

	(void)text_printf(path, sizeof(path), "/%s/custom-domains", version);
	preq_start(rq, method, path);
	put_host(c, rq);
	preq_path(rq, domains_of(c)[c->at]);
	preq_header(rq, "x-acs-action", action);
	preq_header(rq, "x-acs-version", version);
}

/* --- find --- */

static int
get(void *user, struct preq *rq, struct error *err)
{
	begin(user, rq, "GET", "GetCustomDomain");
	preq_header(rq, "Content-Type", JSON);
	return 0;
}

static enum rest_next
looked(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *first = domains_of(c)[0];

	c->is_bound[c->at++] = cloud_is_ours(c, jsonx_str(a->json,
	    "certConfig.certificate"));
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	(void)text_printf(c->id, sizeof(c->id), "%s", first);
	c->is_found = cloud_all_bound(c, domains_of(c));
	return REST_NEXT;
}

static enum rest_next
not_found(void *user, const struct rest_answer *a, struct error *err)
{
	const struct cloud_call *c = user;

	if (strncmp(aliyun_code(a), "DomainNameNotFound", 18) == 0)
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s is no "
		    "custom domain in %s; correct domains or region, or make "
		    "it in the console", domains_of(c)[c->at],
		    provider_str(c->values, OPT_REGION));
	return REST_FAIL;
}

static const struct rest_step find[] = {
	{ .name = "read the domains", .request = get, .reply = looked,
	    .refused = not_found },
	{ .name = NULL }
};

/* --- upload --- */

/* Of the first or the next domain that has not ours. */
static int
get_unbound(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_unbound(c, domains_of(c)) == NULL ? 0 :
	    get(user, rq, err);
}

/* memo, by domain: what goes back as it was. */
static enum rest_next
keep(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;
	const char *protocol = jsonx_str(a->json, "protocol");
	const char *domain = domains_of(c)[c->at];
	json_t *tls = jsonx_get(a->json, "tlsConfig");

	if (protocol == NULL)
		return cloud_lacks("protocol", err);
	if (strcmp(protocol, "HTTP") == 0 &&
	    !provider_bool(c->values, OPT_HTTPS)) {
		(void)error_set(err, ERR_CONFIG, "provider:refused", "%s "
		    "speaks HTTP only; set enable_https = true, or switch "
		    "HTTPS on in the console", domain);
		return REST_FAIL;
	}
	if (strcmp(protocol, "HTTP") == 0)
		protocol = "HTTP,HTTPS";
	if (c->memo == NULL)
		c->memo = json_object();
	(void)json_object_set_new(c->memo, domain, json_pack("{s:s, s:O*}",
	    "protocol", protocol, "tlsConfig", json_is_object(tls) ? tls :
	    NULL));
	return cloud_next_domain(c, domains_of(c));
}

/* Members that are left out stay. */
static int
put(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const char *domain = cloud_next_unbound(c, domains_of(c));
	char name[sizeof(c->upload_name)], *dot;
	json_t *body;

	if (domain == NULL)
		return 0;
	/* Dots are not allowed in it. */
	(void)text_printf(name, sizeof(name), "%s", c->upload_name);
	for (dot = name; (dot = strchr(dot, '.')) != NULL; )
		*dot = '-';
	begin(c, rq, "PUT", "UpdateCustomDomain");
	body = json_pack("{s:{s:s, s:s, s:s}}", "certConfig",
	    "certName", name, "certificate", c->cert.fullchain,
	    "privateKey", c->cert.key);
	(void)json_object_update(body, json_object_get(c->memo, domain));
	preq_json(rq, body);
	preq_header(rq, "Content-Type", JSON);
	return 0;
}

static enum rest_next
was_put(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_bound[c->at++] = true;
	return cloud_next_unbound(c, domains_of(c)) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

static const struct rest_step upload[] = {
	{ .name = "read the domains", .request = get_unbound, .reply = keep,
	    .refused = not_found },
	{ .name = "upload", .request = put, .reply = was_put,
	    .refused = aliyun_upload_refused },
	{ .name = NULL }
};

static int
check(const struct provider_values *values, struct error *err)
{
	const char *version = provider_str(values, OPT_VERSION);

	if (strcmp(version, "3.0") != 0 && strcmp(version, "2.0") != 0)
		return error_set(err, ERR_CONFIG, "config:value", "version = "
		    "\"%.100s\"; allowed: 3.0, 2.0", version);
	return aliyun_check_region(provider_str(values, OPT_REGION), err);
}

static const struct cloud_store store = {
	.name = "aliyun-fc",
	.api = &aliyun_api,
	.is_in_place = true,
	.place = "region",
	.find = find,
	.upload = upload,
};

const struct cloud cloud_aliyun_fc = {
	.name = "aliyun-fc",
	.title = "Alibaba Cloud Function Compute",
	.doc = "Gives the certificate to custom domains of functions, which "
	    "are there already. Protocol, TLS settings, routes and the rest "
	    "of a domain stay.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"fc:GetCustomDomain\",\n"
	    "      \"fc:UpdateCustomDomain\" ],\n"
	    "    \"Resource\":\n"
	    "      \"acs:fc:REGION:UID:custom-domains/www.example.com\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-hangzhou\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = check,
	.store = &store,
};
