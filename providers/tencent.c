/* SPDX-License-Identifier: MIT */
#include "providers/tencent.h"

#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/rest/scheme_hmac.h"

const char *
tencent_code(const struct rest_answer *a)
{
	const char *code = jsonx_str(a->json, "Response.Error.Code");

	return code == NULL ? "" : code;
}

bool
tencent_is_refusal(const struct rest_answer *a)
{
	return json_is_object(jsonx_get(a->json, "Response.Error"));
}

void
tencent_sign(struct preq *rq, const char *service, const char *version,
    const char *id, const char *key, const char *token)
{
	time_t now = clock_now();
	char text[32];

	preq_header(rq, "Content-Type", "application/json; charset=utf-8");
	scheme_tc3(rq, service, id, key, now);
	(void)text_printf(text, sizeof(text), "%lld", (long long)now);
	preq_header(rq, "X-TC-Timestamp", text);
	preq_header(rq, "X-TC-Version", version);
	if (token != NULL)
		preq_secret_header(rq, "X-TC-Token", token);
}

/* Codes of all services, by how they begin. */
static const struct rest_code kinds[] = {
	{ "AuthFailure", REST_CREDENTIALS },
	{ "Unauthorized", REST_CREDENTIALS },
	{ "OperationDenied", REST_CREDENTIALS },
	{ "FailedOperation.CAMAuthorizedFail", REST_CREDENTIALS },
	{ "FailedOperation.RoleNotFoundAuthorization", REST_CREDENTIALS },
	{ "RequestLimitExceeded", REST_THROTTLED },
	{ "LimitExceeded.RateLimitExceeded", REST_THROTTLED },
	{ "InternalError", REST_UNAVAILABLE },
	{ "ResourceUnavailable", REST_UNAVAILABLE },
	{ "ResourceInUse", REST_UNAVAILABLE },
	{ "FailedOperation.SystemError", REST_UNAVAILABLE },
	{ "FailedOperation.NetworkError", REST_UNAVAILABLE },
	{ .word = NULL }
};

void
tencent_failed(const struct rest_answer *a, struct error *err)
{
	const char *code = tencent_code(a);
	const char *words = jsonx_str(a->json, "Response.Error.Message");

	if (code[0] == '\0')
		return;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "%.300s (%s)",
	    words == NULL ? "refused" : words, code);
	rest_judge(kinds, REST_BEGINS, code, err);
	if (err->kind == ERR_REJECTED && a->status >= 500)
		(void)error_set(err, ERR_TRANSIENT, "provider:unavailable",
		    "%s", err->msg);
	if (strcmp(code, "AuthFailure.SignatureExpire") == 0)
		rest_blame_clock(a, err);
}
