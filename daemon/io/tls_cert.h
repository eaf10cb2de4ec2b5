/* SPDX-License-Identifier: MIT */
/* tls_cert - what tls.c tells of a certificate, whatever it is. */
#ifndef DAEMON_IO_TLS_CERT_H
#define DAEMON_IO_TLS_CERT_H

#include <openssl/types.h>

struct tls_reply;

/* All but is_trusted and why_not. */
void	tls_cert_read(X509 *, const char *sni, struct tls_reply *);

/*
 * What this system trusts; a reference of the caller's.  Reading it takes 50 ms
 * and more, which many connections at once must not: it is kept for a minute.
 */
X509_STORE *tls_system_store(void);

#endif
