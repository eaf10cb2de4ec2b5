/* SPDX-License-Identifier: MIT */
/* What an account may still ask for: buckets, keys, and what is kept. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/conf.h"
#include "daemon/io/loop.h"
#include "daemon/limits/bucket.h"
#include "daemon/limits/domain.h"
#include "daemon/limits/limits.h"
#include "daemon/store/store.h"
#include "tests/unit/conf_fixture.h"
#include "tests/unit/scratch.h"

#define NOW 1800000000
#define NOW_MS (INT64_C(1000) * NOW)
#define HOUR 3600
#define DAY 86400

struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
	struct limits	*limits;
	struct conf	*conf;
};

static void
up(struct fixture *f)
{
	struct error err;

	f->store = store_open(f->loop, scratch_path(&f->scratch, "s"), &err);
	assert_non_null(f->store);
	f->limits = limits_new(f->store);
}

static void
down(struct fixture *f)
{
	limits_free(f->limits);
	store_close(f->store);
}

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));

	clock_test_set(NOW);
	scratch_make(&f->scratch);
	f->loop = loop_new();
	up(f);
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	down(f);
	conf_unref(f->conf);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	clock_test_set(0);
	return 0;
}
#define TEST(t) cmocka_unit_test_setup_teardown(t, setup, teardown)

/* An account with that text in its section, and certificates. */
static void
configure(struct fixture *f, const char *account, const char *certs)
{
	char *text = xasprintf("account \"ca\" { agree_tos = true %s }\n"
	    "provider \"dns\" { type = bare }\n%s", account, certs), *reports;

	conf_unref(f->conf);
	fixture_write("acmed.conf", 0644, text);
	f->conf = fixture_load("acmed.conf", &reports);
	if (f->conf == NULL)
		fail_msg("%s", reports);
	free(reports);
	free(text);
}
#define LIMITS(list) "directory = \"https://ca.test/dir\" limits = " list
#define CERT(name, names) "certificate \"" name "\" { names = { " names \
    " } provider = dns }\n"

static struct limits_order
order(const struct fixture *f, const char *name)
{
	const struct conf_cert *cc = conf_find_cert(f->conf, name);

	assert_non_null(cc);
	return (struct limits_order){ .account = cc->account, .cert = cc };
}

static time_t
until(const struct fixture *f, const char *name)
{
	const struct limits_order o = order(f, name);
	struct limits_wait w;
	time_t at = limits_until(f->limits, &o, &w);

	/* Without the words it is held as well, or not. */
	assert_int_equal(limits_until(f->limits, &o, NULL) != 0, at != 0);
	return at;
}

static void
take(struct fixture *f, const char *name)
{
	const struct limits_order o = order(f, name);

	(void)limits_take(f->limits, &o);
}

static void
count_cb(const struct store_budget *row, void *arg)
{
	++*(size_t *)arg;
}

static size_t
rows(const struct fixture *f)
{
	size_t n = 0;

	store_budget_each(f->store, count_cb, &n);
	return n;
}

static void
copy_cb(const struct store_budget *row, void *arg)
{
	struct store_budget *b = arg;

	if (row->kind != LIMIT_ORDERS)
		return;
	free(b->directory);
	free(b->account);
	free(b->key);
	*b = *row;
	b->directory = xstrdup(row->directory);
	b->account = xstrdup(row->account);
	b->key = xstrdup(row->key);
}

/* --- */

/* What another daemon has taken counts here, and what it gives back, too. */
static void
test_set(void **state)
{
	struct fixture *f = *state;
	struct store_budget b = { .key = NULL };
	int64_t full;
	unsigned generation;

	configure(f, LIMITS("{ \"orders 2 per 1h\" }"),
	    CERT("a", "\"a.test\""));
	take(f, "a");
	store_budget_each(f->store, copy_cb, &b);
	assert_int_equal(until(f, "a"), 0);
	full = b.full_at_ms;
	b.full_at_ms += HOUR * 500;
	limits_set(f->limits, &b);
	assert_true(until(f, "a") > NOW);
	generation = limits_generation(f->limits);
	b.full_at_ms = full;
	limits_set(f->limits, &b);
	assert_int_equal(until(f, "a"), 0);
	assert_int_not_equal(limits_generation(f->limits), generation);
	/* Kept, and also where this daemon has taken nothing. */
	b.full_at_ms += HOUR * 500;
	limits_set(f->limits, &b);
	down(f);
	up(f);
	assert_true(until(f, "a") > NOW);
	store_budget_delete(f->store, &b);
	down(f);
	up(f);
	limits_set(f->limits, &b);
	assert_true(until(f, "a") > NOW);
	free(b.directory);
	free(b.account);
	free(b.key);
}

/* Boulder's own numbers: 300 in 3 h, one each 36 s. */
static void
test_refill(void **state)
{
	const struct conf_limit l = { 300, 3 * HOUR, false };
	struct level v = { 0, 0 };
	int64_t now = NOW_MS;

	for (int i = 0; i < 300; i++) {
		assert_true(bucket_free_at(&l, v, now) <= now);
		v = bucket_take(&l, v, now);
	}
	/* The first may have reached the CA a moment later. */
	assert_int_equal(bucket_free_at(&l, v, now), now + 36000 +
	    BUCKET_SLACK_MS);
	/* Forced, it is as empty as before. */
	assert_int_equal(bucket_take(&l, v, now).full_at_ms, v.full_at_ms);
	/* That does not add up: one each 36 s it is. */
	for (int i = 0; i < 100; i++) {
		now = bucket_free_at(&l, v, now);
		v = bucket_take(&l, v, now);
	}
	assert_int_equal(now, NOW_MS + 100 * 36000 + BUCKET_SLACK_MS);
	/* Nothing for 3 h and a moment: all of them again. */
	now += 3 * HOUR * 1000;
	for (int i = 0; i < 300; i++) {
		assert_true(bucket_free_at(&l, v, now) <= now);
		v = bucket_take(&l, v, now);
	}
	assert_true(bucket_free_at(&l, v, now) > now);
	assert_true(bucket_free_at(&l, bucket_give(&l, v), now) <= now);
}

/* Numbers that do not divide: never more than the CA gives back. */
static void
test_odd_refill(void **state)
{
	const struct conf_limit l = { 7, 10, false };
	struct level v = { 0, 0 };
	int64_t now = NOW_MS;
	unsigned n = 0;

	while (now < NOW_MS + 1000 * 1000) {
		if (bucket_free_at(&l, v, now) <= now) {
			v = bucket_take(&l, v, now);
			n++;
		} else {
			now += 10;
		}
	}
	assert_in_range(n, 690, 707);
}

/* All who wait, one after the other: each when it has a token of each kind,
 * and nothing is taken by that. */
static void
test_plan(void **state)
{
	/* The account's come each 20 minutes, a domain's each 2 hours; each of
	 * the two domains has one left. */
	static const struct { const char *name; time_t in; } cases[] = {
		{ "a1", 0 }, { "b1", 20 }, { "c", 40 }, { "a2", 120 },
		{ "b2", 120 }, { "a3", 240 },
	};
	struct fixture *f = *state;
	struct limits_plan *plan;
	struct limits_order o;

	configure(f, LIMITS("{ \"orders 3 per 1h\", \"certificates 2 per "
	    "domain per 4h\" }"), CERT("a0", "\"0.a.test\"")
	    CERT("a1", "\"1.a.test\"")
	    CERT("a2", "\"2.a.test\", \"3.a.test\"")
	    CERT("a3", "\"4.a.test\"") CERT("b0", "\"0.b.test\"")
	    CERT("b1", "\"1.b.test\"") CERT("b2", "\"2.b.test\"")
	    CERT("c", "\"c.test\""));
	take(f, "a0");
	take(f, "b0");
	plan = limits_plan_new(f->limits);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		time_t at;

		o = order(f, cases[i].name);
		at = limits_plan_next(plan, &o) - NOW;
		if (at < cases[i].in * 60 || at > cases[i].in * 60 + 60)
			fail_msg("%s: in %lld s", cases[i].name,
			    (long long)at);
	}
	/* Exempt, it takes none. */
	o = order(f, "a3");
	o.replaces = true;
	assert_int_equal(limits_plan_next(plan, &o), NOW);
	limits_plan_free(plan);
	assert_int_equal(until(f, "a1"), 0);
}

/* A clock that is wrong for a while costs one time of refilling at most. */
static void
test_clock(void **state)
{
	const struct conf_limit l = { 2, 2 * HOUR, false };
	int64_t year = INT64_C(365) * DAY * 1000, at;
	struct level v = bucket_take(&l, (struct level){ 0, 0 },
	    NOW_MS + year);

	at = bucket_free_at(&l, v, NOW_MS);
	assert_in_range(at, NOW_MS + 1, NOW_MS + HOUR * 1000 +
	    BUCKET_SLACK_MS);
	v = bucket_take(&l, bucket_take(&l, (struct level){ 0, 0 }, NOW_MS),
	    NOW_MS);
	/* Put back by a minute, it waits for that as well. */
	at = bucket_free_at(&l, v, NOW_MS - 60000);
	assert_in_range(at, NOW_MS, NOW_MS + HOUR * 1000 + BUCKET_SLACK_MS);
	assert_true(bucket_free_at(&l, v, NOW_MS + year) <= NOW_MS + year);
	v = bucket_take(&l, v, NOW_MS + year);
	assert_int_equal(v.since_ms, NOW_MS + year);
}

static void
test_domains(void **state)
{
	static const struct { const char *name, *domain; } cases[] = {
		{ "example.com", "example.com" },
		{ "*.example.com", "example.com" },
		{ "new.blog.example.co.uk", "example.co.uk" },
		{ "me.github.io", "me.github.io" },
		{ "a.me.github.io", "me.github.io" },
		{ "co.uk", "co.uk" },
		{ "host.lan.internal", "lan.internal" },
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8:0:1:2:3:4:5", "2001:db8:0:1::/64" },
	};
	struct domains *d = domains_new();
	char out[DOMAIN_SIZE];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_string_equal(domain_of(d, cases[i].name, out),
		    cases[i].domain);
	domains_free(d);
}

/* What the presets know, and what a list says. */
static void
test_known(void **state)
{
	struct fixture *f = *state;
	const struct conf_limit *l;

	configure(f, "", "");
	l = f->conf->accounts[0]->limits;
	assert_int_equal(l[LIMIT_ORDERS].count, 300);
	assert_int_equal(l[LIMIT_ORDERS].period_s, 3 * HOUR);
	assert_true(l[LIMIT_ORDERS].spares_renewals);
	assert_int_equal(l[LIMIT_CERTIFICATES].count, 50);
	assert_int_equal(l[LIMIT_CERTIFICATES].period_s, 7 * DAY);
	assert_true(l[LIMIT_CERTIFICATES].spares_renewals);
	assert_int_equal(l[LIMIT_DUPLICATES].count, 5);
	assert_false(l[LIMIT_DUPLICATES].spares_renewals);
	assert_int_equal(l[LIMIT_FAILURES].count, 5);
	assert_int_equal(l[LIMIT_FAILURES].period_s, HOUR);
	configure(f, "limits = none", "");
	assert_int_equal(f->conf->accounts[0]->limits[LIMIT_ORDERS].count, 0);
	configure(f, "directory = letsencrypt-staging", "");
	assert_int_equal(f->conf->accounts[0]->limits[LIMIT_ORDERS].count, 0);
	configure(f, LIMITS("letsencrypt"), "");
	assert_int_equal(f->conf->accounts[0]->limits[LIMIT_ORDERS].count,
	    300);
	configure(f, LIMITS("{ \"certificates 2  per domain per 1d12h except "
	    "renewals\", \"failures 1 per name per 90s\" }"), "");
	l = f->conf->accounts[0]->limits;
	assert_int_equal(l[LIMIT_ORDERS].count, 0);
	assert_int_equal(l[LIMIT_CERTIFICATES].count, 2);
	assert_int_equal(l[LIMIT_CERTIFICATES].period_s, DAY + 12 * HOUR);
	assert_true(l[LIMIT_CERTIFICATES].spares_renewals);
	assert_int_equal(l[LIMIT_FAILURES].period_s, 90);
}

/* Each limit by what it is of, and the words. */
static void
test_kinds(void **state)
{
	struct fixture *f = *state;
	struct limits_order o;
	struct limits_wait w;
	struct error err;

	configure(f, LIMITS("{ \"certificates 2 per domain per 7d except "
	    "renewals\", \"duplicates 1 per 1d\", "
	    "\"failures 1 per name per 1h\" }"),
	    CERT("a", "a.example.co.uk, b.example.co.uk, x.test")
	    CERT("same", "x.test, b.example.co.uk, a.example.co.uk")
	    CERT("b", "c.example.co.uk")
	    CERT("other", "other.test, www.other.test"));
	take(f, "a");
	/* One row of each domain, one of the names. */
	assert_int_equal(rows(f), 3);
	assert_int_equal(until(f, "b"), 0);
	assert_in_range(until(f, "same"), NOW + DAY, NOW + DAY + 6);
	take(f, "b");
	assert_in_range(until(f, "b"), NOW + 84 * HOUR, NOW + 84 * HOUR + 6);
	o = order(f, "b");
	assert_int_not_equal(limits_until(f->limits, &o, &w), 0);
	limits_error(&w, &err);
	assert_string_equal(err.code, "engine:held");
	assert_int_equal(err.kind, ERR_RATELIMIT);
	assert_int_equal(err.retry_at, w.until);
	assert_string_equal(err.msg, "waits for the CA's limit of 2 "
	    "certificates per registered domain in 7d (example.co.uk) until "
	    "2027-01-18T20:00:05Z (3d 12h)");
	/* A renewal is held by its names alone, one that says so by nothing. */
	o.renews = true;
	assert_int_not_equal(limits_until(f->limits, &o, &w), 0);
	assert_int_equal(w.kind, LIMIT_DUPLICATES);
	o.replaces = true;
	assert_int_equal(limits_until(f->limits, &o, &w), 0);
	assert_int_equal(limits_take(f->limits, &o), 0);
	assert_int_equal(until(f, "other"), 0);
	limits_failed(f->limits, order(f, "other").account, "other.test");
	o = order(f, "other");
	assert_in_range(limits_until(f->limits, &o, &w), NOW + HOUR,
	    NOW + HOUR + 6);
	limits_error(&w, &err);
	assert_non_null(strstr(err.msg, "1 failed validation per name in 1h "
	    "(other.test) until"));
}

/* A domain is the CA's matter, whatever the account; orders are not. */
static void
test_accounts(void **state)
{
	static const char both[] = LIMITS("{ \"certificates 1 per domain per "
	    "1d\", \"orders 1 per 1h\" }");
	struct fixture *f = *state;
	char *more = xasprintf("account \"two\" { agree_tos = true %s }\n"
	    "account \"far\" { agree_tos = true directory = "
	    "\"https://far.test/dir\" limits = \"certificates 1 per domain "
	    "per 1d\" }\n"
	    "certificate \"a\" { names = a.x.test account = ca "
	    "provider = dns }\n"
	    "certificate \"b\" { names = b.x.test account = two "
	    "provider = dns }\n"
	    "certificate \"c\" { names = c.y.test account = two "
	    "provider = dns }\n"
	    "certificate \"d\" { names = d.x.test account = far "
	    "provider = dns }\n", both);

	configure(f, both, more);
	free(more);
	take(f, "a");
	assert_in_range(until(f, "b"), NOW + DAY, NOW + DAY + 6);
	assert_int_equal(until(f, "c"), 0);
	assert_int_equal(until(f, "d"), 0);
}

/* A restart forgets nothing; what is full again has no row. */
static void
test_kept(void **state)
{
	struct fixture *f = *state;
	struct limits_order o;
	unsigned before, taken;

	configure(f, LIMITS("{ \"orders 2 per 10m\", \"certificates 9 per "
	    "domain per 1d\" }"), CERT("a", "a.test") CERT("b", "b.test"));
	take(f, "a");
	take(f, "b");
	assert_int_equal(rows(f), 3);
	down(f);
	up(f);
	assert_in_range(until(f, "a"), NOW + 300, NOW + 306);
	before = limits_generation(f->limits);
	clock_test_set(NOW - 100);
	assert_int_not_equal(limits_generation(f->limits), before);
	/* Earlier than when it was taken: an empty one, not a longer wait. */
	assert_in_range(until(f, "a"), NOW, NOW + 310);
	clock_test_set(NOW + 2 * DAY);
	assert_int_equal(until(f, "a"), 0);
	o = order(f, "a");
	before = limits_generation(f->limits);
	taken = limits_take(f->limits, &o);
	/* The sweep took all, and these two are new. */
	assert_int_equal(rows(f), 2);
	assert_int_equal(taken, LIMIT_BIT(LIMIT_ORDERS) |
	    LIMIT_BIT(LIMIT_CERTIFICATES));
	limits_give(f->limits, &o, taken);
	assert_int_not_equal(limits_generation(f->limits), before);
	assert_int_equal(until(f, "a"), 0);
	down(f);
	clock_test_set(NOW + 2 * DAY + 600);
	up(f);
	assert_int_equal(rows(f), 0);
}

static void
issued(struct fixture *f, const char *name)
{
	const struct limits_order o = order(f, name);

	limits_issued(f->limits, &o, LIMIT_BIT(LIMIT_CERTIFICATES));
}

/* The CA counts a certificate when it issues: nothing comes back before,
 * however many are under way and however long they take. */
static void
test_issued(void **state)
{
	struct fixture *f = *state;
	struct limits_order o;

	configure(f, LIMITS("\"certificates 2 per domain per 10h\""),
	    CERT("a", "a.x.test") CERT("b", "b.x.test") CERT("c", "c.x.test"));
	take(f, "a");
	take(f, "b");
	clock_test_set(NOW + 60);
	issued(f, "a");
	clock_test_set(NOW + 120);
	issued(f, "b");
	assert_in_range(until(f, "c"), NOW + 60 + 5 * HOUR, NOW + 66 +
	    5 * HOUR);
	/* Given back it leaves nothing behind. */
	clock_test_set(NOW + DAY);
	o = order(f, "a");
	limits_give(f->limits, &o, limits_take(f->limits, &o));
	take(f, "a");
	assert_int_equal(until(f, "c"), 0);
	/* One that is stuck, over a restart, for as long as all takes. */
	down(f);
	clock_test_set(NOW + 2 * DAY);
	up(f);
	o = order(f, "a");
	limits_resume(f->limits, &o, LIMIT_BIT(LIMIT_CERTIFICATES));
	assert_int_equal(until(f, "c"), 0);
	take(f, "b");
	issued(f, "b");
	issued(f, "a");
	assert_in_range(until(f, "c"), NOW + 2 * DAY + 5 * HOUR,
	    NOW + 2 * DAY + 5 * HOUR + 6);
	/* Nobody has told what became of it. */
	clock_test_set(NOW + 3 * DAY);
	take(f, "a");
	clock_test_set(NOW + 12 * DAY);
	take(f, "c");
	assert_int_equal(until(f, "b"), 0);
}

static int
group_teardown(void **state)
{
	fixture_remove("acmed.conf");
	return fixture_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refill),
		cmocka_unit_test(test_odd_refill),
		TEST(test_plan), cmocka_unit_test(test_clock),
		cmocka_unit_test(test_domains),
		TEST(test_known), TEST(test_kinds), TEST(test_accounts),
		TEST(test_kept), TEST(test_issued), TEST(test_set),
	};

	return cmocka_run_group_tests_name("limits", tests, fixture_setup,
	    group_teardown);
}
