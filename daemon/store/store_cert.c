/* SPDX-License-Identifier: MIT */
#include "daemon/store/store.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

void
store_cert_clear(struct store_cert *c)
{
	free(c->name);
	free(c->serial);
	free(c->issuer);
	free(c->names);
	free(c->names_failed);
	free(c->error);
	free(c->order_url);
	free(c->order_names);
	free(c->order_account);
	free(c->order_finalize);
	free(c->order_profile);
	free(c->account);
	free(c->account_why);
	free(c->profile);
	free(c->ari_id);
	free(c->ari_directory);
	free(c->ari_url);
	free(c->source_host);
	free(c->csr);
	*c = (struct store_cert){ .key = KEY_TYPE_END };
}

static void
own(char **text)
{
	if (*text != NULL)
		*text = xstrdup(*text);
}

void
store_cert_dup(struct store_cert *to, const struct store_cert *from)
{
	*to = *from;
	own(&to->name);
	own(&to->serial);
	own(&to->issuer);
	own(&to->names);
	own(&to->names_failed);
	own(&to->order_url);
	own(&to->order_names);
	own(&to->order_account);
	own(&to->order_finalize);
	own(&to->order_profile);
	own(&to->account);
	own(&to->account_why);
	own(&to->profile);
	own(&to->ari_id);
	own(&to->ari_directory);
	own(&to->ari_url);
	own(&to->source_host);
	own(&to->csr);
	if (to->error != NULL)
		to->error = xmemdup(to->error, sizeof(*to->error));
}

uint64_t
store_stamp_of(const char *text)
{
	return text_hash(TEXT_HASH_BASIS, text);
}

/* Older versions wrote what they had seen itself. */
static uint64_t
read_stamp(struct db_stmt *q, int column)
{
	const char *text = db_text(q, column);

	return text == NULL || strlen(text) < DB_HEX_SIZE ?
	    db_hex(q, column) : store_stamp_of(text);
}

static void
read_error(struct db_stmt *q, struct error *err)
{
	err->kind = err_kind_parse(db_text(q, 13));
	err->retry_at = (time_t)db_int(q, 14);
	db_copy_text(q, 15, err->code, sizeof(err->code));
	db_copy_text(q, 16, err->msg, sizeof(err->msg));
}

/* Its texts are lent: they live for the callback. */
static void
read_row(struct db_stmt *q, struct store_cert *c, struct error *err)
{
	const char *key = db_text(q, 5);

	c->name = db_lend_text(q, 0);
	c->serial = db_lend_text(q, 1);
	c->issuer = db_lend_text(q, 2);
	c->not_before = (time_t)db_int(q, 3);
	c->not_after = (time_t)db_int(q, 4);
	if (key == NULL || key_type_parse(key, &c->key) == -1)
		c->key = KEY_TYPE_END;
	c->names = db_lend_text(q, 6);
	c->installed_at = (time_t)db_int(q, 7);
	c->spread = (int)db_int(q, 8);
	c->failures = (unsigned)db_int(q, 9);
	c->retry_at = (time_t)db_int(q, 10);
	c->names_failed = db_lend_text(q, 11);
	c->error_at = (time_t)db_int(q, 12);
	c->error = NULL;
	if (db_text(q, 13) != NULL) {
		read_error(q, err);
		c->error = err;
	}
	c->order_url = db_lend_text(q, 17);
	c->order_names = db_lend_text(q, 18);
	c->order_account = db_lend_text(q, 19);
	c->order_finalize = db_lend_text(q, 20);
	c->stamp = read_stamp(q, 21);
	c->ari_id = db_lend_text(q, 22);
	c->ari_directory = db_lend_text(q, 23);
	c->ari_start = (time_t)db_int(q, 24);
	c->ari_end = (time_t)db_int(q, 25);
	c->ari_at = (time_t)db_int(q, 26);
	c->ari_url = db_lend_text(q, 27);
	c->ari_poll_at = (time_t)db_int(q, 28);
	c->ari_pulled_at = (time_t)db_int(q, 29);
	c->source_host = db_lend_text(q, 30);
	c->source_at = (time_t)db_int(q, 31);
	c->source_renew_at = (time_t)db_int(q, 32);
	c->order_at = (time_t)db_int(q, 33);
	c->order_sent_at = (time_t)db_int(q, 34);
	c->asked_at = (time_t)db_int(q, 35);
	c->early = (unsigned)db_int(q, 36);
	c->paused_until = (time_t)db_int(q, 37);
	c->profile = db_lend_text(q, 38);
	c->profile_missed = db_int(q, 39) != 0;
	c->order_profile = db_lend_text(q, 40);
	c->order_limits = (unsigned)db_int(q, 41);
	c->account = db_lend_text(q, 42);
	c->account_why = db_lend_text(q, 43);
	c->csr = db_lend_text(q, 44);
}

void
store_cert_each(struct store *s,
    void (*each)(const struct store_cert *, void *), void *arg)
{
	static const char sql[] =
	    "SELECT name, serial, issuer, not_before, not_after, key, names,"
	    " installed_at, spread, failures, retry_at, names_failed,"
	    " error_at, error_kind, error_retry_at, error_code, error_msg,"
	    " order_url, order_names, order_account, order_finalize, stamp,"
	    " ari_id, ari_directory, ari_start, ari_end, ari_at, ari_url,"
	    " ari_poll_at, ari_pulled_at, source_host, source_at,"
	    " source_renew_at, order_at, order_sent_at, asked_at, early,"
	    " paused_until, profile, profile_missed, order_profile,"
	    " order_limits, account, account_why, csr"
	    " FROM cert WHERE name <> '' ORDER BY name";
	struct db_stmt *q = db_stmt(s->db, sql);
	struct store_cert c;
	struct error err;

	while (db_next(q)) {
		read_row(q, &c, &err);
		/* Somebody wrote it by hand. */
		if (c.name != NULL)
			each(&c, arg);
	}
}

/* Of a column that cannot be NULL. */
static void
bind_text(struct db_stmt *q, const char *text)
{
	db_bind_text(q, text != NULL ? text : "");
}

void
store_cert_put(struct store *s, const struct store_cert *c)
{
	static const char sql[] =
	    "INSERT OR REPLACE INTO cert (name, serial, issuer, not_before,"
	    " not_after, key, names, installed_at, spread, failures,"
	    " retry_at, names_failed, error_at, error_kind, error_retry_at,"
	    " error_code, error_msg, order_url, order_names, order_account,"
	    " order_finalize, stamp, ari_id, ari_directory, ari_start,"
	    " ari_end, ari_at, ari_url, ari_poll_at, ari_pulled_at,"
	    " source_host, source_at, source_renew_at, order_at,"
	    " order_sent_at, asked_at, early, paused_until,"
	    " profile, profile_missed, order_profile, order_limits, account,"
	    " account_why, csr)"
	    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
	    " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,"
	    " ?, ?, ?, ?, ?, ?, ?)";
	struct db_stmt *q = db_stmt(s->db, sql);
	const struct error *e = c->error;
	char stamp[DB_HEX_SIZE];

	db_bind_text(q, c->name);
	bind_text(q, c->serial);
	bind_text(q, c->issuer);
	db_bind_int(q, c->not_before);
	db_bind_int(q, c->not_after);
	db_bind_text(q, c->key < KEY_TYPE_END ? key_type_name(c->key) : NULL);
	db_bind_text(q, c->names);
	db_bind_int(q, c->installed_at);
	db_bind_int(q, c->spread);
	db_bind_int(q, c->failures);
	db_bind_int(q, c->retry_at);
	db_bind_text(q, c->names_failed);
	db_bind_int(q, c->error_at);
	db_bind_text(q, e == NULL ? NULL : err_kind_name(e->kind));
	db_bind_int(q, e == NULL ? 0 : e->retry_at);
	db_bind_text(q, e == NULL ? NULL : e->code);
	db_bind_text(q, e == NULL ? NULL : e->msg);
	db_bind_text(q, c->order_url);
	db_bind_text(q, c->order_names);
	db_bind_text(q, c->order_account);
	db_bind_text(q, c->order_finalize);
	db_bind_hex(q, c->stamp, stamp);
	bind_text(q, c->ari_id);
	db_bind_text(q, c->ari_directory);
	db_bind_int(q, c->ari_start);
	db_bind_int(q, c->ari_end);
	db_bind_int(q, c->ari_at);
	db_bind_text(q, c->ari_url);
	db_bind_int(q, c->ari_poll_at);
	db_bind_int(q, c->ari_pulled_at);
	bind_text(q, c->source_host);
	db_bind_int(q, c->source_at);
	db_bind_int(q, c->source_renew_at);
	db_bind_int(q, c->order_at);
	db_bind_int(q, c->order_sent_at);
	db_bind_int(q, c->asked_at);
	db_bind_int(q, c->early);
	db_bind_int(q, c->paused_until);
	db_bind_text(q, c->profile);
	db_bind_int(q, c->profile_missed);
	db_bind_text(q, c->order_profile);
	db_bind_int(q, c->order_limits);
	db_bind_text(q, c->account);
	db_bind_text(q, c->account_why);
	db_bind_text(q, c->csr);
	db_write(q);
	store_cert_changed(s, c->name);
}

void
store_cert_delete(struct store *s, const char *name)
{
	static const char *const sqls[] = {
		"DELETE FROM cert WHERE name = ?",
		"DELETE FROM deploy WHERE cert = ?",
		"DELETE FROM cloud WHERE cert = ?",
		"DELETE FROM event WHERE cert = ?",
		"DELETE FROM revocation WHERE cert = ?",
		"DELETE FROM missing WHERE cert = ?",
		"DELETE FROM pair WHERE cert = ?",
		"DELETE FROM receipt WHERE cert = ?",
		"DELETE FROM wave WHERE cert = ?",
		"DELETE FROM withdrawn WHERE cert = ?",
	};

	for (size_t i = 0; i < sizeof(sqls) / sizeof(sqls[0]); i++) {
		struct db_stmt *q = db_stmt(s->db, sqls[i]);

		db_bind_text(q, name);
		db_write(q);
	}
	store_cert_changed(s, name);
}
