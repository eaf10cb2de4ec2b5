/* SPDX-License-Identifier: MIT */
/*
 * replica - what the store tells of rows that several daemons share.  The
 * replica hears of each change as it is made, and reads what it sends from the
 * store; store_sync_shared_start() waits for it.
 */
#ifndef DAEMON_STORE_REPLICA_H
#define DAEMON_STORE_REPLICA_H

struct error;
struct store;
struct store_budget;
struct store_hold;

struct store_replica {
	/* The row of that certificate, one of its TXT records or names that
	 * fail, its host's request, or what is pending of it, was put or
	 * deleted. */
	void	(*cert)(const char *name, void *arg);
	/* The key, the next key, the URL or the contact of an account. */
	void	(*account)(const char *name, const char *directory, void *arg);
	/* Put, or deleted (is_over). */
	void	(*budget)(const struct store_budget *, bool is_over,
		    void *arg);
	void	(*hold)(const struct store_hold *, bool is_over, void *arg);
	/*
	 * done once, from the loop, when all that was told of this certificate
	 * up to now, and of budgets and holds, is where the others find it; or
	 * why it cannot be.  The handle is for cancel, and ends with either.
	 */
	void	*(*flush)(const char *cert, void (*done)(const struct error *,
		    void *), void *done_arg, void *arg);
	void	(*cancel)(void *flush, void *arg);
	void	*arg;
};

/* Borrowed until the next call; NULL: there is none any more.  Operations that
 * wait for the one before are told that it is gone. */
void	store_set_replica(struct store *, const struct store_replica *);

#endif
