/* SPDX-License-Identifier: MIT */
/*
 * account_adopt - a configured account gets the key of one that the CA knows
 * already: from another machine, or another ACME client.
 */
#ifndef DAEMON_ACCOUNTS_ACCOUNT_ADOPT_H
#define DAEMON_ACCOUNTS_ACCOUNT_ADOPT_H

#include <jansson.h>
#include <stdbool.h>

struct account_adopt;
struct accounts;
struct conf_account;
struct error;

struct account_adopt_args {		/* borrowed; conf until the end */
	const struct conf_account *conf;
	const char	*pem;		/* the key; NULL: jwk has it */
	const json_t	*jwk;
	const char	*directory;	/* the CA's that the key is of; NULL:
					   not known */
	bool		 force;		/* in place of another key */
};

/*
 * Ask the CA for the account of that key (RFC 8555 section 7.3.1,
 * onlyReturnExisting), and keep both.  Errors: ERR_CONFIG
 * "import:other-directory", "import:exists" (there is another key, and no
 * force), "key:syntax", ERR_REJECTED "import:key", ERR_CONFIG
 * "acme:accountDoesNotExist"; ERR_TRANSIENT "account:busy" (a renewal uses it);
 * those of acme.h and the store.
 */
typedef void account_adopted_cb(const struct error *err, void *arg);
struct account_adopt *account_adopt_start(struct accounts *,
		    const struct account_adopt_args *, account_adopted_cb *,
		    void *arg);
void		 account_adopt_cancel(struct account_adopt *);

#endif
