/* SPDX-License-Identifier: MIT */
#include "daemon/store/store.h"

#include "common/log.h"
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

#define EVENTS_KEPT 100		/* of each certificate */
#define PRUNE_EVERY 32		/* events of one certificate */

static int64_t
last_id(struct store *s, const char *cert)
{
	static const char sql[] =
	    "SELECT coalesce(max(id), 0) FROM event WHERE cert = ?";
	struct db_stmt *q = db_stmt(s->db, sql);
	int64_t id = 0;

	db_bind_text(q, cert);
	while (db_next(q))
		id = db_int(q, 0);
	return id;
}

/* A range of the primary key: costs what it deletes. */
static void
prune(struct store *s, const char *cert, int64_t id)
{
	static const char sql[] =
	    "DELETE FROM event WHERE cert = ? AND id <= ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_int(q, id - EVENTS_KEPT);
	db_write(q);
}

void
store_event_add(struct store *s, const char *cert,
    const struct store_event *e)
{
	static const char sql[] =
	    "INSERT INTO event (cert, id, at, step, level, msg)"
	    " VALUES (?, ?, ?, ?, ?, ?)";
	int64_t id = last_id(s, cert) + 1;
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_int(q, id);
	db_bind_int(q, e->at);
	db_bind_text(q, e->step);
	db_bind_text(q, log_level_name((enum log_level)e->level));
	db_bind_text(q, e->msg);
	db_write(q);
	if (id % PRUNE_EVERY == 0)
		prune(s, cert, id);
}

void
store_event_each(struct store *s, const char *cert, int n,
    void (*each)(const struct store_event *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT id, at, step, level, msg FROM event"
	    " WHERE cert = ? AND id > ? ORDER BY id";
	int64_t last = last_id(s, cert);
	struct db_stmt *q = db_stmt(s->db, sql);

	if (n > EVENTS_KEPT)
		n = EVENTS_KEPT;
	db_bind_text(q, cert);
	db_bind_int(q, last - n);
	while (db_next(q)) {
		struct store_event e;
		enum log_level level;
		const char *name = db_text(q, 3);

		e.id = db_int(q, 0);
		e.at = (time_t)db_int(q, 1);
		db_copy_text(q, 2, e.step, sizeof(e.step));
		if (name == NULL || log_level_parse(name, &level) == -1)
			level = LOGL_INFO;
		e.level = (int)level;
		e.msg = db_text(q, 4);
		each(&e, arg);
	}
}
