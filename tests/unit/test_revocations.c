/* SPDX-License-Identifier: MIT */
/* What is to be revoked stays so until the CA has done it, or a person was
 * told. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/manage/revocations.h"
#include "daemon/store/store.h"

#define OTHER "account \"other\" { directory = \"https://other.test/dir\" " \
    "agree_tos = true }\n"
#define CERT(more) "certificate \"web\" { names = { \"web.test\" } " \
    "provider = dns reuse_key = true " more "}\n"
#define WEB CERT("")

/* The CA refuses to revoke, until it may. */
static void
refuse(void)
{
	fake_rule_fail(&fake_ca.rules[FAKE_REVOKE], 1000, ERR_TRANSIENT,
	    "acme:serverInternal", "out of order");
}

/* The first certificate is to be revoked. */
static char *
begin(struct erig *r, const char *conf)
{
	struct error err;
	char *serial;

	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 1);
	serial = xstrdup(erig_row(r, "web")->serial);
	assert_int_equal(engine_replace_and_revoke(r->engine, "web", 1, false,
	    &err), 0);
	return serial;
}

static bool
is_open(const struct erig *r)
{
	return revocations_are_open(r->engine->revocations, "web");
}

static size_t
kept(struct erig *r, const char *serial)
{
	char *glob = xasprintf("s/archive/web/%s*", serial);
	size_t n = scratch_count(&r->scratch, glob);

	free(glob);
	return n;
}

/* However many renewals come before the CA takes it. */
static void
test_outlives_renewals(void **state)
{
	struct erig *r = *state;
	struct error err;
	char *old;

	refuse();
	old = begin(r, WEB);
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	assert_true(erig_told(r, "is not revoked yet: out of order; next try "
	    "in "));
	for (int i = 0; i < 7; i++) {
		assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
		erig_ends(r, 1);
	}
	assert_int_equal(kept(r, old), 1);
	assert_int_equal(scratch_count(&r->scratch, "s/archive/web/*"), 6);
	assert_true(is_open(r));
	/* Hourly asked, daily told. */
	erig_events_clear(r);
	fake_time_pass(10 * HOUR);
	assert_false(erig_told(r, "is not revoked yet"));
	fake_time_pass(16 * HOUR);
	assert_true(erig_told(r, "is not revoked yet"));
	fake_ca.rules[FAKE_REVOKE].times = 0;
	fake_time_pass(2 * HOUR);
	assert_int_equal(fake_ca.revoked, 1);
	assert_false(is_open(r));
	free(old);
}

/* What the archive has lost nobody can revoke: that is said. */
static void
test_version_is_gone(void **state)
{
	struct erig *r = *state;
	char *old, *from;

	refuse();
	old = begin(r, WEB);
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	from = xstrdup(scratch_path(&r->scratch, "s/archive/web/%s", old));
	assert_int_equal(rename(from, scratch_path(&r->scratch, "gone")), 0);
	fake_time_pass(2 * HOUR);
	assert_true(erig_told(r, "was to be revoked, and cannot be: the "
	    "archive has no certificate"));
	assert_false(is_open(r));
	free(from);
	free(old);
}

/* It is the CA's that issued it, though the certificate has moved, and then
 * been taken out of the configuration. */
static void
test_other_account(void **state)
{
	struct erig *r = *state;

	refuse();
	free(begin(r, OTHER CERT("account = ca ")));
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	expect_reload(r, OTHER CERT("account = other "), "{\"added\":[],"
	    "\"removed\":[],\"changed\":[\"web\"]}");
	erig_ends(r, 1);
	expect_reload(r, OTHER, "{\"added\":[],\"removed\":[\"web\"],"
	    "\"changed\":[]}");
	fake_ca.rules[FAKE_REVOKE].times = 0;
	fake_time_pass(2 * HOUR);
	assert_int_equal(fake_ca.revoked, 1);
	assert_string_equal(fake_ca.revoked_at, "https://ca.test/dir");
	assert_false(is_open(r));
}

/* Nobody replaces it any more: it is neither revoked nor forgotten. */
static void
test_not_configured(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_REJECTED,
	    "acme:caa", "no");
	fake_ca.rules[FAKE_NEW_ORDER].skip = 1;
	free(begin(r, WEB));
	erig_ends(r, 1);
	expect_reload(r, "", "{\"added\":[],\"removed\":[\"web\"],"
	    "\"changed\":[]}");
	fake_time_pass(MINUTE);
	assert_true(erig_told(r, "is not configured any more"));
	assert_int_equal(engine_delete(r->engine, "web", &err), -1);
	assert_string_equal(err.code, "manage:unrevoked");
	assert_int_equal(engine_revoke_cancel(r->engine, "web", &err), 0);
	assert_int_equal(engine_delete(r->engine, "web", &err), 0);
	assert_int_equal(fake_ca.calls[FAKE_REVOKE], 0);
}

/* Rolled back to, it is replaced again, by one of another key. */
static void
test_rolled_back_to(void **state)
{
	struct erig *r = *state;
	struct error err;
	char *old, *key, *now;

	refuse();
	old = begin(r, WEB);
	key = erig_live(r, "web", "privkey.pem");
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	assert_int_equal(engine_rollback(r->engine, "web", true, &err), 0);
	ERIG_UNTIL(strcmp(erig_row(r, "web")->serial, old) == 0);
	fake_ca.rules[FAKE_REVOKE].times = 0;
	fake_time_pass(40 * HOUR);
	assert_string_not_equal(erig_row(r, "web")->serial, old);
	now = erig_live(r, "web", "privkey.pem");
	assert_string_not_equal(now, key);
	assert_int_equal(fake_ca.revoked, 1);
	free(now);
	free(key);
	free(old);
}

/* A pause does not keep it: its replacement is tried until it comes. */
static void
test_paused(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 2, ERR_TRANSIENT,
	    "http:io", "down");
	fake_ca.rules[FAKE_NEW_ORDER].skip = 1;
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_pause(r->engine, "web", 0, &err), 0);
	assert_int_equal(engine_replace_and_revoke(r->engine, "web", 1, false,
	    &err), 0);
	erig_ends(r, 1);
	fake_time_pass(2 * HOUR);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(fake_ca.revoked, 1);
	assert_false(is_open(r));
	fake_time_pass(DAY);
	expect_next(r, "web", "paused");
}

/* Given up, nothing is left of it: no renewal, and the key stays. */
static void
test_cancel_unwants(void **state)
{
	struct erig *r = *state;
	struct error err;
	char *key, *now;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:io", "down");
	fake_ca.rules[FAKE_NEW_ORDER].skip = 1;
	free(begin(r, WEB));
	key = erig_live(r, "web", "privkey.pem");
	erig_ends(r, 1);
	assert_true(erig_cert(r, "web")->wants_new_key);
	assert_int_equal(engine_revoke_cancel(r->engine, "web", &err), 0);
	fake_time_pass(3 * HOUR);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 2);
	now = erig_live(r, "web", "privkey.pem");
	assert_string_equal(now, key);
	free(now);
	free(key);
}

/* Whoever follows the renewal is told that there is none. */
static void
test_cancelled_at_once(void **state)
{
	struct erig *r = *state;
	struct error err;

	free(begin(r, WEB));
	assert_int_equal(engine_revoke_cancel(r->engine, "web", &err), 0);
	assert_int_equal(r->ends, 2);
	assert_string_equal(r->err.code, "manage:cancelled");
	fake_time_pass(HOUR);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* The new key is for one renewal, though a target failed. */
static void
test_new_key_once(void **state)
{
	struct erig *r = *state;
	char *first, *second, *third;
	struct error err;

	erig_conf(r, CERT("deploy \"a\" { exec = { \"/bin/true\" } } "));
	erig_up(r);
	erig_ends(r, 1);
	first = erig_live(r, "web", "privkey.pem");
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "no");
	assert_int_equal(engine_renew_with_new_key(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	second = erig_live(r, "web", "privkey.pem");
	assert_string_not_equal(first, second);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	third = erig_live(r, "web", "privkey.pem");
	assert_string_equal(second, third);
	assert_int_equal(fake_ca.n_orders, 3);
	free(third);
	free(second);
	free(first);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_outlives_renewals),
		ERIG_TEST(test_version_is_gone),
		ERIG_TEST(test_other_account),
		ERIG_TEST(test_not_configured),
		ERIG_TEST(test_rolled_back_to),
		ERIG_TEST(test_paused), ERIG_TEST(test_cancel_unwants),
		ERIG_TEST(test_cancelled_at_once),
		ERIG_TEST(test_new_key_once),
	};

	return cmocka_run_group_tests_name("revocations", tests,
	    erig_group_setup, erig_group_teardown);
}
