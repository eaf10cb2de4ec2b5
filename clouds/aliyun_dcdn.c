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
	.check = cloud_check_site,
	.store = &aliyun_cas_store,
	.api = &aliyun_api,
	.service = &dcdn,
	.look = aliyun_cdn_look,
	.bind = aliyun_cdn_bind,
};
