/* SPDX-License-Identifier: MIT */
/*
 * tencent-cdn - Tencent Cloud CDN, API of 2018-06-06
 * (https://cloud.tencent.com/document/api/228).  The certificate is taken from
 * SSL Certificates.  A domain's object "Https" is read, changed and written
 * back as one: what is left out of it falls to its default.  (Whether
 * ModifyDomainConfig would change the certificate alone is not documented.)
 */
#include "clouds/tencent_edge.h"

static const struct provider_opt opts[] = { TENCENT_EDGE_OPTS, CLOUD_OPTS };

static json_t *
query(const struct cloud_call *c, const char *name)
{
	return json_pack("{s:[{s:s, s:[s]}], s:i, s:i}", "Filters", "Name",
	    "domain", "Value", name, "Offset", 0, "Limit", 1);
}

static bool
has_ours(const struct cloud_call *c, const json_t *domain)
{
	return tencent_edge_is(domain, "Https.CertInfo.CertId", c->id) &&
	    tencent_edge_is(domain, "Https.Switch", "on");
}

static bool
is_live(const struct cloud_call *c, const json_t *domain)
{
	return tencent_edge_is(domain, "Https.SslStatus", "deployed");
}

static bool
has_failed(const struct cloud_call *c, const json_t *domain)
{
	return tencent_edge_is(domain, "Https.SslStatus", "failed");
}

/* null is what was never set, which the vendor's SDK leaves out. */
static json_t *
without_nulls(const json_t *object)
{
	json_t *out = json_object(), *value;
	const char *key;

	json_object_foreach((json_t *)(uintptr_t)object, key, value) {
		if (json_is_object(value))
			(void)json_object_set_new(out, key,
			    without_nulls(value));
		else if (!json_is_null(value))
			(void)json_object_set(out, key, value);
	}
	return out;
}

static json_t *
change(const struct cloud_call *c, const char *name, const json_t *domain)
{
	json_t *https = without_nulls(jsonx_get(domain, "Https"));

	(void)json_object_del(https, "SslStatus");
	(void)json_object_set_new(https, "Switch", json_string("on"));
	(void)json_object_set_new(https, "CertInfo", json_pack("{s:s}",
	    "CertId", c->id));
	return json_pack("{s:s, s:o}", "Domain", name, "Https", https);
}

/* After the SDK's list. */
static const struct rest_code kinds[] = {
	{ "LimitExceeded.CdnHostOpTooOften", REST_THROTTLED },
	{ "LimitExceeded.SslCertRequestLimitExceeded", REST_THROTTLED },
	{ "UnauthorizedOperation.OperationTooOften", REST_THROTTLED },
	{ .word = NULL }
};

static const char *const busy[] = { "ResourceUnavailable.CdnHostIsLocked",
    "InvalidParameter.CDNStatusInvalidDomain",
    "InvalidParameter.CdnHostInvalidStatus", NULL };

static const struct tencent_edge cdn = {
	.service = "cdn", .version = "2018-06-06",
	.what = "this account's CDN",
	.describe = "DescribeDomainsConfig", .update = "UpdateDomainConfig",
	.domains = "Response.Domains", .total = "Response.TotalNumber",
	.name = "Domain", .status = "Status",
	.kinds = kinds, .busy = busy,
	.query = query, .change = change,
	.has_ours = has_ours, .is_live = is_live, .has_failed = has_failed,
};

const struct cloud cloud_tencent_cdn = {
	.name = "tencent-cdn",
	.title = "Tencent Cloud CDN",
	.doc = "Uploads the certificate to SSL Certificates and binds it to "
	    "accelerated domains, which are there already; ECDN as well. "
	    "HTTPS is switched on; HTTP/2, HSTS, TLS versions and the other "
	    "settings stay.",
	.policy = "{\n"
	    "  \"version\": \"2.0\",\n"
	    "  \"statement\": [ {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"cdn:DescribeDomainsConfig\",\n"
	    "      \"cdn:UpdateDomainConfig\" ],\n"
	    "    \"resource\": [\n"
	    "      \"qcs::cdn::uin/UIN:domain/www.example.com\" ]\n"
	    "  }, " TENCENT_SSL_STATEMENT " ]\n"
	    "}\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "tencentcloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &tencent_ssl_store,
	.api = &tencent_edge_api,
	.service = &cdn,
	.look = tencent_edge_look,
	.bind = tencent_edge_bind,
};
