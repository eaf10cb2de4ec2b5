/* SPDX-License-Identifier: MIT */
/*
 * tls_cert - what is told of a certificate that a server shows, whatever it is,
 * and what this system trusts.
 */
#ifndef DAEMON_IO_TLS_CERT_H
#define DAEMON_IO_TLS_CERT_H

#include <openssl/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "daemon/io/tls_alpn_cert.h"

struct error;

/* The certificate served; texts are printable. */
struct tls_reply {
	char		 sha256[65];	/* of the whole DER, hex */
	char		 serial[64];	/* as in struct cert_info */
	char		 issuer[256];	/* CN, or O */
	char		 name[256];	/* its first dNSName, or CN, or "" */
	bool		 is_for_name;	/* its names match sni; true: no sni */
	time_t		 not_before, not_after;	/* 0: malformed */
	char		 key[48];	/* "RSA 2048"; "": none of ours */
	char		 weak[64];	/* what of it is too weak today; "" */
	bool		 is_trusted;	/* the chain verifies, as of now */
	char		 why_not[128];	/* if it does not */
	char		 acme_id[TLS_ALPN_ID_SIZE];	/* its acmeIdentifier
					   (tls_alpn_cert.h); "": none */
};

/* All but is_trusted and why_not. */
void	tls_cert_read(X509 *, const char *name, struct tls_reply *);

/*
 * The same of the first certificate of a chain in PEM, with whether the others
 * lead from it to what is trusted (ca_file NULL: by this system).  ERR_CONFIG
 * "tls:pem" (there is none), "tls:ca" (ca_file).
 */
int	tls_cert_read_pem(const char *pem, size_t len, const char *ca_file,
	    struct tls_reply *, struct error *);

/*
 * What this system trusts; a reference of the caller's.  Reading it takes 50 ms
 * and more, which many connections at once must not: it is kept for a minute.
 */
X509_STORE *tls_system_store(void);

/* Does a chain in PEM, leaf first, verify by the system's trust? */
bool		 tls_is_trusted_here(const char *pem, size_t len);

#endif
