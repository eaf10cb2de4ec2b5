/* SPDX-License-Identifier: MIT */
/* Certificates that are lost on the disk, in whole or in part. */
#include "tests/unit/engine_rig.h"

#include <fcntl.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/alerts/condition.h"

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")

static void
move(struct erig *r, const char *from, const char *to)
{
	char *old = xstrdup(scratch_path(&r->scratch, "%s", from));

	assert_int_equal(rename(old, scratch_path(&r->scratch, "%s", to)), 0);
	free(old);
}

#define SIX CERT("a.test") CERT("b.test") CERT("c.test") CERT("d.test") \
    CERT("e.test") CERT("f.test")

/* What archive/ still has is linked again, and nothing is ordered. */
static void
test_live_lost(void **state)
{
	struct erig *r = *state;
	char serial[64];

	erig_conf(r, SIX);
	erig_up(r);
	erig_ends(r, 6);
	(void)snprintf(serial, sizeof(serial), "%s",
	    erig_row(r, "c.test")->serial);
	erig_down(r);
	move(r, "s/live", "s/gone");
	/* One is no link to anything, one is not known to state.db. */
	assert_int_equal(mkdir(scratch_path(&r->scratch, "s/live"), 0700), 0);
	assert_int_equal(symlink("../archive/a.test/none",
	    scratch_path(&r->scratch, "s/live/a.test")), 0);
	erig_events_clear(r);
	erig_up(r);
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 6);
	assert_true(erig_told(r, "live/a.test was lost: linked again"));
	assert_true(erig_told(r, "live/f.test was lost: linked again"));
	assert_string_equal(erig_row(r, "c.test")->serial, serial);
	free(erig_live(r, "c.test", "fullchain.pem"));
	erig_down(r);
	/* The same without state.db: by the names. */
	move(r, "s/live", "s/gone2");
	move(r, "s/state.db", "s/old.db");
	move(r, "s/archive/b.test", "s/b");
	move(r, "s/archive/a.test", "s/archive/b.test");
	erig_up(r);
	fake_time_pass(MINUTE);
	assert_string_equal(erig_row(r, "c.test")->serial, serial);
	/* a has none any more, and b's does not serve its name. */
	assert_int_equal(fake_ca.n_orders, 8);
	/* Lost while acmed runs: found before a renewal. */
	move(r, "s/live/c.test", "s/c");
	fake_time_jump(70 * DAY / SECOND);
	ERIG_UNTIL(strcmp(erig_row(r, "c.test")->serial, serial) != 0);
	assert_true(erig_told(r, "live/c.test was lost: linked again"));
}

/* Nothing is left of six: they are not ordered at once. */
static void
test_all_lost(void **state)
{
	struct erig *r = *state;

	erig_conf(r, SIX);
	erig_up(r);
	erig_ends(r, 6);
	erig_down(r);
	move(r, "s/archive", "s/gone");
	for (int i = 0; i < 3; i++) {
		erig_up(r);
		fake_time_pass(2 * MINUTE);
		assert_int_equal(fake_ca.n_orders, 6);
		assert_string_equal(erig_row(r, "a.test")->error->code,
		    "engine:lost");
		erig_down(r);
	}
	erig_up(r);
	fake_time_pass(30 * MINUTE);
	assert_in_range(fake_ca.n_orders, 8, 10);
	fake_time_pass(30 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 12);
	assert_null(erig_row(r, "f.test")->error);
}

/* It is there again before they were renewed. */
static void
test_all_found(void **state)
{
	struct erig *r = *state;

	erig_conf(r, SIX);
	erig_up(r);
	erig_ends(r, 6);
	erig_down(r);
	move(r, "s/archive", "s/gone");
	erig_up(r);
	fake_time_pass(2 * MINUTE);
	assert_int_equal(rmdir(scratch_path(&r->scratch, "s/archive")), 0);
	move(r, "s/gone", "s/archive");
	move(r, "s/live", "s/gone2");
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 6);
	assert_null(erig_row(r, "f.test")->error);
}

/* The first one of all was written, and could not be linked: the next try finds
 * it, and it is deployed. */
static void
test_not_linked(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "certificate \"web\" { names = { \"web.test\" } "
	    "provider = dns deploy \"x\" { exec = { \"/bin/true\" } } }\n");
	erig_up(r);
	assert_int_equal(mkdir(scratch_path(&r->scratch, "s/live/.web.new"),
	    0700), 0);
	erig_ends(r, 1);
	assert_true(erig_told(r, "there is no certificate yet"));
	assert_int_equal(rmdir(scratch_path(&r->scratch, "s/live/.web.new")),
	    0);
	ERIG_UNTIL(fake_deploy.log[0] != '\0');
	assert_true(erig_told(r, "live/web was lost: linked again"));
	assert_int_equal(fake_ca.n_orders, 1);
	assert_non_null(strstr(fake_deploy.log, erig_row(r, "web")->serial));
	assert_null(erig_row(r, "web")->error);
}

static void
test_damaged(void **state)
{
	struct erig *r = *state;

	for (int i = 0; i < 2; i++) {
		erig_conf(r, WEB);
		erig_up(r);
		fake_time_pass(MINUTE);
		assert_int_equal(fake_ca.n_orders, i + 1);
		assert_int_equal(r->oks, i + 1);
		erig_down(r);
		if (i == 0)
			assert_int_equal(unlink(scratch_path(&r->scratch,
			    "s/live/web/privkey.pem")), 0);
	}
	assert_int_equal(unlink(scratch_path(&r->scratch, "s/live/web")), 0);
	move(r, "s/archive/web", "s/gone");
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	erig_up(r);
	erig_ends(r, 1);
	assert_true(erig_told(r, "there is no certificate yet"));
	assert_int_equal(erig_row(r, "web")->not_after, 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 3);
}

/* What a person has put at live/NAME is neither replaced nor a reason to
 * order. */
static void
test_in_the_place(void **state)
{
	static const char text[] = "not acmed's\n";
	struct erig *r = *state;
	char *path = xstrdup(scratch_path(&r->scratch, "s/live/web")), *found;
	struct error err;
	size_t len;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	erig_down(r);
	for (int is_dir = 0; is_dir < 2; is_dir++) {
		assert_int_equal(remove(path), 0);
		if (is_dir)
			assert_int_equal(mkdir(path, 0700), 0);
		else
			scratch_write(path, text);
		erig_events_clear(r);
		erig_up(r);
		erig_ends(r, 1);
		assert_string_equal(erig_row(r, "web")->error->code,
		    "store:not-ours");
		assert_true(erig_told(r, is_dir ? "/live/web is a directory, "
		    "and must be" : "/live/web is a file, and must be"));
		assert_true(erig_told(r, "moved aside: mv "));
		fake_time_pass(HOUR);
		erig_down(r);
	}
	assert_int_equal(fake_ca.n_orders, 1);
	assert_int_equal(rmdir(path), 0);
	scratch_write(path, text);
	erig_up(r);
	fake_time_pass(MINUTE);
	assert_int_equal(file_read(AT_FDCWD, path, 100, &found, &len, &err),
	    0);
	assert_string_equal(found, text);
	free(found);
	/* Moved aside, the old version is there again. */
	move(r, "s/live/web", "s/web.moved");
	ERIG_UNTIL(erig_row(r, "web")->serial != NULL);
	assert_int_equal(fake_ca.n_orders, 1);
	free(path);
}

/* The key of the account is damaged long before the renewal that needs it: that
 * is told from the start on, and no more once it is mended. */
static void
test_account_key(void **state)
{
	struct erig *r = *state;
	char *path, *good;
	struct error err;
	size_t len;
	glob_t keys;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	erig_down(r);
	assert_int_equal(glob(scratch_path(&r->scratch, "s/accounts/*.key"),
	    0, NULL, &keys), 0);
	assert_int_equal(keys.gl_pathc, 1);
	path = xstrdup(keys.gl_pathv[0]);
	globfree(&keys);
	assert_int_equal(file_read(AT_FDCWD, path, 10000, &good, &len, &err),
	    0);
	scratch_write(path, "nonsense\n");
	erig_up(r);
	assert_int_equal(condition_of(erig_cert(r, "web")), COND_FAILING);
	assert_string_equal(condition_error(erig_cert(r, "web"))->code,
	    "key:syntax");
	assert_non_null(strstr(condition_error(erig_cert(r, "web"))->msg,
	    "restore it from a backup"));
	assert_null(erig_row(r, "web")->error);
	fake_time_pass(HOUR);
	assert_int_equal(condition_of(erig_cert(r, "web")), COND_FAILING);
	assert_int_equal(fake_ca.n_orders, 1);
	scratch_write(path, good);
	fake_time_pass(MINUTE);
	assert_int_equal(condition_of(erig_cert(r, "web")), COND_VALID);
	free(good);
	free(path);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_damaged),
		ERIG_TEST(test_live_lost),
		ERIG_TEST(test_not_linked),
		ERIG_TEST(test_in_the_place),
		ERIG_TEST(test_account_key),
		ERIG_TEST(test_all_lost),
		ERIG_TEST(test_all_found),
	};

	return cmocka_run_group_tests_name("engine: lost", tests,
	    erig_group_setup, erig_group_teardown);
}
