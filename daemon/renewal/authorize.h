/* SPDX-License-Identifier: MIT */
/*
 * authorize - prove control of every name of an order, each by the challenge
 * that is configured for it: fetch the authorizations, journal and publish
 * what the CA will look for (dns-01: add the TXT values, wait until the DNS
 * shows them; http-01: files, or answers of our own), answer all challenges,
 * and poll the order until the CA has decided.  Values that a provider cannot
 * hold at once take turns (rounds.h).  What it published is given to cleanup
 * and to tokens however it ends.
 */
#ifndef DAEMON_RENEWAL_AUTHORIZE_H
#define DAEMON_RENEWAL_AUTHORIZE_H

#include <stdbool.h>

struct account;
struct acme_order;
struct authorize_op;
struct conf_cert;
struct error;
struct place;
struct renewal_env;
struct zones;

struct authorize_args {			/* borrowed until done or cancel */
	const struct renewal_env *env;
	struct account	*account;
	const struct conf_account *at;	/* its section */
	const char	*kid;		/* the account's when the run got it */
	struct place	*place;		/* its run's */
	const struct conf_cert *conf;
	const struct acme_order *order;	/* pending */
	struct zones	*zones;		/* of conf's names */
	/* Called when all authorizations are known.  Must not cancel. */
	void		(*fetched)(void *arg);
	/* Called before done for each name that made it fail; the error is its
	   own.  Must not cancel. */
	void		(*failed)(const char *name, const struct error *err,
			    void *arg);
	/* Called when nothing is left but to wait for the CA: a good time for
	   what the disk must do.  May be NULL; must not cancel. */
	void		(*idle)(void *arg);
};

/* order is ready (or beyond).  An invalid order is ERR_REJECTED with the CA's
 * reason for each name that failed. */
typedef void authorize_done_cb(const struct error *err,
    const struct acme_order *order, void *arg);

struct authorize_op *authorize_start(const struct authorize_args *,
		    authorize_done_cb *done, void *arg);
void		 authorize_cancel(struct authorize_op *);
/* Is the CA looking at the records?  To take them away now would fail the
 * order, and count as a failed validation. */
bool		 authorize_is_judged(const struct authorize_op *);

#endif
