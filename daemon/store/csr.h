/* SPDX-License-Identifier: MIT */
/*
 * csr - certificate requests that others have made, with a key that never is on
 * this machine (PKCS#10, RFC 2986).  For config/, which checks what csr names,
 * renewal/, which sends it, and store/, which keeps it with what was issued.
 */
#ifndef DAEMON_STORE_CSR_H
#define DAEMON_STORE_CSR_H

#include <openssl/types.h>
#include <stddef.h>

#include "daemon/store/keys.h"

struct error;

#define CSR_MAX (64 * 1024)		/* bytes of a file */

struct csr {
	EVP_PKEY	*key;		/* public */
	unsigned char	*der;
	size_t		 der_len;
	char		 hash[CSR_HASH_SIZE];	/* of what is asked for: not
					   of the signature, which may be
					   another each time */
	char		**names;	/* canonical, each once: its common
					   name and alternative names;
					   NULL-terminated */
	size_t		 n_names;	/* at least 1 */
};

/*
 * Read one in PEM or DER: signed by its own key, which is one that CAs take,
 * for names that they take.  The caller clears it; it is clear on failure.
 * ERR_CONFIG "csr:syntax", "csr:key", "csr:names".
 */
int	csr_parse(const char *data, size_t len, struct csr *, struct error *);
/* The same of a file; those of file_read() besides.  The message names it. */
int	csr_read(const char *path, struct csr *, struct error *);
void	csr_clear(struct csr *);
/* The caller frees. */
char	*csr_to_pem(const struct csr *);
/* csr_make() of keys.h in PEM; the caller frees.  NULL and its error. */
char	*csr_make_pem(EVP_PKEY *, const char *const *names, size_t n,
	    struct error *);

#endif
