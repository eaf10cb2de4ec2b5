/* SPDX-License-Identifier: MIT */
/*
 * check_csr - csr of a certificate: the request is read, and what would need
 * its key on this machine is refused.
 */
#ifndef DAEMON_CONFIG_CHECK_CSR_H
#define DAEMON_CONFIG_CHECK_CSR_H

struct check;
struct conf_cert;
struct csr;
struct section;

/* cert->csr, and the request, which is clear if it is mistaken; the caller
 * clears it.  Before the names are known. */
void	check_csr(struct check *, const struct section *, struct conf_cert *,
	    struct csr *);
/* When all else is. */
void	check_csr_end(struct check *, const struct section *,
	    const struct conf_cert *, const struct csr *);
/* NULL is allowed. */
void	check_free_csr(struct conf_cert *);

#endif
