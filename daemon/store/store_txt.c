/* SPDX-License-Identifier: MIT */
#include "daemon/store/store_txt.h"

#include <string.h>

#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

static const char *const state_names[] = {
	[TXT_ADDING] = "adding",
	[TXT_ADDED] = "added",
	[TXT_REMOVING] = "removing",
	[TXT_REFUSED] = "refused",
};
_Static_assert(sizeof(state_names) / sizeof(state_names[0]) == TXT_STATE_END,
    "state_names");

const char *
txt_state_name(enum txt_state state)
{
	return state_names[state];
}

/* What somebody wrote into the file by hand is removed, not believed. */
static enum txt_state
parse_state(const char *name)
{
	for (int i = 0; i < TXT_STATE_END; i++) {
		if (name != NULL && strcmp(name, state_names[i]) == 0)
			return (enum txt_state)i;
	}
	return TXT_REMOVING;
}

void
store_txt_init(struct store *s)
{
	static const char sql[] = "SELECT coalesce(max(id), 0) + 1 FROM txt";
	struct db_stmt *q = db_stmt(s->db, sql);

	s->next_txt_id = 1;
	while (db_next(q))
		s->next_txt_id = db_int(q, 0);
}

void
store_txt_each(struct store *s,
    void (*each)(const struct store_txt *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT id, cert, provider, identifier, fqdn, zone, value,"
	    " handle, state, created_at, tries, retry_at, error"
	    " FROM txt ORDER BY id";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_txt t;

		t.id = db_int(q, 0);
		db_copy_text(q, 1, t.cert, sizeof(t.cert));
		db_copy_text(q, 2, t.provider, sizeof(t.provider));
		db_copy_text(q, 3, t.identifier, sizeof(t.identifier));
		db_copy_text(q, 4, t.fqdn, sizeof(t.fqdn));
		db_copy_text(q, 5, t.zone, sizeof(t.zone));
		db_copy_text(q, 6, t.value, sizeof(t.value));
		t.handle = db_text(q, 7);
		t.state = parse_state(db_text(q, 8));
		t.created_at = (time_t)db_int(q, 9);
		t.tries = (unsigned)db_int(q, 10);
		t.retry_at = (time_t)db_int(q, 11);
		db_copy_text(q, 12, t.error, sizeof(t.error));
		each(&t, arg);
	}
}

void
store_txt_put(struct store *s, struct store_txt *t)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO txt (id, cert, provider, identifier,"
	    " fqdn, zone, value, handle, state, created_at, tries, retry_at,"
	    " error) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	if (t->id == 0)
		t->id = s->next_txt_id++;
	db_bind_int(q, t->id);
	db_bind_text(q, t->cert);
	db_bind_text(q, t->provider);
	db_bind_text(q, t->identifier);
	db_bind_text(q, t->fqdn);
	db_bind_text(q, t->zone);
	db_bind_text(q, t->value);
	db_bind_text(q, t->handle == NULL ? "" : t->handle);
	db_bind_text(q, txt_state_name(t->state));
	db_bind_int(q, t->created_at);
	db_bind_int(q, t->tries);
	db_bind_int(q, t->retry_at);
	db_bind_text(q, t->error);
	db_write(q);
	store_cert_changed(s, t->cert);
}

void
store_txt_delete(struct store *s, const struct store_txt *t)
{
	static const char sql[] = "DELETE FROM txt WHERE id = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_int(q, t->id);
	db_write(q);
	store_cert_changed(s, t->cert);
}
