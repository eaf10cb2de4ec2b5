/* SPDX-License-Identifier: MIT */
/* What is issued is never thrown away: odd CAs, lagging ones, wrong clocks. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "tests/unit/pki.h"

#define WEB "certificate \"web\" { names = { \"example.test\" } " \
    "provider = dns }\n"

static void
start(struct erig *r)
{
	erig_conf(r, WEB);
	erig_up(r);
}

/* The first run gets a certificate that cannot be used. */
static void
expect_unfit(struct erig *r, const char *code)
{
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, code);
	assert_int_equal(strncmp(r->err.msg, "download: ", 10), 0);
	assert_non_null(strstr(r->err.msg, "kept"));
	assert_non_null(erig_row(r, "web")->order_url);
	assert_int_equal(scratch_count(&r->scratch, "s/pending/web.*"), 2);
}

static void
expect_installed(struct erig *r, const char *serial)
{
	ERIG_UNTIL(r->oks == 1 && erig_cert(r, "web")->run == NULL);
	assert_string_equal(erig_row(r, "web")->serial, serial);
	assert_null(erig_row(r, "web")->order_url);
	assert_null(erig_row(r, "web")->error);
	assert_int_equal(scratch_count(&r->scratch, "s/pending/*"), 0);
}

/* Another is ordered, but not within the hour, and not by a restart. */
static void
test_fewer_names(void **state)
{
	struct erig *r = *state;

	fake_ca.wrong_names = true;
	start(r);
	expect_unfit(r, "cert:names");
	assert_non_null(strstr(r->err.msg, "example.test is not in it"));
	assert_non_null(strstr(r->err.msg, "renew-now web"));
	fake_time_pass(20 * MINUTE);
	erig_crash(r);
	erig_up(r);
	fake_time_pass(35 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_null(erig_row(r, "web")->serial);
	fake_ca.wrong_names = false;
	expect_installed(r, "ab0002");
	assert_int_equal(fake_ca.n_orders, 2);
}

/* The CA mends what it sends. */
static void
test_mended_by_ca(void **state)
{
	struct erig *r = *state;
	struct error err;
	EVP_PKEY *key = NULL;

	fake_ca.wrong_names = true;
	start(r);
	expect_unfit(r, "cert:names");
	assert_int_equal(store_pending_key(r->store, "web", &key, &err), 0);
	free(fake_ca.orders[0].pem[0]);
	fake_ca.orders[0].pem[0] = fake_ca_issue(key,
	    (const char *const []){ "example.test", NULL }, "77", false);
	EVP_PKEY_free(key);
	expect_installed(r, "77");
	assert_int_equal(fake_ca.n_orders, 1);
}

/* A person need not wait. */
static void
test_fewer_names_forced(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_ca.wrong_names = true;
	start(r);
	expect_unfit(r, "cert:names");
	fake_ca.wrong_names = false;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	expect_installed(r, "ab0002");
}

/* Our clock is a year ahead: all that is issued has expired. */
static void
test_clock_ahead(void **state)
{
	struct erig *r = *state;

	fake_ca.shift_s = -370 * DAY / SECOND;
	start(r);
	expect_unfit(r, "cert:expired");
	fake_time_pass(3 * DAY);
	erig_crash(r);
	erig_up(r);
	fake_time_pass(3 * DAY);
	assert_int_equal(r->oks, 0);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_int_equal(fake_ca.calls[FAKE_CERT], 1);
	fake_time_jump(-370 * DAY / SECOND);
	expect_installed(r, "ab0001");
	assert_int_equal(fake_ca.n_orders, 1);
}

/* It was good, and has expired while nobody could install it. */
static void
test_expired_since(void **state)
{
	struct erig *r = *state;

	fake_ca.shift_s = 2 * DAY / SECOND;
	start(r);
	expect_unfit(r, "cert:not-yet");
	erig_down(r);
	fake_time_jump(400 * DAY / SECOND);
	fake_ca.shift_s = 0;
	erig_up(r);
	expect_installed(r, "ab0002");
}

/* Valid in two hours: it is not installed before, and not ordered again. */
static void
test_not_yet(void **state)
{
	struct erig *r = *state;
	time_t from = clock_now() + 2 * 3600;

	fake_ca.shift_s = 3 * 3600;
	start(r);
	expect_unfit(r, "cert:not-yet");
	fake_time_pass(110 * MINUTE);
	assert_int_equal(r->oks, 0);
	expect_installed(r, "ab0001");
	assert_in_range(clock_now(), from - 300, from + 3600);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* A replica that lags shows the order as ready, for a while. */
static void
test_ready_again(void **state)
{
	static const int64_t for_ms[] = { 500, 9 * SECOND, 25 * SECOND,
	    200 * SECOND };

	for (size_t i = 0; i < N_ELEMENTS(for_ms); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.goes_back_ms = for_ms[i];
		start(r);
		erig_ends(r, 1);
		if (r->oks != 1)
			fail_msg("%s", r->err.msg);
		expect_installed(r, "ab0001");
		assert_int_equal(fake_ca.n_orders, 1);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* It has really forgotten: the same request again does it. */
static void
test_finalize_lost(void **state)
{
	struct erig *r = *state;

	fake_ca.lost_finalizes = 2;
	start(r);
	erig_ends(r, 1);
	expect_installed(r, "ab0001");
	assert_int_equal(fake_ca.calls[FAKE_FINALIZE], 3);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* ... or never does; the order is not given up. */
static void
test_finalize_lost_always(void **state)
{
	struct erig *r = *state;

	fake_ca.lost_finalizes = 1000;
	start(r);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "acme:slow");
	assert_non_null(erig_row(r, "web")->order_url);
	fake_ca.lost_finalizes = 0;
	expect_installed(r, "ab0001");
	assert_int_equal(fake_ca.n_orders, 1);
}

/* It was sent, and a later run finds it invalid: the next one is new in all,
 * and its request is sent at once. */
static void
test_invalid_later(void **state)
{
	struct erig *r = *state;
	int64_t usual_ms = fake_ca.issuance_ms, begun;

	fake_ca.issuance_ms = HOUR;
	start(r);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "acme:slow");
	fake_ca.orders[0].status = ACME_INVALID;
	fake_ca.issuance_ms = usual_ms;
	ERIG_UNTIL(fake_ca.n_orders == 2);
	begun = clock_mono_ms();
	expect_installed(r, "ab0002");
	assert_in_range(clock_mono_ms() - begun, 0, 9 * SECOND);
}

/* A new order that is "processing", and then ready: no key was made for it. */
static void
test_ready_after_all(void **state)
{
	struct erig *r = *state;

	fake_ca.new_status = ACME_PROCESSING;
	start(r);
	ERIG_UNTIL(fake_ca.n_orders == 1);
	fake_ca.orders[0].status = ACME_READY;
	expect_installed(r, "ab0001");
	assert_int_equal(fake_ca.n_orders, 1);
}

/* The CA does not know what it has just made. */
static void
test_not_found(void **state)
{
	static const int acts[] = { FAKE_GET_AUTHZ, FAKE_GET_ORDER,
	    FAKE_FINALIZE, FAKE_CERT };

	for (size_t i = 0; i < N_ELEMENTS(acts); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_rule_fail(&fake_ca.rules[acts[i]], 2, ERR_REJECTED,
		    "acme:not-found", "what?");
		start(r);
		expect_installed(r, "ab0001");
		assert_true(r->ends > 1);
		assert_int_equal(fake_ca.n_orders, 1);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* It says so for more than an hour: that one is lost. */
static void
test_not_found_ever(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_CERT], 1000, ERR_REJECTED,
	    "acme:not-found", "what?");
	start(r);
	fake_time_pass(55 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_true(r->ends > 1);
	fake_time_pass(3 * DAY);
	assert_true(fake_ca.n_orders > 1);
	assert_in_range(fake_ca.n_orders, 2, 4);
}

/* Other chains that hang hold up nothing for long. */
static void
test_alternate_hangs(void **state)
{
	struct erig *r = *state;
	int64_t begun;

	fake_ca.has_alternate = true;
	fake_rule_hang(&fake_ca.rules[FAKE_CERT]);
	fake_ca.rules[FAKE_CERT].skip = 1;
	erig_conf(r, "certificate \"web\" { names = { \"example.test\" } "
	    "provider = dns preferred_chain = \"Other Root\" }\n");
	begun = clock_mono_ms();
	erig_up(r);
	expect_installed(r, "ab0001");
	assert_in_range(clock_mono_ms() - begun, 30 * SECOND, 60 * SECOND);
	assert_true(erig_told(r, "do not come within 30 s"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_fewer_names),
		ERIG_TEST(test_mended_by_ca),
		ERIG_TEST(test_fewer_names_forced),
		ERIG_TEST(test_clock_ahead),
		ERIG_TEST(test_expired_since),
		ERIG_TEST(test_not_yet),
		cmocka_unit_test(test_ready_again),
		ERIG_TEST(test_finalize_lost),
		ERIG_TEST(test_finalize_lost_always),
		ERIG_TEST(test_invalid_later),
		ERIG_TEST(test_ready_after_all),
		cmocka_unit_test(test_not_found),
		ERIG_TEST(test_not_found_ever),
		ERIG_TEST(test_alternate_hangs),
	};

	return cmocka_run_group_tests_name("renewal_kept", tests,
	    erig_group_setup, erig_group_teardown);
}
