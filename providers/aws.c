/* SPDX-License-Identifier: MIT */
#include "providers/aws.h"

#include <string.h>

#include "common/text.h"
#include "daemon/rest/scheme_v4.h"

void
aws_sign(struct preq *rq, const char *service, const char *region,
    const char *key_id, const char *secret, const char *token)
{
	const struct scheme_v4 scheme = {
		.algorithm = "AWS4-HMAC-SHA256", .key_prefix = "AWS4",
		.terminator = "aws4_request", .date_header = "X-Amz-Date",
		.service = service,
	};

	if (token != NULL)
		preq_secret_header(rq, "X-Amz-Security-Token", token);
	scheme_v4_sign(rq, &scheme, region, key_id, secret);
}

/* As botocore's retries/standard.py has them. */
static const struct rest_code codes[] = {
	{ "Throttling", REST_THROTTLED },
	{ "ThrottlingException", REST_THROTTLED },
	{ "RequestLimitExceeded", REST_THROTTLED },
	{ "TooManyRequestsException", REST_THROTTLED },
	{ "SlowDown", REST_THROTTLED },
	{ "ThrottledException", REST_THROTTLED },
	{ "RequestThrottled", REST_THROTTLED },
	{ "RequestThrottledException", REST_THROTTLED },
	{ "BandwidthLimitExceeded", REST_THROTTLED },
	{ "LimitExceededException", REST_THROTTLED },
	{ "ProvisionedThroughputExceededException", REST_THROTTLED },
	{ "TransactionInProgressException", REST_THROTTLED },
	{ "EC2ThrottledException", REST_THROTTLED },
	{ "RequestTimeout", REST_UNAVAILABLE },
	{ "RequestTimeoutException", REST_UNAVAILABLE },
	{ "InternalError", REST_UNAVAILABLE },
	{ "InternalFailure", REST_UNAVAILABLE },
	{ "ServiceUnavailable", REST_UNAVAILABLE },
	{ "ServiceUnavailableException", REST_UNAVAILABLE },
	{ "IDPCommunicationError", REST_UNAVAILABLE },
	{ "RequestAbortedException", REST_UNAVAILABLE },
	{ "InvalidClientTokenId", REST_CREDENTIALS },
	{ "SignatureDoesNotMatch", REST_CREDENTIALS },
	{ "IncompleteSignature", REST_CREDENTIALS },
	{ "ExpiredToken", REST_CREDENTIALS },
	{ "RequestExpired", REST_CREDENTIALS },
	{ "MissingAuthenticationToken", REST_CREDENTIALS },
	{ "UnrecognizedClientException", REST_CREDENTIALS },
	{ "AccessDenied", REST_CREDENTIALS },
	{ "AccessDeniedException", REST_CREDENTIALS },
	{ "InvalidSignatureException", REST_CREDENTIALS },
	{ "InvalidAccessKeyId", REST_CREDENTIALS },
	{ "ExpiredTokenException", REST_CREDENTIALS },
	{ "AuthFailure", REST_CREDENTIALS },
	{ "MissingAuthenticationTokenException", REST_CREDENTIALS },
	{ "NotAuthorized", REST_CREDENTIALS },
	{ "OptInRequired", REST_CREDENTIALS },
	{ "UnauthorizedOperation", REST_CREDENTIALS },
	{ "InvalidToken", REST_CREDENTIALS },
	{ "TokenRefreshRequired", REST_CREDENTIALS },
	{ "InvalidSecurity", REST_CREDENTIALS },
	{ "AccountProblem", REST_CREDENTIALS },
	{ .word = NULL }
};

void
aws_judge(const struct rest_answer *a, const char *code, struct error *err)
{
	rest_judge(codes, REST_IS, code, err);
	if (strcmp(code, "SignatureDoesNotMatch") == 0 ||
	    strcmp(code, "InvalidSignatureException") == 0 ||
	    strcmp(code, "RequestExpired") == 0)
		rest_blame_clock(a, err);
}

bool
aws_xml_root(const struct rest_answer *a, const char *name, struct xml *out,
    struct error *err)
{
	struct xml doc = xml_document(a->body, a->body_len);

	if (xml_child(&doc, name, out))
		return true;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "HTTP %d, but no %s: %.100s", a->status, name, a->body);
	return false;
}

void
aws_xml_failed(const struct rest_answer *a, const char *fallback,
    char code[AWS_CODE_MAX], struct error *err)
{
	struct xml doc = xml_document(a->body, a->body_len);
	char words[600];

	code[0] = '\0';
	if (!xml_text(&doc, "Message", words, sizeof(words)))
		return;
	if (!xml_text(&doc, "Code", code, AWS_CODE_MAX))
		(void)text_printf(code, AWS_CODE_MAX, "%s", fallback);
	(void)error_set(err, err->kind, err->code, "HTTP %d: %s: %s",
	    a->status, code, words);
	aws_judge(a, code, err);
}

bool
aws_is_region(const char *region)
{
	return strchr(region, '-') != NULL && region[strspn(region,
	    "abcdefghijklmnopqrstuvwxyz0123456789-")] == '\0';
}
