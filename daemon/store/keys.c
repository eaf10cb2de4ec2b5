/* SPDX-License-Identifier: MIT */
#include "daemon/store/keys.h"

#include <openssl/bio.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/store/san.h"

#define KEY_PEM_MAX 16384

/* An EC key has a curve, an RSA key has bits. */
static const struct {
	const char	*curve;
	int		 nid;
	int		 bits;
} types[] = {
	[KEY_EC256] = { "P-256", NID_X9_62_prime256v1, 0 },
	[KEY_EC384] = { "P-384", NID_secp384r1, 0 },
	[KEY_RSA2048] = { NULL, 0, 2048 },
	[KEY_RSA3072] = { NULL, 0, 3072 },
	[KEY_RSA4096] = { NULL, 0, 4096 },
};
_Static_assert(sizeof(types) / sizeof(types[0]) == KEY_TYPE_END, "types");

/* error_set() with OpenSSL's own words for the first thing that went wrong. */
static int
crypto_error(struct error *err, enum err_kind kind, const char *code,
    const char *what)
{
	unsigned long e = ERR_get_error();
	const char *reason = e == 0 ? NULL : ERR_reason_error_string(e);

	ERR_clear_error();
	return error_set(err, kind, code, "%s: %s", what,
	    reason != NULL ? reason : "refused by OpenSSL");
}

char *
key_to_pem(const EVP_PKEY *key)
{
	/* Wiped by OpenSSL when it grows and when it is freed. */
	BIO *bio = BIO_new(BIO_s_secmem());
	char *data, *pem;
	long len;

	if (bio == NULL || PEM_write_bio_PKCS8PrivateKey(bio, key, NULL, NULL,
	    0, NULL, NULL) != 1)
		abort();	/* memory: nothing else can fail here */
	len = BIO_get_mem_data(bio, &data);
	pem = xstrndup(data, (size_t)len);
	BIO_free(bio);
	return pem;
}

/* Without this OpenSSL would ask for a passphrase on the terminal. */
static int
no_passphrase_cb(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

bool
key_is_pair(EVP_PKEY *key)
{
	static const unsigned char data[] = "acmed";
	size_t len = (size_t)EVP_PKEY_get_size(key);
	unsigned char *sig = xmalloc(len + 1);
	EVP_MD_CTX *sign = EVP_MD_CTX_new(), *verify = EVP_MD_CTX_new();
	bool ok;

	if (sign == NULL || verify == NULL)
		abort();
	ok = EVP_DigestSignInit(sign, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(sign, sig, &len, data, sizeof(data)) == 1 &&
	    EVP_DigestVerifyInit(verify, NULL, EVP_sha256(), NULL, key) ==
	    1 && EVP_DigestVerify(verify, sig, len, data, sizeof(data)) == 1;
	EVP_MD_CTX_free(sign);
	EVP_MD_CTX_free(verify);
	free(sig);
	ERR_clear_error();
	return ok;
}

/* To OpenSSL a certificate's key is the one with the same public part, though
 * the other may be damaged. */
static EVP_PKEY *
whole(EVP_PKEY *key, struct error *err)
{
	int id = EVP_PKEY_get_base_id(key);

	if ((id != EVP_PKEY_EC && id != EVP_PKEY_RSA) || key_is_pair(key))
		return key;
	EVP_PKEY_free(key);
	(void)error_set(err, ERR_CONFIG, "key:syntax",
	    "private key: damaged: it does not sign what it verifies");
	return NULL;
}

EVP_PKEY *
key_from_pem(const char *pem, struct error *err)
{
	size_t len = strlen(pem);
	EVP_PKEY *key = NULL;
	BIO *bio;

	if (len > KEY_PEM_MAX) {
		(void)error_set(err, ERR_CONFIG, "key:syntax",
		    "private key: longer than %d bytes", KEY_PEM_MAX);
		return NULL;
	}
	bio = BIO_new_mem_buf(pem, (int)len);
	if (bio == NULL)
		abort();
	ERR_clear_error();
	key = PEM_read_bio_PrivateKey(bio, NULL, no_passphrase_cb, NULL);
	BIO_free(bio);
	if (key != NULL)
		return whole(key, err);
	(void)crypto_error(err, ERR_CONFIG, "key:syntax",
	    "private key: not a PEM key without passphrase");
	return NULL;
}

char *
key_pem_traditional(const char *pem, struct error *err)
{
	EVP_PKEY *key = key_from_pem(pem, err);
	BIO *bio = key == NULL ? NULL : BIO_new(BIO_s_secmem());
	char *data, *out = NULL;
	long len;

	if (bio != NULL && PEM_write_bio_PrivateKey_traditional(bio, key,
	    NULL, NULL, 0, NULL, NULL) == 1) {
		len = BIO_get_mem_data(bio, &data);
		out = xstrndup(data, (size_t)len);
	} else if (key != NULL) {
		ERR_clear_error();
		(void)error_set(err, ERR_INTERNAL, "key:syntax",
		    "the key has no traditional form");
	}
	BIO_free(bio);
	EVP_PKEY_free(key);
	return out;
}

bool
key_is_type(const EVP_PKEY *key, enum key_type type)
{
	char group[64];
	size_t len;

	if (type >= KEY_TYPE_END)
		return false;
	if (types[type].curve == NULL)
		return EVP_PKEY_is_a(key, "RSA") &&
		    EVP_PKEY_get_bits(key) == types[type].bits;
	return EVP_PKEY_is_a(key, "EC") &&
	    EVP_PKEY_get_group_name(key, group, sizeof(group), &len) == 1 &&
	    OBJ_sn2nid(group) == types[type].nid;
}

enum key_type
key_type_of(const EVP_PKEY *key)
{
	for (int t = 0; t < KEY_TYPE_END; t++) {
		if (key_is_type(key, (enum key_type)t))
			return (enum key_type)t;
	}
	return KEY_TYPE_END;
}

EVP_PKEY *
key_generate(enum key_type type, struct error *err)
{
	EVP_PKEY *key;

	if (type >= KEY_TYPE_END) {
		(void)error_set(err, ERR_INTERNAL, "key:type",
		    "no such key type: %d", (int)type);
		return NULL;
	}
	ERR_clear_error();
	if (types[type].curve != NULL)
		key = EVP_EC_gen(types[type].curve);
	else
		key = EVP_RSA_gen((unsigned)types[type].bits);
	if (key == NULL)
		(void)crypto_error(err, ERR_INTERNAL, "key:generate",
		    "cannot make a key");
	return key;
}

/* No subject and no extended key usage: both are the CA's to choose. */
static int
fill_csr(X509_REQ *req, EVP_PKEY *key, const GENERAL_NAMES *san)
{
	STACK_OF(X509_EXTENSION) *exts = NULL;
	const EVP_MD *md = key_is_type(key, KEY_EC384) ? EVP_sha384() :
	    EVP_sha256();
	int ok;

	ok = X509V3_add1_i2d(&exts, NID_subject_alt_name, (void *)san, 0,
	    X509V3_ADD_DEFAULT) == 1 &&
	    X509_REQ_set_version(req, X509_REQ_VERSION_1) == 1 &&
	    X509_REQ_set_pubkey(req, key) == 1 &&
	    X509_REQ_add_extensions(req, exts) == 1 &&
	    X509_REQ_sign(req, key, md) > 0;
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	return ok ? 0 : -1;
}

int
csr_make(EVP_PKEY *key, const char *const *names, size_t n_names,
    unsigned char **der, size_t *der_len, struct error *err)
{
	GENERAL_NAMES *san = san_make(names, n_names);
	X509_REQ *req = X509_REQ_new();
	unsigned char *out = NULL;
	int len = -1;

	if (req == NULL)
		abort();
	ERR_clear_error();
	if (n_names > 0 && fill_csr(req, key, san) == 0)
		len = i2d_X509_REQ(req, &out);
	X509_REQ_free(req);
	GENERAL_NAMES_free(san);
	if (len <= 0)
		return crypto_error(err, ERR_INTERNAL, "key:csr",
		    "cannot make the certificate request");
	*der = xmemdup(out, (size_t)len);
	*der_len = (size_t)len;
	OPENSSL_free(out);
	return 0;
}
