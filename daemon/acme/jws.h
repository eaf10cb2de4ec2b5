/* SPDX-License-Identifier: MIT */
/*
 * jws - JSON Web Signatures as ACME wants them (RFC 7515, RFC 8555 section
 * 6.2): the flattened serialization, ES256, ES384 and RS256 through EVP, so
 * with any key that a provider can hold.  Called by the rest of acme/.
 *
 * What returns char * returns an allocated string, or NULL with ERR_INTERNAL
 * "acme:key" (no key of ours) or "acme:sign" (OpenSSL failed).
 */
#ifndef DAEMON_ACME_JWS_H
#define DAEMON_ACME_JWS_H

#include <openssl/types.h>
#include <stddef.h>

struct error;

/* The public key, in the canonical form of RFC 7638. */
char	*jws_jwk(const EVP_PKEY *, struct error *);
/* RFC 7638 thumbprint with SHA-256, base64url. */
char	*jws_thumbprint(const EVP_PKEY *, struct error *);

/* The base64url signature of len bytes with the key's algorithm. */
char	*jws_signature(EVP_PKEY *, const void *in, size_t len,
	    struct error *);
/* The base64url HMAC with SHA-256. */
char	*jws_hs256(const void *key, size_t key_len, const void *in, size_t len,
	    struct error *);

/*
 * A signed request.  kid NULL: the header carries the public key instead.
 * payload "": a POST-as-GET.
 */
char	*jws_sign(EVP_PKEY *, const char *kid, const char *nonce,
	    const char *url, const char *payload, struct error *);

/*
 * The externalAccountBinding of RFC 8555 section 7.3.4: jwk signed with the
 * MAC key that the CA gave out of band.  A key that is no base64url is
 * ERR_CONFIG "acme:eab".
 */
char	*jws_eab(const char *kid, const char *mac_key, const char *url,
	    const char *jwk, struct error *);

#endif
