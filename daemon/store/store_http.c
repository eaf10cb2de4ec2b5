/* SPDX-License-Identifier: MIT */
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_http_each(struct store *s,
    void (*each)(const struct store_http *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT cert, webroot, token, text, created_at, tries, retry_at,"
	    " error FROM http ORDER BY created_at";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_http h;

		db_copy_text(q, 0, h.cert, sizeof(h.cert));
		db_copy_text(q, 1, h.webroot, sizeof(h.webroot));
		db_copy_text(q, 2, h.token, sizeof(h.token));
		db_copy_text(q, 3, h.text, sizeof(h.text));
		h.created_at = (time_t)db_int(q, 4);
		h.tries = (unsigned)db_int(q, 5);
		h.retry_at = (time_t)db_int(q, 6);
		db_copy_text(q, 7, h.error, sizeof(h.error));
		each(&h, arg);
	}
}

void
store_http_put(struct store *s, const struct store_http *h)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO http (cert, webroot, token, text,"
	    " created_at, tries, retry_at, error)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, h->cert);
	db_bind_text(q, h->webroot);
	db_bind_text(q, h->token);
	db_bind_text(q, h->text);
	db_bind_int(q, h->created_at);
	db_bind_int(q, h->tries);
	db_bind_int(q, h->retry_at);
	db_bind_text(q, h->error);
	db_write(q);
}

void
store_http_delete(struct store *s, const struct store_http *h)
{
	static const char sql[] =
	    "DELETE FROM http WHERE cert = ? AND webroot = ? AND token = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, h->cert);
	db_bind_text(q, h->webroot);
	db_bind_text(q, h->token);
	db_write(q);
}
