/* SPDX-License-Identifier: MIT */
/*
 * conf_csr - the request that csr of a certificate names: for check_csr.c when
 * the configuration is read, for renewal/ and engine/ again later.
 */
#ifndef DAEMON_CONFIG_CONF_CSR_H
#define DAEMON_CONFIG_CONF_CSR_H

struct conf_cert;
struct csr;
struct error;

/*
 * Read the file of cert->csr, which is for the names of cert: as csr_read(),
 * and ERR_CONFIG "csr:names" if it asks for others.  The caller clears it.
 */
int	conf_csr_read(const struct conf_cert *, struct csr *, struct error *);
/* Is it for these names?  The same error. */
int	conf_csr_check_names(const struct conf_cert *, const struct csr *,
	    struct error *);

#endif
