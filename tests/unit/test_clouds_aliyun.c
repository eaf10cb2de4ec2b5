/* SPDX-License-Identifier: MIT */
/* Requests of Alibaba Cloud's products, signed as computed by a script that
 * reproduces the vendor's vectors; and what goes back as it was read. */
#include "tests/unit/cloud_call.h"

static void
test_balancers(void **state)
{
	struct fixture f;

	begin(&f, "aliyun-alb", "testid", "testsecret");
	option(&f, "region", "cn-hangzhou");
	option(&f, "listener_id", "lsn-1");
	(void)text_printf(f.call.id, sizeof(f.call.id), "12345");
	expect(&f, f.type->api, f.type->bind, "alb.cn-hangzhou.aliyuncs.com",
	    "d1eb6759db7602221f7734ed541c138649c8d034a13d26650a6aa994066f3241");
	/* It has failed, in the vendor's words. */
	assert_int_equal(answer(&f, &f.type->bind[1], "{\"Jobs\":[{\"Status\":"
	    "\"Failed\",\"ErrorMessage\":\"no\"}]}"), REST_FAIL);
	assert_int_equal(answer(&f, &f.type->bind[1], "{\"Jobs\":[]}"),
	    REST_POLL);
	end(&f);

	begin(&f, "aliyun-nlb", "testid", "testsecret");
	option(&f, "region", "cn-hangzhou");
	option(&f, "listener_id", "lsn-1");
	(void)text_printf(f.call.id, sizeof(f.call.id), "12345");
	expect(&f, f.type->api, f.type->bind, "nlb.cn-hangzhou.aliyuncs.com",
	    "e4d77443dca5ab79e562e53d71152b14e37662fb0049f08a202f922f0e69a71f");
	end(&f);

	begin(&f, "aliyun-clb", "testid", "testsecret");
	option(&f, "region", "cn-hangzhou");
	option(&f, "load_balancer_id", "lb-1");
	expect(&f, f.type->store->api, f.type->store->upload,
	    "slb.aliyuncs.com",
	    "f0fcd37187d26909af244741e886c152a6ca864a4f211b483342c9a052b6f46b");
	end(&f);
}

static void
test_waf(void **state)
{
	static const char first[] = "{\"DefaultHttps\":{\"CertId\":\"1-x\","
	    "\"TLSVersion\":\"tlsv1.1\",\"EnableTLSv3\":true,"
	    "\"CipherSuite\":\"99\",\"CustomCiphers\":\"[\\\"A\\\","
	    "\\\"B\\\"]\"}}";
	struct fixture f;
	struct error err;
	struct preq *rq;

	begin(&f, "aliyun-waf", "testid", "testsecret");
	option(&f, "domains", "www.example.com");
	option(&f, "instance_id", "waf-1");
	(void)text_printf(f.call.id, sizeof(f.call.id), "12345");
	expect(&f, f.type->api, f.type->bind,
	    "wafopenapi.cn-hangzhou.aliyuncs.com",
	    "0f89afc0e66e371579f7d8731ec80591a0c76b71d4f95b0185d02318cc2f4929");

	/* The default's other settings go back as they were read. */
	option(&f, "access", "default");
	assert_int_equal(answer(&f, &f.type->bind[2], first), REST_NEXT);
	rq = preq_new(NULL, false);
	assert_int_equal(f.type->bind[3].request(&f.call, rq, &err), 0);
	assert_string_equal(preq_get_sorted_query(rq), "CertId="
	    "12345-cn-hangzhou&CipherSuite=99&CustomCiphers.1=A&"
	    "CustomCiphers.2=B&EnableTLSv3=true&InstanceId=waf-1&RegionId="
	    "cn-hangzhou&TLSVersion=tlsv1.1");
	preq_free(rq);
	assert_int_equal(answer(&f, &f.type->bind[4], "{\"DefaultHttps\":{"
	    "\"CertId\":\"12345-cn-hangzhou\"}}"), REST_NEXT);
	assert_int_equal(answer(&f, &f.type->bind[4], first), REST_POLL);
	end(&f);
}

static void
test_fc(void **state)
{
	struct fixture f;

	begin(&f, "aliyun-fc", "testid", "testsecret");
	option(&f, "region", "cn-hangzhou");
	option(&f, "domains", "www.example.com");
	(void)text_printf(f.call.upload_name, sizeof(f.call.upload_name),
	    "acmed-1");
	assert_int_equal(answer(&f, f.type->store->upload, "{\"protocol\":"
	    "\"HTTP\"}"), REST_FAIL);
	assert_int_equal(answer(&f, f.type->store->upload, "{\"protocol\":"
	    "\"HTTP,HTTPS\",\"tlsConfig\":null}"), REST_NEXT);
	expect(&f, f.type->store->api, &f.type->store->upload[1],
	    "fcv3.cn-hangzhou.aliyuncs.com",
	    "5f6313922e02db86e796a67879c8d184ef107c9a73e16d21640a01e06f6d9f85");
	option(&f, "region", "me-central-1");
	f.call.is_bound[0] = false;
	assert_int_equal(answer(&f, f.type->store->upload, "{\"protocol\":"
	    "\"HTTPS\",\"tlsConfig\":{\"cipherSuites\":[\"x\"],"
	    "\"maxVersion\":null}}"), REST_NEXT);
	expect_body(&f, &f.type->store->upload[1], "PUT", "{\"certConfig\":{"
	    "\"certName\":\"acmed-1\",\"certificate\":\"C\","
	    "\"privateKey\":\"K\"},\"protocol\":\"HTTPS\",\"tlsConfig\":{"
	    "\"cipherSuites\":[\"x\"],\"maxVersion\":null}}");
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_balancers),
		cmocka_unit_test(test_waf),
		cmocka_unit_test(test_fc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
