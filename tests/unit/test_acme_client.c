/* SPDX-License-Identifier: MIT */
/* What every request to the CA needs: its directory, a nonce, and another
 * try. */
#include "tests/unit/acme_rig.h"

#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/acme/ca_clock.h"

/* The engine's view: an op that fails, and what it says. */
struct failure {
	const char	*name;
	const struct fake_exchange *script;
	size_t		 n;
	enum err_kind	 kind;		/* ERR_NONE: it succeeds */
	const char	*code;
	const char	*begin;		/* of the message */
	size_t		 n_pauses;
};

static void
check_new_order(const struct failure *f)
{
	struct world w;

	world_new(&w);
	fake_http_script(w.http, f->script, f->n);
	(void)new_order(&w);
	assert_int_equal(w.calls, 0);
	world_run(&w);
	if (fake_http_check(w.http) != NULL)
		fail_msg("%s: %s", f->name, fake_http_check(w.http));
	assert_int_equal(w.calls, 1);
	if (w.err.kind != f->kind ||
	    strcmp(w.err.code, f->code) != 0 ||
	    strncmp(w.err.msg, f->begin, strlen(f->begin)) != 0 ||
	    n_pauses != f->n_pauses)
		fail_msg("%s: %s %s %s (%zu pauses)", f->name,
		    err_kind_name(w.err.kind), w.err.code, w.err.msg,
		    n_pauses);
	for (size_t i = 0; i < n_pauses; i++)
		assert_int_equal(pauses_ms[i], i == 0 ? 1000 : 3000);
	world_free(&w);
}

#define BAD4 BAD_NONCE("/order", "B"), BAD_NONCE("/order", "B"), \
    BAD_NONCE("/order", "B"), BAD_NONCE("/order", "B")
#define OOPS(code, more, text) POST("/order", code, "E", more, text)

static void
test_retries(void **state)
{
	static const struct fake_exchange
	    nonces_20[] = { DIRECTORY, NONCE("A"), BAD4, BAD4, BAD4, BAD4,
		BAD4, CREATED },
	    nonces_21[] = { DIRECTORY, NONCE("A"), BAD4, BAD4, BAD4, BAD4,
		BAD4, BAD_NONCE("/order", "B") },
	    bare[] = { DIRECTORY, NONCE("A"),
		{ "POST", CA "/order", .status = 400,
		    .body = PROBLEM("badNonce") }, NONCE("C"), CREATED },
	    lost_2[] = { DIRECTORY, NONCE("A"), FAILS("/order", "http:io"),
		NONCE("B"), FAILS("/order", "http:timeout"), NONCE("C"),
		CREATED },
	    lost_3[] = { DIRECTORY, NONCE("A"), FAILS("/order", "http:io"),
		NONCE("B"), FAILS("/order", "http:io"), NONCE("C"),
		FAILS("/order", "http:timeout") },
	    bad_gateway[] = { DIRECTORY, NONCE("A"), OOPS(502, "", "<html>"),
		CREATED },
	    internal[] = { DIRECTORY, NONCE("A"),
		OOPS(500, "", PROBLEM("serverInternal")),
		OOPS(500, "", PROBLEM("serverInternal")),
		OOPS(500, "", PROBLEM("serverInternal")) },
	    otherwise[] = { DIRECTORY, NONCE("A"),
		OOPS(500, "", PROBLEM("malformed")) },
	    too_large[] = { DIRECTORY, NONCE("A"),
		FAILS("/order", "http:too-large") },
	    caa[] = { DIRECTORY, NONCE("A"), OOPS(403, "", PROBLEM("caa")) },
	    redirect[] = { DIRECTORY, NONCE("A"), OOPS(302, "", "") },
	    dir_down[] = { { "GET", CA "/dir", .failure = "http:connect" },
		{ "GET", CA "/dir", .status = 503 }, DIRECTORY, NONCE("A"),
		CREATED },
	    dir_gone[] = { { "GET", CA "/dir", .status = 404 } },
	    dir_html[] = { { "GET", CA "/dir", .status = 200,
		.body = "<html>" } },
	    no_nonce[] = { DIRECTORY, { "HEAD", CA "/nonce",
		.status = 200 }, { "GET", CA "/nonce", .status = 204 } },
	    bad_header[] = { DIRECTORY, { "HEAD", CA "/nonce", .status = 200,
		.headers = "Replay-Nonce: a b" }, { "GET", CA "/nonce",
		.status = 405 } },
	    only_get[] = { DIRECTORY, { "HEAD", CA "/nonce", .status = 405 },
		{ "GET", CA "/nonce", .status = 204,
		.headers = "Replay-Nonce: G" }, CREATED },
	    nonce_down[] = { DIRECTORY,
		{ "HEAD", CA "/nonce", .failure = "http:io" },
		{ "HEAD", CA "/nonce", .failure = "http:io" },
		{ "HEAD", CA "/nonce", .failure = "http:io" } },
	    no_location[] = { DIRECTORY, NONCE("A"),
		OOPS(201, "", ORDER("pending", "")) },
	    bad_location[] = { DIRECTORY, NONCE("A"), OOPS(201,
		"Location: http://ca.test/o/1", ORDER("pending", "")) },
	    not_json[] = { DIRECTORY, NONCE("A"), OOPS(201,
		"Location: " CA "/o/1", "{") };
#define CASE(s) #s, s, N_ELEMENTS(s)
	static const struct failure cases[] = {
		{ CASE(nonces_20), ERR_NONE, "", "", 0 },
		{ CASE(nonces_21), ERR_TRANSIENT, "acme:badNonce",
		    "new order: badNonce: because", 0 },
		{ CASE(bare), ERR_NONE, "", "", 0 },
		{ CASE(lost_2), ERR_NONE, "", "", 2 },
		{ CASE(lost_3), ERR_TRANSIENT, "http:timeout",
		    "new order: ca.test: http:timeout", 2 },
		{ CASE(bad_gateway), ERR_NONE, "", "", 1 },
		{ CASE(internal), ERR_TRANSIENT, "acme:serverInternal",
		    "new order: serverInternal: because", 2 },
		{ CASE(otherwise), ERR_REJECTED, "acme:malformed",
		    "new order: malformed: because", 0 },
		{ CASE(too_large), ERR_REJECTED, "http:too-large",
		    "new order: ", 0 },
		{ CASE(caa), ERR_REJECTED, "acme:caa",
		    "new order: caa: because", 0 },
		{ CASE(redirect), ERR_REJECTED, "acme:http-302",
		    "new order: HTTP status 302", 0 },
		{ CASE(dir_down), ERR_NONE, "", "", 2 },
		{ CASE(dir_gone), ERR_REJECTED, "acme:directory",
		    "new order: directory " CA "/dir: HTTP status 404", 0 },
		{ CASE(dir_html), ERR_REJECTED, "acme:directory",
		    "new order: directory " CA "/dir: not JSON", 0 },
		{ CASE(no_nonce), ERR_REJECTED, "acme:badReply",
		    "new order: new nonce: ", 0 },
		{ CASE(bad_header), ERR_REJECTED, "acme:http-405",
		    "new order: new nonce: ", 0 },
		{ CASE(only_get), ERR_NONE, "", "", 0 },
		{ CASE(nonce_down), ERR_TRANSIENT, "http:io",
		    "new order: new nonce: ca.test: ", 2 },
		{ CASE(no_location), ERR_REJECTED, "acme:badReply",
		    "new order: the answer has no acceptable Location", 0 },
		{ CASE(bad_location), ERR_REJECTED, "acme:badReply",
		    "new order: the answer has no acceptable Location", 0 },
		{ CASE(not_json), ERR_REJECTED, "acme:badReply",
		    "new order: not JSON", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		check_new_order(&cases[i]);
}

static void
test_retry_after(void **state)
{
	static const struct fake_exchange limited[] = {
		DIRECTORY, NONCE("A"),
		OOPS(429, "Retry-After: 3600", PROBLEM("rateLimited")),
	}, busy[] = {
		OOPS(503, "Retry-After: 60", ""),
	}, slow[] = {
		POST("/o/1", 200, "B", "Retry-After: 7",
		    ORDER("processing", "")),
	};
	struct world w;

	clock_test_set(1000000);
	world_new(&w);
	SCRIPT(&w, limited);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.err.kind, ERR_RATELIMIT);
	assert_int_equal(w.err.retry_at, 1003600);
	assert_string_equal(w.err.code, "acme:rateLimited");
	SCRIPT(&w, busy);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.err.kind, ERR_RATELIMIT);
	assert_int_equal(w.err.retry_at, 1000060);
	SCRIPT(&w, slow);
	(void)acme_order_get_start(w.acme, CA "/o/1", order_cb, &w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.order->retry_at, 1000007);
	assert_int_equal(n_pauses, 0);
	world_free(&w);
	clock_test_set(0);
}

static void
test_directory_age(void **state)
{
	static const struct fake_exchange first[] = {
		DIRECTORY, NONCE("A"), CREATED,
	}, same_day[] = {
		CREATED,
	}, next_day[] = {
		DIRECTORY, CREATED,
	};
	struct world w;

	clock_test_set(1000000);
	world_new(&w);
	SCRIPT(&w, first);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	clock_test_set(1000000 + 86399);
	SCRIPT(&w, same_day);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	clock_test_set(1000000 + 86400);
	SCRIPT(&w, next_day);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	/* A clock set back does not keep it for ever. */
	clock_test_set(1000);
	SCRIPT(&w, next_day);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 4);
	world_free(&w);
	clock_test_set(0);
}

/* What leads astray is read again by the next request, not in a day. */
static void
test_directory_astray(void **state)
{
	static const struct fake_exchange first[] = {
		DIRECTORY, NONCE("A"), POST("/order", 404, "B", "", ""),
	}, next[] = {
		DIRECTORY, CREATED,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, first);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_string_equal(w.err.code, "acme:http-404");
	SCRIPT(&w, next);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	world_free(&w);
}

/* All that wait for the directory hear of it; the next one tries again. */
static void
test_directory_fails_all(void **state)
{
	static const struct fake_exchange down[] = {
		{ "GET", CA "/dir", .status = 404 },
	}, up[] = {
		DIRECTORY, NONCE("A"), CREATED,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, down);
	for (int i = 0; i < 5; i++)
		get_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 5);
	assert_string_equal(w.err.code, "acme:directory");
	SCRIPT(&w, up);
	(void)new_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.err.kind, ERR_NONE);
	world_free(&w);
}

/* A nonce that a reply brings serves who waits; the fetched one is kept. */
static void
test_nonces_from_replies(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"),
		FOUND,
		{ "HEAD", CA "/nonce", .failure = FAKE_HANGS },
		FOUND,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	get_order(&w);
	get_order(&w);
	world_run(&w);
	assert_int_equal(w.calls, 2);
	assert_signed(&w, 4, "protected", "nonce", "\"Z\"");
	assert_null(fake_http_check(w.http));
	world_free(&w);
}

/* A nonce is asked for where the CA was not heard within the minute; the
 * order uses it.  What caches say does not count. */
static void
test_clock(void **state)
{
	static const struct fake_exchange script[] = {
		{ "GET", CA "/dir", .status = 200, .headers = "Date: 1000\n",
		    .body = "{" DIR_URLS "}" },
		{ "HEAD", CA "/nonce", .status = 200,
		    .headers = "Replay-Nonce: A\nDate: 5000\n" },
		POST("/order", 201, "B", "Location: " CA "/o/1\nAge: 9\n"
		    "Date: 4000\n", ORDER("pending", "")),
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	assert_int_equal(ca_clock_now(acme_clock(w.acme)), 0);
	(void)acme_clock_start(w.acme, plain_cb, &w);
	assert_int_equal(w.calls, 0);
	world_run(&w);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_in_range(ca_clock_now(acme_clock(w.acme)), 5000, 5030);
	(void)acme_clock_start(w.acme, plain_cb, &w);
	world_run(&w);
	assert_int_equal(w.calls, 2);
	(void)new_order(&w);
	world_run(&w);
	assert_int_equal(w.calls, 3);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_in_range(ca_clock_now(acme_clock(w.acme)), 5000, 5030);
	acme_cancel(acme_clock_start(w.acme, plain_cb, &w));
	world_run(&w);
	assert_int_equal(w.calls, 3);
	world_check(&w);
	world_free(&w);
}

/* One question to a CA that is down, with its retries, for all who wait. */
static void
test_nonce_for_all(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY,
		{ "HEAD", CA "/nonce", .failure = "http:connect" },
		{ "HEAD", CA "/nonce", .failure = "http:connect" },
		{ "HEAD", CA "/nonce", .failure = "http:connect" },
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	for (int i = 0; i < 5; i++)
		get_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 5);
	assert_string_equal(w.err.code, "http:connect");
	world_free(&w);
}

/* The first nonce tells how to ask for more. */
static void
test_nonces_by_get(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, { "HEAD", CA "/nonce", .status = 405 },
		{ "GET", CA "/nonce", .status = 204,
		    .headers = "Replay-Nonce: A" },
		FOUND,
		{ "GET", CA "/nonce", .status = 204,
		    .headers = "Replay-Nonce: B" },
		FOUND,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	get_order(&w);
	get_order(&w);
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 2);
	assert_int_equal(w.err.kind, ERR_NONE);
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_directory_age),
		cmocka_unit_test(test_directory_astray),
		cmocka_unit_test(test_directory_fails_all),
		cmocka_unit_test(test_nonces_from_replies),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_nonce_for_all),
		cmocka_unit_test(test_nonces_by_get),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
