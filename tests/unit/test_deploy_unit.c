/* SPDX-License-Identifier: MIT */
/* The steps reload, restart and start, over a fake systemd. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/gate.h"
#include "daemon/deploy/unit.h"
#include "daemon/deploy/unit_job.h"
#include "daemon/io/child.h"
#include "daemon/io/loop.h"
#include "daemon/io/sdbus.h"
#include "daemon/store/keys.h"
#include "tests/fake/fake_systemd.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

struct rig {
	struct scratch	 scratch;	/* also where programs are looked for */
	struct deploy_env env;
	struct conf_cert cert;
	struct conf_deploy target;
	struct deploy_args args;
	char		 dir[80];
	void		*op;
	int		 calls;
	struct error	 err;
	char		 lines[2048];
	bool		 is_more;
};

/* Of the clock, not of timers. */
static int64_t skipped_ms;

int64_t __real_clock_mono_ms(void);
int64_t __wrap_clock_mono_ms(void);

int64_t
__wrap_clock_mono_ms(void)
{
	return __real_clock_mono_ms() + skipped_ms;
}

/* Two lines, written by that process. */
#define JOURNAL(pid) "echo '{\"_PID\": \"" pid "\", \"MESSAGE\": \"line " \
    "one of " pid "\"}'; echo; echo '{\"_PID\": \"" pid "\", \"MESSAGE\": " \
    "\"line two\"}'\n"

static char cert_name[] = "a";
static char *nginx[] = { (char []){ "nginx.service" }, NULL };
static char *both[] = { (char []){ "nginx.service" },
    (char []){ "web.service" }, NULL };

/* A program that writes its arguments to NAME.args and says what is given. */
static void
program(struct rig *r, const char *name, const char *script)
{
	char *text = xasprintf("#!/bin/sh\necho \"$@\" >%s/%s.args\n%s\n",
	    r->scratch.dir, name, script);

	scratch_write(scratch_path(&r->scratch, "%s", name), text);
	assert_int_equal(chmod(scratch_path(&r->scratch, "%s", name), 0755),
	    0);
	free(text);
}

static void
write_pair(struct rig *r, EVP_PKEY *cert_key, EVP_PKEY *key)
{
	X509 *x = pki_cert(&(struct pki_args){ .cn = "a",
	    .key = cert_key });
	char *pem = pki_pem(&x, 1), *key_pem = key_to_pem(key);

	scratch_write(scratch_path(&r->scratch, "privkey.pem"), key_pem);
	scratch_write(scratch_path(&r->scratch, "cert.pem"), pem);
	scratch_write(scratch_path(&r->scratch, "chain.pem"), "");
	scratch_write(scratch_path(&r->scratch, "fullchain.pem"), pem);
	X509_free(x);
	free(pem);
	free(key_pem);
}

static void
line_cb(const char *line, void *arg)
{
	struct rig *r = arg;
	size_t used = strlen(r->lines);

	(void)text_printf(r->lines + used, sizeof(r->lines) - used, "%s\n",
	    line);
}

static bool
more_cb(const char *step, const char *unit, void *arg)
{
	return ((struct rig *)arg)->is_more && strcmp(step, "reload") == 0 &&
	    strcmp(unit, "nginx.service") == 0;
}

static int
setup(void **state)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	EVP_PKEY *key = pki_key();
	char *path;

	scratch_make(&r->scratch);
	path = xasprintf("%s:/bin:/usr/bin", r->scratch.dir);
	assert_int_equal(setenv("PATH", path, 1), 0);
	free(path);
	write_pair(r, key, key);
	EVP_PKEY_free(key);
	program(r, "nginx", "exit 0");
	program(r, "journalctl", JOURNAL("30") JOURNAL("1"));
	r->env.loop = loop_new();
	r->env.children = children_new(r->env.loop);
	r->env.sdbus = sdbus_new(r->env.loop);
	r->env.gate = gate_new(&(struct gate_args){ .loop = r->env.loop });
	r->env.units = unit_jobs_new(&r->env);
	r->env.is_more = more_cb;
	r->env.arg = r;
	r->cert.name = cert_name;
	r->target = (struct conf_deploy){ .timeout_s = 5, .reload = nginx };
	r->args = (struct deploy_args){ .env = &r->env, .cert = &r->cert,
	    .target = &r->target, .live_dir = r->scratch.dir,
	    .version_dir = r->scratch.dir, .serial = "01", .line = line_cb };
	fake_systemd_start(r->env.loop);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	unit_jobs_free(r->env.units);
	gate_free(r->env.gate);
	sdbus_free(r->env.sdbus);
	children_free(r->env.children);
	fake_systemd_stop();
	loop_free(r->env.loop);
	scratch_remove(&r->scratch);
	free(r);
	return 0;
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
run(struct rig *r, const struct deploy_kind *kind)
{
	int64_t end = clock_mono_ms() + 10000;

	assert_true(kind->is_wanted(&r->args));
	r->calls = 0;
	r->lines[0] = '\0';
	r->op = kind->start(&r->args, done_cb, r);
	assert_int_equal(r->calls, 0);
	while (r->calls == 0) {
		assert_true(clock_mono_ms() < end);
		loop_turn(r->env.loop);
	}
}

static void
expect(const struct rig *r, enum err_kind kind, const char *code,
    const char *part)
{
	if (r->err.kind != kind)
		fail_msg("%d: %s", (int)r->err.kind, r->err.msg);
	if (kind == ERR_NONE)
		return;
	assert_string_equal(r->err.code, code);
	if (strstr(r->err.msg, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, r->err.msg);
}

static bool
has_run(struct rig *r, const char *name)
{
	return scratch_count(&r->scratch, name) > 0;
}

static void
test_good(void **state)
{
	struct rig *r = *state;

	run(r, &deploy_reload);
	expect(r, ERR_NONE, NULL, NULL);
	assert_string_equal(fake_systemd.log, "ReloadUnit nginx.service\n");
	assert_string_equal(r->lines, "reload nginx.service\n");
	assert_true(has_run(r, "nginx.args"));
	assert_false(has_run(r, "journalctl.args"));
	assert_false(deploy_restart.is_wanted(&r->args));
	assert_false(deploy_start_unit.is_wanted(&r->args));
	r->target.restart = r->target.start = nginx;
	run(r, &deploy_restart);
	expect(r, ERR_NONE, NULL, NULL);
	run(r, &deploy_start_unit);
	expect(r, ERR_NONE, NULL, NULL);
	assert_string_equal(fake_systemd.log, "ReloadUnit nginx.service\n"
	    "RestartUnit nginx.service\nStartUnit nginx.service\n");
}

static void
test_stopped(void **state)
{
	struct rig *r = *state;

	fake_systemd.unit.active = "inactive";
	run(r, &deploy_reload);
	expect(r, ERR_NONE, NULL, NULL);
	assert_non_null(strstr(r->lines, "nginx.service is not running"));
}

static void
test_denied(void **state)
{
	struct rig *r = *state;

	fake_systemd.error =
	    "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
	fake_systemd.error_text = "Interactive authentication required.";
	run(r, &deploy_reload);
	expect(r, ERR_CONFIG, "deploy:reload:denied",
	    "org.freedesktop.systemd1.manage-units with verb \"reload\" and "
	    "unit \"nginx.service\"; add it to /etc/polkit-1/rules.d/"
	    "50-acmed.rules");
	/* Its log, of the last time that it read the rules. */
	program(r, "journalctl", "echo 'Loading rules from directory /etc/x'; "
	    "echo 'Error loading script /etc/polkit-1/rules.d/50-acmed.rules'"
	    "; echo 'Finished loading'");
	run(r, &deploy_reload);
	expect(r, ERR_CONFIG, "deploy:reload:denied",
	    "Error loading script /etc/polkit-1/rules.d/50-acmed.rules; let "
	    "all read it: chmod 644 ");
	program(r, "journalctl", "echo 'Loading rules from directory /etc/x'; "
	    "echo 'Error compiling script /etc/polkit-1/rules.d/"
	    "50-acmed.rules: SyntaxError: odd'; "
	    "echo 'Loading rules from directory /etc/x'");
	run(r, &deploy_reload);
	expect(r, ERR_CONFIG, "deploy:reload:denied", "no polkit rule");
	fake_systemd.error = "org.freedesktop.DBus.Error.AccessDenied";
	fake_systemd.error_text = "Permission denied";
	run(r, &deploy_reload);
	expect(r, ERR_CONFIG, "deploy:reload:no-polkit", "polkit");
}

static void
test_log(void **state)
{
	struct rig *r = *state;

	fake_systemd.job_result = "failed";
	run(r, &deploy_reload);
	expect(r, ERR_TRANSIENT, "deploy:reload:failed",
	    "the reload failed; the unit is active; its log: line one of 30 | "
	    "line two");
	/* It is the unit's own words that count, if it has any. */
	assert_null(strstr(r->err.msg, "of 1 "));
	program(r, "journalctl", JOURNAL("1"));
	run(r, &deploy_reload);
	expect(r, ERR_TRANSIENT, "deploy:reload:failed", "line one of 1 ");
	program(r, "journalctl", "exit 1");
	run(r, &deploy_reload);
	expect(r, ERR_TRANSIENT, "deploy:reload:failed",
	    "see journalctl -u nginx.service");
}

/* The others have their turn, and each failure is told. */
static void
test_several(void **state)
{
	struct rig *r = *state;

	r->target.reload = both;
	fake_systemd.job_result = "failed";
	run(r, &deploy_reload);
	expect(r, ERR_TRANSIENT, "deploy:reload:failed",
	    "2 units failed; the first: nginx.service: ");
	assert_string_equal(fake_systemd.log, "ReloadUnit nginx.service\n"
	    "ReloadUnit web.service\n");
	assert_non_null(strstr(r->lines, "its log: line one of 30"));
}

static void
test_config(void **state)
{
	struct rig *r = *state;
	char *own[] = { (char []){ "check" }, (char []){ "it" }, NULL };
	char *none[] = { NULL };

	program(r, "nginx", "echo '[emerg] bad directive' >&2; exit 1");
	run(r, &deploy_reload);
	expect(r, ERR_CONFIG, "deploy:reload:config-test",
	    "nginx.service: the test of its configuration failed, so there "
	    "was no reload: nginx -t -q: [emerg] bad directive");
	assert_string_equal(fake_systemd.log, "");
	r->target.config_test = none;
	run(r, &deploy_reload);
	expect(r, ERR_NONE, NULL, NULL);
	r->target.config_test = own;
	program(r, "check", "exit 3");
	run(r, &deploy_reload);
	expect(r, ERR_CONFIG, "deploy:reload:config-test", "check it");
	/* start is for programs that read no configuration of ours. */
	r->target.start = nginx;
	run(r, &deploy_start_unit);
	expect(r, ERR_NONE, NULL, NULL);
}

static void
test_mismatch(void **state)
{
	struct rig *r = *state;
	EVP_PKEY *one = pki_key(), *other = pki_key();

	write_pair(r, one, other);
	run(r, &deploy_reload);
	expect(r, ERR_INTERNAL, "deploy:reload:files", "belong together");
	assert_string_equal(fake_systemd.log, "");
	assert_false(has_run(r, "nginx.args"));
	EVP_PKEY_free(one);
	EVP_PKEY_free(other);
}

/* One that has failed is started, if the rule allows that. */
static void
test_failed_before(void **state)
{
	struct rig *r = *state;

	fake_systemd.unit.active = "failed";
	fake_systemd.after.active = "active";
	run(r, &deploy_reload);
	expect(r, ERR_NONE, NULL, NULL);
	assert_string_equal(fake_systemd.log, "StartUnit nginx.service\n");
	assert_non_null(strstr(r->lines, "has failed: starting it"));
	fake_systemd.unit.active = "failed";
	fake_systemd.error =
	    "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired";
	fake_systemd.error_text = "Interactive authentication required.";
	run(r, &deploy_reload);
	expect(r, ERR_TRANSIENT, "deploy:reload:failed",
	    "nginx.service has failed, it cannot be reloaded");
	expect(r, ERR_TRANSIENT, "deploy:reload:failed",
	    "systemctl start nginx.service");
	/* What it said then, not now. */
	expect(r, ERR_TRANSIENT, "deploy:reload:failed", "line one of 30");
}

/* --- several targets --- */

struct many {
	struct rig	*rig;
	void		*op;
	int		 calls;
	struct error	 err;
};

static void
many_done(const struct error *err, void *arg)
{
	struct many *m = arg;

	m->op = NULL;
	m->calls++;
	if (err != NULL)
		m->err = *err;
}

static void
no_line(const char *line, void *arg)
{
}

static void
begin_many(struct rig *r, struct many *m, size_t n)
{
	r->args.line = no_line;
	for (size_t i = 0; i < n; i++) {
		memset(&m[i], 0, sizeof(m[i]));
		m[i].op = deploy_reload.start(&r->args, many_done, &m[i]);
	}
}

static void
end_many(struct rig *r, struct many *m, size_t n)
{
	int64_t end = clock_mono_ms() + 10000;

	for (size_t i = 0; i < n; i++) {
		while (m[i].op != NULL) {
			assert_true(clock_mono_ms() < end);
			loop_turn(r->env.loop);
		}
		assert_int_equal(m[i].calls, 1);
	}
}

/* One test and one reload for all that wait; who comes later has another. */
static void
test_shared(void **state)
{
	struct rig *r = *state;
	struct many m[50], late[3];

	program(r, "nginx", "mktemp ${0%/*}/tested.XXXXXX");
	begin_many(r, m, N_ELEMENTS(m));
	while (fake_systemd.log[0] == '\0')
		loop_turn(r->env.loop);
	begin_many(r, late, N_ELEMENTS(late));
	deploy_reload.cancel(late[1].op);
	late[1].op = NULL;
	late[1].calls = 1;
	end_many(r, m, N_ELEMENTS(m));
	end_many(r, late, N_ELEMENTS(late));
	assert_string_equal(fake_systemd.log, "ReloadUnit nginx.service\n"
	    "ReloadUnit nginx.service\n");
	assert_int_equal(scratch_count(&r->scratch, "tested.*"), 2);
	/* Each is told what went wrong. */
	fake_systemd.job_result = "failed";
	begin_many(r, m, N_ELEMENTS(m));
	end_many(r, m, N_ELEMENTS(m));
	for (size_t i = 0; i < N_ELEMENTS(m); i++)
		assert_string_equal(m[i].err.code, "deploy:reload:failed");
}

static void
wake_cb(void *arg)
{
	*(bool *)arg = true;
}

static void
pass(struct rig *r, unsigned ms)
{
	bool is_over = false;
	struct timer t;

	timer_init(&t, r->env.loop, wake_cb, &is_over);
	timer_set(&t, ms);
	while (!is_over)
		loop_turn(r->env.loop);
}

/* Others are on their way: it waits for them, and not for ever. */
static void
test_gather(void **state)
{
	static const char once[] = "ReloadUnit nginx.service\n";
	struct rig *r = *state;
	struct many m[5];

	r->is_more = true;
	begin_many(r, &m[0], 1);
	pass(r, 300);
	begin_many(r, &m[1], 1);
	pass(r, 300);
	assert_string_equal(fake_systemd.log, "");
	r->is_more = false;
	end_many(r, m, 2);
	assert_string_equal(fake_systemd.log, once);
	/* Nobody comes. */
	r->is_more = true;
	fake_systemd.log[0] = '\0';
	begin_many(r, m, 1);
	pass(r, 300);
	assert_string_equal(fake_systemd.log, "");
	skipped_ms += UNIT_JOB_QUIET_MS;
	end_many(r, m, 1);
	/* They come one after the other, without end. */
	fake_systemd.log[0] = '\0';
	for (size_t i = 0; i < N_ELEMENTS(m); i++) {
		begin_many(r, &m[i], 1);
		pass(r, 200);
		assert_string_equal(fake_systemd.log, "");
		skipped_ms += UNIT_JOB_GATHER_MS / (int)N_ELEMENTS(m) - 250;
	}
	skipped_ms += 500;
	end_many(r, m, N_ELEMENTS(m));
	assert_string_equal(fake_systemd.log, once);
	r->is_more = false;
	/* Who is alone goes at once. */
	r->args.line = line_cb;
	run(r, &deploy_reload);
	assert_string_equal(r->lines, "reload nginx.service\n");
}

static void
switch_cb(void *arg)
{
	*(int *)arg = (int)strlen(fake_systemd.log) + 1;
}

/* Nothing is switched while it tests and reloads; what waits goes first. */
static void
test_gate(void **state)
{
	struct rig *r = *state;
	struct many m[2];
	int switched = 0;

	fake_systemd.job_ms = 100;
	begin_many(r, &m[0], 1);
	while (!has_run(r, "nginx.args"))
		loop_turn(r->env.loop);
	(void)gate_switch_start(r->env.gate, false, switch_cb, &switched);
	begin_many(r, &m[1], 1);
	end_many(r, m, N_ELEMENTS(m));
	/* When one reload was over, and before the next. */
	assert_int_equal(switched,
	    (int)strlen("ReloadUnit nginx.service\n") + 1);
}

static void
test_cancel(void **state)
{
	struct rig *r = *state;

	deploy_reload.cancel(NULL);
	fake_systemd.job_result = "failed";
	for (int ms = 0; ms < 400; ms += ms < 50 ? 5 : 50) {
		r->calls = 0;
		r->op = deploy_reload.start(&r->args, done_cb, r);
		pass(r, (unsigned)ms);
		deploy_reload.cancel(r->op);
		assert_true(r->calls == 0 || r->op == NULL);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_good),
		TEST(test_stopped),
		TEST(test_denied),
		TEST(test_log),
		TEST(test_several),
		TEST(test_config),
		TEST(test_mismatch),
		TEST(test_failed_before),
		TEST(test_shared),
		TEST(test_gather),
		TEST(test_gate),
		TEST(test_cancel),
	};
	int rc;

	if (!fake_bus_start())
		return 77;	/* no dbus-daemon: skipped */
	rc = cmocka_run_group_tests_name("deploy_unit", tests, NULL, NULL);
	fake_bus_stop();
	return rc;
}
