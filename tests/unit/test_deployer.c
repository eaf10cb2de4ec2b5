/* SPDX-License-Identifier: MIT */
/* Deploy actions: once for each certificate, in order, until they succeed. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/engine/deployer.h"
#include "tests/unit/pki.h"

#define CERT(actions) "certificate \"web\" { names = { \"example.test\" } " \
    "provider = dns " actions " }\n"
#define ACTION(name) "deploy \"" name "\" { exec = { \"/bin/true\" } } "
#define ABC ACTION("a") ACTION("b") ACTION("c")

static void
expect_ran(const char *log)
{
	assert_string_equal(fake_deploy.log, log);
	fake_deploy.log[0] = '\0';
}

/* One member of the deploy actions in acmectl status. */
static void
expect_state(struct erig *r, const char *states)
{
	json_t *list = deployer_json(erig_cert(r, "web")), *o;
	char *all = xstrdup("");
	size_t i;

	json_array_foreach(list, i, o) {
		char *more = xasprintf("%s%s=%s ", all, json_string_value(
		    json_object_get(o, "name")), json_string_value(
		    json_object_get(o, "state")));

		free(all);
		all = more;
	}
	assert_string_equal(all, states);
	free(all);
	json_decref(list);
}

static void
test_order(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ACTION("c") ACTION("a") ACTION("b")));
	erig_up(r);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	expect_state(r, "c=running a=pending b=pending ");
	assert_int_equal(deployer_pending(r->engine->deployer), 3);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	expect_ran("web c ab0001\nweb a ab0001\nweb b ab0001\n");
	expect_state(r, "c=done a=done b=done ");
	assert_int_equal(deployer_pending(r->engine->deployer), 0);
	assert_true(erig_told(r, "web deploy info c: a line of output"));
	/* Neither time nor restart nor reload runs them again. */
	free(erig_reload(r, CERT(ABC)));
	fake_time_pass(DAY);
	erig_down(r);
	erig_up(r);
	fake_time_pass(DAY);
	expect_ran("");
	fake_time_pass(61 * DAY);
	expect_ran("web a ab0002\nweb b ab0002\nweb c ab0002\n");
}

static void
test_failure(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 3, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web b";
	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, "deploy:exec");
	assert_string_equal(r->err.msg, "deploy \"b\": status 3");
	/* All were tried, and the certificate is there. */
	expect_ran("web a ab0001\nweb b ab0001\nweb c ab0001\n");
	expect_state(r, "a=done b=failed c=done ");
	assert_int_equal(erig_row(r, "web")->failures, 0);
	assert_string_equal(erig_row(r, "web")->serial, "ab0001");
	/* 1 and 10 minutes later, jittered. */
	fake_time_pass(45 * SECOND);
	expect_ran("");
	fake_time_pass(30 * SECOND);
	expect_ran("web b ab0001\n");
	fake_time_pass(15 * MINUTE);
	expect_ran("web b ab0001\n");
	expect_state(r, "a=done b=failed c=done ");
	/* The wait is durable in number, not in time: a person has come. */
	erig_down(r);
	erig_up(r);
	fake_time_pass(SECOND);
	expect_ran("web b ab0001\n");
	expect_state(r, "a=done b=done c=done ");
	assert_int_equal(fake_ca.n_orders, 1);
}

static void
test_several_failures(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 2, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(r->err.msg,
	    "2 actions failed; the first: deploy \"a\": status 3");
	expect_state(r, "a=failed b=failed c=done ");
	assert_int_equal(deployer_pending(r->engine->deployer), 2);
	free(erig_reload(r, CERT(ABC)));
	fake_time_pass(SECOND);
	expect_state(r, "a=done b=done c=done ");
}

/* Killed, or stopped, while an action runs: it runs again. */
static void
test_restart(void **state)
{
	static void (*const ends[])(struct erig *) = { erig_crash, erig_down };

	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_rule_hang(&fake_deploy.rule);
		fake_deploy.rule.match = "web b";
		erig_conf(r, CERT(ABC));
		erig_up(r);
		ERIG_UNTIL(fake_deploy.rule.times == 0);
		ends[i](r);
		expect_ran("web a ab0001\nweb b ab0001\n");
		erig_up(r);
		fake_time_pass(SECOND);
		expect_ran("web b ab0001\nweb c ab0001\n");
		expect_state(r, "a=done b=done c=done ");
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* An action that failed, or was never run, is not configured any more. */
static void
test_removed(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web b";
	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	free(erig_reload(r, CERT(ACTION("a") ACTION("d"))));
	fake_time_pass(DAY);
	expect_state(r, "a=done ");
	assert_int_equal(deployer_pending(r->engine->deployer), 0);
	erig_down(r);
	erig_up(r);
	expect_state(r, "a=done ");
	/* A new action is run with the next certificate. */
	expect_ran("web a ab0001\nweb b ab0001\nweb c ab0001\n");
}

/* Removed while it runs, and then it fails: nobody runs it again. */
static void
test_removed_while_running(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ABC));
	fake_deploy.latency_ms = 5000;
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web a";
	erig_up(r);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	free(erig_reload(r, CERT(ACTION("b"))));
	erig_ends(r, 1);
	fake_time_pass(DAY);
	assert_int_equal(deployer_pending(r->engine->deployer), 0);
	expect_state(r, "b=done ");
}

/* Removed between the order and the installation. */
static void
test_removed_during_run(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ABC));
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_FINALIZE] == 1);
	free(erig_reload(r, CERT(ACTION("b"))));
	erig_ends(r, 1);
	fake_time_pass(DAY);
	expect_ran("web b ab0001\n");
	assert_int_equal(deployer_pending(r->engine->deployer), 0);
	expect_state(r, "b=done ");
}

/* ... and with it its certificate. */
static void
test_certificate_removed_during_run(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ABC));
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_FINALIZE] == 1);
	free(erig_reload(r, ""));
	erig_ends(r, 1);
	fake_time_pass(DAY);
	expect_ran("");
	assert_int_equal(deployer_pending(r->engine->deployer), 0);
}

/* A retry comes due while a run that will fail is under way. */
static void
test_retry_during_failing_run(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	expect_ran("web a ab0001\n");
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_ca.latency_ms = 5 * MINUTE;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	fake_ca.latency_ms = 2;
	fake_time_pass(MINUTE);
	expect_ran("web a ab0001\n");
	expect_state(r, "a=done ");
}

/* The clock was wrong by years when an action failed. */
static void
test_clock_jump_back(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_time_jump(30 * 86400);
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_time_jump(-30 * 86400);
	fake_time_pass(HOUR);
	expect_ran("web a ab0001\nweb a ab0001\n");
	expect_state(r, "a=done ");
}

/* A new certificate comes while a retry for the old one still runs. */
static void
test_new_certificate_during_retry(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_deploy.latency_ms = MINUTE;
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->serial, "ab0002");
	ERIG_UNTIL(deployer_pending(r->engine->deployer) == 0);
	expect_ran("web a ab0001\nweb a ab0001\nweb a ab0002\n");
	expect_state(r, "a=done ");
}

/* A crash after live/web was switched, before any row was written. */
static void
test_installed_without_row(void **state)
{
	struct erig *r = *state;
	EVP_PKEY *key = pki_key();
	struct cert_info info;
	struct error err;
	char *pem = fake_ca_issue(key, (const char *const []){ "example.test",
	    NULL }, "5EC0", false);

	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	expect_ran("web a ab0001\n");
	erig_row(r, "web")->order_url = xstrdup("https://ca.test/order/0");
	erig_row(r, "web")->order_names = xstrdup("[\"example.test\"]");
	erig_row(r, "web")->order_account = xstrdup("https://ca.test/acct/1");
	cert_save(erig_cert(r, "web"));
	if (store_install(r->store, "web", key, pem, strlen(pem), &info,
	    &err) == -1)
		fail_msg("%s", err.msg);
	cert_info_clear(&info);
	erig_crash(r);
	erig_up(r);
	fake_time_pass(SECOND);
	assert_string_equal(erig_row(r, "web")->serial, "5ec0");
	expect_ran("web a 5ec0\n");
	/* Its order is used up. */
	assert_null(erig_row(r, "web")->order_url);
	EVP_PKEY_free(key);
	free(pem);
}

static void
test_stop(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_hang(&fake_deploy.rule);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	expect_ran("web a ab0001\nweb a ab0001\n");
	erig_down(r);		/* a retry, which nobody waits for */
	erig_up(r);
	fake_time_pass(SECOND);
	expect_ran("web a ab0001\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_order),
		ERIG_TEST(test_failure),
		ERIG_TEST(test_several_failures),
		cmocka_unit_test(test_restart),
		ERIG_TEST(test_removed),
		ERIG_TEST(test_removed_while_running),
		ERIG_TEST(test_removed_during_run),
		ERIG_TEST(test_certificate_removed_during_run),
		ERIG_TEST(test_retry_during_failing_run),
		ERIG_TEST(test_clock_jump_back),
		ERIG_TEST(test_new_certificate_during_retry),
		ERIG_TEST(test_installed_without_row),
		ERIG_TEST(test_stop),
	};

	return cmocka_run_group_tests_name("deployer", tests,
	    erig_group_setup, erig_group_teardown);
}
