/* SPDX-License-Identifier: MIT */
/* Scripts as people write them, and what is said of those that cannot run. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"

static struct loop *loop;
static struct children *children;
static char dir[] = "/tmp/acmed-script-XXXXXX";
static char path[64];

static struct {
	bool		 is_over;
	struct error	 err;		/* ERR_NONE: it went well */
	char		 out[300];
} got;

static int
setup(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)text_printf(path, sizeof(path), "%s/hook", dir);
	loop = loop_new();
	children = children_new(loop);
	return 0;
}

static int
teardown(void **state)
{
	children_free(children);
	loop_free(loop);
	(void)unlink(path);
	return rmdir(dir);
}

static void
done_cb(const struct error *err, const struct child_reply *reply, void *arg)
{
	got.is_over = true;
	if (err != NULL) {
		got.err = *err;
		return;
	}
	(void)text_printf(got.out, sizeof(got.out), "%s", reply->out);
	(void)child_check(reply, path, &got.err);
}

static void
run(const char *text, size_t len)
{
	static const char *const env[] = { "PATH=/usr/bin:/bin", NULL };
	const char *argv[] = { path, "one", "two words", NULL };
	int64_t end = clock_mono_ms() + 20000;
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_int_equal(fwrite(text, 1, len, f), len);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, 0755), 0);
	memset(&got, 0, sizeof(got));
	(void)child_start(children, &(struct child_args){ .argv = argv,
	    .env = env, .dir = dir, .max_output = 300, .timeout_ms = 10000 },
	    done_cb, NULL);
	while (!got.is_over && clock_mono_ms() < end)
		loop_turn(loop);
	assert_true(got.is_over);
}

#define RUN(text) run(text, sizeof(text) - 1)

/* The error, with "FILE" for the path. */
static void
expect(enum err_kind kind, const char *want)
{
	char msg[600];
	const char *at, *rest = got.err.msg;
	size_t n = 0;

	msg[0] = '\0';
	while ((at = strstr(rest, path)) != NULL) {
		n += (size_t)snprintf(msg + n, sizeof(msg) - n, "%.*sFILE",
		    (int)(at - rest), rest);
		rest = at + strlen(path);
	}
	(void)snprintf(msg + n, sizeof(msg) - n, "%s", rest);
	assert_string_equal(msg, want);
	assert_int_equal(got.err.kind, kind);
}

static void
test_runs(void **state)
{
	char line[100];

	(void)text_printf(line, sizeof(line), "%s:2:two words\n%s\n", path,
	    dir);
	RUN("echo \"$0:$#:$2\"; pwd\n");
	expect(ERR_NONE, "");
	assert_string_equal(got.out, line);
	RUN("#! /bin/sh\necho \"$0:$#:$2\"; pwd");
	expect(ERR_NONE, "");
	assert_string_equal(got.out, line);
	RUN("");
	expect(ERR_NONE, "");
}

static void
test_cannot_run(void **state)
{
	RUN("#!/bin/sh\r\nexit 0\r\n");
	expect(ERR_CONFIG, "FILE: its interpreter /bin/sh\\r does not exist "
	    "(CRLF line ends? sed -i 's/\\r$//' FILE)");
	RUN("#!/usr/local/bin/bash5 -e\nexit 0\n");
	expect(ERR_CONFIG, "FILE: its interpreter /usr/local/bin/bash5 does "
	    "not exist");
	RUN("#!/etc/passwd\n");
	expect(ERR_CONFIG, "FILE: its interpreter /etc/passwd: Permission "
	    "denied");
	RUN("\xef\xbb\xbf#!/usr/bin/python3\nimport os\n");
	expect(ERR_CONFIG, "FILE: it begins with a byte order mark, which "
	    "hides its #!; sed -i '1s/^\\xEF\\xBB\\xBF//' FILE");
	RUN("\177ELF\2\1\1\0echo no\n");
	expect(ERR_CONFIG, "FILE: neither a script nor a program for this "
	    "machine");
}

/* Without a "#!", or with arguments in it, the CR reaches the interpreter. */
static void
test_cr_within(void **state)
{
	RUN("exit 3\r\n");
	assert_int_equal(got.err.kind, ERR_TRANSIENT);
	assert_non_null(strstr(got.err.msg, "(its lines end in CR LF: sed -i "
	    "'s/\\r$//' /tmp/"));
	RUN("#!/usr/bin/env sh\r\nexit 0\r\n");
	assert_int_equal(got.err.kind, ERR_TRANSIENT);
	assert_non_null(strstr(got.err.msg, "exited with status 127: "));
	assert_non_null(strstr(got.err.msg, "(its lines end in CR LF: "));
	RUN("#!/bin/sh\nexit 3\r\n");
	assert_null(strstr(got.err.msg, "(its lines"));
}

static bool
has_children(void)
{
	siginfo_t info;

	return waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0;
}

static void
nothing_cb(void *arg)
{
}

/* What programs leave behind is reaped; their own status is not lost. */
static void
test_reaper(void **state)
{
	int64_t end = clock_mono_ms() + 20000;
	struct timer t;

	timer_init(&t, loop, nothing_cb, NULL);
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 1), 0);
	for (int i = 0; i < 5; i++) {
		RUN("setsid sh -c 'sleep 0.05' >/dev/null 2>&1 & exit 7\n");
		expect(ERR_TRANSIENT, "FILE exited with status 7");
	}
	while (has_children() && clock_mono_ms() < end) {
		timer_set(&t, 100);	/* should no signal come */
		loop_turn(loop);
	}
	timer_clear(&t);
	assert_false(has_children());
	assert_int_equal(prctl(PR_SET_CHILD_SUBREAPER, 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_cannot_run),
		cmocka_unit_test(test_cr_within),
		cmocka_unit_test(test_reaper),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
