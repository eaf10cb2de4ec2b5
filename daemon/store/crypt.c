/* SPDX-License-Identifier: MIT */
#include "daemon/store/crypt.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>

static void
must(bool ok)
{
	if (!ok)
		abort();
}

void
hkdf_sha256(const void *secret, size_t secret_len, const void *salt,
    size_t salt_len, const void *info, size_t info_len, void *out,
    size_t len)
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t got = len;

	must(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set1_hkdf_key(ctx, secret, (int)secret_len) == 1);
	if (salt_len > 0)
		must(EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt,
		    (int)salt_len) == 1);
	if (info_len > 0)
		must(EVP_PKEY_CTX_add1_hkdf_info(ctx, info,
		    (int)info_len) == 1);
	must(EVP_PKEY_derive(ctx, out, &got) == 1 && got == len);
	EVP_PKEY_CTX_free(ctx);
}

void
gcm_close(const unsigned char key[CRYPT_KEY],
    const unsigned char nonce[CRYPT_NONCE], const void *aad, size_t aad_len,
    const void *text, size_t len, unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	must(ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
	    key, nonce) == 1 &&
	    EVP_EncryptUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1 &&
	    EVP_EncryptUpdate(ctx, out, &n, text, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(ctx, out + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, CRYPT_TAG,
	    out + len) == 1);
	EVP_CIPHER_CTX_free(ctx);
}

bool
gcm_open(const unsigned char key[CRYPT_KEY],
    const unsigned char nonce[CRYPT_NONCE], const void *aad, size_t aad_len,
    const unsigned char *in, size_t len, unsigned char *out)
{
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	unsigned char tag[CRYPT_TAG];
	bool ok;
	int n;

	memcpy(tag, in + len, CRYPT_TAG);
	ok = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
	    key, nonce) == 1 &&
	    EVP_DecryptUpdate(ctx, NULL, &n, aad, (int)aad_len) == 1 &&
	    EVP_DecryptUpdate(ctx, out, &n, in, (int)len) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG, CRYPT_TAG,
	    tag) == 1 && EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	ERR_clear_error();
	return ok;
}

EVP_PKEY *
x25519_key(const unsigned char private[CRYPT_KEY])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_X25519, NULL,
	    private, CRYPT_KEY);

	must(key != NULL);
	return key;
}

void
x25519_public(const unsigned char private[CRYPT_KEY],
    unsigned char public[CRYPT_KEY])
{
	EVP_PKEY *key = x25519_key(private);
	size_t len = CRYPT_KEY;

	must(EVP_PKEY_get_raw_public_key(key, public, &len) == 1);
	EVP_PKEY_free(key);
}

bool
x25519_shared(const unsigned char private[CRYPT_KEY],
    const unsigned char public[CRYPT_KEY], unsigned char out[CRYPT_KEY])
{
	EVP_PKEY *ours = x25519_key(private);
	bool ok = x25519_derive(ours, public, out);

	EVP_PKEY_free(ours);
	return ok;
}

bool
x25519_derive(EVP_PKEY *ours, const unsigned char public[CRYPT_KEY],
    unsigned char out[CRYPT_KEY])
{
	EVP_PKEY *theirs = EVP_PKEY_new_raw_public_key(EVP_PKEY_X25519, NULL,
	    public, CRYPT_KEY);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(ours, NULL);
	size_t len = CRYPT_KEY;
	bool ok;

	must(theirs != NULL && ctx != NULL &&
	    EVP_PKEY_derive_init(ctx) == 1);
	ok = EVP_PKEY_derive_set_peer(ctx, theirs) == 1 &&
	    EVP_PKEY_derive(ctx, out, &len) == 1;
	EVP_PKEY_CTX_free(ctx);
	EVP_PKEY_free(theirs);
	ERR_clear_error();
	return ok;
}
