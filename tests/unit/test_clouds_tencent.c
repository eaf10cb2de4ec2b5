/* SPDX-License-Identifier: MIT */
/* Requests of Tencent Cloud's products, and what they keep. */
#include "tests/unit/cloud_call.h"

static void
test_tencent(void **state)
{
	static const char body[] = "{\"CertificatePublicKey\":\"C\","
	    "\"CertificatePrivateKey\":\"K\","
	    "\"Alias\":\"acmed-example.com\",\"Repeatable\":false}";
	struct preq *rq = preq_new(NULL, false);
	struct fixture f;
	struct error err;
	const char *got;

	begin(&f, "tencent-ssl", "id", "testsecret");
	assert_int_equal(f.type->store->upload->request(&f.call, rq, &err), 0);
	/* The vector has fewer members. */
	preq_body(rq, body, strlen(body), "application/json");
	assert_int_equal(f.type->store->api->prepare(&f.call, rq, &err), 0);
	assert_string_equal(preq_get_host(rq), "ssl.tencentcloudapi.com");
	got = preq_get_header(rq, "Authorization");
	assert_non_null(strstr(got, "SignedHeaders=content-type;host;"
	    "x-tc-action, Signature=dd1143f0309bb5b9a2e678d3f0b3f4fce5e0326e"
	    "16058f83d6bcffbb3772b892"));
	preq_free(rq);
	end(&f);
}

/* The answer to the step before, of a domain with these settings. */
static void
tencent_read(struct fixture *f, const char *https)
{
	char text[512];

	(void)text_printf(text, sizeof(text), "{\"Response\":{\"Domains\":[{"
	    "\"Domain\":\"www.example.com\",\"Status\":\"online\","
	    "\"Https\":%s}]}}", https);
	f->call.at = 0;
	assert_int_equal(answer(f, f->type->bind, text), REST_NEXT);
}

static void
test_tencent_cdn(void **state)
{
	struct fixture f;

	begin(&f, "tencent-cdn", "id", "testsecret");
	option(&f, "domains", "www.example.com");
	(void)text_printf(f.call.id, sizeof(f.call.id), "aBcDeF01");
	tencent_read(&f, "null");
	/* Computed by the script that reproduces the sheet's of tencent-ssl,
	 * with service, host, action and body of this one. */
	expect(&f, f.type->api, &f.type->bind[1], "cdn.tencentcloudapi.com",
	    "047bb8fe56da586ff340ba7d75031abcb20e7a60ffff7848b1b40d64ef54a358");

	/* What is not ours stays as it was. */
	tencent_read(&f, "{\"Switch\":\"off\",\"Http2\":\"on\",\"Hsts\":{"
	    "\"Switch\":\"on\",\"MaxAge\":31536000,\"X\":null},"
	    "\"TlsVersion\":[\"TLSv1.2\",null],\"SslStatus\":\"closed\","
	    "\"CertInfo\":{\"CertId\":\"other\",\"From\":\"x\"},"
	    "\"ClientCertInfo\":null}");
	expect_body(&f, &f.type->bind[1], "POST",
	    "{\"Domain\":\"www.example.com\",\"Https\":"
	    "{\"Switch\":\"on\",\"Http2\":\"on\",\"Hsts\":{\"Switch\":"
	    "\"on\",\"MaxAge\":31536000},\"TlsVersion\":[\"TLSv1.2\",null],"
	    "\"CertInfo\":{\"CertId\":\"aBcDeF01\"}}}");
	end(&f);
}

/* Computed with the sheet; one for another kind of key stays, one that has
 * ended does not. */
static void
test_tencent_edgeone(void **state)
{
	static const char domain[] = "{\"Response\":{\"AccelerationDomains\":"
	    "[{\"DomainName\":\"www.example.com\",\"DomainStatus\":\"online\","
	    "\"Certificate\":{\"Mode\":\"%s\",\"List\":["
	    "{\"CertId\":\"mine\",\"SignAlgo\":\"RSA 2048\"},"
	    "{\"CertId\":\"ecc\",\"SignAlgo\":\"ECC 256\"},"
	    "{\"CertId\":\"rsa\",\"SignAlgo\":\"RSA 2048\","
	    "\"ExpireTime\":\"2026-01-02T03:04:06Z\"},"
	    "{\"CertId\":\"old\",\"SignAlgo\":\"RSA 2048\","
	    "\"ExpireTime\":\"2026-01-02T03:04:05Z\"},"
	    "{\"CertId\":\"what\"}]}}]}}";
	struct fixture f;
	char text[700];

	begin(&f, "tencent-edgeone", "id", "testsecret");
	option(&f, "zone_id", "zone-1");
	option(&f, "domains", "www.example.com");
	f.call.bound_id = "mine";
	(void)text_printf(f.call.id, sizeof(f.call.id), "aBcDeF01");
	(void)text_printf(text, sizeof(text), domain, "eofreecert");
	assert_int_equal(answer(&f, f.type->bind, text), REST_NEXT);
	expect(&f, f.type->api, &f.type->bind[1], "teo.tencentcloudapi.com",
	    "cf32de9e55ef954d8660a493e4c8fedce76eddfa90be63f1172f366161e643f7");
	f.call.at = 0;
	(void)text_printf(text, sizeof(text), domain, "sslcert");
	assert_int_equal(answer(&f, f.type->bind, text), REST_NEXT);
	expect_body(&f, &f.type->bind[1], "POST", "{\"ZoneId\":\"zone-1\","
	    "\"Hosts\":[\"www.example.com\"],\"Mode\":\"sslcert\","
	    "\"ServerCertInfo\":[{\"CertId\":\"aBcDeF01\"},"
	    "{\"CertId\":\"rsa\"}]}");
	end(&f);
}

/* A listener with that certificate; what is to be sent then. */
static enum rest_next
clb_read(struct fixture *f, const char *sni, const char *certificate)
{
	char text[512];

	(void)text_printf(text, sizeof(text), "{\"Response\":{\"Listeners\":[{"
	    "\"ListenerId\":\"lbl-1\",\"Protocol\":\"HTTPS\",\"SniSwitch\":%s,"
	    "\"Certificate\":%s}]}}", sni, certificate);
	f->call.at = 0;
	return answer(f, f->type->bind, text);
}

static void
test_tencent_clb(void **state)
{
	static const char several[] = "{\"SSLMode\":\"MUTUAL\","
	    "\"SSLVerifyClient\":\"OPTIONAL\",\"CertId\":\"a\","
	    "\"CertCaId\":\"ca\",\"ExtCertIds\":[\"b\",\"c\"]}";
	const struct rest_step *modify;
	struct fixture f;

	begin(&f, "tencent-clb", "id", "testsecret");
	option(&f, "region", "ap-guangzhou");
	option(&f, "load_balancer_id", "lb-1");
	option(&f, "listener_id", "lbl-1");
	modify = &f.type->bind[1];
	(void)text_printf(f.call.id, sizeof(f.call.id), "aBcDeF01");
	assert_int_equal(clb_read(&f, "0", "{\"SSLMode\":\"UNIDIRECTIONAL\","
	    "\"SSLVerifyClient\":\"ON\",\"CertCaId\":\"\",\"CertId\":\"x\"}"),
	    REST_NEXT);
	/* Computed by the script that reproduces the sheet's of EdgeOne, with
	 * the region among the headers that are signed. */
	expect(&f, f.type->api, modify, "clb.tencentcloudapi.com",
	    "4ae4e5c88583270349ddca8680806d908ec05cb4a04b042484191a5f7dc953f6");
	assert_int_equal(clb_read(&f, "0", "{\"SSLMode\":\"MUTUAL\","
	    "\"SSLVerifyClient\":\"ON\",\"CertCaId\":\"ca\",\"CertId\":\"x\","
	    "\"ExtCertIds\":null}"), REST_NEXT);
	expect_body(&f, modify, "POST", "{\"LoadBalancerId\":\"lb-1\","
	    "\"ListenerId\":\"lbl-1\",\"Certificate\":{\"SSLMode\":\"MUTUAL\","
	    "\"SSLVerifyClient\":\"ON\",\"CertCaId\":\"ca\","
	    "\"CertId\":\"aBcDeF01\"}}");

	/* Which of several is ours to replace must be known. */
	assert_int_equal(clb_read(&f, "0", several), REST_FAIL);
	f.call.bound_id = "b";
	assert_int_equal(clb_read(&f, "0", several), REST_NEXT);
	expect_body(&f, modify, "POST", "{\"LoadBalancerId\":\"lb-1\","
	    "\"ListenerId\":\"lbl-1\",\"MultiCertInfo\":{\"SSLMode\":"
	    "\"MUTUAL\",\"SSLVerifyClient\":\"OPTIONAL\",\"CertList\":["
	    "{\"CertId\":\"aBcDeF01\"},{\"CertId\":\"a\"},{\"CertId\":\"c\"},"
	    "{\"CertId\":\"ca\"}]}}");
	option(&f, "certificate_id", "a");
	f.call.bound_id = "gone";
	assert_int_equal(clb_read(&f, "0", several), REST_NEXT);

	/* With SNI a listener has none, and names are needed. */
	assert_int_equal(clb_read(&f, "1", "null"), REST_FAIL);
	option(&f, "domains", "www.example.com");
	assert_int_equal(clb_read(&f, "1", "null"), REST_FAIL);
	end(&f);
}

static void
test_tencent_cos(void **state)
{
	struct fixture f;

	begin(&f, "tencent-cos", "id", "testsecret");
	option(&f, "region", "ap-guangzhou");
	option(&f, "bucket", "bucket-1250000000");
	option(&f, "domains", "www.example.com");
	(void)text_printf(f.call.id, sizeof(f.call.id), "aBcDeF01");
	/* Computed by the same script. */
	expect(&f, f.type->api, &f.type->bind[1], "ssl.tencentcloudapi.com",
	    "47671ccb7c99e6ba8a1f948926c1c35ed2a8d46b6c6120cc4792f3d325f4e74f");
	/* The domain of another bucket has it. */
	assert_int_equal(answer(&f, f.type->look, "{\"Response\":{"
	    "\"TotalCount\":1,\"InstanceList\":[{\"Region\":\"ap-guangzhou\","
	    "\"Bucket\":\"other-1\",\"Domain\":\"www.example.com\","
	    "\"CertId\":\"aBcDeF01\"}]}}"), REST_NEXT);
	assert_false(f.call.is_right);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tencent),
		cmocka_unit_test(test_tencent_cdn),
		cmocka_unit_test(test_tencent_clb),
		cmocka_unit_test(test_tencent_cos),
		cmocka_unit_test(test_tencent_edgeone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
