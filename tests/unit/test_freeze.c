/* SPDX-License-Identifier: MIT */
/* Days in which nothing is renewed or deployed, on a clock of ours. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/certs/freeze.h"
#include "daemon/rollout/rollout.h"

#define DAY_S 86400
#define SHORT_S (160 * 3600)
/* The rig's time begins on 2027-01-15, 08:00 UTC; 90 days are due on
 * 2027-03-16, give or take 15 hours. */
#define FROM 1804636800		/* 2027-03-10 */
#define END 1805932800		/* 2027-03-25 */
#define FREEZE "freeze = { \"2027-03-10 - 2027-03-24\" }\n"
#define CERT(name) "certificate \"" name "\" { names = { \"" name ".test\" }" \
	" provider = dns deploy \"a\" { exec = { \"/bin/true\" } } }\n"
#define N_CERTS 8
#define CERTS CERT("a") CERT("b") CERT("c") CERT("d") CERT("e") CERT("f") \
	CERT("g") CERT("h")

static void
until(time_t at)
{
	while (clock_now() < at)
		fake_time_pass(at - clock_now() < 3600 ?
		    (at - clock_now()) * SECOND : HOUR);
}

static void
begin(struct erig *r, const char *text, unsigned n, int64_t life)
{
	fake_ca.lifetime_s = life;
	erig_conf(r, text);
	erig_up(r);
	erig_ends(r, n);
	assert_int_equal(fake_ca.n_orders, n);
	fake_deploy.log[0] = '\0';
}

static time_t
next_at(struct erig *r, const char *name)
{
	const char *action;

	return engine_next_at(r->engine, erig_cert(r, name), &action);
}

static bool
ends_first(struct erig *r, const char *name)
{
	json_t *o = freeze_json(erig_cert(r, name));
	bool b = json_is_true(json_object_get(o, "ends_first"));

	assert_true(json_is_object(o));
	json_decref(o);
	return b;
}

/* Due in it: renewed in the week before, spread, and not again. */
static void
test_before(void **state)
{
	struct erig *r = *state;

	begin(r, FREEZE CERTS, N_CERTS, 90 * DAY_S);
	assert_false(ends_first(r, "a"));
	until(FROM - 7 * DAY_S - 1);
	assert_int_equal(fake_ca.n_orders, N_CERTS);
	until(FROM - 4 * DAY_S);
	assert_in_range(fake_ca.n_orders, N_CERTS + 1, 2 * N_CERTS - 1);
	erig_down(r);
	erig_up(r);
	until(FROM - 7 * DAY_S / 4 + 3600);
	assert_int_equal(fake_ca.n_orders, 2 * N_CERTS);
	assert_int_equal(r->oks, 2 * N_CERTS);
	until(END + DAY_S);
	assert_int_equal(fake_ca.n_orders, 2 * N_CERTS);
}

/* A fortnight is more than they live: renewed in it, never ended. */
static void
test_short(void **state)
{
	struct erig *r = *state;
	size_t n;

	begin(r, FREEZE CERT("a"), 1, SHORT_S);
	assert_true(ends_first(r, "a"));
	until(FROM);
	assert_true(ends_first(r, "a"));
	n = fake_ca.n_orders;
	fake_deploy.log[0] = '\0';
	while (clock_now() < END) {
		/* The last one may wait for the end. */
		assert_true(erig_row(r, "a")->not_after - clock_now() >=
		    SHORT_S / 8);
		fake_time_pass(HOUR);
	}
	assert_in_range(fake_ca.n_orders - n, 3, 5);
	/* They are deployed at once. */
	assert_non_null(strstr(fake_deploy.log, erig_row(r, "a")->serial));
}

/* Four days are not: there is one just before, and one after. */
static void
test_short_lasts(void **state)
{
	struct erig *r = *state;
	size_t n;

	begin(r, "freeze = { \"2027-03-10 - 2027-03-13\" }\n" CERT("a"), 1,
	    SHORT_S);
	assert_false(ends_first(r, "a"));
	until(FROM);
	n = fake_ca.n_orders;
	assert_true(erig_row(r, "a")->not_after - SHORT_S / 8 > FROM +
	    4 * DAY_S);
	until(FROM + 4 * DAY_S - 60);
	assert_int_equal(fake_ca.n_orders, n);
	until(FROM + 4 * DAY_S + 3600);
	assert_int_equal(fake_ca.n_orders, n + 1);
	assert_true(erig_row(r, "a")->not_after > clock_now());
}

/* What failed before waits, stays failed, and goes on afterwards. */
static void
test_held(void **state)
{
	struct erig *r = *state;
	unsigned calls;

	begin(r, FREEZE CERT("a"), 1, 90 * DAY_S);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 100000, ERR_TRANSIENT,
	    "acme:http-503", "busy");
	until(FROM);
	calls = fake_ca.calls[FAKE_NEW_ORDER];
	assert_true(calls > 1);
	assert_int_equal(next_at(r, "a"), END);
	until(END - 60);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], calls);
	assert_true(erig_row(r, "a")->failures > 0);
	fake_ca.rules[FAKE_NEW_ORDER].times = 0;
	until(END + 3600);
	assert_int_equal(fake_ca.n_orders, 2);
	/* Other names, in a freeze of today: as changed names outside of one,
	 * they are not renewed until it is over. */
	expect_reload(r, "freeze = { \"2027-03-20 - 2027-03-28\" }\n"
	    "certificate \"a\" { names = { \"a.test\", \"b.test\" } "
	    "provider = dns }\n",
	    "{\"added\":[],\"removed\":[],\"changed\":[\"a\"]}");
	until(END + DAY_S);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(next_at(r, "a"), END + 4 * DAY_S);
}

/* A retry waits; what a person asks for does not, and is deployed. */
static void
test_deploy(void **state)
{
	struct erig *r = *state;
	struct error err;

	begin(r, FREEZE CERT("a"), 1, 90 * DAY_S);
	fake_rule_fail(&fake_deploy.rule, 100000, ERR_TRANSIENT,
	    "deploy:exec", "no");
	until(FROM);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(rollout_next_at(erig_cert(r, "a")), END);
	fake_deploy.rule.times = 0;
	fake_deploy.log[0] = '\0';
	until(FROM + DAY_S);
	assert_string_equal(fake_deploy.log, "");
	erig_down(r);
	erig_up(r);
	until(FROM + 2 * DAY_S);
	assert_string_equal(fake_deploy.log, "");
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 3);
	assert_string_equal(fake_deploy.log, "a a ab0003\n");
	assert_int_equal(rollout_next_at(erig_cert(r, "a")), 0);
}

/* One before it is to be revoked: its targets do not wait. */
static void
test_revoking(void **state)
{
	struct erig *r = *state;
	struct error err;

	begin(r, FREEZE CERT("a"), 1, 90 * DAY_S);
	until(FROM - DAY_S);
	fake_rule_fail(&fake_deploy.rule, 100000, ERR_TRANSIENT,
	    "deploy:exec", "no");
	assert_int_equal(engine_replace_and_revoke(r->engine, "a", 1, false,
	    &err), 0);
	until(FROM + 3600);
	assert_true(rollout_next_at(erig_cert(r, "a")) < FROM + DAY_S);
	fake_deploy.rule.times = 0;
	until(FROM + DAY_S);
	assert_int_equal(rollout_next_at(erig_cert(r, "a")), 0);
	assert_int_equal(fake_ca.revoked, 1);
}

/* It came in the freeze, and acmed was killed before it had noted that. */
static void
test_crash(void **state)
{
	struct erig *r = *state;
	struct error err;
	struct store_cert row;
	char *old;

	begin(r, FREEZE CERT("a"), 1, 90 * DAY_S);
	until(FROM + DAY_S);
	old = xstrdup(erig_row(r, "a")->serial);
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	ERIG_UNTIL(erig_row(r, "a")->order_url != NULL);
	store_cert_dup(&row, erig_row(r, "a"));
	ERIG_UNTIL(strcmp(erig_row(r, "a")->serial, old) != 0);
	store_cert_put(r->store, &row);
	store_cert_clear(&row);
	erig_crash(r);
	erig_up(r);
	assert_string_not_equal(erig_row(r, "a")->serial, old);
	until(FROM + DAY_S + 3600);
	assert_int_equal(rollout_next_at(erig_cert(r, "a")), 0);
	assert_non_null(strstr(fake_deploy.log, erig_row(r, "a")->serial));
	free(old);
}

/* The CA's window is in it.  Then it wants the certificate replaced at once,
 * as before it revokes. */
static void
test_ari(void **state)
{
	struct erig *r = *state;

	fake_ca.has_ari = true;
	fake_ca.ari_start = FROM + DAY_S;
	fake_ca.ari_end = FROM + 3 * DAY_S;
	begin(r, FREEZE CERT("a"), 1, 90 * DAY_S);
	until(FROM - 7 * DAY_S - 1);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_ca.lifetime_s = 90 * DAY_S;
	until(FROM - 3600);
	assert_int_equal(fake_ca.n_orders, 2);
	fake_ca.ari_start = END + 40 * DAY_S;
	fake_ca.ari_end = END + 41 * DAY_S;
	until(FROM + 4 * DAY_S);
	assert_int_equal(fake_ca.n_orders, 2);
	fake_ca.ari_start = FROM + 3 * DAY_S;
	fake_ca.ari_end = FROM + 4 * DAY_S;
	until(FROM + 5 * DAY_S);
	assert_int_equal(fake_ca.n_orders, 3);
}

/* --- as days --- */

static void
expect_freezes(struct erig *r, const char *text, const char *want)
{
	char got[400] = "", days[CONF_FREEZE_TEXT_MAX];

	erig_conf(r, text);
	for (unsigned i = 0; i < r->conf->n_freezes; i++) {
		const struct conf_freeze *f = &r->conf->freezes[i];
		size_t n = strlen(got);

		(void)snprintf(got + n, sizeof(got) - n, "%s %ld+%ld\n",
		    conf_freeze_text(f, days), (long)f->from,
		    (long)(f->end - f->from));
	}
	assert_string_equal(got, want);
}

/* Local days: over the year's end, and where the clocks change. */
static void
test_days(void **state)
{
	struct erig *r = *state;

	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	expect_freezes(r, "freeze = { \"2026-12-20 - 2027-01-05\" }\n",
	    "2026-12-20 - 2027-01-05 1797721200+1468800\n");
	expect_freezes(r, "freeze = { \"2027-03-28 - 2027-03-28\", "
	    "\"2027-10-30 - 2027-10-31\" }\n",
	    "2027-03-28 - 2027-03-28 1806188400+82800\n"
	    "2027-10-30 - 2027-10-31 1824847200+176400\n");
	/* Those that overlap or meet are one. */
	expect_freezes(r, "freeze = { \"2028-02-29 - 2028-03-01\", "
	    "\"2027-12-24 - 2027-12-31\", \"2028-01-01 - 2028-01-02\", "
	    "\"2027-12-20 - 2027-12-26\" }\n",
	    "2027-12-20 - 2028-01-02 1829257200+1209600\n"
	    "2028-02-29 - 2028-03-01 1835391600+172800\n");
	(void)setenv("TZ", "UTC", 1);
	tzset();
}

/* Its own instead of all's. */
static void
test_own(void **state)
{
	struct erig *r = *state;

	erig_conf(r, FREEZE CERT("a") "certificate \"b.test\" { provider = dns "
	    "freeze = { } }\ncertificate \"c.test\" { provider = dns freeze = "
	    "{ \"2028-01-01 - 2028-01-02\" } }\n");
	assert_int_equal(conf_find_cert(r->conf, "a")->freezes[0].from, FROM);
	assert_int_equal(conf_find_cert(r->conf, "b.test")->n_freezes, 0);
	assert_int_equal(conf_find_cert(r->conf, "c.test")->freezes[0].from,
	    1830297600);
	assert_int_equal(conf_find_cert(r->conf, "c.test")->n_freezes, 1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_before),
		ERIG_TEST(test_short),
		ERIG_TEST(test_short_lasts),
		ERIG_TEST(test_held),
		ERIG_TEST(test_deploy),
		ERIG_TEST(test_revoking),
		ERIG_TEST(test_crash),
		ERIG_TEST(test_ari),
		ERIG_TEST(test_days),
		ERIG_TEST(test_own),
	};

	return cmocka_run_group_tests_name("freeze", tests, erig_group_setup,
	    erig_group_teardown);
}
