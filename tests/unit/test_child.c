/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"

struct result {
	struct child_op	*op;
	int		 calls;
	bool		 ok;
	struct error	 err;		/* of start, or of child_check() */
	int		 status, signo;
	bool		 timed_out;
	char		 out[4096], errout[4096];
	size_t		 out_len;
	char		 lines[4096];	/* "o:line|" and "e:line|" */
	unsigned	 n_lines;
	char		 last[100];
	const char	*cancel_at;	/* this line */
};

static struct loop *loop;
static struct children *children;

static int
setup(void **state)
{
	loop = loop_new();
	children = children_new(loop);
	return 0;
}

static int
teardown(void **state)
{
	children_free(children);
	loop_free(loop);
	return 0;
}

static void
line_cb(const char *line, bool is_stderr, void *arg)
{
	struct result *r = arg;
	size_t used = strlen(r->lines);

	assert_int_equal(r->calls, 0);
	r->n_lines++;
	(void)text_printf(r->last, sizeof(r->last), "%s", line);
	(void)text_printf(r->lines + used, sizeof(r->lines) - used, "%c:%s|",
	    is_stderr ? 'e' : 'o', line);
	if (r->cancel_at != NULL && strcmp(line, r->cancel_at) == 0) {
		child_cancel(r->op);
		r->op = NULL;
	}
}

static void
done_cb(const struct error *err, const struct child_reply *reply, void *arg)
{
	struct result *r = arg;

	assert_non_null(r->op);
	r->op = NULL;
	r->calls++;
	if (err != NULL) {
		assert_null(reply);
		r->err = *err;
		return;
	}
	r->status = reply->status;
	r->signo = reply->signo;
	r->timed_out = reply->timed_out;
	r->out_len = reply->out_len;
	assert_int_equal(strlen(reply->errout), reply->errout_len);
	(void)text_printf(r->out, sizeof(r->out), "%s", reply->out);
	(void)text_printf(r->errout, sizeof(r->errout), "%s", reply->errout);
	r->ok = child_check(reply, "prog", &r->err) == 0;
}

static void
start(struct result *r, const struct child_args *args)
{
	r->op = child_start(children, args, done_cb, r);
	assert_int_equal(r->calls, 0);
}

static void
wait_for(struct result *r)
{
	int64_t end = clock_mono_ms() + 20000;

	while (r->calls == 0 && clock_mono_ms() < end)
		loop_turn(loop);
	assert_int_equal(r->calls, 1);
}

static void
stop_cb(void *arg)
{
	*(bool *)arg = true;
}

static void
turn_for(int64_t ms)
{
	struct timer t;
	bool stop = false;

	timer_init(&t, loop, stop_cb, &stop);
	timer_set(&t, ms);
	while (!stop)
		loop_turn(loop);
}

static const char *const sh_env[] = { "PATH=/usr/bin:/bin", "LANG=C", NULL };

#define SH(script) (const char *const []){ "/bin/sh", "-c", script, NULL }
#define ARGS(script) { .argv = SH(script), .env = sh_env, \
	.max_output = 1000, .timeout_ms = 10000, .line = line_cb }

static void
test_results(void **state)
{
	static const struct {
		const char *script;
		int status, signo;
		const char *out, *lines;
		const char *code, *msg;	/* NULL: success */
	} cases[] = {
		{ "echo a; echo b", 0, 0, "a\nb\n", "o:a|o:b|", NULL, NULL },
		{ "printf 'a\\n\\nb'", 0, 0, "a\n\nb", "o:a|o:|o:b|", NULL,
		    NULL },
		{ "exit 0", 0, 0, "", "", NULL, NULL },
		{ "exit 3", 3, 0, "", "", "child:status",
		    "prog exited with status 3" },
		{ "echo no >&2; echo 'why not' >&2; echo >&2; exit 4", 4, 0,
		    "", "e:no|e:why not|e:|", "child:status",
		    "prog exited with status 4: no | why not" },
		{ "printf 'a\\nb\\r\\n\\nc' >&2; exit 1", 1, 0, "",
		    "e:a|e:b|e:|e:c|", "child:status",
		    "prog exited with status 1: b | c" },
		{ "echo only >&2; exit 1", 1, 0, "", "e:only|",
		    "child:status", "prog exited with status 1: only" },
		{ "kill -9 $$", -1, 9, "", "", "child:signal",
		    "prog was ended by signal 9 (Killed)" },
		{ "printf '\\033[31mred\\r\\n'", 0, 0, "\x1b[31mred\r\n",
		    "o: [31mred|", NULL, NULL },
		{ "cat", 0, 0, "", "", NULL, NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct child_args args = ARGS(cases[i].script);
		struct result r = { 0 };

		start(&r, &args);
		wait_for(&r);
		assert_int_equal(r.status, cases[i].status);
		assert_int_equal(r.signo, cases[i].signo);
		assert_false(r.timed_out);
		assert_string_equal(r.out, cases[i].out);
		assert_string_equal(r.lines, cases[i].lines);
		assert_int_equal(r.ok, cases[i].code == NULL);
		if (r.ok)
			continue;
		assert_string_equal(r.err.code, cases[i].code);
		assert_string_equal(r.err.msg, cases[i].msg);
		assert_int_equal(r.err.kind, ERR_TRANSIENT);
	}
}

static void
test_output_cap(void **state)
{
	/* 900,000 bytes: they must be read, or it would never end. */
	struct child_args args = ARGS("i=0; while [ $i -lt 9000 ]; do "
	    "echo 1234567890123456789012345678901234567890123456789"
	    "12345678901234567890123456789012345678901234567890; "
	    "i=$((i+1)); done; echo e >&2");
	struct result r = { 0 };

	args.line = NULL;
	start(&r, &args);
	wait_for(&r);
	assert_true(r.ok);
	assert_int_equal(r.out_len, 1000);
	assert_string_equal(r.errout, "e\n");
}

/* A line longer than the buffer is cut, and the next one is whole. */
static void
test_long_line(void **state)
{
	struct child_args args = ARGS("printf '%09000d\\nnext\\n' 7");
	struct result r = { 0 };

	start(&r, &args);
	wait_for(&r);
	assert_true(r.ok);
	assert_int_equal(strncmp(r.lines, "o:000", 5), 0);
	assert_int_equal(strlen(r.lines), sizeof(r.lines) - 1);
}

/* Somebody would have to keep them all. */
static void
test_many_lines(void **state)
{
	struct child_args args = ARGS("yes | head -n 100000");
	struct result r = { 0 };

	start(&r, &args);
	wait_for(&r);
	assert_true(r.ok);
	assert_int_equal(r.n_lines, CHILD_LINES_MAX + 1);
	assert_non_null(strstr(r.last, "more output"));
}

static void
test_not_started(void **state)
{
	static const char *const names[] = { "/nonexistent/prog",
	    "no-such-program", "/etc/passwd", "/etc", "" };
	static const char *const whys[] = { "there is no program /nonexist",
	    "no-such-program in the search path",
	    "is not executable: chmod +x /etc/passwd",
	    "/etc is a directory", "" };
	char script[] = "/tmp/acmed-test-child-XXXXXX";
	int fd = mkstemp(script);
	struct result r;

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		const char *argv[] = { names[i], NULL };
		struct child_args args = { .argv = argv, .env = sh_env,
		    .timeout_ms = 1000 };

		memset(&r, 0, sizeof(r));
		start(&r, &args);
		wait_for(&r);
		assert_string_equal(r.err.code, "child:exec");
		assert_int_equal(r.err.kind, ERR_CONFIG);
		assert_non_null(strstr(r.err.msg, names[i]));
		assert_non_null(strstr(r.err.msg, whys[i]));
		/* Cancelled before that could be told. */
		memset(&r, 0, sizeof(r));
		start(&r, &args);
		child_cancel(r.op);
		turn_for(2);
		assert_int_equal(r.calls, 0);
	}
	/* Executable, but the kernel knows no interpreter for it. */
	assert_int_not_equal(fd, -1);
	assert_int_equal(write(fd, "text\n", 5), 5);
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
	memset(&r, 0, sizeof(r));
	{
		const char *argv[] = { script, NULL };
		struct child_args args = { .argv = argv, .timeout_ms = 5000 };

		start(&r, &args);
		wait_for(&r);
	}
	unlink(script);
	/* Under valgrind it starts, and exits with 127. */
	if (r.err.kind != ERR_TRANSIENT)
		assert_string_equal(r.err.code, "child:exec");
}

static void
test_path(void **state)
{
	static const char *const argv[] = { "sh", "-c", "echo $0 ok", NULL };
	static const char *const elsewhere[] = { "PATH=/nonexistent:.", NULL };
	struct child_args args = { .argv = argv, .env = sh_env,
	    .max_output = 100, .timeout_ms = 5000 };
	struct result r = { 0 };

	start(&r, &args);
	wait_for(&r);
	assert_string_equal(r.out, "sh ok\n");
	/* The PATH of its environment counts, not ours. */
	args.env = elsewhere;
	memset(&r, 0, sizeof(r));
	start(&r, &args);
	wait_for(&r);
	assert_string_equal(r.err.code, "child:exec");
	args.env = NULL;
	memset(&r, 0, sizeof(r));
	start(&r, &args);
	wait_for(&r);
	assert_true(r.ok);
}

static void
test_timeout(void **state)
{
	/* Time enough for the trap to be set and to run on a busy machine. */
	static const struct {
		const char	*script;
		unsigned	 timeout_ms, grace_ms;
		int		 signo;
	} cases[] = {
		{ "echo up; exec sleep 100", 60, 10000, SIGTERM },
		/* It ignores TERM, and so does what it started. */
		{ "trap '' TERM; echo up; sleep 100; sleep 100", 1000, 40,
		    SIGKILL },
		{ "trap 'exit 0' TERM; echo up; while :; do sleep .01; done",
		    1000, 10000, 0 },
		{ "kill -STOP $$", 60, 10000, SIGTERM },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct child_args args = ARGS(cases[i].script);
		struct result r = { 0 };

		args.timeout_ms = cases[i].timeout_ms;
		args.grace_ms = cases[i].grace_ms;
		start(&r, &args);
		wait_for(&r);
		assert_true(r.timed_out);
		assert_int_equal(r.signo, cases[i].signo);
		assert_false(r.ok);
		assert_string_equal(r.err.code, "child:timeout");
	}
}

/* Is anybody in that process group, apart from those already dead? */
static bool
is_alive(pid_t pid)
{
	char path[64], state[512] = "";
	int fd;
	ssize_t n;

	(void)text_printf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if ((fd = open(path, O_RDONLY)) == -1)
		return false;
	n = read(fd, state, sizeof(state) - 1);
	close(fd);
	if (n <= 0)
		return false;
	return strstr(state, ") Z") == NULL;
}

static bool
dies_soon(pid_t pid)
{
	for (int i = 0; i < 200 && is_alive(pid); i++)
		turn_for(5);
	return !is_alive(pid);
}

static int
number(const char *s)
{
	return (int)strtol(s, NULL, 10);
}

/* After a time-out nothing of the group is left, even if the leader obeyed. */
static void
test_timeout_kills_group(void **state)
{
	struct child_args args = ARGS("(trap '' TERM; exec sleep 100) & "
	    "echo $!; wait");
	struct result r = { 0 };

	args.timeout_ms = 1000;
	start(&r, &args);
	wait_for(&r);
	assert_true(r.timed_out);
	assert_true(number(r.out) > 0);
	assert_true(dies_soon(number(r.out)));
}

static void
test_grandchild_holds_pipe(void **state)
{
	struct child_args args = ARGS("sleep 30 & echo $!");
	int64_t begin = clock_mono_ms();
	struct result r = { 0 };

	start(&r, &args);
	wait_for(&r);
	assert_true(r.ok);
	assert_true(clock_mono_ms() - begin < 9000);
	/* It was wanted, as far as we know. */
	assert_true(is_alive(number(r.out)));
	assert_int_equal(kill(number(r.out), SIGKILL), 0);
}

static void
test_cancel(void **state)
{
	struct child_args args = ARGS("sleep 100 & echo $!; wait");
	struct result r = { 0 };
	pid_t pid;

	child_cancel(NULL);
	start(&r, &args);
	child_cancel(r.op);		/* at once */
	turn_for(5);
	assert_int_equal(r.calls, 0);
	memset(&r, 0, sizeof(r));
	start(&r, &args);
	while (r.lines[0] == '\0')
		loop_turn(loop);
	pid = number(r.lines + 2);
	assert_true(is_alive(pid));
	child_cancel(r.op);		/* midway */
	assert_true(dies_soon(pid));
	turn_for(5);
	assert_int_equal(r.calls, 0);
}

static void
test_cancel_from_line(void **state)
{
	static const char *const scripts[] = {
		"echo one; echo two; echo three; sleep 100",
		/* The second in what is read after its end. */
		"echo one; printf two",
	};

	for (size_t i = 0; i < N_ELEMENTS(scripts); i++) {
		struct child_args args = ARGS(scripts[i]);
		struct result r = { .cancel_at = "two" };

		start(&r, &args);
		while (r.op != NULL)
			loop_turn(loop);
		turn_for(5);
		assert_int_equal(r.calls, 0);
		assert_string_equal(r.lines, "o:one|o:two|");
	}
}

static void
test_input(void **state)
{
	enum { LEN = 1000000 };
	char *input = malloc(LEN);
	struct child_args args = ARGS("wc -c");
	struct result r = { 0 };

	assert_non_null(input);
	memset(input, 'i', LEN);
	args.input = input;
	args.input_len = LEN;
	start(&r, &args);
	memset(input, 'X', LEN);	/* it was copied */
	wait_for(&r);
	assert_int_equal(number(r.out), LEN);
	/* One that does not read it, and one that reads a part. */
	for (int i = 0; i < 2; i++) {
		struct child_args some = ARGS(i == 1 ? "head -c 5" : "exit 0");

		some.input = input;
		some.input_len = LEN;
		memset(&r, 0, sizeof(r));
		start(&r, &some);
		wait_for(&r);
		assert_true(r.ok);
		assert_string_equal(r.out, i == 1 ? "XXXXX" : "");
	}
	free(input);
}

static void
test_clean_start(void **state)
{
	static const char *const env[] = { "ONLY=this", NULL };
	static const char *const env_argv[] = { "/usr/bin/env", NULL };
	/* Its own number, its group's, ignored and blocked signals. */
	static const char script[] = "ls /proc/self/fd; set -- "
	    "$(cat /proc/$$/stat); echo $1 $5; "
	    "grep -E 'Sig(Ign|Blk)' /proc/self/status";
	struct child_args args = { .argv = env_argv, .env = env,
	    .max_output = 1000, .timeout_ms = 10000 };
	struct result r = { 0 };
	sigset_t set, old;
	unsigned long blocked, ignored;
	int fd, pid, group;

	start(&r, &args);
	wait_for(&r);
	assert_string_equal(r.out, "ONLY=this\n");
	assert_int_equal(setenv("ACMED_TEST_LEAK", "1", 1), 0);
	args.env = NULL;
	memset(&r, 0, sizeof(r));
	start(&r, &args);
	wait_for(&r);
	assert_string_equal(r.out, "");

	fd = open("/dev/null", O_RDONLY);	/* without O_CLOEXEC */
	assert_int_equal(dup2(fd, 77), 77);
	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGUSR1);
	(void)sigprocmask(SIG_BLOCK, &set, &old);
	args.argv = SH(script);
	args.env = sh_env;
	memset(&r, 0, sizeof(r));
	start(&r, &args);
	wait_for(&r);
	(void)sigprocmask(SIG_SETMASK, &old, NULL);
	close(fd);
	close(77);
	assert_int_equal(strncmp(r.out, "0\n1\n2\n3\n", 8), 0);
	assert_int_equal(sscanf(r.out + 8,
	    "%d %d SigBlk: %lx SigIgn: %lx", &pid, &group, &blocked,
	    &ignored), 4);
	assert_int_equal(pid, group);
	assert_int_equal(blocked, 0);
	/* glibc's posix_spawn() ignores its own 32 and 33. */
	assert_int_equal(ignored & 0x7fffffff, 0);
}

/* Many at once, ending together: none is overlooked. */
static void
test_many(void **state)
{
	enum { N = 20 };
	static struct result r[N];
	struct child_args args = ARGS("sleep .05; exit 7");

	memset(r, 0, sizeof(r));
	for (int i = 0; i < N; i++)
		start(&r[i], &args);
	for (int i = 0; i < N; i++) {
		wait_for(&r[i]);
		assert_int_equal(r[i].status, 7);
	}
}

/* Nothing stays open: pipes, processes. */
static void
test_no_leaks(void **state)
{
	struct dirent *e;
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)) != NULL)
		n++;
	closedir(d);
	assert_in_range(n, 1, 20);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_results), T(test_output_cap), T(test_long_line),
		T(test_many_lines),
		T(test_not_started), T(test_path), T(test_timeout),
		T(test_timeout_kills_group), T(test_grandchild_holds_pipe),
		T(test_cancel), T(test_cancel_from_line), T(test_input),
		T(test_clean_start), T(test_many), T(test_no_leaks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
