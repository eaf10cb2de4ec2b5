/* SPDX-License-Identifier: MIT */
/* Requests of cloud products, signed as computed by others, and small help. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/rest/scheme_hmac.h"
#include "tests/unit/cloud_call.h"

const char *__wrap_http_reply_header(const struct http_reply *,
    const char *name, size_t nth);

/* Of all answers; NULL: none. */
static const char *etag;

const char *
__wrap_http_reply_header(const struct http_reply *reply, const char *name,
    size_t nth)
{
	return strcmp(name, "ETag") == 0 ? etag : NULL;
}

/* --- the vendors --- */

/* One without a body: curl would add a Content-Type, which these lack. */
static void
expect_acs3(const char *host, const char *action, const char *version,
    const char *const *query, const char *signature)
{
	struct preq *rq = preq_new(host, false);
	char hash[SIGN_HEX], nonce[SIGN_NONCE];
	const char *got;

	preq_start(rq, "POST", "");
	preq_header(rq, "x-acs-action", action);
	preq_header(rq, "x-acs-version", version);
	preq_header(rq, "x-acs-date", "2026-01-02T03:04:05Z");
	preq_header(rq, "x-acs-signature-nonce", __wrap_sign_nonce(nonce));
	preq_header(rq, "x-acs-content-sha256", scheme_body_hash(rq, hash));
	for (; *query != NULL; query += 2)
		preq_query(rq, query[0], query[1]);
	scheme_acs3(rq, "testid", "testsecret");
	got = preq_get_header(rq, "Authorization");
	assert_string_equal(got + strlen(got) - strlen(signature), signature);
	preq_free(rq);
}

/* CAS answers an upload with that id. */
static enum rest_next
uploaded(struct fixture *f, json_t *id /* taken */)
{
	struct rest_answer a = { .status = 200,
	    .json = json_pack("{s:o}", "CertId", id) };
	struct error err;
	enum rest_next next = f->type->store->upload->reply(&f->call, &a,
	    &err);

	json_decref((json_t *)(uintptr_t)a.json);
	return next;
}

static void
test_aliyun(void **state)
{
	const struct cloud_store *store;
	struct fixture f;

	begin(&f, "aliyun-cdn", "testid", "testsecret");
	option(&f, "domains", "www.example.com");
	store = f.type->store;
	f.call.cert.fullchain = "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n";
	f.call.cert.key = "-----BEGIN PRIVATE KEY-----\nBBBB\n"
	    "-----END PRIVATE KEY-----\n";
	expect(&f, store->api, store->upload, "cas.aliyuncs.com", "Signature="
	    "1857cbabaf93f2d074db0e9204f68522492640f3eb2bdde79265dee9967f0c15");
	/* Its id goes into XML. */
	assert_int_equal(uploaded(&f, json_integer(9007199254741993)),
	    REST_NEXT);
	assert_string_equal(f.call.id, "9007199254741993");
	assert_int_equal(uploaded(&f, json_string("1</CertId><X>")),
	    REST_FAIL);
	assert_string_equal(f.call.id, "");
	end(&f);

	/* Computed by the script that reproduces the sheet's. */
	begin(&f, "aliyun-dcdn", "testid", "testsecret");
	option(&f, "domains", "www.example.com");
	(void)text_printf(f.call.id, sizeof(f.call.id), "12345");
	expect(&f, f.type->api, f.type->bind, "dcdn.aliyuncs.com", "Signature="
	    "44ad412e5e1b555eac2255e8a3d2489d411c4cc0bab5aad1b60b8a9832d19581");
	end(&f);
	expect_acs3("https://cas.aliyuncs.com", "ListUserCertificateOrder",
	    "2020-04-07", (const char *const []){ "CurrentPage", "1",
	    "Keyword", "example.com", "OrderType", "UPLOAD", "ShowSize", "50",
	    NULL },
	    "edade6df8f4972e7826a62fcca329364a2d02a9b0e4ac9418713671a28a8e588");
	expect_acs3("https://alb.cn-hangzhou.aliyuncs.com",
	    "UpdateListenerAttribute", "2020-06-16", (const char *const []){
	    "Certificates.1.CertificateId", "12345-cn-hangzhou", "ListenerId",
	    "lsn-1", NULL },
	    "0b9ccdd5b5140d2d44aae47960bbf36dfde1914bca9f48a8838813af137fb1ca");
	expect_acs3("https://cdn.aliyuncs.com", "SetCdnDomainSSLCertificate",
	    "2018-05-10", (const char *const []){ "CertId", "12345",
	    "CertRegion", "cn-hangzhou", "CertType", "cas", "DomainName",
	    "www.example.com", "SSLProtocol", "on", NULL },
	    "88334e6f4bb65f235f86bd22321291b15d3319f96ba5bd193f192ac258a9a2b2");
}

/* What is replaced, of the pages of a list; "" if a new one is uploaded. */
static void
esa_finds(struct fixture *f, const char *known, const char *entry,
    const char *id)
{
	const struct rest_step *find = f->type->store->find;
	struct preq *rq = preq_new(NULL, false);
	struct rest_answer a = { .status = 200 };
	enum rest_next next;
	char text[512];
	struct error err;
	json_t *json;

	json_decref(f->call.memo);
	f->call.memo = NULL;
	(void)text_printf(f->call.id, sizeof(f->call.id), "%s", known);
	f->call.is_found = false;
	f->call.page = 0;
	assert_int_equal(find->request(&f->call, rq, &err), 0);
	(void)text_printf(text, sizeof(text), "{\"Result\":[%s]}", entry);
	json = jsonx_parse(text, strlen(text), &err);
	assert_non_null(json);
	a.json = json;
	next = find->reply(&f->call, &a, &err);
	assert_int_equal(next, f->call.is_found ? REST_DONE : REST_AGAIN);
	assert_string_equal(f->call.id, id);
	json_decref(json);
	preq_free(rq);
}

static void
test_esa(void **state)
{
	static const char ours[] = "{\"Id\":\"a\",\"Name\":"
	    "\"acmed-example.com-00000000000000aa\","
	    "\"FingerprintSha256\":\"12\"}";
	static const char other[] = "{\"Id\":\"b\",\"Name\":"
	    "\"acmed-example.com-2-00000000000000aa\"}";
	static const char theirs[] = "{\"Id\":\"c\",\"Name\":\"theirs\"}";
	char same[160];
	struct fixture f;

	begin(&f, "aliyun-esa", "testid", "testsecret");
	option(&f, "site_id", "123456789");
	f.call.cert.fullchain = "-----BEGIN CERTIFICATE-----\nAAAA\n"
	    "-----END CERTIFICATE-----\n";
	f.call.cert.key = "-----BEGIN PRIVATE KEY-----\nBBBB\n"
	    "-----END PRIVATE KEY-----\n";
	/* Computed by the script that reproduces the sheet's. */
	expect(&f, f.type->store->api, f.type->store->upload,
	    "esa.cn-hangzhou.aliyuncs.com", "Signature="
	    "24a917d82f9806b8d90d7441b90f49e3c12d3f51fcc177d3df6f4176076df39d");

	esa_finds(&f, "", ours, "a");	/* state.db was lost */
	esa_finds(&f, "", other, "");	/* of another section */
	esa_finds(&f, "b", other, "b");	/* renamed since */
	esa_finds(&f, "a", theirs, "");	/* gone */
	esa_finds(&f, "c", theirs, "");	/* found there once, not ours */
	(void)text_printf(f.call.cert.sha256, sizeof(f.call.cert.sha256),
	    "%064x", 0xc0);
	(void)text_printf(same, sizeof(same), "{\"Id\":\"c\",\"Name\":"
	    "\"theirs\",\"FingerprintSha256\":\"%064X\"}", 0xc0);
	esa_finds(&f, "", same, "c");
	assert_true(f.call.is_found);
	option(&f, "certificate_id", "c");
	esa_finds(&f, "a", ours, "");	/* the user says which */
	esa_finds(&f, "a", theirs, "c");
	end(&f);
}

static void
test_oss(void **state)
{
	static const char body[] = "<BucketCnameConfiguration><Cname><Domain>"
	    "www.example.com</Domain><CertificateConfiguration><CertId>"
	    "12345-cn-hangzhou</CertId><Certificate>C</Certificate>"
	    "<PrivateKey>K</PrivateKey><Force>true</Force>"
	    "</CertificateConfiguration></Cname></BucketCnameConfiguration>";
	struct preq *rq = preq_new(NULL, false);
	struct fixture f;
	struct error err;
	const char *got;

	begin(&f, "aliyun-oss", "testid", "testsecret");
	option(&f, "region", "cn-hangzhou");
	option(&f, "bucket", "bucket");
	option(&f, "domains", "www.example.com");
	assert_int_equal(f.type->bind->request(&f.call, rq, &err), 0);
	/* The vector has key and certificate in it as well. */
	preq_body(rq, body, strlen(body), "application/xml");
	preq_header(rq, "Content-MD5", "yCmkeUJpv47eL49FA23PRA==");
	assert_int_equal(f.type->api->prepare(&f.call, rq, &err), 0);
	assert_string_equal(preq_get_host(rq),
	    "bucket.oss-cn-hangzhou.aliyuncs.com");
	got = preq_get_header(rq, "Authorization");
	assert_non_null(strstr(got, "Signature=8a47abf4fcd3829d66573f3cb273614"
	    "9199a6a257f2ad9c01381dc75cbaa97e4"));
	preq_free(rq);
	end(&f);
}

static void
test_aws(void **state)
{
	static const char body[] = "{\"Certificate\":\"Qw==\","
	    "\"CertificateChain\":\"RA==\",\"PrivateKey\":\"Sw==\"}";
	struct preq *rq;
	struct fixture f;
	struct error err;
	const char *got;

	begin(&f, "aws-acm", "AKIDEXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	option(&f, "region", "eu-central-1");
	/* The import itself has a tag as well, which the vector has not. */
	rq = preq_new(NULL, false);
	assert_int_equal(f.type->store->upload->request(&f.call, rq, &err), 0);
	preq_body(rq, body, strlen(body), "application/x-amz-json-1.1");
	assert_int_equal(f.type->store->api->prepare(&f.call, rq, &err), 0);
	assert_string_equal(preq_get_host(rq),
	    "acm.eu-central-1.amazonaws.com");
	got = preq_get_header(rq, "Authorization");
	assert_string_equal(got, "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/"
	    "20260102/eu-central-1/acm/aws4_request, SignedHeaders="
	    "content-type;host;x-amz-date;x-amz-target, Signature="
	    "78413b9bccf202a1ca8a41af50f0ea918b70e4555bd968c299382c09d532f8e8");
	preq_free(rq);
	end(&f);
}

/* The answer to "list certificates", of these members. */
static enum rest_next
listed(struct fixture *f, const char *members)
{
	struct rest_answer a = { .status = 200 };
	struct error err;
	char text[1024];

	(void)text_printf(text, sizeof(text),
	    "<DescribeListenerCertificatesResponse><R>%s</R>"
	    "</DescribeListenerCertificatesResponse>", members);
	a.body = text;
	a.body_len = strlen(text);
	return f->type->bind[2].reply(&f->call, &a, &err);
}

/* Does that step send something?  What. */
static bool
sends(struct fixture *f, const struct rest_step *step, const char *what)
{
	struct preq *rq = preq_new("https://api.test", false);
	struct error err;
	bool is_sent;
	size_t len;

	assert_int_equal(step->request(&f->call, rq, &err), 0);
	is_sent = preq_is_started(rq);
	if (is_sent)
		assert_non_null(strstr(preq_get_body(rq, &len), what));
	preq_free(rq);
	return is_sent;
}

static void
test_elbv2(void **state)
{
	struct preq *rq = preq_new(NULL, false);
	struct fixture f;
	struct error err;

	begin(&f, "aws-elbv2", "AKIDEXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	option(&f, "region", "eu-central-1");
	option(&f, "listener_arn", "arn:aws:elasticloadbalancing:eu-central-1:"
	    "123456789012:listener/app/x/1/2");
	option(&f, "sni", "yes");
	(void)text_printf(f.call.id, sizeof(f.call.id), "arn:aws:acm:"
	    "eu-central-1:123456789012:certificate/1");
	expect(&f, f.type->api, &f.type->bind[3],
	    "elasticloadbalancing.eu-central-1.amazonaws.com",
	    "SignedHeaders=content-type;host;x-amz-date, Signature="
	    "ec2afe607aa55664c8970b6e1554e1a083b458ffcd621e5171ed227e787f7934");
	assert_false(sends(&f, &f.type->bind[4], ""));

	/* Another ARN than before: the old one goes when the new is there. */
	(void)text_printf(f.call.id, sizeof(f.call.id), "new");
	f.call.bound_id = "old";
	f.call.is_bound[0] = true;	/* as the default: of no account */
	assert_int_equal(f.type->bind[2].request(&f.call, rq, &err), 0);
	assert_int_equal(listed(&f, "<Certificates><member><CertificateArn>new"
	    "</CertificateArn><IsDefault>true</IsDefault></member>"
	    "</Certificates><NextMarker>m</NextMarker>"), REST_AGAIN);
	assert_int_equal(listed(&f, "<Certificates><member><CertificateArn>old"
	    "</CertificateArn><IsDefault>false</IsDefault></member>"
	    "</Certificates>"), REST_NEXT);
	assert_true(sends(&f, &f.type->bind[3], "AddListenerCertificates&"
	    "Certificates.member.1.CertificateArn=new&"));
	assert_true(sends(&f, &f.type->bind[4], "RemoveListenerCertificates&"
	    "Certificates.member.1.CertificateArn=old&"));
	assert_int_equal(listed(&f, ""), REST_FAIL);
	preq_free(rq);
	end(&f);
}

/* What is sent of a configuration that holds this; NULL: nothing. */
static void
cloudfront_sends(struct fixture *f, const char *viewer, const char *expected)
{
	char text[1024], body[1024];
	struct rest_answer a = { .status = 200, .body = text };
	struct preq *rq;
	struct error err;

	a.body_len = (size_t)snprintf(text, sizeof(text), "<DistributionConfig "
	    "x=\"1\"><Comment>a&amp;b</Comment>%s<X/></DistributionConfig>\n",
	    viewer);
	json_decref(f->call.memo);
	f->call.memo = NULL;
	if (expected == NULL) {
		assert_int_equal(f->type->bind[0].reply(&f->call, &a, &err),
		    REST_NEXT);
		rq = preq_new("https://api.test", false);
		assert_int_equal(f->type->bind[1].request(&f->call, rq, &err),
		    0);
		assert_false(preq_is_started(rq));
		preq_free(rq);
		return;
	}
	/* Nothing to make the write conditional on. */
	assert_int_equal(f->type->bind[0].reply(&f->call, &a, &err),
	    REST_FAIL);
	etag = "E1";
	assert_int_equal(f->type->bind[0].reply(&f->call, &a, &err),
	    REST_NEXT);
	(void)snprintf(body, sizeof(body), "<DistributionConfig x=\"1\">"
	    "<Comment>a&amp;b</Comment>%s<X/></DistributionConfig>\n",
	    expected);
	etag = NULL;
	expect_body(f, &f->type->bind[1], "PUT", body);
}

static void
test_cloudfront(void **state)
{
	struct fixture f;

	begin(&f, "aws-cloudfront", "AKIDEXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	option(&f, "distribution_id", "E1EXAMPLE");
	expect(&f, f.type->api, f.type->look, "cloudfront.amazonaws.com",
	    "SignedHeaders=host;x-amz-date, Signature="
	    "9d84402d23af4cb40cd7d253136086cb91a91f15ad1649d484b692229d947ff2");
	(void)text_printf(f.call.id, sizeof(f.call.id), "ARN");
	cloudfront_sends(&f, "<ViewerCertificate><ACMCertificateArn>ARN"
	    "</ACMCertificateArn></ViewerCertificate>", NULL);
	cloudfront_sends(&f, "<ViewerCertificate a='/'/>",
	    "<ViewerCertificate a='/'><ACMCertificateArn>ARN"
	    "</ACMCertificateArn><SSLSupportMethod>sni-only"
	    "</SSLSupportMethod><MinimumProtocolVersion>TLSv1.2_2021"
	    "</MinimumProtocolVersion></ViewerCertificate>");
	cloudfront_sends(&f, "<ViewerCertificate><IAMCertificateId/>"
	    "<SSLSupportMethod>vip</SSLSupportMethod> <New><Certificate/></New>"
	    "<MinimumProtocolVersion>TLSv1.2_2019</MinimumProtocolVersion>"
	    "<Certificate >i</Certificate ><!-- n --></ViewerCertificate>",
	    "<ViewerCertificate><ACMCertificateArn>ARN</ACMCertificateArn>"
	    "<SSLSupportMethod>vip</SSLSupportMethod> <New><Certificate/></New>"
	    "<MinimumProtocolVersion>TLSv1.2_2019</MinimumProtocolVersion>"
	    "<!-- n --></ViewerCertificate>");
	/* The one of CloudFront itself: what else is there is only its. */
	cloudfront_sends(&f, "<ViewerCertificate>"
	    "<CloudFrontDefaultCertificate>true</CloudFrontDefaultCertificate>"
	    "<SSLSupportMethod>vip</SSLSupportMethod><MinimumProtocolVersion>"
	    "TLSv1</MinimumProtocolVersion></ViewerCertificate>",
	    "<ViewerCertificate><ACMCertificateArn>ARN</ACMCertificateArn>"
	    "<SSLSupportMethod>sni-only</SSLSupportMethod>"
	    "<MinimumProtocolVersion>TLSv1.2_2021</MinimumProtocolVersion>"
	    "</ViewerCertificate>");
	end(&f);
}

/* The text of a refusal goes through .failed. */
static void
refused(struct fixture *f, int status, const char *text, struct error *err)
{
	struct rest_answer a = { .status = status };
	json_t *json = jsonx_parse(text, strlen(text), err);

	assert_non_null(json);
	a.json = json;
	(void)error_set(err, ERR_REJECTED, "provider:refused", "HTTP %d",
	    status);
	f->type->store->api->failed(&f->call, &a, err);
	json_decref(json);
}

static void
test_keyvault(void **state)
{
	static const struct { const char *text; bool same; } cases[] = {
		{ "{\"x5t\":\"AKq7zN3u_wARIjNEVWZ3iJmqu8w\"}", true },
		{ "{\"x5t\":\"AKq7zN3u_wARIjNEVWZ3iJmqu8w\",\"attributes\":"
		    "{\"enabled\":false}}", false },
		{ "{\"x5t\":\"AKq7zN3u_wARIjNEVWZ3iJmqu80\"}", false },
		{ "{\"x5t\":\"AKq7\"}", false },
	};
	struct fixture f;
	struct error err;

	begin(&f, "azure-keyvault", "tenant", "client");
	option(&f, "vault_name", "web");
	option(&f, "certificate_name", "www");
	f.call.priv = xcalloc(1, f.type->priv_size);
	memcpy(f.call.cert.sha1, "00aabbccddeeff00112233445566778899aabbcc",
	    sizeof(f.call.cert.sha1));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f.call.is_found = false;
		assert_int_equal(answer(&f, &f.type->store->find[1],
		    cases[i].text), REST_NEXT);
		assert_int_equal(f.call.is_found, cases[i].same);
		assert_string_equal(f.call.id, "web/www");
	}
	refused(&f, 409, "{\"error\":{\"code\":\"Conflict\",\"innererror\":"
	    "{\"code\":\"ObjectIsDeletedButRecoverable\"}}}", &err);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "az keyvault certificate recover "
	    "--vault-name web --name www)"));
	refused(&f, 409, "{\"error\":{\"code\":\"Conflict\",\"innererror\":"
	    "{\"code\":\"ObjectIsBeingDeleted\"}}}", &err);
	assert_int_equal(err.kind, ERR_TRANSIENT);
	free(f.call.priv);
	end(&f);
}

/* What an operation ends with. */
static void
test_certificatemanager(void **state)
{
	const struct rest_step *wait;
	struct fixture f;
	struct error err;
	json_t *json;
	struct rest_answer a = { .status = 200 };

	begin(&f, "gcp-certificatemanager", "{}", NULL);
	option(&f, "certificate_id", "www");
	wait = &f.type->store->upload[2];
	assert_int_equal(answer(&f, wait, "{\"done\":false}"), REST_POLL);
	assert_int_equal(answer(&f, wait, "{\"done\":true}"), REST_FAIL);
	assert_int_equal(answer(&f, wait, "{\"done\":true,\"response\":"
	    "{\"name\":\"projects/p\"}}"), REST_NEXT);
	assert_string_equal(f.call.id, "projects/p");
	for (int code = 9; code <= 11; code++) {
		json = json_pack("{s:b, s:{s:i, s:s}}", "done", 1, "error",
		    "code", code, "message", "the key does not fit");
		a.json = json;
		assert_int_equal(wait->reply(&f.call, &a, &err), REST_FAIL);
		assert_int_equal(err.kind, code == 10 ? ERR_TRANSIENT :
		    ERR_CONFIG);
		assert_non_null(strstr(err.msg, code == 9 ? "the key does not "
		    "fit (FAILED_PRECONDITION)" : "the key does not fit"));
		json_decref(json);
	}
	/* One that Google renews itself. */
	assert_int_equal(answer(&f, &f.type->store->find[1], "{\"name\":"
	    "\"x\",\"managed\":{}}"), REST_FAIL);
	end(&f);
}

/* There is no fingerprint: hosts, the second of expiry, and what was begun. */
static void
test_cloudflare(void **state)
{
	static const struct { const char *hosts, *end; bool known, same; }
	    cases[] = {
		{ "\"Example.com\"", "2026-01-02T03:04:05.00Z", true, true },
		{ "\"example.com\"", "2026-01-02T03:04:05Z", false, false },
		{ "\"example.com\"", "2026-01-02T03:04:06Z", true, false },
		{ "\"example.com\",\"b.test\"", "2026-01-02T03:04:05Z",
		    true, false },
		{ "\"b.test\"", "2026-01-02T03:04:05Z", true, false },
	};
	const struct cloud_store *store;
	struct fixture f;
	char text[200];

	begin(&f, "cloudflare-certificate", "token", NULL);
	option(&f, "zone_id", "5f");
	store = f.type->store;
	f.call.cert.not_after = __wrap_clock_now();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		f.call.is_known = cases[i].known;
		(void)text_printf(text, sizeof(text), "{\"result\":{\"hosts\":"
		    "[%s],\"expires_on\":\"%s\"}}", cases[i].hosts,
		    cases[i].end);
		assert_int_equal(answer(&f, store->find, text), REST_DONE);
		assert_int_equal(f.call.is_found, cases[i].same);
	}
	/* In a list only what nobody was told of is looked for. */
	f.call.is_known = true;
	for (int begun = 0; begun < 2; begun++) {
		f.call.is_begun = begun != 0;
		f.call.is_found = false;
		assert_int_equal(answer(&f, &store->find[1], "{\"result\":[{"
		    "\"id\":\"b\",\"hosts\":[\"example.com\"],"
		    "\"expires_on\":\"2026-01-02T03:04:05Z\"}]}"), begun ?
		    REST_DONE : REST_NEXT);
		assert_int_equal(f.call.is_found, begun);
	}
	f.call.id[0] = '\0';
	expect_body(&f, &store->upload[1], "POST", "{\"certificate\":\"C\","
	    "\"private_key\":\"K\",\"bundle_method\":\"force\","
	    "\"type\":\"sni_custom\"}");
	(void)text_printf(f.call.id, sizeof(f.call.id), "aa");
	assert_int_equal(answer(&f, &store->upload[0], "{\"result\":{"
	    "\"geo_restrictions\":{\"label\":\"eu\"},\"policy\":null}}"),
	    REST_NEXT);
	expect_body(&f, &store->upload[1], "PATCH", "{\"certificate\":\"C\","
	    "\"private_key\":\"K\",\"bundle_method\":\"force\","
	    "\"geo_restrictions\":{\"label\":\"eu\"}}");
	end(&f);
}

/* Serials and fingerprints, as many write them. */
static void
test_same(void **state)
{
	static const struct { const char *a, *b; bool same; } cases[] = {
		{ "0a1b2c", "A1B2C", true },
		{ "0A:1B:2C", "a1b2c", true },
		{ "00 0a-1b-2c", "0a1b2c", true },
		{ "a1b2c", "a1b2", false },
		{ "a1b2", "a1b2c", false },
		{ "0", "00", false },		/* no serial at all */
		{ "", "", false },
		{ NULL, "a1", false },
		{ "a1", NULL, false },
	};
	struct cloud_call c = { .cert = {
	    .sha1 = "00aabbccddeeff00112233445566778899aabbcc",
	    .sha256 = "0000000000000000000000000000000000000000000000000000"
	    "00000000abcd" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(cloud_same_hex(cases[i].a, cases[i].b),
		    cases[i].same);
	assert_true(cloud_is_print(&c, "00:AA:BB:CC:DD:EE:FF:00:11:22:33:44:"
	    "55:66:77:88:99:AA:BB:CC"));
	assert_true(cloud_is_print(&c, "0000000000000000000000000000000000000"
	    "00000000000000000000000ABCD"));
	assert_false(cloud_is_print(&c, "abcd"));
	assert_false(cloud_is_print(&c, NULL));
}

static void
test_key(void **state)
{
	struct cloud_call c = { .cert = { .key = "PKCS#8",
	    .sec1_key = (char *)(uintptr_t)"SEC1" } };

	assert_int_equal(cloud_other_key(&c), REST_AGAIN);
	assert_string_equal(c.cert.key, "SEC1");
	assert_int_equal(cloud_other_key(&c), REST_FAIL);
}

/* What manuals and acmectl show of each must be there. */
static void
test_registry(void **state)
{
	for (size_t i = 0; cloud_registry[i] != NULL; i++) {
		const struct cloud *t = cloud_registry[i];

		assert_true(i == 0 || strcmp(cloud_registry[i - 1]->name,
		    t->name) < 0);
		assert_non_null(credentials_find(t->credentials));
		assert_non_null(t->title);
		assert_non_null(t->doc);
		assert_non_null(t->policy);
		assert_non_null(t->store->find);
		assert_non_null(t->store->upload);
		assert_int_equal(t->store->is_in_place,
		    t->store->remove == NULL);
		assert_true((t->look == NULL && t->bind == NULL) ||
		    t->api != NULL);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_aliyun),
		cmocka_unit_test(test_esa),
		cmocka_unit_test(test_oss),
		cmocka_unit_test(test_aws),
		cmocka_unit_test(test_elbv2),
		cmocka_unit_test(test_cloudfront),
		cmocka_unit_test(test_keyvault),
		cmocka_unit_test(test_certificatemanager),
		cmocka_unit_test(test_cloudflare),
		cmocka_unit_test(test_same),
		cmocka_unit_test(test_key),
		cmocka_unit_test(test_registry),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
