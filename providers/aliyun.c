/* SPDX-License-Identifier: MIT */
#include "providers/aliyun.h"

#include <strings.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/rest/scheme_hmac.h"

const char *
aliyun_code(const struct rest_answer *a)
{
	const char *code = jsonx_str(a->json, "Code");

	return code == NULL ? "" : code;
}

void
aliyun_sign(struct preq *rq, const char *version, const char *id,
    const char *secret, const char *token)
{
	char date[TEXT_TIME_MAX], nonce[SIGN_NONCE], hash[SIGN_HEX];

	/* As curl would add it, but unsigned. */
	if (preq_get_header(rq, "Content-Type") == NULL)
		preq_header(rq, "Content-Type",
		    "application/x-www-form-urlencoded");
	if (version != NULL)
		preq_header(rq, "x-acs-version", version);
	preq_header(rq, "x-acs-date", text_time(clock_now(), date));
	preq_header(rq, "x-acs-signature-nonce", sign_nonce(nonce));
	preq_header(rq, "x-acs-content-sha256", scheme_body_hash(rq, hash));
	if (token != NULL)
		preq_secret_header(rq, "x-acs-security-token", token);
	scheme_acs3(rq, id, secret);
}

/*
 * What codes mean that are not about the request, by how they begin: those of
 * all services (help.aliyun.com/en/dns/error-code and the SDKs' lists), and
 * DNS' own.
 */
static const struct rest_code kinds[] = {
	/* Key, clock, rights, account, source address. */
	{ "InvalidAccessKey", REST_CREDENTIALS },
	{ "MissingAccessKey", REST_CREDENTIALS },
	{ "InactiveAccessKey", REST_CREDENTIALS },
	{ "InvalidSecurityToken", REST_CREDENTIALS },
	{ "MissingSecurityToken", REST_CREDENTIALS },
	{ "InvalidStsToken", REST_CREDENTIALS },
	{ "SignatureDoesNotMatch", REST_CREDENTIALS },
	{ "SignatureNotMatch", REST_CREDENTIALS },
	{ "IncompleteSignature", REST_CREDENTIALS },
	{ "InvalidSignature", REST_CREDENTIALS },
	{ "InvalidTimeStamp", REST_CREDENTIALS },
	{ "IllegalTimestamp", REST_CREDENTIALS },
	{ "Forbidden", REST_CREDENTIALS },
	{ "Forbedden", REST_CREDENTIALS },	/* theirs: .NotSupportRAM */
	{ "NoPermission", REST_CREDENTIALS },
	{ "Unauthorized", REST_CREDENTIALS },
	{ "ActionUnauthorized", REST_CREDENTIALS },
	{ "UserDisable", REST_CREDENTIALS },
	{ "Throttling", REST_THROTTLED },
	{ "Rejected.Throttling", REST_THROTTLED },
	{ "FlowControlError", REST_THROTTLED },
	{ "DnsSystemBusy", REST_UNAVAILABLE },
	{ "SystemBusy", REST_UNAVAILABLE },
	{ "ServerBusy", REST_UNAVAILABLE },
	{ "ServiceBusy", REST_UNAVAILABLE },
	{ "InternalError", REST_UNAVAILABLE },
	{ "InternalServerError", REST_UNAVAILABLE },
	{ "ServiceUnavailable", REST_UNAVAILABLE },
	{ "SignatureNonceUsed", REST_UNAVAILABLE },
	{ "LastOperationNotFinished", REST_UNAVAILABLE },
	{ .word = NULL }
};

void
aliyun_failed(const struct rest_answer *a, struct error *err)
{
	const char *code = aliyun_code(a);

	rest_judge(kinds, REST_BEGINS, code, err);
	if (code[0] != '\0')
		(void)error_set(err, err->kind, err->code, "%s (%s)",
		    err->msg, code);
	if (strncasecmp(code, "InvalidTimeStamp", 16) == 0 ||
	    strncasecmp(code, "IllegalTimestamp", 16) == 0)
		rest_blame_clock(a, err);
}
