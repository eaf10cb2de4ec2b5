/* SPDX-License-Identifier: MIT */
/* A CA that cannot be asked: who asks, how often, and what the others show. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/hold.h"
#include "daemon/certs/issuer.h"
#include "daemon/alerts/condition.h"
#include "daemon/engine/engine.h"
#include "tests/fake/fake_channel.h"

#define MANY 100000
#define OPS "notify \"ops\" { syslog = daemon }\n"
#define OTHER "account \"other\" { directory = \"https://other.test/dir\" " \
    "agree_tos = true }\n" \
    "certificate \"z\" { names = { \"z.test\" } account = other " \
    "provider = dns }\n"

static int
setup(void **state)
{
	fake_channel_reset();
	return erig_setup(state);
}

static int
teardown(void **state)
{
	int rc = erig_teardown(state);

	fake_channel_reset();
	return rc;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

/* Certificates c000, c001, ... after head; the caller frees. */
static char *
conf_of(const char *first, unsigned n)
{
	char *conf = xstrdup(first);

	for (unsigned i = 0; i < n; i++) {
		char *longer = xasprintf("%scertificate \"c%03u\" { names = { "
		    "\"c%03u.test\" } provider = dns account = ca }\n", conf,
		    i, i);

		free(conf);
		conf = longer;
	}
	return conf;
}

static void
up(struct erig *r, const char *first, unsigned n)
{
	char *conf = conf_of(first, n);

	erig_conf(r, conf);
	erig_up(r);
	free(conf);
}

static void
count_cb(const struct store_event *ev, void *arg)
{
	unsigned *n = arg;

	*n += ev->level <= LOGL_NOTICE;
}

/* What the log and the history have: the same lines. */
static unsigned
lines(const struct erig *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->engine->certs->n; i++)
		store_event_each(r->store, r->engine->certs->list[i]->row.name,
		    1000, count_cb, &n);
	return n;
}

static unsigned
waiting(const struct erig *r)
{
	unsigned n = 0;

	for (size_t i = 0; i < r->engine->certs->n; i++)
		n += r->engine->certs->list[i]->waits != NULL;
	return n;
}

/* Of a status: its text, "-" where there is none; the caller frees. */
static char *
shown(struct erig *r, const char *name, const char *path)
{
	json_t *o = engine_cert_brief(r->engine, name);
	const char *text = jsonx_str(o, path);
	char *copy = xstrdup(text != NULL ? text : "-");

	json_decref(o);
	return copy;
}

static void
expect(struct erig *r, const char *name, const char *path, const char *want)
{
	char *text = shown(r, name, path);

	if (strstr(text, want) == NULL)
		fail_msg("%s of %s: %s", path, name, text);
	free(text);
}

/* As many questions and lines for 300 certificates as for ten, whatever fails
 * before the first order. */
static void
test_many(void **state)
{
	static const struct { enum fake_act act; enum err_kind kind;
		const char *code; } cases[] = {
		{ FAKE_ACCOUNT, ERR_TRANSIENT, "http:connect" },
		{ FAKE_CLOCK, ERR_TRANSIENT, "http:timeout" },
		{ FAKE_NEW_ORDER, ERR_TRANSIENT, "acme:http-503" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		unsigned n[2], calls[2];

		for (unsigned k = 0; k < 2; k++) {
			struct erig *r;

			assert_int_equal(teardown(state), 0);
			assert_int_equal(setup(state), 0);
			r = *state;
			fake_rule_fail(&fake_ca.rules[cases[i].act], MANY,
			    cases[i].kind, cases[i].code, "it is down");
			up(r, "max_renewals = 10\n", k == 0 ? 10 : 300);
			/* 0, 1, 11 minutes, then hourly. */
			fake_time_pass(6 * HOUR);
			n[k] = lines(r);
			calls[k] = fake_ca.calls[cases[i].act];
			assert_int_equal(r->engine->certs->places.running, 0);
			assert_in_range(n[k], 7, 9);
			assert_in_range(calls[k], 7, 9 + 9);
			assert_in_range(waiting(r), k == 0 ? 1 : 290,
			    k == 0 ? 10 : 300);
			erig_down(r);
		}
		assert_in_range(n[1], n[0] - 1, n[0] + 1);
		assert_in_range(calls[1], calls[0] - 1, calls[0] + 1);
	}
}

/* What those show that wait, and a CA that is another one. */
static void
test_shown(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	json_t *o;
	char *metrics;

	fake_rule_fail(rule, MANY, ERR_TRANSIENT, "acme:http-500",
	    "HTTP status 500");
	rule->match = "c0";
	up(r, OTHER, 5);
	fake_time_pass(30 * SECOND);
	assert_int_equal(r->oks, 1);
	assert_int_equal(waiting(r), 4);
	expect(r, "c000", "error.code", "acme:http-500");
	expect(r, "c004", "error.code", "acme:http-500");
	expect(r, "c004", "error.msg", "HTTP status 500");
	expect(r, "c004", "next.action", "retry");
	expect(r, "c004", "held.msg", "no certificate of account \"ca\" can "
	    "be ordered since 2027-01-15T08:00:00Z (30s); one asks the CA "
	    "again in ");
	expect(r, "z", "held.msg", "-");
	o = engine_cert_brief(r->engine, "c004");
	assert_int_equal(jsonx_int(o, "held.since", 0), RIG_NOW);
	assert_in_range(jsonx_int(o, "held.until", 0), RIG_NOW + 48,
	    RIG_NOW + 72);
	assert_int_equal(jsonx_int(o, "next.at", 0),
	    jsonx_int(o, "held.until", 0));
	assert_int_equal(jsonx_int(o, "failures", 0), 1);
	json_decref(o);
	metrics = engine_metrics(r->engine);
	assert_non_null(strstr(metrics, "acmed_certificates_failing 5\n"));
	assert_non_null(strstr(metrics,
	    "acmed_renewals_total{result=\"failed\"} 1\n"));
	free(metrics);
	assert_true(erig_told(r, "next try in 1m; there is no certificate yet; "
	    "4 others wait for this CA") || erig_told(r, "s; there is no "
	    "certificate yet; 4 others wait for this CA"));
}

/* It answers: all go on at once. */
static void
test_answers(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_ACCOUNT], 20 + 3, ERR_TRANSIENT,
	    "http:resolve", "no such host");
	up(r, "", 40);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(r->oks, 0);
	assert_int_equal(waiting(r), 40);
	fake_time_pass(3 * HOUR);
	assert_int_equal(r->oks, 40);
	assert_int_equal(waiting(r), 0);
	assert_true(erig_told(r, "notice certificates of account \"ca\" can "
	    "be ordered again, after"));
	expect(r, "c039", "error.code", "-");
}

/* The wait survives a restart, and a person ends it: with one question where
 * it is down still, however many are asked for. */
static void
test_renew_now(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_ACCOUNT];
	struct error err;
	unsigned calls, ends;

	fake_rule_fail(rule, MANY, ERR_TRANSIENT, "http:connect", "refused");
	up(r, "max_renewals = 1\n", 30);
	fake_time_pass(20 * MINUTE);
	calls = fake_ca.calls[FAKE_ACCOUNT];
	assert_int_equal(calls, 3);
	erig_down(r);
	erig_up(r);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(fake_ca.calls[FAKE_ACCOUNT], calls);
	assert_int_equal(waiting(r), 30);
	expect(r, "c029", "error.msg", "account: refused");
	ends = r->ends;
	for (unsigned i = 10; i < 20; i++) {
		char name[16];

		(void)snprintf(name, sizeof(name), "c%03u", i);
		assert_int_equal(engine_check_held(r->engine, name, &err), 0);
		assert_int_equal(engine_renew_now(r->engine, name, &err), 0);
	}
	fake_time_pass(SECOND);
	assert_int_equal(fake_ca.calls[FAKE_ACCOUNT], calls + 1);
	/* Each of them hears how it ended. */
	assert_int_equal(r->ends, ends + 10);
	assert_string_equal(r->err.code, "engine:held");
	assert_non_null(strstr(r->err.msg, "account: refused"));
	rule->times = 0;
	assert_int_equal(engine_renew_now(r->engine, "c007", &err), 0);
	fake_time_pass(5 * MINUTE);
	assert_int_equal(r->oks, 30);
}

/* A person who mends it: a reload asks again, and another directory is another
 * CA. */
static void
test_reload(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_ACCOUNT];
	char *conf, *moved;

	fake_rule_fail(rule, MANY, ERR_CONFIG,
	    "acme:externalAccountRequired", "who are you?");
	up(r, "", 8);
	fake_time_pass(3 * HOUR);
	rule->times = 0;
	fake_time_pass(20 * MINUTE);
	assert_int_equal(r->oks, 0);
	conf = conf_of("", 8);
	free(erig_reload(r, conf));
	fake_time_pass(5 * MINUTE);
	assert_int_equal(r->oks, 8);
	free(conf);

	assert_int_equal(teardown(state), 0);
	assert_int_equal(setup(state), 0);
	r = *state;
	fake_rule_fail(rule, 20, ERR_TRANSIENT, "http:connect", "refused");
	conf = conf_of("account \"b\" { directory = \"https://b.test/dir\" "
	    "agree_tos = true }\n", 1);
	moved = strstr(conf, "account = ca }");
	memcpy(moved, "account = b }", strlen("account = b }"));
	moved[strlen("account = b }")] = ' ';
	erig_conf(r, conf);
	erig_up(r);
	/* The third try was after 14 minutes at the latest, the fourth is not
	 * before 56. */
	fake_time_pass(HOUR / 2);
	rule->times = 0;
	fake_time_pass(MINUTE);
	assert_int_equal(r->oks, 0);
	memcpy(strstr(conf, "https://b.test"), "https://c.test",
	    strlen("https://c.test"));
	erig_conf(r, conf);
	json_decref(engine_reload(r->engine, r->conf));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
	free(conf);
}

/* It asked to wait, and then cannot be reached: what it asked for holds, after
 * a restart as well. */
static void
test_asked_and_down(void **state)
{
	struct erig *r = *state;
	const struct hold_run asked = { .has_asked = true }, begun = { 0 };
	const time_t until = RIG_NOW + 2 * 3600;
	const struct conf_account *a;
	struct error err;

	up(r, "", 3);
	erig_cert(r, "c000")->step = STEP_ORDER;
	(void)error_set(&err, ERR_RATELIMIT, "acme:rateLimited",
	    "too many requests");
	err.retry_at = until;
	a = issuer_now(erig_cert(r, "c000"));
	(void)hold_failed(r->engine->holds, erig_cert(r, "c000"), a, &asked,
	    &err);
	assert_in_range(hold_until(r->engine->holds, erig_cert(r, "c002"),
	    NULL), until, until);
	for (int i = 0; i < 2; i++) {
		(void)error_set(&err, ERR_TRANSIENT, "http:connect",
		    "refused");
		erig_cert(r, "c001")->step = STEP_ORDER;
		a = issuer_now(erig_cert(r, "c001"));
		(void)hold_failed(r->engine->holds, erig_cert(r, "c001"), a,
		    i == 0 ? &asked : &begun, &err);
		hold_reached(r->engine->holds, erig_cert(r, "c001"), a);
		assert_in_range(hold_until(r->engine->holds, erig_cert(r,
		    "c002"), NULL), until, until);
		erig_crash(r);
		erig_up(r);
	}
	assert_in_range(hold_until(r->engine->holds, erig_cert(r, "c002"),
	    &err), until, until);
	assert_non_null(strstr(err.msg, "too many requests"));
}

/* One order that the CA chokes on keeps nobody from the rest: another asks
 * next. */
static void
test_one_order(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];

	fake_rule_fail(rule, MANY, ERR_TRANSIENT, "acme:serverInternal",
	    "oops");
	rule->match = "c000";
	up(r, "max_renewals = 1\n", 10);
	fake_time_pass(4 * MINUTE);
	assert_int_equal(r->oks, 9);
	fake_time_pass(2 * DAY);
	assert_in_range(r->ends - r->oks, 4, 7);
	assert_int_equal(erig_row(r, "c000")->failures, r->ends - r->oks);
}

/* Twenty that wait, and become due within two days: they are told of together,
 * once a day, and at once only what nears its end first. */
static void
test_told(void **state)
{
	struct erig *r = *state;
	size_t n, critical = 0;

	/* The fake makes no more orders. */
	up(r, OPS, 20);
	erig_ends(r, 20);
	assert_int_equal(r->oks, 20);
	fake_rule_fail(&fake_ca.rules[FAKE_ACCOUNT], MANY, ERR_TRANSIENT,
	    "http:connect", "it is down");
	fake_time_pass(64 * DAY);
	assert_int_equal(waiting(r), 20);
	assert_in_range(fake_channel.n, 3, 6);
	assert_non_null(strstr(fake_channel.got[fake_channel.n - 1].subject,
	    " and 19 more: renewal fails, 2"));
	n = fake_channel.n;
	fake_time_pass(25 * DAY);
	for (size_t i = n; i < fake_channel.n; i++)
		critical += strstr(fake_channel.got[i].subject,
		    "renewal fails, 11 days left") != NULL;
	assert_in_range(critical, 1, 2);
	assert_in_range(fake_channel.n - n, 24, 30);
}

/* Who asks is taken out of the configuration and deleted: another one asks.
 * (Its memory is looked at by the sanitizers.) */
static void
test_delete_who_asks(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_ACCOUNT];
	char *conf = conf_of("", 2), *second, *rest;
	struct error err;
	int steps = 0;

	fake_rule_fail(rule, MANY, ERR_TRANSIENT, "http:connect", "refused");
	up(r, "", 2);
	fake_time_pass(20);
	fake_ca.latency_ms = 20000;
	while (erig_cert(r, "c000")->run == NULL &&
	    erig_cert(r, "c001")->run == NULL) {
		assert_true(++steps < 1000);
		assert_true(fake_time_step());
	}
	second = strstr(conf, "certificate \"c001\"");
	rest = erig_cert(r, "c000")->run != NULL ? xstrdup(second) :
	    xstrndup(conf, (size_t)(second - conf));
	free(erig_reload(r, rest));
	while (erig_cert(r, rest[16] == '1' ? "c000" : "c001")->run != NULL) {
		assert_true(++steps < 1000);
		assert_true(fake_time_step());
	}
	if (engine_delete(r->engine, rest[16] == '1' ? "c000" : "c001",
	    &err) == -1)
		fail_msg("%s", err.msg);
	rule->times = 0;
	fake_time_pass(HOUR);
	assert_int_equal(r->oks, 1);
	free(rest);
	free(conf);
}

/* What another daemon was told by the CA of the same account holds here. */
static void
test_of_others(void **state)
{
	struct erig *r = *state;
	struct store_hold h = { .account = "ca",
	    .directory = "https://ca.test/dir" };
	struct holds *holds;
	struct error why;

	up(r, "", 1);
	holds = r->engine->holds;
	h.since = h.at = clock_now();
	h.until = h.at + 3600;
	(void)error_set(&h.err, ERR_RATELIMIT, "acme:rateLimited", "slowly");
	holds_set(holds, &h, false);
	assert_int_equal(hold_until(holds, erig_cert(r, "c000"), &why),
	    h.until);
	assert_non_null(strstr(why.msg, "slowly"));
	/* A shorter one does not end it. */
	h.until -= 60;
	holds_set(holds, &h, false);
	assert_int_equal(hold_until(holds, erig_cert(r, "c000"), &why),
	    h.until + 60);
	holds_set(holds, &h, true);
	assert_int_equal(hold_until(holds, erig_cert(r, "c000"), &why), 0);
	/* Whether the CA can be reached is not theirs to say. */
	(void)error_set(&h.err, ERR_TRANSIENT, "http:connect", "refused");
	holds_set(holds, &h, false);
	assert_int_equal(hold_until(holds, erig_cert(r, "c000"), &why), 0);
	/* Of a name only. */
	(void)error_set(&h.err, ERR_RATELIMIT, "acme:rateLimited", "a name");
	(void)text_printf(h.about, sizeof(h.about), "name:c000.test");
	holds_set(holds, &h, false);
	assert_int_equal(hold_until(holds, erig_cert(r, "c000"), &why),
	    h.until);
	holds_set(holds, &h, true);
	assert_int_equal(hold_until(holds, erig_cert(r, "c000"), &why), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_many),
		TEST(test_shown),
		TEST(test_asked_and_down),
		TEST(test_answers),
		TEST(test_renew_now),
		TEST(test_reload),
		TEST(test_one_order),
		TEST(test_told),
		TEST(test_delete_who_asks),
		TEST(test_of_others),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
