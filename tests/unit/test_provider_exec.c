/* SPDX-License-Identifier: MIT */
/* Provider exec, with real programs: shell scripts in a scratch folder. */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/text.h"
#include "common/whoami.h"
#include "tests/unit/rig.h"

#define FQDN "_acme-challenge.example.test"

extern const struct provider provider_exec;

static struct rig rig;
static struct rig_run run;
static char dir[] = "/tmp/acmed-exec-XXXXXX";
static char program[64], log_path[64], file[64];

static void
write_file(const char *path, const char *text, mode_t mode)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
	assert_int_equal(chmod(path, mode), 0);
}

/* The program: its arguments and variables into the log, then body. */
static void
script(const char *body)
{
	char text[2000];

	(void)text_printf(text, sizeof(text), "#!/bin/sh\n"
	    "{ echo \"$0:$#:$*\"; env | LC_ALL=C sort; } >> %s\n%s\n",
	    log_path, body);
	write_file(program, text, 0755);
	(void)unlink(log_path);
}

/* Does the log have that line? */
static bool
logged(const char *line)
{
	char *text, want[300];
	size_t len;
	struct error err;
	bool found;

	if (file_read(AT_FDCWD, log_path, 100000, &text, &len, &err) == -1)
		return false;
	(void)text_printf(want, sizeof(want), "%s\n", line);
	found = strncmp(text, want, strlen(want)) == 0;
	(void)text_printf(want, sizeof(want), "\n%s\n", line);
	found = found || strstr(text, want) != NULL;
	free(text);
	return found;
}

static void
call_line(char out[300], const char *rest)
{
	(void)text_printf(out, 300, "%s:%s", program, rest);
}

static int
setup(void **state)
{
	rig_init(&rig, &provider_exec);
	rig_set(&rig, "program", program);
	return 0;
}

static int
teardown(void **state)
{
	rig_clear(&rig);
	return 0;
}

static int
setup_dir(void **state)
{
	if (mkdtemp(dir) == NULL)
		return -1;
	(void)text_printf(program, sizeof(program), "%s/hook", dir);
	(void)text_printf(log_path, sizeof(log_path), "%s/log", dir);
	(void)text_printf(file, sizeof(file), "%s/env", dir);
	return 0;
}

static int
teardown_dir(void **state)
{
	(void)unlink(program);
	(void)unlink(log_path);
	(void)unlink(file);
	return rmdir(dir);
}

static void
go(bool is_add, const char *const *values, const char *const *handles)
{
	rig_do(&rig, &run, is_add, FQDN, "example.test", values, handles);
}

static void
expect_call(const char *rest)
{
	char line[300];

	call_line(line, rest);
	if (!logged(line))
		fail_msg("not called as %s", line);
}

static void
test_acmed(void **state)
{
	script("echo; echo '  id 17  '; echo more");
	assert_int_equal(setenv("ACMED_TEST_LEAK", "1", 1), 0);
	go(true, VALUES("value-a", "-value-b"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	expect_call("3:add " FQDN " value-a");
	expect_call("3:add " FQDN " -value-b");
	assert_true(logged("ACMED_ACTION=add"));
	assert_true(logged("ACMED_FQDN=" FQDN));
	assert_true(logged("ACMED_ZONE=example.test"));
	assert_true(logged("ACMED_VALUE=value-a"));
	assert_true(logged("ACMED_CERT=cert1"));
	assert_true(logged("ACMED_IDENTIFIER=example.test"));
	assert_false(logged("ACMED_TEST_LEAK=1"));
	assert_string_equal(run.handles[0], "id 17");
	script("");
	go(false, VALUES("value-a"), VALUES("id 17"));
	assert_int_equal(run.err.kind, ERR_NONE);
	expect_call("3:remove " FQDN " value-a");
	assert_true(logged("ACMED_ACTION=remove"));
	assert_true(logged("ACMED_HANDLE=id 17"));
}

static void
test_lego(void **state)
{
	script("");
	rig_set(&rig, "mode", "lego");
	go(true, VALUES("v"), NULL);
	go(false, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	expect_call("3:present " FQDN ". v");
	expect_call("3:cleanup " FQDN ". v");
}

static void
test_certbot(void **state)
{
	script("echo record-5");
	rig_set(&rig, "mode", "certbot");
	rig_set(&rig, "cleanup_program", program);
	go(true, VALUES("v", "w"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	expect_call("0:");
	assert_true(logged("CERTBOT_DOMAIN=example.test"));
	assert_true(logged("CERTBOT_IDENTIFIER=example.test"));
	assert_true(logged("CERTBOT_VALIDATION=v"));
	assert_true(logged("CERTBOT_REMAINING_CHALLENGES=1"));
	assert_true(logged("CERTBOT_REMAINING_CHALLENGES=0"));
	assert_false(logged("CERTBOT_AUTH_OUTPUT="));
	assert_true(logged("CERTBOT_ALL_DOMAINS=example.test"));
	assert_false(logged("CERTBOT_TOKEN="));
	go(false, VALUES("v"), VALUES(run.handles[0]));
	assert_true(logged("CERTBOT_AUTH_OUTPUT=record-5"));
}

/* As jq prints it, and printed by one that fails, or is killed. */
static void
test_certbot_output(void **state)
{
	static const char json[] = "{\n  \"id\": 7,\n  \"name\": \"a b\"\n}";
	static const char *const ends[] = { "exit 0", "exit 1", "kill -9 $$",
	    "exec sleep 30" };
	char body[300], want[100];

	rig_set(&rig, "mode", "certbot");
	rig_set(&rig, "cleanup_program", program);
	rig_set(&rig, "timeout", "1s");
	(void)text_printf(want, sizeof(want), "GOT=%s", json);
	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		(void)text_printf(body, sizeof(body), "echo; echo '%s '; echo; "
		    "%s", json, ends[i]);
		script(body);
		go(true, VALUES("v"), NULL);
		assert_int_equal(run.err.kind, i == 0 ? ERR_NONE :
		    ERR_TRANSIENT);
		assert_string_equal(run.handles[0], json);
		(void)text_printf(body, sizeof(body), "echo "
		    "\"GOT=$CERTBOT_AUTH_OUTPUT\" >> %s", log_path);
		script(body);
		go(false, VALUES("v"), VALUES(run.handles[0]));
		assert_true(logged(want));
	}
	/* All of it, up to a bound. */
	script("head -c 3000 /dev/zero | tr '\\0' x; echo; echo end");
	go(true, VALUES("v"), NULL);
	assert_string_equal(run.handles[0] + 3000, "\nend");
}

static void
test_raw(void **state)
{
	rig_set(&rig, "mode", "lego-raw");
	script("echo noise");
	go(true, VALUES("v"), VALUES("tok_en-1.thumb-print"));
	assert_int_equal(run.err.kind, ERR_NONE);
	expect_call("5:present -- example.test tok_en-1 tok_en-1.thumb-print");
	assert_string_equal(run.handles[0], "tok_en-1.thumb-print");
	go(false, VALUES("v"), VALUES(run.handles[0]));
	expect_call("5:cleanup -- example.test tok_en-1 tok_en-1.thumb-print");
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.code, "exec:raw");
	assert_true(provider_exec.wants_key_auth(rig.conf.values));
}

/*
 * Names of one order, by a program that must not run twice at once.  The time
 * that a run has counts from its turn on, by the option.
 */
static void
one_by_one(const char *mode)
{
	static const char *const names[] = { "a.example.test",
	    "b.example.test", "c.example.test" };
	struct rig_run runs[3];
	char body[200];

	rig_options(&rig, &provider_exec);
	rig_set(&rig, "program", program);
	rig_set(&rig, "cleanup_program", program);
	rig_set(&rig, "mode", mode);
	rig_set(&rig, "timeout", "20s");
	(void)text_printf(body, sizeof(body), "mkdir %s/busy || exit 9; "
	    "sleep 0.2; rmdir %s/busy", dir, dir);
	script(body);
	rig.all_identifiers = "a.example.test,b.example.test,c.example.test";
	rig.timeout_ms = 100;
	for (size_t i = 0; i < 3; i++) {
		char fqdn[100];

		rig.identifier = names[i];
		(void)text_printf(fqdn, sizeof(fqdn), "_acme-challenge.%s",
		    names[i]);
		rig_start(&rig, &runs[i], true, fqdn, "", VALUES("v"), NULL);
	}
	for (size_t i = 0; i < 3; i++) {
		rig_wait(&rig, &runs[i]);
		assert_int_equal(runs[i].err.kind, ERR_NONE);
		assert_true(i == 0 || runs[i].done_at > runs[i - 1].done_at);
	}
}

static void
test_one_by_one(void **state)
{
	char *text, *at;
	size_t len;
	struct error err;

	one_by_one("lego");
	one_by_one("certbot");
	assert_true(logged("CERTBOT_ALL_DOMAINS=a.example.test,"
	    "b.example.test,c.example.test"));
	assert_true(logged("CERTBOT_ALL_IDENTIFIERS=a.example.test,"
	    "b.example.test,c.example.test"));
	assert_int_equal(file_read(AT_FDCWD, log_path, 100000, &text, &len,
	    &err), 0);
	at = strstr(text, "CHALLENGES=2\n");
	assert_non_null(at);
	at = strstr(at, "CHALLENGES=1\n");
	assert_non_null(at);
	assert_non_null(strstr(at, "CHALLENGES=0\n"));
	free(text);
	/* acmed's own way: eight at once. */
	rig_set(&rig, "mode", "acmed");
	assert_int_equal(provider_exec.calls_at_once(rig.conf.values), 0);
	rig_set(&rig, "timeout", "10m");
	assert_in_range(provider_exec.call_ms(rig.conf.values), 600000,
	    620000);
}

/* Who it runs as, and where; what is given later counts. */
static void
test_place(void **state)
{
	char line[100];

	(void)text_printf(line, sizeof(line), "in %s", dir);
	script("set -u; . ./env; echo \"in $PWD\" >> $LOG; cd \"$HOME\"");
	(void)text_printf(line, sizeof(line), "LOG=%s\n", log_path);
	write_file(file, line, 0600);
	rig_set(&rig, "environment", "LANG=C");
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	(void)text_printf(line, sizeof(line), "in %s", dir);
	assert_true(logged(line));
	(void)text_printf(line, sizeof(line), "HOME=%s", whoami_home());
	assert_true(logged(line));
	(void)text_printf(line, sizeof(line), "LOGNAME=%s", whoami_user());
	assert_true(logged(line));
	assert_true(logged("LANG=C"));
	assert_false(logged("LANG=C.UTF-8"));
}

/* Command lines, as certbot's hooks are. */
static void
test_command_line(void **state)
{
	char line[200];

	script("");
	(void)text_printf(line, sizeof(line), "/bin/sh  %s --auth", program);
	rig_set(&rig, "program", line);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	expect_call("4:--auth add " FQDN " v");
	/* The script counts as the program does. */
	assert_int_equal(chmod(program, 0777), 0);
	go(true, VALUES("v"), NULL);
	assert_string_equal(run.err.code, "exec:program");
	/* A file of that name goes before words. */
	(void)text_printf(line, sizeof(line), "%s with blanks", program);
	script("");
	assert_int_equal(rename(program, line), 0);
	rig_set(&rig, "program", line);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	(void)text_printf(line, sizeof(line), "%s with blanks:3:add " FQDN
	    " v", program);
	assert_true(logged(line));
	(void)text_printf(line, sizeof(line), "%s with blanks", program);
	assert_int_equal(unlink(line), 0);
}

static void
test_environment(void **state)
{
	script("");
	rig_set(&rig, "environment", "REGION=eu");
	rig_set(&rig, "environment_file", file);
	write_file(file, "# secrets\n\nTOKEN=a b=c\n", 0600);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_true(logged("REGION=eu"));
	assert_true(logged("TOKEN=a b=c"));
	write_file(file, "TOKEN\n", 0600);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_null(strstr(run.err.msg, "TOKEN"));
	write_file(file, "TOKEN=x\n", 0644);
	assert_int_equal(chmod(dir, 0755), 0);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_non_null(strstr(run.err.msg, "environment_file"));
}

static void
test_failures(void **state)
{
	script("echo first >&2; echo 'no such zone' >&2; exit 3");
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_TRANSIENT);
	assert_string_equal(run.err.code, "child:status");
	assert_non_null(strstr(run.err.msg, "status 3"));
	assert_non_null(strstr(run.err.msg, ": first | no such zone"));
	/* Called once: the program knows better when to try again. */
	{
		char *text, *first;
		size_t len;
		struct error err;

		assert_int_equal(file_read(AT_FDCWD, log_path, 100000, &text,
		    &len, &err), 0);
		first = strstr(text, ":3:add ");
		assert_non_null(first);
		assert_null(strstr(first + 1, ":3:add "));
		free(text);
	}
	script("kill -9 $$");
	go(true, VALUES("v"), NULL);
	assert_string_equal(run.err.code, "child:signal");
}

static void
test_refused(void **state)
{
	static const mode_t modes[] = { 0775, 0757, 0777 };

	for (size_t i = 0; i < N_ELEMENTS(modes); i++) {
		script("");
		assert_int_equal(chmod(program, modes[i]), 0);
		go(true, VALUES("v"), NULL);
		assert_int_equal(run.err.kind, ERR_CONFIG);
		assert_string_equal(run.err.code, "exec:program");
		assert_non_null(strstr(run.err.msg, "chmod go-w"));
	}
	script("");
	assert_int_equal(chmod(program, 0644), 0);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_int_equal(unlink(program), 0);
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_non_null(strstr(run.err.msg, "No such file"));
	rig_set(&rig, "program", dir);
	go(true, VALUES("v"), NULL);
	assert_string_equal(run.err.code, "exec:program");
}

static void
test_hanging(void **state)
{
	int64_t t0 = clock_mono_ms();

	script("exec sleep 60");
	rig_set(&rig, "timeout", "1s");
	go(true, VALUES("v"), NULL);
	assert_int_equal(run.err.kind, ERR_TRANSIENT);
	assert_string_equal(run.err.code, "child:timeout");
	assert_in_range(run.done_at - t0, 900, 30000);
	/* Cancelled: at once, and while it runs. */
	rig_start(&rig, &run, true, FQDN, "", VALUES("v"), NULL);
	provider_run_cancel(run.op);
	rig_start(&rig, &run, true, FQDN, "", VALUES("v"), NULL);
	rig_spin(&rig, 30);
	provider_run_cancel(run.op);
	rig_spin(&rig, 30);
	assert_int_equal(run.calls, 0);
}

static void
test_check(void **state)
{
	static const struct {
		const char *program, *cleanup, *mode, *timeout, *env;
		const char *says;	/* NULL: fine */
	} cases[] = {
		{ "/p", NULL, NULL, NULL, NULL, NULL },
		{ "/p", "/q", "certbot", "1s", "A=", NULL },
		{ "p", NULL, NULL, NULL, NULL, "program must be an absolute" },
		{ "/p", "q", NULL, NULL, NULL, "cleanup_program must be" },
		{ "/p", NULL, "certbot", NULL, NULL, "cleanup_program" },
		{ "/p", NULL, "lego-raw", "1d", NULL, NULL },
		{ "/bin/sh /p --auth", "/q  -x", "certbot", NULL, NULL, NULL },
		{ "p /q", NULL, NULL, NULL, NULL, "found \"p\"" },
		{ "/p", NULL, "RAW", NULL, NULL, "lego, lego-raw or certbot" },
		{ "/p", NULL, NULL, "0s", NULL, "timeout" },
		{ "/p", NULL, NULL, "25h", NULL, "from 1s to 1d" },
		{ "/p", NULL, NULL, NULL, "=x", "KEY=VALUE" },
		{ "/p", NULL, NULL, NULL, "x", "KEY=VALUE" },
	};
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		rig_options(&rig, &provider_exec);
		rig_set(&rig, "program", cases[i].program);
		if (cases[i].cleanup != NULL)
			rig_set(&rig, "cleanup_program", cases[i].cleanup);
		if (cases[i].mode != NULL)
			rig_set(&rig, "mode", cases[i].mode);
		if (cases[i].timeout != NULL)
			rig_set(&rig, "timeout", cases[i].timeout);
		if (cases[i].env != NULL)
			rig_set(&rig, "environment", cases[i].env);
		if (cases[i].says == NULL) {
			assert_int_equal(provider_exec.check(rig.conf.values,
			    &err), 0);
			continue;
		}
		assert_int_equal(provider_exec.check(rig.conf.values, &err),
		    -1);
		assert_int_equal(err.kind, ERR_CONFIG);
		assert_non_null(strstr(err.msg, cases[i].says));
	}
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_acmed), T(test_lego), T(test_certbot),
		T(test_environment), T(test_failures), T(test_refused),
		T(test_hanging), T(test_check),
		T(test_certbot_output), T(test_raw), T(test_one_by_one),
		T(test_place), T(test_command_line),
	};

	return cmocka_run_group_tests(tests, setup_dir, teardown_dir);
}
