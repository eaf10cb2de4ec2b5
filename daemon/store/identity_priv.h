/* SPDX-License-Identifier: MIT */
/* identity_priv - shared by identity*.c only. */
#ifndef DAEMON_STORE_IDENTITY_PRIV_H
#define DAEMON_STORE_IDENTITY_PRIV_H

#include "daemon/store/identity.h"

#define IDENTITY_SIGN 64		/* bytes of a signature */

struct identity {
	char		 name[IDENTITY_NAME_SIZE];
	unsigned char	 secret[CRYPT_KEY];
	unsigned char	 sign[CRYPT_KEY], open[CRYPT_KEY];
	unsigned char	 raw[IDENTITY_RAW];
	char		 public[IDENTITY_PUBLIC_SIZE];
	char		 publisher[IDENTITY_PUBLIC_SIZE];
};

/* A public half as bytes; false: it is none. */
bool	identity_raw(const char *public_key, unsigned char raw[IDENTITY_RAW]);
void	identity_sign_raw(const struct identity *, const void *text,
	    size_t len, unsigned char out[IDENTITY_SIGN]);
bool	identity_signed_raw(const unsigned char raw[IDENTITY_RAW],
	    const void *text, size_t len,
	    const unsigned char signature[IDENTITY_SIGN]);

#endif
