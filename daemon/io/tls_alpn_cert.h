/* SPDX-License-Identifier: MIT */
/*
 * tls_alpn_cert - the certificate that proves a name by tls-alpn-01 (RFC 8737
 * section 3), and what a client asks for it by.
 */
#ifndef DAEMON_IO_TLS_ALPN_CERT_H
#define DAEMON_IO_TLS_ALPN_CERT_H

#include <openssl/types.h>

#include "common/names.h"

#define TLS_ALPN_PROTOCOL "acme-tls/1"

/*
 * Self-signed with key: the name, or address, alone, and a critical
 * acmeIdentifier with the SHA-256 of the key authorization.  The caller frees.
 */
X509		*tls_alpn_cert(EVP_PKEY *key, const char *name,
		    const char *key_authorization);

#define TLS_ALPN_ID_SIZE 65
/* What the acmeIdentifier of that is to have: the hash, in hex. */
void		 tls_alpn_id(const char *key_authorization,
		    char out[TLS_ALPN_ID_SIZE]);
/* What that of a certificate has; "": it has none. */
void		 tls_alpn_cert_id(X509 *, char out[TLS_ALPN_ID_SIZE]);

/* The SNI by which the CA asks for it: the name; of an address, its name below
 * in-addr.arpa or ip6.arpa (RFC 8738 section 6). */
void		 tls_alpn_sni(const char *name, char out[DNAME_SIZE]);

#endif
