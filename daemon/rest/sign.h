/* SPDX-License-Identifier: MIT */
/*
 * sign - the cryptography that vendors' signatures are made of, so that no
 * provider needs OpenSSL.  The schemes themselves (SigV4, ACS3, TC3, ...) live
 * in the provider, or in providers/scheme_*.c where two share one.
 */
#ifndef DAEMON_REST_SIGN_H
#define DAEMON_REST_SIGN_H

#include <stddef.h>

struct error;

enum sign_hash {
	SIGN_MD5,		/* westcn only */
	SIGN_SHA1,		/* ovh, dnsmadeeasy, alidns' old scheme, TOTP */
	SIGN_SHA256
};

#define SIGN_MAX	32			/* bytes of the longest */
#define SIGN_HEX	(2 * SIGN_MAX + 1)	/* as lower-case hex */
#define SIGN_B64	((SIGN_MAX + 2) / 3 * 4 + 1)

/* The bytes written: 16, 20 or 32. */
size_t	sign_hash(enum sign_hash, const void *data, size_t len,
	    unsigned char out[SIGN_MAX]);
size_t	sign_hmac(enum sign_hash, const void *key, size_t key_len,
	    const void *data, size_t len, unsigned char out[SIGN_MAX]);

/* The same of a string, as text. */
const char	*sign_hash_hex(enum sign_hash, const char *text,
		    char out[SIGN_HEX]);
const char	*sign_hmac_hex(enum sign_hash, const void *key,
		    size_t key_len, const char *text, char out[SIGN_HEX]);
const char	*sign_hmac_b64(enum sign_hash, const void *key,
		    size_t key_len, const char *text, char out[SIGN_B64]);

/*
 * What AWS' Signature Version 4 and its relatives end with: the HMAC of text
 * under a key made of prefix and secret, date, region, service and terminator,
 * each signing the next; as hex.
 */
const char	*sign_v4_hex(const char *prefix, const char *secret,
		    const char *const links[4], const char *text,
		    char out[SIGN_HEX]);

/* 128 random bits in hex, for requests that must be told apart. */
#define SIGN_NONCE	33
const char	*sign_nonce(char out[SIGN_NONCE]);

/* Standard base64 with padding; the caller frees. */
char	*sign_base64(const void *data, size_t len);
/* -1 unless text is padded standard base64; a NUL is behind the bytes; the
 * caller frees *out (freezero() if it is a key). */
int	sign_base64_decode(const char *text, unsigned char **out, size_t *len);

/*
 * RSASSA-PKCS1-v1_5 with SHA-256 (RS256 of RFC 7518) of text with a private
 * key in PEM; as base64url; the caller frees.  NULL and ERR_CONFIG
 * "sign:key" if the key is unusable.
 */
char	*sign_rs256(const char *key_pem, const char *text, struct error *);

/* RFC 6238: the 6-digit TOTP for a base32 secret at this time; -1 and
 * ERR_CONFIG "sign:totp" if it is not base32. */
int	sign_totp(const char *secret_base32, long long unix_time, char out[7],
	    struct error *);

#endif
