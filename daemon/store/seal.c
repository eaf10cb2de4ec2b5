/* SPDX-License-Identifier: MIT */
#include "daemon/store/seal.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/crypt.h"

#define MAGIC		"ACMEDSEAL1\n"
#define MAGIC_LEN	(sizeof(MAGIC) - 1)
#define SALT_LEN	16
#define HEAD_LEN	(MAGIC_LEN + SALT_LEN + CRYPT_NONCE)
#define SEALED_MAX	(1024 * 1024)

/* A failure of OpenSSL here is exhausted memory or a broken library. */
static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* Of the line that begins there. */
static size_t
line_len(const char *line)
{
	return strcspn(line, "\n");
}

/* NULL: that was the last one. */
static const char *
line_after(const char *line)
{
	size_t len = line_len(line);

	return line[len] != '\0' ? line + len + 1 : NULL;
}

static void
derive_key(const char *line, const unsigned char *salt,
    unsigned char key[CRYPT_KEY])
{
	static const char info[] = "acmed published file";

	hkdf_sha256(line, line_len(line), salt, SALT_LEN, info,
	    sizeof(info) - 1, key, CRYPT_KEY);
}

char *
seal_close(const char *secret, const char *aad, const void *text, size_t len,
    size_t *sealed_len)
{
	unsigned char *out = xmalloc(HEAD_LEN + len + CRYPT_TAG + 1);
	unsigned char *salt = out + MAGIC_LEN, *nonce = salt + SALT_LEN;
	unsigned char key[CRYPT_KEY];

	memcpy(out, MAGIC, MAGIC_LEN);
	arc4random_buf(salt, SALT_LEN + CRYPT_NONCE);
	derive_key(secret, salt, key);
	gcm_close(key, nonce, aad, strlen(aad), text, len, out + HEAD_LEN);
	OPENSSL_cleanse(key, sizeof(key));
	*sealed_len = HEAD_LEN + len + CRYPT_TAG;
	return (char *)out;
}

/* Into out, of len bytes; false: not ours. */
static bool
decrypt(const char *line, const char *aad, const unsigned char *sealed,
    size_t len, unsigned char *out)
{
	const unsigned char *salt = sealed + MAGIC_LEN;
	unsigned char key[CRYPT_KEY];
	bool ok;

	derive_key(line, salt, key);
	ok = gcm_open(key, salt + SALT_LEN, aad, strlen(aad),
	    sealed + HEAD_LEN, len, out);
	OPENSSL_cleanse(key, sizeof(key));
	return ok;
}

int
seal_open(const char *secret, const char *aad, const void *sealed,
    size_t sealed_len, char **text, size_t *len, struct error *err)
{
	const char *line = secret;
	unsigned char *out;
	size_t n;

	if (sealed_len < HEAD_LEN + CRYPT_TAG || sealed_len > SEALED_MAX ||
	    memcmp(sealed, MAGIC, MAGIC_LEN) != 0)
		return error_set(err, ERR_REJECTED, "seal:open", "%s: it is "
		    "not encrypted as acmed does", aad);
	n = sealed_len - HEAD_LEN - CRYPT_TAG;
	out = xmalloc(n + 1);
	while (line != NULL && !decrypt(line, aad, sealed, n, out))
		line = line_after(line);
	if (line == NULL) {
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

bool
seal_is_first(const char *secret, const char *aad, const void *sealed,
    size_t sealed_len)
{
	char *first = xstrndup(secret, line_len(secret)), *text;
	struct error ignored;
	size_t len;
	bool is = seal_open(first, aad, sealed, sealed_len, &text, &len,
	    &ignored) == 0;

	if (is)
		freezero(text, len);
	freezero_str(first);
	return is;
}

void
seal_mac(const char *secret, const void *text, size_t len,
    char out[SEAL_MAC_SIZE])
{
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	must(HMAC(EVP_sha256(), secret, (int)line_len(secret), text, len, mac,
	    &n) != NULL && n == 32);
	(void)text_hex(mac, n, out);
}

bool
seal_mac_is(const char *secret, const void *text, size_t len,
    const char *mac)
{
	char want[SEAL_MAC_SIZE];
	bool is = false;

	for (const char *line = secret; line != NULL; line = line_after(line)) {
		seal_mac(line, text, len, want);
		is |= strlen(mac) == SEAL_MAC_SIZE - 1 &&
		    CRYPTO_memcmp(want, mac, SEAL_MAC_SIZE - 1) == 0;
	}
	return is;
}

void
seal_hash(const void *data, size_t len, char out[SEAL_MAC_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n = 0;

	must(EVP_Digest(data, len, hash, &n, EVP_sha256(), NULL) == 1);
	(void)text_hex(hash, n, out);
}
