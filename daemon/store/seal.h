/* SPDX-License-Identifier: MIT */
/*
 * seal - secrets between machines that share one: authenticated encryption
 * of what is published, and the signature of its manifest.  Called by
 * publish/.
 */
#ifndef DAEMON_STORE_SEAL_H
#define DAEMON_STORE_SEAL_H

#include <stdbool.h>
#include <stddef.h>

struct error;

/* A shared secret shorter than this is refused: it could be guessed. */
#define SEAL_SECRET_MIN 32

/*
 * A secret may have two lines (file_read_shared()): the first one closes and
 * signs, both open and are accepted, so that it can be replaced on one machine
 * after the other.
 *
 * AES-256-GCM under a key made of the secret and a random salt (HKDF with
 * SHA-256).  aad is what it belongs to: the same is needed to open it, so
 * that nobody can put one file in another's place.  The caller frees.
 *
 * Format: "ACMEDSEAL1\n", 16 bytes of salt, 12 of nonce, the text, 16 of tag.
 */
char	*seal_close(const char *secret, const char *aad, const void *text,
	    size_t len, size_t *sealed_len);
/* The caller frees *text (with a NUL behind it) by freezero().  ERR_REJECTED
 * "seal:open": not sealed with this secret for this aad, or damaged. */
int	 seal_open(const char *secret, const char *aad, const void *sealed,
	    size_t sealed_len, char **text, size_t *len, struct error *);

/* Does the first line open it? */
bool	 seal_is_first(const char *secret, const char *aad, const void *sealed,
	    size_t sealed_len);

/* HMAC-SHA256 in lower-case hex.  Any tool can compute it:
 * openssl dgst -sha256 -hmac SECRET. */
#define SEAL_MAC_SIZE 65
void	 seal_mac(const char *secret, const void *text, size_t len,
	    char out[SEAL_MAC_SIZE]);
/* Compares in constant time. */
bool	 seal_mac_is(const char *secret, const void *text, size_t len,
	    const char *mac);
/* SHA-256 in lower-case hex. */
void	 seal_hash(const void *data, size_t len, char out[SEAL_MAC_SIZE]);

#endif
