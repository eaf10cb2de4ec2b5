/* SPDX-License-Identifier: MIT */
#include "daemon/store/store.h"

#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_deploy_each(struct store *s,
    void (*each)(const struct store_deploy *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT cert, action, serial, done, tries, retry_at, done_at,"
	    " error, hash, not_before, not_after, urgent_at, check_at,"
	    " alarm_at, is_old, served_before, served_after"
	    " FROM deploy ORDER BY cert, action";
	struct db_stmt *q = db_stmt(s->db, sql);

	while (db_next(q)) {
		struct store_deploy d;

		d.cert = db_text(q, 0);
		d.target = db_lend_text(q, 1);
		d.serial = db_lend_text(q, 2);
		d.done = db_int(q, 3) != 0;
		d.tries = (unsigned)db_int(q, 4);
		d.retry_at = (time_t)db_int(q, 5);
		d.done_at = (time_t)db_int(q, 6);
		d.error = db_lend_text(q, 7);
		d.hash = db_hex(q, 8);
		d.not_before = (time_t)db_int(q, 9);
		d.not_after = (time_t)db_int(q, 10);
		d.urgent_at = (time_t)db_int(q, 11);
		d.check_at = (time_t)db_int(q, 12);
		d.alarm_at = (time_t)db_int(q, 13);
		d.is_old = db_int(q, 14) != 0;
		d.served_before = (time_t)db_int(q, 15);
		d.served_after = (time_t)db_int(q, 16);
		each(&d, arg);
	}
}

void
store_deploy_put(struct store *s, const struct store_deploy *d)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO deploy (cert, action, serial, done,"
	    " tries, retry_at, done_at, error, hash, not_before, not_after,"
	    " urgent_at, check_at, alarm_at, is_old, served_before,"
	    " served_after)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);
	char hash[DB_HEX_SIZE];

	db_bind_text(q, d->cert);
	db_bind_text(q, d->target);
	db_bind_text(q, d->serial);
	db_bind_int(q, d->done);
	db_bind_int(q, d->tries);
	db_bind_int(q, d->retry_at);
	db_bind_int(q, d->done_at);
	db_bind_text(q, d->error != NULL ? d->error : "");
	db_bind_hex(q, d->hash, hash);
	db_bind_int(q, d->not_before);
	db_bind_int(q, d->not_after);
	db_bind_int(q, d->urgent_at);
	db_bind_int(q, d->check_at);
	db_bind_int(q, d->alarm_at);
	db_bind_int(q, d->is_old);
	db_bind_int(q, d->served_before);
	db_bind_int(q, d->served_after);
	db_write(q);
}

void
store_deploy_delete(struct store *s, const char *cert, const char *action)
{
	static const char sql[] =
	    "DELETE FROM deploy WHERE cert = ? AND action = ?";
	struct db_stmt *q = db_stmt(s->db, sql);

	db_bind_text(q, cert);
	db_bind_text(q, action);
	db_write(q);
}
