/* SPDX-License-Identifier: MIT */
#include "clouds/aliyun.h"

#include <string.h>

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

enum rest_next
aliyun_upload_refused(void *user, const struct rest_answer *a, struct error *err)
{
	static const char *const quota[] = { "quota", "exceed", NULL };
	static const char *const there[] = { "exist", "duplicate", "repeat",
	    NULL };
	static const char *const key[] = { "privatekey", "private key",
	    NULL };
	struct cloud_call *c = user;

	if (err->kind != ERR_REJECTED)
		return REST_FAIL;
	c->is_full = rest_says(a, quota);
	/* Of that name, which has the fingerprint in it: find it. */
	if (!c->is_full && rest_says(a, there))
		err->kind = ERR_TRANSIENT;
	return rest_says(a, key) ? cloud_other_key(c) : REST_FAIL;
}

enum rest_next
aliyun_wait_if_busy(void *user, const struct rest_answer *a,
    struct error *err)
{
	static const struct rest_code busy[] = {
		{ "IncorrectStatus.", REST_UNAVAILABLE },
		{ "IncorrectBusinessStatus.", REST_UNAVAILABLE },
		{ "ResourceInConfiguring.", REST_UNAVAILABLE },
		{ "VipStatusNotSupport", REST_UNAVAILABLE },
		{ "IdempotenceProcessing", REST_UNAVAILABLE },
		{ "Conflict.Lock", REST_UNAVAILABLE },
		{ "OperationBusy", REST_UNAVAILABLE },
		{ "OperationFailed.ListenerStatusNotSupport",
		    REST_UNAVAILABLE },
		{ "BackendServer.configuring", REST_UNAVAILABLE },
		{ "ServiceIsConfiguring", REST_UNAVAILABLE },
		{ "Waf.Pullin.ResourceProcessing", REST_UNAVAILABLE },
		{ "-22001", REST_UNAVAILABLE },
		{ "-21020", REST_UNAVAILABLE },
		{ .word = NULL }
	};
	struct error e = *err;

	e.kind = ERR_NONE;
	rest_judge(busy, REST_BEGINS, aliyun_code(a), &e);
	return e.kind == ERR_TRANSIENT ? REST_POLL : REST_FAIL;
}

int
aliyun_check_region(const char *region, struct error *err)
{
	size_t n = strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-");

	if (n > 0 && region[n] == '\0' && strncmp(region, "oss-", 4) != 0)
		return 0;
	return error_set(err, ERR_CONFIG, "config:value", "region = "
	    "\"%.100s\"; allowed: a region such as cn-hangzhou", region);
}
