/* SPDX-License-Identifier: MIT */
#include "providers/volc.h"

#include "common/error.h"
#include "common/json.h"
#include "daemon/rest/scheme_v4.h"

void
volc_action(struct preq *rq, const char *method, const char *action,
    const char *version)
{
	preq_start(rq, method, "");
	preq_query(rq, "Action", action);
	preq_query(rq, "Version", version);
}

void
volc_sign(struct preq *rq, const char *service, const char *region,
    const char *id, const char *secret, const char *token)
{
	const struct scheme_v4 scheme = {
		.algorithm = "HMAC-SHA256", .key_prefix = "",
		.terminator = "request", .date_header = "X-Date",
		.hash_header = "X-Content-Sha256", .service = service,
	};

	/* It is always signed. */
	if (preq_get_header(rq, "Content-Type") == NULL)
		preq_header(rq, "Content-Type",
		    "application/x-www-form-urlencoded");
	if (token != NULL)
		preq_secret_header(rq, "X-Security-Token", token);
	scheme_v4_sign(rq, &scheme, region, id, secret);
}

const char *
volc_code(const struct rest_answer *a)
{
	const char *code = jsonx_str(a->json, "ResponseMetadata.Error.Code");

	return code == NULL ? "" : code;
}

bool
volc_is_refusal(const struct rest_answer *a)
{
	return json_is_object(jsonx_get(a->json, "ResponseMetadata.Error"));
}

void
volc_judge(const struct rest_answer *a, const char *code, const char *words,
    struct error *err)
{
	static const struct rest_code codes[] = {
		{ "Signature", REST_CREDENTIALS },
		{ "AccessKey", REST_CREDENTIALS },
		{ "Credential", REST_CREDENTIALS },
		{ "SecurityToken", REST_CREDENTIALS },
		{ "AccessDenied", REST_CREDENTIALS },
		{ "Timestamp", REST_CREDENTIALS },
		{ "Expired", REST_CREDENTIALS },
		{ "InvalidAuthorization", REST_CREDENTIALS },
		{ "MissingAuth", REST_CREDENTIALS },
		{ "LackPolicy", REST_CREDENTIALS },
		{ "NoPermission", REST_CREDENTIALS },
		{ "FlowLimit", REST_THROTTLED },
		{ "Throttl", REST_THROTTLED },
		{ "TooManyRequests", REST_THROTTLED },
		{ "Internal", REST_UNAVAILABLE },
		{ "ServiceUnavailable", REST_UNAVAILABLE },
		{ .word = NULL }
	};

	rest_judge(codes, REST_HAS, code, err);
	if (code != NULL && code[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s: %s", code,
		    words == NULL ? "" : words);
	if (err->kind == ERR_CONFIG)
		rest_blame_clock(a, err);
}

void
volc_failed(const struct rest_answer *a, struct error *err)
{
	volc_judge(a, volc_code(a), jsonx_str(a->json,
	    "ResponseMetadata.Error.Message"), err);
}
