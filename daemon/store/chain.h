/* SPDX-License-Identifier: MIT */
/*
 * chain - a PEM chain as X509 objects, for store/ itself: chain.c,
 * certdir.c and bundle.c.  Everybody else uses keys.h.
 */
#ifndef DAEMON_STORE_CHAIN_H
#define DAEMON_STORE_CHAIN_H

#include <openssl/types.h>
#include <stddef.h>

struct cert_info;
struct error;

#define CHAIN_MAX 10			/* certificates */
#define CHAIN_PEM_MAX (256 * 1024)	/* bytes */

struct chain {
	X509	*certs[CHAIN_MAX];	/* leaf first */
	size_t	 n;			/* at least 1 */
};

/*
 * The CERTIFICATE blocks of a PEM text; other text around them is passed
 * over (RFC 7468 section 2), other blocks are not (RFC 8555 section 11.4).
 * ERR_REJECTED "cert:syntax".  Cleared on failure.
 */
int	chain_parse(const char *pem, size_t len, struct chain *,
	    struct error *);
void	chain_clear(struct chain *);

/* Is it the key of the leaf?  ERR_INTERNAL "store:mismatch". */
int	chain_check_key(const struct chain *, const EVP_PKEY *,
	    struct error *);

/* *info of one certificate; the caller clears it.  ERR_REJECTED
 * "cert:syntax". */
int	cert_info_fill(X509 *, struct cert_info *, struct error *);

/* Certificates [from, to) as PEM again; the caller frees. */
char	*chain_to_pem(const struct chain *, size_t from, size_t to);

#endif
