/* SPDX-License-Identifier: MIT */
#include "clouds/aliyun.h"

#include "common/mem.h"
#include "providers/aliyun.h"
#include "providers/credentials.h"

void
aliyun_action(struct preq *rq, const struct aliyun_service *service,
    const char *action)
{
	char url[128];

	(void)text_printf(url, sizeof(url), "https://%s", service->host);
	preq_start(rq, "POST", "");
	preq_base(rq, url);
	preq_header(rq, "x-acs-action", action);
	preq_header(rq, "x-acs-version", service->version);
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	aliyun_sign(rq, NULL,
	    provider_str(c->credentials, ALIYUN_ID),
	    provider_str(c->credentials, ALIYUN_SECRET),
	    provider_str(c->credentials, ALIYUN_TOKEN));
	return 0;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	aliyun_failed(a, err);
}

const struct cloud_api aliyun_api = {
	.prepare = prepare,
	.failed = failed,
};
