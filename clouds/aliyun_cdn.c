/* SPDX-License-Identifier: MIT */
/*
 * aliyun-cdn - Alibaba Cloud CDN, API of 2018-05-10
 * (https://help.aliyun.com/zh/cdn/developer-reference/).  The certificate is
 * taken from CAS, one call for each domain.
 */
#include <string.h>

#include "clouds/aliyun_cdn.h"

static const struct provider_opt opts[] = { ALIYUN_CDN_OPTS };

static const struct aliyun_cdn cdn = {
	.service = { "cdn.aliyuncs.com", "2018-05-10" },
	.describe = "DescribeDomainCertificateInfo",
	.set = "SetCdnDomainSSLCertificate",
	.status = "ServerCertificateStatus",
	.pem = "ServerCertificate",
};

static const char *const *
domains_of(const struct cloud_call *c)
{
	return provider_list(c->values, ALIYUN_CDN_DOMAINS);
}

/* --- what is bound --- */

/* Entry c->at of the domains. */
static int
describe(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;
	const struct aliyun_cdn *s = c->service;
	const char *domain = domains_of(c)[c->at];

	if (domain == NULL)
		return 0;
	aliyun_action(rq, &s->service, s->describe);
	preq_query(rq, "DomainName", domain);
	return 0;
}

/* Is it on, and ours? */
static bool
has_ours(const struct cloud_call *c, const struct rest_answer *a)
{
	const struct aliyun_cdn *s = c->service;
	const json_t *all = jsonx_get(a->json, "CertInfos.CertInfo"), *info;
	const char *status, *pem, *id;
	size_t i;

	json_array_foreach(all, i, info) {
		status = jsonx_str(info, s->status);
		pem = jsonx_str(info, s->pem);
		id = jsonx_str(info, "CertId");
		if (status == NULL || strcmp(status, "on") != 0)
			continue;
		if (pem != NULL && *pem != '\0' ? cloud_is_ours(c, pem) :
		    c->id[0] != '\0' && id != NULL && strcmp(id, c->id) == 0)
			return true;
	}
	return false;
}

static enum rest_next
described(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	c->is_bound[c->at++] = has_ours(c, a);
	if (domains_of(c)[c->at] != NULL)
		return REST_AGAIN;
	c->is_right = cloud_all_bound(c, domains_of(c));
	return REST_NEXT;
}

const struct rest_step aliyun_cdn_look[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = described },
	{ .name = NULL }
};

/* --- bind --- */

static int
set(void *user, struct preq *rq, struct error *err)
{
	struct cloud_call *c = user;
	const struct aliyun_cdn *s = c->service;
	const char *domain = cloud_next_unbound(c, domains_of(c));

	if (domain == NULL)
		return 0;
	cloud_say(c, "binding certificate %s to %s", c->id, domain);
	aliyun_action(rq, &s->service, s->set);
	preq_query(rq, "CertId", c->id);
	preq_query(rq, "CertRegion", aliyun_cas_region(c));
	preq_query(rq, "CertType", "cas");
	preq_query(rq, "DomainName", domain);
	preq_query(rq, "SSLProtocol", "on");
	return 0;
}

static enum rest_next
was_set(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	return cloud_next_domain(c, domains_of(c));
}

static int
describe_unbound(void *user, struct preq *rq, struct error *err)
{
	(void)cloud_next_unbound(user, domains_of(user));
	return describe(user, rq, err);
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	struct cloud_call *c = user;

	if (!has_ours(c, a))
		return REST_POLL;
	c->is_bound[c->at] = true;
	return cloud_next_unbound(c, domains_of(c)) != NULL ? REST_AGAIN :
	    REST_NEXT;
}

const struct rest_step aliyun_cdn_bind[] = {
	{ .name = "bind", .request = set, .reply = was_set },
	{ .name = "wait", .request = describe_unbound, .reply = shown },
	{ .name = NULL }
};

const struct cloud cloud_aliyun_cdn = {
	.name = "aliyun-cdn",
	.title = "Alibaba Cloud CDN",
	.doc = "Uploads the certificate to CAS and binds it to accelerated "
	    "domains, which are there already. HTTPS is switched on.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"cdn:SetCdnDomainSSLCertificate\",\n"
	    "      \"cdn:DescribeDomainCertificateInfo\" ],\n"
	    "    \"Resource\": \"acs:cdn:*:UID:domain/www.example.com\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-cert:UploadUserCertificate\",\n"
	    "      \"yundun-cert:ListUserCertificateOrder\",\n"
	    "      \"yundun-cert:DeleteUserCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = cloud_check_site,
	.store = &aliyun_cas_store,
	.api = &aliyun_api,
	.service = &cdn,
	.look = aliyun_cdn_look,
	.bind = aliyun_cdn_bind,
};
