/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_cloud_each(struct store *s, const char *cert,
    void (*each)(const struct store_cloud *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT cert, target, place, sha256, id, is_foreign, at, bound_at"
	    " FROM cloud WHERE cert = ? ORDER BY target, bound_at, at";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	while (db_next(q)) {
		struct store_cloud r;

		memset(&r, 0, sizeof(r));
		db_copy_text(q, 0, r.cert, sizeof(r.cert));
		db_copy_text(q, 1, r.target, sizeof(r.target));
		db_copy_text(q, 2, r.place, sizeof(r.place));
		db_copy_text(q, 3, r.sha256, sizeof(r.sha256));
		db_copy_text(q, 4, r.id, sizeof(r.id));
		r.is_foreign = db_int(q, 5) != 0;
		r.at = (time_t)db_int(q, 6);
		r.bound_at = (time_t)db_int(q, 7);
		each(&r, arg);
	}
}

void
store_cloud_put(struct store *s, const struct store_cloud *r)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO cloud (cert, target, place, sha256, id,"
	    " is_foreign, at, bound_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, r->cert);
	db_bind_text(q, r->target);
	db_bind_text(q, r->place);
	db_bind_text(q, r->sha256);
	db_bind_text(q, r->id);
	db_bind_int(q, r->is_foreign);
	db_bind_int(q, r->at);
	db_bind_int(q, r->bound_at);
	db_write(q);
}

void
store_cloud_delete(struct store *s, const struct store_cloud *r)
{
	static const char sql[] =
	    "DELETE FROM cloud WHERE cert = ? AND target = ? AND place = ?"
	    " AND sha256 = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, r->cert);
	db_bind_text(q, r->target);
	db_bind_text(q, r->place);
	db_bind_text(q, r->sha256);
	db_write(q);
}

void
store_cloud_forget(struct store *s, const char *cert, const char *target)
{
	static const char sql[] =
	    "DELETE FROM cloud WHERE cert = ? AND target = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, target);
	db_write(q);
}

void
store_cloud_copy(struct store *s, const char *from, const char *to)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO cloud (cert, target, place, sha256, id,"
	    " is_foreign, at, bound_at) SELECT ?, target, place, sha256, id,"
	    " is_foreign, at, bound_at FROM cloud WHERE cert = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, to);
	db_bind_text(q, from);
	db_write(q);
}
