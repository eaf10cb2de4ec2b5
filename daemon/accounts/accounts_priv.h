/* SPDX-License-Identifier: MIT */
/*
 * accounts_priv - what the files of accounts share: accounts.c (registering,
 * sharing, contacts) and accounts_rollover.c (another key).  Nobody else
 * includes it.
 */
#ifndef DAEMON_ACCOUNTS_ACCOUNTS_PRIV_H
#define DAEMON_ACCOUNTS_ACCOUNTS_PRIV_H

#include <openssl/types.h>
#include <stdbool.h>
#include <sys/queue.h>

#include "common/error.h"
#include "daemon/accounts/accounts.h"
#include "daemon/io/loop.h"
#include "daemon/io/tally.h"

struct acme_op;
struct keygen_op;

/* One account in use; pub comes first, so that a pointer to it is one to us. */
struct entry {
	struct account	 pub;
	TAILQ_ENTRY(entry) link;
	char		*identity;	/* all of conf_account that matters */
	char		*name, *directory, *kid;
	char		*contact;	/* as configured, a JSON array */
	bool		 is_contact_told;	/* or was tried to be */
	EVP_PKEY	*key;
	struct store	*store;
	struct keygen_op *keygen;
	unsigned	 refs;
	TAILQ_HEAD(, account_op) waiting;	/* for the key, or the: */
	struct zerossl_op *eab_op;	/* external account, if the CA */
	char		*eab_kid, *eab_hmac_key;	/* gives it; or NULL */
	/* Where daemons share the account: */
	void		*agreeing;	/* on its key; NULL: not now */
	const struct account_share *share;	/* ... with whom */
	bool		 is_agreed;	/* key and URL are those of all */
	bool		 is_new;	/* nobody has a key yet */
	/* accounts_rollover.c's. */
	bool		 is_changing;	/* the key: others wait */
	bool		 is_settled;	/* there is no next key, or it is known
					   which one the CA has */
	EVP_PKEY	*next;		/* that may be the account's already */
	struct acme	*probe;		/* asks with that one */
	struct acme_op	*probe_op;
};

struct account_op {
	TAILQ_ENTRY(account_op) link;
	struct accounts	*accounts;
	const struct conf_account *conf;
	struct entry	*entry;		/* one reference; NULL if err is set */
	bool		 is_waiting;
	struct acme_op	*acme_op;
	struct timer	 begin;
	struct error	 err;
	account_done_cb	*done;
	void		*arg;
};

/* An account whose contact has changed. */
struct refresh {
	TAILQ_ENTRY(refresh) link;
	struct accounts	*accounts;
	const struct conf *conf;	/* one reference */
	struct account_op *op;
};

struct accounts {
	struct loop	*loop;
	struct http	*http;
	struct children	*children;
	struct store	*store;
	const struct account_share *share;	/* or NULL */
	struct tallies	 tallies;	/* of accounts that are gone, too */
	TAILQ_HEAD(, entry) entries;
	TAILQ_HEAD(, refresh) refreshes;
};

/* Where requests for this account are counted. */
struct tally *account_tally(struct accounts *, const struct conf_account *);
/* Forget the key and what was made with it; nobody may be using it. */
void	 entry_close(struct accounts *, struct entry *);
/* All who waited go on: from the beginning, or with that error. */
void	 entry_wake(struct entry *, const struct error *);

/* --- accounts_rollover.c --- */
/*
 * Was a change of the key begun, and its end not seen?  Then ask the CA which
 * key it has, and wake who waits.  False: there is nothing to ask.
 */
bool	 entry_settle(struct accounts *, struct entry *,
	    const struct conf_account *, struct error *);
/* Stop asking. */
void	 entry_unsettle(struct entry *);

#endif
