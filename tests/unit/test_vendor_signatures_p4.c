/* SPDX-License-Identifier: MIT */
/* What providers sign, against the vectors of their vendors or their SDKs. */
#include "daemon/rest/preq.h"
#include "tests/unit/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/config/provider_values.h"
#include "daemon/rest/preq_run.h"
#include "daemon/rest/scheme_v4.h"
#include "daemon/rest/sign.h"
#include "providers/provider.h"

#define NOW 1767323045			/* 2026-01-02T03:04:05Z */

extern const struct provider provider_baiducloud, provider_jdcloud,
    provider_volcengine, provider_westcn;

/* "get-vanilla" of AWS' own test suite: 2015-08-30T12:36:00Z. */
static void
test_scheme_v4(void **state)
{
	static const struct scheme_v4 aws = {
		.algorithm = "AWS4-HMAC-SHA256", .key_prefix = "AWS4",
		.terminator = "aws4_request", .date_header = "X-Amz-Date",
		.service = "service",
	};
	struct preq *rq = preq_new("https://example.amazonaws.com", false);

	clock_test_set(1440938160);
	preq_start(rq, "GET", "/");
	scheme_v4_sign(rq, &aws, "us-east-1", "AKIDEXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
	    "service/aws4_request, SignedHeaders=host;x-amz-date, Signature="
	    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	preq_free(rq);
	clock_test_set(0);
}

/* A request as it would be sent, signed by the provider itself. */
static void
sign(const struct provider *type, struct preq *rq, time_t now,
    const char *const options[][2])
{
	struct provider_values *values = provider_values_new(type);
	struct provider_call c = { .values = values };
	struct error err;

	for (size_t i = 0; options[i][0] != NULL; i++) {
		int opt = 0;

		while (strcmp(type->opts[opt].name, options[i][0]) != 0)
			opt++;
		assert_int_equal(provider_values_set(values, opt,
		    &options[i][1], 1, &err), 0);
	}
	clock_test_set(now);
	assert_int_equal(type->prepare(&c, rq, &err), 0);
	clock_test_set(0);
	provider_values_free(values);
}

/* Computed from the SDK's algorithm. */
static void
test_volcengine(void **state)
{
	static const char *const options[][2] = { { "access_key", "AKTEST" },
	    { "secret_key", "SKTEST" }, { NULL, NULL } };
	static const char body[] = "{\"ZID\":12345,\"Host\":"
	    "\"_acme-challenge\",\"Type\":\"TXT\",\"Value\":\"v1\","
	    "\"TTL\":600}";
	struct preq *rq = preq_new(provider_volcengine.base_url, false);

	preq_start(rq, "POST", "");
	preq_query(rq, "Version", "2018-08-01");
	preq_query(rq, "Action", "CreateRecord");
	preq_body(rq, body, strlen(body), "application/json");
	sign(&provider_volcengine, rq, NOW, options);
	assert_string_equal(preq_get_header(rq, "X-Date"),
	    "20260102T030405Z");
	assert_string_equal(preq_get_header(rq, "X-Content-Sha256"),
	    "810ce9fb1109b7386989ffba244ae410"
	    "fbad2f715d67e00963a9c5e7881db38f");
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "HMAC-SHA256 Credential=AKTEST/20260102/cn-beijing/dns/request, "
	    "SignedHeaders=content-type;host;x-content-sha256;x-date, "
	    "Signature="
	    "87929a39b590844477042a68dfff5969c1328b67c952c786929522d35fb9baf7");
	preq_free(rq);
}

/* Computed from the SDK's algorithm. */
static void
test_jdcloud(void **state)
{
	static const char *const options[][2] = {
	    { "access_key_id", "AKTEST" }, { "access_key_secret", "SKTEST" },
	    { NULL, NULL } };
	struct preq *rq = preq_new(provider_jdcloud.base_url, false);

	preq_start(rq, "GET", "/regions/cn-north-1/domain");
	preq_query(rq, "pageNumber", "1");
	preq_query(rq, "pageSize", "10");
	preq_header(rq, "x-jdcloud-nonce",
	    "11111111-2222-4333-8444-555555555555");
	sign(&provider_jdcloud, rq, NOW, options);
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "JDCLOUD2-HMAC-SHA256 Credential=AKTEST/20260102/cn-north-1/"
	    "domainservice/jdcloud2_request, SignedHeaders=content-type;host;"
	    "x-jdcloud-date;x-jdcloud-nonce, Signature="
	    "c6fd1ff164bcce8219d097eac7d42c0c8a0113a6e041a1a4d754270a3ac16724");
	preq_free(rq);
}

/* The sample of Baidu's own documentation. */
static void
test_baiducloud(void **state)
{
	static const char *const options[][2] = {
	    { "access_key_id", "0b0f67dfb88244b289b72b142befad0c" },
	    { "secret_access_key", "bad522c2126a4618a8125f4b6cf6356f" },
	    { NULL, NULL } };
	struct preq *rq = preq_new("https://bj.bcebos.com", false);

	preq_start(rq, "PUT", "/v1/test/myfolder/readme.txt");
	preq_query(rq, "partNumber", "9");
	preq_query(rq, "uploadId", "VXBsb2FkIElpZS5tMnRzIHVwbG9hZA");
	preq_body(rq, "a sample", 8, "text/plain");
	preq_header(rq, "Content-Length", "8");
	preq_header(rq, "Content-Md5", "0a52730597fb4ffa01fc117d9e71e3a9");
	sign(&provider_baiducloud, rq, 1430123029, options);
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "bce-auth-v1/0b0f67dfb88244b289b72b142befad0c/"
	    "2015-04-27T08:23:49Z/1800/"
	    "content-length;content-md5;content-type;host;x-bce-date/"
	    "a19e6386e990691aca1114a20357c83713f1cb4be3d74942bb4ed37469ecdacf");
	preq_free(rq);
}

/* lego's, and the same a little earlier: our clock stands at whole seconds. */
static void
test_westcn(void **state)
{
	static const char *const options[][2] = {
	    { "username", "zhangsan" }, { "password", "5dh232kfg!*" },
	    { NULL, NULL } };
	struct preq *rq = preq_new(provider_westcn.base_url, false);
	char hex[SIGN_HEX];
	size_t len;

	assert_string_equal(sign_hash_hex(SIGN_MD5,
	    "zhangsan" "5dh232kfg!*" "1554691950854", hex),
	    "f17581fb2535b2a7ee4468eb3f96a2a9");
	preq_start(rq, "POST", "/domain/");
	preq_form(rq, "domain", "example.com");
	sign(&provider_westcn, rq, 1554691950, options);
	assert_string_equal(preq_get_body(rq, &len), "domain=example.com&"
	    "username=zhangsan&time=1554691950000&token="
	    "3593c3920fddea49c5feac6f28a5e5e4");
	preq_free(rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scheme_v4),
		cmocka_unit_test(test_volcengine),
		cmocka_unit_test(test_jdcloud),
		cmocka_unit_test(test_baiducloud),
		cmocka_unit_test(test_westcn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
