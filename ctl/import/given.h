/* SPDX-License-Identifier: MIT */
/* given - for clients that keep certificates and not how their names are
 * proved: what the options of acmectl say. */
#ifndef CTL_IMPORT_GIVEN_H
#define CTL_IMPORT_GIVEN_H

#include <jansson.h>

struct error;
struct import;
struct import_cert;
struct reader_args;
struct source;

/*
 * The environment of the client: of --env-file, which is the word of whoever
 * runs us, or our own.  Where NAME_FILE is set, NAME is what that file has.
 * NULL and ERR_CONFIG if a file cannot be read; the caller decrefs.
 */
json_t	*given_env(const struct reader_args *, struct error *);

/* --dns with that environment, --webroot or --provider; else the certificate
 * is skipped, and it is told what would help. */
void	given_challenge(struct import *, struct import_cert *,
	    const struct source *, const struct reader_args *,
	    const json_t *env);

/* The directory of the CA at that host ("HOST" or "HOST_PORT"): one that is
 * well known, or --directory; the caller frees.  NULL: not known. */
char	*given_directory(const struct reader_args *, const char *host);

/* The host of a URL as above; the caller frees. */
char	*given_host(const char *url);

#endif
