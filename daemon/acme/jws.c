/* SPDX-License-Identifier: MIT */
#include "daemon/acme/jws.h"

#include <jansson.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

/* Big enough for every curve of ours and for RSA of 16384 bits. */
#define INT_MAX_BYTES 2048

struct alg {
	const char	*name;		/* RFC 7518 section 3.1 */
	const char	*digest;
	const char	*group;		/* OpenSSL's; NULL for RSA */
	const char	*crv;		/* RFC 7518 section 6.2.1.1 */
	int		 int_len;	/* bytes of r, s, x and y */
};

static const struct alg algs[] = {
	{ "ES256", "SHA256", "prime256v1", "P-256", 32 },
	{ "ES384", "SHA384", "secp384r1", "P-384", 48 },
	{ "RS256", "SHA256", NULL, NULL, 0 },
};

static int
fail_openssl(struct error *err, const char *what)
{
	char reason[128];

	ERR_error_string_n(ERR_get_error(), reason, sizeof(reason));
	ERR_clear_error();
	return error_set(err, ERR_INTERNAL, "acme:sign", "%s: %s", what,
	    reason);
}

static const struct alg *
find_alg(const EVP_PKEY *key, struct error *err)
{
	char group[64] = "";
	bool is_ec = EVP_PKEY_is_a(key, "EC");

	if (is_ec && EVP_PKEY_get_utf8_string_param(key,
	    OSSL_PKEY_PARAM_GROUP_NAME, group, sizeof(group), NULL) != 1)
		group[0] = '\0';
	for (size_t i = 0; i < sizeof(algs) / sizeof(algs[0]); i++) {
		const struct alg *a = &algs[i];

		if (a->group == NULL ? EVP_PKEY_is_a(key, "RSA") :
		    is_ec && strcmp(a->group, group) == 0)
			return a;
	}
	(void)error_set(err, ERR_INTERNAL, "acme:key",
	    "the account key is neither P-256, P-384 nor RSA");
	return NULL;
}

/* An integer of the public key; len 0: as many bytes as it needs. */
static char *
encode_int(const EVP_PKEY *key, const char *param, int len, struct error *err)
{
	unsigned char buf[INT_MAX_BYTES];
	BIGNUM *n = NULL;
	char *out = NULL;

	if (EVP_PKEY_get_bn_param(key, param, &n) == 1) {
		if (len == 0)
			len = BN_num_bytes(n);
		if (len <= INT_MAX_BYTES && BN_bn2binpad(n, buf, len) == len)
			out = text_b64url_encode(buf, (size_t)len);
	}
	if (out == NULL)
		(void)fail_openssl(err, "reading the account key");
	BN_free(n);
	return out;
}

char *
jws_jwk(const EVP_PKEY *key, struct error *err)
{
	const struct alg *a = find_alg(key, err);
	char *first, *second, *jwk = NULL;

	if (a == NULL)
		return NULL;
	first = encode_int(key, a->crv != NULL ? OSSL_PKEY_PARAM_EC_PUB_X :
	    OSSL_PKEY_PARAM_RSA_E, a->int_len, err);
	second = encode_int(key, a->crv != NULL ? OSSL_PKEY_PARAM_EC_PUB_Y :
	    OSSL_PKEY_PARAM_RSA_N, a->int_len, err);
	/* Members in alphabetical order, no spaces: RFC 7638 section 3. */
	if (first == NULL || second == NULL)
		jwk = NULL;
	else if (a->crv != NULL)
		jwk = xasprintf("{\"crv\":\"%s\",\"kty\":\"EC\",\"x\":\"%s\","
		    "\"y\":\"%s\"}", a->crv, first, second);
	else
		jwk = xasprintf("{\"e\":\"%s\",\"kty\":\"RSA\",\"n\":\"%s\"}",
		    first, second);
	free(first);
	free(second);
	return jwk;
}

char *
jws_thumbprint(const EVP_PKEY *key, struct error *err)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	char *jwk = jws_jwk(key, err), *out = NULL;
	size_t len = 0;

	if (jwk == NULL)
		return NULL;
	if (EVP_Q_digest(NULL, "SHA256", NULL, jwk, strlen(jwk), hash,
	    &len) == 1)
		out = text_b64url_encode(hash, len);
	else
		(void)fail_openssl(err, "hashing the account key");
	free(jwk);
	return out;
}

/* OpenSSL's DER -> r and s side by side, RFC 7518 section 3.4; the length. */
static size_t
ecdsa_raw(const unsigned char *der, size_t der_len, int int_len,
    unsigned char *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)der_len);
	size_t len = 0;

	if (sig != NULL &&
	    BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, int_len) == int_len &&
	    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + int_len, int_len) ==
	    int_len)
		len = 2 * (size_t)int_len;
	ECDSA_SIG_free(sig);
	return len;
}

char *
jws_signature(EVP_PKEY *key, const void *in, size_t in_len, struct error *err)
{
	const struct alg *a = find_alg(key, err);
	unsigned char sig[INT_MAX_BYTES], raw[2 * 48];
	size_t sig_len = sizeof(sig), raw_len = 0;
	EVP_MD_CTX *ctx;
	char *out = NULL;

	if (a == NULL)
		return NULL;
	ctx = EVP_MD_CTX_new();
	if (ctx == NULL || EVP_DigestSignInit_ex(ctx, NULL, a->digest, NULL,
	    NULL, key, NULL) != 1 ||
	    EVP_DigestSign(ctx, sig, &sig_len, in, in_len) != 1)
		(void)fail_openssl(err, "signing");
	else if (a->int_len == 0)
		out = text_b64url_encode(sig, sig_len);
	else if ((raw_len = ecdsa_raw(sig, sig_len, a->int_len, raw)) > 0)
		out = text_b64url_encode(raw, raw_len);
	else
		(void)fail_openssl(err, "signing");
	EVP_MD_CTX_free(ctx);
	return out;
}

char *
jws_hs256(const void *key, size_t key_len, const void *in, size_t len,
    struct error *err)
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned mac_len = 0;

	if (key_len > INT_MAX_BYTES ||
	    HMAC(EVP_sha256(), key, (int)key_len, in, len, mac,
	    &mac_len) == NULL) {
		(void)fail_openssl(err, "HMAC");
		return NULL;
	}
	return text_b64url_encode(mac, mac_len);
}

/* The protected header, base64url; members that are NULL are left out. */
static char *
protected_header(const char *alg, const char *jwk, const char *kid,
    const char *nonce, const char *url, struct error *err)
{
	json_t *key = jwk == NULL ? NULL : json_loads(jwk, 0, NULL);
	json_t *o = json_pack("{s:s, s:o*, s:s*, s:s*, s:s}", "alg", alg,
	    "jwk", key, "kid", kid, "nonce", nonce, "url", url);
	char *text = o == NULL ? NULL : json_dumps(o, JSON_COMPACT);
	char *out = NULL;

	if (text != NULL)
		out = text_b64url_encode(text, strlen(text));
	else
		(void)error_set(err, ERR_INTERNAL, "acme:sign",
		    "the request's header is not UTF-8");
	free(text);
	json_decref(o);
	return out;
}

static char *
flatten(const char *payload, const char *protected, const char *signature)
{
	return xasprintf("{\"payload\":\"%s\",\"protected\":\"%s\","
	    "\"signature\":\"%s\"}", payload, protected, signature);
}

char *
jws_sign(EVP_PKEY *key, const char *kid, const char *nonce, const char *url,
    const char *payload, struct error *err)
{
	const struct alg *a = find_alg(key, err);
	char *jwk = NULL, *header = NULL, *body = NULL, *input = NULL;
	char *sig = NULL, *out = NULL;

	if (a == NULL || (kid == NULL && (jwk = jws_jwk(key, err)) == NULL))
		goto out;
	header = protected_header(a->name, jwk, kid, nonce, url, err);
	if (header == NULL)
		goto out;
	body = text_b64url_encode(payload, strlen(payload));
	input = xasprintf("%s.%s", header, body);
	sig = jws_signature(key, input, strlen(input), err);
	if (sig != NULL)
		out = flatten(body, header, sig);
out:
	free(jwk);
	free(header);
	free(body);
	free(input);
	free(sig);
	return out;
}

char *
jws_eab(const char *kid, const char *mac_key, const char *url,
    const char *jwk, struct error *err)
{
	char *header = NULL, *body = NULL, *input = NULL, *sig = NULL;
	char *out = NULL;
	unsigned char *key;
	size_t key_len, n = strlen(mac_key);
	char *unpadded;

	/* Some CAs give the key with padding. */
	while (n > 0 && mac_key[n - 1] == '=')
		n--;
	unpadded = xstrndup(mac_key, n);
	if (n == 0 || text_b64url_decode(unpadded, &key, &key_len) == -1) {
		(void)error_set(err, ERR_CONFIG, "acme:eab", "the MAC key of "
		    "the external account binding is not base64url");
		freezero(unpadded, n);
		return NULL;
	}
	header = protected_header("HS256", NULL, kid, NULL, url, err);
	if (header == NULL)
		goto out;
	body = text_b64url_encode(jwk, strlen(jwk));
	input = xasprintf("%s.%s", header, body);
	sig = jws_hs256(key, key_len, input, strlen(input), err);
	if (sig != NULL)
		out = flatten(body, header, sig);
out:
	freezero(unpadded, n);
	freezero(key, key_len);
	free(header);
	free(body);
	free(input);
	free(sig);
	return out;
}
