/* SPDX-License-Identifier: MIT */
/* Jobs of systemd over a private bus, whose manager is a fake. */
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/io/sdbus.h"
#include "tests/fake/fake_systemd.h"

struct result {
	struct sdbus_op	*op;
	int		 calls;
	struct error	 err;		/* kind ERR_NONE: success */
	struct sdbus_unit unit;
	struct result	*cancel;	/* in done */
	struct sdbus	*again;		/* start one more in done */
};

static struct loop *loop;
static struct sdbus *sdbus;

static int
setup(void **state)
{
	loop = loop_new();
	sdbus = sdbus_new(loop);
	fake_systemd_start(loop);
	return 0;
}

static int
teardown(void **state)
{
	sdbus_free(sdbus);
	fake_systemd_stop();
	loop_free(loop);
	return 0;
}

static void begin(struct result *, enum sdbus_verb, const char *unit,
    unsigned timeout_ms);

static void
done_cb(const struct error *err, const struct sdbus_unit *unit, void *arg)
{
	struct result *r = arg;

	r->op = NULL;
	r->calls++;
	r->err.kind = ERR_NONE;
	if (err != NULL)
		r->err = *err;
	r->unit = *unit;
	if (r->cancel != NULL) {
		sdbus_cancel(r->cancel->op);
		r->cancel->op = NULL;
	}
	if (r->again != NULL) {
		r->again = NULL;
		begin(r, SDBUS_START, "nginx.service", 2000);
	}
}

static void
begin(struct result *r, enum sdbus_verb verb, const char *unit,
    unsigned timeout_ms)
{
	struct sdbus_args args = { .verb = verb, .unit = unit,
	    .timeout_ms = timeout_ms, .settle_ms = 5 };

	r->op = sdbus_start(sdbus, &args, done_cb, r);
}

static void
run_until(const struct result *r, int calls)
{
	int64_t end = clock_mono_ms() + 10000;

	while (r->calls < calls) {
		assert_true(clock_mono_ms() < end);
		loop_turn(loop);
	}
	assert_int_equal(r->calls, calls);
}

static void
wake_cb(void *arg)
{
	*(bool *)arg = true;
}

static void
pass(int64_t ms)
{
	bool is_over = false;
	struct timer t;

	timer_init(&t, loop, wake_cb, &is_over);
	timer_set(&t, ms);
	while (!is_over)
		loop_turn(loop);
}

static void
expect(const struct result *r, enum err_kind kind, const char *code,
    const char *part)
{
	assert_int_equal(r->err.kind, kind);
	if (kind == ERR_NONE)
		return;
	assert_string_equal(r->err.code, code);
	if (strstr(r->err.msg, part) == NULL)
		fail_msg("\"%s\" is not in \"%s\"", part, r->err.msg);
}

/* One operation from start to end. */
static struct result
do_verb(enum sdbus_verb verb)
{
	struct result r = { 0 };

	begin(&r, verb, "nginx.service", 5000);
	assert_int_equal(r.calls, 0);
	run_until(&r, 1);
	return r;
}

static void
test_verbs(void **state)
{
	struct result r = do_verb(SDBUS_RELOAD);

	expect(&r, ERR_NONE, NULL, NULL);
	assert_string_equal(r.unit.id, "nginx.service");
	assert_string_equal(r.unit.active, "active");
	assert_false(r.unit.was_stopped);
	r = do_verb(SDBUS_RESTART);
	expect(&r, ERR_NONE, NULL, NULL);
	r = do_verb(SDBUS_START);
	expect(&r, ERR_NONE, NULL, NULL);
	assert_string_equal(fake_systemd.log, "ReloadUnit nginx.service\n"
	    "RestartUnit nginx.service\nStartUnit nginx.service\n");
	assert_int_equal(fake_systemd.jobs, 3);
	assert_int_equal(sdbus_connections(sdbus), 1);
	assert_int_equal(fake_systemd.subscribers, 1);
}

/* Two certificates are renewed: systemd makes one job of two. */
static void
test_merged(void **state)
{
	struct result r[3] = { { 0 } };

	fake_systemd.job_ms = 100;
	begin(&r[0], SDBUS_RELOAD, "nginx.service", 5000);
	begin(&r[1], SDBUS_RELOAD, "web.service", 5000);	/* alias */
	begin(&r[2], SDBUS_RELOAD, "nginx.service", 5000);
	run_until(&r[0], 1);
	run_until(&r[1], 1);
	run_until(&r[2], 1);
	for (size_t i = 0; i < N_ELEMENTS(r); i++)
		expect(&r[i], ERR_NONE, NULL, NULL);
	assert_int_equal(fake_systemd.jobs, 1);
	assert_string_equal(r[1].unit.id, "nginx.service");
}

static void
test_refusals(void **state)
{
	static const struct {
		const char	*name, *text;
		enum err_kind	 kind;
		const char	*code, *part;
	} cases[] = {
		{ "org.freedesktop.DBus.Error.InteractiveAuthorizationRequired",
		    "Interactive authentication required.", ERR_CONFIG,
		    "unit:denied", "does not let the user " },
		{ "org.freedesktop.DBus.Error.AccessDenied", "Access denied",
		    ERR_CONFIG, "unit:no-polkit", "reload nginx.service" },
		{ "org.freedesktop.systemd1.UnitMasked", "Unit is masked.",
		    ERR_CONFIG, "unit:masked", "masked" },
		{ "org.freedesktop.systemd1.NoSuchUnit", "Unit not found.",
		    ERR_CONFIG, "unit:unknown", "nginx.service" },
		{ "org.freedesktop.systemd1.ShuttingDown", "Shutting\ndown",
		    ERR_TRANSIENT, "unit:bus", "Shutting down" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct result r;

		fake_systemd.error = cases[i].name;
		fake_systemd.error_text = cases[i].text;
		r = do_verb(SDBUS_RELOAD);
		expect(&r, cases[i].kind, cases[i].code, cases[i].part);
		assert_false(r.unit.has_log);
	}
	assert_int_equal(fake_systemd.jobs, 0);
}

/* What is known before systemd is asked. */
static void
test_not_asked(void **state)
{
	static const struct {
		struct fake_unit unit;
		enum err_kind	 kind;
		const char	*code, *part;
	} cases[] = {
		{ { .load = "not-found", .active = "inactive" },
		    ERR_CONFIG, "unit:unknown", "knows no unit" },
		{ { .load = "masked", .active = "inactive" },
		    ERR_CONFIG, "unit:masked", "unmask nginx.service" },
		{ { .load = "bad-setting", .active = "inactive" },
		    ERR_CONFIG, "unit:bad", "Bad message" },
		{ { .load = "loaded", .active = "active" },
		    ERR_CONFIG, "unit:no-reload", "restart =" },
		{ { .load = "loaded", .active = "failed", .can_reload = true,
		    .result = "exit-code", .exit_code = CLD_EXITED,
		    .exit_status = 7 }, ERR_TRANSIENT, "unit:failed",
		    "exited with status 7" },
		{ { .load = "loaded", .active = "inactive",
		    .can_reload = true }, ERR_NONE, NULL, NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct fake_unit *u = &fake_systemd.unit;
		struct result r;

		*u = cases[i].unit;
		u->sub = u->type = u->status = "";
		if (u->result == NULL)
			u->result = "";
		r = do_verb(SDBUS_RELOAD);
		expect(&r, cases[i].kind, cases[i].code, cases[i].part);
		assert_int_equal(r.unit.was_stopped,
		    cases[i].kind == ERR_NONE);
	}
	assert_string_equal(fake_systemd.log, "");
}

static void
test_job_fails(void **state)
{
	static const struct {
		enum sdbus_verb	 verb;
		const char	*result, *active, *part;
	} cases[] = {
		{ SDBUS_RELOAD, "failed", "active",
		    "nginx.service: the reload failed; the unit is active" },
		{ SDBUS_RELOAD, "timeout", "active", "the unit's time limit" },
		{ SDBUS_START, "dependency", "inactive",
		    "start failed, for a unit" },
		{ SDBUS_RESTART, "canceled", "active", "cancelled by" },
		{ SDBUS_START, "skipped", "inactive", "skipped" },
		{ SDBUS_START, "new-word", "inactive", "new-word" },
		{ SDBUS_RELOAD, "done", "failed",
		    "reload was done, but then the unit was failed "
		    "(exit-code); its main process was ended by signal 11; "
		    "it says: bad key" },
		{ SDBUS_RELOAD, "done", "inactive", "was inactive" },
		{ SDBUS_RESTART, "done", "failed", "was failed" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct result r;

		fake_systemd.unit.active = "active";
		fake_systemd.job_result = cases[i].result;
		fake_systemd.after.active = cases[i].active;
		fake_systemd.after.result = strcmp(cases[i].active,
		    "failed") == 0 ? "exit-code" : "success";
		fake_systemd.after.exit_code = CLD_DUMPED;
		fake_systemd.after.exit_status = 11;
		fake_systemd.after.status = "bad key";
		r = do_verb(cases[i].verb);
		expect(&r, ERR_TRANSIENT, "unit:failed", cases[i].part);
		assert_true(r.unit.has_log);
	}
}

/* A program that has run and ended well is inactive again. */
static void
test_oneshot(void **state)
{
	struct result r = { 0 };

	fake_systemd.unit.type = fake_systemd.after.type = "oneshot";
	fake_systemd.unit.active = fake_systemd.after.active = "inactive";
	r = do_verb(SDBUS_START);
	expect(&r, ERR_NONE, NULL, NULL);
	/* One under way has read the old files: wait for its end. */
	memset(&r, 0, sizeof(r));
	fake_systemd.unit.active = "activating";
	fake_systemd.unit.sub = "start";
	begin(&r, SDBUS_START, "nginx.service", 5000);
	pass(100);
	assert_int_equal(fake_systemd.jobs, 1);
	fake_systemd.unit = fake_systemd.after;
	run_until(&r, 1);
	expect(&r, ERR_NONE, NULL, NULL);
	assert_int_equal(fake_systemd.jobs, 2);
}

static void
test_timeout(void **state)
{
	struct result r = { 0 };

	fake_systemd.job_ms = 60000;
	begin(&r, SDBUS_RELOAD, "nginx.service", 150);
	run_until(&r, 1);
	expect(&r, ERR_TRANSIENT, "unit:timeout", "within 0.15 s");
	assert_true(r.unit.has_log);
	fake_systemd.is_silent = true;
	memset(&r, 0, sizeof(r));
	begin(&r, SDBUS_RELOAD, "nginx.service", 50);
	run_until(&r, 1);
	expect(&r, ERR_TRANSIENT, "unit:timeout", "did not begin");
}

static void
test_cancel(void **state)
{
	struct result r[2] = { { 0 } };

	sdbus_cancel(NULL);
	begin(&r[0], SDBUS_RELOAD, "nginx.service", 5000);
	sdbus_cancel(r[0].op);
	/* At every turn on the way. */
	for (int turns = 1; turns < 30; turns++) {
		fake_systemd.job_ms = 1;
		begin(&r[0], SDBUS_RELOAD, "nginx.service", 5000);
		for (int i = 0; i < turns && r[0].op != NULL; i++)
			loop_turn(loop);
		sdbus_cancel(r[0].op);
		r[0].op = NULL;
		r[0].calls = 0;
	}
	/* One of two that wait for the same job, by the other. */
	memset(r, 0, sizeof(r));
	fake_systemd.job_ms = 50;
	r[0].cancel = &r[1];
	r[1].cancel = &r[0];
	begin(&r[0], SDBUS_RELOAD, "nginx.service", 5000);
	begin(&r[1], SDBUS_RELOAD, "nginx.service", 5000);
	while (r[0].calls + r[1].calls == 0)
		loop_turn(loop);
	pass(50);
	assert_int_equal(r[0].calls + r[1].calls, 1);
}

static void
test_again_in_done(void **state)
{
	struct result r = { .again = sdbus };

	begin(&r, SDBUS_RELOAD, "nginx.service", 5000);
	run_until(&r, 2);
	expect(&r, ERR_NONE, NULL, NULL);
	assert_int_equal(sdbus_connections(sdbus), 1);
}

/* The bus is restarted while a job is waited for; the next one finds it. */
static void
test_bus_restart(void **state)
{
	struct result r[2] = { { 0 } };

	fake_systemd.job_ms = 60000;
	begin(&r[0], SDBUS_RELOAD, "nginx.service", 30000);
	begin(&r[1], SDBUS_RELOAD, "nginx.service", 30000);
	while (strlen(fake_systemd.log) < 50)
		loop_turn(loop);
	fake_systemd_stop();
	fake_bus_stop();
	run_until(&r[0], 1);
	run_until(&r[1], 1);
	expect(&r[0], ERR_TRANSIENT, "unit:bus", "lost the system bus");
	expect(&r[1], ERR_TRANSIENT, "unit:bus", "nginx.service");
	/* Nobody is there. */
	memset(r, 0, sizeof(r));
	begin(&r[0], SDBUS_RELOAD, "nginx.service", 5000);
	run_until(&r[0], 1);
	assert_non_null(strstr(r[0].err.msg, "system bus"));
	/* It is back. */
	assert_true(fake_bus_start());
	fake_systemd_start(loop);
	memset(r, 0, sizeof(r));
	begin(&r[0], SDBUS_RELOAD, "nginx.service", 5000);
	run_until(&r[0], 1);
	expect(&r[0], ERR_NONE, NULL, NULL);
	assert_int_equal(sdbus_connections(sdbus), 2);
}

/* A bus without systemd. */
static void
test_no_systemd(void **state)
{
	struct result r;

	fake_systemd_stop();
	r = do_verb(SDBUS_RELOAD);
	assert_true(strcmp(r.err.code, "unit:no-systemd") == 0 ||
	    strcmp(r.err.code, "unit:bus") == 0);
	fake_systemd_start(loop);
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_verbs),
		TEST(test_merged),
		TEST(test_refusals),
		TEST(test_not_asked),
		TEST(test_job_fails),
		TEST(test_oneshot),
		TEST(test_timeout),
		TEST(test_cancel),
		TEST(test_again_in_done),
		TEST(test_bus_restart),
		TEST(test_no_systemd),
	};
	int rc;

	if (!fake_bus_start())
		return 77;	/* no dbus-daemon: skipped */
	rc = cmocka_run_group_tests_name("sdbus", tests, NULL, NULL);
	fake_bus_stop();
	return rc;
}
