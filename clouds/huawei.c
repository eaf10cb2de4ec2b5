/* SPDX-License-Identifier: MIT */
#include "clouds/huawei.h"

#include "providers/credentials.h"
#include "providers/huawei.h"

void
huawei_start(struct preq *rq, const char *method, const char *service,
    const char *region, const char *path)
{
	char url[200];

	(void)text_printf(url, sizeof(url), "https://%s%s%s.myhuaweicloud.com",
	    service, region != NULL ? "." : "", region != NULL ? region : "");
	preq_start(rq, method, path);
	preq_base(rq, url);
}

static int
prepare(void *user, struct preq *rq, struct error *err)
{
	const struct cloud_call *c = user;

	huawei_sign(rq, NULL, provider_str(c->credentials, HUAWEI_ID),
	    provider_str(c->credentials, HUAWEI_SECRET),
	    provider_str(c->credentials, HUAWEI_TOKEN));
	return 0;
}

static void
failed(void *user, const struct rest_answer *a, struct error *err)
{
	const char *words = jsonx_str(a->json, "error.error_msg");

	if (words != NULL)
		(void)error_set(err, err->kind, err->code, "HTTP %d: %.200s",
		    a->status, words);
	huawei_failed(a, err);
}

const struct cloud_api huawei_api = { .prepare = prepare, .failed = failed };

bool
huawei_blames_key(const struct rest_answer *a)
{
	static const char *const words[] = { "private key", "private_key",
	    "privatekey", NULL };

	return rest_says(a, words);
}
