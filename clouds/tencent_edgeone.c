/* SPDX-License-Identifier: MIT */
/*
 * tencent-edgeone - Tencent Cloud EdgeOne, API of 2022-09-01
 * (https://cloud.tencent.com/document/api/1552).  The certificate is taken from
 * SSL Certificates.  ServerCertInfo is all that a domain has: one of another
 * kind of key that is there stays beside ours.
 */
#include <string.h>
#include <strings.h>

#include "clouds/tencent_edge.h"
#include "common/clock.h"

#define CERTIFICATES "Certificate.List"

enum { OPT_ZONE = TENCENT_EDGE_MORE };

static const struct provider_opt opts[] = {
	TENCENT_EDGE_OPTS,
	[OPT_ZONE] = { .name = "zone_id", .required = true,
	    .help = "of the site, \"zone-...\"" },
	CLOUD_OPTS
};

static json_t *
query(const struct cloud_call *c, const char *name)
{
	return json_pack("{s:s, s:i, s:i, s:[{s:s, s:[s]}]}", "ZoneId",
	    provider_str(c->values, OPT_ZONE), "Offset", 0, "Limit", 200,
	    "Filters", "Name", "domain-name", "Values", name);
}

/* Our entry, or NULL. */
static const json_t *
ours(const struct cloud_call *c, const json_t *domain)
{
	const json_t *entry;
	size_t i;

	if (!tencent_edge_is(domain, "Certificate.Mode", "sslcert"))
		return NULL;
	json_array_foreach(jsonx_get(domain, CERTIFICATES), i, entry) {
		if (tencent_edge_is(entry, "CertId", c->id))
			return entry;
	}
	return NULL;
}

static bool
has_ours(const struct cloud_call *c, const json_t *domain)
{
	return ours(c, domain) != NULL;
}

static bool
is_live(const struct cloud_call *c, const json_t *domain)
{
	return tencent_edge_is(ours(c, domain), "Status", "deployed");
}

/* "issued" is how the vendor calls one that could not be bound. */
static bool
has_failed(const struct cloud_call *c, const json_t *domain)
{
	return tencent_edge_is(ours(c, domain), "Status", "failed") ||
	    tencent_edge_is(ours(c, domain), "Status", "issued");
}

/* What cannot be read lasts. */
static bool
is_expired(const json_t *entry)
{
	const char *at = jsonx_str(entry, "ExpireTime");
	struct tm tm = { 0 };

	return at != NULL && strptime(at, "%Y-%m-%dT%H:%M:%S", &tm) != NULL &&
	    timegm(&tm) <= clock_now();
}

/* Of another kind of key, so that it is served beside ours: "RSA 2048". */
static bool
is_beside(const struct cloud_call *c, const json_t *entry)
{
	const char *id = jsonx_str(entry, "CertId");
	const char *kind = jsonx_str(entry, "SignAlgo");

	return id != NULL && strcmp(id, c->bound_id) != 0 && kind != NULL &&
	    kind[0] != '\0' && (strncasecmp(kind, "RSA", 3) == 0) !=
	    cloud_is_rsa(c) && !is_expired(entry);
}

static json_t *
change(const struct cloud_call *c, const char *name, const json_t *domain)
{
	json_t *list = json_pack("[{s:s}]", "CertId", c->id);
	const json_t *entry;
	size_t i;

	json_array_foreach(jsonx_get(domain, CERTIFICATES), i, entry) {
		if (tencent_edge_is(domain, "Certificate.Mode", "sslcert") &&
		    is_beside(c, entry))
			(void)json_array_append_new(list, json_pack("{s:s}",
			    "CertId", jsonx_str(entry, "CertId")));
	}
	return json_pack("{s:s, s:[s], s:s, s:o}", "ZoneId",
	    provider_str(c->values, OPT_ZONE), "Hosts", name, "Mode",
	    "sslcert", "ServerCertInfo", list);
}

/* After the SDK's list: these are no matter of rights. */
static const struct rest_code kinds[] = {
	{ "OperationDenied", ERR_REJECTED, "provider:refused" },
	{ "InvalidParameter.CertSystemError", REST_UNAVAILABLE },
	{ .word = NULL }
};

static const char *const busy[] = { NULL };

static const struct tencent_edge edgeone = {
	.service = "teo", .version = "2022-09-01",
	.what = "this zone",
	.describe = "DescribeAccelerationDomains",
	.update = "ModifyHostsCertificate",
	.domains = "Response.AccelerationDomains",
	.total = "Response.TotalCount",
	.name = "DomainName", .status = "DomainStatus",
	.kinds = kinds, .busy = busy,
	.query = query, .change = change,
	.has_ours = has_ours, .is_live = is_live, .has_failed = has_failed,
};

const struct cloud cloud_tencent_edgeone = {
	.name = "tencent-edgeone",
	.title = "Tencent Cloud EdgeOne",
	.doc = "Uploads the certificate to SSL Certificates and binds it to "
	    "domains of a site, which are there already. A certificate with "
	    "another kind of key (RSA, ECDSA) that a domain has stays beside "
	    "it.",
	.policy = "{\n"
	    "  \"version\": \"2.0\",\n"
	    "  \"statement\": [ {\n"
	    "    \"effect\": \"allow\",\n"
	    "    \"action\": [ \"teo:DescribeAccelerationDomains\",\n"
	    "      \"teo:ModifyHostsCertificate\" ],\n"
	    "    \"resource\": [ \"qcs::teo::uin/UIN:zone/ZONE_ID\" ]\n"
	    "  }, " TENCENT_SSL_STATEMENT " ]\n"
	    "}\n",
	.example = "zone_id = \"zone-2xkazzl8yf6k\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "tencentcloud",
	.opts = opts,
	.check = cloud_check_site,
	.store = &tencent_ssl_store,
	.api = &tencent_edge_api,
	.service = &edgeone,
	.look = tencent_edge_look,
	.bind = tencent_edge_bind,
};
