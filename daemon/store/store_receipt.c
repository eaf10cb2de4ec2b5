/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_receipt_each(struct store *s,
    void (*each)(const struct store_receipt *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT cert, repository, host, version, serial, sha256,"
	    " not_before, not_after, ok, since, next_at, at, forgotten,"
	    " error_code, error_msg, second FROM receipt"
	    " ORDER BY cert, repository, host";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_receipt r = {
			.cert = db_text(q, 0),
			.repository = db_text(q, 1),
			.host = db_text(q, 2),
			.version = db_text(q, 3),
			.serial = db_text(q, 4),
			.sha256 = db_text(q, 5),
			.not_before = (time_t)db_int(q, 6),
			.not_after = (time_t)db_int(q, 7),
			.ok = db_int(q, 8) != 0,
			.since = (time_t)db_int(q, 9),
			.next_at = (time_t)db_int(q, 10),
			.at = (time_t)db_int(q, 11),
			.is_forgotten = db_int(q, 12) != 0,
			.error_code = db_text(q, 13),
			.error_msg = db_text(q, 14),
			.second = db_text(q, 15),
		};

		each(&r, arg);
	}
}

void
store_receipt_put(struct store *s, const struct store_receipt *r)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO receipt (cert, repository, host, version,"
	    " serial, sha256, not_before, not_after, ok, since, next_at, at,"
	    " forgotten, error_code, error_msg, second)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, r->cert);
	db_bind_text(q, r->repository);
	db_bind_text(q, r->host);
	db_bind_text(q, r->version);
	db_bind_text(q, r->serial);
	db_bind_text(q, r->sha256);
	db_bind_int(q, r->not_before);
	db_bind_int(q, r->not_after);
	db_bind_int(q, r->ok);
	db_bind_int(q, r->since);
	db_bind_int(q, r->next_at);
	db_bind_int(q, r->at);
	db_bind_int(q, r->is_forgotten);
	db_bind_text(q, r->error_code);
	db_bind_text(q, r->error_msg);
	db_bind_text(q, r->second);
	db_write(q);
}

void
store_receipt_delete(struct store *s, const char *cert,
    const char *repository, const char *host)
{
	static const char sql[] =
	    "DELETE FROM receipt WHERE cert = ? AND repository = ?"
	    " AND host = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, repository);
	db_bind_text(q, host);
	db_write(q);
}
