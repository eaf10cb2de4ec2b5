/* SPDX-License-Identifier: MIT */
/* How many runs work at the same time, and which goes next. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/deploy/gate.h"

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"

static void
test_queue(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, "max_renewals = 2\n" CERT("a") CERT("b") CERT("c")
	    CERT("d") CERT("e"));
	erig_up(r);
	assert_int_equal(r->engine->certs->places.working, 2);
	expect_next(r, "e", "running");
	/* One that is asked for goes before those that wait. */
	assert_int_equal(engine_renew_now(r->engine, "e", &err), 0);
	while (r->oks < 5) {
		assert_true(r->engine->certs->places.working <= 2);
		assert_true(fake_time_step());
	}
	expect_ordered("a.test b.test e.test c.test d.test ");
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 5);
}

/* One that waits for a place is paused: it is not begun all the same. */
static void
test_pause_queued(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, "max_renewals = 1\n" CERT("a") CERT("b") CERT("c"));
	erig_up(r);
	assert_int_equal(engine_pause(r->engine, "b", 0, &err), 0);
	fake_time_pass(DAY);
	expect_ordered("a.test c.test ");
	assert_int_equal(r->oks, 2);
}

/* c00, c01, ...: n certificates with this text in their sections. */
static char *
many(unsigned n, const char *head, const char *text)
{
	char *conf = xstrdup(head);

	for (unsigned i = 0; i < n; i++) {
		char *more = xasprintf("%scertificate \"c%02u\" { names = { "
		    "\"c%02u.example.test\" } %s }\n", conf, i, i, text);

		free(conf);
		conf = more;
	}
	return conf;
}

static void
up_with(struct erig *r, char *conf)
{
	erig_conf(r, conf);
	free(conf);
	erig_up(r);
}

/*
 * A place is for work: all ten wait for the DNS at the same time, and never are
 * more than two of them at work.
 */
static void
test_places(void **state)
{
	struct erig *r = *state;
	unsigned most = 0;

	fake_ca.latency_ms = 100;
	up_with(r, many(10, "max_renewals = 2\n",
	    "provider = dns propagation_delay = 5m"));
	while (r->oks < 10) {
		const struct places *p = &r->engine->certs->places;
		unsigned waiting = 0;

		for (int i = 0; i < 10; i++) {
			const struct cert *c = r->engine->certs->list[i];

			waiting += c->run != NULL && !c->place.is_working &&
			    c->step == STEP_AUTHORIZE;
		}
		if (waiting > most)
			most = waiting;
		assert_true(p->working <= 2);
		/* Each asks for one thing at a time. */
		assert_true(fake_ca.in_flight <= 2);
		assert_true(fake_time_step());
	}
	assert_int_equal(most, 10);
	assert_true(clock_now() < RIG_NOW + 360);
	assert_int_equal(r->engine->certs->places.running, 0);
}

/* Who has waited goes before those that have not begun. */
static void
test_places_in_turn(void **state)
{
	struct erig *r = *state;

	fake_ca.latency_ms = 100;
	up_with(r, many(30, "max_renewals = 1\n",
	    "provider = dns propagation_delay = 1s"));
	erig_ends(r, 1);
	assert_in_range(fake_ca.n_orders, 2, 15);
	erig_ends(r, 29);
	assert_int_equal(r->oks, 30);
}

/* However many may work: twenty orders whose authorizations are not known. */
static void
test_places_at_begin(void **state)
{
	struct erig *r = *state;
	unsigned most = 0;

	fake_ca.latency_ms = 100;
	up_with(r, many(60, "max_renewals = 200\n",
	    "provider = dns propagation_delay = 1m"));
	while (r->oks < 60) {
		unsigned begun = (unsigned)fake_ca.n_orders -
		    fake_ca.calls[FAKE_GET_AUTHZ];

		if (begun > most)
			most = begun;
		assert_true(fake_time_step());
	}
	assert_int_equal(most, 20);
	assert_true(clock_now() < RIG_NOW + 90);
}

/* More wait for one name than ten minutes are enough for: none gives up. */
static void
test_places_one_name(void **state)
{
	struct erig *r = *state;

	up_with(r, many(6, "provider \"one\" { type = tokendns }\n",
	    "provider = one propagation_delay = 4m"));
	erig_ends(r, 6);
	assert_int_equal(r->oks, 6);
	assert_true(clock_now() > RIG_NOW + 1400);
}

/* A switch gathers others that come soon, not those that wait for the DNS. */
static void
test_switch_in_time(void **state)
{
	struct erig *r = *state;
	int64_t ms;

	erig_conf(r, CERT("now") "certificate \"late\" { names = { "
	    "\"late.test\" } provider = dns propagation_delay = 10m }\n");
	erig_up(r);
	ERIG_UNTIL(erig_cert(r, "now")->step == STEP_INSTALL);
	ms = clock_mono_ms();
	ERIG_UNTIL(erig_cert(r, "now")->row.serial != NULL);
	assert_true(clock_mono_ms() - ms < GATE_QUIET_MS);
	assert_int_equal(erig_cert(r, "late")->step, STEP_AUTHORIZE);
	assert_true(erig_cert(r, "late")->place.is_running);
	erig_ends(r, 2);
	assert_int_equal(r->oks, 2);
}

/* What expires first goes first. */
static void
test_urgency(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "max_renewals = 1\n" CERT("a") CERT("b") CERT("c"));
	erig_up(r);
	erig_ends(r, 3);
	erig_row(r, "b")->not_after = clock_now() + 100;
	erig_row(r, "a")->not_after = clock_now() + 300;
	erig_row(r, "c")->not_after = clock_now() + 200;
	fake_time_jump(70 * 86400);
	fake_time_pass(31 * SECOND);
	expect_ordered("a.test b.test c.test b.test c.test a.test ");
}

/*
 * Of very many that are ready and may not go, each is a matter of a moment,
 * whatever the length of the table: the loop has others to serve.
 */
static void
test_many_ready(void **state)
{
	struct erig *r = *state;
	enum { N = 10000 };
	struct engine *e;
	const char *action;
	clock_t begin, look, skip;
	char *conf;
	size_t len;
	FILE *f = open_memstream(&conf, &len);

	assert_non_null(f);
	fputs("max_renewals = 1\n", f);
	for (int i = 0; i < N; i++)
		fprintf(f, CERT("c%05d"), i, i);
	assert_int_equal(fclose(f), 0);
	fake_ca.latency_ms = 100;
	up_with(r, conf);
	e = r->engine;
	assert_int_equal(e->certs->places.running, 1);
	assert_int_equal(e->n_ready - e->next_ready, N - 1);
	begin = clock();
	for (int i = 0; i < N; i++) {
		e->certs->list[i]->row.paused_until = STORE_PAUSED_EVER;
		(void)engine_next_at(e, e->certs->list[i], &action);
	}
	look = clock() - begin;
	e->certs->places.max = 2;
	begin = clock();
	engine_start_ready(e);
	skip = clock() - begin;
	assert_int_equal(e->next_ready, e->n_ready);
	assert_int_equal(e->certs->places.running, 1);
	/* 4 times as long; with a look through the table, 1000 times. */
	if (skip > 30 * (look + 100))
		fail_msg("%d: a look takes %ld us, not to begin them %ld us",
		    N, (long)look, (long)skip);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_queue),
		ERIG_TEST(test_pause_queued),
		ERIG_TEST(test_places),
		ERIG_TEST(test_places_in_turn),
		ERIG_TEST(test_places_at_begin),
		ERIG_TEST(test_places_one_name),
		ERIG_TEST(test_switch_in_time),
		ERIG_TEST(test_urgency),
		ERIG_TEST(test_many_ready),
	};

	return cmocka_run_group_tests_name("engine: places", tests,
	    erig_group_setup, erig_group_teardown);
}
