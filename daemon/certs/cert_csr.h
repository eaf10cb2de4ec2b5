/* SPDX-License-Identifier: MIT */
/*
 * cert_csr - certificates whose key is elsewhere (csr in acmed.conf(5)): is the
 * installed one of the request that is in the file?
 */
#ifndef DAEMON_CERTS_CERT_CSR_H
#define DAEMON_CERTS_CERT_CSR_H

#include <stdbool.h>

struct cert;
struct error;

/* Was it asked for as the configuration says: with the request that is there
 * now, or with a key of this machine's of the configured type? */
bool	cert_csr_fits(const struct cert *);
/* The file was read, and has the request of that hash (csr.h), for the names of
 * the configuration; until the next one, that counts. */
void	cert_csr_seen(struct cert *, const char *hash);
/* The hash that counts; NULL: it has no csr. */
const char *cert_csr_wanted(const struct cert *);
/* The request that its host has put is not used; NULL: there is none such any
 * more. */
void	cert_csr_refused(struct cert *, const struct error *);

#endif
