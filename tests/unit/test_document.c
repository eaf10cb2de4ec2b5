/* SPDX-License-Identifier: MIT */
/* What the members of a cluster write down comes out again, and nothing that
 * is not as it should be is taken. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/cluster/document.h"

#define SECRET "0123456789abcdef0123456789abcdef"
#define KEY "/acmed/state/01234567/cert/a"

static const char full[] = "{\"name\":\"a\",\"serial\":\"0a\","
    "\"names_failed\":\"[\\\"a.test\\\"]\",\"account_why\":\"held\","
    "\"ari_id\":\"x.y\",\"ari_directory\":\"https://ca.test/dir\","
    "\"ari_url\":\"https://ca.test/why\",\"account\":\"le\","
    "\"order_url\":\"https://ca.test/order/1\","
    "\"order_names\":\"[\\\"a.test\\\"]\","
    "\"order_account\":\"https://ca.test/acct/1\","
    "\"order_finalize\":\"https://ca.test/finalize/1\","
    "\"order_profile\":\"short\",\"failures\":2,\"early\":1,"
    "\"retry_at\":1800000300,\"error_at\":1800000000,"
    "\"asked_at\":1799999999,\"paused_until\":1800009999,\"spread\":-7,"
    "\"ari_start\":1800000001,\"ari_end\":1800000002,"
    "\"ari_at\":1800000003,\"ari_poll_at\":1800000004,"
    "\"ari_pulled_at\":1800000005,\"order_at\":1800000006,"
    "\"order_sent_at\":1800000007,\"order_limits\":3,"
    "\"error\":{\"kind\":\"transient\",\"code\":\"dns:timeout\","
    "\"msg\":\"no answer\",\"retry_at\":0},"
    "\"key\":\"KEY\",\"chain\":\"CHAIN\",\"csr\":\"CSR\","
    "\"request\":\"REQUEST\",\"request_at\":1800000008,"
    "\"txt\":[{\"provider\":\"dns\","
    "\"identifier\":\"a.test\",\"fqdn\":\"_acme-challenge.a.test\","
    "\"zone\":\"a.test\",\"value\":\"v\",\"handle\":\"h\","
    "\"state\":\"added\",\"created_at\":1800000000,\"tries\":1,"
    "\"retry_at\":0,\"error\":\"\"}],\"missing\":[{\"name\":\"b.test\","
    "\"left_out\":true,\"since\":5,\"failed_at\":6,\"tries\":2,"
    "\"omitted_at\":7,\"retry_at\":8,\"error\":{\"kind\":\"rejected\","
    "\"code\":\"acme:dns\",\"msg\":\"no\",\"retry_at\":0}}],"
    "\"first\":{\"names\":\"[\\\"a.test\\\"]\",\"account\":\"kid\","
    "\"profile\":\"short\",\"key\":\"KEY1\",\"chain\":\"CHAIN1\",\"at\":9},"
    "\"wave\":{\"serial\":\"0a\",\"state\":\"stopped\",\"not_before\":5,"
    "\"opened\":2,\"opened_at\":6,\"served_at\":7,\"untold\":false,"
    "\"why\":\"web-1: no\"}}";

static json_t *
parse(const char *text)
{
	json_error_t e;
	json_t *o = json_loads(text, JSON_REJECT_DUPLICATES, &e);

	if (o == NULL)
		fail_msg("%s", e.text);
	return o;
}

static void
test_round_trip(void **state)
{
	json_t *o = parse(full), *again;
	struct document d;
	struct error err;

	(void)state;
	if (document_read(o, &d, &err) == -1)
		fail_msg("%s", err.msg);
	assert_true(document_is_open(&d));
	again = document_json(&d);
	if (!json_equal(o, again))
		fail_msg("%s", json_dumps(again, JSON_SORT_KEYS));
	json_decref(again);
	json_decref(o);
	document_clear(&d);
	assert_false(document_is_open(&d));
}

/* Where it lies is part of the seal: nobody can put one in another's place. */
static void
test_sealed(void **state)
{
	struct error err;
	size_t len;
	char *sealed = document_close(SECRET, KEY, parse(full), &len);
	json_t *o = document_open(SECRET, KEY, sealed, len, &err), *want;

	(void)state;
	assert_non_null(o);
	want = parse(full);
	assert_true(json_equal(o, want));
	json_decref(want);
	json_decref(o);
	assert_null(memmem(sealed, len, "CHAIN", 5));
	assert_null(document_open(SECRET, KEY "b", sealed, len, &err));
	assert_string_equal(err.code, "seal:open");
	sealed[len / 2] ^= 1;
	assert_null(document_open(SECRET, KEY, sealed, len, &err));
	assert_string_equal(err.code, "seal:open");
	assert_null(document_open(SECRET, KEY, sealed, DOCUMENT_MAX + 1u,
	    &err));
	assert_string_equal(err.code, "cluster:document");
	free(sealed);
}

/* Whatever member is of another type, or beyond its bounds. */
static void
test_strict(void **state)
{
	static const char *const wrong[] = { "\"x\"", "-1", "5000000000000",
	    "true", "{}", "[1]", "null" };
	json_t *o = parse(full), *value;
	const char *name;
	unsigned n = 0;

	(void)state;
	json_object_foreach(o, name, value) {
		for (size_t i = 0; i < N_ELEMENTS(wrong); i++) {
			json_t *bad = json_deep_copy(o), *w = json_loads(
			    wrong[i], JSON_DECODE_ANY, NULL);
			struct document d;
			struct error err;

			if (json_typeof(w) == json_typeof(value) &&
			    !json_is_array(w) && (!json_is_integer(w) ||
			    strcmp(name, "spread") == 0)) {
				json_decref(bad);
				json_decref(w);
				continue;
			}
			/* A text may be left out, but for the name. */
			if (json_is_null(w) && json_is_string(value) &&
			    strcmp(name, "name") != 0) {
				json_decref(bad);
				json_decref(w);
				continue;
			}
			(void)json_object_set_new(bad, name, w);
			if (document_read(bad, &d, &err) == 0)
				fail_msg("%s: %s", name, wrong[i]);
			assert_string_equal(err.code, "cluster:document");
			assert_null(d.row.name);
			json_decref(bad);
			n++;
		}
	}
	assert_true(n > 150);
	json_decref(o);
}

static int
read_wave(const char *member, json_t *value /* taken */, struct document *d)
{
	json_t *o = parse(full);
	struct error err;
	int rc;

	(void)json_object_set_new(json_object_get(o, "wave"), member, value);
	rc = document_read(o, d, &err);
	if (rc == -1)
		assert_string_equal(err.code, "cluster:document");
	json_decref(o);
	return rc;
}

/* Who may take what: a hostile word is refused, and older acmeds have none. */
static void
test_wave(void **state)
{
	json_t *o = parse(full), *again;
	struct document d;
	struct error err;

	(void)state;
	assert_int_equal(read_wave("untold", json_true(), &d), 0);
	assert_int_equal(d.wave.served_at, STORE_WAVE_UNTOLD);
	again = document_json(&d);
	assert_true(json_is_true(json_object_get(json_object_get(again,
	    "wave"), "untold")));
	json_decref(again);
	document_clear(&d);
	assert_int_equal(read_wave("why", json_string("a\x1b[31m"), &d), 0);
	assert_null(strchr(d.wave.why, '\x1b'));
	document_clear(&d);
	assert_int_equal(read_wave("state", json_string("odd"), &d), -1);
	assert_int_equal(read_wave("serial", json_string(""), &d), -1);
	assert_int_equal(read_wave("serial", json_null(), &d), -1);
	assert_int_equal(read_wave("opened", json_integer(-1), &d), -1);
	assert_int_equal(read_wave("served_at", json_integer(-1), &d), -1);
	(void)json_object_del(o, "wave");
	assert_int_equal(document_read(o, &d, &err), 0);
	assert_string_equal(d.wave.serial, "");
	again = document_json(&d);
	assert_true(json_equal(o, again));
	json_decref(again);
	document_clear(&d);
	json_decref(o);
}

static void
expect_refused(const char *member, json_t *value /* taken */)
{
	json_t *o = parse(full);
	struct document d;
	struct error err;

	(void)json_object_set_new(json_array_get(json_object_get(o, "txt"),
	    0), member, value);
	assert_int_equal(document_read(o, &d, &err), -1);
	assert_string_equal(err.code, "cluster:document");
	json_decref(o);
}

static void
test_txt(void **state)
{
	char *long_text = xcalloc(1, 10001);
	json_t *o = parse(full), *list = json_object_get(o, "txt");
	struct document d;
	struct error err;

	(void)state;
	memset(long_text, 'x', 10000);
	expect_refused("fqdn", json_string(long_text));
	expect_refused("handle", json_string(long_text));
	expect_refused("value", json_string(""));
	expect_refused("provider", json_integer(1));
	expect_refused("tries", json_integer(-1));
	/* A state of a version to come is one to be removed. */
	(void)json_object_set_new(json_array_get(list, 0), "state",
	    json_string("floating"));
	assert_int_equal(document_read(o, &d, &err), 0);
	assert_int_equal(d.txt[0].state, TXT_REMOVING);
	assert_string_equal(d.txt[0].cert, "a");
	document_clear(&d);
	for (int i = 0; i < DOCUMENT_TXT_MAX; i++)
		(void)json_array_append(list, json_array_get(list, 0));
	assert_int_equal(document_read(o, &d, &err), -1);
	json_decref(o);
	free(long_text);
}

/* How it fares is everybody's; the order is of who holds it. */
static void
test_apply(void **state)
{
	json_t *o = parse(full);
	struct document d;
	struct error err;
	struct store_cert row = { .name = xstrdup("a"),
	    .serial = xstrdup("0b"), .spread = 3, .key = KEY_EC256,
	    .ari_id = xstrdup("own"), .order_url = xstrdup("https://old") };

	(void)state;
	assert_int_equal(document_read(o, &d, &err), 0);
	assert_true(document_apply(&d, &row, false));
	assert_int_equal(row.failures, 2);
	assert_int_equal(row.paused_until, 1800009999);
	assert_string_equal(row.error->code, "dns:timeout");
	assert_string_equal(row.order_url, "https://old");
	/* Of another certificate: */
	assert_string_equal(row.ari_id, "own");
	assert_int_equal(row.spread, 3);
	assert_false(document_apply(&d, &row, false));
	xstrset(&row.serial, "0a");
	assert_true(document_apply(&d, &row, true));
	assert_string_equal(row.ari_id, "x.y");
	assert_int_equal(row.spread, -7);
	assert_string_equal(row.order_url, "https://ca.test/order/1");
	assert_int_equal(row.order_limits, 3);
	assert_int_equal(row.key, KEY_EC256);
	assert_false(document_apply(&d, &row, true));
	store_cert_clear(&row);
	document_clear(&d);
	json_decref(o);
}

static void
test_account(void **state)
{
	json_t *o = parse("{\"key\":\"K\",\"next\":\"N\",\"kid\":\"https://a\","
	    "\"contact\":\"[]\",\"by\":\"r1\"}"), *again;
	struct account_document d;
	struct error err;

	(void)state;
	assert_int_equal(account_document_read(o, &d, &err), 0);
	again = account_document_json(&d);
	assert_true(json_equal(o, again));
	account_document_clear(&d);
	json_decref(again);
	(void)json_object_del(o, "key");
	assert_int_equal(account_document_read(o, &d, &err), -1);
	assert_string_equal(err.code, "cluster:document");
	json_decref(o);
}

static void
test_limits(void **state)
{
	char d[] = "https://ca.test/dir", a[] = "le", k[] = "example.org";
	struct store_budget b = { .kind = LIMIT_CERTIFICATES, .directory = d,
	    .account = a, .key = k, .since_ms = 5, .full_at_ms = 7 }, b2;
	struct store_hold h = { .account = "le", .directory = "d",
	    .about = "name:a.test", .since = 1, .at = 2, .until = 3,
	    .times = 4 }, h2;
	struct error err;
	json_t *o = budget_document_json(&b);

	(void)state;
	assert_int_equal(budget_document_read(o, &b2, &err), 0);
	assert_int_equal(b2.kind, b.kind);
	assert_string_equal(b2.key, k);
	assert_int_equal(b2.full_at_ms, 7);
	(void)json_object_set_new(o, "kind", json_string("moons"));
	assert_int_equal(budget_document_read(o, &b2, &err), -1);
	json_decref(o);
	(void)error_set(&h.err, ERR_RATELIMIT, "acme:rateLimited", "later");
	o = hold_document_json(&h);
	assert_int_equal(hold_document_read(o, &h2, &err), 0);
	assert_string_equal(h2.about, h.about);
	assert_int_equal(h2.until, 3);
	assert_int_equal(h2.times, 4);
	assert_int_equal(h2.err.kind, ERR_RATELIMIT);
	assert_string_equal(h2.err.msg, "later");
	(void)json_object_set_new(o, "account", json_string(""));
	assert_int_equal(hold_document_read(o, &h2, &err), -1);
	json_decref(o);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_sealed),
		cmocka_unit_test(test_strict),
		cmocka_unit_test(test_wave),
		cmocka_unit_test(test_txt),
		cmocka_unit_test(test_apply),
		cmocka_unit_test(test_account),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
