/* SPDX-License-Identifier: MIT */
/* The CA says when to renew (RFC 9773), and is told what an order replaces. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/certs/ari_window.h"
#include "daemon/engine/ari.h"

#define DAY_S 86400
#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")
#define NO_ARI "account \"other\" { directory = \"https://ca.test/dir\"" \
    " agree_tos = true ari = false }\n" \
    "certificate \"web\" { names = { \"web.test\" } provider = dns" \
    " account = other }\n"

static struct erig *
begin(void **state)
{
	struct erig *r = *state;

	fake_ca.has_ari = true;
	fake_ca.ari_start = RIG_NOW + 58 * DAY_S;
	fake_ca.ari_end = RIG_NOW + 59 * DAY_S;
	return r;
}

/* Certificate "web" is there; the CA was asked n times. */
static void
issue(struct erig *r, const char *conf)
{
	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.calls[FAKE_INFO], 0);
}

static void
asked(unsigned n)
{
	ERIG_UNTIL(fake_ca.calls[FAKE_INFO] >= n && fake_ca.in_flight == 0);
}

static time_t
due(struct erig *r)
{
	const char *action;
	time_t at = engine_next_at(r->engine, erig_cert(r, "web"), &action);

	assert_string_equal(action, "renew");
	return at;
}

static void
expect_reason(struct erig *r, const char *reason)
{
	json_t *o = engine_cert_status(r->engine, "web");
	const char *got = json_string_value(json_object_get(json_object_get(o,
	    "next"), "reason"));

	assert_string_equal(got != NULL ? got : "", reason);
	json_decref(o);
}

static void
test_window(void **state)
{
	struct erig *r = begin(state);
	time_t at;

	issue(r, WEB);
	expect_reason(r, "lifetime");
	asked(1);
	/* Within two minutes of the installation. */
	assert_true(clock_now() < RIG_NOW + 120);
	at = due(r);
	assert_in_range(at, fake_ca.ari_start, fake_ca.ari_end);
	expect_reason(r, "ari");
	assert_false(erig_told(r, "earlier renewal"));
	/* Every 6 hours, +-10 %; the same window means the same time. */
	fake_time_pass(10 * DAY);
	assert_in_range(fake_ca.calls[FAKE_INFO], 36, 46);
	assert_int_equal(due(r), at);
	erig_crash(r);
	erig_up(r);
	assert_int_equal(due(r), at);
	fake_time_pass(DAY);
	assert_int_equal(due(r), at);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_time_pass((at - clock_now() + 60) * 1000);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(r->oks, 2);
	assert_string_equal(fake_ca.orders[0].replaces, "");
	assert_string_equal(fake_ca.orders[1].replaces, "AQI.AKsAAQ");
}

/* A window is of one certificate: the next one begins without, and an answer
 * that comes when there is another is dropped. */
static void
test_successor(void **state)
{
	struct erig *r = begin(state);
	struct store_cert *row;
	struct error err;

	issue(r, WEB);
	asked(1);
	row = erig_row(r, "web");
	ERIG_UNTIL(row->ari_end == fake_ca.ari_end);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(row->ari_start, 0);
	assert_int_equal(row->ari_end, 0);
	expect_reason(r, "lifetime");
	ERIG_UNTIL(fake_ca.calls[FAKE_INFO] >= 2);
	assert_true(fake_ca.in_flight > 0);
	free(row->serial);
	row->serial = xstrdup("another");
	ERIG_UNTIL(fake_ca.in_flight == 0);
	fake_time_pass(1000);
	assert_int_equal(row->ari_end, 0);
}

static void
test_past(void **state)
{
	struct erig *r = begin(state);

	issue(r, WEB);
	asked(1);
	fake_ca.ari_start = RIG_NOW - 2 * DAY_S;
	fake_ca.ari_end = RIG_NOW - DAY_S;
	fake_ca.ari_why = "https://ca.test/incident";
	asked(2);
	erig_ends(r, 1);
	assert_true(clock_now() < RIG_NOW + 7 * 3600);
	assert_int_equal(r->oks, 2);
	assert_true(erig_told(r, "earlier renewal"));
	assert_true(erig_told(r, "https://ca.test/incident"));
	/* The CA says so of the new one, too: it gets an order a day only. */
	fake_time_pass(5 * DAY);
	assert_in_range(r->oks, 6, 8);
}

/* A run that the CA called for and that failed is tried again soon. */
static void
test_past_fails(void **state)
{
	struct erig *r = begin(state);

	fake_ca.ari_start = RIG_NOW - 2 * DAY_S;
	fake_ca.ari_end = RIG_NOW - DAY_S;
	issue(r, WEB);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:connect", "down");
	erig_ends(r, 2);
	assert_int_equal(r->oks, 2);
	/* The hour is that in which the first one came. */
	assert_true(clock_now() < RIG_NOW + 3600 + 300);
}

static void
test_moved(void **state)
{
	struct erig *r = begin(state);
	time_t at;

	issue(r, WEB);
	asked(1);
	at = due(r);
	/* Moved, but what was drawn is inside. */
	fake_ca.ari_start = RIG_NOW + 40 * DAY_S;
	fake_ca.ari_end = RIG_NOW + 60 * DAY_S;
	asked(2);
	assert_int_equal(due(r), at);
	/* Outside. */
	fake_ca.ari_start = RIG_NOW + 20 * DAY_S;
	fake_ca.ari_end = RIG_NOW + 21 * DAY_S;
	asked(3);
	assert_in_range(due(r), fake_ca.ari_start, fake_ca.ari_end);
	assert_true(erig_told(r, "earlier renewal"));
}

/* Later than renew_before, but not into the last eighth. */
static void
test_later(void **state)
{
	struct erig *r = begin(state);
	const struct store_cert *row;

	fake_ca.ari_start = RIG_NOW + 70 * DAY_S;
	fake_ca.ari_end = RIG_NOW + 71 * DAY_S;
	issue(r, WEB);
	asked(1);
	assert_in_range(due(r), fake_ca.ari_start, fake_ca.ari_end);
	fake_ca.ari_start = RIG_NOW + 88 * DAY_S;
	fake_ca.ari_end = RIG_NOW + 200 * DAY_S;
	asked(2);
	row = erig_row(r, "web");
	assert_int_equal(due(r), row->not_after - (row->not_after -
	    row->not_before) / 8);
	fake_time_pass(77 * (int64_t)DAY);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_time_pass(3 * (int64_t)DAY);
	assert_int_equal(fake_ca.n_orders, 2);
}

static void
test_retry_after(void **state)
{
	struct erig *r = begin(state);
	unsigned before;

	fake_ca.ari_retry_s = 3600;
	issue(r, WEB);
	asked(1);
	before = fake_ca.calls[FAKE_INFO];
	fake_time_pass(10 * HOUR);
	assert_in_range(fake_ca.calls[FAKE_INFO] - before, 8, 12);
}

/* Errors are quiet, change nothing, and are not asked for all the time. */
static void
test_errors(void **state)
{
	static const struct {
		enum err_kind	 kind;
		const char	*code;
		unsigned	 min, max;	/* requests of a day */
	} cases[] = {
		{ ERR_REJECTED, "acme:http-404", 3, 6 },
		{ ERR_REJECTED, "acme:malformed", 3, 6 },
		{ ERR_TRANSIENT, "http:timeout", 5, 8 },
	};
	struct erig *r = begin(state);
	time_t at;

	issue(r, WEB);
	at = due(r);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		unsigned before = fake_ca.calls[FAKE_INFO];

		fake_rule_fail(&fake_ca.rules[FAKE_INFO], 1000, cases[i].kind,
		    cases[i].code, "no");
		erig_cert(r, "web")->ari_failures = 0;
		fake_time_pass(DAY);
		assert_in_range(fake_ca.calls[FAKE_INFO] - before,
		    cases[i].min, cases[i].max);
		assert_int_equal(due(r), at);
	}
	assert_null(erig_row(r, "web")->error);
	assert_null(strstr(r->events, "warning"));
}

/* A CA without it, or one that shall not decide. */
static void
test_not_offered(void **state)
{
	struct erig *r = begin(state);
	struct error err;
	time_t at;

	fake_ca.has_ari = false;
	issue(r, WEB);
	at = due(r);
	fake_time_pass(5 * DAY);
	assert_in_range(fake_ca.calls[FAKE_INFO], 4, 7);
	assert_int_equal(due(r), at);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_string_equal(fake_ca.orders[1].replaces, "");
}

static void
test_switched_off(void **state)
{
	struct erig *r = begin(state);
	struct error err;

	issue(r, NO_ARI);
	fake_time_pass(2 * DAY);
	assert_int_equal(fake_ca.calls[FAKE_INFO], 0);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(fake_ca.orders[1].replaces, "");
}

/* It is asked for again without. */
static void
test_replaced_already(void **state)
{
	static const char *const codes[] = { "acme:alreadyReplaced",
	    "acme:malformed", "acme:serverInternal" };
	struct erig *r = begin(state);
	struct error err;
	size_t n = 1;

	issue(r, WEB);
	for (size_t i = 0; i < N_ELEMENTS(codes); i++) {
		fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1,
		    ERR_REJECTED, codes[i], "replaced");
		assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
		erig_ends(r, 1);
		assert_int_equal(r->oks, i + 2);
		assert_int_equal(fake_ca.n_orders, ++n);
		assert_string_equal(fake_ca.orders[n - 1].replaces, "");
		assert_true(erig_told(r, "without \"replaces\""));
		erig_events_clear(r);
	}
	/* One retry, not more. */
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 2, ERR_REJECTED,
	    "acme:malformed", "no");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "acme:malformed");
	assert_int_equal(fake_ca.n_orders, n);
	/* A refusal of another kind: none at all. */
	n = fake_ca.calls[FAKE_NEW_ORDER];
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:caa", "no");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "acme:caa");
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], n + 1);
}

/* Nothing in common with what is installed, or of another CA. */
static void
test_replaces_nothing(void **state)
{
	struct erig *r = begin(state);

	issue(r, WEB);
	free(erig_reload(r, "certificate \"web\" { names = { \"b.test\" } "
	    "provider = dns }\n"));
	erig_ends(r, 1);
	assert_string_equal(fake_ca.orders[1].replaces, "");
	free(erig_reload(r, "certificate \"web\" { names = { \"b.test\", "
	    "\"c.test\" } provider = dns }\n"));
	erig_ends(r, 1);
	assert_string_not_equal(fake_ca.orders[2].replaces, "");
	free(erig_row(r, "web")->ari_directory);
	erig_row(r, "web")->ari_directory = xstrdup("https://x.test/dir");
	assert_null(ari_window_replaces(erig_cert(r, "web"), false));
}

/* A row of an older version has no ARI-ID: it is read, and used. */
static void
test_old_row(void **state)
{
	struct erig *r = begin(state);
	struct store_cert *row;

	issue(r, WEB);
	row = erig_row(r, "web");
	xstrset(&row->ari_id, NULL);
	xstrset(&row->ari_directory, NULL);
	asked(1);
	assert_string_equal(row->ari_id, "AQI.AKsAAQ");
	assert_string_equal(row->ari_directory, "https://ca.test/dir");
	assert_in_range(due(r), fake_ca.ari_start, fake_ca.ari_end);
}

/* Some at a time; none is forgotten; a stop ends them. */
static void
test_many(void **state)
{
	struct erig *r = begin(state);

	erig_conf(r, CERT("a") CERT("b") CERT("c") CERT("d") CERT("e")
	    CERT("f") CERT("g") CERT("h"));
	erig_up(r);
	erig_ends(r, 8);
	for (size_t i = 0; i < r->engine->certs->n; i++)
		r->engine->certs->list[i]->row.ari_poll_at = clock_now();
	ari_kick(r->engine->ari);
	fake_ca.latency_ms = 1000;
	while (fake_ca.calls[FAKE_INFO] < 8) {
		assert_true(fake_ca.in_flight <= 4);
		assert_true(fake_time_step());
	}
	fake_time_pass(10 * SECOND);
	for (size_t i = 0; i < r->engine->certs->n; i++)
		assert_int_not_equal(r->engine->certs->list[i]->row.ari_end, 0);
	assert_int_equal(fake_ca.calls[FAKE_INFO], 8);
	fake_rule_hang(&fake_ca.rules[FAKE_INFO]);
	fake_time_pass(7 * HOUR);
	erig_down(r);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_window), ERIG_TEST(test_successor),
		ERIG_TEST(test_past),
		ERIG_TEST(test_past_fails), ERIG_TEST(test_moved),
		ERIG_TEST(test_later), ERIG_TEST(test_retry_after),
		ERIG_TEST(test_errors), ERIG_TEST(test_not_offered),
		ERIG_TEST(test_switched_off),
		ERIG_TEST(test_replaced_already),
		ERIG_TEST(test_replaces_nothing), ERIG_TEST(test_old_row),
		ERIG_TEST(test_many),
	};

	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
