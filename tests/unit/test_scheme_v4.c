/* SPDX-License-Identifier: MIT */
/* Signature Version 4 of object stores, on their vendors' vectors; those of
 * DNS providers are in test_vendor_signatures_*.c. */
#include "daemon/rest/preq.h"
#include "tests/unit/unit.h"

#include <time.h>

#include "daemon/rest/preq_run.h"
#include "daemon/rest/scheme_v4.h"

static time_t now;
time_t	__wrap_clock_now(void);

time_t
__wrap_clock_now(void)
{
	return now;
}

/* "GET Object" of AWS' "Signature Calculations for the Authorization
 * Header". */
static void
test_s3(void **state)
{
	static const struct scheme_v4 s3 = {
		.algorithm = "AWS4-HMAC-SHA256", .key_prefix = "AWS4",
		.terminator = "aws4_request", .date_header = "x-amz-date",
		.hash_header = "x-amz-content-sha256", .service = "s3" };
	struct preq *rq = preq_new("https://examplebucket.s3.amazonaws.com",
	    false);

	(void)state;
	now = 1369353600;
	preq_start(rq, "GET", "");
	preq_subpath(rq, "test.txt");
	preq_header(rq, "Range", "bytes=0-9");
	scheme_v4_sign(rq, &s3, "us-east-1", "AKIAIOSFODNN7EXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY");
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20130524/"
	    "us-east-1/s3/aws4_request, SignedHeaders=host;range;"
	    "x-amz-content-sha256;x-amz-date, Signature="
	    "f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41");
	preq_free(rq);
}

/* TestV4AuthHeader of alibabacloud-oss-go-sdk-v2.  What is not OSS' own (Host,
 * a condition) is not signed. */
static void
test_oss(void **state)
{
	static const struct scheme_v4 oss = {
		.algorithm = "OSS4-HMAC-SHA256", .key_prefix = "aliyun_v4",
		.terminator = "aliyun_v4_request",
		.date_header = "x-oss-date",
		.hash_header = "x-oss-content-sha256", .service = "oss",
		.payload = "UNSIGNED-PAYLOAD", .own_headers = "x-oss-",
		.path = "/bucket/1234%2B-/123/1.txt" };
	struct preq *rq = preq_new("https://bucket.oss.example", false);

	(void)state;
	now = 1702743657;
	preq_start(rq, "PUT", "");
	preq_subpath(rq, "1234+-/123/1.txt");
	preq_query(rq, "+param1", "value3");
	preq_query_word(rq, "+param2");
	preq_query(rq, "|param1", "value4");
	preq_query_word(rq, "|param2");
	preq_query(rq, "param1", "value1");
	preq_query_word(rq, "param2");
	preq_header(rq, "Content-Type", "text/plain");
	preq_header(rq, "If-Match", "x");
	preq_header(rq, "x-oss-head1", "value");
	scheme_v4_sign(rq, &oss, "cn-hangzhou", "ak", "sk");
	assert_string_equal(preq_get_path(rq), "/1234%2B-/123/1.txt");
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "OSS4-HMAC-SHA256 Credential=ak/20231216/cn-hangzhou/oss/"
	    "aliyun_v4_request,Signature="
	    "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe");
	preq_free(rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_s3),
		cmocka_unit_test(test_oss),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
