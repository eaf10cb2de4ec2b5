/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#include "daemon/certs/due.h"

#define DAY 86400
#define HOUR 3600

static void
test_renew_before(void **state)
{
	static const struct {
		int64_t lifetime, wanted, got;
	} cases[] = {
		{ 90 * DAY, 30 * DAY, 30 * DAY },
		{ 64 * DAY, 30 * DAY, 64 * DAY / 3 },
		{ 45 * DAY, 30 * DAY, 15 * DAY },
		{ 45 * DAY, 10 * DAY, 10 * DAY },
		{ 10 * DAY, 30 * DAY, 10 * DAY / 3 },
		{ 6 * DAY, 30 * DAY, 3 * DAY },
		{ 6 * DAY, 1 * DAY, 1 * DAY },
		{ 60, 30 * DAY, 30 },
	};
	const time_t begin = 1800000000;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(due_renew_before(begin, begin +
		    (time_t)cases[i].lifetime, cases[i].wanted), cases[i].got);
}

static void
test_due_at(void **state)
{
	const time_t begin = 1800000000, end = begin + 90 * DAY;

	assert_int_equal(due_at(begin, end, 30 * DAY, 0), end - 30 * DAY);
	assert_int_equal(due_at(begin, end, 30 * DAY, 20),
	    end - 30 * DAY + 30 * DAY / 50);
	assert_int_equal(due_at(begin, end, 30 * DAY, -20),
	    end - 30 * DAY - 30 * DAY / 50);
	for (int i = 0; i < 1000; i++)
		assert_in_range(due_spread() + 20, 0, 40);
}

static void
test_retry(void **state)
{
	static const struct {
		enum err_kind kind;
		unsigned failures;
		int64_t left;		/* of the certificate; 0: none */
		int64_t pause;		/* +-20 % */
	} cases[] = {
		{ ERR_TRANSIENT, 1, 0, 60 },
		{ ERR_TRANSIENT, 2, 0, 600 },
		{ ERR_REJECTED, 3, 0, 6000 },
		{ ERR_CONFIG, 4, 0, DAY },
		{ ERR_TRANSIENT, 400, 30 * DAY, DAY },
		{ ERR_INTERNAL, 7, 0, 300 },
		{ ERR_TRANSIENT, 9, 5 * DAY, DAY / 2 },
		{ ERR_TRANSIENT, 9, 6 * HOUR, HOUR },
		{ ERR_TRANSIENT, 9, -6 * HOUR, HOUR },
		/* What failed for days is not asked for every hour. */
		{ ERR_TRANSIENT, 99, -20 * HOUR, 2 * HOUR },
		{ ERR_REJECTED, 99, -20 * DAY, 6 * HOUR },
		{ ERR_TRANSIENT, 1, -6 * HOUR, 60 },
	};
	const time_t now = 1800000000;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err = { .kind = cases[i].kind };
		time_t end = cases[i].left != 0 ?
		    now + (time_t)cases[i].left : 0;

		for (int k = 0; k < 50; k++) {
			int64_t pause = due_retry_at(&err, cases[i].failures,
			    now, end) - now;

			assert_true(pause >= cases[i].pause * 4 / 5);
			assert_true(pause <= cases[i].pause * 6 / 5 + 1);
		}
	}
}

static void
test_policy(void **state)
{
	struct error err = { .kind = ERR_REJECTED, .code = "acme:caa" };
	const time_t now = 1800000000;

	assert_true(due_retry_at(&err, 1, now, 0) >= now + DAY * 4 / 5);
	/* But not where the certificate in use is about to expire. */
	assert_true(due_retry_at(&err, 1, now, now + HOUR) <= now + 2 * HOUR);
	/* The request itself was refused, or an answer was odd, whatever it
	 * quotes. */
	err = (struct error){ .kind = ERR_REJECTED, .code = "acme:malformed",
	    .msg = "new order: malformed: Error creating new order :: Domain "
	    "name \"www.example.test\" is redundant with a wildcard domain" };
	assert_true(due_retry_at(&err, 1, now, 0) >= now + DAY * 4 / 5);
	(void)snprintf(err.code, sizeof(err.code), "acme:badReply");
	assert_true(due_retry_at(&err, 1, now, 0) <= now + 72);
}

static void
test_retry_after(void **state)
{
	struct error err = { .kind = ERR_RATELIMIT };
	const time_t now = 1800000000;

	err.retry_at = now + 1000;
	assert_in_range(due_retry_at(&err, 1, now, 0), now + 1000, now + 1052);
	/* It never shortens the ladder. */
	assert_true(due_retry_at(&err, 3, now, 0) >= now + 4800);
	assert_true(due_retry_at(&err, 4, now, 0) >= now + DAY * 4 / 5);
	err.retry_at = now + 1;
	assert_true(due_retry_at(&err, 1, now, 0) >= now + 48);
	assert_true(due_retry_at(&err, 9, now, now + HOUR) >= now + 2880);
	/* A hostile one is bounded. */
	err.retry_at = now + 4000 * (time_t)DAY;
	assert_true(due_retry_at(&err, 1, now, 0) <= now + 8 * DAY);
	/* One in the past is none. */
	err.retry_at = now - 5;
	assert_true(due_retry_at(&err, 1, now, 0) >= now + 48);
}

static void
test_held_until(void **state)
{
	static const struct {
		const char *code;
		int64_t asked, left, got;	/* left 0: no certificate */
	} cases[] = {
		{ "acme:rateLimited", 600, 0, 600 },
		{ "acme:rateLimited", 5 * DAY, 0, 5 * DAY },
		{ "acme:rateLimited", 50 * DAY, 0, 7 * DAY },
		{ "acme:rateLimited", -50, 0, 0 },
		{ "acme:rateLimited", 7 * DAY, 30 * DAY, 7 * DAY },
		/* It would take too much of what is left. */
		{ "acme:rateLimited", 7 * DAY, 10 * DAY, DAY },
		{ "acme:rateLimited", DAY, 45, HOUR },
		/* Nothing is left to save. */
		{ "acme:rateLimited", DAY, -10 * HOUR, DAY },
		{ "acme:rateLimited", 50 * DAY, -DAY, 7 * DAY },
		{ "acme:rateLimited", 600, -DAY, 600 },
		/* Nobody at the CA has said this. */
		{ "acme:http-503", DAY, 45, HOUR },
		{ "acme:http-503", DAY, -DAY, DAY / 10 },
		{ "acme:http-503", 7 * DAY, 30 * DAY, 3 * DAY },
		{ "acme:http-502", 7 * DAY, 0, DAY },
		{ "acme:http-429", 7 * DAY, 30 * DAY, 7 * DAY },
	};
	const time_t now = 1800000000;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err = { .kind = ERR_RATELIMIT };
		time_t end = cases[i].left != 0 ?
		    now + (time_t)cases[i].left : 0;

		(void)snprintf(err.code, sizeof(err.code), "%s",
		    cases[i].code);
		err.retry_at = now + (time_t)cases[i].asked;
		assert_int_equal(due_held_until(&err, now, end),
		    now + (time_t)cases[i].got);
		assert_true(due_retry_at(&err, 1, now, end) >=
		    now + (time_t)cases[i].got);
	}
}

static void
test_near(void **state)
{
	static const struct {
		int64_t lifetime, age, due;	/* from notBefore */
		bool got;
	} cases[] = {
		{ 90 * DAY, 3600, 60 * DAY, false },
		{ 90 * DAY, 70 * DAY, 60 * DAY, true },
		{ 90 * DAY, 59 * DAY, 60 * DAY, true },
		{ 90 * DAY, 40 * DAY, 60 * DAY, false },
		{ 2 * HOUR, 65 * 60, HOUR, true },
		{ 2 * HOUR, 60, HOUR, false },
		{ 24 * HOUR, HOUR, 12 * HOUR, false },
		{ 300, 0, 150, false },
		{ 60, 1, 30, true }, { 120, 2, 60, false },
		{ 10, 0, 5, true },
		{ -10, 0, -5, true },
	};
	const time_t begin = 1800000000;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(due_is_near(begin, begin +
		    (time_t)cases[i].lifetime, begin + (time_t)cases[i].due,
		    begin + (time_t)cases[i].age), cases[i].got);
}

static void
test_floor(void **state)
{
	const time_t now = 1800000000;

	for (int i = 0; i < 100; i++) {
		assert_in_range(due_floor(1, now, 0), now + HOUR,
		    now + HOUR + 180);
		assert_in_range(due_floor(2, now, 0), now + DAY,
		    now + DAY + 4320);
		assert_in_range(due_floor(900, now, now + 55 * 60), now + DAY,
		    now + DAY + 4320);
	}
	/* A third of what is really left. */
	assert_int_equal(due_floor(1, now, now + 21 * DAY), now + 14 * DAY);
	assert_int_equal(due_floor(7, now, now + 21 * DAY), now + 14 * DAY);
}

static void
test_planned(void **state)
{
	struct error err = { .kind = ERR_RATELIMIT };
	const time_t now = 1800000000, wrong = now + 4000 * (time_t)DAY;
	time_t at;

	assert_int_equal(due_planned(0, now), 0);
	assert_int_equal(due_planned(now + DAY, now), now + DAY);
	/* Planned in 2037 by a clock that was put right since. */
	assert_int_equal(due_planned(wrong, now), now);
	assert_int_equal(due_asked(now + 5, now), now + 5);
	/* What was planned by rule stays, however much was asked for. */
	assert_int_equal(due_planned(due_asked(wrong, now), now),
	    due_asked(wrong, now));
	for (int i = 0; i < 1000; i++) {
		err.retry_at = wrong;
		at = due_retry_at(&err, 1, now, 0);
		assert_int_equal(due_planned(at, now), at);
	}
}

static void
test_soon(void **state)
{
	const time_t now = 1800000000;

	assert_in_range(due_soon_retry_at(1, now), now + 48, now + 73);
	assert_in_range(due_soon_retry_at(3, now), now + 2880, now + 4321);
	assert_in_range(due_soon_retry_at(99, now), now + 2880, now + 4321);
}

static void
test_window(void **state)
{
	/* 08:00 of a Friday. */
	const time_t now = 1800000000;
	const struct conf_window night = { 120, 300, 0 },
	    over = { 1320, 240, 0 }, day = { 470, 500, 0 },
	    end = { 1200, 1440, 0 };
	const struct conf_window two[] = { night, over };
	const struct {
		const struct conf_window *w;
		size_t n;
		time_t at, want;
	} cases[] = {
		{ NULL, 0, now, now },
		{ &night, 1, now, now + 18 * 3600 },
		{ &night, 1, now + 18 * 3600, now + 18 * 3600 },
		{ &night, 1, now + 18 * 3600 - 1, now + 18 * 3600 },
		{ &night, 1, now + 21 * 3600 - 1, now + 21 * 3600 - 1 },
		{ &night, 1, now + 21 * 3600, now + 42 * 3600 },
		{ &over, 1, now, now + 14 * 3600 },
		{ &over, 1, now + 15 * 3600, now + 15 * 3600 },
		{ &over, 1, now + 17 * 3600, now + 17 * 3600 },
		{ &over, 1, now + 20 * 3600, now + 38 * 3600 },
		{ &day, 1, now, now },
		{ &end, 1, now, now + 12 * 3600 },
		{ &end, 1, now + 16 * 3600 - 1, now + 16 * 3600 - 1 },
		{ two, 2, now, now + 14 * 3600 },
		{ two, 2, now + 20 * 3600, now + 20 * 3600 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(due_window_at(cases[i].w, cases[i].n,
		    cases[i].at), cases[i].want);
	/* An hour that the clocks leave out; New York, 2027-03-14. */
	(void)setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	assert_true(due_window_at(&night, 1, 1805005800) > 1805005800);
	(void)setenv("TZ", "UTC", 1);
	tzset();
}

/* "22:00-04:00" on some days: the night after Friday is Friday's. */
static void
test_window_days(void **state)
{
	/* 08:00 of a Friday; hours from then. */
	const time_t now = 1800000000;
	enum { SUN = 1, MON = 2, TUE = 4, WED = 8, THU = 16, FRI = 32 };
	static const struct {
		struct conf_window w;
		int at, want;
	} cases[] = {
		{ { 120, 300, MON | TUE | WED | THU }, 0, 66 },
		{ { 120, 300, MON | TUE | WED | THU }, 66, 66 },
		{ { 120, 300, MON | TUE | WED | THU }, 69, 90 },
		{ { 120, 300, MON | TUE | WED | THU }, 141, 234 },
		{ { 120, 300, FRI }, 0, 162 },
		{ { 120, 300, FRI }, -6, -6 },
		{ { 1320, 240, FRI }, 0, 14 },
		{ { 1320, 240, FRI }, 19, 19 },		/* Sat 03:00 */
		{ { 1320, 240, FRI }, -5, 14 },		/* Fri 03:00 */
		{ { 1320, 240, THU }, -5, -5 },
		{ { 1320, 240, THU }, -4, 158 },
		{ { 1320, 240, SUN | FRI }, 20, 62 },
	};
	const struct conf_window two[] = { cases[0].w, cases[6].w };

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(due_window_at(&cases[i].w, 1, now +
		    cases[i].at * 3600), now + cases[i].want * 3600);
	assert_int_equal(due_window_at(two, 2, now), now + 14 * 3600);
	assert_int_equal(due_window_at(two, 2, now + 20 * 3600),
	    now + 66 * 3600);
	/* New York, the Sunday on which 02:30 is left out, from 01:00. */
	(void)setenv("TZ", "EST5EDT,M3.2.0,M11.1.0", 1);
	tzset();
	assert_int_equal(due_window_at(&(struct conf_window){ 150, 240, MON },
	    1, 1805004000), 1805092200);
	(void)setenv("TZ", "UTC", 1);
	tzset();
}

static void
test_urgent(void **state)
{
	assert_int_equal(due_urgent_at(1000, 9000), 8000);
	assert_int_equal(due_urgent_at(0, 0), 0);
}

static void
test_look(void **state)
{
	static const struct { int64_t life, every; } cases[] = {
		{ 90 * DAY, DAY }, { 45 * DAY, DAY }, { 20 * DAY, DAY },
		{ 160 * HOUR, 8 * HOUR }, { HOUR, HOUR },
	};
	const time_t at = 1800000000;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		for (int k = 0; k < 50; k++)
			assert_in_range(due_look_at(at, at + cases[i].life,
			    at + 7), at + 7 + cases[i].every * 7 / 8,
			    at + 7 + cases[i].every * 9 / 8);
	}
	/* Of a row that does not know. */
	assert_in_range(due_look_at(0, 0, at), at + DAY * 7 / 8,
	    at + DAY * 9 / 8);
}

static void
test_ari(void **state)
{
	const time_t begin = 1800000000, end = begin + 80 * DAY;
	const time_t latest = begin + 70 * DAY;
	static const struct {
		int64_t drawn, pulled, got;	/* days after begin */
	} cases[] = {
		{ 50, 0, 50 },
		/* In the past: at once. */
		{ -5, 0, -5 },
		/* Later than renew_before would have it. */
		{ 69, 0, 69 },
		/* Not where the end is near. */
		{ 71, 0, 70 }, { 80, 0, 70 }, { 9999, 0, 70 },
		/* Not daily. */
		{ -5, 1, 2 }, { 50, 1, 50 }, { 50, 50, 51 }, { 1, 69, 70 },
		{ 1, 70, 70 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(due_ari(begin, end, begin + cases[i].drawn *
		    DAY, cases[i].pulled == 0 ? 0 : begin + cases[i].pulled *
		    DAY, begin - 9 * DAY), begin + cases[i].got * DAY);
	assert_int_equal(due_urgent_at(begin, end), latest);
	/* Of a short life: an eighth of it. */
	assert_int_equal(due_ari(0, 8 * HOUR, 1, HOUR, 0), 2 * HOUR);
	/* Not right after it came. */
	assert_int_equal(due_ari(begin, end, begin - DAY, 0, begin + 60),
	    begin + 60 + HOUR);
	assert_int_equal(due_ari(0, 800, 1, 0, 50), 150);
}

static void
test_ari_draw(void **state)
{
	time_t low = 2000, high = 1000;

	for (int i = 0; i < 2000; i++) {
		time_t at = due_ari_draw(1000, 2000, 0);

		assert_in_range(at, 1000, 2000);
		low = at < low ? at : low;
		high = at > high ? at : high;
	}
	assert_true(low < 1100 && high > 1900);
	/* What is inside stays. */
	assert_int_equal(due_ari_draw(1000, 2000, 1234), 1234);
	assert_int_equal(due_ari_draw(1000, 2000, 2000), 2000);
	assert_in_range(due_ari_draw(1000, 2000, 2001), 1000, 2000);
	assert_in_range(due_ari_draw(1000, 2000, 999), 1000, 2000);
	assert_int_equal(due_ari_draw(1000, 1001, 5), 1000);
	assert_true(due_ari_draw(1, 253402300799, 0) >= 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_renew_before),
		cmocka_unit_test(test_due_at),
		cmocka_unit_test(test_retry),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_held_until),
		cmocka_unit_test(test_near),
		cmocka_unit_test(test_floor),
		cmocka_unit_test(test_planned),
		cmocka_unit_test(test_soon),
		cmocka_unit_test(test_window),
		cmocka_unit_test(test_window_days),
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_look),
		cmocka_unit_test(test_ari),
		cmocka_unit_test(test_ari_draw),
	};

	(void)setenv("TZ", "UTC", 1);

	return cmocka_run_group_tests(tests, NULL, NULL);
}
