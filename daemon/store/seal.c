/* SPDX-License-Identifier: MIT */
#include "daemon/store/seal.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/kdf.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

#define MAGIC		"ACMEDSEAL1\n"
#define MAGIC_LEN	(sizeof(MAGIC) - 1)
#define SALT_LEN	16
#define NONCE_LEN	12
#define TAG_LEN		16
#define KEY_LEN		32
#define HEAD_LEN	(MAGIC_LEN + SALT_LEN + NONCE_LEN)
#define SEALED_MAX	(1024 * 1024)

/* A failure of OpenSSL here is exhausted memory or a broken library. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

static void
derive_key(const char *secret, const unsigned char *salt,
    unsigned char key[KEY_LEN])
{
	static const unsigned char info[] = "acmed published file";
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_id(EVP_PKEY_HKDF, NULL);
	size_t len = KEY_LEN;

	must(ctx != NULL && EVP_PKEY_derive_init(ctx) == 1 &&
	    EVP_PKEY_CTX_set_hkdf_md(ctx, EVP_sha256()) == 1 &&
	    EVP_PKEY_CTX_set1_hkdf_salt(ctx, salt, SALT_LEN) == 1 &&
	    EVP_PKEY_CTX_set1_hkdf_key(ctx, (const unsigned char *)secret,
	    (int)strlen(secret)) == 1 &&
	    EVP_PKEY_CTX_add1_hkdf_info(ctx, info, sizeof(info) - 1) == 1 &&
	    EVP_PKEY_derive(ctx, key, &len) == 1 && len == KEY_LEN);
	EVP_PKEY_CTX_free(ctx);
}

char *
seal_close(const char *secret, const char *aad, const void *text, size_t len,
    size_t *sealed_len)
{
	unsigned char *out = xmalloc(HEAD_LEN + len + TAG_LEN + 1);
	unsigned char *salt = out + MAGIC_LEN, *nonce = salt + SALT_LEN;
	unsigned char key[KEY_LEN];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	int n;

	memcpy(out, MAGIC, MAGIC_LEN);
	arc4random_buf(salt, SALT_LEN + NONCE_LEN);
	derive_key(secret, salt, key);
	must(ctx != NULL && EVP_EncryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
	    key, nonce) == 1 && EVP_EncryptUpdate(ctx, NULL, &n,
	    (const unsigned char *)aad, (int)strlen(aad)) == 1 &&
	    EVP_EncryptUpdate(ctx, out + HEAD_LEN, &n, text, (int)len) == 1 &&
	    EVP_EncryptFinal_ex(ctx, out + HEAD_LEN + n, &n) == 1 &&
	    EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_GET_TAG, TAG_LEN,
	    out + HEAD_LEN + len) == 1);
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(key, sizeof(key));
	*sealed_len = HEAD_LEN + len + TAG_LEN;
	return (char *)out;
}

/* Into out, of len bytes; false: not ours. */
static bool
decrypt(const char *secret, const char *aad, const unsigned char *sealed,
    size_t len, unsigned char *out)
{
	const unsigned char *salt = sealed + MAGIC_LEN;
	unsigned char key[KEY_LEN], tag[TAG_LEN];
	EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
	bool ok;
	int n;

	memcpy(tag, sealed + HEAD_LEN + len, TAG_LEN);
	derive_key(secret, salt, key);
	ok = ctx != NULL && EVP_DecryptInit_ex(ctx, EVP_aes_256_gcm(), NULL,
	    key, salt + SALT_LEN) == 1 && EVP_DecryptUpdate(ctx, NULL, &n,
	    (const unsigned char *)aad, (int)strlen(aad)) == 1 &&
	    EVP_DecryptUpdate(ctx, out, &n, sealed + HEAD_LEN,
	    (int)len) == 1 && EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_GCM_SET_TAG,
	    TAG_LEN, tag) == 1 && EVP_DecryptFinal_ex(ctx, out + n, &n) == 1;
	EVP_CIPHER_CTX_free(ctx);
	OPENSSL_cleanse(key, sizeof(key));
	ERR_clear_error();
	return ok;
}

int
seal_open(const char *secret, const char *aad, const void *sealed,
    size_t sealed_len, char **text, size_t *len, struct error *err)
{
	unsigned char *out;
	size_t n;

	if (sealed_len < HEAD_LEN + TAG_LEN || sealed_len > SEALED_MAX ||
	    memcmp(sealed, MAGIC, MAGIC_LEN) != 0)
		return error_set(err, ERR_REJECTED, "seal:open", "%s: it is "
		    "not encrypted as acmed does", aad);
	n = sealed_len - HEAD_LEN - TAG_LEN;
	out = xmalloc(n + 1);
	if (!decrypt(secret, aad, sealed, n, out)) {
		freezero(out, n);
		return error_set(err, ERR_REJECTED, "seal:open", "%s: it "
		    "cannot be decrypted: it was encrypted with another key, "
		    "or is damaged", aad);
	}
	out[n] = '\0';
	*text = (char *)out;
	*len = n;
	return 0;
}

void
seal_mac(const char *secret, const void *text, size_t len,
    char out[SEAL_MAC_SIZE])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	must(HMAC(EVP_sha256(), secret, (int)strlen(secret), text, len, mac,
	    &n) != NULL && n == 32);
	(void)text_hex(mac, n, out);
}

bool
seal_mac_is(const char *secret, const void *text, size_t len,
    const char *mac)
{
	char want[SEAL_MAC_SIZE];

	seal_mac(secret, text, len, want);
	return strlen(mac) == SEAL_MAC_SIZE - 1 &&
	    CRYPTO_memcmp(want, mac, SEAL_MAC_SIZE - 1) == 0;
}

void
seal_hash(const void *data, size_t len, char out[SEAL_MAC_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	must(EVP_Digest(data, len, hash, &n, EVP_sha256(), NULL) == 1);
	(void)text_hex(hash, n, out);
}
