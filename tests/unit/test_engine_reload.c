/* SPDX-License-Identifier: MIT */
/* A new configuration while acmed runs. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>

#include "daemon/cleanup/cleanup.h"

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")

static void
test_reload(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT("a") CERT("b"));
	erig_up(r);
	erig_ends(r, 2);
	expect_reload(r, CERT("a") CERT("b"),
	    "{\"added\":[],\"removed\":[],\"changed\":[]}");
	expect_reload(r, CERT("b") CERT("c") "certificate \"a\" { names = { "
	    "\"x.test\" } provider = dns }\n",
	    "{\"added\":[\"c\"],\"removed\":[],\"changed\":[\"a\"]}");
	erig_ends(r, 2);
	expect_reload(r, CERT("c"),
	    "{\"added\":[],\"removed\":[\"a\",\"b\"],\"changed\":[]}");
	fake_time_pass(70 * DAY);
	assert_int_equal(fake_ca.n_orders, 5);	/* only c */
	expect_next(r, "a", "none");
	assert_null(engine_cert_status(r->engine, "a"));
	/* It comes back: what is on disk counts, and has expired meanwhile. */
	expect_reload(r, CERT("b") CERT("c"),
	    "{\"added\":[\"b\"],\"removed\":[],\"changed\":[]}");
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 6);
	assert_int_equal(r->ends, r->oks);
}

/* Reloads while the queue is long lose nobody. */
static void
test_reload_with_queue(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "max_renewals = 1\n" CERT("a") CERT("b") CERT("c"));
	erig_up(r);
	(void)fake_time_step();
	expect_reload(r, "max_renewals = 1\n" CERT("a") CERT("c") CERT("d")
	    CERT("e"),
	    "{\"added\":[\"d\",\"e\"],\"removed\":[\"b\"],\"changed\":[]}");
	erig_ends(r, 4);
	expect_ordered("a.test c.test d.test e.test ");
	expect_reload(r, "", "{\"added\":[],\"removed\":[\"a\",\"c\",\"d\","
	    "\"e\"],\"changed\":[]}");
	fake_time_pass(DAY);
}

/* At every point of a run: its names change, or it is removed. */
static void
reload_after(void **state, unsigned steps, const char *conf, bool *is_over)
{
	struct erig *r;

	assert_int_equal(erig_setup(state), 0);
	r = *state;
	erig_conf(r, WEB);
	erig_up(r);
	for (unsigned i = 0; i < steps; i++)
		(void)fake_time_step();
	*is_over = r->ends > 0;
	free(erig_reload(r, conf));
	fake_time_pass(HOUR);
	assert_int_equal(r->ends, r->oks);
	assert_int_equal(cleanup_count(r->engine->cleanup), 0);
	if (conf[0] != '\0') {
		assert_string_equal(erig_row(r, "web")->names,
		    "[\"new.test\"]");
		assert_int_equal(fake_ca.n_orders, 2);
	}
	assert_int_equal(erig_teardown(state), 0);
}

static void
test_reload_anywhere(void **state)
{
	static const char *const confs[] = { "", "certificate \"web\" { "
	    "names = { \"new.test\" } provider = dns2 }\n" };

	for (size_t i = 0; i < N_ELEMENTS(confs); i++) {
		bool is_over = false;

		/* From the first step on: the order is sent. */
		for (unsigned n = 8; !is_over; n++)
			reload_after(state, n, confs[i], &is_over);
	}
}

/* The names change while a run for the old ones is about to fail: its
 * failure says nothing about the new names. */
static void
test_reload_before_failure(void **state)
{
	struct erig *r = *state;

	fake_ca.latency_ms = 1000;
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:caa", "no");
	erig_conf(r, WEB);
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_NEW_ORDER] == 1);
	free(erig_reload(r, "certificate \"web\" { names = { \"new.test\" } "
	    "provider = dns }\n"));
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	fake_time_pass(MINUTE);
	assert_int_equal(r->oks, 1);
	assert_string_equal(erig_row(r, "web")->names, "[\"new.test\"]");
}

/* Other resolvers are used from the reload on. */
static void
test_reload_resolvers(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "resolvers = { \"192.0.2.1\" }\n" WEB);
	erig_up(r);
	ERIG_UNTIL(fake_dns.calls[FAKE_SHOWN] == 1);	/* one is in use */
	assert_string_equal(fake_dns.resolver, "192.0.2.1");
	free(erig_reload(r, "resolvers = { \"192.0.2.2\" }\n" WEB));
	assert_string_equal(fake_dns.resolver, "192.0.2.2");
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	free(erig_reload(r, WEB));
	assert_string_equal(fake_dns.resolver, "");
}

static void
test_bad_resolvers(void **state)
{
	struct erig *r = *state;
	struct engine_args args = { .loop = r->loop };
	struct error err;

	erig_conf(r, "resolvers = { \"192.0.2.99\" }\n" WEB);
	args.conf = r->conf;
	assert_null(engine_new(&args, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
}

static void
test_no_certificates(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "");
	erig_up(r);
	fake_time_pass(DAY);
	expect_reload(r, WEB, "{\"added\":[\"web\"],\"removed\":[],"
	    "\"changed\":[]}");
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_reload),
		ERIG_TEST(test_reload_with_queue),
		cmocka_unit_test(test_reload_anywhere),
		ERIG_TEST(test_reload_before_failure),
		ERIG_TEST(test_reload_resolvers),
		ERIG_TEST(test_bad_resolvers),
		ERIG_TEST(test_no_certificates),
	};

	return cmocka_run_group_tests_name("engine: reload", tests,
	    erig_group_setup, erig_group_teardown);
}
