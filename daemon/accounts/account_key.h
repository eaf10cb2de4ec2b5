/* SPDX-License-Identifier: MIT */
/* account_key - the key of an account, from outside or from the disk. */
#ifndef DAEMON_ACCOUNTS_ACCOUNT_KEY_H
#define DAEMON_ACCOUNTS_ACCOUNT_KEY_H

#include <jansson.h>
#include <openssl/types.h>

struct conf_account;
struct error;
struct store;

/* Of PEM, or where that is NULL of a JWK, if it is of a type that accounts
 * have; the caller frees.  NULL and ERR_REJECTED "import:key", or
 * "key:syntax". */
EVP_PKEY	*account_key_read(const char *pem, const json_t *jwk,
		    struct error *);
/*
 * The one on the disk; the caller frees.  NULL: store_account_key()'s errors,
 * which say what to do where it is damaged: it is never replaced unasked, as
 * the account may own more than certificates.
 */
EVP_PKEY	*account_key_load(struct store *, const struct conf_account *,
		    struct error *);

#endif
