/* SPDX-License-Identifier: MIT */
#include "clouds/aws.h"

#include <string.h>

#include "providers/aws.h"
#include "providers/credentials.h"

int
aws_check_region(const struct provider_values *values, struct error *err)
{
	const char *region = provider_str(values, AWS_REGION);

	if (aws_is_region(region))
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "region = "
	    "\"%.100s\"; allowed: the name of a region, such as "
	    "eu-central-1", region);
}

void
aws_base(const struct cloud_call *c, struct preq *rq, const char *service)
{
	const char *region = provider_str(c->values, AWS_REGION);
	char url[256];

	(void)text_printf(url, sizeof(url), "https://%s.%s.amazonaws.com%s",
	    service, region, strncmp(region, "cn-", 3) == 0 ? ".cn" : "");
	preq_base(rq, url);
}

int
aws_prepare(const struct cloud_call *c, struct preq *rq, const char *service)
{
	aws_sign(rq, service, provider_str(c->values, AWS_REGION),
	    provider_str(c->credentials, AWS_KEY_ID),
	    provider_str(c->credentials, AWS_SECRET),
	    provider_str(c->credentials, AWS_TOKEN));
	return 0;
}
