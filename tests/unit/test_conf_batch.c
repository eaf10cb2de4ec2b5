/* SPDX-License-Identifier: MIT */
/* What acmectl writes into the configuration, as acmed reads it. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "ctl/conf_batch.h"
#include "ctl/conf_text.h"
#include "ctl/spawn.h"
#include "daemon/config/conf.h"
#include "daemon/config/conf_read.h"
#include "tests/unit/scratch.h"

static void
report(enum conf_level level, const char *line, void *arg)
{
	if (level == CONF_MISTAKE)
		print_message("%s\n", line);
}

/* Whatever a value is, it is read back byte for byte. */
static void
test_quoting(void **state)
{
	static const char *const words[] = { "/bin/echo", "", "a b",
	    "quo\"te", "back\\slash", "\\n", "new\nline", "tab\tcr\resc\033",
	    "${HOME}", "# no comment", "/* nor this */", "{ a, b }", "'",
	    "b\303\274cher", "end\\", "\001\177", NULL };
	struct conf_text *t = conf_text_new("Written by\n\na test\r.");
	struct scratch s;
	struct conf *conf;
	char *text, *whole;

	conf_text_begin(t, "account", "a");
	conf_text_value(t, "directory", "letsencrypt-staging");
	conf_text_bool(t, "agree_tos", true);
	conf_text_value(t, "proxy", NULL);
	conf_text_list(t, "contact", NULL);
	conf_text_end(t);
	conf_text_begin(t, "certificate", "a.example.org");
	conf_text_value(t, "challenge", "http-01");
	conf_text_value(t, "webroot", "/");
	conf_text_begin(t, "deploy", "d");
	conf_text_comment(t, "what } is not { read");
	conf_text_list(t, "exec", words);
	conf_text_end(t);
	conf_text_end(t);
	text = conf_text_take(t);
	assert_ptr_equal(strstr(text, "# Written by\n#\n# a test .\n"
	    "account \"a\" {\n\tdirectory = \"letsencrypt-staging\"\n"), text);
	scratch_make(&s);
	whole = xasprintf("state_dir = \"%s\"\n%s", s.dir, text);
	scratch_write(scratch_path(&s, "acmed.conf"), whole);
	conf = conf_load(scratch_path(&s, "acmed.conf"), report, NULL);
	assert_non_null(conf);
	assert_true(conf->accounts[0]->agree_tos);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]) - 1; i++)
		assert_string_equal(conf->certs[0]->deploys[0]->exec[i],
		    words[i]);
	conf_unref(conf);
	free(whole);
	free(text);
	scratch_remove(&s);
}

static char *
read_text(const char *path)
{
	struct error err;
	char *text;
	size_t len;

	assert_int_equal(file_read(AT_FDCWD, path, 4096, &text, &len, &err),
	    0);
	return text;
}

static void
assert_absent(const char *path)
{
	assert_int_equal(access(path, F_OK), -1);
}

/* All or nothing, and nothing is written over. */
static void
test_batch(void **state)
{
	struct conf_batch *b, *again;
	struct scratch s;
	struct error err;
	const char *secret, *second;
	char *text;

	scratch_make(&s);
	b = conf_batch_new(scratch_path(&s, "none/acmed.conf"));
	assert_int_equal(conf_batch_may_write(b, &err), -1);
	assert_string_equal(err.code, "ctl:denied");
	conf_batch_free(b);
	b = conf_batch_new(scratch_path(&s, "acmed.conf"));
	assert_int_equal(conf_batch_may_write(b, &err), 0);
	secret = conf_batch_secret(b, "dns-key", "hush");
	assert_string_equal(secret, scratch_path(&s, "secrets/dns-key"));
	conf_batch_file(b, "account-a", xstrdup("one\n"));
	conf_batch_file(b, "b.example", xstrdup("two\n"));
	assert_null(conf_batch_text(b, 0));
	assert_string_equal(conf_batch_text(b, 2), "two\n");
	assert_null(conf_batch_path(b, 3));

	/* The last of them is there: none is written. */
	assert_int_equal(mkdir(scratch_path(&s, "conf.d"), 0755), 0);
	scratch_write(scratch_path(&s, "conf.d/b.example.conf"), "mine");
	assert_int_equal(conf_batch_write(b, &err), -1);
	assert_string_equal(err.code, "ctl:exists");
	assert_non_null(strstr(err.msg, "conf.d/b.example.conf"));
	assert_absent(secret);
	assert_int_equal(scratch_count(&s, "conf.d/*"), 1);
	assert_int_equal(scratch_count(&s, "conf.d/.*.conf*"), 0);
	text = read_text(scratch_path(&s, "conf.d/b.example.conf"));
	assert_string_equal(text, "mine");
	free(text);

	assert_int_equal(unlink(scratch_path(&s, "conf.d/b.example.conf")),
	    0);
	assert_int_equal(conf_batch_write(b, &err), 0);
	text = read_text(secret);
	assert_string_equal(text, "hush\n");
	free(text);
	assert_int_equal(scratch_mode(secret), 0600);
	assert_int_equal(scratch_mode(scratch_path(&s, "secrets")), 0700);
	assert_int_equal(scratch_mode(scratch_path(&s,
	    "conf.d/account-a.conf")), 0640);
	assert_int_equal(scratch_count(&s, "conf.d/*"), 2);
	assert_int_equal(scratch_count(&s, "secrets/*"), 1);

	/* Another secret of that name gets another one. */
	again = conf_batch_new(scratch_path(&s, "acmed.conf"));
	second = conf_batch_secret(again, "dns-key", "other");
	assert_string_equal(second, scratch_path(&s, "secrets/dns-key-2"));
	assert_string_equal(conf_batch_secret(again, "dns-key", "third"),
	    scratch_path(&s, "secrets/dns-key-3"));
	assert_int_equal(conf_batch_write(again, &err), 0);
	conf_batch_undo(again);
	conf_batch_free(again);
	assert_int_equal(scratch_count(&s, "secrets/*"), 1);

	conf_batch_undo(b);
	assert_int_equal(scratch_count(&s, "conf.d/*"), 0);
	assert_int_equal(scratch_count(&s, "secrets/*"), 0);
	conf_batch_free(b);
	scratch_remove(&s);
}

/* Whose secrets/ is may read the files, whatever group that directory has. */
static void
test_owner(void **state)
{
	const struct passwd *nobody = getpwnam("nobody");
	struct conf_batch *b;
	struct scratch s;
	struct error err;
	const char *secret, *path;
	struct stat st;

	if (geteuid() != 0 || nobody == NULL)
		skip();
	scratch_make(&s);
	assert_int_equal(mkdir(scratch_path(&s, "secrets"), 0700), 0);
	assert_int_equal(chown(scratch_path(&s, "secrets"), nobody->pw_uid,
	    0), 0);
	b = conf_batch_new(scratch_path(&s, "acmed.conf"));
	secret = conf_batch_secret(b, "key", "hush");
	path = conf_batch_file(b, "a", xstrdup("one\n"));
	assert_int_equal(conf_batch_write(b, &err), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_uid, 0);
	assert_int_equal(st.st_gid, nobody->pw_gid);
	assert_int_equal(stat(secret, &st), 0);
	assert_int_equal(st.st_uid, nobody->pw_uid);
	conf_batch_free(b);
	scratch_remove(&s);
}

static void
test_spawn(void **state)
{
	const char *good[] = { "sh", "-c", "echo out; echo err >&2; exit 3",
	    NULL };
	const char *killed[] = { "sh", "-c", "kill -9 $$", NULL };
	const char *none[] = { "/nowhere/at/all", NULL };
	struct error err;
	char *out = NULL;

	assert_int_equal(spawn_wait(good, &out, &err), 3);
	assert_string_equal(out, "out\nerr\n");
	free(out);
	assert_int_equal(spawn_wait(killed, &out, &err), 128 + 9);
	free(out);
	out = NULL;
	assert_int_equal(spawn_wait(none, &out, &err), -1);
	assert_string_equal(err.code, "ctl:spawn");
	assert_null(out);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_batch),
		cmocka_unit_test(test_owner),
		cmocka_unit_test(test_spawn),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
