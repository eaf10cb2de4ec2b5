/* SPDX-License-Identifier: MIT */
/* Directories of hooks: which are run, in which order, with what. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/hooks.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"
#include "tests/unit/scratch.h"

#define PATIENCE_MS 300

struct rig {
	struct scratch	 scratch;
	struct loop	*loop;
	struct children	*children;
	struct hooks	*hooks;
	struct conf_cert cert;
	struct conf_name names[2];
	struct hooks_args args;
	struct gate	*gate;
	struct hooks_op	*op;
	int		 calls;
	struct error	 err;
	char		 lines[2048];
};

static char cert_name[] = "a", name_a[] = "a.test", name_wild[] = "*.a.test";

static void
line_cb(const char *line, void *arg)
{
	struct rig *r = arg;
	size_t used = strlen(r->lines);

	(void)text_printf(r->lines + used, sizeof(r->lines) - used, "%s\n",
	    line);
}

static int
setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));

	scratch_make(&r->scratch);
	assert_int_equal(mkdir(scratch_path(&r->scratch, "deploy.d"), 0755),
	    0);
	assert_int_equal(mkdir(scratch_path(&r->scratch, "post.d"), 0755), 0);
	r->loop = loop_new();
	r->children = children_new(r->loop);
	r->gate = gate_new(&(struct gate_args){ .loop = r->loop });
	r->hooks = hooks_new(r->loop, r->children, r->gate, PATIENCE_MS);
	r->names[0].name = name_a;
	r->names[1].name = name_wild;
	r->cert.name = cert_name;
	r->cert.names = r->names;
	r->cert.n_names = 2;
	r->args = (struct hooks_args){ .when = HOOKS_DEPLOY,
	    .dir = r->scratch.dir, .cert = &r->cert,
	    .live_dir = "/var/lib/acmed/live/a", .serial = "01",
	    .line = line_cb };
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	hooks_free(r->hooks);
	gate_free(r->gate);
	children_free(r->children);
	loop_free(r->loop);
	scratch_remove(&r->scratch);
	free(r);
	return 0;
}

/* A hook that writes its name to "log" and then does what script says. */
static void
hook(struct rig *r, const char *name, mode_t mode, const char *script)
{
	char *text = xasprintf("#!/bin/sh\necho ${0##*/} >>%s/log\n%s\n",
	    r->scratch.dir, script);

	scratch_write(scratch_path(&r->scratch, "%s", name), text);
	assert_int_equal(chmod(scratch_path(&r->scratch, "%s", name), mode),
	    0);
	free(text);
}

static void
done_cb(const struct error *err, void *arg)
{
	struct rig *r = arg;

	r->op = NULL;
	r->calls++;
	r->err.kind = ERR_NONE;
	if (err != NULL)
		r->err = *err;
}

static void
wait_for(struct rig *r, int calls)
{
	int64_t end = clock_mono_ms() + 10000;

	while (r->calls < calls) {
		assert_true(clock_mono_ms() < end);
		loop_turn(r->loop);
	}
}

static void
wake_cb(void *arg)
{
	*(bool *)arg = true;
}

static void
pass(struct rig *r, int64_t ms)
{
	bool is_over = false;
	struct timer t;

	timer_init(&t, r->loop, wake_cb, &is_over);
	timer_set(&t, ms);
	while (!is_over)
		loop_turn(r->loop);
}

/* Until a hook has written its name: the shell makes the file before that. */
static void
wait_for_log(struct rig *r)
{
	int64_t end = clock_mono_ms() + 10000;
	struct stat st;

	while (stat(scratch_path(&r->scratch, "log"), &st) == -1 ||
	    st.st_size == 0) {
		assert_true(clock_mono_ms() < end);
		pass(r, 2);
	}
}

static void
run(struct rig *r, enum hooks_when when)
{
	r->args.when = when;
	r->calls = 0;
	r->lines[0] = '\0';
	r->op = hooks_start(r->hooks, &r->args, done_cb, r);
	assert_int_equal(r->calls, 0);
	wait_for(r, 1);
}

/* The file is gone afterwards; "" if there is none. */
static void
expect_file(struct rig *r, const char *name, const char *want)
{
	struct error err;
	size_t len;
	char *text;

	if (file_read(-1, scratch_path(&r->scratch, "%s", name), 65536, &text,
	    &len, &err) == -1) {
		assert_string_equal(want, "");
		return;
	}
	assert_string_equal(text, want);
	free(text);
	(void)unlink(scratch_path(&r->scratch, "%s", name));
}

static void
expect_err(const struct rig *r, enum err_kind kind, const char *code,
    const char *part)
{
	assert_int_equal(r->err.kind, kind);
	assert_string_equal(r->err.code, code);
	if (strstr(r->err.msg, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, r->err.msg);
}

static void
test_order(void **state)
{
	struct rig *r = *state;

	hook(r, "deploy.d/20-b", 0755, "");
	hook(r, "deploy.d/10-a", 0700, "echo a line");
	hook(r, "deploy.d/Z", 0755, "");
	hook(r, "deploy.d/a~", 0755, "");
	hook(r, "deploy.d/README", 0644, "");
	hook(r, "elsewhere", 0755, "");
	assert_int_equal(symlink("../elsewhere",
	    scratch_path(&r->scratch, "deploy.d/30-c")), 0);
	assert_int_equal(symlink("/nowhere",
	    scratch_path(&r->scratch, "deploy.d/40-d")), 0);
	assert_int_equal(mkdir(scratch_path(&r->scratch, "deploy.d/50"),
	    0755), 0);
	run(r, HOOKS_DEPLOY);
	assert_int_equal(r->err.kind, ERR_NONE);
	expect_file(r, "log", "10-a\n20-b\n30-c\nZ\n");
	assert_non_null(strstr(r->lines, "deploy.d/10-a\na line\nrunning "));
	assert_non_null(strstr(r->lines, "README is not executable"));
}

static void
test_environment(void **state)
{
	static const struct {
		enum hooks_when	 when;
		const char	*want;
	} cases[] = {
		{ HOOKS_DEPLOY, "RENEWED_DOMAINS=a.test *.a.test\n"
		    "RENEWED_LINEAGE=/var/lib/acmed/live/a\n" },
		{ HOOKS_POST_RENEWED, "FAILED_DOMAINS=\n"
		    "RENEWED_DOMAINS=a.test *.a.test\n"
		    "RENEWED_LINEAGE=/var/lib/acmed/live/a\n" },
		{ HOOKS_POST_FAILED, "FAILED_DOMAINS=a.test *.a.test\n"
		    "FAILED_LINEAGE=/var/lib/acmed/live/a\n"
		    "RENEWED_DOMAINS=\n" },
		{ HOOKS_PRE, "" },
	};
	struct rig *r = *state;
	char *script = xasprintf("env | grep -E '^(RENEWED|FAILED)_' | sort "
	    ">%s/env; test \"$ACMED_NAME\" = a", r->scratch.dir);

	assert_int_equal(mkdir(scratch_path(&r->scratch, "pre.d"), 0755), 0);
	hook(r, "deploy.d/x", 0755, script);
	hook(r, "post.d/x", 0755, script);
	hook(r, "pre.d/x", 0755, script);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		run(r, cases[i].when);
		if (r->err.kind != ERR_NONE)
			fail_msg("%s", r->err.msg);
		expect_file(r, "env", cases[i].want);
	}
	free(script);
}

static void
test_failures(void **state)
{
	struct rig *r = *state;
	char *from;

	hook(r, "deploy.d/1", 0755, "echo no disk >&2; exit 3");
	hook(r, "deploy.d/2", 0755, "");
	run(r, HOOKS_DEPLOY);
	expect_err(r, ERR_TRANSIENT, "deploy:hooks",
	    "deploy.d/1 exited with status 3: no disk");
	expect_file(r, "log", "1\n2\n");
	hook(r, "deploy.d/2", 0755, "exit 4");
	run(r, HOOKS_DEPLOY);
	expect_err(r, ERR_TRANSIENT, "deploy:hooks",
	    "2 hooks failed; the first: ");
	expect_file(r, "log", "1\n2\n");
	/* So it is before a renewal. */
	from = xstrdup(scratch_path(&r->scratch, "deploy.d"));
	assert_int_equal(rename(from, scratch_path(&r->scratch, "pre.d")), 0);
	free(from);
	run(r, HOOKS_PRE);
	expect_err(r, ERR_TRANSIENT, "hooks:pre",
	    "2 hooks failed; the first: ");
	expect_file(r, "log", "1\n2\n");
	/* No directory, no hooks. */
	run(r, HOOKS_DEPLOY);
	assert_int_equal(r->err.kind, ERR_NONE);
	/* Not a program. */
	scratch_write(scratch_path(&r->scratch, "post.d/x"), "no #!");
	assert_int_equal(chmod(scratch_path(&r->scratch, "post.d/x"), 0755),
	    0);
	run(r, HOOKS_POST_FAILED);
	/* valgrind knows only of its exit status, 127. */
	assert_string_equal(r->err.code, "hooks:post");
	assert_non_null(strstr(r->err.msg, "post.d/x"));
}

/* What others can write to is not run, and that is no success. */
static void
test_unsafe(void **state)
{
	struct rig *r = *state;

	hook(r, "deploy.d/1", 0775, "");
	hook(r, "deploy.d/2", 0757, "");
	hook(r, "deploy.d/3", 0755, "");
	run(r, HOOKS_DEPLOY);
	expect_err(r, ERR_CONFIG, "deploy:hooks", "2 hooks failed; the first");
	expect_err(r, ERR_CONFIG, "deploy:hooks", "deploy.d/1 is not run");
	assert_non_null(strstr(r->lines, "deploy.d/2 is not run"));
	expect_file(r, "log", "3\n");
	if (geteuid() == 0) {
		assert_int_equal(chmod(scratch_path(&r->scratch,
		    "deploy.d/1"), 0755), 0);
		assert_int_equal(unlink(scratch_path(&r->scratch,
		    "deploy.d/2")), 0);
		assert_int_equal(chown(scratch_path(&r->scratch,
		    "deploy.d/1"), 65534, 0), 0);
		run(r, HOOKS_DEPLOY);
		expect_err(r, ERR_CONFIG, "deploy:hooks", "deploy.d/1 is not");
		expect_file(r, "log", "3\n");
	}
	assert_int_equal(chmod(scratch_path(&r->scratch, "deploy.d"), 0777),
	    0);
	run(r, HOOKS_DEPLOY);
	expect_err(r, ERR_CONFIG, "deploy:hooks", "no hook is run");
	expect_file(r, "log", "");
}

/* certbot's hooks do not expect to run beside themselves. */
static void
test_one_at_a_time(void **state)
{
	struct rig *r = *state;
	struct hooks_op *ops[3];

	hook(r, "deploy.d/1", 0755, "sleep .03; echo end >>${0%/*}/../log");
	for (size_t i = 0; i < N_ELEMENTS(ops); i++)
		ops[i] = hooks_start(r->hooks, &r->args, done_cb, r);
	hooks_cancel(ops[1]);
	wait_for(r, 2);
	expect_file(r, "log", "1\nend\n1\nend\n");
	/* The one that runs is cancelled: the next begins. */
	hook(r, "deploy.d/1", 0755, "sleep .1; echo end >>${0%/*}/../log");
	r->calls = 0;
	for (size_t i = 0; i < 2; i++)
		ops[i] = hooks_start(r->hooks, &r->args, done_cb, r);
	wait_for_log(r);
	hooks_cancel(ops[0]);
	hooks_cancel(NULL);
	wait_for(r, 1);
	expect_file(r, "log", "1\n1\nend\n");
}

/* One that takes its time holds the others up for a while only, and a renewal
 * that waits for its pre hooks goes first. */
static void
test_patience(void **state)
{
	struct rig *r = *state;
	struct hooks_op *slow, *next;

	assert_int_equal(mkdir(scratch_path(&r->scratch, "pre.d"), 0755), 0);
	hook(r, "pre.d/0", 0755, "");
	hook(r, "deploy.d/1", 0755, "sleep 100");
	slow = hooks_start(r->hooks, &r->args, done_cb, r);
	wait_for_log(r);
	next = hooks_start(r->hooks, &r->args, done_cb, r);
	r->args.when = HOOKS_PRE;
	(void)hooks_start(r->hooks, &r->args, done_cb, r);
	wait_for(r, 1);
	hooks_cancel(next);
	expect_file(r, "log", "1\n0\n");
	hooks_cancel(slow);
}

static void
test_step(void **state)
{
	struct rig *r = *state;
	struct deploy_env env = { .hooks = r->hooks };
	struct conf_deploy target = { .hooks_dir = NULL };
	struct deploy_args args = { .env = &env, .cert = &r->cert,
	    .target = &target, .live_dir = "/x", .serial = "01" };

	assert_false(deploy_hooks.is_wanted(&args));
	target.hooks_dir = r->scratch.dir;
	assert_true(deploy_hooks.is_wanted(&args));
	hook(r, "deploy.d/1", 0755, "exit 1");
	deploy_hooks.cancel(deploy_hooks.start(&args, done_cb, r));
	(void)deploy_hooks.start(&args, done_cb, r);
	wait_for(r, 1);
	expect_err(r, ERR_TRANSIENT, "deploy:hooks", "deploy.d/1");
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_order),
		TEST(test_environment),
		TEST(test_failures),
		TEST(test_unsafe),
		TEST(test_one_at_a_time),
		TEST(test_patience),
		TEST(test_step),
	};

	return cmocka_run_group_tests_name("hooks", tests, NULL, NULL);
}
