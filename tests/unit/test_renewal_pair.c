/* SPDX-License-Identifier: MIT */
/* Two certificates in one renewal: the first waits for the second. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/certs/pair.h"
#include "daemon/io/loop.h"
#include "daemon/store/keys.h"

#define WEB(name, more) "certificate \"web\" { names = { \"" name "\" } " \
    "provider = dns key = { \"ec256\", \"rsa2048\" } " more "}\n"

/* --- keys: RSA would be made by a child process, in real time --- */

struct keygen_op {
	struct timer	 start;
	enum key_type	 type;
	keygen_done_cb	*done;
	void		*arg;
};

static EVP_PKEY *rsa[2];
static size_t next_rsa;

struct keygen_op *__wrap_keygen_start(struct loop *, struct children *,
		    enum key_type, keygen_done_cb *, void *);
void		 __wrap_keygen_cancel(struct keygen_op *);

void
__wrap_keygen_cancel(struct keygen_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->start);
	free(op);
}

static void
start_cb(void *arg)
{
	struct keygen_op *op = arg;
	struct error err;
	EVP_PKEY *key = NULL;

	if (op->type == KEY_RSA2048) {
		key = rsa[next_rsa++ % 2];
		assert_int_equal(EVP_PKEY_up_ref(key), 1);
	} else {
		key = key_generate(op->type, &err);
	}
	op->done(NULL, key, op->arg);
	EVP_PKEY_free(key);
	__wrap_keygen_cancel(op);
}

struct keygen_op *
__wrap_keygen_start(struct loop *loop, struct children *children,
    enum key_type type, keygen_done_cb *done, void *arg)
{
	struct keygen_op *op = xcalloc(1, sizeof(*op));

	op->type = type;
	op->done = done;
	op->arg = arg;
	timer_init(&op->start, loop, start_cb, op);
	timer_set(&op->start, 0);
	return op;
}

/* --- */

/* The order for the second is refused so often. */
static void
refuse_second(unsigned times)
{
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], times, ERR_TRANSIENT,
	    "acme:serverInternal", "not now");
	fake_ca.rules[FAKE_NEW_ORDER].skip = 1;
}

/* The first is there, nobody sees it, and no order is under way. */
static void
expect_first(struct erig *r)
{
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_null(erig_row(r, "web")->serial);
	assert_null(erig_row(r, "web")->order_url);
	assert_non_null(pair_first_names(erig_cert(r, "web")));
	assert_int_equal(scratch_count(&r->scratch, "s/pending/*"), 1);
	assert_int_equal(scratch_count(&r->scratch, "s/pending/web.first"), 1);
	assert_int_equal(scratch_count(&r->scratch, "s/live/web"), 0);
}

static void
expect_pair(struct erig *r, const char *first, const char *second)
{
	struct cert_info info;
	struct error err;

	ERIG_UNTIL(r->oks >= 1 && erig_cert(r, "web")->run == NULL);
	if (store_live_info(r->store, "web", &info, &err) != 0)
		fail_msg("%s", err.msg);
	assert_string_equal(info.serial, first);
	assert_int_equal(info.key, KEY_EC256);
	assert_string_equal(info.second->serial, second);
	assert_int_equal(info.second->key, KEY_RSA2048);
	cert_info_clear(&info);
	assert_string_equal(erig_row(r, "web")->serial, first);
	assert_string_equal(pair_installed(erig_cert(r, "web"))->serial,
	    second);
	assert_null(pair_first_names(erig_cert(r, "web")));
	assert_int_equal(scratch_count(&r->scratch, "s/pending/*"), 0);
	expect_next(r, "web", "renew");
}

/* It waits, over kill -9, until the CA takes the second order. */
static void
test_waits(void **state)
{
	struct erig *r = *state;

	refuse_second(2);
	erig_conf(r, WEB("example.test", ""));
	erig_up(r);
	expect_first(r);
	erig_crash(r);
	erig_up(r);
	expect_first(r);
	expect_pair(r, "ab0001", "ab0002");
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(fake_ca.calls[FAKE_CERT], 2);
}

/* The second is finalized, and acmed dies: both are there with the next. */
static void
test_second_resumed(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_CERT], 1, ERR_TRANSIENT,
	    "http:io", "gone");
	fake_ca.rules[FAKE_CERT].skip = 1;
	erig_conf(r, WEB("example.test", ""));
	erig_up(r);
	erig_ends(r, 1);
	assert_non_null(erig_row(r, "web")->order_url);
	assert_int_equal(scratch_count(&r->scratch, "s/pending/*"), 2);
	erig_crash(r);
	erig_up(r);
	expect_pair(r, "ab0001", "ab0002");
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(fake_ca.calls[FAKE_FINALIZE], 2);
}

/* A second that cannot be used is kept as any, beside the first. */
static void
test_second_unfit(void **state)
{
	struct erig *r = *state;

	refuse_second(1);
	erig_conf(r, WEB("example.test", ""));
	erig_up(r);
	expect_first(r);
	fake_ca.shift_s = 2 * DAY / SECOND;
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "cert:not-yet");
	assert_int_equal(scratch_count(&r->scratch, "s/pending/*"), 3);
	erig_crash(r);
	fake_ca.shift_s = 0;
	erig_up(r);
	expect_pair(r, "ab0001", "ab0002");
	assert_int_equal(fake_ca.n_orders, 2);
}

/* For other names, or when its own renewal has come near, it is of no use. */
static void
test_of_no_use(void **state)
{
	struct erig *r = *state;

	refuse_second(1);
	erig_conf(r, WEB("example.test", ""));
	erig_up(r);
	expect_first(r);
	free(erig_reload(r, WEB("www.example.test", "")));
	expect_pair(r, "ab0002", "ab0003");
	refuse_second(1);
	free(erig_reload(r, WEB("example.test", "")));
	erig_ends(r, 1);
	assert_non_null(pair_first_names(erig_cert(r, "web")));
	erig_down(r);
	fake_time_jump(70 * DAY / SECOND);
	r->oks = 0;
	erig_up(r);
	expect_pair(r, "ab0005", "ab0006");
}

static EVP_PKEY *
live_key(struct erig *r, const char *folder)
{
	struct error err;
	EVP_PKEY *key;

	assert_int_equal(store_live_key(r->store, "web", folder, &key, &err),
	    0);
	assert_non_null(key);
	return key;
}

/* Each keeps its key, and one that is lost renews both. */
static void
test_keys(void **state)
{
	struct erig *r = *state;
	EVP_PKEY *old[2];
	struct error err;

	erig_conf(r, WEB("example.test", "reuse_key = true"));
	erig_up(r);
	expect_pair(r, "ab0001", "ab0002");
	old[0] = live_key(r, NULL);
	old[1] = live_key(r, "rsa");
	r->oks = 0;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	ERIG_UNTIL(r->oks == 1);
	expect_pair(r, "ab0003", "ab0004");
	for (size_t i = 0; i < 2; i++) {
		EVP_PKEY *key = live_key(r, i == 0 ? NULL : "rsa");

		assert_int_equal(EVP_PKEY_eq(key, old[i]), 1);
		EVP_PKEY_free(key);
		EVP_PKEY_free(old[i]);
	}
	/* One certificate is not what is wanted any more, nor the other way. */
	r->oks = 0;
	free(erig_reload(r, "certificate \"web\" { names = { "
	    "\"example.test\" } provider = dns key = rsa2048 }\n"));
	ERIG_UNTIL(r->oks == 1);
	assert_string_equal(erig_row(r, "web")->serial, "ab0005");
	assert_null(pair_installed(erig_cert(r, "web")));
	r->oks = 0;
	free(erig_reload(r, WEB("example.test", "")));
	expect_pair(r, "ab0006", "ab0007");
}

static int
group_setup(void **state)
{
	struct error err;

	for (size_t i = 0; i < 2; i++)
		rsa[i] = key_generate(KEY_RSA2048, &err);
	return erig_group_setup(state);
}

static int
group_teardown(void **state)
{
	for (size_t i = 0; i < 2; i++)
		EVP_PKEY_free(rsa[i]);
	return erig_group_teardown(state);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_waits), ERIG_TEST(test_second_resumed),
		ERIG_TEST(test_second_unfit), ERIG_TEST(test_of_no_use),
		ERIG_TEST(test_keys),
	};

	return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
