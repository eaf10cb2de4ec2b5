/* SPDX-License-Identifier: MIT */
/* Opening the store, syncing it, and what a crash or a full disk does. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/store/identity.h"
#include "daemon/store/schema.h"
#include "daemon/store/store.h"
#include "tests/unit/scratch.h"
#include "tests/unit/state_dir.h"

static void
expect_refused(struct fixture *f, enum err_kind kind, const char *code,
    const char *words)
{
	struct error err;
	struct store *s = store_open(f->loop, scratch_path(&f->scratch, "s"),
	    &err);

	if (s != NULL)
		fail_msg("opened");
	if (strcmp(err.code, code) != 0 || strstr(err.msg, words) == NULL)
		fail_msg("%s: %s", err.code, err.msg);
	assert_int_equal(err.kind, kind);
}

/* Run a function in a child until it has done its work and is killed there:
 * nothing is tidied up.  Where it returns false the test fails. */
static void
run_and_kill(struct fixture *f, bool (*work)(struct fixture *, int), int arg)
{
	int status, fds[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(fds), 0);
	pid = fork();
	assert_int_not_equal(pid, -1);
	if (pid == 0) {
		if (!work(f, arg) || write(fds[1], "", 1) != 1)
			_exit(1);
		for (;;)
			(void)pause();
	}
	close(fds[1]);
	assert_int_equal(read(fds[0], &byte, 1), 1);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	close(fds[0]);
}

/* --- opening --- */

static void
test_layout(void **state)
{
	static const struct { const char *name; mode_t mode; } made[] = {
		{ "s", 0700 }, { "s/accounts", 0700 }, { "s/pending", 0700 },
		{ "s/archive", 0700 }, { "s/live", 0700 },
		{ "s/state.db", 0600 }, { "s/lock", 0600 },
	};
	struct fixture *f = *state;
	char *path;

	for (size_t i = 0; i < N_ELEMENTS(made); i++)
		assert_int_equal(scratch_mode(scratch_path(&f->scratch, "%s",
		    made[i].name)), made[i].mode);
	path = store_live_path(f->store, "example.org");
	assert_string_equal(path, scratch_path(&f->scratch,
	    "s/live/example.org"));
	free(path);
	/* A directory that is there keeps its mode. */
	assert_int_equal(chmod(scratch_path(&f->scratch, "s"), 0750), 0);
	reopen(f);
	assert_int_equal(scratch_mode(scratch_path(&f->scratch, "s")), 0750);
}

static void
test_locked(void **state)
{
	struct fixture *f = *state;
	char words[400];

	(void)text_printf(words, sizeof(words), "another acmed (pid %ld) "
	    "uses %s/s", (long)getpid(), f->scratch.dir);
	expect_refused(f, ERR_CONFIG, "store:locked", words);
	reopen(f);		/* and is let in after the first has gone */
}

static void
test_dir_refused(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	assert_int_equal(rmdir(scratch_path(&f->scratch, "s/live")), 0);
	scratch_write(scratch_path(&f->scratch, "s/live"), "");
	expect_refused(f, ERR_CONFIG, "store:dir", "live");
	assert_int_equal(unlink(scratch_path(&f->scratch, "s/live")), 0);

	assert_int_equal(unlink(scratch_path(&f->scratch, "s/state.db")), 0);
	assert_int_equal(mkdir(scratch_path(&f->scratch, "s/state.db"), 0700),
	    0);
	expect_refused(f, ERR_CONFIG, "store:dir", "state.db");

	assert_int_equal(chdir(f->scratch.dir), 0);
	assert_int_equal(rename("s", "t"), 0);
	scratch_write("s", "");
	expect_refused(f, ERR_CONFIG, "store:dir", "in its place");
	assert_int_equal(unlink("s"), 0);
	assert_int_equal(symlink("missing/s", "s"), 0);
	expect_refused(f, ERR_CONFIG, "store:dir", "install -d");
	assert_int_equal(chdir("/"), 0);
}

static bool
nobody_is_refused(struct fixture *f, int arg)
{
	struct error err;

	return setgid(65534) == 0 && setuid(65534) == 0 &&
	    store_open(f->loop, scratch_path(&f->scratch, "s"), &err) ==
	    NULL && strcmp(err.code, "store:dir") == 0 &&
	    strstr(err.msg, "user id 65534") != NULL;
}

/* Anybody but root is refused by the mode. */
static void
test_dir_mode(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	assert_int_equal(chmod(f->scratch.dir, 0755), 0);
	assert_int_equal(chmod(scratch_path(&f->scratch, "s"), 0555), 0);
	if (geteuid() != 0)
		expect_refused(f, ERR_CONFIG, "store:dir", "Permission");
	else
		run_and_kill(f, nobody_is_refused, 0);
	assert_int_equal(chmod(scratch_path(&f->scratch, "s"), 0700), 0);
}

static void
test_versions(void **state)
{
	static const char *const newer[] = { "ari_id", "ari_directory",
	    "ari_start", "ari_end", "ari_at", "ari_url", "ari_poll_at",
	    "ari_pulled_at", "source_host", "source_at", "source_renew_at",
	    "asked_at", "early", "profile", "profile_missed",
	    "order_profile", "order_limits", "account", "account_why",
	    "csr" };
	struct fixture *f = *state;
	int version;

	close_store(f);
	version = sql(f, "PRAGMA user_version");
	assert_true(version >= 1);
	(void)sql(f, "PRAGMA user_version = 99");
	expect_refused(f, ERR_CONFIG, "store:version", "newer acmed");
	assert_int_equal(sql(f, "PRAGMA user_version"), 99);

	/* An empty file is version 0. */
	scratch_write(scratch_path(&f->scratch, "s/state.db"), "");
	reopen(f);
	close_store(f);
	assert_int_equal(sql(f, "PRAGMA user_version"), version);

	/* Version 1, which knew no http-01 and less of deploy targets. */
	(void)sql(f, "PRAGMA user_version = 1");
	(void)sql(f, "DROP TABLE http");
	(void)sql(f, "DROP TABLE hold");
	(void)sql(f, "DROP TABLE cloud");
	(void)sql(f, "DROP TABLE revocation");
	(void)sql(f, "DROP TABLE budget");
	(void)sql(f, "DROP TABLE missing");
	(void)sql(f, "DROP TABLE receipt");
	(void)sql(f, "DROP TABLE wave");
	(void)sql(f, "DROP TABLE withdrawn");
	(void)sql(f, "DROP TABLE watch");
	(void)sql(f, "DROP TABLE pair");
	(void)sql(f, "DROP TABLE alarm");
	(void)sql(f, "DROP TABLE notice");
	(void)sql(f, "DROP TABLE deploy");
	(void)sql(f, "CREATE TABLE deploy (cert TEXT NOT NULL,"
	    " action TEXT NOT NULL, serial TEXT NOT NULL,"
	    " done INTEGER NOT NULL, tries INTEGER NOT NULL,"
	    " retry_at INTEGER NOT NULL, done_at INTEGER NOT NULL,"
	    " error TEXT NOT NULL, PRIMARY KEY (cert, action)) WITHOUT ROWID");
	(void)sql(f, "INSERT INTO deploy VALUES"
	    " ('a', 'b', '1', 1, 0, 0, 7, '')");
	for (size_t i = 0; i < N_ELEMENTS(newer); i++) {
		char drop[80];

		(void)text_printf(drop, sizeof(drop),
		    "ALTER TABLE cert DROP COLUMN %s", newer[i]);
		(void)sql(f, drop);
	}
	(void)sql(f, "ALTER TABLE account DROP COLUMN contact");
	(void)sql(f, "ALTER TABLE cert DROP COLUMN order_at");
	(void)sql(f, "ALTER TABLE cert DROP COLUMN order_sent_at");
	(void)sql(f, "ALTER TABLE cert DROP COLUMN paused_until");
	/* The only CA there has been is that of all certificates. */
	(void)sql(f, "INSERT INTO account VALUES"
	    " ('a', 'https://ca.test/dir', 'k')");
	(void)sql(f, "INSERT INTO cert (name, serial, issuer, not_before,"
	    " not_after, installed_at, spread, failures, retry_at, error_at,"
	    " error_code, stamp) VALUES"
	    " ('fails', '1', '', 1, 2, 1, 0, 2, 3, 77, 'http:io', ''),"
	    " ('back', '1', '', 1, 2, 1, 0, 1, 3, 77, 'deploy:rolled-back',"
	    " ''), ('fine', '1', '', 1, 2, 1, 0, 0, 0, 0, NULL, '')");
	reopen(f);
	close_store(f);
	assert_int_equal(sql(f, "PRAGMA user_version"), version);
	/* What failed is tried again, as if it had been asked for. */
	assert_int_equal(sql(f, "SELECT sum(asked_at) FROM cert"), 77);
	assert_int_equal(sql(f, "SELECT asked_at FROM cert"
	    " WHERE name = 'fails'"), 77);
	assert_int_equal(sql(f, "SELECT count(*) FROM cert"
	    " WHERE ari_directory = 'https://ca.test/dir'"), 3);
	assert_int_equal(sql(f, "SELECT count(*) FROM http"), 0);
	assert_int_equal(sql(f, "SELECT done_at FROM deploy WHERE hash = ''"),
	    7);

	/* What fails changes nothing: a migration, what is no new database. */
	(void)sql(f, "PRAGMA user_version = 1");
	(void)sql(f, "DROP TABLE http");
	expect_refused(f, ERR_INTERNAL, "store:io", "schema version 3");
	assert_int_equal(sql(f, "PRAGMA user_version"), 1);
	assert_int_equal(sql(f, "SELECT count(*) FROM sqlite_master"
	    " WHERE name = 'http'"), 0);
	(void)sql(f, "PRAGMA user_version = 0");
	(void)sql(f, "DROP TABLE account");
	expect_refused(f, ERR_INTERNAL, "store:db", "it has tables, and no");
	assert_int_equal(sql(f, "PRAGMA user_version"), 0);
	assert_int_equal(sql(f, "SELECT count(*) FROM sqlite_master"
	    " WHERE name = 'account'"), 0);
}

/* All that is in the database, as SQLite keeps it.  Caller frees. */
static char *
dump_schema(struct fixture *f)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	char *text;

	assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "s/state.db"),
	    &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT group_concat(type ||"
	    " ' ' || name || ': ' || coalesce(sql, '-'), char(10)) FROM"
	    " (SELECT * FROM sqlite_master ORDER BY type, name)", -1, &st,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(st), SQLITE_ROW);
	text = xstrdup((const char *)sqlite3_column_text(st, 0));
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return text;
}

/* A new database has what the oldest one comes to have. */
static void
test_schema(void **state)
{
	struct fixture *f = *state;
	char *fresh, *migrated;
	sqlite3 *db;

	close_store(f);
	fresh = dump_schema(f);
	assert_int_equal(unlink(scratch_path(&f->scratch, "s/state.db")), 0);
	assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "s/state.db"),
	    &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, schema_migrations[0], NULL, NULL,
	    NULL), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	(void)sql(f, "PRAGMA user_version = 1");
	reopen(f);
	close_store(f);
	assert_int_equal(sql(f, "PRAGMA user_version"), schema_version);
	migrated = dump_schema(f);
	assert_string_equal(fresh, migrated);
	free(fresh);
	free(migrated);
}

static void
test_damaged(void **state)
{
	struct fixture *f = *state;
	char page[4096];
	int fd;

	for (int i = 0; i < 500; i++) {
		char name[64];

		(void)text_printf(name, sizeof(name), "cert%d.test", i);
		put_cert(f, name, "https://ca.test/order/0123456789abcdef");
	}
	reopen(f);
	close_store(f);

	/* One page somewhere in the table. */
	memset(page, 0x5a, sizeof(page));
	fd = open(scratch_path(&f->scratch, "s/state.db"), O_RDWR);
	assert_true(lseek(fd, 0, SEEK_END) > 22 * 4096);
	assert_int_equal(pwrite(fd, page, sizeof(page), 20 * 4096), 4096);
	close(fd);
	expect_refused(f, ERR_INTERNAL, "store:db", "move it");

	scratch_write(scratch_path(&f->scratch, "s/state.db"),
	    "this is not a database, whatever its name says of it, really; "
	    "it only has to be longer than a header of a hundred bytes");
	expect_refused(f, ERR_INTERNAL, "store:db", "state.db: damaged");
	/* SQLite takes less than a page for nothing, and writes over it. */
	scratch_write(scratch_path(&f->scratch, "s/state.db"), "SQLite");
	expect_refused(f, ERR_INTERNAL, "store:db", "state.db: damaged: cut");
	/* And what the message says does help. */
	assert_int_equal(unlink(scratch_path(&f->scratch, "s/state.db")), 0);
	reopen(f);
}

/* All tables but the history: none is found out only when it is needed. */
static void
test_damaged_table(void **state)
{
	static const char tables[] = " FROM sqlite_master WHERE type = 'table'"
	    " AND name NOT IN ('event', 'sqlite_sequence')";
	struct fixture *f = *state;
	char good[4096], bad[4096], text[256];
	int n, fd;

	close_store(f);
	memset(bad, 0x5a, sizeof(bad));
	(void)text_printf(text, sizeof(text), "SELECT count(*)%s", tables);
	n = sql(f, text);
	assert_true(n > 8);
	for (int i = 0; i < n; i++) {
		off_t at;

		(void)text_printf(text, sizeof(text), "SELECT rootpage%s"
		    " ORDER BY name LIMIT 1 OFFSET %d", tables, i);
		at = (off_t)(sql(f, text) - 1) * (off_t)sizeof(good);
		fd = open(scratch_path(&f->scratch, "s/state.db"), O_RDWR);
		assert_int_equal(pread(fd, good, sizeof(good), at),
		    sizeof(good));
		assert_int_equal(pwrite(fd, bad, sizeof(bad), at),
		    sizeof(bad));
		expect_refused(f, ERR_INTERNAL, "store:db", "damaged");
		assert_int_equal(pwrite(fd, good, sizeof(good), at),
		    sizeof(good));
		close(fd);
	}
	reopen(f);
}

/* --- sync --- */

struct waiter {
	struct fixture		*f;
	struct store_sync_op	*op;
	int			 calls;
	struct error		 err;
	struct waiter		*next;	/* started by done */
	struct waiter		*victim;	/* cancelled by done */
};

static void
sync_cb(const struct error *err, void *arg)
{
	struct waiter *w = arg;

	w->op = NULL;
	w->calls++;
	w->err.kind = ERR_NONE;
	if (err != NULL)
		w->err = *err;
	if (w->next != NULL)
		w->next->op = store_sync_start(w->f->store, sync_cb, w->next);
	if (w->victim != NULL) {
		store_sync_cancel(w->victim->op);
		w->victim->op = NULL;
	}
}

static void
test_sync(void **state)
{
	struct fixture *f = *state;
	struct waiter a = { .f = f }, b = { .f = f }, c = { .f = f },
	    d = { .f = f };

	a.op = store_sync_start(f->store, sync_cb, &a);	/* nothing written */
	b.op = store_sync_start(f->store, sync_cb, &b);
	c.op = store_sync_start(f->store, sync_cb, &c);
	store_sync_cancel(c.op);
	store_sync_cancel(NULL);
	a.next = &d;
	assert_int_equal(a.calls + b.calls, 0);
	loop_turn(f->loop);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	assert_int_equal(c.calls, 0);
	assert_int_equal(d.calls, 0);	/* never in the same turn */
	loop_turn(f->loop);
	assert_int_equal(d.calls, 1);
	/* One done cancels the other. */
	a = (struct waiter){ .f = f, .victim = &b };
	b = (struct waiter){ .f = f };
	a.op = store_sync_start(f->store, sync_cb, &a);
	b.op = store_sync_start(f->store, sync_cb, &b);
	loop_turn(f->loop);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 0);
	/* Closing ends what waits. */
	a = (struct waiter){ .f = f };
	a.op = store_sync_start(f->store, sync_cb, &a);
	close_store(f);
	assert_int_equal(a.calls, 0);
}

static void
count_cb(const struct store_txt *t, void *arg)
{
	++*(int *)arg;
}

static int
count_txt(struct fixture *f)
{
	int n = 0;

	store_txt_each(f->store, count_cb, &n);
	return n;
}

/* What a daemon that dies here leaves: A is synced, B and C are not. */
static bool
write_in_the_middle(struct fixture *f, int how)
{
	struct error err;
	struct store_txt t = { .cert = "a", .state = TXT_ADDING };

	f->store = store_open(f->loop, scratch_path(&f->scratch, "s"), &err);
	if (f->store == NULL)
		return false;
	put_cert(f, "a.test", "synced");
	store_txt_put(f->store, &t);
	if (sync_now(f, &err) != ERR_NONE)
		return false;
	put_cert(f, "b.test", "not synced");
	if (how == 1)
		(void)store_sync_start(f->store, sync_cb, f);
	if (how == 2)
		loop_turn(f->loop);	/* the commit nobody waits for */
	return true;
}

static void
test_crash(void **state)
{
	static const char *const left[] = { "a.test ", "a.test ",
	    "a.test b.test " };
	struct fixture *f = *state;

	for (int how = 0; how < 3; how++) {
		close_store(f);
		run_and_kill(f, write_in_the_middle, how);
		reopen(f);
		expect_certs(f, left[how]);
		assert_int_equal(count_txt(f), how + 1);
	}
}

/* More than the page cache holds, so that the disk is asked at once. */
static void
put_much(struct fixture *f, int n)
{
	char *big = xmalloc(65536);

	memset(big, 'x', 65535);
	big[65535] = '\0';
	for (int i = 0; i < n; i++) {
		char name[32];

		(void)text_printf(name, sizeof(name), "big%02d", i);
		put_cert(f, name, big);
	}
	free(big);
}

/* The disk is full at the commit (1 row) or at a write (20 rows). */
static void
test_disk_full(void **state)
{
	static const int rows[] = { 1, 20 };
	struct fixture *f = *state;

	for (size_t i = 0; i < N_ELEMENTS(rows); i++) {
		struct store_txt t = { .cert = "lost", .state = TXT_ADDING };
		struct store_txt later = { .cert = "later",
		    .state = TXT_ADDING };
		struct error err;

		scratch_limit(8192);
		put_much(f, rows[i]);
		store_txt_put(f->store, &t);
		assert_int_equal(sync_now(f, &err), ERR_INTERNAL);
		scratch_limit(RLIM_INFINITY);
		assert_string_equal(err.code, "store:io");
		assert_non_null(strstr(err.msg, "s/state.db: "));
		/* All of it is gone; nothing else is. */
		expect_certs(f, i == 0 ? "" : "a.test ");
		/* The next ones begin anew, and ids are never used twice. */
		put_cert(f, "a.test", NULL);
		store_txt_put(f->store, &later);
		store_txt_put(f->store, &t);
		assert_int_not_equal(later.id, t.id);
		assert_int_equal(sync_now(f, &err), ERR_NONE);
		reopen(f);
		expect_certs(f, "a.test ");
		assert_int_equal(count_txt(f), 2);
		store_txt_delete(f->store, &t);
		store_txt_delete(f->store, &later);
		assert_int_equal(sync_now(f, &err), ERR_NONE);
	}
}

/* A commit that failed while nobody waited is told to the next who does. */
static void
test_disk_full_unheard(void **state)
{
	struct fixture *f = *state;
	struct error err;

	scratch_limit(8192);
	put_much(f, 1);
	loop_turn(f->loop);
	scratch_limit(RLIM_INFINITY);
	put_cert(f, "a.test", NULL);
	assert_int_equal(sync_now(f, &err), ERR_INTERNAL);
	expect_certs(f, "a.test ");
	assert_int_equal(sync_now(f, &err), ERR_NONE);
}

/* Somebody writes with sqlite3(1): we wait a moment, then it is an error. */
static void
test_busy(void **state)
{
	struct fixture *f = *state;
	struct error err;
	sqlite3 *db;

	assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "s/state.db"),
	    &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL,
	    NULL), SQLITE_OK);
	put_cert(f, "a.test", NULL);
	assert_int_equal(sync_now(f, &err), ERR_INTERNAL);
	assert_non_null(strstr(err.msg, "locked"));
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	put_cert(f, "a.test", NULL);
	assert_int_equal(sync_now(f, &err), ERR_NONE);
}

/* All hosts know the publisher's key: one that cannot be seen is not made
 * anew. */
static void
test_publisher(void **state)
{
	struct fixture *f = *state;
	const char *path = scratch_path(&f->scratch, "s/publisher.key");
	char to[] = "publisher.key", *public;
	struct identity *id;
	struct error err;

	id = store_publisher(f->store, &err);
	assert_non_null(id);
	public = xstrdup(identity_public(id));
	identity_free(id);
	id = store_publisher(f->store, &err);
	assert_non_null(id);
	assert_string_equal(identity_public(id), public);
	identity_free(id);
	free(public);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink(to, path), 0);		/* ELOOP */
	assert_null(store_publisher(f->store, &err));
	assert_int_equal(readlink(path, to, sizeof(to)), strlen(to));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_layout), TEST(test_locked), TEST(test_dir_refused),
		TEST(test_dir_mode), TEST(test_versions), TEST(test_schema),
		TEST(test_damaged),
		TEST(test_damaged_table),
		TEST(test_sync),
		TEST(test_crash), TEST(test_disk_full),
		TEST(test_disk_full_unheard), TEST(test_busy),
		TEST(test_publisher),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
