/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/store/store.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

/* A scratch directory, a loop, and a state directory "s" in it. */
struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
};

static void
reopen(struct fixture *f)
{
	struct error err;

	store_close(f->store);
	f->store = store_open(f->loop, scratch_path(&f->scratch, "s"), &err);
	if (f->store == NULL)
		fail_msg("%s", err.msg);
}

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	f->loop = loop_new();
	reopen(f);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

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

/* Run SQL in the file while no store has it; the first value, or -1. */
static int
sql(struct fixture *f, const char *text)
{
	sqlite3 *db;
	sqlite3_stmt *st;
	int value = -1;

	assert_int_equal(sqlite3_open(scratch_path(&f->scratch, "s/state.db"),
	    &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL),
	    SQLITE_OK);
	if (sqlite3_step(st) == SQLITE_ROW)
		value = sqlite3_column_int(st, 0);
	assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return value;
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

	store_close(f->store);
	f->store = NULL;
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
	expect_refused(f, ERR_CONFIG, "store:dir", "user id");
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

	store_close(f->store);
	f->store = NULL;
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
	struct fixture *f = *state;
	int version;

	store_close(f->store);
	f->store = NULL;
	version = sql(f, "PRAGMA user_version");
	assert_true(version >= 1);
	(void)sql(f, "PRAGMA user_version = 99");
	expect_refused(f, ERR_CONFIG, "store:version", "newer acmed");
	assert_int_equal(sql(f, "PRAGMA user_version"), 99);

	/* An empty file is version 0. */
	scratch_write(scratch_path(&f->scratch, "s/state.db"), "");
	reopen(f);
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(sql(f, "PRAGMA user_version"), version);

	/* A migration that fails changes nothing. */
	(void)sql(f, "PRAGMA user_version = 0");
	(void)sql(f, "DROP TABLE account");
	expect_refused(f, ERR_INTERNAL, "store:io", "schema version 1");
	assert_int_equal(sql(f, "PRAGMA user_version"), 0);
	assert_int_equal(sql(f, "SELECT count(*) FROM sqlite_master"
	    " WHERE name = 'account'"), 0);
}

static void
put_cert(struct fixture *f, const char *name, const char *order)
{
	struct store_cert c = {
		.name = (char *)(uintptr_t)name, .key = KEY_TYPE_END,
		.order_url = (char *)(uintptr_t)order,
	};

	store_cert_put(f->store, &c);
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
	store_close(f->store);
	f->store = NULL;

	/* One page somewhere in the table. */
	memset(page, 0x5a, sizeof(page));
	fd = open(scratch_path(&f->scratch, "s/state.db"), O_RDWR);
	assert_true(lseek(fd, 0, SEEK_END) > 12 * 4096);
	assert_int_equal(pwrite(fd, page, sizeof(page), 10 * 4096), 4096);
	close(fd);
	expect_refused(f, ERR_INTERNAL, "store:db", "move it");

	scratch_write(scratch_path(&f->scratch, "s/state.db"),
	    "this is not a database, whatever its name says of it, really; "
	    "it only has to be longer than a header of a hundred bytes");
	expect_refused(f, ERR_INTERNAL, "store:db", "state.db: damaged");
	/* And what the message says does help. */
	assert_int_equal(unlink(scratch_path(&f->scratch, "s/state.db")), 0);
	reopen(f);
}

/* --- rows --- */

static void
assert_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

struct seen {
	int			 n;
	const struct store_cert	*want;
	char			 names[256];
};

static void
cert_cb(const struct store_cert *c, void *arg)
{
	struct seen *seen = arg;
	const struct store_cert *w = seen->want;
	size_t used = strlen(seen->names);

	seen->n++;
	(void)text_printf(seen->names + used, sizeof(seen->names) - used,
	    "%s ", c->name);
	if (w == NULL || strcmp(w->name, c->name) != 0)
		return;
	assert_string_equal(c->serial, w->serial);
	assert_string_equal(c->issuer, w->issuer);
	assert_int_equal(c->not_before, w->not_before);
	assert_int_equal(c->not_after, w->not_after);
	assert_int_equal(c->key, w->key);
	assert_same(c->names, w->names);
	assert_int_equal(c->installed_at, w->installed_at);
	assert_int_equal(c->spread, w->spread);
	assert_int_equal(c->failures, w->failures);
	assert_int_equal(c->retry_at, w->retry_at);
	assert_same(c->names_failed, w->names_failed);
	assert_int_equal(c->error_at, w->error_at);
	assert_same(c->order_url, w->order_url);
	assert_same(c->order_names, w->order_names);
	assert_same(c->order_account, w->order_account);
	assert_same(c->order_finalize, w->order_finalize);
	assert_int_equal(c->error == NULL, w->error == NULL);
	if (w->error != NULL) {
		assert_int_equal(c->error->kind, w->error->kind);
		assert_int_equal(c->error->retry_at, w->error->retry_at);
		assert_string_equal(c->error->code, w->error->code);
		assert_string_equal(c->error->msg, w->error->msg);
	}
}

/* Names of all rows, in order; want, if not NULL, is compared as a whole. */
static void
expect_certs(struct fixture *f, const char *names,
    const struct store_cert *want)
{
	struct seen seen = { .want = want };

	store_cert_each(f->store, cert_cb, &seen);
	assert_string_equal(seen.names, names);
}

static void
test_cert_rows(void **state)
{
	struct fixture *f = *state;
	struct error err = { .kind = ERR_RATELIMIT, .retry_at = 1900000000,
	    .code = "acme:rateLimited", .msg = "too many; 'quoted' \"x\"" };
	struct store_cert full = {
		.name = xstrdup("b.test"), .serial = "03af",
		.issuer = "R3", .not_before = 1, .not_after = 4102444800,
		.key = KEY_RSA3072, .names = xstrdup("[\"b.test\"]"),
		.installed_at = 7, .spread = -20, .failures = 3,
		.retry_at = 9, .names_failed = xstrdup("[]"),
		.error = xmemdup(&err, sizeof(err)), .error_at = 10,
		.order_url = xstrdup("u"), .order_names = xstrdup("n"),
		.order_account = xstrdup("a"), .order_finalize = xstrdup("f"),
	};
	struct store_cert bare = { .name = xstrdup("b.test"),
	    .key = KEY_TYPE_END };

	expect_certs(f, "", NULL);
	put_cert(f, "c.test", NULL);
	put_cert(f, "a.test", NULL);
	store_cert_put(f->store, &full);
	expect_certs(f, "a.test b.test c.test ", &full);
	reopen(f);
	expect_certs(f, "a.test b.test c.test ", &full);
	store_cert_put(f->store, &bare);
	reopen(f);
	expect_certs(f, "a.test b.test c.test ", &bare);
	store_cert_clear(&full);
	assert_null(full.name);
	store_cert_clear(&bare);
}

struct txts {
	struct store_txt	 rows[4];
	int			 n;
};

static void
txt_cb(const struct store_txt *t, void *arg)
{
	struct txts *all = arg;

	assert_true(all->n < 4);
	all->rows[all->n++] = *t;
}

static void
test_txt_rows(void **state)
{
	struct fixture *f = *state;
	struct store_txt a = { .cert = "a.test", .provider = "p",
	    .identifier = "a.test", .fqdn = "_acme-challenge.a.test",
	    .zone = "test", .value = "v", .handle = "h", .state = TXT_ADDING,
	    .created_at = 5, .tries = 6, .retry_at = 7, .error = "e" };
	struct store_txt b = a;
	struct txts all = { .n = 0 };

	store_txt_put(f->store, &a);
	store_txt_put(f->store, &b);
	assert_int_not_equal(a.id, 0);
	assert_int_not_equal(a.id, b.id);
	b.state = TXT_REMOVING;
	store_txt_put(f->store, &b);
	reopen(f);
	store_txt_each(f->store, txt_cb, &all);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.rows[0].id, a.id);
	assert_string_equal(all.rows[0].cert, a.cert);
	assert_string_equal(all.rows[0].provider, a.provider);
	assert_string_equal(all.rows[0].identifier, a.identifier);
	assert_string_equal(all.rows[0].fqdn, a.fqdn);
	assert_string_equal(all.rows[0].zone, a.zone);
	assert_string_equal(all.rows[0].value, a.value);
	assert_string_equal(all.rows[0].handle, a.handle);
	assert_string_equal(all.rows[0].error, a.error);
	assert_int_equal(all.rows[0].state, TXT_ADDING);
	assert_int_equal(all.rows[0].created_at, 5);
	assert_int_equal(all.rows[0].tries, 6);
	assert_int_equal(all.rows[0].retry_at, 7);
	assert_int_equal(all.rows[1].state, TXT_REMOVING);
	store_txt_delete(f->store, a.id);
	reopen(f);
	all.n = 0;
	store_txt_each(f->store, txt_cb, &all);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.rows[0].id, b.id);
	assert_string_equal(txt_state_name(TXT_ADDED), "added");
}

static void
deploy_cb(const struct store_deploy *d, void *arg)
{
	struct store_deploy *out = arg;

	assert_string_equal(out->cert, "");	/* one row only */
	*out = *d;
}

static void
test_deploy_rows(void **state)
{
	struct fixture *f = *state;
	struct store_deploy d = { .cert = "a.test", .action = "nginx",
	    .serial = "01", .tries = 2, .retry_at = 3, .error = "no" }, got;

	store_deploy_put(f->store, &d);
	d.done = true;
	d.done_at = 4;
	store_deploy_put(f->store, &d);
	reopen(f);
	got = (struct store_deploy){ .cert = "" };
	store_deploy_each(f->store, deploy_cb, &got);
	assert_string_equal(got.cert, d.cert);
	assert_string_equal(got.action, d.action);
	assert_string_equal(got.serial, d.serial);
	assert_string_equal(got.error, d.error);
	assert_true(got.done);
	assert_int_equal(got.tries, 2);
	assert_int_equal(got.retry_at, 3);
	assert_int_equal(got.done_at, 4);
	store_deploy_delete(f->store, "a.test", "apache");
	store_deploy_delete(f->store, "a.test", "nginx");
	got = (struct store_deploy){ .cert = "" };
	store_deploy_each(f->store, deploy_cb, &got);
	assert_string_equal(got.cert, "");
}

static void
test_accounts(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = pki_key(), *got;
	struct error err;
	char *kid;

	assert_null(store_account_kid(f->store, "le", "https://a.test/d"));
	store_account_put(f->store, "le", "https://a.test/d", "kid-a");
	store_account_put(f->store, "le", "https://b.test/d", "kid-b");
	reopen(f);
	kid = store_account_kid(f->store, "le", "https://a.test/d");
	assert_string_equal(kid, "kid-a");
	free(kid);
	store_account_put(f->store, "le", "https://a.test/d", NULL);
	assert_null(store_account_kid(f->store, "le", "https://a.test/d"));
	kid = store_account_kid(f->store, "le", "https://b.test/d");
	assert_string_equal(kid, "kid-b");
	free(kid);

	assert_null(store_account_key(f->store, "le", "https://a.test/d",
	    &err));
	assert_string_equal(err.code, "store:no-key");
	assert_int_equal(store_account_key_put(f->store, "le",
	    "https://a.test/d", key, &err), 0);
	got = store_account_key(f->store, "le", "https://a.test/d", &err);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	EVP_PKEY_free(got);
	assert_null(store_account_key(f->store, "le", "https://b.test/d",
	    &err));
	/* printf %s https://a.test/d | sha256sum */
	assert_int_equal(scratch_mode(scratch_path(&f->scratch,
	    "s/accounts/le-bb9ffef0.key")), 0600);
	scratch_write(f->scratch.path, "rubbish");
	assert_null(store_account_key(f->store, "le", "https://a.test/d",
	    &err));
	assert_string_equal(err.code, "key:syntax");
	EVP_PKEY_free(key);
}

static void
test_pending_key(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = pki_key(), *got = key;
	struct error err;

	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_null(got);
	assert_int_equal(store_pending_key_put(f->store, "a", key, &err), 0);
	assert_int_equal(scratch_mode(scratch_path(&f->scratch,
	    "s/pending/a.key")), 0600);
	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	EVP_PKEY_free(got);
	store_pending_key_drop(f->store, "a");
	store_pending_key_drop(f->store, "a");
	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_null(got);
	scratch_limit(16);
	assert_int_equal(store_pending_key_put(f->store, "a", key, &err), -1);
	scratch_limit(RLIM_INFINITY);
	assert_non_null(strstr(err.msg, "pending/a.key"));
	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_null(got);
	EVP_PKEY_free(key);
}

/* --- history --- */

struct events {
	int	 n;
	int64_t	 first, last;
	char	 msg[32];
	int	 level;
};

static void
event_cb(const struct store_event *e, void *arg)
{
	struct events *all = arg;

	if (all->n++ == 0)
		all->first = e->id;
	else
		assert_int_equal(e->id, all->last + 1);
	all->last = e->id;
	all->level = e->level;
	(void)text_printf(all->msg, sizeof(all->msg), "%s/%s", e->step,
	    e->msg);
}

static void
test_events(void **state)
{
	struct fixture *f = *state;
	struct events all = { .n = 0 };

	for (int i = 1; i <= 300; i++) {
		char msg[32];
		struct store_event e = { .at = i, .step = "order",
		    .level = LOGL_WARNING, .msg = msg };

		(void)text_printf(msg, sizeof(msg), "step %d", i);
		store_event_add(f->store, "a.test", &e);
		/* One more of this one for every two: the other's numbers
		   must not disturb the pruning. */
		if (i % 2 == 0)
			store_event_add(f->store, "b.test", &e);
	}
	store_event_each(f->store, "a.test", 3, event_cb, &all);
	assert_int_equal(all.n, 3);
	assert_int_equal(all.last, 300);
	assert_string_equal(all.msg, "order/step 300");
	assert_int_equal(all.level, LOGL_WARNING);
	all.n = 0;
	store_event_each(f->store, "a.test", 1000, event_cb, &all);
	assert_int_equal(all.n, 100);
	assert_int_equal(all.first, 201);
	all.n = 0;
	store_event_each(f->store, "c.test", 1000, event_cb, &all);
	assert_int_equal(all.n, 0);
	reopen(f);
	store_close(f->store);
	f->store = NULL;
	assert_in_range(sql(f, "SELECT count(*) FROM event"
	    " WHERE cert = 'a.test'"), 100, 131);
	assert_in_range(sql(f, "SELECT count(*) FROM event"
	    " WHERE cert = 'b.test'"), 100, 131);
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

/* Wait until all written is on disk, or refused. */
static enum err_kind
sync_now(struct fixture *f, struct error *err)
{
	struct waiter w = { .f = f };

	w.op = store_sync_start(f->store, sync_cb, &w);
	assert_int_equal(w.calls, 0);
	while (w.op != NULL)
		loop_turn(f->loop);
	assert_int_equal(w.calls, 1);
	*err = w.err;
	return w.err.kind;
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
	store_close(f->store);
	f->store = NULL;
	assert_int_equal(a.calls, 0);
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
		struct txts all = { .n = 0 };

		store_close(f->store);
		f->store = NULL;
		run_and_kill(f, write_in_the_middle, how);
		reopen(f);
		expect_certs(f, left[how], NULL);
		store_txt_each(f->store, txt_cb, &all);
		assert_int_equal(all.n, how + 1);
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
		struct txts all = { .n = 0 };
		struct error err;

		scratch_limit(8192);
		put_much(f, rows[i]);
		store_txt_put(f->store, &t);
		assert_int_equal(sync_now(f, &err), ERR_INTERNAL);
		scratch_limit(RLIM_INFINITY);
		assert_string_equal(err.code, "store:io");
		assert_non_null(strstr(err.msg, "s/state.db: "));
		/* All of it is gone; nothing else is. */
		expect_certs(f, i == 0 ? "" : "a.test ", NULL);
		/* The next ones begin anew, and ids are never used twice. */
		put_cert(f, "a.test", NULL);
		store_txt_put(f->store, &later);
		store_txt_put(f->store, &t);
		assert_int_not_equal(later.id, t.id);
		assert_int_equal(sync_now(f, &err), ERR_NONE);
		reopen(f);
		expect_certs(f, "a.test ", NULL);
		store_txt_each(f->store, txt_cb, &all);
		assert_int_equal(all.n, 2);
		store_txt_delete(f->store, t.id);
		store_txt_delete(f->store, later.id);
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
	expect_certs(f, "a.test ", NULL);
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

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_layout), TEST(test_locked), TEST(test_dir_refused),
		TEST(test_dir_mode), TEST(test_versions), TEST(test_damaged),
		TEST(test_cert_rows), TEST(test_txt_rows),
		TEST(test_deploy_rows), TEST(test_accounts),
		TEST(test_pending_key), TEST(test_events), TEST(test_sync),
		TEST(test_crash), TEST(test_disk_full),
		TEST(test_disk_full_unheard), TEST(test_busy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
