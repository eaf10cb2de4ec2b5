/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "common/text.h"
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

static const char *const states[] = {
	[WAVE_RUNNING] = "running",
	[WAVE_STOPPED] = "stopped",
	[WAVE_DONE] = "done",
	[WAVE_WITHDRAWN] = "rolled back",
};
_Static_assert(sizeof(states) / sizeof(states[0]) == WAVE_STATE_END,
    "states");

const char *
wave_state_name(enum wave_state state)
{
	return states[state];
}

int
wave_state_parse(const char *name, enum wave_state *state)
{
	for (int i = 0; i < WAVE_STATE_END; i++) {
		if (strcmp(name, states[i]) == 0) {
			*state = (enum wave_state)i;
			return 0;
		}
	}
	return -1;
}

void
store_wave_each(struct store *s, void (*each)(const char *, void *),
    void *arg)
{
	static const char sql[] = "SELECT DISTINCT cert FROM wave";
	struct db_stmt *q = db_stmt(s->db, sql);
	char cert[128];

	while (db_next(q)) {
		db_copy_text(q, 0, cert, sizeof(cert));
		each(cert, arg);
	}
}

int
store_wave_get(struct store *s, const char *cert, const char *repository,
    struct store_wave *w)
{
	static const char sql[] =
	    "SELECT serial, not_before, opened, opened_at, served_at, state,"
	    " why FROM wave WHERE cert = ? AND repository = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, repository);
	if (!db_next(q))
		return -1;
	memset(w, 0, sizeof(*w));
	(void)text_printf(w->cert, sizeof(w->cert), "%s", cert);
	(void)text_printf(w->repository, sizeof(w->repository), "%s",
	    repository);
	db_copy_text(q, 0, w->serial, sizeof(w->serial));
	w->not_before = (time_t)db_int(q, 1);
	w->opened = (unsigned)db_int(q, 2);
	w->opened_at = (time_t)db_int(q, 3);
	w->served_at = (time_t)db_int(q, 4);
	w->state = (enum wave_state)db_int(q, 5);
	db_copy_text(q, 6, w->why, sizeof(w->why));
	db_end(q);
	return 0;
}

void
store_wave_put(struct store *s, const struct store_wave *w)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO wave (cert, repository, serial,"
	    " not_before, opened, opened_at, served_at, state, why)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, w->cert);
	db_bind_text(q, w->repository);
	db_bind_text(q, w->serial);
	db_bind_int(q, w->not_before);
	db_bind_int(q, w->opened);
	db_bind_int(q, w->opened_at);
	db_bind_int(q, w->served_at);
	db_bind_int(q, (int64_t)w->state);
	db_bind_text(q, w->why);
	db_write(q);
	store_cert_changed(s, w->cert);
}

bool
store_wave_begin(struct store *s, const char *cert, const char *repository,
    const char *serial, time_t not_before, time_t now)
{
	struct store_wave w;

	if (store_wave_get(s, cert, repository, &w) == 0 &&
	    strcmp(w.serial, serial) == 0)
		return false;
	w = (struct store_wave){ .not_before = not_before, .opened = 1,
	    .opened_at = now, .state = WAVE_RUNNING };
	(void)text_printf(w.cert, sizeof(w.cert), "%s", cert);
	(void)text_printf(w.repository, sizeof(w.repository), "%s",
	    repository);
	(void)text_printf(w.serial, sizeof(w.serial), "%s", serial);
	store_wave_put(s, &w);
	return true;
}

time_t
store_withdrawn_at(struct store *s, const char *cert, const char *repository,
    const char *serial)
{
	static const char sql[] =
	    "SELECT published_at FROM withdrawn"
	    " WHERE cert = ? AND repository = ? AND serial = ?";
	struct db_stmt *q = db_stmt(s->db, sql);
	time_t at;

	db_bind_text(q, cert);
	db_bind_text(q, repository);
	db_bind_text(q, serial);
	if (!db_next(q))
		return 0;
	at = (time_t)db_int(q, 0);
	db_end(q);
	return at;
}

void
store_withdrawn_put(struct store *s, const char *cert, const char *repository,
    const char *serial, time_t published_at)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO withdrawn (cert, repository, serial,"
	    " published_at) VALUES (?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, repository);
	db_bind_text(q, serial);
	db_bind_int(q, published_at);
	db_write(q);
}
