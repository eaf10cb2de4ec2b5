/* SPDX-License-Identifier: MIT */
/* Which certificate when: schedule, queue, commands, reload, stop, events. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/cleanup/cleanup.h"

#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")

/* The order in which certificates were asked for: "a b c ". */
static char *
ordered(void)
{
	char *all = xstrdup("");

	for (size_t i = 0; i < fake_ca.n_orders; i++) {
		char *more = xasprintf("%s%s ", all,
		    fake_ca.orders[i].names[0]);

		free(all);
		all = more;
	}
	return all;
}

static void
expect_ordered(const char *names)
{
	char *got = ordered();

	assert_string_equal(got, names);
	free(got);
}

static void
expect_next(struct erig *r, const char *name, const char *action)
{
	const char *got;

	(void)engine_next_at(r->engine, erig_cert(r, name), &got);
	assert_string_equal(got, action);
}

static void
expect_reload(struct erig *r, const char *conf, const char *report)
{
	char *got = erig_reload(r, conf);

	assert_string_equal(got, report);
	free(got);
}

/* A year of certificates that live 90 days, with a restart in every month. */
static void
test_year(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB CERT("mail"));
	erig_up(r);
	for (int month = 0; month < 12; month++) {
		fake_time_pass(30 * DAY);
		assert_true(erig_row(r, "web")->not_after > clock_now() +
		    28 * 86400);
		erig_down(r);
		erig_up(r);
	}
	assert_int_equal(r->ends, r->oks);
	assert_in_range(fake_ca.n_orders, 12, 14);	/* 60 days each */
	assert_int_equal(fake_ca.accounts, 1);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(scratch_count(&r->scratch, "s/archive/web/*"), 5);
}

/* A clock that jumps is noticed within half a minute. */
static void
test_clock_jump(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_jump(70 * 86400);
	fake_time_pass(31 * SECOND);
	assert_int_equal(r->oks, 2);
}

/* A failure while the clock was wrong by years must not count for years. */
static void
test_clock_jump_back(void **state)
{
	struct erig *r = *state;

	fake_time_jump(3 * 365 * 86400);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:tls", "certificate has expired");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_jump(-3 * 365 * 86400);
	fake_time_pass(HOUR);
	assert_int_equal(r->oks, 1);
}

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

static void
test_renew_now(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	ERIG_UNTIL(erig_cert(r, "web")->run != NULL);
	/* Again while it runs: the same run. */
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	fake_time_pass(DAY);
	assert_int_equal(r->oks, 2);
	assert_int_equal(fake_ca.n_orders, 2);

	assert_int_equal(engine_renew_now(r->engine, "wep", &err), -1);
	assert_string_equal(err.code, "engine:unknown-cert");
	assert_non_null(strstr(err.msg, "did you mean \"web\"?"));
	expect_reload(r, "", "{\"added\":[],\"removed\":[\"web\"],"
	    "\"changed\":[]}");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), -1);
	assert_string_equal(err.code, "engine:unknown-cert");
}

/* It runs at once, though the schedule says to wait after a failure. */
static void
test_renew_now_after_failure(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:caa", "no");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(10 * HOUR);
	assert_int_equal(r->ends, 1);
	expect_next(r, "web", "retry");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
}

/*
 * What was asked for and fails is tried again by the ladder, though the
 * certificate is not due for long; also after a restart, and whichever step
 * failed.
 */
static void
test_renew_now_fails(void **state)
{
	static const enum fake_act acts[] = { FAKE_NEW_ORDER,
	    FAKE_GET_AUTHZ, FAKE_FINALIZE, FAKE_CERT };
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	for (size_t i = 0; i < N_ELEMENTS(acts); i++) {
		unsigned ends = r->ends, oks = r->oks;

		fake_rule_fail(&fake_ca.rules[acts[i]], 3, ERR_TRANSIENT,
		    "http:timeout", "slow");
		assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
		erig_ends(r, 1);
		assert_false(erig_told(r, "slow; next try in 59d"));
		fake_time_pass(2 * MINUTE);
		assert_int_equal(r->ends, ends + 2);
		erig_down(r);
		erig_up(r);
		expect_next(r, "web", "retry");
		fake_time_pass(15 * MINUTE);
		assert_int_equal(r->ends, ends + 3);
		fake_time_pass(3 * HOUR);
		assert_int_equal(r->ends, ends + 4);
		assert_int_equal(r->oks, oks + 1);
		expect_next(r, "web", "renew");
		fake_time_pass(DAY);
		assert_int_equal(r->ends, ends + 4);
	}
}

/* What only a person can mend is tried again at a reload. */
static void
test_renew_now_mended(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_CONFIG,
	    "acme:tos", "agree_tos = true");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	free(erig_reload(r, WEB));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 2);
	fake_time_pass(DAY);
	assert_int_equal(r->ends, 3);
}

/* The next start does what was asked for right before a crash. */
static void
test_renew_now_crash(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_ca.latency_ms = 60000;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	fake_time_pass(SECOND);
	erig_crash(r);
	fake_ca.latency_ms = 0;
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
}

/* The clock was wrong, the run failed, the clock is right again: no order. */
static void
test_failure_is_over(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:tls", "certificate has expired");
	fake_time_jump(370 * 86400);
	erig_ends(r, 1);
	assert_non_null(erig_row(r, "web")->error);
	fake_time_jump(-370 * 86400);
	fake_time_pass(DAY);
	assert_int_equal(r->ends, 2);
	assert_null(erig_row(r, "web")->error);
	expect_next(r, "web", "renew");
}

/* state.db is lost: what was issued at once does not come due at once; and a
 * spread that somebody wrote by hand is none. */
static void
test_spread(void **state)
{
	struct erig *r = *state;
	int seen = 0;

	erig_conf(r, CERT("a") CERT("b") CERT("c") CERT("d") CERT("e"));
	erig_up(r);
	erig_ends(r, 5);
	erig_row(r, "a")->spread = 999999999;
	cert_save(erig_cert(r, "a"));
	fake_time_pass(SECOND);
	erig_down(r);
	erig_up(r);
	assert_in_range(erig_row(r, "a")->spread + 20, 0, 40);
	erig_down(r);
	assert_int_equal(unlink(scratch_path(&r->scratch, "s/state.db")), 0);
	(void)unlink(scratch_path(&r->scratch, "s/state.db-wal"));
	(void)unlink(scratch_path(&r->scratch, "s/state.db-shm"));
	erig_up(r);
	for (const char *name = "abcde"; *name != '\0'; name++) {
		const char one[] = { *name, '\0' };

		seen |= erig_row(r, one)->spread != 0;
	}
	assert_true(seen);	/* each is 0 once in 41 times */
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 5);
}

/* --- another CA --- */

#define OTHER(directory) "account \"b\" { directory = \"" directory "\" " \
    "agree_tos = true }\n" \
    "certificate \"web\" { names = { \"web.test\" } provider = dns " \
    "account = b }\n"

static void
expect_reason(struct erig *r, const char *reason, bool is_staging)
{
	json_t *o = engine_cert_status(r->engine, "web");
	const char *got = json_string_value(json_object_get(json_object_get(o,
	    "next"), "reason"));

	assert_string_equal(got != NULL ? got : "", reason);
	assert_int_equal(json_is_true(json_object_get(o, "staging")),
	    is_staging);
	json_decref(o);
}

/* The directory changes: due now, tried until it succeeds, and once. */
static void
test_other_ca(void **state)
{
	struct erig *r = *state;

	erig_conf(r, OTHER("https://staging.test/dir"));
	erig_up(r);
	erig_ends(r, 1);
	/* The same CA, in other words. */
	free(erig_reload(r, OTHER("https://Staging.test:443/dir/")));
	fake_time_pass(HOUR);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 2, ERR_TRANSIENT,
	    "http:io", "down");
	expect_reload(r, OTHER("https://ca.test/dir"),
	    "{\"added\":[],\"removed\":[],\"changed\":[\"web\"]}");
	expect_reason(r, "other-ca", false);
	erig_ends(r, 1);
	assert_true(erig_told(r, "of another CA (https://staging.test/dir) "
	    "than the account \"b\" names now"));
	/* Also where that was changed while acmed was down. */
	erig_down(r);
	erig_up(r);
	expect_reason(r, "other-ca", false);
	fake_time_pass(30 * MINUTE);
	assert_int_equal(r->oks, 2);
	expect_reason(r, "", false);
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 2);
}

/* A CA whose failures said to wait is left: nothing to wait for. */
static void
test_other_ca_after_failure(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:caa", "no");
	erig_conf(r, OTHER("https://staging.test/dir"));
	erig_up(r);
	erig_ends(r, 1);
	free(erig_reload(r, OTHER("https://ca.test/dir")));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
}

/* Rows that do not know who issued: only what is sure is renewed. */
static void
test_other_ca_unknown(void **state)
{
	static const struct {
		const char *issuer, *directory;
		unsigned runs;
	} cases[] = {
		{ "R10", "https://acme-v02.api.letsencrypt.org/directory", 0 },
		{ "(STAGING) Pseudo Plum E5",
		    "https://acme-v02.api.letsencrypt.org/directory", 1 },
		{ "(STAGING) Pseudo Plum E5", "https://ca.test/dir", 0 },
		{ "(STAGING) Pseudo Plum E5", "https://acme-staging-v02.api."
		    "letsencrypt.org/directory", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *conf = xasprintf(OTHER("%s"), cases[i].directory);
		struct store_cert *row;
		struct erig *r;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		erig_conf(r, conf);
		erig_up(r);
		erig_ends(r, 1);
		row = erig_row(r, "web");
		free(row->ari_directory);
		row->ari_directory = NULL;
		(void)text_printf(row->issuer, sizeof(row->issuer), "%s",
		    cases[i].issuer);
		certs_changed(r->engine->certs);
		expect_reason(r, cases[i].runs > 0 ? "other-ca" : "", i > 0);
		fake_time_pass(HOUR);
		assert_int_equal(r->ends, 1 + cases[i].runs);
		free(conf);
	}
}

/* Many at once: the most important first, never more than may run. */
static void
test_other_ca_many(void **state)
{
	struct erig *r = *state;
	char *conf = xstrdup("max_renewals = 2\naccount \"b\" { directory = "
	    "\"https://staging.test/dir\" agree_tos = true }\n"), *at;

	for (int i = 0; i < 20; i++) {
		char *more = xasprintf("%scertificate \"c%02d\" { names = { "
		    "\"c%02d.test\" } provider = dns account = b }\n", conf,
		    i, i);

		free(conf);
		conf = more;
	}
	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 20);
	at = strstr(conf, "staging.test");
	memcpy(at, "prodctn.test", strlen("prodctn.test"));
	free(erig_reload(r, conf));
	while (r->oks < 40) {
		assert_true(r->engine->certs->places.working <= 2);
		assert_true(fake_time_step());
	}
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 40);
	free(conf);
}

/* --- failures --- */

static void
test_ladder(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_TRANSIENT,
	    "http:timeout", "slow");
	erig_conf(r, WEB);
	erig_up(r);
	fake_time_pass(HOUR);
	assert_int_equal(r->ends, 3);		/* 0, 1 and 11 minutes */
	fake_time_pass(HOUR + 30 * MINUTE);
	assert_int_equal(r->ends, 4);
	fake_time_pass(10 * DAY);
	assert_in_range(r->ends, 12, 16);	/* daily */
	/* The wait is the same after a restart. */
	erig_down(r);
	erig_up(r);
	expect_next(r, "web", "retry");
	fake_time_pass(MINUTE);
	assert_in_range(r->ends, 12, 16);
	assert_int_equal(erig_row(r, "web")->failures, r->ends);
}

static void
test_retry_after(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_RATELIMIT,
	    "acme:rateLimited", "later");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = RIG_NOW + 7200;
	erig_conf(r, WEB);
	erig_up(r);
	fake_time_pass(119 * MINUTE);
	erig_down(r);
	erig_up(r);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 1);
	fake_time_pass(10 * MINUTE);
	assert_int_equal(r->oks, 1);
}

/* Runs that ask at the same time are told the same: it is one refusal, after
 * which the account does not wait a day. */
static void
test_retry_after_many(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 4, ERR_RATELIMIT,
	    "acme:rateLimited", "later");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = RIG_NOW + 120;
	fake_ca.latency_ms = 1000;
	erig_conf(r, CERT("a") CERT("b") CERT("c") CERT("d"));
	erig_up(r);
	erig_ends(r, 4);
	assert_int_equal(r->oks, 0);
	fake_time_pass(20 * MINUTE);
	assert_int_equal(r->oks, 4);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], 8);
}

/* With the old certificate near its end the tries come every hour. */
static void
test_near_expiry(void **state)
{
	struct erig *r = *state;
	unsigned before;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_REJECTED,
	    "acme:caa", "no");
	fake_time_pass(89 * DAY);
	before = r->ends;
	fake_time_pass(DAY);
	assert_in_range(r->ends - before, 14, 26);
	fake_time_pass(DAY);
	expect_next(r, "web", "retry");
}

/* --- reload --- */

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

/* --- live/ --- */

static void
move(struct erig *r, const char *from, const char *to)
{
	char *old = xstrdup(scratch_path(&r->scratch, "%s", from));

	assert_int_equal(rename(old, scratch_path(&r->scratch, "%s", to)), 0);
	free(old);
}

#define SIX CERT("a.test") CERT("b.test") CERT("c.test") CERT("d.test") \
    CERT("e.test") CERT("f.test")

/* What archive/ still has is linked again, and nothing is ordered. */
static void
test_live_lost(void **state)
{
	struct erig *r = *state;
	char serial[64];

	erig_conf(r, SIX);
	erig_up(r);
	erig_ends(r, 6);
	(void)snprintf(serial, sizeof(serial), "%s",
	    erig_row(r, "c.test")->serial);
	erig_down(r);
	move(r, "s/live", "s/gone");
	/* One is no link to anything, one is not known to state.db. */
	assert_int_equal(mkdir(scratch_path(&r->scratch, "s/live"), 0700), 0);
	assert_int_equal(symlink("../archive/a.test/none",
	    scratch_path(&r->scratch, "s/live/a.test")), 0);
	erig_events_clear(r);
	erig_up(r);
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 6);
	assert_true(erig_told(r, "live/a.test was lost: linked again"));
	assert_true(erig_told(r, "live/f.test was lost: linked again"));
	assert_string_equal(erig_row(r, "c.test")->serial, serial);
	free(erig_live(r, "c.test", "fullchain.pem"));
	erig_down(r);
	/* The same without state.db: by the names. */
	move(r, "s/live", "s/gone2");
	move(r, "s/state.db", "s/old.db");
	move(r, "s/archive/b.test", "s/b");
	move(r, "s/archive/a.test", "s/archive/b.test");
	erig_up(r);
	fake_time_pass(MINUTE);
	assert_string_equal(erig_row(r, "c.test")->serial, serial);
	/* a has none any more, and b's does not serve its name. */
	assert_int_equal(fake_ca.n_orders, 8);
	/* Lost while acmed runs: found before a renewal. */
	move(r, "s/live/c.test", "s/c");
	fake_time_jump(70 * DAY / SECOND);
	ERIG_UNTIL(strcmp(erig_row(r, "c.test")->serial, serial) != 0);
	assert_true(erig_told(r, "live/c.test was lost: linked again"));
}

/* Nothing is left of six: they are not ordered at once. */
static void
test_all_lost(void **state)
{
	struct erig *r = *state;

	erig_conf(r, SIX);
	erig_up(r);
	erig_ends(r, 6);
	erig_down(r);
	move(r, "s/archive", "s/gone");
	for (int i = 0; i < 3; i++) {
		erig_up(r);
		fake_time_pass(2 * MINUTE);
		assert_int_equal(fake_ca.n_orders, 6);
		assert_string_equal(erig_row(r, "a.test")->error->code,
		    "engine:lost");
		erig_down(r);
	}
	erig_up(r);
	fake_time_pass(30 * MINUTE);
	assert_in_range(fake_ca.n_orders, 8, 10);
	fake_time_pass(30 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 12);
	assert_null(erig_row(r, "f.test")->error);
}

/* It is there again before they were renewed. */
static void
test_all_found(void **state)
{
	struct erig *r = *state;

	erig_conf(r, SIX);
	erig_up(r);
	erig_ends(r, 6);
	erig_down(r);
	move(r, "s/archive", "s/gone");
	erig_up(r);
	fake_time_pass(2 * MINUTE);
	assert_int_equal(rmdir(scratch_path(&r->scratch, "s/archive")), 0);
	move(r, "s/gone", "s/archive");
	move(r, "s/live", "s/gone2");
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 6);
	assert_null(erig_row(r, "f.test")->error);
}

static void
test_damaged(void **state)
{
	struct erig *r = *state;

	for (int i = 0; i < 2; i++) {
		erig_conf(r, WEB);
		erig_up(r);
		fake_time_pass(MINUTE);
		assert_int_equal(fake_ca.n_orders, i + 1);
		assert_int_equal(r->oks, i + 1);
		erig_down(r);
		if (i == 0)
			assert_int_equal(unlink(scratch_path(&r->scratch,
			    "s/live/web/privkey.pem")), 0);
	}
	assert_int_equal(unlink(scratch_path(&r->scratch, "s/live/web")), 0);
	move(r, "s/archive/web", "s/gone");
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	erig_up(r);
	erig_ends(r, 1);
	assert_true(erig_told(r, "there is no certificate yet"));
	assert_int_equal(erig_row(r, "web")->not_after, 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 3);
}

/* --- stop --- */

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

/* --- events --- */

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

/* --- what is shown --- */

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
		ERIG_TEST(test_year),
		ERIG_TEST(test_clock_jump),
		ERIG_TEST(test_clock_jump_back),
		ERIG_TEST(test_queue),
		ERIG_TEST(test_places),
		ERIG_TEST(test_places_in_turn),
		ERIG_TEST(test_places_at_begin),
		ERIG_TEST(test_places_one_name),
		ERIG_TEST(test_urgency),
		ERIG_TEST(test_renew_now),
		ERIG_TEST(test_renew_now_after_failure),
		ERIG_TEST(test_renew_now_fails),
		ERIG_TEST(test_renew_now_mended),
		ERIG_TEST(test_renew_now_crash),
		ERIG_TEST(test_failure_is_over),
		ERIG_TEST(test_spread),
		ERIG_TEST(test_other_ca),
		ERIG_TEST(test_other_ca_after_failure),
		ERIG_TEST(test_other_ca_unknown),
		ERIG_TEST(test_other_ca_many),
		ERIG_TEST(test_ladder),
		ERIG_TEST(test_retry_after),
		ERIG_TEST(test_retry_after_many),
		ERIG_TEST(test_near_expiry),
		ERIG_TEST(test_reload),
		ERIG_TEST(test_reload_with_queue),
		cmocka_unit_test(test_reload_anywhere),
		ERIG_TEST(test_reload_before_failure),
		ERIG_TEST(test_reload_resolvers),
		ERIG_TEST(test_bad_resolvers),
		ERIG_TEST(test_damaged),
		ERIG_TEST(test_live_lost),
		ERIG_TEST(test_all_lost),
		ERIG_TEST(test_all_found),
		ERIG_TEST(test_stop_refuses),
		ERIG_TEST(test_stop_judged),
		ERIG_TEST(test_stop_judged_slowly),
		ERIG_TEST(test_stop_judged_place),
		ERIG_TEST(test_stop_idle),
		ERIG_TEST(test_unsubscribe),
		ERIG_TEST(test_end_events),
		ERIG_TEST(test_status),
		ERIG_TEST(test_no_certificates),
	};

	return cmocka_run_group_tests_name("engine", tests,
	    erig_group_setup, erig_group_teardown);
}
