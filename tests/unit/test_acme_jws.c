/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/acme/jws.h"

/* RFC 7638 section 3.1. */
static const char thumb_n[] =
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7"
    "aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXAr"
    "wl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0"
    "zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2N"
    "cRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";

/* RFC 7515 appendix A.2. */
static const char a2_n[] =
    "ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4q"
    "PCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_YpRPEwOWvG6b32690r2jZ4"
    "7soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBE"
    "Ma2R2CapHg665xsmtdVMTBQY4uDZlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWN"
    "moudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ";
static const char a2_d[] =
    "Eq5xpGnNCivDflJsRQBXHx1hdR1k6Ulwe2JZD50LpXyWPEAeP88vLNO97IjlA7_GQ5sLKMg"
    "vfTeXZx9SE-7YwVol2NXOoAJe46sui395IW_GO-pWJ1O0BkTGoVEn2bKVRUCgu-GjBVaYLU"
    "6f3l9kJfFNS3E0QbVdxzubSu3Mkqzjkn439X0M_V51gfpRLI9JYanrC4D4qAdGcopV_0ZHH"
    "zQlBjudU2QvXt4ehNYTCBr6XCLQUShb1juUO1ZdiYoFaFQT5Tw8bGUl_x_jTj3ccPDVZFD9"
    "pIuhLhBOneufuBiB4cS98l2SR_RQyGWSeWjnczT0QU91p1DhOVRuOopznQ";
static const char a2_signature[] =
    "cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4"
    "Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_"
    "nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn"
    "6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI"
    "8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";

/* The payload of the examples in RFC 7515 appendix A, encoded. */
#define A_PAYLOAD "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6" \
    "Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"

static BIGNUM *
bignum(const char *b64url)
{
	unsigned char *raw;
	size_t len;
	BIGNUM *n;

	assert_int_equal(text_b64url_decode(b64url, &raw, &len), 0);
	n = BN_bin2bn(raw, (int)len, NULL);
	free(raw);
	return n;
}

/* An RSA key from its JWK members; d may be NULL. */
static EVP_PKEY *
rsa_key(const char *n_text, const char *d_text)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	BIGNUM *n = bignum(n_text), *e = bignum("AQAB");
	BIGNUM *d = d_text == NULL ? NULL : bignum(d_text);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_N,
	    n), 1);
	assert_int_equal(OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_RSA_E,
	    e), 1);
	if (d != NULL)
		assert_int_equal(OSSL_PARAM_BLD_push_BN(bld,
		    OSSL_PKEY_PARAM_RSA_D, d), 1);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR,
	    params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(n);
	BN_free(e);
	BN_free(d);
	return key;
}

/* A key pair of a named curve from its JWK's d; the public key follows. */
static EVP_PKEY *
ec_key(const char *group, const char *d_text, const char *x, const char *y,
    size_t len)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	unsigned char point[1 + 2 * 66] = { POINT_CONVERSION_UNCOMPRESSED };
	BIGNUM *d = bignum(d_text), *nx = bignum(x), *ny = bignum(y);
	EVP_PKEY *key = NULL;
	OSSL_PARAM *params;

	(void)BN_bn2binpad(nx, point + 1, (int)len);
	(void)BN_bn2binpad(ny, point + 1 + len, (int)len);
	(void)OSSL_PARAM_BLD_push_utf8_string(bld, OSSL_PKEY_PARAM_GROUP_NAME,
	    group, 0);
	(void)OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d);
	(void)OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point, 1 + 2 * len);
	params = OSSL_PARAM_BLD_to_param(bld);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_KEYPAIR,
	    params), 1);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(bld);
	EVP_PKEY_CTX_free(ctx);
	BN_free(d);
	BN_free(nx);
	BN_free(ny);
	return key;
}

/* Our own verification of an ES* or RS256 signature. */
static bool
verifies(EVP_PKEY *key, const char *digest, const char *input,
    const char *signature)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char *sig, *der = NULL;
	size_t len;
	int rc;

	assert_int_equal(text_b64url_decode(signature, &sig, &len), 0);
	if (EVP_PKEY_is_a(key, "EC")) {
		ECDSA_SIG *ecdsa = ECDSA_SIG_new();
		int half = (EVP_PKEY_get_bits(key) + 7) / 8;

		assert_int_equal(len, 2 * half);
		(void)ECDSA_SIG_set0(ecdsa, BN_bin2bn(sig, half, NULL),
		    BN_bin2bn(sig + half, half, NULL));
		len = (size_t)i2d_ECDSA_SIG(ecdsa, &der);
		ECDSA_SIG_free(ecdsa);
	}
	assert_int_equal(EVP_DigestVerifyInit_ex(ctx, NULL, digest, NULL,
	    NULL, key, NULL), 1);
	rc = EVP_DigestVerify(ctx, der != NULL ? der : sig, len,
	    (const unsigned char *)input, strlen(input));
	OPENSSL_free(der);
	free(sig);
	EVP_MD_CTX_free(ctx);
	return rc == 1;
}

/* A base64url member of a JWS, decoded as JSON. */
static json_t *
decoded(const json_t *jws, const char *member)
{
	unsigned char *raw;
	size_t len;
	json_t *o;

	assert_int_equal(text_b64url_decode(json_string_value(
	    json_object_get(jws, member)), &raw, &len), 0);
	o = json_loadb((char *)raw, len, 0, NULL);
	assert_non_null(o);
	free(raw);
	return o;
}

static void
test_thumbprint(void **state)
{
	EVP_PKEY *key = rsa_key(thumb_n, NULL);
	struct error err;
	char *s = jws_thumbprint(key, &err);

	assert_string_equal(s, "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
	free(s);
	EVP_PKEY_free(key);
}

static void
test_rs256(void **state)
{
	EVP_PKEY *key = rsa_key(a2_n, a2_d);
	const char *input = "eyJhbGciOiJSUzI1NiJ9." A_PAYLOAD;
	struct error err;
	char *s = jws_signature(key, input, strlen(input), &err);

	assert_string_equal(s, a2_signature);
	assert_true(verifies(key, "SHA256", input, s));
	free(s);
	EVP_PKEY_free(key);
}

/* RFC 7515 appendix A.3; signatures are random, so each is verified. */
static void
test_es256(void **state)
{
	EVP_PKEY *key = ec_key("prime256v1",
	    "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI",
	    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
	    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", 32);
	const char *input = "eyJhbGciOiJFUzI1NiJ9." A_PAYLOAD;
	struct error err;
	char *jwk = jws_jwk(key, &err);

	assert_string_equal(jwk, "{\"crv\":\"P-256\",\"kty\":\"EC\","
	    "\"x\":\"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU\","
	    "\"y\":\"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0\"}");
	free(jwk);
	assert_true(verifies(key, "SHA256", input,
	    "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSA"
	    "pmWQxfKTUJqPP3-Kg6NU1Q"));
	/* Many, so that r or s with leading zeros occur. */
	for (int i = 0; i < 400; i++) {
		char *s = jws_signature(key, input, strlen(input), &err);

		assert_int_equal(strlen(s), 86);
		assert_true(verifies(key, "SHA256", input, s));
		assert_false(verifies(key, "SHA256", "else", s));
		free(s);
	}
	EVP_PKEY_free(key);
}

static void
check_request(const char *jws_text, EVP_PKEY *key, const char *alg,
    const char *digest, const char *kid)
{
	json_t *jws = json_loads(jws_text, JSON_REJECT_DUPLICATES, NULL);
	json_t *header, *payload;
	char input[4096];

	assert_non_null(jws);
	assert_int_equal(json_object_size(jws), 3);
	(void)text_printf(input, sizeof(input), "%s.%s",
	    json_string_value(json_object_get(jws, "protected")),
	    json_string_value(json_object_get(jws, "payload")));
	assert_true(verifies(key, digest, input,
	    json_string_value(json_object_get(jws, "signature"))));
	header = decoded(jws, "protected");
	payload = decoded(jws, "payload");
	assert_int_equal(json_object_size(header), 4);
	assert_string_equal(json_string_value(json_object_get(header, "alg")),
	    alg);
	assert_string_equal(json_string_value(json_object_get(header,
	    "nonce")), "N0nce");
	assert_string_equal(json_string_value(json_object_get(header, "url")),
	    "https://ca.test/x?y=1");
	if (kid != NULL)
		assert_string_equal(json_string_value(json_object_get(header,
		    "kid")), kid);
	else
		assert_true(json_is_object(json_object_get(header, "jwk")));
	assert_true(json_is_true(json_object_get(payload, "a")));
	json_decref(header);
	json_decref(payload);
	json_decref(jws);
}

static void
test_request(void **state)
{
	static const struct { const char *group, *alg, *digest; } cases[] = {
		{ "P-256", "ES256", "SHA256" },
		{ "P-384", "ES384", "SHA384" },
		{ NULL, "RS256", "SHA256" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		EVP_PKEY *key = cases[i].group == NULL ? rsa_key(a2_n, a2_d) :
		    EVP_EC_gen(cases[i].group);
		struct error err;
		char *s;

		s = jws_sign(key, NULL, "N0nce", "https://ca.test/x?y=1",
		    "{\"a\":true}", &err);
		check_request(s, key, cases[i].alg, cases[i].digest, NULL);
		free(s);
		s = jws_sign(key, "https://ca.test/a/1", "N0nce",
		    "https://ca.test/x?y=1", "{\"a\":true}", &err);
		check_request(s, key, cases[i].alg, cases[i].digest,
		    "https://ca.test/a/1");
		free(s);
		EVP_PKEY_free(key);
	}
}

/* POST-as-GET has an empty payload, RFC 8555 section 6.3. */
static void
test_empty_payload(void **state)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct error err;
	char *s = jws_sign(key, "kid", "n", "https://ca.test/", "", &err);

	assert_non_null(strstr(s, "\"payload\":\"\""));
	free(s);
	EVP_PKEY_free(key);
}

static void
test_bad_keys(void **state)
{
	EVP_PKEY *keys[] = {
		EVP_EC_gen("P-521"),
		EVP_PKEY_Q_keygen(NULL, NULL, "ED25519"),
	};

	for (size_t i = 0; i < N_ELEMENTS(keys); i++) {
		struct error err;

		assert_null(jws_jwk(keys[i], &err));
		assert_int_equal(err.kind, ERR_INTERNAL);
		assert_string_equal(err.code, "acme:key");
		assert_null(jws_thumbprint(keys[i], &err));
		assert_null(jws_signature(keys[i], "x", 1, &err));
		assert_null(jws_sign(keys[i], NULL, "n", "u", "", &err));
		EVP_PKEY_free(keys[i]);
	}
	/* A public key cannot sign. */
	keys[0] = rsa_key(a2_n, NULL);
	{
		struct error err;

		assert_null(jws_signature(keys[0], "x", 1, &err));
		assert_string_equal(err.code, "acme:sign");
	}
	EVP_PKEY_free(keys[0]);
}

/* RFC 7515 appendix A.1. */
#define A1_KEY "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKt" \
    "MN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"

static void
test_hs256(void **state)
{
	const char *input = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
	    A_PAYLOAD;
	struct error err;
	unsigned char *key;
	size_t len;
	char *s;

	assert_int_equal(text_b64url_decode(A1_KEY, &key, &len), 0);
	s = jws_hs256(key, len, input, strlen(input), &err);
	assert_string_equal(s, "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
	free(s);
	free(key);
}

static void
test_eab(void **state)
{
	static const char jwk[] = "{\"kty\":\"EC\"}";
	static const char *const mac_keys[] = { A1_KEY, A1_KEY "==" };
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(mac_keys); i++) {
		char *s = jws_eab("kid \"1\"", mac_keys[i],
		    "https://ca.test/new", jwk, &err), *again;
		json_t *jws = json_loads(s, 0, NULL);
		json_t *header = decoded(jws, "protected");
		json_t *payload = decoded(jws, "payload");
		unsigned char *key;
		char input[1024];
		size_t len;

		/* RFC 8555 section 7.3.4: alg, kid and url, no nonce. */
		assert_int_equal(json_object_size(header), 3);
		assert_string_equal(json_string_value(json_object_get(header,
		    "alg")), "HS256");
		assert_string_equal(json_string_value(json_object_get(header,
		    "kid")), "kid \"1\"");
		assert_string_equal(json_string_value(json_object_get(header,
		    "url")), "https://ca.test/new");
		assert_string_equal(json_string_value(json_object_get(payload,
		    "kty")), "EC");
		(void)text_printf(input, sizeof(input), "%s.%s",
		    json_string_value(json_object_get(jws, "protected")),
		    json_string_value(json_object_get(jws, "payload")));
		assert_int_equal(text_b64url_decode(A1_KEY, &key, &len), 0);
		again = jws_hs256(key, len, input, strlen(input), &err);
		assert_string_equal(again, json_string_value(
		    json_object_get(jws, "signature")));
		free(again);
		free(key);
		json_decref(header);
		json_decref(payload);
		json_decref(jws);
		free(s);
	}
	assert_null(jws_eab("k", "not base64!", "https://ca.test/", jwk,
	    &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_null(strstr(err.msg, "not base64!"));	/* it is a secret */
	assert_null(jws_eab("k", "", "https://ca.test/", jwk, &err));
	assert_null(jws_eab("\xff", A1_KEY, "https://ca.test/", jwk, &err));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thumbprint),
		cmocka_unit_test(test_rs256),
		cmocka_unit_test(test_es256),
		cmocka_unit_test(test_request),
		cmocka_unit_test(test_empty_payload),
		cmocka_unit_test(test_bad_keys),
		cmocka_unit_test(test_hs256),
		cmocka_unit_test(test_eab),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
