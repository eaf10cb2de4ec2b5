/* SPDX-License-Identifier: MIT */
#include "daemon/rest/preq.h"
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/io/http.h"
#include "daemon/rest/hide.h"
#include "daemon/rest/preq_run.h"

static void
test_url(void **state)
{
	static const struct {
		const char *base, *path, *segment, *name, *value, *url;
	} cases[] = {
		{ "https://a.test", "", NULL, NULL, NULL, "https://a.test/" },
		{ "https://a.test/", "/z", NULL, NULL, NULL,
		    "https://a.test/z" },
		{ "https://a.test/v1//", "/z", "id", "n", "v",
		    "https://a.test/v1/z/id?n=v" },
		{ "https://a.test:8443", "", "a/b?c#d e%", "a&b", "=+ ~*\xc3",
		    "https://a.test:8443/a%2Fb%3Fc%23d%20e%25"
		    "?a%26b=%3D%2B%20~%2A%C3" },
		{ "https://a.test", "/rpc", NULL, "JSON", NULL,
		    "https://a.test/rpc?JSON" },
		{ NULL, "https://t.test/token", "x", NULL, NULL,
		    "https://t.test/token/x" },
		{ "https://a.test", "https://t.test", NULL, "q", "",
		    "https://t.test/?q=" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct preq *rq = preq_new(cases[i].base, false);
		struct http_args a = { 0 };
		struct error err;

		assert_false(preq_is_started(rq));
		preq_start(rq, "GET", cases[i].path);
		assert_true(preq_is_started(rq));
		if (cases[i].segment != NULL)
			preq_path(rq, cases[i].segment);
		if (cases[i].name != NULL && cases[i].value == NULL)
			preq_query_word(rq, cases[i].name);
		else if (cases[i].name != NULL)
			preq_query(rq, cases[i].name, cases[i].value);
		assert_int_equal(preq_finish(rq, false, &a, &err), 0);
		/* What is asked in between changes nothing. */
		(void)preq_label(rq);
		(void)preq_get_host(rq);
		assert_string_equal(a.url, cases[i].url);
		assert_string_equal(a.method, "GET");
		assert_null(a.body);
		assert_false(a.allow_plain);
		preq_free(rq);
	}
}

static void
test_refused(void **state)
{
	static const struct {
		const char *base, *path, *segment, *header, *code;
		bool allow_http;
	} cases[] = {
		{ NULL, "/x", NULL, NULL, "provider:url", false },
		{ "ftp://a.test", "", NULL, NULL, "provider:url", false },
		{ "a.test", "", NULL, NULL, "provider:url", false },
		{ "https://", "/x", NULL, NULL, "provider:url", false },
		{ "https://u:p@a.test", "", NULL, NULL, "provider:url",
		    false },
		{ "https://a.test?x", "", NULL, NULL, "provider:url", false },
		{ "https://a.test/#x", "", NULL, NULL, "provider:url", false },
		{ "https://a. test", "", NULL, NULL, "provider:url", false },
		{ "https://a.test", "", "..", NULL, "provider:url", false },
		{ "https://a.test", "", "", NULL, "provider:url", false },
		{ "https://a.test", "", "a", "to\nken", "provider:header",
		    false },
		{ "http://a.test", "", NULL, NULL, "provider:plain-http",
		    false },
		{ "http://127.evil.test", "", NULL, NULL,
		    "provider:plain-http", false },
		{ "http://localhost.evil.test", "", NULL, NULL,
		    "provider:plain-http", false },
		{ "http://[::2]:80", "", NULL, NULL, "provider:plain-http",
		    false },
		{ "http://127.0.0.1:8081/x", "", NULL, NULL, NULL, false },
		{ "http://127.255.0.1", "", NULL, NULL, NULL, false },
		{ "http://localhost:1", "", NULL, NULL, NULL, false },
		{ "http://[::1]:8081", "", NULL, NULL, NULL, false },
		{ "http://a.test", "", NULL, NULL, NULL, true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct preq *rq = preq_new(cases[i].base, true);
		struct http_args a = { 0 };
		struct error err;
		int rc;

		preq_start(rq, "GET", cases[i].path);
		if (cases[i].segment != NULL)
			preq_path(rq, cases[i].segment);
		if (cases[i].header != NULL)
			preq_token(rq, "Bearer", cases[i].header);
		rc = preq_finish(rq, cases[i].allow_http, &a, &err);
		if (cases[i].code == NULL) {
			assert_int_equal(rc, 0);
			assert_true(a.allow_plain);
		} else {
			assert_int_equal(rc, -1);
			assert_string_equal(err.code, cases[i].code);
			assert_int_equal(err.kind, ERR_CONFIG);
		}
		preq_free(rq);
	}
}

static void
test_base(void **state)
{
	static const struct {
		const char *base, *host;
	} ports[] = {
		{ "https://a.test:443/v1", "a.test" },
		{ "https://a.test:80", "a.test:80" },
		{ "http://127.0.0.1:80", "127.0.0.1" },
		{ "http://[::1]:80/", "[::1]" },
		{ "http://127.0.0.1:443", "127.0.0.1:443" },
		{ "http://127.0.0.1:8080", "127.0.0.1:8080" },
	};
	struct preq *rq = preq_new("https://a.test", false);

	preq_start(rq, "GET", "/x");
	preq_base(rq, "https://region.a.test:444/v2");
	assert_string_equal(preq_get_host(rq), "region.a.test:444");
	assert_string_equal(preq_get_path(rq), "/v2/x");
	preq_free(rq);
	rq = preq_new("https://user.test", true);	/* base_url = ... */
	preq_start(rq, "GET", "/x");
	preq_base(rq, "https://region.a.test");
	assert_string_equal(preq_get_host(rq), "user.test");
	preq_free(rq);
	/* As curl sends it: without the scheme's own port. */
	for (size_t i = 0; i < N_ELEMENTS(ports); i++) {
		rq = preq_new(ports[i].base, true);
		preq_start(rq, "GET", "/x");
		assert_string_equal(preq_get_host(rq), ports[i].host);
		preq_free(rq);
	}
}

static void
test_bodies(void **state)
{
	struct preq *rq = preq_new("https://a.test", false);
	struct http_args a = { 0 };
	struct error err;
	size_t len;

	preq_start(rq, "POST", "/x");
	preq_form(rq, "a b", "c&d");
	preq_form(rq, "e", "");
	assert_string_equal(preq_get_body(rq, &len), "a%20b=c%26d&e=");
	assert_int_equal(len, 14);
	assert_string_equal(preq_get_header(rq, "content-type"),
	    "application/x-www-form-urlencoded");
	preq_json(rq, json_pack("{s:i}", "a", 1));
	preq_secret_query(rq, "key", "s3cret");
	preq_header(rq, "x-a", "1");
	preq_header(rq, "X-A", "2");
	preq_basic(rq, "Aladdin", "open sesame");	/* RFC 7617 */
	assert_int_equal(preq_finish(rq, false, &a, &err), 0);
	assert_int_equal(a.body_len, 7);
	assert_memory_equal(a.body, "{\"a\":1}", 7);
	assert_true(a.secret_url);
	assert_int_equal(a.n_headers, 3);
	assert_string_equal(a.headers[0].value, "application/json");
	assert_string_equal(a.headers[1].value, "2");
	assert_false(a.headers[1].secret);
	assert_string_equal(a.headers[2].value,
	    "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
	assert_true(a.headers[2].secret);
	assert_string_equal(preq_label(rq), "POST https://a.test/x");
	/* Begun again: nothing is left. */
	preq_start(rq, "GET", "/y");
	assert_int_equal(preq_finish(rq, false, &a, &err), 0);
	assert_int_equal(a.n_headers, 0);
	assert_null(a.body);
	assert_string_equal(a.url, "https://a.test/y");
	preq_json(rq, NULL);
	assert_int_equal(preq_finish(rq, false, &a, &err), -1);
	assert_string_equal(err.code, "provider:body");
	assert_int_equal(err.kind, ERR_INTERNAL);
	preq_free(rq);
}

static void
hash(const void *data, size_t len, char out[65])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned n;

	assert_int_equal(EVP_Digest(data, len, md, &n, EVP_sha256(), NULL), 1);
	for (unsigned i = 0; i < n; i++)
		(void)snprintf(out + 2 * i, 3, "%02x", md[i]);
}

/* METHOD, path, query, headers, names, hash of the body; hashed. */
static void
canonical(struct preq *rq, const char *slash, char out[65])
{
	const char *names, *headers = preq_get_signed_headers(rq, &names);
	char body_hash[65], *text;
	const void *body;
	size_t len;

	body = preq_get_body(rq, &len);
	hash(body, len, body_hash);
	text = xasprintf("%s\n%s%s\n%s\n%s\n%s\n%s", preq_get_method(rq),
	    preq_get_path(rq), slash, preq_get_sorted_query(rq), headers,
	    names, body_hash);
	hash(text, strlen(text), out);
	free(text);
}

/* That .prepare can sign: canonical requests of three vendors' schemes. */
static void
test_signing(void **state)
{
	struct preq *rq = preq_new("https://route53.amazonaws.com", false);
	char h[65];

	/* AWS SigV4, vector of the fact sheet of route53 */
	preq_start(rq, "GET", "/2013-04-01/hostedzonesbyname");
	preq_query(rq, "dnsname", "example.com");
	preq_header(rq, "X-Amz-Date", "20260102T030405Z");
	canonical(rq, "", h);
	assert_string_equal(h, "cc609651ff913601a2b166854e6d7003"
	    "c0cde51ec70d938a362cdd6f194d2b0a");

	/* Alibaba ACS3: everything in the query, unsorted here */
	preq_base(rq, "https://alidns.cn-hangzhou.aliyuncs.com");
	preq_start(rq, "POST", "/");
	preq_query(rq, "Value", "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0");
	preq_query(rq, "DomainName", "example.com");
	preq_query(rq, "Type", "TXT");
	preq_query(rq, "TTL", "600");
	preq_query(rq, "RR", "_acme-challenge");
	preq_header(rq, "x-acs-action", "AddDomainRecord");
	preq_header(rq, "x-acs-version", "2015-01-09");
	preq_header(rq, "x-acs-date", "2026-01-02T03:04:05Z");
	preq_header(rq, "x-acs-signature-nonce",
	    "00112233445566778899aabbccddeeff");
	preq_header(rq, "x-acs-content-sha256", "e3b0c44298fc1c149afbf4c8996f"
	    "b92427ae41e4649b934ca495991b7852b855");
	canonical(rq, "", h);
	assert_string_equal(h, "77989bff5193099b2a5bd310a87a05ea"
	    "6a14e5b838e724b538cb808deb2c3ffa");

	/* Huawei: a slash more in the signed path than in the sent one */
	preq_base(rq, "https://dns.cn-north-4.myhuaweicloud.com");
	preq_start(rq, "POST", "/v2/zones");
	preq_path(rq, "2c9eb155587194ec01587224c9f90149");
	preq_path(rq, "recordsets");
	preq_header(rq, "X-Sdk-Date", "20260102T030405Z");
	preq_json(rq, json_pack("{s:s, s:s, s:i, s:[s]}", "name",
	    "_acme-challenge.example.com.", "type", "TXT", "ttl", 300,
	    "records", "\"LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0\""));
	canonical(rq, "/", h);
	assert_string_equal(h, "3bd9da30dfa5a6475224b51587b2305b"
	    "1332d92370ea62eb12e78f4e50fdee58");
	preq_free(rq);
}

/* A URL of the user's own: as it is, behind what is in it, and secret. */
static void
test_given_url(void **state)
{
	struct preq *rq = preq_new(NULL, false);
	struct http_args a;
	struct error err;
	char msg[200];

	preq_url(rq, "POST", "HTTPS://me:pw@hook.example:8443?access_token="
	    "tok%2Fen#top");
	preq_secret_query(rq, "sign", "a+b/c=");
	assert_int_equal(preq_finish(rq, false, &a, &err), 0);
	assert_string_equal(a.url, "HTTPS://me:pw@hook.example:8443/?"
	    "access_token=tok%2Fen&sign=a%2Bb%2Fc%3D");
	assert_true(a.secret_url);
	assert_string_equal(preq_get_host(rq), "hook.example:8443");
	assert_string_equal(preq_label(rq), "POST hook.example:8443");

	preq_url(rq, "POST", "https://hook.example/bot123:secret/send");
	preq_token(rq, "Bearer", "s3cr3t-token");
	preq_header(rq, "X-Open", "nothing");
	assert_int_equal(preq_finish(rq, false, &a, &err), 0);
	assert_string_equal(a.url, "https://hook.example/bot123:secret/send");
	(void)snprintf(msg, sizeof(msg), "no /bot123:secret/send for "
	    "s3cr3t-token, nothing s3cr3t-to");
	preq_hide(rq, msg);
	assert_string_equal(msg, "no *** for ***, nothing ***");

	/* Plain HTTP is no less visible for a user's name in front. */
	preq_url(rq, "POST", "http://localhost@hook.example/");
	assert_int_equal(preq_finish(rq, false, &a, &err), -1);
	assert_string_equal(err.code, "provider:plain-http");
	preq_free(rq);
}

/* A key that comes back in part, or cut into lines. */
static void
test_hide_part(void **state)
{
	static const char key[] = "-----BEGIN PRIVATE KEY-----\n"
	    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQg\n"
	    "c2VjcmV0c2VjcmV0c2VjcmV0\n-----END PRIVATE KEY-----\n";
	char msg[200];

	(void)snprintf(msg, sizeof(msg), "no key: AgEGCCqGSM49AwEHBG0wawIBA"
	    "QQg c2VjcmV0c2VjcmV0c2Vj");
	rest_hide_part(key, msg);
	assert_string_equal(msg, "no key: *** ***");
	(void)snprintf(msg, sizeof(msg), "the PRIVATE KEY is no key, "
	    "c2VjcmV0c2Vjcm");
	rest_hide_part(key, msg);
	assert_string_equal(msg, "the PRIVATE KEY is no key, c2VjcmV0c2Vjcm");
	rest_hide_part(key, msg + strlen(msg));
	rest_hide_part("", msg);
	assert_string_equal(msg, "the PRIVATE KEY is no key, c2VjcmV0c2Vjcm");
}

static void
test_subpath(void **state)
{
	struct preq *rq = preq_new("https://s3.example", false);

	preq_start(rq, "PUT", "");
	preq_path(rq, "bucket");
	preq_subpath(rq, "pre fix/a.example/01+AB.json");
	assert_string_equal(preq_get_path(rq),
	    "/bucket/pre%20fix/a.example/01%2BAB.json");
	preq_free(rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_url),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_base),
		cmocka_unit_test(test_bodies),
		cmocka_unit_test(test_signing),
		cmocka_unit_test(test_given_url),
		cmocka_unit_test(test_hide_part),
		cmocka_unit_test(test_subpath),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
