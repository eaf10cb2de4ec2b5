/* SPDX-License-Identifier: MIT */
#include "providers/huawei.h"

#include <string.h>
#include <time.h>

#include "common/clock.h"
#include "common/json.h"
#include "daemon/rest/scheme_hmac.h"

void
huawei_sign(struct preq *rq, const char *project, const char *id,
    const char *secret, const char *token)
{
	time_t now = clock_now();
	char text[32];
	struct tm tm;

	(void)strftime(text, sizeof(text), "%Y%m%dT%H%M%SZ",
	    gmtime_r(&now, &tm));
	preq_header(rq, "X-Sdk-Date", text);
	if (project != NULL)
		preq_header(rq, "X-Project-Id", project);
	if (token != NULL)
		preq_secret_header(rq, "X-Security-Token", token);
	scheme_sdk(rq, id, secret);
}

const char *
huawei_code(const struct rest_answer *a)
{
	static const char *const paths[] = { "code", "error_code",
	    "error.error_code", "error.code" };
	const char *code = NULL;

	for (size_t i = 0; code == NULL &&
	    i < sizeof(paths) / sizeof(paths[0]); i++)
		code = jsonx_str(a->json, paths[i]);
	return code == NULL ? "" : code;
}

bool
huawei_is_code(const struct rest_answer *a, const char *const *codes)
{
	const char *code = huawei_code(a);
	bool is_newer = strncmp(code, "APIG.", 5) == 0;

	for (; *codes != NULL; codes++) {
		if (strcmp(code, *codes) == 0 || (is_newer &&
		    strncmp(*codes, "APIGW.", 6) == 0 &&
		    strcmp(code + 5, *codes + 6) == 0))
			return true;
	}
	return false;
}

void
huawei_failed(const struct rest_answer *a, struct error *err)
{
	/* Key, rights, real name, source address, account. */
	if (HUAWEI_CODE(a, "APIGW.0301", "APIGW.0302", "APIGW.0303",
	    "APIGW.0304", "APIGW.0305", "APIGW.0306", "APIGW.0307",
	    "APIGW.0310", "APIGW.0311", "APIGW.0401", "APIGW.0402",
	    "APIGW.0404", "APIGW.0502", "APIGW.1002", "APIGW.1005"))
		(void)error_set(err, REST_CREDENTIALS, "%s", err->msg);
	else if (HUAWEI_CODE(a, "APIGW.0308", "APIGW.0501") ||
	    strstr(err->msg, "over ratelimit") != NULL)
		(void)error_set(err, REST_THROTTLED, "%s", err->msg);
	if (huawei_code(a)[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s (%s)",
		    err->msg, huawei_code(a));
	if (HUAWEI_CODE(a, "APIGW.0301"))
		rest_blame_clock(a, err);
}

bool
huawei_is_region(const char *region)
{
	return region[0] != '\0' && region[strspn(region,
	    "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}
