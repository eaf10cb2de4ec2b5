/* SPDX-License-Identifier: MIT */
#include "daemon/store/db.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/schema.h"

#define PAGE_MIN 512		/* bytes: SQLite's smallest */
#define BUSY_TIMEOUT_MS 200	/* somebody writes with sqlite3(1) */

struct db_stmt {
	struct db_stmt	*next;
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
	bool		 is_new;	/* nothing was in the file */
	bool		 open;		/* a transaction has begun */
	bool		 failed;	/* ... and error says why it is void */
	struct error	 error;
	struct db_stmt	*stmts;		/* one for each text in store/ */
};

/* All but the history, which could be long, is checked at start. */
static const char *const checks[] = {
	"PRAGMA quick_check('account')", "PRAGMA quick_check('cert')",
	"PRAGMA quick_check('txt')", "PRAGMA quick_check('deploy')",
	"PRAGMA quick_check('http')", "PRAGMA quick_check('hold')",
	"PRAGMA quick_check('alarm')", "PRAGMA quick_check('notice')",
	"PRAGMA quick_check('revocation')", "PRAGMA quick_check('cloud')",
	"PRAGMA quick_check('budget')", "PRAGMA quick_check('missing')",
	"PRAGMA quick_check('watch')",
	"PRAGMA quick_check('pair')", "PRAGMA quick_check('receipt')",
	"PRAGMA quick_check('wave')",
	"PRAGMA quick_check('withdrawn')",
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

/* Within a transaction. */
static int
db_make_tables(struct db *db, struct error *err)
{
	for (const char *const *sql = schema_tables; *sql != NULL; sql++) {
		if (db_exec(db, *sql, err) == -1)
			return error_wrap(err, "new schema");
	}
	return 0;
}

static int
db_migrate(struct db *db, struct error *err)
{
	int version = 0, n_tables = 0;
	char done[64];

	if (db_pragma_int(db, "PRAGMA user_version", &version, err) == -1)
		return -1;
	if (version > schema_version)
		return error_set(err, ERR_CONFIG, "store:version",
		    "%s: written by a newer acmed (version %d, this one knows "
		    "%d): install that version again", db->path, version,
		    schema_version);
	if (version == schema_version)
		return 0;
	/* All or none of them; and a commit waits for the disk. */
	if (db_exec(db, "BEGIN IMMEDIATE", err) == -1)
		return -1;
	/* Version 0 is left only by a commit of all: nothing is there. */
	if (version == 0) {
		if (db_pragma_int(db, "SELECT count(*) FROM sqlite_master",
		    &n_tables, err) == -1)
			return -1;
		if (n_tables != 0)
			return db_damaged(db, "it has tables, and no version",
			    err);
		if (db_make_tables(db, err) == -1)
			return -1;
		db->is_new = true;
		version = schema_version;
	}
	for (; version < schema_version; version++) {
		if (db_exec(db, schema_migrations[version], err) == -1)
			return error_wrap(err, "schema version %d",
			    version + 1);
	}
	(void)text_printf(done, sizeof(done),
	    "PRAGMA user_version = %d; COMMIT", schema_version);
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

/*
 * Created by us, so that it is private whatever the umask.  To SQLite a file
 * that is too short for a page is empty, and is written over, and a part of the
 * last page may be missing for long: but what was there was state.
 */
static int
db_create(const struct db *db, struct error *err)
{
	const char *path = db->path;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;

	if (fd != -1) {
		if (fstat(fd, &st) == -1)
			st.st_size = 0;
		close(fd);
		if (st.st_size % PAGE_MIN != 0)
			return db_damaged(db, "cut off", err);
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
	int rc;

	db->path = xstrdup(path);
	db->dirty = dirty;
	db->arg = arg;
	rc = db_create(db, err);
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
	struct db_stmt *s;

	if (db == NULL)
		return;
	while ((s = db->stmts) != NULL) {
		db->stmts = s->next;
		(void)sqlite3_finalize(s->st);
		free(s);
	}
	(void)sqlite3_close(db->sqlite);
	free(db->path);
	free(db);
}

bool
db_is_new(const struct db *db)
{
	return db->is_new;
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
	struct db_stmt *s = db->stmts;

	while (s != NULL && s->sql != sql)
		s = s->next;
	if (s == NULL) {
		s = xmalloc(sizeof(*s));
		*s = (struct db_stmt){ .next = db->stmts, .db = db,
		    .sql = sql };
		db->stmts = s;
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
