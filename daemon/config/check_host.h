/* SPDX-License-Identifier: MIT */
/* check_host - hosts with keys of their own; part of check.h. */
#ifndef DAEMON_CONFIG_CHECK_HOST_H
#define DAEMON_CONFIG_CHECK_HOST_H

#include "daemon/config/check.h"

/* A section host "NAME" { }; when all are there and sorted, what they may not
 * have in common. */
struct conf_host *check_host(struct check *, const struct section *);
void	check_free_host(struct conf_host *);
void	check_hosts_end(struct check *);

/* encrypt_to, host_key_file and publisher_key of a repository. */
void	check_repository_hosts(struct check *, const struct section *,
	    struct conf_repository *);

/* key_source = host: the host makes its key.  On the publisher, cert->csr,
 * before names and deploys are known; on the host (source), cert->keeps_key. */
void	check_key_source(struct check *, const struct section *,
	    struct conf_cert *);
void	check_keeps_key(struct check *, const struct section *,
	    struct conf_cert *);

/* The key hosts of a certificate, whose deploys are known. */
void	check_cert_hosts(struct check *, const struct section *,
	    struct conf_cert *);

#endif
