/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/text.h"

static char dir[] = "/tmp/acmed-test-file-XXXXXX";
static int dirfd_;

static int
setup(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	dirfd_ = open(dir, O_RDONLY | O_DIRECTORY);
	return dirfd_ == -1 ? -1 : 0;
}

static int
teardown(void **state)
{
	static const char *const files[] = { "f", "secret", "link", "fifo",
	    "sub/inner" };

	for (size_t i = 0; i < N_ELEMENTS(files); i++)
		(void)unlinkat(dirfd_, files[i], 0);
	(void)unlinkat(dirfd_, "sub", AT_REMOVEDIR);
	close(dirfd_);
	return rmdir(dir);	/* fails if a temporary file was left */
}

static void
put(const char *name, const char *data, size_t len, mode_t mode)
{
	int fd = openat(dirfd_, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_not_equal(fd, -1);
	assert_int_equal(file_write_all(fd, data, len), 0);
	assert_int_equal(fchmod(fd, mode), 0);
	close(fd);
}

static mode_t
mode_of(const char *name)
{
	struct stat st;

	assert_int_equal(fstatat(dirfd_, name, &st, 0), 0);
	return st.st_mode & 07777;
}

static void
test_read(void **state)
{
	struct error err;
	char *out;
	size_t len;

	put("f", "ab\0cd", 5, 0644);
	assert_int_equal(file_read(dirfd_, "f", 5, &out, &len, &err), 0);
	assert_int_equal(len, 5);
	assert_memory_equal(out, "ab\0cd", 6);
	free(out);
	assert_int_equal(file_read(dirfd_, "f", 4, &out, &len, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	put("f", "", 0, 0644);
	assert_int_equal(file_read(dirfd_, "f", 0, &out, &len, &err), 0);
	assert_int_equal(len, 0);
	assert_string_equal(out, "");
	free(out);
	assert_int_equal(file_read(dirfd_, "none", 9, &out, &len, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.code, "file:missing");
	assert_int_equal(file_read(dirfd_, ".", 9, &out, &len, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_int_equal(mkfifoat(dirfd_, "fifo", 0600), 0);
	assert_int_equal(file_read(dirfd_, "fifo", 9, &out, &len, &err), -1);
	assert_int_equal(err.kind, ERR_CONFIG);
}

static void
test_secret(void **state)
{
	static const struct {
		const char *data;
		size_t len;
		mode_t mode;
		const char *out;	/* NULL: refused */
	} cases[] = {
		{ "token\n", 6, 0600, "token" },
		{ "token", 5, 0640, "token" },
		{ "to ken\r\n\n", 9, 0400, "to ken" },
		{ "\xef\xbb\xbftoken\n", 9, 0600, "token" },
		{ "\xef\xbb\xbf\n", 4, 0600, NULL },
		{ "to\"k'en", 7, 0600, "to\"k'en" },
		{ "QUJD=", 5, 0600, "QUJD=" },
		{ "QUJDRA==", 8, 0600, "QUJDRA==" },
		{ "P=q", 3, 0600, "P=q" },
		{ "{\n\"a\": 1\n}\n", 11, 0600, "{\n\"a\": 1\n}" },
		{ "token \n", 7, 0600, "token" },
		{ "token\xc2\xa0", 7, 0600, "token" },
		{ " \ttoken\r\n \n", 11, 0600, "token" },
		{ "\n\xef\xbb\xbftoken", 9, 0600, "token" },
		{ " \xc2\xa0\n", 4, 0600, NULL },
		{ "to\xe2\x80\x8bken", 8, 0600, NULL },
		{ "Bearer token", 12, 0600, NULL },
		{ "bearer:  token", 14, 0600, NULL },
		{ "Token token", 11, 0600, NULL },
		{ "basic token=", 12, 0600, NULL },
		{ "X-Auth: token", 13, 0600, NULL },
		{ "Bearertoken", 11, 0600, "Bearertoken" },
		{ "token of two", 12, 0600, "token of two" },
		{ "<token>", 7, 0600, NULL },
		{ "${A_TOKEN}", 10, 0600, NULL },
		{ "{{ token }}", 11, 0600, NULL },
		{ "YOUR_API_TOKEN", 14, 0600, NULL },
		{ "your-key-here", 13, 0600, NULL },
		{ "yours0key", 9, 0600, "yours0key" },
		{ "xxxxxxxx", 8, 0600, NULL },
		{ "********", 8, 0600, NULL },
		{ "\"token\"\n", 8, 0600, NULL },
		{ "'token'", 7, 0600, NULL },
		{ "token\nsecond\n", 13, 0600, NULL },
		{ "API_TOKEN=x\n", 12, 0600, NULL },
		{ "export A_B=x", 12, 0600, NULL },
		{ "api_token=x", 11, 0600, NULL },
		{ "token\n", 6, 0604, NULL },
		{ "token\n", 6, 0602, NULL },
		{ "token\n", 6, 0644, NULL },
		{ "\n\n", 2, 0600, NULL },
		{ "", 0, 0600, NULL },
		{ "to\0ken", 6, 0600, NULL },
		{ "0123456789abcdefg", 17, 0600, NULL },
	};
	char path[128];

	(void)text_printf(path, sizeof(path), "%s/secret", dir);
	assert_int_equal(chmod(dir, 0755), 0);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err = { 0 };
		char *out = NULL;
		int r;

		(void)unlinkat(dirfd_, "secret", 0);
		put("secret", cases[i].data, cases[i].len, cases[i].mode);
		r = file_read_secret(path, 16, &out, &err);
		if ((r == 0) != (cases[i].out != NULL))
			fail_msg("case %zu: %s", i, err.msg);
		if (r == 0) {
			assert_string_equal(out, cases[i].out);
			free(out);
			continue;
		}
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, path));
		assert_null(strstr(err.msg, "token"));
		if (cases[i].mode & 06)
			assert_non_null(strstr(err.msg, "chmod"));
	}
}

/* One that machines share, and perhaps another beside it. */
static void
test_shared(void **state)
{
	static const struct {
		const char *data, *out;		/* NULL: refused */
	} cases[] = {
		{ "token\n", "token" },
		{ "token\nother\n", "token\nother" },
		{ "\n token \r\n\n\tother", "token\nother" },
		{ "token\nother\nthird\n", NULL },
		{ "token\nBearer other\n", NULL },
		{ "A_B=token\nother\n", NULL },
		{ " \n\n", NULL },
	};
	char path[128];

	(void)text_printf(path, sizeof(path), "%s/secret", dir);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err = { 0 };
		char *out = NULL;
		int r;

		(void)unlinkat(dirfd_, "secret", 0);
		put("secret", cases[i].data, strlen(cases[i].data), 0600);
		r = file_read_shared(path, 40, &out, &err);
		assert_int_equal(r == 0, cases[i].out != NULL);
		if (r == 0)
			assert_string_equal(out, cases[i].out);
		else
			assert_null(strstr(err.msg, "token"));
		free(out);
	}
}

/* Behind a door that is closed to others the file's mode does no harm. */
static void
test_unreachable_secret(void **state)
{
	struct error err;
	char path[128], *out;

	(void)text_printf(path, sizeof(path), "%s/secret", dir);
	(void)unlinkat(dirfd_, "secret", 0);
	put("secret", "token", 5, 0644);
	assert_int_equal(chmod(dir, 0755), 0);
	assert_true(file_is_reachable(path));
	assert_int_equal(chmod(dir, 0750), 0);
	assert_false(file_is_reachable(path));
	assert_int_equal(file_read_secret(path, 16, &out, &err), 0);
	assert_string_equal(out, "token");
	free(out);
}

static void
assert_content(const char *name, const char *want)
{
	struct error err;
	char *out;
	size_t len;

	assert_int_equal(file_read(dirfd_, name, 99, &out, &len, &err), 0);
	assert_string_equal(out, want);
	free(out);
}

static void
test_write_atomic(void **state)
{
	mode_t mask = umask(077);
	struct error err;

	put("f", "old", 3, 0600);
	/* Left by a crash. */
	put(".f.tmp", "half", 4, 0600);
	assert_int_equal(file_write_atomic(dirfd_, "f", 0644, "new", 3, &err),
	    0);
	umask(mask);
	assert_content("f", "new");
	assert_int_equal(mode_of("f"), 0644);
	assert_int_equal(faccessat(dirfd_, ".f.tmp", F_OK, 0), -1);
	/* A link is replaced, not followed. */
	assert_int_equal(symlinkat("f", dirfd_, "link"), 0);
	assert_int_equal(file_write_atomic(dirfd_, "link", 0600, "x", 1, &err),
	    0);
	assert_content("f", "new");
	assert_content("link", "x");
	assert_int_equal(file_write_atomic(dirfd_, "no/f", 0600, "x", 1,
	    &err), -1);
	assert_int_equal(err.kind, ERR_INTERNAL);
	assert_non_null(strstr(err.msg, "no/f"));
}

static void
test_mkdir(void **state)
{
	mode_t mask = umask(077);
	struct error err;

	assert_int_equal(file_mkdir(dirfd_, "sub", 0750, &err), 0);
	umask(mask);
	assert_int_equal(mode_of("sub"), 0750);
	assert_int_equal(file_mkdir(dirfd_, "sub", 0700, &err), 0);
	assert_int_equal(mode_of("sub"), 0750);
	put("f", "", 0, 0600);
	assert_int_equal(file_mkdir(dirfd_, "f", 0700, &err), -1);
	assert_int_equal(file_mkdir(dirfd_, "no/sub", 0700, &err), -1);
	assert_int_equal(file_write_atomic(dirfd_, "sub/inner", 0600, "y", 1,
	    &err), 0);
	assert_content("sub/inner", "y");
	assert_int_equal(file_sync_dir(dirfd_, dir, &err), 0);
	assert_int_equal(file_sync_dir(-1, "gone", &err), -1);
	assert_non_null(strstr(err.msg, "gone"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_secret),
		cmocka_unit_test(test_shared),
		cmocka_unit_test(test_unreachable_secret),
		cmocka_unit_test(test_write_atomic),
		cmocka_unit_test(test_mkdir),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
