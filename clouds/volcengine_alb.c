/* SPDX-License-Identifier: MIT */
/*
 * volcengine-alb - a listener of Volcano Engine ALB, API of 2020-04-01
 * (https://www.volcengine.com/docs/6767).  The certificate is taken from the
 * certificate centre.
 */
#include "clouds/volcengine_lb.h"

static const struct provider_opt opts[] = { VOLCENGINE_LB_OPTS };

static const struct volcengine_lb alb = {
	.service = "alb",
	.modify = "ModifyListenerAttributes",
	.list = "DomainExtensions",
	.has_action = true,
};

const struct cloud cloud_volcengine_alb = {
	.name = "volcengine-alb",
	.title = "Volcengine Application Load Balancer (ALB)",
	.doc = "Uploads the certificate to the certificate centre and binds "
	    "it to an HTTPS listener, or to domain extensions of it, which "
	    "are there already.",
	.policy = "{\n"
	    "  \"Statement\": [ {\n"
	    "    \"Effect\": \"Allow\",\n"
	    "    \"Action\": [ \"alb:DescribeListenerAttributes\",\n"
	    "      \"alb:ModifyListenerAttributes\" ],\n"
	    "    \"Resource\": [ \"*\" ]\n"
	    "  }, " VOLCENGINE_CERT_STATEMENT " ]\n"
	    "}\n",
	.example = "region = \"cn-beijing\"\n"
	    "listener_id = \"lsn-274fbj6tmltc07fap8tqi7jci\"\n",
	.credentials = "volcengine",
	.opts = opts,
	.store = &volcengine_cert_store,
	.within = volcengine_lb_within,
	.within_is_whole = true,
	.api = &volcengine_lb_api,
	.service = &alb,
	.look = volcengine_lb_look,
	.bind = volcengine_lb_bind,
};
