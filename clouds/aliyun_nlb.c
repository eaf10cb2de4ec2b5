/* SPDX-License-Identifier: MIT */
/*
 * aliyun-nlb - Alibaba Cloud Network Load Balancer, API of 2022-04-30
 * (https://help.aliyun.com/zh/slb/network-load-balancer/developer-reference/):
 * ALB's calls, some under other names.
 */
#include "clouds/aliyun_lb.h"

static const struct provider_opt opts[] = { ALIYUN_LB_OPTS };

static const struct aliyun_lb nlb = {
	.name = "nlb", .version = "2022-04-30",
	.update_id = "CertificateIds.1",
	.add_id = "AdditionalCertificateIds.1",
	.drop = "DisassociateAdditionalCertificatesWithListener",
	.job = "GetJobStatus", .job_id = "JobId",
};

const struct cloud cloud_aliyun_nlb = {
	.name = "aliyun-nlb",
	.title = "Alibaba Cloud Network Load Balancer (NLB)",
	.doc = "Uploads the certificate to CAS and binds it to a TCPSSL "
	    "listener, which is there already: as its default, or as one more, "
	    "in whose place the next one comes.",
	.policy = "{\n"
	    "  \"Version\": \"1\",\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"nlb:GetListenerAttribute\",\n"
	    "      \"nlb:ListListenerCertificates\",\n"
	    "      \"nlb:UpdateListenerAttribute\",\n"
	    "      \"nlb:AssociateAdditionalCertificatesWithListener\",\n"
	    "      \"nlb:DisassociateAdditionalCertificatesWithListener\",\n"
	    "      \"nlb:GetJobStatus\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  }, {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"yundun-cert:UploadUserCertificate\",\n"
	    "      \"yundun-cert:ListUserCertificateOrder\",\n"
	    "      \"yundun-cert:DeleteUserCertificate\" ],\n"
	    "    \"Resource\": \"*\"\n"
	    "  } ]\n"
	    "}\n",
	.example = "region = \"cn-hangzhou\"\n"
	    "listener_id = \"lsn-0123456789\"\n"
	    "domains = { \"www.example.com\" }\n",
	.credentials = "aliyun",
	.opts = opts,
	.check = aliyun_lb_check,
	.store = &aliyun_cas_store,
	.within = (const char *const []){ "listener_id", NULL },
	.api = &aliyun_api,
	.service = &nlb,
	.look = aliyun_lb_look,
	.bind = aliyun_lb_bind,
};
