/* SPDX-License-Identifier: MIT */
#include "daemon/store/jwk.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/keys.h"

enum {
	NUMBER_MAX = 1024,		/* bytes: RSA of 8192 bits */
	COORD_MAX = 48			/* bytes: P-384 */
};

/* Names of a number in a JWK, and to OpenSSL. */
static const struct number {
	const char	*member, *param;
} rsa_numbers[] = {
	{ "n", OSSL_PKEY_PARAM_RSA_N },
	{ "e", OSSL_PKEY_PARAM_RSA_E },
	{ "d", OSSL_PKEY_PARAM_RSA_D },
	{ "p", OSSL_PKEY_PARAM_RSA_FACTOR1 },
	{ "q", OSSL_PKEY_PARAM_RSA_FACTOR2 },
	{ "dp", OSSL_PKEY_PARAM_RSA_EXPONENT1 },
	{ "dq", OSSL_PKEY_PARAM_RSA_EXPONENT2 },
	{ "qi", OSSL_PKEY_PARAM_RSA_COEFFICIENT1 },
};

enum { N_RSA = sizeof(rsa_numbers) / sizeof(rsa_numbers[0]) };

static const struct curve {
	const char	*crv, *group;
	size_t		 len;		/* of a coordinate, bytes */
} curves[] = {
	{ "P-256", "prime256v1", 32 },
	{ "P-384", "secp384r1", 48 },
};

enum { N_CURVES = sizeof(curves) / sizeof(curves[0]) };

static int
bad(struct error *err, const char *what)
{
	ERR_clear_error();
	return error_set(err, ERR_CONFIG, "key:syntax", "private key: not a "
	    "JSON Web Key that acmed can use: %s", what);
}

/* The number of a member; NULL if there is none, or it is too long. */
static BIGNUM *
read_number(const json_t *jwk, const char *member)
{
	const char *text = json_string_value(json_object_get(jwk, member));
	unsigned char *data;
	BIGNUM *n = NULL;
	size_t len;

	if (text == NULL || strlen(text) > NUMBER_MAX * 4 / 3 + 4 ||
	    text_b64url_decode(text, &data, &len) == -1)
		return NULL;
	if (len > 0 && len <= NUMBER_MAX)
		n = BN_bin2bn(data, (int)len, NULL);
	freezero(data, len);
	return n;
}

/* The key that the builder describes, checked to be one. */
static EVP_PKEY *
build(OSSL_PARAM_BLD *bld, const char *type, struct error *err)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(bld);
	EVP_PKEY *key = NULL;

	if (ctx == NULL || params == NULL)
		abort();
	if (EVP_PKEY_fromdata_init(ctx) != 1 || EVP_PKEY_fromdata(ctx, &key,
	    EVP_PKEY_KEYPAIR, params) != 1)
		key = NULL;
	if (key != NULL && !key_is_pair(key)) {
		EVP_PKEY_free(key);
		key = NULL;
	}
	if (key == NULL)
		(void)bad(err, "its numbers do not belong together");
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return key;
}

static EVP_PKEY *
from_rsa(const json_t *jwk, struct error *err)
{
	OSSL_PARAM_BLD *bld = OSSL_PARAM_BLD_new();
	BIGNUM *numbers[N_RSA] = { NULL };
	EVP_PKEY *key = NULL;
	size_t i;

	if (bld == NULL)
		abort();
	for (i = 0; i < N_RSA; i++) {
		numbers[i] = read_number(jwk, rsa_numbers[i].member);
		if (numbers[i] == NULL)
			break;
		if (OSSL_PARAM_BLD_push_BN(bld, rsa_numbers[i].param,
		    numbers[i]) != 1)
			abort();
	}
	if (i == N_RSA)
		key = build(bld, "RSA", err);
	else
		(void)bad(err, "a number of the RSA key is missing");
	OSSL_PARAM_BLD_free(bld);
	for (i = 0; i < N_RSA; i++)
		BN_clear_free(numbers[i]);
	return key;
}

/* A coordinate, exactly as long as the curve wants. */
static int
read_coord(const json_t *jwk, const char *member, size_t len,
    unsigned char *out)
{
	BIGNUM *n = read_number(jwk, member);
	int rc = n != NULL && BN_bn2binpad(n, out, (int)len) != -1 ? 0 : -1;

	BN_clear_free(n);
	return rc;
}

static EVP_PKEY *
from_ec(const json_t *jwk, struct error *err)
{
	const char *crv = json_string_value(json_object_get(jwk, "crv"));
	unsigned char point[1 + 2 * COORD_MAX];
	BIGNUM *d = read_number(jwk, "d");
	OSSL_PARAM_BLD *bld;
	EVP_PKEY *key = NULL;
	size_t i = 0;

	while (i < N_CURVES && (crv == NULL ||
	    strcmp(crv, curves[i].crv) != 0))
		i++;
	point[0] = POINT_CONVERSION_UNCOMPRESSED;
	if (i == N_CURVES || d == NULL || read_coord(jwk, "x", curves[i].len,
	    point + 1) == -1 || read_coord(jwk, "y", curves[i].len,
	    point + 1 + curves[i].len) == -1) {
		(void)bad(err, i == N_CURVES ? "its curve is not P-256 or "
		    "P-384" : "a number of the EC key is missing");
		BN_clear_free(d);
		return NULL;
	}
	bld = OSSL_PARAM_BLD_new();
	if (bld == NULL || OSSL_PARAM_BLD_push_utf8_string(bld,
	    OSSL_PKEY_PARAM_GROUP_NAME, curves[i].group, 0) != 1 ||
	    OSSL_PARAM_BLD_push_octet_string(bld, OSSL_PKEY_PARAM_PUB_KEY,
	    point, 1 + 2 * curves[i].len) != 1 ||
	    OSSL_PARAM_BLD_push_BN(bld, OSSL_PKEY_PARAM_PRIV_KEY, d) != 1)
		abort();
	key = build(bld, "EC", err);
	OSSL_PARAM_BLD_free(bld);
	BN_clear_free(d);
	return key;
}

EVP_PKEY *
key_from_jwk(const json_t *jwk, struct error *err)
{
	const char *kty = json_string_value(json_object_get(jwk, "kty"));

	ERR_clear_error();
	if (kty != NULL && strcmp(kty, "RSA") == 0)
		return from_rsa(jwk, err);
	if (kty != NULL && strcmp(kty, "EC") == 0)
		return from_ec(jwk, err);
	(void)bad(err, "\"kty\" is neither RSA nor EC");
	return NULL;
}

/* A number of the key, as a member of at least len bytes; false: it has none,
 * as an RSA key without its factors, or a larger one. */
static bool
write_number(json_t *jwk, const char *member, const EVP_PKEY *key,
    const char *param, size_t len)
{
	unsigned char data[NUMBER_MAX];
	BIGNUM *n = NULL;
	char *text;

	if (EVP_PKEY_get_bn_param(key, param, &n) != 1) {
		ERR_clear_error();
		return false;
	}
	if (len == 0)
		len = (size_t)BN_num_bytes(n);
	if (len > sizeof(data) || BN_bn2binpad(n, data, (int)len) == -1) {
		BN_clear_free(n);
		return false;
	}
	text = text_b64url_encode(data, len);
	(void)json_object_set_new(jwk, member, json_string(text));
	freezero_str(text);
	explicit_bzero(data, sizeof(data));
	BN_clear_free(n);
	return true;
}

json_t *
key_to_jwk(const EVP_PKEY *key, struct error *err)
{
	json_t *jwk = json_object();
	const struct curve *curve;
	bool is_whole = true;

	if (EVP_PKEY_is_a(key, "RSA")) {
		(void)json_object_set_new(jwk, "kty", json_string("RSA"));
		for (size_t i = 0; i < N_RSA; i++)
			is_whole &= write_number(jwk, rsa_numbers[i].member,
			    key, rsa_numbers[i].param, 0);
	} else {
		curve = &curves[EVP_PKEY_get_bits(key) > 256];
		(void)json_object_set_new(jwk, "kty", json_string("EC"));
		(void)json_object_set_new(jwk, "crv",
		    json_string(curve->crv));
		is_whole = write_number(jwk, "x", key,
		    OSSL_PKEY_PARAM_EC_PUB_X, curve->len) &&
		    write_number(jwk, "y", key, OSSL_PKEY_PARAM_EC_PUB_Y,
		    curve->len) && write_number(jwk, "d", key,
		    OSSL_PKEY_PARAM_PRIV_KEY, curve->len);
	}
	if (is_whole)
		return jwk;
	json_decref(jwk);
	(void)error_set(err, ERR_CONFIG, "store:key", "the account's key "
	    "cannot be written as a JWK: it lacks numbers (an RSA key "
	    "without its factors), or is larger than RSA of %d bits",
	    NUMBER_MAX * 8);
	return NULL;
}

const char *
key_public_md5(const EVP_PKEY *key, char out[33])
{
	unsigned char md[EVP_MAX_MD_SIZE];
	BIO *bio = BIO_new(BIO_s_mem());
	unsigned len = 0;
	char *data;
	long n;

	if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
		abort();	/* memory: nothing else can fail here */
	n = BIO_get_mem_data(bio, &data);
	out[0] = '\0';
	if (EVP_Digest(data, (size_t)n, md, &len, EVP_md5(), NULL) == 1 &&
	    len == 16)
		(void)text_hex(md, len, out);
	ERR_clear_error();
	BIO_free(bio);
	return out;
}
