/* SPDX-License-Identifier: MIT */
/* Whole lives of certificates of 90, 64, 45 and 6 days. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/alerts/alarm.h"
#include "daemon/certs/due.h"

#define WEB "certificate \"web\" { names = { \"web.test\" } provider = dns }\n"
#define DAY_S 86400
#define SHORT_S (160 * 3600)	/* Let's Encrypt's shortlived */

/* How much of a life passes until it is renewed, per cent. */
static int64_t
share(int64_t lifetime)
{
	return lifetime < 10 * DAY_S ? 50 : 67;
}

/* Go on until there is one order more; that of this life, and no other, has to
 * come when its share has passed. */
static void
live(struct erig *r, int64_t next_lifetime)
{
	const struct store_cert *row = erig_row(r, "web");
	int64_t from = row->not_before, life = row->not_after - from;
	int64_t due = from + life * share(life) / 100;
	size_t n = fake_ca.n_orders;
	unsigned oks = r->oks;

	fake_ca.lifetime_s = next_lifetime;
	while (fake_ca.n_orders == n)
		fake_time_pass(10 * MINUTE);
	/* 2 % of renew_before, and the steps of this loop. */
	assert_in_range(clock_now(), due - life / 100 - 1200,
	    due + life / 100 + 1200);
	ERIG_UNTIL(r->oks > oks);
	assert_int_equal(fake_ca.n_orders, n + 1);
	row = erig_row(r, "web");
	assert_int_equal(row->not_after - row->not_before, next_lifetime);
}

/* Also where a life is unlike the one before it: the row's own dates count. */
static void
test_lives(void **state)
{
	static const int64_t lives[] = { 90 * DAY_S, 64 * DAY_S, 45 * DAY_S,
	    SHORT_S, SHORT_S, 45 * DAY_S, 90 * DAY_S };
	struct erig *r = *state;

	fake_ca.lifetime_s = lives[0];
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	for (size_t i = 1; i < N_ELEMENTS(lives); i++) {
		live(r, lives[i]);
		if (i % 3 == 0) {	/* whatever happens in between */
			erig_down(r);
			erig_up(r);
		}
	}
}

/*
 * The CA is away from when the certificate is due until a fifth of its life is
 * left.  It is asked as often as that life wants, the alarm comes while there
 * is time, and it is renewed soon after the CA is back.
 */
static void
test_ca_away(void **state)
{
	static const struct { int64_t life; unsigned least, most; } cases[] = {
		{ 90 * DAY_S, 12, 40 }, { 64 * DAY_S, 8, 40 },
		{ 45 * DAY_S, 6, 40 }, { SHORT_S, 6, 40 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		int64_t life = cases[i].life, end;
		struct erig *r;
		unsigned calls;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.lifetime_s = life;
		erig_conf(r, WEB);
		erig_up(r);
		erig_ends(r, 1);
		end = erig_row(r, "web")->not_after;
		calls = fake_ca.calls[FAKE_NEW_ORDER];
		fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 100000,
		    ERR_TRANSIENT, "acme:http-503", "busy");
		while (clock_now() < end - life / 5)
			fake_time_pass(HOUR);
		calls = fake_ca.calls[FAKE_NEW_ORDER] - calls;
		assert_in_range(calls, cases[i].least, cases[i].most);
		assert_int_equal(alarm_stage(end - life, end, 30 * DAY_S,
		    clock_now()), STAGE_QUARTER);
		assert_true(erig_row(r, "web")->retry_at < end - life / 10);
		fake_ca.rules[FAKE_NEW_ORDER].times = 0;
		while (erig_row(r, "web")->not_after == end) {
			assert_true(clock_now() < end - life / 10);
			fake_time_pass(HOUR);
		}
	}
}

/* It says so when the end has passed. */
static void
test_expired(void **state)
{
	struct erig *r = *state;
	int64_t end;

	fake_ca.lifetime_s = SHORT_S;
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	end = erig_row(r, "web")->not_after;
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 100000, ERR_TRANSIENT,
	    "acme:http-503", "busy");
	while (clock_now() < end)
		fake_time_pass(HOUR);
	assert_true(erig_told(r, "the certificate in use expires in "));
	erig_events_clear(r);
	while (clock_now() < end + 2 * DAY_S)
		fake_time_pass(HOUR);
	assert_true(erig_told(r, "the certificate in use expired 1d "));
	assert_false(erig_told(r, "expires in"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_lives),
		ERIG_TEST(test_ca_away),
		ERIG_TEST(test_expired),
	};

	return cmocka_run_group_tests_name("lives", tests, erig_group_setup,
	    erig_group_teardown);
}
