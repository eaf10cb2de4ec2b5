/* SPDX-License-Identifier: MIT */
#include "daemon/store/identity.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/store/identity_priv.h"

#define FORMAT "acmed-key-1"

static void
must(bool ok)
{
	if (!ok)
		abort();
}

/* --- the pair --- */

static EVP_PKEY *
sign_key(const unsigned char private[CRYPT_KEY])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL,
	    private, CRYPT_KEY);

	must(key != NULL);
	return key;
}

/* One secret has two uses, whose keys must have nothing in common. */
static void
derive(const unsigned char secret[CRYPT_KEY], const char *use,
    unsigned char key[CRYPT_KEY])
{
	hkdf_sha256(secret, CRYPT_KEY, NULL, 0, use, strlen(use), key,
	    CRYPT_KEY);
}

static struct identity *
of_secret(const char *name, const unsigned char secret[CRYPT_KEY])
{
	struct identity *id = xcalloc(1, sizeof(*id));
	size_t len = CRYPT_KEY;
	EVP_PKEY *key;
	char *text;

	(void)text_printf(id->name, sizeof(id->name), "%s", name);
	memcpy(id->secret, secret, CRYPT_KEY);
	derive(secret, "acmed key: sign", id->sign);
	derive(secret, "acmed key: open", id->open);
	key = sign_key(id->sign);
	must(EVP_PKEY_get_raw_public_key(key, id->raw, &len) == 1);
	EVP_PKEY_free(key);
	x25519_public(id->open, id->raw + CRYPT_KEY);
	text = text_b64url_encode(id->raw, sizeof(id->raw));
	(void)text_printf(id->public, sizeof(id->public), "%s", text);
	free(text);
	return id;
}

struct identity *
identity_new(const char *name)
{
	unsigned char secret[CRYPT_KEY];
	struct identity *id = NULL;

	/* The public half is an argument of commands, and must not look like
	 * an option. */
	do {
		identity_free(id);
		arc4random_buf(secret, sizeof(secret));
		id = of_secret(name, secret);
	} while (id->public[0] == '-');
	OPENSSL_cleanse(secret, sizeof(secret));
	return id;
}

void
identity_free(struct identity *id)
{
	freezero(id, sizeof(*id));
}

const char *
identity_name(const struct identity *id)
{
	return id->name;
}

const char *
identity_public(const struct identity *id)
{
	return id->public;
}

const char *
identity_publisher(const struct identity *id)
{
	return id->publisher;
}

/* --- its file --- */

char *
identity_text(const struct identity *id, const char *publisher)
{
	char *secret = text_b64url_encode(id->secret, CRYPT_KEY), *text, *all;
	json_t *o = json_pack("{s:s, s:s, s:s, s:s}", "format", FORMAT,
	    "name", id->name, "private_key", secret, "public_key",
	    id->public);

	if (publisher != NULL)
		(void)json_object_set_new(o, "publisher_key",
		    json_string(publisher));
	text = json_dumps(o, JSON_INDENT(2));
	json_decref(o);
	freezero_str(secret);
	must(text != NULL);
	all = xasprintf("%s\n", text);
	freezero_str(text);
	return all;
}

static struct identity *
bad(const char *path, const char *what, struct error *err)
{
	(void)error_set(err, ERR_CONFIG, "identity:syntax", "%s: it is no key "
	    "that acmectl host has made: %s", path, what);
	return NULL;
}

static struct identity *
read_object(const char *path, const json_t *o, struct error *err)
{
	const char *format = jsonx_str(o, "format"), *name = jsonx_str(o,
	    "name"), *secret = jsonx_str(o, "private_key"), *publisher =
	    jsonx_str(o, "publisher_key"), *public = jsonx_str(o,
	    "public_key");
	unsigned char *raw = NULL;
	struct identity *id;
	size_t len;

	if (format == NULL || strcmp(format, FORMAT) != 0)
		return bad(path, "\"format\" is not " FORMAT, err);
	if (name == NULL || object_name_check(name, err) == -1 ||
	    strlen(name) >= IDENTITY_NAME_SIZE)
		return bad(path, "\"name\"", err);
	if (publisher != NULL && !identity_is_public(publisher))
		return bad(path, "\"publisher_key\"", err);
	if (secret == NULL || text_b64url_decode(secret, &raw, &len) == -1)
		return bad(path, "\"private_key\"", err);
	if (len != CRYPT_KEY) {
		freezero(raw, len);
		return bad(path, "\"private_key\" is not of 32 bytes", err);
	}
	id = of_secret(name, raw);
	freezero(raw, len);
	if (public != NULL && strcmp(public, id->public) != 0) {
		identity_free(id);
		return bad(path, "\"public_key\" is not that of "
		    "\"private_key\"", err);
	}
	(void)text_printf(id->publisher, sizeof(id->publisher), "%s",
	    publisher != NULL ? publisher : "");
	return id;
}

struct identity *
identity_of_text(const char *text, const char *path, struct error *err)
{
	/* Its error would show the beginning of the text. */
	json_t *o = jsonx_parse(text, strlen(text), err);
	struct identity *id = json_is_object(o) ? read_object(path, o, err) :
	    bad(path, "no JSON object", err);

	json_decref(o);
	return id;
}

struct identity *
identity_read(const char *path, struct error *err)
{
	struct identity *id;
	char *text;

	if (file_read_private(path, IDENTITY_FILE_MAX, &text, err) == -1)
		return NULL;
	id = identity_of_text(text, path, err);
	freezero_str(text);
	return id;
}

/* --- the other side --- */

bool
identity_raw(const char *public_key, unsigned char raw[IDENTITY_RAW])
{
	unsigned char *bytes;
	size_t len;
	bool ok;

	if (strlen(public_key) != IDENTITY_PUBLIC_SIZE - 1 ||
	    text_b64url_decode(public_key, &bytes, &len) == -1)
		return false;
	ok = len == IDENTITY_RAW;
	if (ok)
		memcpy(raw, bytes, IDENTITY_RAW);
	free(bytes);
	return ok;
}

bool
identity_is_public(const char *public_key)
{
	unsigned char raw[IDENTITY_RAW], out[CRYPT_KEY];
	static const unsigned char any[CRYPT_KEY] = { 1 };

	/* A point of small order would give the key away. */
	return identity_raw(public_key, raw) &&
	    x25519_shared(any, raw + CRYPT_KEY, out);
}

/* --- signatures --- */

void
identity_sign_raw(const struct identity *id, const void *text, size_t len,
    unsigned char out[IDENTITY_SIGN])
{
	EVP_PKEY *key = sign_key(id->sign);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	size_t n = IDENTITY_SIGN;

	must(ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL,
	    key) == 1 && EVP_DigestSign(ctx, out, &n, text, len) == 1 &&
	    n == IDENTITY_SIGN);
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
}

bool
identity_signed_raw(const unsigned char raw[IDENTITY_RAW], const void *text,
    size_t len, const unsigned char signature[IDENTITY_SIGN])
{
	EVP_PKEY *key = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL,
	    raw, CRYPT_KEY);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool ok = key != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx,
	    NULL, NULL, NULL, key) == 1 && EVP_DigestVerify(ctx, signature,
	    IDENTITY_SIGN, text, len) == 1;

	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(key);
	ERR_clear_error();
	return ok;
}

void
identity_sign(const struct identity *id, const void *text, size_t len,
    char out[IDENTITY_SIGN_SIZE])
{
	unsigned char raw[IDENTITY_SIGN];

	identity_sign_raw(id, text, len, raw);
	(void)text_hex(raw, sizeof(raw), out);
}

static int
nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ?
	    c - 'a' + 10 : -1;
}

bool
identity_signed(const char *public_key, const void *text, size_t len,
    const char *signature)
{
	unsigned char raw[IDENTITY_RAW], bytes[IDENTITY_SIGN];

	if (strlen(signature) != IDENTITY_SIGN_SIZE - 1 ||
	    !identity_raw(public_key, raw))
		return false;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		int high = nibble(signature[2 * i]);
		int low = nibble(signature[2 * i + 1]);

		if (high == -1 || low == -1)
			return false;
		bytes[i] = (unsigned char)(high << 4 | low);
	}
	return identity_signed_raw(raw, text, len, bytes);
}
