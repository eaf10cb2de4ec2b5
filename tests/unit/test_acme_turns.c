/* SPDX-License-Identifier: MIT */
/* Which request goes when, and that whoever cancels hears nothing. */
#include "tests/unit/acme_rig.h"

#include <stdbool.h>
#include <string.h>

#include "common/error.h"
#include "daemon/io/loop.h"

/* Cancel after every possible number of turns: done never runs. */
static void
test_cancel(void **state)
{
	static const struct fake_exchange script[] = {
		{ "GET", CA "/dir", .status = 503 }, DIRECTORY, NONCE("A"),
		BAD_NONCE("/order", "B"), FAILS("/order", "http:io"),
		NONCE("C"), CREATED,
	};
	int turns;

	for (turns = 0; turns < 100; turns++) {
		struct acme_op *op;
		struct world w;

		world_new(&w);
		SCRIPT(&w, script);
		op = new_order(&w);
		for (int i = 0; i < turns; i++)
			loop_turn(w.loop);
		if (w.calls == 0)
			acme_cancel(op);
		else
			op = NULL;
		if (turns == 0)
			assert_int_equal(acme_requests(w.acme), 0);
		world_run(&w);
		assert_int_equal(w.calls, op == NULL ? 1 : 0);
		world_free(&w);
		if (op == NULL)
			break;
	}
	assert_in_range(turns, 8, 99);
}

/* Ops may be cancelled from the done functions of others. */
static void
test_cancel_others(void **state)
{
	static const struct fake_exchange script[] = {
		{ "GET", CA "/dir", .status = 404 },
	}, hanging[] = {
		DIRECTORY, NONCE("A"), FAILS("/o/2", FAKE_HANGS),
		NONCE("B"), CREATED,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	(void)new_order(&w);
	w.victim = new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 1);
	SCRIPT(&w, hanging);
	w.victim = acme_order_get_start(w.acme, CA "/o/2", order_cb, &w);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 2);
	acme_cancel(NULL);
	world_free(&w);
}

/* An authorization is not fetched before the order is made (turns.h). */
static void
test_turns(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"), CREATED,
		POST("/z/1", 200, "N4", "", AUTHZ),
	};
	struct acme_op *given_up;
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	(void)new_order(&w);
	given_up = acme_authz_get_start(w.acme, CA "/z/2", authz_cb, &w);
	(void)acme_authz_get_start(w.acme, CA "/z/1", authz_cb, &w);
	acme_cancel(given_up);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 2);
	world_free(&w);
}

static bool is_held;

static int
may(struct error *err, void *arg)
{
	return is_held ? error_set(err, ERR_RATELIMIT, "test:held", "held") :
	    0;
}

static void
held_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	if (err != NULL && strcmp(err->code, "acme:rateLimited") == 0)
		is_held = true;
	world_note(arg, err);
}

static void
ten_orders(struct world *w)
{
	struct acme_order_args args = two_names_order;

	args.may = may;
	for (int i = 0; i < 10; i++)
		(void)acme_order_new_start(w->acme, &args, held_cb, w);
	world_run(w);
}

/* Ten at once, and the CA asks to wait: none follows the first.  Where the
 * first is answered, two do. */
static void
test_orders_wait(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"), POST("/order", 429, "B", "",
		    PROBLEM("rateLimited")),
	}, later[] = {
		CREATED, POST("/order", 429, "B", "", PROBLEM("rateLimited")),
		NONCE("C"), CREATED,
	};
	struct world w;

	world_new(&w);
	/* The CA is not slow, however busy this machine is. */
	pause_divisor = 1;
	SCRIPT(&w, script);
	is_held = false;
	ten_orders(&w);
	world_check(&w);
	assert_int_equal(w.calls, 10);
	assert_string_equal(w.err.code, "test:held");
	SCRIPT(&w, later);
	is_held = false;
	ten_orders(&w);
	world_check(&w);
	assert_int_equal(w.calls, 20);
	world_free(&w);
}

static void
free_all_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	struct world *w = arg;

	w->calls++;
	acme_free(w->acme);
	w->acme = NULL;
}

/* The last operation's done may end it all. */
static void
test_free_in_done(void **state)
{
	static const struct fake_exchange good[] = { BEGIN, CREATED };
	static const struct fake_exchange bad[] = {
		{ "GET", CA "/dir", .status = 404 },
	};
	static const struct { const struct fake_exchange *script; size_t n; }
	cases[] = { { RUN(good) }, { RUN(bad) } };

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_order_new_start(w.acme, &two_names_order,
		    free_all_cb, &w);
		world_run(&w);
		world_check(&w);
		assert_int_equal(w.calls, 1);
		world_free(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_others),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_orders_wait),
		cmocka_unit_test(test_free_in_done),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
