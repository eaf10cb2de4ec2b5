/* SPDX-License-Identifier: MIT */
#include "clouds/tencent.h"

#include <string.h>

#include "providers/credentials.h"
#include "providers/tencent.h"

int
tencent_check_site(const struct provider_values *values, struct error *err)
{
	const char *site = provider_str(values, TENCENT_SITE);

	if (strcmp(site, "china") == 0 || strcmp(site, "international") == 0)
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "site = \"%.100s\"; "
	    "allowed: china, international", site);
}

void
tencent_action(const struct cloud_call *c, struct preq *rq,
    const char *service, const char *action, json_t *body)
{
	bool is_china = strcmp(provider_str(c->values, TENCENT_SITE),
	    "china") == 0;
	char url[128];

	(void)text_printf(url, sizeof(url), "https://%s%s.tencentcloudapi.com",
	    service, is_china ? "" : ".intl");
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
