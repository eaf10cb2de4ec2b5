/* SPDX-License-Identifier: MIT */
/* What only the owner of a key can open. */
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/store/identity_priv.h"

#define KEYS_MAGIC	"ACMEDKEYS1\n"
#define BOX_MAGIC	"ACMEDBOX1\n"
#define KEYS_HEAD	(sizeof(KEYS_MAGIC) - 1 + CRYPT_KEY)
#define BOX_HEAD	(sizeof(BOX_MAGIC) - 1 + CRYPT_KEY)
#define ID_LEN		16
#define ROW_LEN		(ID_LEN + CRYPT_KEY + CRYPT_TAG)
#define BOX_MAX		(1024 * 1024)

/* Key and nonce for one reader: of what both know, and of who both are. */
struct agreed {
	unsigned char	 key[CRYPT_KEY], nonce[CRYPT_NONCE];
};
_Static_assert(sizeof(struct agreed) == CRYPT_KEY + CRYPT_NONCE, "agreed");

static bool
agree(EVP_PKEY *private, const unsigned char public[CRYPT_KEY],
    const unsigned char ephemeral[CRYPT_KEY],
    const unsigned char reader[IDENTITY_RAW], struct agreed *out)
{
	unsigned char shared[CRYPT_KEY];
	bool ok = x25519_derive(private, public, shared);

	if (ok)
		hkdf_sha256(shared, sizeof(shared), ephemeral, CRYPT_KEY,
		    reader, IDENTITY_RAW, out, sizeof(*out));
	OPENSSL_cleanse(shared, sizeof(shared));
	return ok;
}

/* The writer's side of that, and the reader's. */
static bool
agree_write(EVP_PKEY *private, const unsigned char ephemeral[CRYPT_KEY],
    const unsigned char reader[IDENTITY_RAW], struct agreed *out)
{
	return agree(private, reader + CRYPT_KEY, ephemeral, reader, out);
}

static bool
agree_read(const struct identity *id,
    const unsigned char ephemeral[CRYPT_KEY], struct agreed *out)
{
	EVP_PKEY *private = x25519_key(id->open);
	bool ok = agree(private, ephemeral, ephemeral, id->raw, out);

	EVP_PKEY_free(private);
	return ok;
}

/* Its public half is sent along. */
static EVP_PKEY *
ephemeral_new(unsigned char public[CRYPT_KEY])
{
	unsigned char private[CRYPT_KEY];
	EVP_PKEY *key;

	arc4random_buf(private, CRYPT_KEY);
	x25519_public(private, public);
	key = x25519_key(private);
	OPENSSL_cleanse(private, sizeof(private));
	return key;
}

/* --- one key for many --- */

static void
make_id(const unsigned char raw[IDENTITY_RAW], unsigned char id[ID_LEN])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned n;

	if (EVP_Digest(raw, IDENTITY_RAW, hash, &n, EVP_sha256(), NULL) != 1)
		abort();
	memcpy(id, hash, ID_LEN);
}

struct identity_wraps {
	const unsigned char *key;
	char		*aad;
	EVP_PKEY	*private;	/* the ephemeral one */
	unsigned char	*out;
	size_t		 len, room;	/* bytes */
};

struct identity_wraps *
identity_wraps_new(const unsigned char key[CRYPT_KEY], const char *aad,
    size_t room)
{
	struct identity_wraps *w = xcalloc(1, sizeof(*w));

	w->key = key;
	w->aad = xstrdup(aad);
	w->room = KEYS_HEAD + room * ROW_LEN;
	w->out = xmalloc(w->room + 1);
	memcpy(w->out, KEYS_MAGIC, sizeof(KEYS_MAGIC) - 1);
	w->private = ephemeral_new(w->out + sizeof(KEYS_MAGIC) - 1);
	w->len = KEYS_HEAD;
	return w;
}

void
identity_wraps_add(struct identity_wraps *w, const char *public_key)
{
	unsigned char raw[IDENTITY_RAW], *row = w->out + w->len;
	struct agreed a;

	/* The configuration has been checked: no other comes here. */
	if (w->len + ROW_LEN > w->room || !identity_raw(public_key, raw) ||
	    !agree_write(w->private, w->out + sizeof(KEYS_MAGIC) - 1, raw,
	    &a))
		return;
	make_id(raw, row);
	gcm_close(a.key, a.nonce, w->aad, strlen(w->aad), w->key, CRYPT_KEY,
	    row + ID_LEN);
	OPENSSL_cleanse(&a, sizeof(a));
	w->len += ROW_LEN;
}

char *
identity_wraps_take(struct identity_wraps *w, size_t *len)
{
	unsigned char *out = w->out;

	*len = w->len;
	w->out = NULL;
	identity_wraps_free(w);
	return (char *)out;
}

void
identity_wraps_free(struct identity_wraps *w)
{
	if (w == NULL)
		return;
	EVP_PKEY_free(w->private);
	free(w->out);
	free(w->aad);
	free(w);
}

int
identity_unwrap(const struct identity *me, const char *aad,
    const void *wraps, size_t len, unsigned char key[CRYPT_KEY],
    struct error *err)
{
	const unsigned char *in = wraps, *ephemeral, *row;
	unsigned char id[ID_LEN];
	struct agreed a;
	bool ok;

	if (len < KEYS_HEAD || (len - KEYS_HEAD) % ROW_LEN != 0 ||
	    memcmp(in, KEYS_MAGIC, sizeof(KEYS_MAGIC) - 1) != 0)
		return error_set(err, ERR_REJECTED, "identity:open", "%s: it "
		    "is not what acmed writes", aad);
	make_id(me->raw, id);
	ephemeral = in + sizeof(KEYS_MAGIC) - 1;
	for (row = in + KEYS_HEAD; row < in + len; row += ROW_LEN) {
		if (memcmp(row, id, ID_LEN) == 0)
			break;
	}
	if (row == in + len)
		return error_set(err, ERR_REJECTED, "identity:not-for-us",
		    "%s: it is not encrypted for this host (%s): the "
		    "publisher's hosts = { } does not name it, or names "
		    "another key", aad, me->name);
	ok = agree_read(me, ephemeral, &a) && gcm_open(a.key, a.nonce, aad,
	    strlen(aad), row + ID_LEN, CRYPT_KEY, key);
	OPENSSL_cleanse(&a, sizeof(a));
	return ok ? 0 : error_set(err, ERR_REJECTED, "identity:open", "%s: it "
	    "cannot be decrypted: it is damaged", aad);
}

/* --- one text for one --- */

/* What the signature is of: all that is sent, what it is about, and who says
 * it to whom.  The caller frees. */
static unsigned char *
signed_text(const unsigned char *sealed, size_t len, const char *aad,
    const unsigned char from[IDENTITY_RAW],
    const unsigned char to[IDENTITY_RAW], size_t *n)
{
	unsigned char *all;

	*n = len + 2 * IDENTITY_RAW + strlen(aad);
	all = xmalloc(*n);
	memcpy(all, sealed, len);
	memcpy(all + len, from, IDENTITY_RAW);
	memcpy(all + len + IDENTITY_RAW, to, IDENTITY_RAW);
	memcpy(all + len + 2 * IDENTITY_RAW, aad, strlen(aad));
	return all;
}

char *
identity_seal(const struct identity *from, const char *to_public,
    const char *aad, const void *text, size_t len, size_t *sealed_len)
{
	size_t body = BOX_HEAD + len + CRYPT_TAG, n;
	unsigned char *out = xmalloc(body + IDENTITY_SIGN + 1), *all;
	unsigned char *ephemeral = out + sizeof(BOX_MAGIC) - 1;
	unsigned char to[IDENTITY_RAW];
	EVP_PKEY *private;
	struct agreed a;

	memcpy(out, BOX_MAGIC, sizeof(BOX_MAGIC) - 1);
	private = ephemeral_new(ephemeral);
	if (!identity_raw(to_public, to) ||
	    !agree_write(private, ephemeral, to, &a))
		abort();	/* checked with the configuration */
	gcm_close(a.key, a.nonce, aad, strlen(aad), text, len,
	    out + BOX_HEAD);
	OPENSSL_cleanse(&a, sizeof(a));
	EVP_PKEY_free(private);
	all = signed_text(out, body, aad, from->raw, to, &n);
	identity_sign_raw(from, all, n, out + body);
	free(all);
	*sealed_len = body + IDENTITY_SIGN;
	return (char *)out;
}

static bool
open_box(const struct identity *to, const char *from_public, const char *aad,
    const unsigned char *in, size_t body, unsigned char *out)
{
	unsigned char from[IDENTITY_RAW], *all;
	struct agreed a;
	size_t n;
	bool ok;

	if (!identity_raw(from_public, from))
		return false;
	all = signed_text(in, body, aad, from, to->raw, &n);
	ok = identity_signed_raw(from, all, n, in + body);
	free(all);
	if (!ok || !agree_read(to, in + sizeof(BOX_MAGIC) - 1, &a))
		return false;
	ok = gcm_open(a.key, a.nonce, aad, strlen(aad), in + BOX_HEAD,
	    body - BOX_HEAD - CRYPT_TAG, out);
	OPENSSL_cleanse(&a, sizeof(a));
	return ok;
}

int
identity_open(const struct identity *to, const char *from_public,
    const char *aad, const void *sealed, size_t sealed_len, char **text,
    size_t *len, struct error *err)
{
	const size_t least = BOX_HEAD + CRYPT_TAG + IDENTITY_SIGN;
	unsigned char *out;
	size_t n;

	if (sealed_len < least || sealed_len > BOX_MAX ||
	    memcmp(sealed, BOX_MAGIC, sizeof(BOX_MAGIC) - 1) != 0)
		return error_set(err, ERR_REJECTED, "identity:open", "%s: it "
		    "is not what acmed writes", aad);
	n = sealed_len - least;
	out = xmalloc(n + 1);
	if (!open_box(to, from_public, aad, sealed, sealed_len -
	    IDENTITY_SIGN, out)) {
		freezero(out, n);
		return error_set(err, ERR_REJECTED, "identity:open", "%s: it "
		    "is not signed by the key that it should be of, or is "
		    "damaged", aad);
	}
	out[n] = '\0';
	*text = (char *)out;
	*len = n;
	return 0;
}
