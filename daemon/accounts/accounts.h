/* SPDX-License-Identifier: MIT */
/*
 * accounts - the ACME accounts in use: loads or makes the account's key,
 * registers it, and shares one struct acme (directory, nonces, connection)
 * among all runs of that account.
 */
#ifndef DAEMON_ACCOUNTS_ACCOUNTS_H
#define DAEMON_ACCOUNTS_ACCOUNTS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct acme;
struct account_op;
struct account_share;
struct accounts;
struct children;
struct conf;
struct conf_account;
struct error;
struct http;
struct loop;
struct rollover;
struct store;

/*
 * How long this CA usually needs, in ms: the next poll is sent when it is
 * likely to be done, which spares both waiting and needless requests.
 */
struct pace {
	int64_t		validation_ms;
	int64_t		issuance_ms;
};

struct accounts	*accounts_new(struct loop *, struct http *,
		    struct children *, struct store *);
/* All operations must be finished or cancelled before. */
void		 accounts_free(struct accounts *);

/* Several daemons use the accounts (share.h); borrowed; NULL: it is alone. */
void		 accounts_set_share(struct accounts *,
		    const struct account_share *);
/* Another daemon has given the account another key, which is in the store: who
 * comes now uses it. */
void		 accounts_key_changed(struct accounts *, const char *name,
		    const char *directory);

/* An account ready for use; acme and pace live until account_release(). */
struct account {
	struct acme	*acme;
	const char	*kid;		/* changes: keep a copy */
	struct pace	 pace;
	char		*lost_kid;	/* the account whose key was lost, for
					   which this is a new one; whoever
					   tells of it frees it; or NULL */
};

/*
 * Errors: those of acme_account_start(), ERR_CONFIG for an unreadable EAB key
 * file, ERR_INTERNAL from the store.  On success the caller holds one
 * reference and gives it back with account_release().
 */
typedef void account_done_cb(const struct error *err, struct account *,
    void *arg);
struct account_op *account_start(struct accounts *,
		    const struct conf_account *, account_done_cb *done,
		    void *arg);
void		 account_cancel(struct account_op *);
/* NULL is allowed. */
void		 account_release(struct accounts *, struct account *);
/*
 * The CA does not know the account of that kid any more: register anew next
 * time.  Nothing happens if another run has done so already.
 */
void		 account_forget(struct accounts *, struct account *,
		    const char *kid);
/*
 * Add to why the CA refused a new order what a person can do, if it refused the
 * account: "unauthorized" (RFC 8555 section 6.7) there is of nothing else, and
 * what Boulder answers for an account that is deactivated or revoked.
 */
void		 account_add_hint(struct error *);
/*
 * Give the account a new key.  Nobody may be using it: ERR_TRANSIENT
 * "account:busy"; who comes meanwhile waits.  Whatever interrupts it, the next
 * use finds out which key the CA has.
 */
struct rollover	*account_rollover_start(struct accounts *,
		    const struct conf_account *,
		    void (*done)(const struct error *, void *), void *arg);
void		 account_rollover_cancel(struct rollover *);
/* At the start and after a reload: tell the CAs of contacts that have changed
 * since. */
void		 accounts_refresh(struct accounts *, const struct conf *);
/* Is a key being made for it just now? */
bool		 accounts_makes_key(const struct accounts *, const char *name,
		    const char *directory);
/* Prometheus text: how requests to CAs went, by account and CA. */
void		 accounts_metrics(const struct accounts *, FILE *);

/* Does the CA give the account the external one that it wants, for a mail
 * address that is configured? */
bool		 account_gets_eab(const struct conf_account *);

#endif
