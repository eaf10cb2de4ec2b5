/* SPDX-License-Identifier: MIT */
/*
 * cloud_journal - what the targets of one certificate have uploaded to one
 * store, as state.db has it, and what follows from that.
 */
#ifndef DAEMON_DEPLOY_CLOUD_JOURNAL_H
#define DAEMON_DEPLOY_CLOUD_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/store/store.h"

struct cloud_journal {
	struct store	*store;
	struct store_cloud *rows;	/* of this store, wherever; what a
					   target has now is its last bound
					   one */
	size_t		 n;
	struct store_cloud mine;	/* of this target and certificate */
};

/* Read; mine is the row that is there, or is to be put. */
void	cloud_journal_load(struct cloud_journal *, struct store *,
	    const char *cert, const char *target, const char *place,
	    const char *sha256);
void	cloud_journal_clear(struct cloud_journal *);
/* The id of this certificate there, whatever target has uploaded it; "": not
 * known. */
const char *cloud_journal_id(const struct cloud_journal *);
/* Was an upload of this certificate begun, by whatever target? */
bool	cloud_journal_knows(const struct cloud_journal *);
/* Was that answered, so that a target has it? */
bool	cloud_journal_is_done(const struct cloud_journal *);
/* The id that this target has; "" if it has none. */
const char *cloud_journal_bound(const struct cloud_journal *);
/* mine is going to be uploaded; an id that it had is kept until another is
 * put: the vendor may name that one. */
void	cloud_journal_begin(struct cloud_journal *);
/* mine is there with that id, or replaces what has it.  Whose it is stays as
 * the journal has it already; somebody else's, if any target knows it so. */
void	cloud_journal_put(struct cloud_journal *, const char *id,
	    bool is_foreign);
/* mine is what the target has from now on. */
void	cloud_journal_bind(struct cloud_journal *);
/*
 * The next upload of ours, after the nth, that nothing has any more, so far as
 * acmed knows; NULL if there is none.  Rows of the target without an id to
 * remove are deleted on the way.
 */
const struct store_cloud *cloud_journal_old(struct cloud_journal *,
	    size_t *n);
/* Forget all rows of that id, but mine. */
void	cloud_journal_forget(struct cloud_journal *, const char *id);

#endif
