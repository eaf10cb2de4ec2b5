/* SPDX-License-Identifier: MIT */
#include "daemon/store/db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

#define STMTS_MAX 48
#define BUSY_TIMEOUT_MS 200	/* somebody writes with sqlite3(1) */

struct db_stmt {
	struct db	*db;
	const char	*sql;
	sqlite3_stmt	*st;		/* NULL: could not be prepared */
	int		 n_bound;
};

struct db {
	sqlite3		*sqlite;
	char		*path;
	void		(*dirty)(void *);
	void		*arg;
	bool		 open;		/* a transaction has begun */
	bool		 failed;	/* ... and error says why it is void */
	struct error	 error;
	struct db_stmt	 stmts[STMTS_MAX];
	size_t		 n_stmts;
};

/*
 * migrations[N] brings version N to N + 1.  Never change one that was
 * released: append.  Times are seconds since the epoch, UTC; lists of names
 * are JSON arrays.
 */
static const char *const migrations[] = {
	"CREATE TABLE account ("
	" name TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" kid TEXT NOT NULL,"
	" PRIMARY KEY (name, directory)"
	") WITHOUT ROWID;"
	"CREATE TABLE cert ("
	" name TEXT NOT NULL PRIMARY KEY,"
	" serial TEXT NOT NULL,"
	" issuer TEXT NOT NULL,"
	" not_before INTEGER NOT NULL,"
	" not_after INTEGER NOT NULL,"
	" key TEXT,"
	" names TEXT,"
	" installed_at INTEGER NOT NULL,"
	" spread INTEGER NOT NULL,"
	" failures INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" names_failed TEXT,"
	" error_at INTEGER NOT NULL,"
	" error_kind TEXT,"
	" error_retry_at INTEGER,"
	" error_code TEXT,"
	" error_msg TEXT,"
	" order_url TEXT,"
	" order_names TEXT,"
	" order_account TEXT,"
	" order_finalize TEXT,"
	" stamp TEXT NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE txt ("
	" id INTEGER PRIMARY KEY,"
	" cert TEXT NOT NULL,"
	" provider TEXT NOT NULL,"
	" identifier TEXT NOT NULL,"
	" fqdn TEXT NOT NULL,"
	" zone TEXT NOT NULL,"
	" value TEXT NOT NULL,"
	" handle TEXT NOT NULL,"
	" state TEXT NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error TEXT NOT NULL"
	");"
	"CREATE TABLE deploy ("
	" cert TEXT NOT NULL,"
	" action TEXT NOT NULL,"
	" serial TEXT NOT NULL,"
	" done INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" done_at INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" PRIMARY KEY (cert, action)"
	") WITHOUT ROWID;"
	"CREATE TABLE event ("
	" cert TEXT NOT NULL,"
	" id INTEGER NOT NULL,"
	" at INTEGER NOT NULL,"
	" step TEXT NOT NULL,"
	" level TEXT NOT NULL,"
	" msg TEXT NOT NULL,"
	" PRIMARY KEY (cert, id)"
	") WITHOUT ROWID;",

	"CREATE TABLE http ("
	" cert TEXT NOT NULL,"
	" webroot TEXT NOT NULL,"
	" token TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" created_at INTEGER NOT NULL,"
	" tries INTEGER NOT NULL,"
	" retry_at INTEGER NOT NULL,"
	" error TEXT NOT NULL,"
	" PRIMARY KEY (cert, webroot, token)"
	") WITHOUT ROWID;",
	"ALTER TABLE deploy ADD COLUMN hash TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE deploy ADD COLUMN not_before INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN not_after INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN urgent_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN check_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN alarm_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN is_old INTEGER NOT NULL DEFAULT 0;",

	"CREATE TABLE alarm ("
	" key TEXT NOT NULL PRIMARY KEY,"
	" cause TEXT NOT NULL,"
	" events INTEGER NOT NULL,"
	" level INTEGER NOT NULL,"
	" stage INTEGER NOT NULL,"
	" since INTEGER NOT NULL,"
	" told_at INTEGER NOT NULL"
	") WITHOUT ROWID;"
	"CREATE TABLE notice ("
	" id INTEGER PRIMARY KEY,"
	" channel TEXT NOT NULL,"
	" target TEXT NOT NULL,"
	" msgid TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" level INTEGER NOT NULL,"
	" repeat INTEGER NOT NULL,"
	" subject TEXT NOT NULL,"
	" text TEXT NOT NULL,"
	" json TEXT NOT NULL"
	");",

	"ALTER TABLE cert ADD COLUMN ari_id TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE cert ADD COLUMN ari_directory TEXT;"
	"ALTER TABLE cert ADD COLUMN ari_start INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_end INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_url TEXT;"
	"ALTER TABLE cert ADD COLUMN ari_poll_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN ari_pulled_at INTEGER NOT NULL DEFAULT 0;",

	/* Of a target that is not done, what was done last is not known any
	   more: 0, until it is seen. */
	"ALTER TABLE deploy ADD COLUMN served_before INTEGER NOT NULL"
	" DEFAULT 0;"
	"ALTER TABLE deploy ADD COLUMN served_after INTEGER NOT NULL"
	" DEFAULT 0;",

	"ALTER TABLE cert ADD COLUMN source_host TEXT NOT NULL DEFAULT '';"
	"ALTER TABLE cert ADD COLUMN source_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN source_renew_at INTEGER NOT NULL"
	" DEFAULT 0;",

	"ALTER TABLE cert ADD COLUMN order_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN order_sent_at INTEGER NOT NULL DEFAULT 0;",

	/* NULL: of an older version; not known. */
	"ALTER TABLE account ADD COLUMN contact TEXT;",

	/* Of a run that failed nobody knew afterwards why it had begun: it
	 * may be one that a person had asked for. */
	"ALTER TABLE cert ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0;"
	"ALTER TABLE cert ADD COLUMN early INTEGER NOT NULL DEFAULT 0;"
	"UPDATE cert SET asked_at = error_at WHERE failures > 0"
	" AND error_code <> 'deploy:rolled-back';",

	/* Older rows do not know who issued their certificates.  Where there
	 * has never been an account anywhere else, it was that CA. */
	"UPDATE cert SET ari_directory = (SELECT min(directory) FROM account)"
	" WHERE ari_directory IS NULL AND serial <> '' AND"
	" (SELECT count(DISTINCT directory) FROM account) = 1;",

	"CREATE TABLE hold ("
	" account TEXT NOT NULL,"
	" directory TEXT NOT NULL,"
	" at INTEGER NOT NULL,"
	" until INTEGER NOT NULL,"
	" times INTEGER NOT NULL,"
	" code TEXT NOT NULL,"
	" msg TEXT NOT NULL,"
	" PRIMARY KEY (account, directory)"
	") WITHOUT ROWID;",

	"ALTER TABLE cert ADD COLUMN paused_until INTEGER NOT NULL DEFAULT 0;",

	/* Until then only what a CA asks for was kept. */
	"ALTER TABLE hold ADD COLUMN kind TEXT NOT NULL"
	" DEFAULT 'rate-limited';"
	"ALTER TABLE hold ADD COLUMN since INTEGER NOT NULL DEFAULT 0;"
	"UPDATE hold SET since = at;",
};
#define SCHEMA_VERSION ((int)(sizeof(migrations) / sizeof(migrations[0])))

/* What is read at start is checked at start; the history could be long. */
static const char *const checks[] = {
	"PRAGMA quick_check('account')", "PRAGMA quick_check('cert')",
	"PRAGMA quick_check('txt')", "PRAGMA quick_check('deploy')",
	"PRAGMA quick_check('http')", "PRAGMA quick_check('hold')",
	"PRAGMA quick_check('alarm')", "PRAGMA quick_check('notice')",
};

static int
db_damaged(const struct db *db, const char *words, struct error *err)
{
	return error_set(err, ERR_INTERNAL, "store:db", "%s: damaged: %s; "
	    "move it (with its -wal and -shm) aside and start again: "
	    "certificates and keys are kept beside it, the schedule is made "
	    "anew", db->path, words);
}

/* Turn SQLite's last failure into an error, by what can be done about it. */
static int
db_error(const struct db *db, struct error *err)
{
	const char *words = sqlite3_errmsg(db->sqlite);
	int sys = sqlite3_system_errno(db->sqlite);

	switch (sqlite3_errcode(db->sqlite) & 0xff) {
	case SQLITE_NOTADB:
	case SQLITE_CORRUPT:
		return db_damaged(db, words, err);
	case SQLITE_IOERR:
	case SQLITE_CANTOPEN:
		/* It is not kept for each of them: fsync(2) for one. */
		return error_set(err, ERR_INTERNAL, "store:io", "%s: %s%s%s",
		    db->path, words, sys != 0 ? ": " : "", sys != 0 ?
		    strerror(sys) : "");
	default:
		return error_set(err, ERR_INTERNAL, "store:io", "%s: %s",
		    db->path, words);
	}
}

static int
db_exec(struct db *db, const char *sql, struct error *err)
{
	if (sqlite3_exec(db->sqlite, sql, NULL, NULL, NULL) == SQLITE_OK)
		return 0;
	return db_error(db, err);
}

/* The first column of the first row, as an integer. */
static int
db_pragma_int(struct db *db, const char *sql, int *out, struct error *err)
{
	sqlite3_stmt *st;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL) != SQLITE_OK)
		return db_error(db, err);
	if (sqlite3_step(st) != SQLITE_ROW) {
		(void)db_error(db, err);
		sqlite3_finalize(st);
		return -1;
	}
	*out = sqlite3_column_int(st, 0);
	sqlite3_finalize(st);
	return 0;
}

static int
db_migrate(struct db *db, struct error *err)
{
	int version = 0;
	char done[64];

	if (db_pragma_int(db, "PRAGMA user_version", &version, err) == -1)
		return -1;
	if (version > SCHEMA_VERSION)
		return error_set(err, ERR_CONFIG, "store:version",
		    "%s: written by a newer acmed (version %d, this one knows "
		    "%d): install that version again", db->path, version,
		    SCHEMA_VERSION);
	if (version == SCHEMA_VERSION)
		return 0;
	/* All or none of them; and a commit waits for the disk. */
	if (db_exec(db, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	for (; version < SCHEMA_VERSION; version++) {
		if (db_exec(db, migrations[version], err) == -1)
			return error_wrap(err, "schema version %d",
			    version + 1);
	}
	(void)text_printf(done, sizeof(done),
	    "PRAGMA user_version = %d; COMMIT", SCHEMA_VERSION);
	return db_exec(db, done, err);
}

static int
db_check(struct db *db, const char *sql, struct error *err)
{
	sqlite3_stmt *st;
	const char *said;
	int rc = 0;

	if (sqlite3_prepare_v2(db->sqlite, sql, -1, &st, NULL) != SQLITE_OK)
		return db_error(db, err);
	if (sqlite3_step(st) != SQLITE_ROW) {
		rc = db_error(db, err);
	} else {
		said = (const char *)sqlite3_column_text(st, 0);
		if (said == NULL || strcmp(said, "ok") != 0)
			rc = db_damaged(db, said != NULL ? said : "?", err);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Created by us, so that it is private whatever the umask. */
static int
db_create(const char *path, struct error *err)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd != -1) {
		close(fd);
		return 0;
	}
	if (errno == EISDIR || errno == EROFS)
		return error_set(err, ERR_CONFIG, "store:dir", "%s: %s; %s",
		    path, strerror(errno), errno == EISDIR ?
		    "move it aside" : "make the file system writable");
	if (errno == EACCES || errno == EPERM)
		return error_set(err, ERR_CONFIG, "store:dir", "%s: cannot be "
		    "opened for writing by user id %ld: %s; give it to this "
		    "user", path, (long)geteuid(), strerror(errno));
	return error_errno(err, "%s", path);
}

struct db *
db_open(const char *path, void (*dirty)(void *), void *arg,
    struct error *err)
{
	struct db *db = xcalloc(1, sizeof(*db));
	int rc = db_create(path, err);

	db->path = xstrdup(path);
	db->dirty = dirty;
	db->arg = arg;
	if (rc == 0 && sqlite3_open_v2(path, &db->sqlite,
	    SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		rc = db_error(db, err);
	if (rc == 0) {
		(void)sqlite3_extended_result_codes(db->sqlite, 1);
		(void)sqlite3_busy_timeout(db->sqlite, BUSY_TIMEOUT_MS);
		rc = db_exec(db, "PRAGMA journal_mode = WAL;"
		    "PRAGMA synchronous = FULL;"
		    "PRAGMA foreign_keys = ON;"
		    "PRAGMA cache_size = -256;"
		    "PRAGMA temp_store = MEMORY;"
		    "PRAGMA journal_size_limit = 4194304", err);
	}
	if (rc == 0)
		rc = db_migrate(db, err);
	for (size_t i = 0; rc == 0 &&
	    i < sizeof(checks) / sizeof(checks[0]); i++)
		rc = db_check(db, checks[i], err);
	if (rc == -1) {
		db_close(db);
		return NULL;
	}
	return db;
}

void
db_close(struct db *db)
{
	if (db == NULL)
		return;
	for (size_t i = 0; i < db->n_stmts; i++)
		(void)sqlite3_finalize(db->stmts[i].st);
	(void)sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
}

static void
db_rollback(struct db *db)
{
	/* SQLite has done so itself after some errors. */
	if (sqlite3_get_autocommit(db->sqlite) == 0)
		(void)sqlite3_exec(db->sqlite, "ROLLBACK", NULL, NULL, NULL);
	db->open = false;
}

/* Keep the first error; the transaction is void. */
static void
db_fail(struct db *db)
{
	bool was_idle = !db->failed && !db->open;

	if (!db->failed)
		(void)db_error(db, &db->error);
	db->failed = true;
	db_rollback(db);
	if (was_idle)
		db->dirty(db->arg);
}

int
db_commit(struct db *db, struct error *err)
{
	if (db->open && sqlite3_exec(db->sqlite, "COMMIT", NULL, NULL,
	    NULL) != SQLITE_OK)
		db_fail(db);
	db->open = false;
	if (!db->failed)
		return 0;
	db->failed = false;
	*err = db->error;
	return -1;
}

struct db_stmt *
db_stmt(struct db *db, const char *sql)
{
	struct db_stmt *s = NULL;

	for (size_t i = 0; i < db->n_stmts; i++) {
		if (db->stmts[i].sql == sql)
			s = &db->stmts[i];
	}
	if (s == NULL) {
		assert(db->n_stmts < STMTS_MAX);
		s = &db->stmts[db->n_stmts++];
		s->db = db;
		s->sql = sql;
	}
	if (s->st == NULL)
		(void)sqlite3_prepare_v3(db->sqlite, sql, -1,
		    SQLITE_PREPARE_PERSISTENT, &s->st, NULL);
	if (s->st == NULL)
		db_fail(db);
	else
		(void)sqlite3_reset(s->st);
	s->n_bound = 0;
	return s;
}

/* Binding can fail of memory only. */
static void
check_bind(int rc)
{
	if (rc != SQLITE_OK)
		abort();
}

void
db_bind_text(struct db_stmt *s, const char *text)
{
	s->n_bound++;
	if (s->st != NULL)
		check_bind(sqlite3_bind_text(s->st, s->n_bound, text, -1,
		    SQLITE_STATIC));
}

void
db_bind_int(struct db_stmt *s, int64_t n)
{
	s->n_bound++;
	if (s->st != NULL)
		check_bind(sqlite3_bind_int64(s->st, s->n_bound, n));
}

void
db_end(struct db_stmt *s)
{
	if (s->st == NULL)
		return;
	(void)sqlite3_reset(s->st);
	/* Bound text is borrowed and about to go. */
	(void)sqlite3_clear_bindings(s->st);
}

/* Before the first write; false if the transaction is void already. */
static bool
db_begin(struct db *db)
{
	if (db->failed)
		return false;
	if (db->open)
		return true;
	if (sqlite3_exec(db->sqlite, "BEGIN IMMEDIATE", NULL, NULL,
	    NULL) != SQLITE_OK) {
		db_fail(db);
		return false;
	}
	db->open = true;
	db->dirty(db->arg);
	return true;
}

void
db_write(struct db_stmt *s)
{
	if (s->st != NULL && db_begin(s->db) &&
	    sqlite3_step(s->st) != SQLITE_DONE)
		db_fail(s->db);
	db_end(s);
}

bool
db_next(struct db_stmt *s)
{
	int rc = s->st == NULL ? SQLITE_DONE : sqlite3_step(s->st);

	if (rc == SQLITE_ROW)
		return true;
	if (rc != SQLITE_DONE)
		db_fail(s->db);
	db_end(s);
	return false;
}

const char *
db_text(struct db_stmt *s, int column)
{
	return (const char *)sqlite3_column_text(s->st, column);
}

int64_t
db_int(struct db_stmt *s, int column)
{
	return sqlite3_column_int64(s->st, column);
}

void
db_copy_text(struct db_stmt *s, int column, char *out, size_t size)
{
	const char *text = db_text(s, column);
	size_t len = text == NULL ? 0 :
	    (size_t)sqlite3_column_bytes(s->st, column);

	if (len >= size)
		len = size - 1;
	if (len > 0)
		memcpy(out, text, len);
	out[len] = '\0';
}

char *
db_lend_text(struct db_stmt *s, int column)
{
	const char *text = db_text(s, column);

	return text != NULL && text[0] != '\0' ? (char *)(uintptr_t)text :
	    NULL;
}

uint64_t
db_hex(struct db_stmt *s, int column)
{
	const char *text = db_text(s, column);

	return text != NULL ? strtoull(text, NULL, 16) : 0;
}

void
db_bind_hex(struct db_stmt *s, uint64_t n, char text[DB_HEX_SIZE])
{
	text[0] = '\0';
	if (n != 0)
		(void)text_printf(text, DB_HEX_SIZE, "%016llx",
		    (unsigned long long)n);
	db_bind_text(s, text);
}
