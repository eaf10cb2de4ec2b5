/* SPDX-License-Identifier: MIT */
/* Tokens, and files in a directory that others may write to as well. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/http01/token.h"
#include "daemon/http01/webroot.h"
#include "tests/unit/scratch.h"

#define DIR "www/.well-known/acme-challenge"
#define TEXT "tok-1_A.thumb"

struct env {
	struct scratch	 scratch;
	char		*root;
};

static int
setup(void **state)
{
	struct env *e = xcalloc(1, sizeof(*e));

	scratch_make(&e->scratch);
	e->root = xstrdup(scratch_path(&e->scratch, "www"));
	assert_int_equal(mkdir(e->root, 0755), 0);
	*state = e;
	return 0;
}

static int
teardown(void **state)
{
	struct env *e = *state;

	scratch_remove(&e->scratch);
	free(e->root);
	free(e);
	return 0;
}

static struct webroot *
opened(struct env *e)
{
	struct error err;
	struct webroot *w = webroot_open(e->root, true, &err);

	if (w == NULL)
		fail_msg("%s", err.msg);
	return w;
}

static void
expect_text(struct env *e, const char *name, const char *want)
{
	struct error err;
	char *got;
	size_t len;

	if (file_read(AT_FDCWD, scratch_path(&e->scratch, DIR "/%s", name),
	    4096, &got, &len, &err) == -1)
		fail_msg("%s", err.msg);
	assert_string_equal(got, want);
	free(got);
}

static bool
is_there(struct env *e, const char *name)
{
	struct stat st;

	return lstat(scratch_path(&e->scratch, DIR "/%s", name), &st) == 0;
}

static void
test_tokens(void **state)
{
	static const struct {
		const char	*token;
		bool		 is_ok;
	} cases[] = {
		{ "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA", true },
		{ "a", true }, { "A-_09z", true }, { "", false },
		{ ".", false }, { "..", false }, { "../x", false },
		{ "a/b", false }, { "a.b", false }, { "a=", false },
		{ "a b", false }, { "a\n", false }, { "%2e", false },
		{ "a\xc3\xbc", false }, { "a+b", false },
	};
	char *longest = xcalloc(1, 258);

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(http01_token_is_ok(cases[i].token),
		    cases[i].is_ok);
	memset(longest, 'a', 256);
	assert_true(http01_token_is_ok(longest));
	longest[256] = 'a';
	assert_false(http01_token_is_ok(longest));
	free(longest);
	assert_string_equal(http01_token_of("/.well-known/acme-challenge/ab"),
	    "ab");
	assert_null(http01_token_of("/.well-known/acme-challenge/"));
	assert_null(http01_token_of("/.well-known/acme-challenge/../a"));
	assert_null(http01_token_of("/.well-known/acme-challenge//a"));
	assert_null(http01_token_of("/.well-known/acme-challeng"));
	assert_null(http01_token_of("//.well-known/acme-challenge/a"));
	assert_null(http01_token_of("/"));
	assert_null(http01_token_of(""));
}

static void
test_file(void **state)
{
	struct env *e = *state;
	mode_t mask = umask(077);
	struct webroot *w = opened(e);
	struct error err;

	assert_int_equal(webroot_add(w, "tok-1_A", TEXT, &err), 0);
	umask(mask);
	expect_text(e, "tok-1_A", TEXT);
	/* The web server is another user. */
	assert_int_equal(scratch_mode(scratch_path(&e->scratch,
	    DIR "/tok-1_A")), 0644);
	assert_int_equal(scratch_mode(scratch_path(&e->scratch, DIR)), 0755);
	assert_int_equal(scratch_mode(scratch_path(&e->scratch,
	    "www/.well-known")), 0755);
	/* A run that is resumed. */
	assert_int_equal(webroot_add(w, "tok-1_A", TEXT, &err), 0);
	assert_int_equal(webroot_remove(w, "tok-1_A", TEXT, &err), 1);
	assert_false(is_there(e, "tok-1_A"));
	assert_int_equal(webroot_remove(w, "tok-1_A", TEXT, &err), 0);
	assert_int_equal(webroot_sync(w, &err), 0);
	webroot_close(w);
	assert_int_equal(scratch_count(&e->scratch, DIR "/*"), 0);
}

static void
test_bad_token(void **state)
{
	static const char *const tokens[] = { "../x", "a/b", "", ".", "a.b" };
	struct env *e = *state;
	struct webroot *w = opened(e);
	struct error err;

	scratch_write(scratch_path(&e->scratch, "www/.well-known/x"), "kept");
	for (size_t i = 0; i < N_ELEMENTS(tokens); i++) {
		assert_int_equal(webroot_add(w, tokens[i], TEXT, &err), -1);
		assert_string_equal(err.code, "http01:token");
		assert_int_equal(webroot_remove(w, tokens[i], "kept", &err),
		    0);
	}
	assert_int_equal(scratch_count(&e->scratch, "www/.well-known/x"), 1);
	webroot_close(w);
}

/* kill -9 while the file was made: only its temporary name is there. */
static void
test_crash(void **state)
{
	struct env *e = *state;
	struct webroot *w = opened(e);
	struct error err;

	scratch_write(scratch_path(&e->scratch, DIR "/.tok.tmp"), "to");
	assert_int_equal(webroot_remove(w, "tok", TEXT, &err), 0);
	assert_false(is_there(e, ".tok.tmp"));
	scratch_write(scratch_path(&e->scratch, DIR "/.tok.tmp"), "to");
	assert_int_equal(webroot_add(w, "tok", TEXT, &err), 0);
	expect_text(e, "tok", TEXT);
	assert_false(is_there(e, ".tok.tmp"));
	webroot_close(w);
}

static void
test_foreign(void **state)
{
	struct env *e = *state;
	struct webroot *w = opened(e);
	const char *target;
	struct error err;

	scratch_write(scratch_path(&e->scratch, DIR "/tok"), "theirs");
	assert_int_equal(webroot_add(w, "tok", TEXT, &err), -1);
	assert_string_equal(err.code, "http01:taken");
	assert_int_equal(webroot_remove(w, "tok", TEXT, &err), 0);
	expect_text(e, "tok", "theirs");
	/* Longer than ours, and beginning with it. */
	scratch_write(scratch_path(&e->scratch, DIR "/tok"), TEXT "x");
	assert_int_equal(webroot_remove(w, "tok", TEXT, &err), 0);
	assert_true(is_there(e, "tok"));
	/* A link to what would be ours, and a FIFO. */
	target = scratch_path(&e->scratch, "target");
	scratch_write(target, TEXT);
	assert_int_equal(symlink(target, scratch_path(&e->scratch,
	    DIR "/link")), 0);
	assert_int_equal(mkfifo(scratch_path(&e->scratch, DIR "/fifo"), 0600),
	    0);
	assert_int_equal(webroot_add(w, "link", TEXT, &err), -1);
	assert_int_equal(webroot_add(w, "fifo", TEXT, &err), -1);
	assert_int_equal(webroot_remove(w, "link", TEXT, &err), 0);
	assert_int_equal(webroot_remove(w, "fifo", TEXT, &err), 0);
	assert_true(is_there(e, "link"));
	assert_true(is_there(e, "fifo"));
	/* The temporary file goes through no link either. */
	assert_int_equal(symlink(target, scratch_path(&e->scratch,
	    DIR "/.new.tmp")), 0);
	assert_int_equal(webroot_add(w, "new", "other", &err), 0);
	expect_text(e, "new", "other");
	webroot_close(w);
	assert_int_equal(scratch_count(&e->scratch, "target"), 1);
}

static void
expect_refused(const char *path, bool is_new, const char *code,
    const char *text)
{
	struct error err;

	assert_null(webroot_open(path, is_new, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.code, code);
	if (strstr(err.msg, text) == NULL)
		fail_msg("%s", err.msg);
}

static void
test_refused(void **state)
{
	struct env *e = *state;

	expect_refused("/nonexistent/www", true, "http01:missing",
	    "/nonexistent/www: there is no such directory");
	expect_refused(e->root, false, "http01:missing", "/.well-known: ");
	scratch_write(scratch_path(&e->scratch, "file"), "");
	expect_refused(scratch_path(&e->scratch, "file"), true,
	    "http01:webroot", "is no directory");
	assert_int_equal(symlink("/tmp", scratch_path(&e->scratch,
	    "www/.well-known")), 0);
	expect_refused(e->root, true, "http01:webroot", "a symbolic link");
	assert_int_equal(scratch_count(&e->scratch, "www/*"), 0);
}

static void
test_no_permission(void **state)
{
	struct env *e = *state;
	struct webroot *w;
	struct error err;

	if (geteuid() == 0) {
		assert_int_equal(chmod(e->scratch.dir, 0755), 0);
		assert_int_equal(seteuid(65534), 0);
	} else {
		assert_int_equal(chmod(e->root, 0555), 0);
	}
	expect_refused(e->root, true, "http01:webroot", "may not write there");
	expect_refused(e->root, true, "http01:webroot", "install -d -o ");
	if (geteuid() != 0 && getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	assert_int_equal(chmod(e->root, 0755), 0);
	w = opened(e);
	assert_int_equal(webroot_add(w, "tok", TEXT, &err), 0);
	if (geteuid() == 0)
		assert_int_equal(seteuid(65534), 0);
	else
		assert_int_equal(chmod(scratch_path(&e->scratch, DIR), 0555),
		    0);
	assert_int_equal(webroot_remove(w, "tok", TEXT, &err), -1);
	assert_string_equal(err.code, "http01:webroot");
	assert_int_equal(webroot_add(w, "tok2", TEXT, &err), -1);
	assert_string_equal(err.code, "http01:webroot");
	if (getuid() == 0)
		assert_int_equal(seteuid(0), 0);
	else
		assert_int_equal(chmod(scratch_path(&e->scratch, DIR), 0755),
		    0);
	webroot_close(w);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens), TEST(test_file),
		TEST(test_bad_token), TEST(test_crash), TEST(test_foreign),
		TEST(test_refused), TEST(test_no_permission),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
