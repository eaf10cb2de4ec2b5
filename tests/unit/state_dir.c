/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include "tests/unit/state_dir.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

void
close_store(struct fixture *f)
{
	store_close(f->store);
	f->store = NULL;
}

void
reopen(struct fixture *f)
{
	struct error err;

	close_store(f);
	f->store = store_open(f->loop, scratch_path(&f->scratch, "s"), &err);
	if (f->store == NULL)
		fail_msg("%s", err.msg);
}

int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	scratch_make(&f->scratch);
	f->loop = loop_new();
	reopen(f);
	*state = f;
	return 0;
}

int
tear_down(void **state)
{
	struct fixture *f = *state;

	close_store(f);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

int
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

void
put_cert(struct fixture *f, const char *name, const char *order)
{
	struct store_cert c = {
		.name = (char *)(uintptr_t)name, .key = KEY_TYPE_END,
		.order_url = (char *)(uintptr_t)order,
	};

	store_cert_put(f->store, &c);
}

static void
name_cb(const struct store_cert *c, void *arg)
{
	char *names = arg;
	size_t used = strlen(names);

	(void)text_printf(names + used, 256 - used, "%s ", c->name);
}

void
expect_certs(struct fixture *f, const char *names)
{
	char got[256] = "";

	store_cert_each(f->store, name_cb, got);
	assert_string_equal(got, names);
}

struct sync {
	struct store_sync_op	*op;
	struct error		 err;
};

static void
synced_cb(const struct error *err, void *arg)
{
	struct sync *sync = arg;

	sync->op = NULL;
	if (err != NULL)
		sync->err = *err;
}

enum err_kind
sync_now(struct fixture *f, struct error *err)
{
	struct sync sync = { .err.kind = ERR_NONE };

	sync.op = store_sync_start(f->store, synced_cb, &sync);
	while (sync.op != NULL)
		loop_turn(f->loop);
	*err = sync.err;
	return sync.err.kind;
}
