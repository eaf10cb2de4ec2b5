/* SPDX-License-Identifier: MIT */
#include "clouds/volcengine.h"

#include "providers/credentials.h"
#include "providers/volc.h"

void
volcengine_prepare(const struct cloud_call *c, struct preq *rq,
    const char *service, const char *region)
{
	volc_sign(rq, service, region,
	    provider_str(c->credentials, VOLCENGINE_KEY),
	    provider_str(c->credentials, VOLCENGINE_SECRET),
	    provider_str(c->credentials, VOLCENGINE_TOKEN));
}

bool
volcengine_refuses(void *user, const struct rest_answer *a)
{
	return volc_is_refusal(a);
}

void
volcengine_call_failed(void *user, const struct rest_answer *a,
    struct error *err)
{
	volc_failed(a, err);
}
