/* SPDX-License-Identifier: MIT */
/*
 * identity - the key of a host, or of a publisher: what it signs with
 * (Ed25519), and what others encrypt for it (X25519), both made of one secret
 * of 32 bytes.  Its public half is one word that can be pasted.  Called by
 * publish/ and by the check of the configuration.
 *
 * Its file is a JSON object: "format": "acmed-key-1", "name", "private_key",
 * "public_key", and, of a host, "publisher_key": whose manifests it believes.
 */
#ifndef DAEMON_STORE_IDENTITY_H
#define DAEMON_STORE_IDENTITY_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/crypt.h"

struct error;
struct identity;

#define IDENTITY_RAW	64	/* of a public half: that of Ed25519, then of
				   X25519 */
#define IDENTITY_PUBLIC_SIZE 87	/* the same in base64url, and a NUL */
#define IDENTITY_SIGN_SIZE 129	/* a signature in hex, and a NUL */
#define IDENTITY_NAME_SIZE 128
#define IDENTITY_FILE_MAX 4096

/* A new one, of nobody before.  The caller frees, which wipes. */
struct identity	*identity_new(const char *name);
void		 identity_free(struct identity *);
/* The text of its file; the caller frees with freezero_str().  publisher may
 * be NULL. */
char		*identity_text(const struct identity *,
		    const char *publisher);
/* Read such a file.  NULL and ERR_CONFIG "identity:syntax", or the error of
 * file_read_private(). */
struct identity	*identity_read(const char *path, struct error *);
/* The same of its text; path is for the message. */
struct identity	*identity_of_text(const char *text, const char *path,
		    struct error *);
const char	*identity_name(const struct identity *);
const char	*identity_public(const struct identity *);
/* What its file says, or "". */
const char	*identity_publisher(const struct identity *);

/* Is this such a word, of keys that can be used? */
bool		 identity_is_public(const char *public_key);

void		 identity_sign(const struct identity *, const void *text,
		    size_t len, char out[IDENTITY_SIGN_SIZE]);
/* Has the owner of this public half signed that? */
bool		 identity_signed(const char *public_key, const void *text,
		    size_t len, const char *signature);

/*
 * The key of a file for many: wrapped for each of them with X25519 (one
 * ephemeral key for all), HKDF with SHA-256 and AES-256-GCM.  aad is what it
 * is the key of.
 *
 * Format: "ACMEDKEYS1\n", 32 bytes of the ephemeral public key, and for each
 * host 16 of SHA-256 of its public half, 32 of the wrapped key, 16 of tag.
 */
#define IDENTITY_WRAPS_MAX 8000
struct identity_wraps;
/* key is borrowed until _free; room: for how many. */
struct identity_wraps *identity_wraps_new(const unsigned char key[CRYPT_KEY],
		    const char *aad, size_t room);
/* One more; it takes about 0.1 ms. */
void		 identity_wraps_add(struct identity_wraps *,
		    const char *public_key);
/* What has been made; the wraps are freed. */
char		*identity_wraps_take(struct identity_wraps *, size_t *len);
/* NULL is allowed. */
void		 identity_wraps_free(struct identity_wraps *);
/* ERR_REJECTED "identity:not-for-us", "identity:open" (damaged). */
int		 identity_unwrap(const struct identity *, const char *aad,
		    const void *wraps, size_t len,
		    unsigned char key[CRYPT_KEY], struct error *);

/*
 * From one to another: signed, and only `to` can read it.  aad is what it is
 * about; both sides must say the same.  The caller frees.
 *
 * Format: "ACMEDBOX1\n", 32 bytes of an ephemeral public key, the text and 16
 * of tag, 64 of the signature of all before it, of aad, and of both sides.
 */
char		*identity_seal(const struct identity *from,
		    const char *to_public, const char *aad, const void *text,
		    size_t len, size_t *sealed_len);
/* ERR_REJECTED "identity:open"; the caller frees *text with freezero(). */
int		 identity_open(const struct identity *to,
		    const char *from_public, const char *aad,
		    const void *sealed, size_t sealed_len, char **text,
		    size_t *len, struct error *);

#endif
