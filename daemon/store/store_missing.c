/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_missing_each(struct store *s,
    void (*each)(const struct store_missing *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT cert, name, left_out, since, failed_at, tries,"
	    " omitted_at, retry_at, error_kind, error_code, error_msg"
	    " FROM missing ORDER BY cert, name";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_missing m;

		memset(&m, 0, sizeof(m));
		db_copy_text(q, 0, m.cert, sizeof(m.cert));
		db_copy_text(q, 1, m.name, sizeof(m.name));
		m.is_left_out = db_int(q, 2) != 0;
		m.since = (time_t)db_int(q, 3);
		m.failed_at = (time_t)db_int(q, 4);
		m.tries = (unsigned)db_int(q, 5);
		m.omitted_at = (time_t)db_int(q, 6);
		m.retry_at = (time_t)db_int(q, 7);
		m.err.kind = err_kind_parse(db_text(q, 8));
		db_copy_text(q, 9, m.err.code, sizeof(m.err.code));
		db_copy_text(q, 10, m.err.msg, sizeof(m.err.msg));
		each(&m, arg);
	}
}

void
store_missing_put(struct store *s, const struct store_missing *m)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO missing (cert, name, left_out, since,"
	    " failed_at, tries, omitted_at, retry_at, error_kind, error_code,"
	    " error_msg) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, m->cert);
	db_bind_text(q, m->name);
	db_bind_int(q, m->is_left_out);
	db_bind_int(q, m->since);
	db_bind_int(q, m->failed_at);
	db_bind_int(q, m->tries);
	db_bind_int(q, m->omitted_at);
	db_bind_int(q, m->retry_at);
	db_bind_text(q, err_kind_name(m->err.kind));
	db_bind_text(q, m->err.code);
	db_bind_text(q, m->err.msg);
	db_write(q);
	store_cert_changed(s, m->cert);
}

void
store_missing_delete(struct store *s, const char *cert, const char *name)
{
	static const char sql[] =
	    "DELETE FROM missing WHERE cert = ? AND name = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, name);
	db_write(q);
	store_cert_changed(s, cert);
}
