/* SPDX-License-Identifier: MIT */
/* Vendors' published signatures, and some computed with code that makes the
 * published ones. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "daemon/rest/preq.h"
#include "daemon/rest/preq_run.h"
#include "daemon/rest/scheme_hmac.h"

#define VALUE "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"

static void
expect_end(struct preq *rq, const char *prefix, const char *signature)
{
	const char *got = preq_get_header(rq, "Authorization");
	size_t len, n = strlen(signature);

	assert_non_null(got);
	len = strlen(got);
	assert_int_equal(strncmp(got, prefix, strlen(prefix)), 0);
	assert_true(len > n);
	assert_string_equal(got + len - n, signature);
	preq_free(rq);
}

static struct preq *
acs3(const char *host, const char *action, const char *version,
    const char *date, const char *nonce)
{
	struct preq *rq = preq_new(host, false);
	char hash[SIGN_HEX];

	preq_start(rq, "POST", "");
	preq_header(rq, "x-acs-action", action);
	preq_header(rq, "x-acs-version", version);
	preq_header(rq, "x-acs-date", date);
	preq_header(rq, "x-acs-signature-nonce", nonce);
	preq_header(rq, "x-acs-content-sha256", scheme_body_hash(rq, hash));
	return rq;
}

static void
test_acs3(void **state)
{
	static const char date[] = "2026-01-02T03:04:05Z";
	static const char nonce[] = "00112233445566778899aabbccddeeff";
	struct preq *rq;

	/* Alibaba's documentation. */
	rq = acs3("https://ecs.cn-shanghai.aliyuncs.com", "RunInstances",
	    "2014-05-26", "2023-10-26T10:22:32Z",
	    "3156853299f313e23d1673dc12e1703d");
	preq_query(rq, "RegionId", "cn-shanghai");
	preq_query(rq, "ImageId",
	    "win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd");
	scheme_acs3(rq, "YourAccessKeyId", "YourAccessKeySecret");
	expect_end(rq, "ACS3-HMAC-SHA256 Credential=YourAccessKeyId,"
	    "SignedHeaders=host;x-acs-action;x-acs-content-sha256;x-acs-date;"
	    "x-acs-signature-nonce;x-acs-version,", "Signature="
	    "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0");

	rq = acs3("https://alidns.cn-hangzhou.aliyuncs.com",
	    "AddDomainRecord", "2015-01-09", date, nonce);
	preq_query(rq, "DomainName", "example.com");
	preq_query(rq, "RR", "_acme-challenge");
	preq_query(rq, "Type", "TXT");
	preq_query(rq, "Value", VALUE);
	preq_query(rq, "TTL", "600");
	scheme_acs3(rq, "testid", "testsecret");
	expect_end(rq, "ACS3-HMAC-SHA256 Credential=testid,", "Signature="
	    "45f27af0fb8990cf98112f90d24bc2051e6cc9dbe6257ff7ffee3b3b4063312f");

	rq = acs3("https://alidns.aliyuncs.com", "DescribeDomainRecords",
	    "2015-01-09", date, nonce);
	preq_query(rq, "DomainName", "example.com");
	preq_query(rq, "RRKeyWord", "_acme-challenge");
	preq_query(rq, "TypeKeyWord", "TXT");
	preq_query(rq, "PageSize", "500");
	preq_secret_header(rq, "x-acs-security-token", "tok");
	scheme_acs3(rq, "testid", "testsecret");
	expect_end(rq, "ACS3-HMAC-SHA256 Credential=testid,", "Signature="
	    "00f649122250fd206698db8c6563db28b6437668807bebe647e50b18c705f0b2");
}

static struct preq *
tc3(const char *host, const char *action, const char *body)
{
	struct preq *rq = preq_new(host, false);

	preq_start(rq, "POST", "");
	preq_body(rq, body, strlen(body), "application/json; charset=utf-8");
	preq_header(rq, "X-TC-Action", action);
	return rq;
}

static void
test_tc3(void **state)
{
	struct preq *rq;

	/* Tencent's documentation. */
	rq = tc3("https://cvm.tencentcloudapi.com", "DescribeInstances",
	    "{\"Limit\": 1, \"Filters\": [{\"Values\": [\"\\u672a\\u547d\\u540d"
	    "\"], \"Name\": \"instance-name\"}]}");
	scheme_tc3(rq, "cvm", "id", "********************************",
	    1551113065);
	expect_end(rq, "TC3-HMAC-SHA256 Credential=id/2019-02-25/cvm/"
	    "tc3_request, SignedHeaders=content-type;host;x-tc-action, ",
	    "Signature="
	    "10b1a37a7301a02ca19a647ad722d5e43b4b3cff309d421d85b46093f6ab6c4f");

	rq = tc3("https://dnspod.tencentcloudapi.com", "CreateRecord",
	    "{\"Domain\":\"example.com\",\"SubDomain\":\"_acme-challenge\","
	    "\"RecordType\":\"TXT\",\"RecordLine\":\"\xe9\xbb\x98\xe8\xae\xa4"
	    "\",\"RecordLineId\":\"0\",\"Value\":\"v1\",\"TTL\":600}");
	scheme_tc3(rq, "dnspod", "id", "testsecret", 1767323045);
	expect_end(rq, "TC3-HMAC-SHA256 Credential=id/2026-01-02/dnspod/",
	    "Signature="
	    "74a329080af08e1cb1adb35727ccb2146262c59ff45be3b16ddfdbe6d8a64f65");
}

static void
test_sdk(void **state)
{
	static const char id[] = "QTWAOYTTINDUT2QVKYUC";
	static const char secret[] =
	    "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc";
	static const char body[] = "{\"name\":\"_acme-challenge.example.com.\","
	    "\"type\":\"TXT\",\"ttl\":300,\"records\":[\"\\\"" VALUE "\\\"\"]}";
	struct preq *rq;

	/* Huawei's SDK's tests. */
	rq = preq_new("https://service.region.example.com", false);
	preq_start(rq, "GET", "/v1/77b6a44cba5143ab91d13ab9a8ff44fd/vpcs");
	preq_query(rq, "limit", "2");
	preq_query(rq, "marker", "13551d6b-755d-4757-b956-536f674975c0");
	preq_header(rq, "Content-Type", "application/json");
	preq_header(rq, "X-Sdk-Date", "20191115T033655Z");
	scheme_sdk(rq, id, secret);
	expect_end(rq, "SDK-HMAC-SHA256 Access=QTWAOYTTINDUT2QVKYUC, "
	    "SignedHeaders=content-type;host;x-sdk-date, ", "Signature="
	    "7be6668032f70418fcc22abc52071e57aff61b84a1d2381bb430d6870f4f6ebe");

	rq = preq_new("https://dns.cn-north-4.myhuaweicloud.com", false);
	preq_start(rq, "POST", "/v2/zones/2c9eb155587194ec01587224c9f90149/"
	    "recordsets");
	preq_body(rq, body, strlen(body), "application/json");
	preq_header(rq, "X-Sdk-Date", "20260102T030405Z");
	scheme_sdk(rq, id, secret);
	expect_end(rq, "SDK-HMAC-SHA256 Access=", "Signature="
	    "9122ea39d4392357c1b81ebe24844e395be0859732f34155f2bdc1b70fd57658");
}

static void
test_nonce(void **state)
{
	char a[SIGN_NONCE], b[SIGN_NONCE];

	assert_string_not_equal(sign_nonce(a), sign_nonce(b));
	assert_int_equal(strlen(a), SIGN_NONCE - 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_acs3),
		cmocka_unit_test(test_tc3),
		cmocka_unit_test(test_sdk),
		cmocka_unit_test(test_nonce),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
