/* SPDX-License-Identifier: MIT */
/* fileset_write(): all files or none, and the old ones come back. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/deploy/fileset.h"
#include "tests/unit/scratch.h"

/* The call of renameat2() that fails, and with what; 0: none. */
static int fail_at, fail_errno, n_calls;

int	__real_renameat2(int, const char *, int, const char *, unsigned);
int	__wrap_renameat2(int, const char *, int, const char *, unsigned);

int
__wrap_renameat2(int from, const char *old, int to, const char *new,
    unsigned flags)
{
	if (++n_calls == fail_at) {
		errno = fail_errno;
		return -1;
	}
	return __real_renameat2(from, old, to, new, flags);
}

static int
set_up(void **state)
{
	struct scratch *s = xcalloc(1, sizeof(*s));

	scratch_make(s);
	assert_int_equal(mkdir(scratch_path(s, "a"), 0700), 0);
	assert_int_equal(mkdir(scratch_path(s, "b"), 0700), 0);
	fail_at = n_calls = 0;
	*state = s;
	return 0;
}

static int
tear_down(void **state)
{
	scratch_remove(*state);
	free(*state);
	return 0;
}

/* a/one, b/two, b/three with that text each. */
static int
write_three(struct scratch *s, const char *text, struct error *err)
{
	static const char *const names[] = { "a/one", "b/two", "b/three" };
	struct fileset_file files[3];
	char *paths[3];
	int rc;

	for (int i = 0; i < 3; i++) {
		paths[i] = xstrdup(scratch_path(s, "%s", names[i]));
		files[i] = (struct fileset_file){ paths[i], text,
		    strlen(text), (uid_t)-1, (gid_t)-1, 0640 };
	}
	rc = fileset_write(files, 3, err);
	for (int i = 0; i < 3; i++)
		free(paths[i]);
	return rc;
}

static void
expect(struct scratch *s, const char *name, const char *text)
{
	struct error err;
	char *have;
	size_t len;

	if (text == NULL) {
		assert_int_equal(access(scratch_path(s, "%s", name), F_OK),
		    -1);
		return;
	}
	assert_int_equal(file_read(AT_FDCWD, scratch_path(s, "%s", name), 100,
	    &have, &len, &err), 0);
	assert_string_equal(have, text);
	free(have);
}

/* The three, and nothing else beside them. */
static void
expect_all(struct scratch *s, const char *one, const char *two,
    const char *three)
{
	expect(s, "a/one", one);
	expect(s, "b/two", two);
	expect(s, "b/three", three);
	assert_int_equal(scratch_count(s, "*/.*acmed*"), 0);
}

static void
test_replace(void **state)
{
	struct scratch *s = *state;
	struct error err;

	assert_int_equal(write_three(s, "x", &err), 3);
	expect_all(s, "x", "x", "x");
	assert_int_equal(scratch_mode(scratch_path(s, "a/one")), 0640);
	assert_int_equal(write_three(s, "x", &err), 0);
	assert_int_equal(write_three(s, "yy", &err), 3);
	expect_all(s, "yy", "yy", "yy");
	/* One of them is not what it should be. */
	assert_int_equal(chmod(scratch_path(s, "a/one"), 0644), 0);
	scratch_write(scratch_path(s, "b/two"), "zz");
	assert_int_equal(write_three(s, "yy", &err), 2);
	expect_all(s, "yy", "yy", "yy");
	assert_int_equal(scratch_mode(scratch_path(s, "a/one")), 0640);
}

/* Whichever rename fails: all is as before. */
static void
test_roll_back(void **state)
{
	struct scratch *s = *state;
	struct error err;

	scratch_write(scratch_path(s, "a/one"), "old1");
	scratch_write(scratch_path(s, "b/two"), "old2");
	for (int i = 1; i <= 3; i++) {
		fail_at = i;
		fail_errno = EIO;
		n_calls = 0;
		assert_int_equal(write_three(s, "new", &err), -1);
		assert_int_equal(err.kind, ERR_TRANSIENT);
		assert_string_equal(err.code, "deploy:install");
		assert_non_null(strstr(err.msg, "put it in its place"));
		expect_all(s, "old1", "old2", NULL);
	}
	fail_at = 0;
	assert_int_equal(write_three(s, "new", &err), 3);
	expect_all(s, "new", "new", "new");
}

/* A file system without exchange. */
static void
test_no_exchange(void **state)
{
	struct scratch *s = *state;
	struct error err;

	scratch_write(scratch_path(s, "a/one"), "old1");
	fail_at = 1;
	fail_errno = EINVAL;
	assert_int_equal(write_three(s, "new", &err), 3);
	expect_all(s, "new", "new", "new");
}

static void
test_nothing_half_done(void **state)
{
	struct scratch *s = *state;
	struct error err;

	assert_int_equal(rmdir(scratch_path(s, "b")), 0);
	assert_int_equal(write_three(s, "new", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "b/two: open its directory"));
	expect(s, "a/one", NULL);
	/* A directory stands where a file should be. */
	assert_int_equal(mkdir(scratch_path(s, "b"), 0700), 0);
	assert_int_equal(mkdir(scratch_path(s, "b/three"), 0700), 0);
	assert_int_equal(write_three(s, "new", &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	expect(s, "a/one", NULL);
	assert_int_equal(rmdir(scratch_path(s, "b/three")), 0);
	/* The disk is full. */
	scratch_limit(4);
	assert_int_equal(write_three(s, "too long", &err), -1);
	scratch_limit((unsigned long)-1);
	assert_int_equal(err.kind, ERR_TRANSIENT);
	expect_all(s, NULL, NULL, NULL);
}

/* What a crash left is no obstacle, and does not stay. */
static void
test_leftovers(void **state)
{
	struct scratch *s = *state;
	struct error err;

	assert_int_equal(write_three(s, "x", &err), 3);
	scratch_write(scratch_path(s, "a/.one.acmed-new"), "an old key");
	assert_int_equal(symlink("/etc/passwd",
	    scratch_path(s, "b/.two.acmed-new")), 0);
	assert_int_equal(write_three(s, "x", &err), 0);
	expect_all(s, "x", "x", "x");
	/* A link is replaced, not followed. */
	assert_int_equal(unlink(scratch_path(s, "b/two")), 0);
	assert_int_equal(symlink("three", scratch_path(s, "b/two")), 0);
	assert_int_equal(write_three(s, "x", &err), 1);
	expect_all(s, "x", "x", "x");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_replace, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_roll_back, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_no_exchange, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_nothing_half_done,
		    set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_leftovers, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
