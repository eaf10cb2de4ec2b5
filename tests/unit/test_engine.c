/* SPDX-License-Identifier: MIT */
/* Which certificate when: schedule, commands, failures. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/alerts/condition.h"

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")

/* A year of certificates that live 90 days, with a restart in every month. */
static void
test_year(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB CERT("mail"));
	erig_up(r);
	for (int month = 0; month < 12; month++) {
		fake_time_pass(30 * DAY);
		assert_true(erig_row(r, "web")->not_after > clock_now() +
		    28 * 86400);
		erig_down(r);
		erig_up(r);
	}
	assert_int_equal(r->ends, r->oks);
	assert_in_range(fake_ca.n_orders, 12, 14);	/* 60 days each */
	assert_int_equal(fake_ca.accounts, 1);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(scratch_count(&r->scratch, "s/archive/web/*"), 5);
}

/* A clock that jumps is noticed within half a minute. */
static void
test_clock_jump(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_jump(70 * 86400);
	fake_time_pass(31 * SECOND);
	assert_int_equal(r->oks, 2);
}

/* A failure while the clock was wrong by years must not count for years. */
static void
test_clock_jump_back(void **state)
{
	struct erig *r = *state;

	fake_time_jump(3 * 365 * 86400);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:tls", "certificate has expired");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_jump(-3 * 365 * 86400);
	fake_time_pass(HOUR);
	assert_int_equal(r->oks, 1);
}

static void
test_renew_now(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	ERIG_UNTIL(erig_cert(r, "web")->run != NULL);
	/* Again while it runs: the same run. */
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	fake_time_pass(DAY);
	assert_int_equal(r->oks, 2);
	assert_int_equal(fake_ca.n_orders, 2);

	assert_int_equal(engine_renew_now(r->engine, "wep", &err), -1);
	assert_string_equal(err.code, "engine:unknown-cert");
	assert_non_null(strstr(err.msg, "did you mean \"web\"?"));
	expect_reload(r, "", "{\"added\":[],\"removed\":[\"web\"],"
	    "\"changed\":[]}");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), -1);
	assert_string_equal(err.code, "engine:unknown-cert");
}

/* It runs at once, though the schedule says to wait after a failure. */
static void
test_renew_now_after_failure(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:caa", "no");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(10 * HOUR);
	assert_int_equal(r->ends, 1);
	expect_next(r, "web", "retry");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
}

/*
 * What was asked for and fails is tried again by the ladder, though the
 * certificate is not due for long; also after a restart, and whichever step
 * failed.
 */
static void
test_renew_now_fails(void **state)
{
	static const enum fake_act acts[] = { FAKE_NEW_ORDER,
	    FAKE_GET_AUTHZ, FAKE_FINALIZE, FAKE_CERT };
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	for (size_t i = 0; i < N_ELEMENTS(acts); i++) {
		unsigned ends = r->ends, oks = r->oks;

		fake_rule_fail(&fake_ca.rules[acts[i]], 3, ERR_TRANSIENT,
		    "http:timeout", "slow");
		assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
		erig_ends(r, 1);
		assert_false(erig_told(r, "slow; next try in 59d"));
		fake_time_pass(2 * MINUTE);
		assert_int_equal(r->ends, ends + 2);
		erig_down(r);
		erig_up(r);
		expect_next(r, "web", "retry");
		fake_time_pass(15 * MINUTE);
		assert_int_equal(r->ends, ends + 3);
		fake_time_pass(3 * HOUR);
		assert_int_equal(r->ends, ends + 4);
		assert_int_equal(r->oks, oks + 1);
		expect_next(r, "web", "renew");
		fake_time_pass(DAY);
		assert_int_equal(r->ends, ends + 4);
	}
}

/* What only a person can mend is tried again at a reload. */
static void
test_renew_now_mended(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_CONFIG,
	    "acme:tos", "agree_tos = true");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	free(erig_reload(r, WEB));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 2);
	fake_time_pass(DAY);
	assert_int_equal(r->ends, 3);
}

/* The next start does what was asked for right before a crash. */
static void
test_renew_now_crash(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_ca.latency_ms = 60000;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	fake_time_pass(SECOND);
	erig_crash(r);
	fake_ca.latency_ms = 0;
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
}

/* The clock was wrong, the run failed, the clock is right again: no order. */
static void
test_failure_is_over(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:tls", "certificate has expired");
	fake_time_jump(370 * 86400);
	erig_ends(r, 1);
	assert_non_null(condition_error(erig_cert(r, "web")));
	fake_time_jump(-370 * 86400);
	fake_time_pass(DAY);
	assert_int_equal(r->ends, 2);
	assert_null(condition_error(erig_cert(r, "web")));
	expect_next(r, "web", "renew");
}

/* state.db is lost: what was issued at once does not come due at once; and a
 * spread that somebody wrote by hand is none. */
static void
test_spread(void **state)
{
	struct erig *r = *state;
	int seen = 0;

	erig_conf(r, CERT("a") CERT("b") CERT("c") CERT("d") CERT("e"));
	erig_up(r);
	erig_ends(r, 5);
	erig_row(r, "a")->spread = 999999999;
	cert_save(erig_cert(r, "a"));
	fake_time_pass(SECOND);
	erig_down(r);
	erig_up(r);
	assert_in_range(erig_row(r, "a")->spread + 20, 0, 40);
	erig_down(r);
	assert_int_equal(unlink(scratch_path(&r->scratch, "s/state.db")), 0);
	(void)unlink(scratch_path(&r->scratch, "s/state.db-wal"));
	(void)unlink(scratch_path(&r->scratch, "s/state.db-shm"));
	erig_up(r);
	for (const char *name = "abcde"; *name != '\0'; name++) {
		const char one[] = { *name, '\0' };

		seen |= erig_row(r, one)->spread != 0;
	}
	assert_true(seen);	/* each is 0 once in 41 times */
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 5);
}

/* --- failures --- */

static void
test_ladder(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_TRANSIENT,
	    "http:timeout", "slow");
	erig_conf(r, WEB);
	erig_up(r);
	fake_time_pass(HOUR);
	assert_int_equal(r->ends, 3);		/* 0, 1 and 11 minutes */
	fake_time_pass(HOUR + 30 * MINUTE);
	assert_int_equal(r->ends, 4);
	fake_time_pass(10 * DAY);
	assert_in_range(r->ends, 12, 16);	/* daily */
	/* The wait is the same after a restart. */
	erig_down(r);
	erig_up(r);
	expect_next(r, "web", "retry");
	fake_time_pass(MINUTE);
	assert_in_range(r->ends, 12, 16);
	assert_int_equal(erig_row(r, "web")->failures, r->ends);
}

static void
test_retry_after(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_RATELIMIT,
	    "acme:rateLimited", "later");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = RIG_NOW + 7200;
	erig_conf(r, WEB);
	erig_up(r);
	fake_time_pass(119 * MINUTE);
	erig_down(r);
	erig_up(r);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 1);
	fake_time_pass(10 * MINUTE);
	assert_int_equal(r->oks, 1);
}

/* Runs that ask at the same time are told the same: it is one refusal, after
 * which the account does not wait a day. */
static void
test_retry_after_many(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 4, ERR_RATELIMIT,
	    "acme:rateLimited", "later");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = RIG_NOW + 120;
	fake_ca.latency_ms = 1000;
	erig_conf(r, CERT("a") CERT("b") CERT("c") CERT("d"));
	erig_up(r);
	erig_ends(r, 4);
	assert_int_equal(r->oks, 0);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(r->oks, 4);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 8);
}

/* With the old certificate near its end the tries come every hour. */
static void
test_near_expiry(void **state)
{
	struct erig *r = *state;
	unsigned before;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_REJECTED,
	    "acme:caa", "no");
	fake_time_pass(89 * DAY);
	before = r->ends;
	fake_time_pass(DAY);
	assert_in_range(r->ends - before, 14, 26);
	fake_time_pass(DAY);
	expect_next(r, "web", "retry");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_year),
		ERIG_TEST(test_clock_jump),
		ERIG_TEST(test_clock_jump_back),
		ERIG_TEST(test_renew_now),
		ERIG_TEST(test_renew_now_after_failure),
		ERIG_TEST(test_renew_now_fails),
		ERIG_TEST(test_renew_now_mended),
		ERIG_TEST(test_renew_now_crash),
		ERIG_TEST(test_failure_is_over),
		ERIG_TEST(test_spread),
		ERIG_TEST(test_ladder),
		ERIG_TEST(test_retry_after),
		ERIG_TEST(test_retry_after_many),
		ERIG_TEST(test_near_expiry),
	};

	return cmocka_run_group_tests_name("engine", tests,
	    erig_group_setup, erig_group_teardown);
}
