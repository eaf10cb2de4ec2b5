/* SPDX-License-Identifier: MIT */
/* version - how versions of a certificate are called: their directories in
 * archive/NAME/, SERIAL or SERIAL-N. */
#ifndef DAEMON_STORE_VERSION_H
#define DAEMON_STORE_VERSION_H

#include <openssl/types.h>
#include <stddef.h>

struct csr;

#define STORE_VERSION_SIZE 80		/* bytes, with the NUL */

/* A certificate that is to be installed; borrowed. */
struct store_part {
	const EVP_PKEY	*key;
	const char	*pem;		/* the chain, leaf first */
	size_t		 len;
	const struct csr *csr;		/* in the place of the key, which is
					   public then; NULL else */
};

/* The issuer of store_place()'s certificates. */
#define STORE_PLACEHOLDER_ISSUER "acmed placeholder"

#endif
