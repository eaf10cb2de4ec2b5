/* SPDX-License-Identifier: MIT */
/* When an order is polled, and what is learnt from it. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/renewal/orderwait.h"
#include "tests/unit/pki.h"

struct wait {
	struct places	 places;
	struct place	 place;
	struct orderwait_op *op;
	struct acme	*acme;
	EVP_PKEY	*key;
	int64_t		 pace_ms, begun_ms, took_ms;
	unsigned	 timeout_ms;
	int		 calls;
	struct error	 err;
	enum acme_status status;
};

static void
waited(const struct error *err, const struct acme_order *order, void *arg)
{
	struct wait *w = arg;

	assert_non_null(w->op);		/* never from start */
	w->op = NULL;
	w->calls++;
	w->took_ms = clock_mono_ms() - w->begun_ms;
	w->err.kind = ERR_NONE;
	if (err != NULL)
		w->err = *err;
	else
		w->status = order->status;
}

static void
account_cb(const struct error *err, const char *kid, void *arg)
{
	assert_null(err);
}

/* One order that its CA is validating. */
static void
wait_init(struct wait *w, struct erig *r)
{
	struct acme_args args = { .directory = "https://ca.test/dir" };

	memset(w, 0, sizeof(*w));
	w->key = args.key = pki_key();
	w->acme = acme_new(r->loop, NULL, &args);
	(void)acme_account_start(w->acme, account_cb, NULL);
	fake_time_pass(100);
	fake_ca.n_orders = 1;
	fake_ca.orders[0].n_names = 1;
	fake_ca.orders[0].names[0] = xstrdup("example.test");
	fake_ca.orders[0].is_proved[0] = true;
	w->pace_ms = 15;
	w->timeout_ms = 300000;
	places_init(&w->places, fake_ca.loop);
	places_set_max(&w->places, 1);
	w->place.places = &w->places;
	place_begin(&w->place);
}

static void
wait_clear(struct wait *w)
{
	places_clear(&w->places);
	acme_free(w->acme);
	EVP_PKEY_free(w->key);
}

static void
wait_start(struct wait *w, struct erig *r)
{
	struct orderwait_args args = {
		.loop = r->loop,
		.acme = w->acme,
		.url = "https://ca.test/order/0",
		.place = &w->place,
		.pace_ms = &w->pace_ms,
		.timeout_ms = w->timeout_ms,
	};

	fake_ca.orders[0].status = ACME_PENDING;
	fake_ca.orders[0].authz[0] = ACME_PENDING;
	fake_ca.orders[0].answered_ms[0] = w->begun_ms = clock_mono_ms();
	fake_ca.calls[FAKE_GET_ORDER] = 0;
	w->calls = 0;
	w->op = orderwait_start(&args, waited, w);
}

static void
wait_run(struct wait *w, struct erig *r)
{
	wait_start(w, r);
	ERIG_UNTIL(w->calls > 0);
	fake_time_pass(DAY);
	assert_int_equal(w->calls, 1);
}

static void
test_pace(void **state)
{
	static const struct {
		int64_t needs_ms, worst_ms;
	} cases[] = {
		{ 1, 10 }, { 40, 60 }, { 400, 520 }, { 2500, 3200 },
	};
	struct wait w;

	wait_init(&w, *state);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		w.pace_ms = 15;
		fake_ca.validation_ms = cases[i].needs_ms;
		for (int k = 0; k < 60; k++) {
			wait_run(&w, *state);
			assert_int_equal(w.err.kind, ERR_NONE);
			assert_int_equal(w.status, ACME_READY);
		}
		/* After a while it asks when the answer is there, once or
		 * twice, and not much later. */
		assert_true(fake_ca.calls[FAKE_GET_ORDER] <= 3);
		assert_true(w.took_ms <= cases[i].worst_ms);
		assert_true(w.pace_ms >= 5 && w.pace_ms <= 3000);
	}
	wait_clear(&w);
}

/* Slower than the longest pace: still bounded, and comes back down. */
static void
test_pace_bounds(void **state)
{
	struct wait w;

	wait_init(&w, *state);
	fake_ca.validation_ms = 60000;
	wait_run(&w, *state);
	assert_int_equal(w.pace_ms, 3000);
	fake_ca.validation_ms = 0;
	for (int k = 0; k < 200; k++)
		wait_run(&w, *state);
	assert_int_equal(w.pace_ms, 5);
	wait_clear(&w);
}

static void
test_retry_after(void **state)
{
	static const struct {
		unsigned retry_after_s;
		unsigned least, most;	/* polls in 10 minutes */
	} cases[] = {
		{ 1, 500, 620 },
		{ 5, 100, 130 },
		{ 3600, 20, 40 },	/* at least every 30 s */
		{ 0, 20, 60 },		/* a quarter of the wait so far */
	};
	struct wait w;

	wait_init(&w, *state);
	fake_ca.validation_ms = 600000;
	w.timeout_ms = 700000;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		unsigned polls;

		w.pace_ms = 15;
		fake_ca.retry_after_s = cases[i].retry_after_s;
		wait_run(&w, *state);
		assert_int_equal(w.err.kind, ERR_NONE);
		polls = fake_ca.calls[FAKE_GET_ORDER];
		if (polls < cases[i].least || polls > cases[i].most)
			fail_msg("Retry-After %u: %u polls",
			    cases[i].retry_after_s, polls);
		assert_true(w.took_ms <= 600000 + 31000);
	}
	/* In the first second the CA's pace is not asked. */
	fake_ca.retry_after_s = 30;
	fake_ca.validation_ms = 300;
	w.pace_ms = 15;
	wait_run(&w, *state);
	assert_true(w.took_ms < 1000);
	wait_clear(&w);
}

static void
test_timeout(void **state)
{
	struct wait w;

	wait_init(&w, *state);
	fake_ca.validation_ms = DAY;
	w.timeout_ms = 60000;
	wait_run(&w, *state);
	assert_int_equal(w.err.kind, ERR_TRANSIENT);
	assert_string_equal(w.err.code, "acme:slow");
	assert_non_null(strstr(w.err.msg, "still pending after 1m"));
	assert_true(w.took_ms >= 60000 && w.took_ms <= 91000);
	wait_clear(&w);
}

static void
test_ends(void **state)
{
	struct wait w;

	wait_init(&w, *state);
	fake_ca.refused_name = "example.test";
	wait_run(&w, *state);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_int_equal(w.status, ACME_INVALID);

	fake_ca.refused_name = NULL;
	fake_rule_fail(&fake_ca.rules[FAKE_GET_ORDER], 1, ERR_RATELIMIT,
	    "acme:rateLimited", "slow down");
	wait_run(&w, *state);
	assert_int_equal(w.err.kind, ERR_RATELIMIT);
	wait_clear(&w);
}

static void
test_cancel(void **state)
{
	struct wait w;

	wait_init(&w, *state);
	orderwait_cancel(NULL);
	wait_start(&w, *state);
	orderwait_cancel(w.op);		/* at once */
	wait_start(&w, *state);
	ERIG_UNTIL(fake_ca.in_flight == 1);
	orderwait_cancel(w.op);		/* a poll is under way */
	fake_ca.validation_ms = DAY;
	wait_start(&w, *state);
	fake_time_pass(5 * MINUTE - SECOND);
	assert_int_equal(fake_ca.in_flight, 0);
	orderwait_cancel(w.op);		/* between two */
	fake_time_pass(DAY);
	assert_int_equal(w.calls, 0);
	wait_clear(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_pace),
		ERIG_TEST(test_pace_bounds),
		ERIG_TEST(test_retry_after),
		ERIG_TEST(test_timeout),
		ERIG_TEST(test_ends),
		ERIG_TEST(test_cancel),
	};

	log_set_level(LOGL_ERROR);
	return cmocka_run_group_tests_name("orderwait", tests, NULL, NULL);
}
