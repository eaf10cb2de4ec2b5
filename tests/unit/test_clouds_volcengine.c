/* SPDX-License-Identifier: MIT */
/* Requests of Volcano Engine's products, and what is made of answers. */
#include "tests/unit/cloud_call.h"

static void
begin_with(struct fixture *f, const char *product)
{
	begin(f, product, "AKTEST", "SKTEST");
	(void)text_printf(f->call.id, sizeof(f->call.id), "cert-1");
}

static void
test_cert(void **state)
{
	static const char body[] = "{\"CertificateInfo\":{"
	    "\"CertificateChain\":\"C\",\"PrivateKey\":\"K\"},"
	    "\"Repeatable\":false}";
	const struct cloud_store *store;
	struct preq *rq;
	struct fixture f;
	struct error err;

	begin_with(&f, "volcengine-cert");
	store = f.type->store;
	rq = preq_new(store->api->base_url, false);
	assert_int_equal(store->upload->request(&f.call, rq, &err), 0);
	/* The import itself has a tag as well, which the sheet's has not. */
	preq_body(rq, body, strlen(body), "application/json");
	assert_int_equal(store->api->prepare(&f.call, rq, &err), 0);
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "HMAC-SHA256 Credential=AKTEST/20260102/cn-beijing/"
	    "certificate_service/request, SignedHeaders="
	    "content-type;host;x-content-sha256;x-date, Signature="
	    "04f385edf6dbd97313dd63404ac3df5619b17336a91bb37ad2601916bdc56455");
	preq_free(rq);

	/* There under another name: whoever has put it there keeps it. */
	assert_int_equal(answer(&f, store->upload, "{\"Result\":{"
	    "\"InstanceId\":\"\",\"RepeatId\":\"cert-2\"}}"), REST_NEXT);
	assert_string_equal(f.call.id, "cert-2");
	assert_true(f.call.is_foreign);
	assert_int_equal(answer(&f, store->upload, "{\"Result\":{"
	    "\"InstanceId\":\"cert-3\"}}"), REST_NEXT);
	assert_false(f.call.is_foreign);
	/* A list that finds by parts of the tag. */
	assert_int_equal(answer(&f, store->find, "{\"Result\":{\"TotalCount\":"
	    "1,\"Instances\":[{\"InstanceId\":\"cert-4\",\"Tag\":\"my "
	    "acmed-example.com-0123456789abcdef\"}]}}"), REST_NEXT);
	assert_false(f.call.is_found);
	end(&f);
}

/* These are computed by the script that reproduces the sheet's. */
static void
test_bind(void **state)
{
	static const struct { const char *product, *signature; } lbs[] = {
		{ "volcengine-alb", "41197405f9636fc340c673d28f6a47a462d77567"
		    "68f75a3e0c2368805834fe62" },
		{ "volcengine-clb", "8b3b9b29652a8b0704b29ab3d18e154efc340b84"
		    "a6030ba14528a4d85548a45c" },
	};
	struct fixture f;

	begin_with(&f, "volcengine-cdn");
	option(&f, "domains", "www.example.com");
	expect(&f, f.type->api, f.type->bind, "open.volcengineapi.com",
	    "ac4e27822e80a0a63abef3cf7b78e8e71865b5aabb09c341ddd265d3c9d8d755");
	/* Each domain has an answer of its own. */
	assert_int_equal(answer(&f, f.type->bind, "{\"Result\":{"
	    "\"DeployResult\":[{\"Domain\":\"a\",\"Status\":\"success\"},"
	    "{\"Domain\":\"b\",\"Status\":\"fail\"}]}}"), REST_FAIL);
	end(&f);
	for (size_t i = 0; i < sizeof(lbs) / sizeof(lbs[0]); i++) {
		begin_with(&f, lbs[i].product);
		option(&f, "region", "cn-beijing");
		option(&f, "listener_id", "lsn-1");
		expect(&f, f.type->api, &f.type->bind[1],
		    "open.volcengineapi.com", lbs[i].signature);
		/* An id of the balancer's own store may look the same. */
		assert_int_equal(answer(&f, f.type->look, "{\"Result\":{"
		    "\"ListenerId\":\"lsn-1\",\"Protocol\":\"HTTPS\","
		    "\"CertificateSource\":\"clb\",\"CertCenterCertificateId\":"
		    "\"cert-1\"}}"), REST_NEXT);
		assert_false(f.call.is_right);
		assert_int_equal(answer(&f, f.type->look, "{\"Result\":{"
		    "\"ListenerId\":\"lsn-1\",\"Protocol\":\"HTTP\"}}"),
		    REST_FAIL);
		end(&f);
	}
}

static void
test_tos(void **state)
{
	struct fixture f;

	begin_with(&f, "volcengine-tos");
	option(&f, "region", "cn-beijing");
	option(&f, "bucket", "bucket");
	option(&f, "domains", "www.example.com");
	f.call.memo = json_pack("[{s:s}]", "Domain", "www.example.com");
	expect(&f, f.type->api, &f.type->bind[1],
	    "bucket.tos-cn-beijing.volces.com",
	    "9ca14c0955eb9dda68a574058604bc0852d64774ff8386c3d010523c7b081f34");
	/* What it speaks stays; what only the vendor says is not sent. */
	assert_int_equal(answer(&f, f.type->bind, "{\"CustomDomainRules\":[{"
	    "\"Domain\":\"www.example.com\",\"CertId\":\"cert-0\","
	    "\"CertStatus\":\"CertBound\",\"Protocol\":\"s3\"}]}"), REST_NEXT);
	expect_body(&f, &f.type->bind[1], "PUT", "{\"CustomDomainRule\":{"
	    "\"CertId\":\"cert-1\",\"Domain\":\"www.example.com\","
	    "\"Protocol\":\"s3\"}}");
	assert_int_equal(answer(&f, f.type->bind, "{\"CustomDomainRules\":"
	    "[]}"), REST_FAIL);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_tos),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
