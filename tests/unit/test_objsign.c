/* SPDX-License-Identifier: MIT */
/* Signatures of object stores, on their vendors' vectors. */
#include "tests/unit/unit.h"

#include <stdlib.h>

#include "common/mem.h"
#include "daemon/publish/objsign.h"

/* "PUT Object" of AWS' "Signature Calculations for the Authorization
 * Header", and "GET Object". */
static void
test_s3(void **state)
{
	static const struct objsign_header put[] = {
		{ "date", "Fri, 24 May 2013 00:00:00 GMT" },
		{ "host", "examplebucket.s3.amazonaws.com" },
		{ "x-amz-content-sha256", "44ce7dd67c959e0d3524ffac1771dfbb"
		    "a87d2b6b4b4e99e42034a8b803f8b072" },
		{ "x-amz-date", "20130524T000000Z" },
		{ "x-amz-storage-class", "REDUCED_REDUNDANCY" },
	};
	struct objsign_args a = { .scheme = OBJSIGN_S3,
	    .region = "us-east-1", .key_id = "AKIAIOSFODNN7EXAMPLE",
	    .secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	    .method = "PUT", .path = "/test%24file.text", .query = "",
	    .payload = put[2].value, .headers = put,
	    .n_headers = N_ELEMENTS(put), .now = 1369353600 };
	char *value = objsign(&a);

	(void)state;
	assert_string_equal(value, "AWS4-HMAC-SHA256 Credential="
	    "AKIAIOSFODNN7EXAMPLE/20130524/us-east-1/s3/aws4_request,"
	    "SignedHeaders=date;host;x-amz-content-sha256;x-amz-date;"
	    "x-amz-storage-class,Signature="
	    "98ad721746da40c64f1a55b78f14c238d841ea1380cd77a1b5971af0ece108bd");
	freezero_str(value);
}

/* TestV4AuthHeader of alibabacloud-oss-go-sdk-v2. */
static void
test_oss(void **state)
{
	static const struct objsign_header headers[] = {
		{ "content-type", "text/plain" },
		{ "x-oss-content-sha256", "UNSIGNED-PAYLOAD" },
		{ "x-oss-date", "20231216T162057Z" },
		{ "x-oss-head1", "value" },
	};
	char *path = objsign_encode("/bucket/1234+-/123/1.txt");
	struct objsign_args a = { .scheme = OBJSIGN_OSS,
	    .region = "cn-hangzhou", .key_id = "ak", .secret = "sk",
	    .method = "PUT", .path = path, .query = "%2Bparam1=value3&"
	    "%2Bparam2&%7Cparam1=value4&%7Cparam2&param1=value1&param2",
	    .payload = "UNSIGNED-PAYLOAD", .headers = headers,
	    .n_headers = N_ELEMENTS(headers), .now = 1702743657 };
	char *value = objsign(&a);

	(void)state;
	assert_string_equal(path, "/bucket/1234%2B-/123/1.txt");
	assert_string_equal(value, "OSS4-HMAC-SHA256 Credential=ak/20231216/"
	    "cn-hangzhou/oss/aliyun_v4_request,Signature="
	    "e21d18daa82167720f9b1047ae7e7f1ce7cb77a31e8203a7d5f4624fa0284afe");
	freezero_str(value);
	free(path);
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
