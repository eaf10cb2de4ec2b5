/* SPDX-License-Identifier: MIT */
/*
 * share - where several daemons use one account: which key it has is agreed on
 * before it is used.  What accounts.h is given for that.
 */
#ifndef DAEMON_ACCOUNTS_SHARE_H
#define DAEMON_ACCOUNTS_SHARE_H

struct error;

enum account_agreed {
	ACCOUNT_AGREED,		/* the store has key and URL that all have */
	ACCOUNT_NEW		/* nobody has a key for it yet: make one, keep
				   it, and agree again */
};
/* done comes from the loop; the handle ends with it, or with cancel. */
typedef void account_agreed_cb(const struct error *err, enum account_agreed,
    void *arg);

struct account_share {
	/* Before the key is used. */
	void	*(*agree)(const char *name, const char *directory,
		    account_agreed_cb *done, void *done_arg, void *arg);
	/* Until all that the store has of it is where the others find it. */
	void	*(*keep)(const char *name, const char *directory,
		    account_agreed_cb *done, void *done_arg, void *arg);
	void	(*cancel)(void *op, void *arg);
	void	*arg;
};

#endif
