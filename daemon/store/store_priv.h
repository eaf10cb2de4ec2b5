/* SPDX-License-Identifier: MIT */
/* store_priv - what the files of store/ share.  For store/ only. */
#ifndef DAEMON_STORE_STORE_PRIV_H
#define DAEMON_STORE_STORE_PRIV_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "common/error.h"
#include "daemon/io/loop.h"
#include "daemon/store/store.h"

struct db;
struct store_replica;

struct store {
	char		*dir;		/* absolute */
	char		*scratch;	/* dir/scratch */
	int		 dirfd;
	int		 lockfd;
	struct db	*db;
	struct timer	 commit;	/* set: something waits for it */
	TAILQ_HEAD(, store_sync_op) syncs;
	TAILQ_HEAD(, store_sync_op) flushes;	/* on disk; the replica's */
	uint64_t	 turn;		/* commits so far */
	bool		 lost;		/* a commit failed and nobody heard */
	struct error	 lost_error;
	int64_t		 next_txt_id;	/* never reused while we run, though
					   the row may have been rolled back */
	int64_t		 next_notice_id;	/* 0: not known yet */
	const struct store_replica *replica;	/* NULL: none */
	struct error	 publisher;	/* why the publisher's key is not made
					   here; ERR_NONE: it is, */
	bool		 hides_publisher;	/* nor is one that is there
						   used */
};

/* Tell the replica, if there is one. */
void	store_cert_changed(const struct store *, const char *name);
void	store_account_changed(const struct store *, const char *name,
	    const char *directory);

/* store_live_stamp()'s number of what it has seen, which is what rows of older
 * versions hold. */
uint64_t store_stamp_of(const char *seen);
/* Is it a plain file name?  Names come from the checked configuration. */
bool	store_name_is_sane(const char *name);

#endif
