/* SPDX-License-Identifier: MIT */
#include <stdint.h>

#include "daemon/store/db.h"
#include "daemon/store/replica.h"
#include "daemon/store/store_priv.h"

void
store_budget_each(struct store *s,
    void (*each)(const struct store_budget *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT directory, account, kind, key, since_ms, full_at_ms"
	    " FROM budget";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		const char *kind = db_text(q, 2);
		struct store_budget b = {
			.directory = (char *)(uintptr_t)db_text(q, 0),
			.account = (char *)(uintptr_t)db_text(q, 1),
			.key = (char *)(uintptr_t)db_text(q, 3),
			.since_ms = db_int(q, 4),
			.full_at_ms = db_int(q, 5),
		};

		if (kind != NULL && limit_kind_parse(kind, &b.kind) == 0)
			each(&b, arg);
	}
}

void
store_budget_put(struct store *s, const struct store_budget *b)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO budget (directory, account, kind, key,"
	    " since_ms, full_at_ms) VALUES (?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, b->directory);
	db_bind_text(q, b->account);
	db_bind_text(q, limit_kind_name(b->kind));
	db_bind_text(q, b->key);
	db_bind_int(q, b->since_ms);
	db_bind_int(q, b->full_at_ms);
	db_write(q);
	if (s->replica != NULL)
		s->replica->budget(b, false, s->replica->arg);
}

void
store_budget_delete(struct store *s, const struct store_budget *b)
{
	static const char sql[] = "DELETE FROM budget WHERE directory = ?"
	    " AND account = ? AND kind = ? AND key = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, b->directory);
	db_bind_text(q, b->account);
	db_bind_text(q, limit_kind_name(b->kind));
	db_bind_text(q, b->key);
	db_write(q);
	if (s->replica != NULL)
		s->replica->budget(b, true, s->replica->arg);
}
