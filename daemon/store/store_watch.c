/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_watch_each(struct store *s,
    void (*each)(const struct store_watch *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT watch, what, looked_at, next_at, since, tries, serial,"
	    " issuer, subject, key, not_before, not_after, error_kind,"
	    " error_code, error_msg FROM watch ORDER BY watch, what";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_watch w;

		memset(&w, 0, sizeof(w));
		db_copy_text(q, 0, w.watch, sizeof(w.watch));
		db_copy_text(q, 1, w.what, sizeof(w.what));
		w.looked_at = (time_t)db_int(q, 2);
		w.next_at = (time_t)db_int(q, 3);
		w.since = (time_t)db_int(q, 4);
		w.tries = (unsigned)db_int(q, 5);
		db_copy_text(q, 6, w.serial, sizeof(w.serial));
		db_copy_text(q, 7, w.issuer, sizeof(w.issuer));
		db_copy_text(q, 8, w.subject, sizeof(w.subject));
		db_copy_text(q, 9, w.key, sizeof(w.key));
		w.not_before = (time_t)db_int(q, 10);
		w.not_after = (time_t)db_int(q, 11);
		w.err.kind = err_kind_parse(db_text(q, 12));
		db_copy_text(q, 13, w.err.code, sizeof(w.err.code));
		db_copy_text(q, 14, w.err.msg, sizeof(w.err.msg));
		each(&w, arg);
	}
}

void
store_watch_put(struct store *s, const struct store_watch *w)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO watch (watch, what, looked_at, next_at,"
	    " since, tries, serial, issuer, subject, key, not_before,"
	    " not_after, error_kind, error_code, error_msg)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, w->watch);
	db_bind_text(q, w->what);
	db_bind_int(q, w->looked_at);
	db_bind_int(q, w->next_at);
	db_bind_int(q, w->since);
	db_bind_int(q, w->tries);
	db_bind_text(q, w->serial);
	db_bind_text(q, w->issuer);
	db_bind_text(q, w->subject);
	db_bind_text(q, w->key);
	db_bind_int(q, w->not_before);
	db_bind_int(q, w->not_after);
	db_bind_text(q, err_kind_name(w->err.kind));
	db_bind_text(q, w->err.code);
	db_bind_text(q, w->err.msg);
	db_write(q);
}

void
store_watch_delete(struct store *s, const char *watch, const char *what)
{
	static const char sql[] =
	    "DELETE FROM watch WHERE watch = ? AND what = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, watch);
	db_bind_text(q, what);
	db_write(q);
}
