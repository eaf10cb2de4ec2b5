/* SPDX-License-Identifier: MIT */
/* pki - certificates made for tests.  Aborts if anything fails. */
#ifndef TESTS_UNIT_PKI_H
#define TESTS_UNIT_PKI_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

struct pki_args {
	const char	*cn;		/* of the subject; NULL: empty */
	const char	*serial;	/* hex; NULL: "01" */
	const char *const *names;	/* NULL-terminated dNSNames; or NULL */
	const char	*nul_name;	/* one more: this, a NUL, "evil.test" */
	bool		 ip;		/* an address among the names */
	time_t		 not_before;	/* 0: a day ago */
	time_t		 not_after;	/* 0: in 90 days */
	EVP_PKEY	*key;		/* the subject's */
	const X509	*issuer;	/* NULL: self-signed */
	EVP_PKEY	*issuer_key;
	const char	*aki;		/* hex of the keyIdentifier; NULL: no
					   such extension */
};

X509	*pki_cert(const struct pki_args *);
/* PEM of n certificates; the caller frees. */
char	*pki_pem(X509 *const *, size_t n);
/* A fresh P-256 key. */
EVP_PKEY *pki_key(void);

#endif
