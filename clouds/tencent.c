/* SPDX-License-Identifier: MIT */
#include "clouds/tencent.h"

#include "providers/credentials.h"
#include "providers/tencent.h"

void
tencent_action(const struct cloud_call *c, struct preq *rq,
    const char *service, const char *action, json_t *body)
{
	char url[128];

	(void)text_printf(url, sizeof(url), "https://%s%s.tencentcloudapi.com",
	    service, cloud_is_china(c) ? "" : ".intl");
	preq_start(rq, "POST", "");
	preq_base(rq, url);
	preq_header(rq, "X-TC-Action", action);
	if (body != NULL)
		preq_json(rq, body);
}

int
tencent_prepare(const struct cloud_call *c, struct preq *rq,
    const char *service, const char *version)
{
	tencent_sign(rq, service, version,
	    provider_str(c->credentials, TENCENT_ID),
	    provider_str(c->credentials, TENCENT_KEY),
	    provider_str(c->credentials, TENCENT_TOKEN));
	return 0;
}

bool
tencent_refuses(void *user, const struct rest_answer *a)
{
	return tencent_is_refusal(a);
}

void
tencent_call_failed(void *user, const struct rest_answer *a,
    struct error *err)
{
	tencent_failed(a, err);
}
