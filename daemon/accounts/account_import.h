/* SPDX-License-Identifier: MIT */
/*
 * account_import - take over an account that another ACME client registered:
 * its key, and its URL if that is known.  Called by engine/ for the control
 * API.
 */
#ifndef DAEMON_ACCOUNTS_ACCOUNT_IMPORT_H
#define DAEMON_ACCOUNTS_ACCOUNT_IMPORT_H

#include <jansson.h>
#include <stdbool.h>

struct accounts;
struct error;
struct store;

struct account_import {			/* borrowed */
	const char	*name;
	const char	*directory;	/* URL */
	const char	*kid;		/* account URL; NULL: the CA is asked
					   for it when it is first needed */
	const char	*pem;		/* the key; NULL: jwk has it */
	const json_t	*jwk;
	bool		 check;		/* only say what would be */
};

/*
 * Keep key and URL, durably.  {"account", "directory", "key": type, "state":
 * "new", or "same" if it is there already}; the caller decrefs.  NULL and
 * ERR_REJECTED "import:request", "import:key" (of a type that is none of
 * ours), "key:syntax"; ERR_CONFIG "import:exists" if that account has another
 * key; ERR_TRANSIENT "engine:busy" if one is being made; the store's.
 */
json_t		*account_import(struct accounts *, struct store *,
		    const struct account_import *, struct error *);

#endif
