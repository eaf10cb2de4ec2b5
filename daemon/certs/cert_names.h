/* SPDX-License-Identifier: MIT */
/* cert_names - the name of a certificate, and what it is for. */
#ifndef DAEMON_CERTS_CERT_NAMES_H
#define DAEMON_CERTS_CERT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

struct cert;
struct conf_cert;

/* Are these, a sorted JSON array of the row or NULL, what it is to be for? */
bool		 cert_is_for(const struct cert *, const char *names);
/* The same, but for the names that skip says, if it is not NULL. */
bool		 cert_is_for_but(const struct cert *, const char *names,
		    bool (*skip)(const char *name, const void *arg),
		    const void *arg);
/* Such an array of the names in the configuration, for the row; NULL where it
 * is not in it.  The caller frees. */
char		*cert_names(const struct cert *);
char		*cert_names_of(const struct conf_cert *);
/* The same of any names, which are sorted: what two sets are compared by. */
char		*cert_names_json(const char **names, size_t n);
/* Is it a renewal that is only tried (API_DRY_RUN; engine/rehearse.h)?  It is
 * not in the table, and nothing is kept of it. */
bool		 cert_is_dry_run(const char *name);
/* The name of the certificate that is tried, or else the same. */
const char	*cert_tried_name(const char *name);

/*
 * The same configuration with the names of a sorted JSON array, for one that
 * has none of its own (conf_given); borrows all else; free(3) frees it.  NULL:
 * it has some.
 */
struct conf_cert *cert_conf_named(const struct conf_cert *,
	    const char *names);

#endif
