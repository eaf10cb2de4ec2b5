/* SPDX-License-Identifier: MIT */
/*
 * meta - what a CA's directory says of the CA, fetched anew and without an
 * account: for checks before there is one.  Called by preflight.
 */
#ifndef DAEMON_ACME_META_H
#define DAEMON_ACME_META_H

#include <jansson.h>
#include <stdbool.h>

#include "daemon/acme/ca_clock.h"

struct acme_meta_op;
struct error;
struct http;

struct acme_meta_args {			/* borrowed; copied */
	const char	*directory;	/* URL */
	const char	*ca_file;	/* NULL: the system's */
	const char	*proxy;		/* as in http_args */
	unsigned	 timeout_ms;
};

struct acme_meta {
	const char	*terms;		/* NULL: none to agree to */
	bool		 eab_required;
	const char *const *caa_identities;	/* NULL-terminated */
	const json_t	*profiles;	/* as in acme_profiles(); not NULL */
	struct ca_clock	 clock;
};

/* Errors: those of http.h, of a problem document, and ERR_REJECTED
 * "acme:badReply"; all begin with "directory URL: ". */
typedef void acme_meta_done_cb(const struct error *err,
    const struct acme_meta *, void *arg);
struct acme_meta_op *acme_meta_start(struct http *,
		    const struct acme_meta_args *, acme_meta_done_cb *done,
		    void *arg);
void		 acme_meta_cancel(struct acme_meta_op *);

#endif
