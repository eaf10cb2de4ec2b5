/* SPDX-License-Identifier: MIT */
/* on_name_failure = shrink: names that the CA does not validate. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>

#include "common/json.h"
#include "common/mem.h"
#include "daemon/alerts/condition.h"
#include "daemon/certs/due.h"
#include "daemon/certs/missing.h"

#define DAY_S 86400
#define CERT(names, more) "certificate \"web\" { names = { " names " }" \
	" provider = dns " more " }\n"
#define SHRINK "on_name_failure = shrink"
#define BOTH CERT("\"bad.test\", \"a.test\"", SHRINK)

static void
until(time_t at)
{
	while (clock_now() < at)
		fake_time_pass(at - clock_now() < 3600 ?
		    (at - clock_now()) * SECOND : HOUR);
}

/* It has these names, and lacks so many. */
static void
expect(struct erig *r, const char *names, unsigned missing)
{
	const struct cert *c = erig_cert(r, "web");

	assert_string_equal(c->row.names != NULL ? c->row.names : "none",
	    names);
	assert_int_equal(missing_count(c), missing);
	assert_int_equal(condition_is_good(c), missing == 0 &&
	    c->row.error == NULL);
}

static void
expect_order(size_t n, size_t n_names, const char *first)
{
	const struct fake_order *o = &fake_ca.orders[n];

	assert_true(fake_ca.n_orders > n);
	assert_int_equal(o->n_names, n_names);
	assert_string_equal(o->names[0], first);
}

static void
begin(struct erig *r, const char *conf)
{
	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 1);
}

/*
 * There is none yet: after a second failure without the name, which is tried
 * again ever more rarely, and comes back by itself.
 */
static void
test_first(void **state)
{
	struct erig *r = *state;
	json_t *o;

	fake_ca.refused_name = "bad.test";
	begin(r, BOTH);
	erig_ends(r, 1);
	expect(r, "none", 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.n_orders, 3);
	expect_order(2, 1, "a.test");
	expect(r, "[\"a.test\"]", 1);
	assert_int_equal(condition_of(erig_cert(r, "web")),
	    COND_NAMES_MISSING);
	assert_true(erig_told(r, "lacks names that were not validated: "
	    "bad.test: "));
	o = engine_cert_status(r->engine, "web");
	assert_string_equal(jsonx_str(o, "next.reason"), "missing-names");
	assert_string_equal(jsonx_str(json_array_get(json_object_get(o,
	    "missing_names"), 0), "name"), "bad.test");
	json_decref(o);
	/* No change of the configuration, whatever is looked at. */
	free(erig_reload(r, BOTH));
	erig_crash(r);
	erig_up(r);
	fake_time_pass(50 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 3);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 4);
	expect_order(3, 2, "bad.test");
	expect(r, "[\"a.test\"]", 1);
	assert_int_equal(erig_row(r, "web")->failures, 0);
	fake_time_pass(5 * HOUR);
	assert_int_equal(fake_ca.n_orders, 4);
	until(clock_now() + 10 * DAY_S);
	assert_in_range(fake_ca.n_orders, 13, 16);
	fake_ca.refused_name = NULL;
	erig_ends(r, 1);
	expect(r, "[\"a.test\",\"bad.test\"]", 0);
	until(clock_now() + 20 * DAY_S);
	assert_in_range(fake_ca.n_orders, 14, 17);
}

/* Of one that is in use, only in the last eighth of its life; by default,
 * never. */
static void
test_near_expiry(void **state)
{
	struct erig *r = *state;
	time_t urgent, end;
	size_t n;

	begin(r, BOTH);
	expect(r, "[\"a.test\",\"bad.test\"]", 0);
	end = erig_row(r, "web")->not_after;
	urgent = due_urgent_at(erig_row(r, "web")->not_before, end);
	fake_ca.refused_name = "bad.test";
	until(urgent - 60);
	n = fake_ca.n_orders;
	assert_true(n > 10 && erig_row(r, "web")->failures > 10);
	assert_int_equal(erig_row(r, "web")->not_after, end);
	while (r->oks == 1 && clock_now() < end)
		fake_time_pass(MINUTE);
	assert_true(clock_now() < urgent + 3 * DAY_S);
	/* All of them once more, and at once without the one. */
	assert_int_equal(fake_ca.n_orders, n + 2);
	expect(r, "[\"a.test\"]", 1);
	/* When it is due again it needs no second failure, nor to be late. */
	n = r->oks;
	until(erig_row(r, "web")->not_after - 29 * DAY_S + 7200);
	assert_int_equal(r->oks, n + 1);
	expect(r, "[\"a.test\"]", 1);
}

static void
test_fail(void **state)
{
	struct erig *r = *state;

	begin(r, CERT("\"bad.test\", \"a.test\"", ""));
	fake_ca.refused_name = "bad.test";
	until(erig_row(r, "web")->not_after + DAY_S);
	assert_int_equal(r->oks, 1);
	expect(r, "[\"a.test\",\"bad.test\"]", 0);
}

/* All of them fail: that is a failure. */
static void
test_all(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "bad.test";
	begin(r, CERT("\"bad.test\", \"*.bad.test\"", SHRINK));
	fake_time_pass(3 * HOUR);
	assert_int_equal(r->oks, 0);
	for (size_t i = 0; i < fake_ca.n_orders; i++)
		assert_int_equal(fake_ca.orders[i].n_names, 2);
	/* The ladder, not one try after the other. */
	assert_in_range(fake_ca.n_orders, 3, 5);
}

/* Killed with the order made, and with the CSR sent: gone on with. */
static void
test_crash(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "bad.test";
	begin(r, BOTH);
	erig_ends(r, 1);
	fake_rule_hang(&fake_ca.rules[FAKE_GET_AUTHZ]);
	ERIG_UNTIL(fake_ca.n_orders == 3 &&
	    fake_ca.rules[FAKE_GET_AUTHZ].times == 0);
	fake_time_pass(SECOND);
	erig_crash(r);
	erig_up(r);
	fake_rule_hang(&fake_ca.rules[FAKE_CERT]);
	ERIG_UNTIL(fake_ca.rules[FAKE_CERT].times == 0);
	erig_crash(r);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 3);
	expect(r, "[\"a.test\"]", 1);
	/* What state.db knows is lost, live/ is not. */
	xstrset(&erig_row(r, "web")->serial, NULL);
	erig_row(r, "web")->stamp = 0;
	while (erig_cert(r, "web")->n_missing > 0)
		missing_installed(erig_cert(r, "web"), erig_cert(r,
		    "web")->conf, erig_cert(r, "web")->conf, NULL, 0);
	cert_save(erig_cert(r, "web"));
	erig_down(r);
	erig_up(r);
	expect(r, "[\"a.test\"]", 1);
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 4);
	expect(r, "[\"a.test\"]", 1);
}

/* The configuration changes: its missing name goes, another comes. */
static void
test_conf(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "bad.test";
	begin(r, BOTH);
	erig_ends(r, 2);
	assert_int_equal(fake_ca.n_orders, 3);
	free(erig_reload(r, CERT("\"a.test\"", SHRINK)));
	until(clock_now() + DAY_S);
	assert_int_equal(fake_ca.n_orders, 3);
	expect(r, "[\"a.test\"]", 0);
	free(erig_reload(r, BOTH));
	erig_ends(r, 1);
	free(erig_reload(r, CERT("\"bad.test\", \"a.test\", \"b.test\"",
	    SHRINK)));
	erig_ends(r, 2);
	expect(r, "[\"a.test\",\"b.test\"]", 1);
	/* A person tries all. */
	fake_ca.refused_name = NULL;
	assert_int_equal(engine_renew_now(r->engine, "web", &r->err), 0);
	erig_ends(r, 1);
	expect(r, "[\"a.test\",\"b.test\",\"bad.test\"]", 0);
}

/* The CA refuses the order, for names that it lists, or that its text says. */
static void
test_refused(void **state)
{
	static char bad[] = "bad.test";
	static char *const list[] = { bad, NULL };
	static const struct {
		enum err_kind kind;
		const char *code, *msg;
		char *const *refused;
		enum fake_act act;
		bool is_left_out;
	} cases[] = {
		{ ERR_REJECTED, "acme:rejectedIdentifier", "no", list,
		    FAKE_NEW_ORDER, true },
		{ ERR_REJECTED, "acme:caa", "CAA", list, FAKE_FINALIZE, true },
		{ ERR_RATELIMIT, "acme:rateLimited", "too many failed "
		    "authorizations (5) for \"bad.test\" in the last 1h0m0s",
		    NULL, FAKE_NEW_ORDER, true },
		/* www.bad.test. is another one. */
		{ ERR_RATELIMIT, "acme:rateLimited", "too many failed "
		    "authorizations (5) for \"www.bad.test\"", NULL,
		    FAKE_NEW_ORDER, false },
		{ ERR_RATELIMIT, "acme:rateLimited", "too many certificates "
		    "(50) already issued for bad.test", NULL, FAKE_NEW_ORDER,
		    false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.refused = cases[i].refused;
		fake_rule_fail(&fake_ca.rules[cases[i].act], 2, cases[i].kind,
		    cases[i].code, cases[i].msg);
		erig_conf(r, BOTH);
		erig_up(r);
		for (int h = 0; h < 60 && r->oks == 0; h++)
			fake_time_pass(HOUR);
		assert_int_equal(r->oks, 1);
		expect(r, cases[i].is_left_out ? "[\"a.test\"]" :
		    "[\"a.test\",\"bad.test\"]", cases[i].is_left_out);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_first),
		ERIG_TEST(test_near_expiry),
		ERIG_TEST(test_fail),
		ERIG_TEST(test_all),
		ERIG_TEST(test_crash),
		ERIG_TEST(test_conf),
		ERIG_TEST(test_refused),
	};

	return cmocka_run_group_tests_name("missing", tests,
	    erig_group_setup, erig_group_teardown);
}
