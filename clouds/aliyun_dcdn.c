/* SPDX-License-Identifier: MIT */
/*
 * aliyun-dcdn - Alibaba Cloud Dynamic Route for CDN, API of 2018-01-15
 * (https://help.aliyun.com/zh/dcdn/developer-reference/): CDN's calls under
 * other names.  SSLProtocol and SSLPub, as the vendor's SDK has them, are what
 * CDN calls ServerCertificateStatus and ServerCertificate.
 */
#include "clouds/aliyun_cdn.h"

static const struct provider_opt opts[] = { ALIYUN_CDN_OPTS };

static const struct aliyun_cdn dcdn = {
	.service = { "dcdn.aliyuncs.com", "2018-01-15" },
	.describe = "DescribeDcdnDomainCertificateInfo",
	.set = "SetDcdnDomainSSLCertificate",
	.status = "SSLProtocol",
	.pem = "SSLPub",
};

static int
describe(void *user, struct preq *rq, struct error *err)
{
	aliyun_cdn_describe(&dcdn, user, rq);
	return 0;
}

static enum rest_next
described(void *user, const struct rest_answer *a, struct error *err)
{
	return aliyun_cdn_described(&dcdn, user, a);
}

static int
set(void *user, struct preq *rq, struct error *err)
{
	aliyun_cdn_set(&dcdn, user, rq);
	return 0;
}

static int
describe_unbound(void *user, struct preq *rq, struct error *err)
{
	(void)aliyun_cdn_next(user);
	return describe(user, rq, err);
}

static enum rest_next
shown(void *user, const struct rest_answer *a, struct error *err)
{
	return aliyun_cdn_shown(&dcdn, user, a);
}

static const struct rest_step look[] = {
	{ .name = "read what is bound", .request = describe,
	    .reply = described },
	{ .name = NULL }
};

static const struct rest_step bind[] = {
	{ .name = "bind", .request = set, .reply = aliyun_cdn_was_set },
	{ .name = "wait", .request = describe_unbound, .reply = shown },
	{ .name = NULL }
};

const struct cloud cloud_aliyun_dcdn = {
	.name = "aliyun-dcdn",
	.title = "Alibaba Cloud DCDN",
	.doc = "Uploads the certificate to CAS and binds it to accelerated "
	    "domains, which are there already. HTTPS is switched on.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"dcdn:SetDcdnDomainSSLCertificate\",\n"
	    "      \"dcdn:DescribeDcdnDomainCertificateInfo\" ],\n"
	    "    \"Resource\": \"acs:dcdn:*:UID:domain/www.example.com\"\n"
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
	.check = aliyun_check_site,
	.store = &aliyun_cas_store,
	.api = &aliyun_api,
	.look = look,
	.bind = bind,
};
