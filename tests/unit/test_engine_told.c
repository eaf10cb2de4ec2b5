/* SPDX-License-Identifier: MIT */
/* What the engine tells: events, status, metrics; and its end. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")

static void
test_stop_refuses(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	r->engine->is_stopping = true;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), -1);
	assert_string_equal(err.code, "engine:stopping");
}

/* At one CA at a time, and not while acmed stops. */
static void
test_dry_run(void **state)
{
	static const char one[] = "https://one.test/dir";
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_rehearse(r->engine, "web", one, &err), 0);
	assert_int_equal(engine_rehearse(r->engine, "web", one, &err), 0);
	assert_int_equal(engine_rehearse(r->engine, "web",
	    "https://two.test/dir", &err), -1);
	assert_string_equal(err.code, "rehearse:busy");
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_true(erig_told(r, "trying a renewal at https://one.test/dir"));
	r->engine->is_stopping = true;
	assert_int_equal(engine_rehearse(r->engine, "web", one, &err), -1);
	assert_string_equal(err.code, "engine:stopping");
}

static void
stop_in_judgement(struct erig *r, int64_t validation_ms, bool is_soon)
{
	fake_ca.validation_ms = validation_ms;
	erig_conf(r, WEB);
	erig_up(r);
	ERIG_UNTIL(fake_ca.orders[0].answered_ms[0] != 0);
	fake_time_pass(10);
	erig_down(r);
	assert_int_equal(r->ends, 1);
	assert_int_equal(r->oks, is_soon);
	assert_string_equal(r->err.code, is_soon ? "" : "engine:stopping");
	assert_int_equal(fake_dns_count(), 0);
	erig_up(r);
	fake_time_pass(HOUR);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* The verdict is waited for, if it comes soon. */
static void
test_stop_judged(void **state)
{
	stop_in_judgement(*state, 2000, true);
	assert_int_equal(fake_ca.calls[FAKE_ANSWER], 1);
}

static void
test_stop_judged_slowly(void **state)
{
	stop_in_judgement(*state, 30000, false);
}

/* Who is stopped gives its place to who is judged. */
static void
test_stop_judged_place(void **state)
{
	struct erig *r = *state;

	fake_ca.validation_ms = 3000;
	erig_conf(r, "max_renewals = 1\n" CERT("a") CERT("b"));
	erig_up(r);
	ERIG_UNTIL(fake_ca.orders[0].answered_ms[0] != 0);
	fake_dns.latency_ms = 30000;
	ERIG_UNTIL(erig_cert(r, "b")->step == STEP_AUTHORIZE &&
	    erig_cert(r, "b")->place.is_working);
	fake_time_pass(10);
	fake_dns.latency_ms = 0;
	assert_false(erig_cert(r, "a")->place.is_working);
	erig_down(r);
	assert_int_equal(r->oks, 1);
	assert_int_equal(r->ends, 2);
}

/* Nothing to be done: it takes no time. */
static void
test_stop_idle(void **state)
{
	struct erig *r = *state;
	int64_t begun;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	begun = clock_mono_ms();
	erig_down(r);
	assert_true(clock_mono_ms() - begun < 10);
}

struct listener {
	struct event_sub *sub, *other;
	unsigned	 n;
};

static void
leave_cb(const json_t *event, void *arg)
{
	struct listener *l = arg;

	l->n++;
	event_unsubscribe(l->other);
	l->other = NULL;
	if (l->n == 2) {
		event_unsubscribe(l->sub);
		l->sub = NULL;
	}
}

static void
count_cb(const json_t *event, void *arg)
{
	(*(unsigned *)arg)++;
}

static void
test_unsubscribe(void **state)
{
	struct erig *r = *state;
	struct listener l = { .n = 0 };
	unsigned gone = 0, all = 0;
	struct event_sub *last;

	erig_conf(r, WEB);
	erig_open(r);
	event_unsubscribe(NULL);
	l.sub = engine_subscribe(r->engine, leave_cb, &l);
	l.other = engine_subscribe(r->engine, count_cb, &gone);
	last = engine_subscribe(r->engine, count_cb, &all);
	engine_start(r->engine);
	erig_ends(r, 1);
	assert_int_equal(l.n, 2);
	assert_null(l.sub);
	assert_int_equal(gone, 0);
	assert_true(all >= 7);
	event_unsubscribe(last);
}

static void
end_cb(const json_t *event, void *arg)
{
	json_t **kept = arg;

	if (json_object_get(event, "end") != NULL) {
		json_decref(*kept);
		*kept = json_deep_copy(event);
	}
}

static void
expect_end(json_t *end, const char *format, const char *expected)
{
	char *got = json_dumps(json_object_get(end, format), JSON_COMPACT |
	    JSON_ENCODE_ANY | JSON_SORT_KEYS);

	assert_string_equal(got, expected);
	free(got);
}

static void
test_end_events(void **state)
{
	struct erig *r = *state;
	json_t *end = NULL;
	struct event_sub *sub;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_RATELIMIT,
	    "acme:rateLimited", "later");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = RIG_NOW - 1;
	erig_conf(r, WEB);
	erig_open(r);
	sub = engine_subscribe(r->engine, end_cb, &end);
	engine_start(r->engine);
	erig_ends(r, 1);
	expect_end(end, "ok", "false");
	expect_end(end, "cert", "\"web\"");
	expect_end(end, "error", "{\"at\":1800000000,"
	    "\"code\":\"acme:rateLimited\",\"kind\":\"rate-limited\","
	    "\"msg\":\"order: later\"}");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    end, "next"), "action")), "retry");
	erig_ends(r, 1);
	expect_end(end, "ok", "true");
	assert_null(json_object_get(end, "error"));
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    end, "next"), "action")), "renew");
	event_unsubscribe(sub);
	json_decref(end);
}

static void
test_status(void **state)
{
	struct erig *r = *state;
	json_t *status, *cert;
	char *metrics;

	fake_ca.latency_ms = 1000;
	erig_conf(r, WEB);
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_NEW_ORDER] == 1);
	cert = engine_cert_status(r->engine, "web");
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    cert, "run"), "msg")), "ordering a certificate");
	assert_string_equal(json_string_value(json_object_get(cert, "state")),
	    "missing");
	json_decref(cert);
	ERIG_UNTIL(fake_dns.calls[FAKE_SHOWN] == 1);
	status = engine_status(r->engine);
	assert_int_equal(json_array_size(json_object_get(status, "cleanup")),
	    1);
	json_decref(status);
	erig_ends(r, 1);
	fake_time_pass(95 * DAY);
	cert = engine_cert_status(r->engine, "web");
	assert_string_equal(json_string_value(json_object_get(cert, "state")),
	    "valid");
	assert_true(json_array_size(json_object_get(cert, "steps")) >= 14);
	json_decref(cert);
	metrics = engine_metrics(r->engine);
	assert_non_null(strstr(metrics,
	    "acmed_renewals_total{result=\"ok\"} 2\n"));
	assert_non_null(strstr(metrics, "acmed_renewals_running 0\n"));
	assert_non_null(strstr(metrics, "acmed_txt_records 0\n"));
	free(metrics);
	engine_set_reload_error(r->engine, "line 3 is wrong");
	status = engine_status(r->engine);
	assert_string_equal(json_string_value(json_object_get(json_object_get(
	    status, "config"), "error")), "line 3 is wrong");
	json_decref(status);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_stop_refuses),
		ERIG_TEST(test_dry_run),
		ERIG_TEST(test_stop_judged),
		ERIG_TEST(test_stop_judged_slowly),
		ERIG_TEST(test_stop_judged_place),
		ERIG_TEST(test_stop_idle),
		ERIG_TEST(test_unsubscribe),
		ERIG_TEST(test_end_events),
		ERIG_TEST(test_status),
	};

	return cmocka_run_group_tests_name("engine: told", tests,
	    erig_group_setup, erig_group_teardown);
}
