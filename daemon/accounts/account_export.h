/* SPDX-License-Identifier: MIT */
/*
 * account_export - an account for another ACME client.  Called by engine/ for
 * the control API, whose caller is root.
 */
#ifndef DAEMON_ACCOUNTS_ACCOUNT_EXPORT_H
#define DAEMON_ACCOUNTS_ACCOUNT_EXPORT_H

#include <jansson.h>

struct error;
struct store;

/*
 * {"account", "directory", "kid": or null, "key": JWK with the private key,
 * "md5": of the public key as PEM, in hex, which is certbot's name of the
 * account}; the caller decrefs.  NULL and ERR_CONFIG "store:no-key", or the
 * store's.
 */
json_t	*account_export(struct store *, const char *name,
	    const char *directory, struct error *);

#endif
