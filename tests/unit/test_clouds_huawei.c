/* SPDX-License-Identifier: MIT */
/*
 * Requests of Huawei Cloud, Qiniu and Upyun, signed as computed by others, and
 * what their answers are taken for.
 */
#include "tests/unit/cloud_call.h"


#define AK "QTWAOYTTINDUT2QVKYUC"
#define SK "MFyfvK41ba2giqM7Uio6PznpdUKGpownRZlmVmHc"
#define SIGNED "SignedHeaders=content-type;host;x-sdk-date, Signature="

/* What a refusal is taken for. */
static enum rest_next
refuse(struct fixture *f, const struct rest_step *step, const char *text,
    struct error *err)
{
	struct rest_answer a = { .status = 400, .body = text,
	    .body_len = strlen(text) };

	(void)error_set(err, ERR_REJECTED, "provider:refused", "HTTP 400: %s",
	    text);
	return step->refused(&f->call, &a, err);
}

/* The vendor's sheet has it without a chain. */
static void
test_scm(void **state)
{
	struct fixture f;

	begin(&f, "huawei-scm", AK, SK);
	(void)text_printf(f.call.upload_name, sizeof(f.call.upload_name),
	    "acmed-example.com");
	f.call.cert.chain = "";
	expect(&f, f.type->store->api, f.type->store->upload,
	    "scm.cn-north-4.myhuaweicloud.com", SIGNED
	    "171e547f947950e95ded1f4a741023bd5617f7e28a9b4c7a14ffc2b0928c8769");
	end(&f);
}

/* Which certificates of a list are looked at more closely. */
static void
test_scm_list(void **state)
{
	static const char *const entries[] = {
		/* The same end in China, and in no other minute. */
		"{\"id\":\"a\",\"expire_time\":\"2026-01-02 11:04:05.0\"}",
		"{\"id\":\"b\",\"expire_time\":\"2026-01-02 11:05:05.0\"}",
		("{\"id\":\"c\","
		    "\"name\":\"acmed-example.com-0123456789abcdef\","
		    "\"expire_time\":\"\"}"),
		"{\"id\":\"d\",\"expire_time\":\"soon\"}",
		"{\"id\":\"e\"}",
	};
	const struct cloud_store *store;
	struct fixture f;
	char text[512];

	begin(&f, "huawei-scm", AK, SK);
	store = f.type->store;
	f.call.cert.not_after = __wrap_clock_now();
	for (size_t i = 0; i < sizeof(entries) / sizeof(entries[0]); i++) {
		(void)text_printf(text, sizeof(text), "{\"total_count\":5,"
		    "\"certificates\":[%s]}", entries[i]);
		assert_int_equal(answer(&f, store->find, text), i < 4 ?
		    REST_AGAIN : REST_NEXT);
	}
	assert_int_equal(json_array_size(f.call.memo), 3);
	assert_string_equal(jsonx_str(f.call.memo, "0.id"), "a");
	assert_string_equal(jsonx_str(f.call.memo, "1.id"), "c");
	assert_string_equal(jsonx_str(f.call.memo, "2.id"), "e");
	end(&f);
}

static void
test_cdn(void **state)
{
	const struct rest_step *upload;
	struct fixture f;

	begin(&f, "huawei-cdn", AK, SK);
	option(&f, "domains", "*.example.com");
	upload = f.type->store->upload;
	/* Other settings stay; of a certificate nothing does. */
	assert_int_equal(answer(&f, &upload[1], "{\"configs\":{\"https\":{"
	    "\"https_status\":\"off\",\"http2_status\":\"on\","
	    "\"certificate_source\":2,\"scm_certificate_id\":\"scs1\","
	    "\"certificate_type\":\"server_sm\",\"expire_time\":1,"
	    "\"enc_certificate_value\":\"x\",\"certificates\":[],"
	    "\"tls_version\":\"TLSv1.3\",\"ocsp_stapling_status\":null}}}"),
	    REST_NEXT);
	f.call.at = 0;
	expect_body(&f, &upload[2], "PUT", "{\"configs\":{\"https\":{"
	    "\"https_status\":\"on\",\"certificate_type\":\"server\","
	    "\"certificate_source\":0,\"certificate_name\":"
	    "\"acmed-example.com-0123456789abcdef\",\"certificate_value\":"
	    "\"C\",\"private_key\":\"K\",\"http2_status\":\"on\","
	    "\"tls_version\":\"TLSv1.3\"}}}");
	/* Computed by the vendor's own signer (huaweicloudsdkcore 3.1). */
	expect(&f, f.type->store->api, &upload[2],
	    "cdn.myhuaweicloud.com", SIGNED
	    "cbd1005dfcc4f3f3b95b16ca4b8d65896cd32389bc573cbc8d5dd7c0e4a2d9e9");
	f.call.at = 0;
	assert_int_equal(answer(&f, f.type->store->find, "{\"configs\":{"
	    "\"https\":{\"certificates\":[{},{}]}}}"), REST_FAIL);
	assert_int_equal(answer(&f, &upload[1], "{\"configs\":{\"https\":"
	    "{\"https_status\":\"on\",\"certificate_type\":\"server_sm\"}}}"),
	    REST_FAIL);
	end(&f);
}

static void
test_elb(void **state)
{
	static const char *const names[] = { "example.com", "192.0.2.1",
	    "*.example.com", NULL };
	const struct cloud_store *store;
	struct fixture f;

	begin(&f, "huawei-elb", AK, SK);
	option(&f, "region", "cn-north-4");
	option(&f, "project_id", "0123456789abcdef0123456789abcdef");
	option(&f, "listeners", "l1");
	store = f.type->store;
	(void)text_printf(f.call.id, sizeof(f.call.id), "c1");
	expect(&f, store->api, &store->upload[2],
	    "elb.cn-north-4.myhuaweicloud.com", SIGNED
	    "8020f66ea59358c0c3f03a2722e83a1f3b809418fa60ae0492a794010942ab94");
	/* One that SNI goes by has its names; an address is none. */
	f.call.cert.names = names;
	assert_int_equal(answer(&f, &store->upload[1], "{\"certificate\":"
	    "{\"domain\":\"old.example.com\"}}"), REST_NEXT);
	expect_body(&f, &store->upload[2], "PUT", "{\"certificate\":{"
	    "\"certificate\":\"C\",\"private_key\":\"K\",\"domain\":"
	    "\"example.com,*.example.com\"}}");
	/* QUIC takes RSA only. */
	f.call.at = 0;
	f.call.cert.sec1_key = (char *)(uintptr_t)"-----BEGIN EC PRIVATE KEY";
	assert_int_equal(answer(&f, &f.type->bind[1], "{\"listener\":{"
	    "\"protocol\":\"QUIC\"}}"), REST_FAIL);
	assert_int_equal(answer(&f, &f.type->bind[1], "{\"listener\":{"
	    "\"protocol\":\"HTTPS\",\"default_tls_container_ref\":null}}"),
	    REST_NEXT);
	expect_body(&f, &f.type->bind[2], "PUT", "{\"listener\":{"
	    "\"default_tls_container_ref\":\"c1\"}}");
	end(&f);
}

/* After a reply that was lost: the certificate that others have uploaded is
 * theirs, and would be replaced from now on. */
static void
test_elb_foreign(void **state)
{
	static const char text[] = "{\"certificates\":[{\"id\":\"c1\","
	    "\"name\":\"%s\",\"certificate\":\"-----BEGIN CERTIFICATE-----"
	    "AAAA-----END CERTIFICATE-----\"}]}";
	struct preq *rq = preq_new(NULL, false);
	const struct rest_step *list;
	struct fixture f;
	struct error err;
	char reply[256];

	begin(&f, "huawei-elb", AK, SK);
	option(&f, "region", "cn-north-4");
	option(&f, "project_id", "0123456789abcdef0123456789abcdef");
	list = &f.type->store->find[2];
	(void)text_printf(f.call.cert.sha256, sizeof(f.call.cert.sha256),
	    "709e80c88487a2411e1ee4dfb9f22a86"
	    "1492d20c4765150c0c794abd70f8147c");
	(void)text_printf(reply, sizeof(reply), text, "by-hand");
	assert_int_equal(answer(&f, list, reply), REST_NEXT);
	assert_false(f.call.is_found);
	(void)text_printf(reply, sizeof(reply), text, f.call.upload_name);
	assert_int_equal(answer(&f, list, reply), REST_DONE);
	assert_string_equal(f.call.id, "c1");
	/* Of an upload that was answered the id is known, or it is gone. */
	f.call.is_known = true;
	assert_int_equal(list->request(&f.call, rq, &err), 0);
	assert_false(preq_is_started(rq));
	preq_free(rq);
	end(&f);
}

static void
test_obs(void **state)
{
	static const char body[] = "<CustomDomainConfiguration><Name>acmed-1"
	    "</Name><CertificateId>scs1</CertificateId><Certificate>C"
	    "</Certificate><CertificateChain>C</CertificateChain><PrivateKey>K"
	    "</PrivateKey></CustomDomainConfiguration>";
	struct preq *rq = preq_new(NULL, false);
	const struct cloud_store *store;
	struct fixture f;
	struct error err;

	begin(&f, "huawei-obs", AK, SK);
	option(&f, "region", "cn-north-4");
	option(&f, "bucket", "bucket");
	option(&f, "domains", "www.example.com");
	store = f.type->store;
	assert_int_equal(store->upload->request(&f.call, rq, &err), 0);
	/* The vector names a certificate of SCM as well. */
	preq_body(rq, body, strlen(body), "application/xml");
	preq_header(rq, "Content-MD5", "M2RqdaaGNAfbYIcSNrNuiA==");
	assert_int_equal(store->api->prepare(&f.call, rq, &err), 0);
	assert_string_equal(preq_get_host(rq),
	    "bucket.obs.cn-north-4.myhuaweicloud.com");
	assert_string_equal(preq_get_header(rq, "Date"),
	    "Fri, 02 Jan 2026 03:04:05 GMT");
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "OBS " AK ":0+TfA/VFRhyM/EfR2Sbocz1vZhs=");
	preq_free(rq);
	end(&f);
}

/* The answer to the list of domains. */
static enum rest_next
obs_answer(struct fixture *f, const struct rest_step *step, const char *entry)
{
	struct rest_answer a = { .status = 200 };
	struct error err;
	char text[256];

	(void)text_printf(text, sizeof(text), "<R><Domains><DomainName>"
	    "www.example.com</DomainName>%s</Domains></R>", entry);
	a.body = text;
	a.body_len = strlen(text);
	return step->reply(&f->call, &a, &err);
}

/* An older OBS does not say which certificate a domain has: it is written to,
 * and not waited for. */
static void
test_obs_names(void **state)
{
	const struct rest_step *find, *wait;
	struct fixture f;

	begin(&f, "huawei-obs", AK, SK);
	option(&f, "bucket", "bucket");
	option(&f, "domains", "www.example.com");
	find = f.type->store->find;
	wait = f.type->bind;
	assert_int_equal(obs_answer(&f, find, "<Name>"
	    "acmed-example.com-0123456789abcdef</Name>"), REST_NEXT);
	assert_true(f.call.is_found);
	assert_int_equal(obs_answer(&f, find, "<Name>other</Name>"),
	    REST_NEXT);
	assert_false(f.call.is_found);
	assert_int_equal(obs_answer(&f, wait, "<Name/>"), REST_POLL);
	assert_int_equal(obs_answer(&f, find, ""), REST_NEXT);
	assert_false(f.call.is_found);
	assert_int_equal(obs_answer(&f, wait, ""), REST_NEXT);
	end(&f);
	begin(&f, "huawei-obs", AK, SK);
	option(&f, "bucket", "bucket");
	option(&f, "domains", "b.example.com");
	assert_int_equal(obs_answer(&f, find, ""), REST_FAIL);
	end(&f);
}

static void
test_qiniu(void **state)
{
	static const char *const names[] = { "www.example.com", NULL };
	const struct cloud_store *store;
	struct fixture f;

	begin(&f, "qiniu", "ak", "sk");
	option(&f, "domains", "www.example.com");
	store = f.type->store;
	f.call.cert.names = names;
	(void)text_printf(f.call.upload_name, sizeof(f.call.upload_name),
	    "acmed-1");
	expect(&f, store->api, store->upload, "api.qiniu.com",
	    "ak:wIPap2iS4-P9DyuUmHRgiURJCSE=");
	expect(&f, store->api, store->find, "api.qiniu.com",
	    "ak:0AXmoMV2XyGdImuzgrJXFiRXHW4=");
	/* Of a bucket's domain nothing can be read. */
	option(&f, "service", "kodo");
	(void)text_printf(f.call.id, sizeof(f.call.id), "5af3");
	expect_body(&f, &f.type->bind[1], "PUT", "{\"certid\":\"5af3\","
	    "\"domain\":\"www.example.com\"}");
	end(&f);
}

/* A key of another kind helps, where the vendor says so; but first the other
 * form of this one. */
static void
test_rsa(void **state)
{
	static const char *const products[] = { "qiniu", "upyun" };
	struct fixture f;
	struct error err;

	for (size_t i = 0; i < sizeof(products) / sizeof(products[0]); i++) {
		const struct rest_step *upload;

		begin(&f, products[i], "key", NULL);
		upload = f.type->store->upload;
		f.call.cert.sec1_key = (char *)(uintptr_t)
		    "-----BEGIN EC PRIVATE KEY";
		assert_int_equal(refuse(&f, upload, "not an RSA private key",
		    &err), REST_AGAIN);
		assert_int_equal(refuse(&f, upload, "not an RSA private key",
		    &err), REST_FAIL);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, "set key = \"rsa2048\""));
		f.call.cert.sec1_key = (char *)(uintptr_t)
		    "-----BEGIN RSA PRIVATE KEY";
		f.call.cert.key = f.call.cert.sec1_key;
		assert_int_equal(refuse(&f, upload, "not an RSA private key",
		    &err), REST_FAIL);
		assert_int_equal(err.kind, ERR_REJECTED);
		end(&f);
	}
}

/* What may be in use is not removed, nor is another's taken for ours. */
static void
test_upyun_doubt(void **state)
{
	static const char text[] = "{\"result\":{\"id\":{\"commonName\":\"%s\","
	    "\"validity\":{\"start\":1000,\"end\":1767323045000}}}}";
	const struct rest_step *find, *users;
	struct fixture f;
	char reply[256];

	begin(&f, "upyun", "token", NULL);
	option(&f, "domains", "www.example.com");
	find = f.type->store->find;
	users = f.type->store->remove;
	f.call.is_known = true;
	f.call.cert.not_before = 1;
	f.call.cert.not_after = __wrap_clock_now();
	(void)text_printf(reply, sizeof(reply), text, "example.org");
	assert_int_equal(answer(&f, find, reply), REST_NEXT);
	assert_false(f.call.is_found);
	(void)text_printf(reply, sizeof(reply), text, "Example.com");
	assert_int_equal(answer(&f, find, reply), REST_DONE);
	assert_int_equal(answer(&f, users, "{\"domains\":[]}"), REST_NEXT);
	assert_int_equal(answer(&f, users, "{\"result\":{\"domains\":[{}]}}"),
	    REST_FAIL);
	assert_true(f.call.is_in_use);
	assert_int_equal(answer(&f, users, "{\"data\":{}}"), REST_FAIL);
	end(&f);
}

/* There are times only, which the one before may share. */
static void
test_upyun(void **state)
{
	static const char text[] = "{\"result\":{\"default\":{"
	    "\"config_domain\":0},\"before\":{\"validity\":{\"start\":"
	    "1000,\"end\":1767323045000}},\"ours\":{\"validity\":{\"start\":"
	    "1000,\"end\":1767323045999}},\"pager\":{\"since\":%s,"
	    "\"max\":null}}}";
	const struct rest_step *find;
	struct fixture f;
	char reply[512];

	begin(&f, "upyun", "token", NULL);
	option(&f, "domains", "www.example.com");
	find = f.type->store->find;
	f.call.is_known = true;
	f.call.bound_id = "before";
	f.call.cert.not_before = 1;
	f.call.cert.not_after = __wrap_clock_now();
	(void)text_printf(reply, sizeof(reply), text, "null");
	assert_int_equal(answer(&f, find, reply), REST_DONE);
	assert_true(f.call.is_found);
	assert_string_equal(f.call.id, "ours");
	/* Pages end where they do not go on. */
	(void)text_printf(f.call.id, sizeof(f.call.id), "gone");
	assert_int_equal(answer(&f, find, reply), REST_NEXT);
	(void)text_printf(reply, sizeof(reply), text, "7");
	assert_int_equal(answer(&f, find, reply), REST_AGAIN);
	assert_int_equal(answer(&f, find, reply), REST_NEXT);
	assert_int_equal(answer(&f, find, "{\"result\":[]}"), REST_NEXT);
	assert_int_equal(answer(&f, find, "{\"result\":true}"),
	    REST_FAIL);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scm),
		cmocka_unit_test(test_scm_list),
		cmocka_unit_test(test_cdn),
		cmocka_unit_test(test_elb),
		cmocka_unit_test(test_elb_foreign),
		cmocka_unit_test(test_obs),
		cmocka_unit_test(test_obs_names),
		cmocka_unit_test(test_qiniu),
		cmocka_unit_test(test_rsa),
		cmocka_unit_test(test_upyun),
		cmocka_unit_test(test_upyun_doubt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
