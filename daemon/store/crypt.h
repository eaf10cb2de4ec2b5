/* SPDX-License-Identifier: MIT */
/*
 * crypt - what seal and identity are made of: key derivation, authenticated
 * encryption, key agreement.  A failure of OpenSSL here is exhausted memory or
 * a broken library, and ends the program; only what others have sent can be
 * refused.
 */
#ifndef DAEMON_STORE_CRYPT_H
#define DAEMON_STORE_CRYPT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>

#define CRYPT_KEY	32	/* bytes of a key of AES-256 or X25519 */
#define CRYPT_NONCE	12
#define CRYPT_TAG	16

/* RFC 5869 with SHA-256; info: at most 1024 bytes. */
void	hkdf_sha256(const void *secret, size_t secret_len, const void *salt,
	    size_t salt_len, const void *info, size_t info_len, void *out,
	    size_t len);

/* AES-256-GCM: out has len bytes, and behind them the tag. */
void	gcm_close(const unsigned char key[CRYPT_KEY],
	    const unsigned char nonce[CRYPT_NONCE], const void *aad,
	    size_t aad_len, const void *text, size_t len,
	    unsigned char *out);
/* in has len bytes and the tag; false: it is not what was closed so. */
bool	gcm_open(const unsigned char key[CRYPT_KEY],
	    const unsigned char nonce[CRYPT_NONCE], const void *aad,
	    size_t aad_len, const unsigned char *in, size_t len,
	    unsigned char *out);

/* RFC 7748: the public half of a private key. */
void	x25519_public(const unsigned char private[CRYPT_KEY],
	    unsigned char public[CRYPT_KEY]);
/* What both sides know; false: the public half is one that leads to the same
 * for everybody (section 6.1). */
bool	x25519_shared(const unsigned char private[CRYPT_KEY],
	    const unsigned char public[CRYPT_KEY],
	    unsigned char out[CRYPT_KEY]);
/* The same with one private key for many, which takes half the time; the caller
 * frees with EVP_PKEY_free(). */
EVP_PKEY *x25519_key(const unsigned char private[CRYPT_KEY]);
bool	x25519_derive(EVP_PKEY *, const unsigned char public[CRYPT_KEY],
	    unsigned char out[CRYPT_KEY]);

#endif
