/* SPDX-License-Identifier: MIT */
/*
 * jwk - private keys as JSON Web Keys (RFC 7517, RFC 7518 section 6), as
 * certbot and others keep those of accounts.
 */
#ifndef DAEMON_STORE_JWK_H
#define DAEMON_STORE_JWK_H

#include <jansson.h>
#include <openssl/types.h>

struct error;

/*
 * The key of {"kty": "RSA", "n", "e", "d", "p", "q", "dp", "dq", "qi"} or
 * {"kty": "EC", "crv", "x", "y", "d"}; other members are passed over.  NULL
 * and ERR_CONFIG "key:syntax", which has nothing of the key in it; the caller
 * frees.
 */
EVP_PKEY	*key_from_jwk(const json_t *, struct error *);
/* The other way.  The caller decrefs.  NULL and ERR_CONFIG "store:key": it is
 * an RSA key without its factors, or a very large one. */
json_t		*key_to_jwk(const EVP_PKEY *, struct error *);
/* The MD5 of the public key as PEM, in hex: how certbot names an account.  ""
 * if this OpenSSL has no MD5 any more. */
const char	*key_public_md5(const EVP_PKEY *, char out[33]);

#endif
