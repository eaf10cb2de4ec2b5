/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"
#include "daemon/store/jwk.h"
#include "daemon/store/keys.h"

static void
test_pem(void **state)
{
	static const enum key_type made[] = {
		KEY_EC256, KEY_EC384, KEY_RSA2048,
	};

	for (size_t i = 0; i < N_ELEMENTS(made); i++) {
		struct error err;
		EVP_PKEY *key = key_generate(made[i], &err), *again;
		char *pem;

		assert_non_null(key);
		assert_int_equal(key_type_of(key), made[i]);
		for (int t = 0; t < KEY_TYPE_END; t++)
			assert_int_equal(key_is_type(key, (enum key_type)t),
			    t == (int)made[i]);
		pem = key_to_pem(key);
		assert_memory_equal(pem, "-----BEGIN PRIVATE KEY-----\n", 28);
		again = key_from_pem(pem, &err);
		assert_non_null(again);
		assert_int_equal(EVP_PKEY_eq(key, again), 1);
		freezero_str(pem);
		EVP_PKEY_free(key);
		EVP_PKEY_free(again);
	}
}

static void
test_pem_refused(void **state)
{
	static const char encrypted[] =
	    "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
	    "MIHjME4GCSqGSIb3DQEFDTBBMCkGCSqGSIb3DQEFDDAcBAhPYt7CW5pSUwICCAAw\n"
	    "DAYIKoZIhvcNAgkFADAUBggqhkiG9w0DBwQIZm9vYmFyYmEEgZDyYWFhYWFhYWFh\n"
	    "-----END ENCRYPTED PRIVATE KEY-----\n";
	/* One bit of the private part is another. */
	static const char damaged[] =
	    "-----BEGIN EC PRIVATE KEY-----\n"
	    "MHcCAQEEII+LYGPjTemxmQwR4xE9ntwVLsBjgKlYq3f30tshGQvyoAoGCCqGSM49\n"
	    "AwEHoUQDQgAE60ZZmtdws4v9SoBpM3LMSWDh4WBJaLP98cyWKdaxTbC7QpyUBVwn\n"
	    "uXrxCBvsvX053ac1zmbjFm/q7ts7cYU6zA==\n"
	    "-----END EC PRIVATE KEY-----\n";
	char *big = xmalloc(20000);
	const char *const bad[] = {
		"", "no key", encrypted, damaged, big,
		"-----BEGIN PRIVATE KEY-----\nAAAA\n"
		    "-----END PRIVATE KEY-----\n",
		"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n",
	};

	memset(big, '\n', 19999);
	big[19999] = '\0';
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct error err;

		assert_null(key_from_pem(bad[i], &err));
		assert_string_equal(err.code, "key:syntax");
	}
	free(big);
}

static void
check_csr(enum key_type type, int md_nid)
{
	static const char *const names[] = {
		"*.example.test", "example.test", "xn--mnchen-3ya.example.test",
		"192.0.2.7", "2001:db8::7",
	};
	struct error err;
	EVP_PKEY *key = key_generate(type, &err), *pub;
	unsigned char *der;
	const unsigned char *p;
	size_t len;
	X509_REQ *req;
	STACK_OF(X509_EXTENSION) *exts;
	GENERAL_NAMES *san;

	assert_int_equal(csr_make(key, names, N_ELEMENTS(names), &der, &len,
	    &err), 0);
	p = der;
	req = d2i_X509_REQ(NULL, &p, (long)len);
	assert_non_null(req);
	assert_ptr_equal(p, der + len);
	pub = X509_REQ_get0_pubkey(req);
	assert_int_equal(EVP_PKEY_eq(pub, key), 1);
	assert_int_equal(X509_REQ_verify(req, pub), 1);
	assert_int_equal(X509_REQ_get_signature_nid(req), md_nid);
	assert_int_equal(X509_NAME_entry_count(
	    X509_REQ_get_subject_name(req)), 0);
	exts = X509_REQ_get_extensions(req);
	assert_int_equal(sk_X509_EXTENSION_num(exts), 1);
	san = X509V3_get_d2i(exts, NID_subject_alt_name, NULL, NULL);
	assert_int_equal(sk_GENERAL_NAME_num(san), N_ELEMENTS(names));
	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		int gtype;
		ASN1_STRING *s = GENERAL_NAME_get0_value(
		    sk_GENERAL_NAME_value(san, (int)i), &gtype);

		char address[DNAME_SIZE];

		assert_int_equal(gtype, i < 3 ? GEN_DNS : GEN_IPADD);
		assert_string_equal(i < 3 ?
		    (const char *)ASN1_STRING_get0_data(s) : address_of_bytes(
		    ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s),
		    address), names[i]);
	}
	GENERAL_NAMES_free(san);
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	X509_REQ_free(req);
	EVP_PKEY_free(key);
	free(der);
}

/* OpenSSL takes an RSA key of n, e and d alone: it is no JWK of ours. */
static void
test_jwk_without_factors(void **state)
{
	static const char *const params[] = {
		OSSL_PKEY_PARAM_RSA_N, OSSL_PKEY_PARAM_RSA_E,
		OSSL_PKEY_PARAM_RSA_D,
	};
	struct error err;
	EVP_PKEY *whole = key_generate(KEY_RSA2048, &err), *key = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	BIGNUM *numbers[N_ELEMENTS(params)] = { NULL };
	OSSL_PARAM *list;

	for (size_t i = 0; i < N_ELEMENTS(params); i++) {
		assert_int_equal(EVP_PKEY_get_bn_param(whole, params[i],
		    &numbers[i]), 1);
		assert_int_equal(OSSL_PARAM_BLD_push_BN(build, params[i],
		    numbers[i]), 1);
	}
	list = OSSL_PARAM_BLD_to_param(build);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR, list),
	    1);
	assert_null(key_to_jwk(key, &err));
	assert_string_equal(err.code, "store:key");
	for (size_t i = 0; i < N_ELEMENTS(params); i++)
		BN_clear_free(numbers[i]);
	OSSL_PARAM_free(list);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(key);
	EVP_PKEY_free(whole);
}

/* A key is the same as a JSON Web Key and back; one whose numbers do not
 * belong together is none. */
static void
test_jwk(void **state)
{
	static const enum key_type made[] = {
		KEY_EC256, KEY_EC384, KEY_RSA2048,
	};
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(made); i++) {
		EVP_PKEY *key = key_generate(made[i], &err), *again;
		json_t *jwk = key_to_jwk(key, &err), *bad, *member;
		const char *name;

		again = key_from_jwk(jwk, &err);
		assert_non_null(again);
		assert_int_equal(EVP_PKEY_eq(key, again), 1);
		EVP_PKEY_free(again);
		json_object_foreach(jwk, name, member) {
			bad = json_copy(jwk);
			(void)json_object_del(bad, name);
			assert_null(key_from_jwk(bad, &err));
			assert_string_equal(err.code, "key:syntax");
			(void)json_object_set_new(bad, name, json_string(
			    "AQAB*"));
			assert_null(key_from_jwk(bad, &err));
			(void)json_object_set_new(bad, name, json_integer(3));
			assert_null(key_from_jwk(bad, &err));
			json_decref(bad);
		}
		/* The private half of another key. */
		again = key_generate(made[i], &err);
		bad = key_to_jwk(again, &err);
		(void)json_object_set(bad, made[i] == KEY_RSA2048 ? "n" : "x",
		    json_object_get(jwk, made[i] == KEY_RSA2048 ? "n" : "x"));
		assert_null(key_from_jwk(bad, &err));
		json_decref(bad);
		EVP_PKEY_free(again);
		(void)json_object_set_new(jwk, made[i] == KEY_RSA2048 ? "n" :
		    "x", json_string("AQAB"));
		assert_null(key_from_jwk(jwk, &err));
		json_decref(jwk);
		EVP_PKEY_free(key);
	}
	assert_null(key_from_jwk(NULL, &err));
}

static void
test_csr(void **state)
{
	static const char *const none[] = { NULL };
	struct error err;
	EVP_PKEY *key = key_generate(KEY_EC256, &err);
	unsigned char *der;
	size_t len;

	check_csr(KEY_EC256, NID_ecdsa_with_SHA256);
	check_csr(KEY_EC384, NID_ecdsa_with_SHA384);
	check_csr(KEY_RSA2048, NID_sha256WithRSAEncryption);
	assert_int_equal(csr_make(key, none, 0, &der, &len, &err), -1);
	EVP_PKEY_free(key);
}

struct made {
	struct keygen_op *op;
	int		 calls;
	enum key_type	 type;		/* KEY_TYPE_END: failed */
	struct error	 err;
};

static void
made_cb(const struct error *err, EVP_PKEY *key, void *arg)
{
	struct made *m = arg;

	m->op = NULL;
	m->calls++;
	m->type = KEY_TYPE_END;
	if (err != NULL)
		m->err = *err;
	else
		m->type = key_type_of(key);
}

static void
test_keygen(void **state)
{
	struct loop *loop = loop_new();
	struct children *children = children_new(loop);
	static const enum key_type types[] = {
		KEY_EC256, KEY_EC384, KEY_RSA2048,
	};

	for (size_t i = 0; i < N_ELEMENTS(types); i++) {
		struct made m = { .calls = 0 };

		m.op = keygen_start(loop, children, types[i], made_cb, &m);
		assert_int_equal(m.calls, 0);
		while (m.op != NULL)
			loop_turn(loop);
		assert_int_equal(m.calls, 1);
		if (m.type != types[i])
			fail_msg("%s", m.err.msg);
	}
	children_free(children);
	loop_free(loop);
}

static void
test_keygen_cancel(void **state)
{
	struct loop *loop = loop_new();
	struct children *children = children_new(loop);
	struct made m = { .calls = 0 }, last = { .calls = 0 };

	keygen_cancel(NULL);
	keygen_cancel(keygen_start(loop, children, KEY_EC256, made_cb, &m));
	keygen_cancel(keygen_start(loop, children, KEY_RSA4096, made_cb, &m));
	m.op = keygen_start(loop, children, KEY_RSA4096, made_cb, &m);
	loop_turn(loop);		/* the child runs */
	keygen_cancel(m.op);
	last.op = keygen_start(loop, children, KEY_EC256, made_cb, &last);
	while (last.op != NULL)
		loop_turn(loop);
	assert_int_equal(m.calls, 0);
	children_free(children);
	loop_free(loop);
}

int
main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pem),
		cmocka_unit_test(test_pem_refused),
		cmocka_unit_test(test_jwk),
		cmocka_unit_test(test_jwk_without_factors),
		cmocka_unit_test(test_csr),
		cmocka_unit_test(test_keygen),
		cmocka_unit_test(test_keygen_cancel),
	};

	/* keygen runs "this program": see keygen_child_main(). */
	if (argc == 3 && strcmp(argv[1], "--generate-key") == 0)
		return keygen_child_main(argv[2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
