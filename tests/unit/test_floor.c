/* SPDX-License-Identifier: MIT */
/* How often a certificate is ordered, whatever the CA hands out. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "daemon/certs/floor.h"

#define WEB "certificate \"web\" { names = { \"web.test\" } provider = dns }\n"
#define DAY_S 86400

static struct erig *
up(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	return r;
}

/* What is due as it comes: one order, one in the next hour, then daily or by
 * a share of what is left. */
static void
test_due_on_arrival(void **state)
{
	static const struct {
		int64_t lifetime, backdate;	/* seconds */
		size_t day, third;	/* orders in a day, in 3 */
	} cases[] = {
		{ 7200, 3900, 2, 4 },		/* backdated */
		{ 90 * DAY_S, 70 * DAY_S, 1, 1 },	/* this clock is ahead,
							   or cut short */
		{ 90 * DAY_S, 59 * DAY_S, 1, 1 },	/* nearly due */
		{ 160 * 3600, 96 * 3600, 1, 2 },
		{ 24 * 3600, 13 * 3600, 2, 4 },
		{ 10, 0, 2, 4 },
		{ 50, 0, 2, 4 },
		{ 3600, 3599, 2, 4 },
		{ 90 * DAY_S, 400 * DAY_S, 1, 1 },	/* expired already:
							   it is kept */
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		fake_ca.lifetime_s = cases[i].lifetime;
		fake_ca.backdate_s = cases[i].backdate;
		r = up(state);
		fake_time_pass(59 * MINUTE);
		assert_int_equal(fake_ca.n_orders, 1);
		/* A restart changes nothing. */
		erig_down(r);
		erig_up(r);
		fake_time_pass(24 * HOUR - 59 * MINUTE);
		if (fake_ca.n_orders != cases[i].day)
			fail_msg("%zu: %zu orders in a day", i,
			    fake_ca.n_orders);
		fake_time_pass(2 * DAY);
		assert_in_range(fake_ca.n_orders, cases[i].third > 1 ?
		    cases[i].third - 1 : 1, cases[i].third);
	}
}

/* It is shown and told why; a person who asks is not held; and a certificate
 * as it should be ends it. */
static void
test_is_told(void **state)
{
	struct erig *r;
	struct error err;
	json_t *o;

	fake_ca.backdate_s = 70 * DAY_S;
	r = up(state);
	assert_true(erig_told(r, "web install warning the certificate was due "
	    "when it arrived: valid for 20d only, 70d old on arrival; is this "
	    "machine's clock right?; no other is ordered before 2027-01-28T"));
	o = engine_cert_status(r->engine, "web");
	assert_string_equal(jsonx_str(o, "state"), "valid");
	assert_string_equal(jsonx_str(o, "error.code"), FLOOR_DUE_ON_ARRIVAL);
	assert_int_equal(jsonx_int(o, "failures", 0), 1);
	assert_string_equal(jsonx_str(o, "next.action"), "retry");
	/* A third of the 20 days is left then. */
	assert_in_range(jsonx_int(o, "next.at", 0), RIG_NOW + 13 * DAY_S,
	    RIG_NOW + 14 * DAY_S);
	json_decref(o);

	fake_ca.backdate_s = 3600;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_null(erig_row(r, "web")->error);
	assert_int_equal(erig_row(r, "web")->early, 0);
	fake_time_pass(30 * DAY);
	assert_int_equal(fake_ca.n_orders, 2);
}

/* How far our clock is off, and what is ordered all the same. */
static void
test_clocks_differ(void **state)
{
	static const struct {
		int64_t ahead, lifetime;	/* of what is in use; 0: none */
		size_t orders;
		bool is_told;
	} cases[] = {
		{ 200, 0, 1, false }, { -200, 0, 1, false },
		{ 400, 0, 1, true }, { -400, 0, 1, true },
		{ 89 * DAY_S, 0, 1, true }, { 91 * DAY_S, 0, 0, true },
		{ -DAY_S + 600, 0, 1, true }, { -DAY_S - 600, 0, 0, true },
		{ 4 * DAY_S, 160 * 3600, 1, true },
		{ 7 * DAY_S, 160 * 3600, 0, true },
		{ 120, 60, 1, false }, { 3000, 60, 1, true },
		{ -3000, 60, 1, true }, { -4000, 1800, 0, true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;
		size_t n;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		fake_ca.lifetime_s = cases[i].lifetime;
		fake_ca.backdate_s = 0;
		if (cases[i].lifetime != 0)
			up(state);
		r = *state;
		n = fake_ca.n_orders;
		fake_ca.lifetime_s = 90 * DAY_S;
		fake_ca.ahead_s = cases[i].ahead;
		if (cases[i].lifetime == 0) {
			up(state);
		} else {
			/* Of its own accord, whatever holds it. */
			fake_time_pass(8 * DAY);
			ERIG_UNTIL(r->ends >= 2);
		}
		if (fake_ca.n_orders - n != cases[i].orders)
			fail_msg("%zu: %zu orders: %s", i, fake_ca.n_orders -
			    n, r->events);
		if (erig_told(r, "s clock is ") != cases[i].is_told)
			fail_msg("%zu: %s", i, r->events);
		if (cases[i].orders == 0)
			assert_string_equal(r->err.code, "engine:clock");
	}
}

/* No order while the clock is wrong, unless a person insists; and one at once
 * when it is right. */
static void
test_clock_stops(void **state)
{
	struct erig *r;
	struct error err;
	json_t *o;

	fake_ca.ahead_s = 370 * DAY_S;
	fake_time_jump(370 * DAY_S);
	r = up(state);
	assert_int_equal(r->err.kind, ERR_TRANSIENT);
	assert_non_null(strstr(r->err.msg, "this machine's clock is 370d ahead "
	    "of the CA's: it shows 2028-01-20T"));
	assert_non_null(strstr(r->err.msg, ", the CA's 2027-01-15T"));
	assert_non_null(strstr(r->err.msg, "timedatectl"));
	o = engine_cert_status(r->engine, "web");
	assert_non_null(strstr(jsonx_str(o, "clock"), "370d ahead"));
	json_decref(o);
	fake_time_pass(2 * DAY);
	assert_int_equal(fake_ca.n_orders, 0);
	assert_in_range(fake_ca.calls[FAKE_CLOCK], 4, 6);
	assert_int_equal(engine_check_held(r->engine, "web", &err), -1);
	assert_string_equal(err.code, "engine:clock");
	assert_non_null(strstr(err.msg, "--force"));

	fake_ca.ahead_s = 0;
	fake_time_jump(-370 * DAY_S);
	assert_int_equal(engine_check_held(r->engine, "web", &err), 0);
	fake_time_pass(MINUTE);
	assert_int_equal(fake_ca.n_orders, 1);
	o = engine_cert_status(r->engine, "web");
	assert_null(jsonx_str(o, "clock"));
	assert_null(jsonx_str(o, "error.code"));
	json_decref(o);

	fake_ca.ahead_s = 370 * DAY_S;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 2);
}

/* The clock is put right: what was planned by the wrong one is void. */
static void
test_clock_is_mended(void **state)
{
	struct erig *r = *state;

	fake_time_jump(75 * DAY_S);
	fake_ca.backdate_s = 75 * DAY_S;
	r = up(state);
	assert_true(floor_is_held(erig_row(r, "web")));
	fake_time_jump(-75 * DAY_S);
	fake_ca.backdate_s = 3600;
	fake_time_pass(MINUTE);
	assert_null(erig_row(r, "web")->error);
	fake_time_pass(58 * DAY);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_time_pass(3 * DAY);
	assert_int_equal(fake_ca.n_orders, 2);
}

/* Short lives that are honest keep their schedule. */
static void
test_short_lives(void **state)
{
	static const struct {
		int64_t lifetime, hours;
		size_t least, most;	/* orders in these hours */
	} cases[] = {
		{ 300, 2, 46, 52 }, { 3600, 24, 47, 50 },
		{ 7200, 24, 23, 26 }, { DAY_S, 24, 2, 3 },
		{ 6 * DAY_S, 24, 1, 1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		unsigned n;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		fake_ca.lifetime_s = cases[i].lifetime;
		fake_ca.backdate_s = 0;
		(void)up(state);
		fake_time_pass(cases[i].hours * HOUR);
		n = fake_ca.calls[FAKE_NEW_ORDER];
		assert_in_range(n, cases[i].least, cases[i].most);
	}
}

/* Suggestions that lie in the past pull a renewal once an hour, then daily. */
static void
test_ari_in_the_past(void **state)
{
	fake_ca.has_ari = true;
	fake_ca.ari_start = RIG_NOW - 10 * DAY_S;
	fake_ca.ari_end = RIG_NOW - 9 * DAY_S;
	(void)up(state);
	fake_time_pass(59 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_time_pass(23 * HOUR);
	assert_int_equal(fake_ca.n_orders, 2);
	fake_time_pass(2 * DAY);
	assert_int_equal(fake_ca.n_orders, 4);
}

/* Issued, and of no use: an hour, then daily; also where the certificate in
 * use has expired, and all else is tried hourly. */
static void
test_thrown_away(void **state)
{
	struct erig *r = *state;

	(void)up(state);
	fake_ca.wrong_names = true;
	fake_time_pass(91 * DAY);
	assert_true(erig_row(r, "web")->not_after < clock_now());
	/* 60 days on the certificate, 30 of daily orders. */
	assert_in_range(fake_ca.n_orders, 28, 34);
}

/* A CA that names a second to come back is not believed. */
static void
test_short_retry_after(void **state)
{
	static const char *const codes[] = { "acme:rateLimited",
	    "acme:http-503" };

	for (size_t i = 0; i < N_ELEMENTS(codes); i++) {
		struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		fake_rule_fail(rule, 100000, ERR_RATELIMIT, codes[i], "busy");
		rule->err.retry_at = RIG_NOW + 1;
		(void)up(state);
		for (int s = 0; s < 24 * 60; s++) {
			rule->err.retry_at = clock_now() + 1;
			fake_time_pass(MINUTE);
		}
		assert_in_range(fake_ca.calls[FAKE_NEW_ORDER], 4, 5);
	}
}

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define FIVE "max_renewals = 1\n" CERT("a") CERT("b") CERT("c") CERT("d") \
    CERT("e")

/* The CA asks one certificate to wait: its whole account does, also over a
 * restart, and a person hears until when. */
static void
test_account_is_held(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;

	fake_rule_fail(rule, 1, ERR_RATELIMIT, "acme:rateLimited",
	    "rateLimited: too many new orders from this account");
	rule->err.retry_at = RIG_NOW + 7200;
	erig_conf(r, FIVE);
	erig_up(r);
	fake_time_pass(HOUR);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 1);
	erig_down(r);
	erig_up(r);
	fake_time_pass(58 * MINUTE);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 1);
	assert_int_equal(engine_check_held(r->engine, "c", &err), -1);
	assert_string_equal(err.code, "engine:held");
	assert_string_equal(err.msg, "\"c\" is held: the CA asks account "
	    "\"ca\" to wait until 2027-01-15T10:00:00Z (2m): order: "
	    "rateLimited: too many new orders from this account; to ask all "
	    "the same: acmectl renew-now --force c");
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	/* A person may ask all the same. */
	assert_int_equal(engine_renew_now(r->engine, "c", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	/* The CA takes orders again: so do the others. */
	fake_time_pass(MINUTE);
	assert_int_equal(engine_check_held(r->engine, "b", &err), 0);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(r->oks, 5);
}

/* What the CA says of names, or of a domain, holds nobody else. */
static void
test_names_are_held(void **state)
{
	static const char *const msgs[] = {
		"rateLimited: too many certificates (5) already issued for "
		    "this exact set of identifiers",
		"rateLimited: too many certificates already issued for "
		    "\"a.test\"" };

	for (size_t i = 0; i < N_ELEMENTS(msgs); i++) {
		struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
		struct erig *r;
		struct error err;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_rule_fail(rule, 1, ERR_RATELIMIT, "acme:rateLimited",
		    msgs[i]);
		rule->err.retry_at = RIG_NOW + 2 * DAY_S;
		erig_conf(r, FIVE);
		erig_up(r);
		fake_time_pass(HOUR);
		assert_int_equal(r->oks, 4);
		assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 5);
		assert_int_equal(engine_check_held(r->engine, "b", &err), 0);
		assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
		assert_non_null(strstr(err.msg, "to wait until"));
	}
}

/* A maintenance page without an end, and certificates near theirs: each
 * account asks hourly, not each certificate each minute. */
static void
test_held_near_expiry(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	unsigned before;

	fake_ca.lifetime_s = DAY_S;
	erig_conf(r, FIVE);
	erig_up(r);
	erig_ends(r, 5);
	fake_rule_fail(rule, 1000, ERR_RATELIMIT, "acme:http-503",
	    "HTTP status 503");
	rule->err.retry_at = RIG_NOW + 7 * DAY_S;
	fake_time_pass(20 * HOUR);
	before = fake_ca.calls[FAKE_NEW_ORDER];
	fake_time_pass(10 * HOUR);
	assert_in_range(fake_ca.calls[FAKE_NEW_ORDER] - before, 7, 13);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_due_on_arrival),
		ERIG_TEST(test_is_told),
		ERIG_TEST(test_clock_is_mended), ERIG_TEST(test_clocks_differ),
		ERIG_TEST(test_clock_stops),
		ERIG_TEST(test_short_lives),
		ERIG_TEST(test_ari_in_the_past),
		ERIG_TEST(test_thrown_away),
		ERIG_TEST(test_short_retry_after),
		ERIG_TEST(test_account_is_held),
		ERIG_TEST(test_names_are_held),
		ERIG_TEST(test_held_near_expiry),
	};

	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
