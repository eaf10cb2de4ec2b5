/* SPDX-License-Identifier: MIT */
/* account_key - the key of an account, from outside. */
#ifndef DAEMON_ACCOUNTS_ACCOUNT_KEY_H
#define DAEMON_ACCOUNTS_ACCOUNT_KEY_H

#include <jansson.h>
#include <openssl/types.h>

struct error;

/* Of PEM, or where that is NULL of a JWK, if it is of a type that accounts
 * have; the caller frees.  NULL and ERR_REJECTED "import:key", or
 * "key:syntax". */
EVP_PKEY	*account_key_read(const char *pem, const json_t *jwk,
		    struct error *);

#endif
