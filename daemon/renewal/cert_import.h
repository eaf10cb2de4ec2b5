/* SPDX-License-Identifier: MIT */
/*
 * cert_import - take over a certificate that another ACME client got: key and
 * chain go into archive/ and live/ and the row into state.db, as if a run had
 * installed it, so that it is renewed when it is due and not before.  Called
 * by engine/ for the control API, before the certificate is in the
 * configuration.
 */
#ifndef DAEMON_RENEWAL_CERT_IMPORT_H
#define DAEMON_RENEWAL_CERT_IMPORT_H

#include <jansson.h>
#include <stdbool.h>

struct error;
struct renewal_env;

struct cert_import {			/* borrowed */
	const char	*name;
	const char	*directory;	/* of the CA that issued it; NULL: not
					   known */
	const char	*profile;	/* that it was asked for; NULL: none */
	const char	*key_pem;	/* NULL: it is elsewhere, and */
	const char	*csr_pem;	/* the request that it was asked for
					   with is here; else NULL */
	const char	*chain_pem;	/* leaf first */
	const char	*second_key_pem;	/* of the other one of a pair;
						   or both NULL */
	const char	*second_chain_pem;
	const char	*renamed_from;	/* the name that it had here; NULL: it
					   is no other one's */
	bool		 check;		/* only say what would be */
};

/*
 * {"name", "state": "new", or "same" if it is installed already, or "renewed"
 * if a later one for these names is (nothing is changed then), "configured":
 * whether the configuration has it, "serial", "issuer", "names", "not_before",
 * "not_after", "key"}; the caller decrefs.  Durable when it returns, but for
 * the row, which the next start makes again.  NULL and ERR_REJECTED
 * "cert:...", "key:syntax"; ERR_CONFIG "csr:...", or "import:exists" if there
 * is another certificate of that name; ERR_TRANSIENT "engine:busy" if one is
 * being ordered; the store's.
 */
json_t		*cert_import(const struct renewal_env *,
		    const struct cert_import *, struct error *);

#endif
