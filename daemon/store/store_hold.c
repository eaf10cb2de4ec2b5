/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/replica.h"
#include "daemon/store/store_priv.h"

void
store_hold_each(struct store *s,
    void (*each)(const struct store_hold *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT account, directory, since, at, until, times, kind, code,"
	    " msg, about FROM hold ORDER BY account, directory, about";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_hold h;

		memset(&h, 0, sizeof(h));
		db_copy_text(q, 0, h.account, sizeof(h.account));
		db_copy_text(q, 1, h.directory, sizeof(h.directory));
		h.since = (time_t)db_int(q, 2);
		h.at = (time_t)db_int(q, 3);
		h.until = (time_t)db_int(q, 4);
		h.times = (unsigned)db_int(q, 5);
		h.err.kind = err_kind_parse(db_text(q, 6));
		db_copy_text(q, 7, h.err.code, sizeof(h.err.code));
		db_copy_text(q, 8, h.err.msg, sizeof(h.err.msg));
		db_copy_text(q, 9, h.about, sizeof(h.about));
		each(&h, arg);
	}
}

void
store_hold_put(struct store *s, const struct store_hold *h)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO hold (account, directory, since, at,"
	    " until, times, kind, code, msg, about)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, h->account);
	db_bind_text(q, h->directory);
	db_bind_int(q, h->since);
	db_bind_int(q, h->at);
	db_bind_int(q, h->until);
	db_bind_int(q, h->times);
	db_bind_text(q, err_kind_name(h->err.kind));
	db_bind_text(q, h->err.code);
	db_bind_text(q, h->err.msg);
	db_bind_text(q, h->about);
	db_write(q);
	if (s->replica != NULL)
		s->replica->hold(h, false, s->replica->arg);
}

void
store_hold_delete(struct store *s, const struct store_hold *h)
{
	static const char sql[] =
	    "DELETE FROM hold WHERE account = ? AND directory = ? AND"
	    " about = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, h->account);
	db_bind_text(q, h->directory);
	db_bind_text(q, h->about);
	db_write(q);
	if (s->replica != NULL)
		s->replica->hold(h, true, s->replica->arg);
}
