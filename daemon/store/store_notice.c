/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/mem.h"
#include "daemon/store/db.h"
#include "daemon/store/store.h"
#include "daemon/store/store_priv.h"

void
store_alarm_each(struct store *s,
    void (*each)(const struct store_alarm *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT key, cause, events, level, stage, since, told_at"
	    " FROM alarm ORDER BY key";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_alarm a;

		db_copy_text(q, 0, a.key, sizeof(a.key));
		db_copy_text(q, 1, a.cause, sizeof(a.cause));
		a.events = (unsigned)db_int(q, 2);
		a.level = (int)db_int(q, 3);
		a.stage = (int)db_int(q, 4);
		a.since = (time_t)db_int(q, 5);
		a.told_at = (time_t)db_int(q, 6);
		each(&a, arg);
	}
}

void
store_alarm_put(struct store *s, const struct store_alarm *a)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO alarm (key, cause, events, level, stage,"
	    " since, told_at) VALUES (?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, a->key);
	db_bind_text(q, a->cause);
	db_bind_int(q, a->events);
	db_bind_int(q, a->level);
	db_bind_int(q, a->stage);
	db_bind_int(q, a->since);
	db_bind_int(q, a->told_at);
	db_write(q);
}

void
store_alarm_delete(struct store *s, const char *key)
{
	static const char sql[] = "DELETE FROM alarm WHERE key = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, key);
	db_write(q);
}

void
store_notice_clear(struct store_notice *n)
{
	free(n->channel);
	free(n->target);
	free(n->msgid);
	free(n->subject);
	free(n->text);
	free(n->json);
	*n = (struct store_notice){ 0 };
}

static char *
text_of(struct db_stmt *q, int column)
{
	const char *text = db_text(q, column);

	return xstrdup(text != NULL ? text : "");
}

void
store_notice_each(struct store *s,
    void (*each)(const struct store_notice *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT id, channel, target, msgid, at, level, repeat, subject,"
	    " text, json FROM notice ORDER BY id";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_notice n = {
			.id = db_int(q, 0),
			.channel = text_of(q, 1),
			.target = text_of(q, 2),
			.msgid = text_of(q, 3),
			.at = (time_t)db_int(q, 4),
			.level = (int)db_int(q, 5),
			.is_repeat = db_int(q, 6) != 0,
			.subject = text_of(q, 7),
			.text = text_of(q, 8),
			.json = text_of(q, 9),
		};

		each(&n, arg);
		store_notice_clear(&n);
	}
}

static int64_t
next_id(struct store *s)
{
	static const char sql[] = "SELECT coalesce(max(id), 0) FROM notice";
	struct db_stmt *q;

	if (s->next_notice_id == 0) {
		q = db_stmt(s->db, sql);
		while (db_next(q))
			s->next_notice_id = db_int(q, 0);
		s->next_notice_id++;
	}
	return s->next_notice_id++;
}

void
store_notice_put(struct store *s, struct store_notice *n)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO notice (id, channel, target, msgid, at,"
	    " level, repeat, subject, text, json)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q;

	if (n->id == 0)
		n->id = next_id(s);
	q = db_stmt(s->db, sql);
	db_bind_int(q, n->id);
	db_bind_text(q, n->channel);
	db_bind_text(q, n->target);
	db_bind_text(q, n->msgid);
	db_bind_int(q, n->at);
	db_bind_int(q, n->level);
	db_bind_int(q, n->is_repeat);
	db_bind_text(q, n->subject);
	db_bind_text(q, n->text);
	db_bind_text(q, n->json);
	db_write(q);
}

void
store_notice_delete(struct store *s, int64_t id)
{
	static const char sql[] = "DELETE FROM notice WHERE id = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_int(q, id);
	db_write(q);
}
