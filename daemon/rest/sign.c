/* SPDX-License-Identifier: MIT */
#include "daemon/rest/sign.h"

#include <ctype.h>
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/pem.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

static const EVP_MD *
md_of(enum sign_hash hash)
{
	switch (hash) {
	case SIGN_MD5:
		return EVP_md5();
	case SIGN_SHA1:
		return EVP_sha1();
	case SIGN_SHA256:
		break;
	}
	return EVP_sha256();
}

size_t
sign_hash(enum sign_hash hash, const void *data, size_t len,
    unsigned char out[SIGN_MAX])
{
	unsigned n = 0;

	/* Fails only without memory, or without the algorithm. */
	if (EVP_Digest(data, len, out, &n, md_of(hash), NULL) != 1)
		abort();
	return n;
}

size_t
sign_hmac(enum sign_hash hash, const void *key, size_t key_len,
    const void *data, size_t len, unsigned char out[SIGN_MAX])
{
	unsigned n = 0;

	if (HMAC(md_of(hash), key, (int)key_len, data, len, out, &n) == NULL)
		abort();
	return n;
}

const char *
sign_v4_hex(const char *prefix, const char *secret, const char *const links[4],
    const char *text, char out[SIGN_HEX])
{
	char *first = xasprintf("%s%s", prefix, secret);
	unsigned char key[SIGN_MAX], next[SIGN_MAX];
	size_t len;

	len = sign_hmac(SIGN_SHA256, first, strlen(first), links[0],
	    strlen(links[0]), key);
	for (int i = 1; i < 4; i++) {
		(void)sign_hmac(SIGN_SHA256, key, len, links[i],
		    strlen(links[i]), next);
		memcpy(key, next, len);
	}
	(void)sign_hmac_hex(SIGN_SHA256, key, len, text, out);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(next, sizeof(next));
	freezero_str(first);
	return out;
}

const char *
sign_nonce(char out[SIGN_NONCE])
{
	unsigned char raw[(SIGN_NONCE - 1) / 2];

	if (getentropy(raw, sizeof(raw)) == -1)
		abort();		/* not on any kernel we run on */
	return text_hex(raw, sizeof(raw), out);
}

const char *
sign_hash_hex(enum sign_hash hash, const char *text, char out[SIGN_HEX])
{
	unsigned char raw[SIGN_MAX];

	return text_hex(raw, sign_hash(hash, text, strlen(text), raw), out);
}

const char *
sign_hmac_hex(enum sign_hash hash, const void *key, size_t key_len,
    const char *text, char out[SIGN_HEX])
{
	unsigned char raw[SIGN_MAX];

	return text_hex(raw, sign_hmac(hash, key, key_len, text, strlen(text),
	    raw), out);
}

const char *
sign_hmac_b64(enum sign_hash hash, const void *key, size_t key_len,
    const char *text, char out[SIGN_B64])
{
	unsigned char raw[SIGN_MAX];
	size_t n = sign_hmac(hash, key, key_len, text, strlen(text), raw);

	(void)EVP_EncodeBlock((unsigned char *)out, raw, (int)n);
	return out;
}

char *
sign_base64(const void *data, size_t len)
{
	char *out = xmalloc((len + 2) / 3 * 4 + 1);

	(void)EVP_EncodeBlock((unsigned char *)out, data, (int)len);
	return out;
}

#define BASE64_MAX (4u << 20)

int
sign_base64_decode(const char *text, unsigned char **out, size_t *len)
{
	size_t n = strlen(text), pad = 0;
	unsigned char *raw;
	int got;

	if (n == 0 || n % 4 != 0 || n > BASE64_MAX)
		return -1;
	while (pad < 2 && text[n - 1 - pad] == '=')
		pad++;
	raw = xmalloc(n / 4 * 3 + 1);
	got = EVP_DecodeBlock(raw, (const unsigned char *)text, (int)n);
	if (got < (int)pad) {
		freezero(raw, n / 4 * 3 + 1);
		return -1;
	}
	*len = (size_t)got - pad;
	raw[*len] = '\0';
	*out = raw;
	return 0;
}

static char *
rs256(EVP_PKEY *key, const char *text)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	unsigned char raw[1024];
	size_t len = sizeof(raw);
	char *out = NULL;

	if (ctx != NULL && EVP_PKEY_get_base_id(key) == EVP_PKEY_RSA &&
	    EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1 &&
	    EVP_DigestSign(ctx, raw, &len, (const unsigned char *)text,
	    strlen(text)) == 1)
		out = text_b64url_encode(raw, len);
	EVP_MD_CTX_free(ctx);
	return out;
}

/* Never asks at a terminal. */
static int
no_password(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

char *
sign_rs256(const char *key_pem, const char *text, struct error *err)
{
	BIO *bio = BIO_new_mem_buf(key_pem, -1);
	EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL,
	    no_password, NULL);
	char *out = key == NULL ? NULL : rs256(key, text);

	if (out == NULL)
		(void)error_set(err, ERR_CONFIG, "sign:key",
		    "the private key is not an RSA key in PEM without a "
		    "password");
	ERR_clear_error();
	EVP_PKEY_free(key);
	(void)BIO_free(bio);
	return out;
}

/* RFC 4648 base32; spaces, hyphens and padding as people paste them. */
static size_t
base32_decode(const char *s, unsigned char *out, size_t size)
{
	unsigned bits = 0, have = 0;
	size_t n = 0;

	for (; *s != '\0'; s++) {
		int c = toupper((unsigned char)*s);

		if (c == ' ' || c == '-' || c == '=')
			continue;
		if (c >= 'A' && c <= 'Z')
			c -= 'A';
		else if (c >= '2' && c <= '7')
			c -= '2' - 26;
		else
			return 0;
		bits = (bits << 5 | (unsigned)c) & 0xfff;
		have += 5;
		if (have >= 8) {
			have -= 8;
			if (n == size)
				return 0;
			out[n++] = (unsigned char)(bits >> have);
		}
	}
	return n;
}

int
sign_totp(const char *secret, long long unix_time, char out[7],
    struct error *err)
{
	unsigned char key[128], counter[8], mac[SIGN_MAX];
	uint64_t step = (uint64_t)unix_time / 30;
	size_t n = base32_decode(secret, key, sizeof(key)), at;
	uint32_t code;

	if (n == 0)
		return error_set(err, ERR_CONFIG, "sign:totp",
		    "the TOTP secret is not base32 (A to Z, 2 to 7)");
	for (int i = 7; i >= 0; i--, step >>= 8)
		counter[i] = (unsigned char)(step & 0xff);
	at = sign_hmac(SIGN_SHA1, key, n, counter, sizeof(counter), mac);
	at = mac[at - 1] & 15;
	code = (uint32_t)(mac[at] & 0x7f) << 24 | (uint32_t)mac[at + 1] << 16 |
	    (uint32_t)mac[at + 2] << 8 | mac[at + 3];
	(void)text_printf(out, 7, "%06u", code % 1000000);
	OPENSSL_cleanse(key, sizeof(key));
	return 0;
}
