/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_revocation_each(struct store *s,
    void (*each)(const struct store_revocation *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT cert, serial, reason, by_key, not_after, asked_at, tries,"
	    " retry_at, error_kind, error_code, error_msg, account, directory"
	    " FROM revocation ORDER BY cert, serial";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_revocation r;

		memset(&r, 0, sizeof(r));
		db_copy_text(q, 0, r.cert, sizeof(r.cert));
		db_copy_text(q, 1, r.serial, sizeof(r.serial));
		r.reason = (int)db_int(q, 2);
		r.by_key = db_int(q, 3) != 0;
		r.not_after = (time_t)db_int(q, 4);
		r.asked_at = (time_t)db_int(q, 5);
		r.tries = (unsigned)db_int(q, 6);
		r.retry_at = (time_t)db_int(q, 7);
		db_copy_text(q, 11, r.account, sizeof(r.account));
		db_copy_text(q, 12, r.directory, sizeof(r.directory));
		if (r.tries > 0) {
			r.err.kind = err_kind_parse(db_text(q, 8));
			db_copy_text(q, 9, r.err.code, sizeof(r.err.code));
			db_copy_text(q, 10, r.err.msg, sizeof(r.err.msg));
		}
		each(&r, arg);
	}
}

void
store_revocation_put(struct store *s, const struct store_revocation *r)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO revocation (cert, serial, reason, by_key,"
	    " not_after, asked_at, tries, retry_at, error_kind, error_code,"
	    " error_msg, account, directory)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, r->cert);
	db_bind_text(q, r->serial);
	db_bind_int(q, r->reason);
	db_bind_int(q, r->by_key);
	db_bind_int(q, r->not_after);
	db_bind_int(q, r->asked_at);
	db_bind_int(q, r->tries);
	db_bind_int(q, r->retry_at);
	db_bind_text(q, err_kind_name(r->err.kind));
	db_bind_text(q, r->err.code);
	db_bind_text(q, r->err.msg);
	db_bind_text(q, r->account);
	db_bind_text(q, r->directory);
	db_write(q);
}

void
store_revocation_delete(struct store *s, const char *cert, const char *serial)
{
	static const char sql[] =
	    "DELETE FROM revocation WHERE cert = ? AND serial = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, serial);
	db_write(q);
}

char **
store_revocation_serials(struct store *s, const char *cert)
{
	struct db_stmt *q = db_stmt(s->db,
	    "SELECT serial FROM revocation WHERE cert = ?");
	char **serials = xcalloc(1, sizeof(*serials));
	size_t n = 0;

	db_bind_text(q, cert);
	while (db_next(q)) {
		serials = xreallocarray(serials, n + 2, sizeof(*serials));
		serials[n++] = xstrdup(db_text(q, 0));
		serials[n] = NULL;
	}
	return serials;
}
