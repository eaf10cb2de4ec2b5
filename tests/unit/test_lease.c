/* SPDX-License-Identifier: MIT */
/* Credentials that end: fetched once for all, and again in time. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/config/provider_values.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "daemon/rest/lease.h"
#include "daemon/rest/rest.h"
#include "providers/credentials.h"
#include "providers/keyless.h"
#include "tests/fake/fake_http.h"
#include "tests/fake/fake_time.h"

#define ROLE "http://192.0.2.1/role"
#define STS "https://sts.test/assume"
#define START ((time_t)1767323045)	/* 2026-01-02T03:04:05Z */

enum { KEY, TOKEN = 3 };		/* the last has no option */

static const struct provider_opt opts[] = {
	[KEY] = { .name = "key", .help = "a key", .secret = true },
	{ .name = NULL }
};

static int
ask_role(void *user, struct preq *rq, struct error *err)
{
	preq_start(rq, "GET", ROLE);
	return 0;
}

static enum rest_next
role_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct keyless_call *c = user;

	keyless_keep(c, 0, a->body);
	return REST_NEXT;
}

static int
ask_sts(void *user, struct preq *rq, struct error *err)
{
	const struct keyless_call *c = user;

	preq_start(rq, "GET", STS);
	preq_secret_header(rq, "X-Role", c->memo[0]);
	preq_secret_header(rq, "X-Key", provider_given(c->values, KEY));
	return 0;
}

static enum rest_next
sts_told(void *user, const struct rest_answer *a, struct error *err)
{
	struct keyless_call *c = user;

	c->until = jsonx_number(a->json, "epoch", 0);
	if (c->until == 0 && keyless_until(c, jsonx_str(a->json, "end"),
	    err) == -1)
		return REST_FAIL;
	keyless_put(c, KEY, jsonx_str(a->json, "key"));
	if (!jsonx_bool(a->json, "bare", false))
		keyless_put(c, TOKEN, jsonx_str(a->json, "key"));
	return REST_DONE;
}

static const struct rest_step local[] = {
	{ .name = "role", .request = ask_role, .reply = role_told },
	{ .name = NULL }
};
static const struct rest_step steps[] = {
	{ .name = "assume", .request = ask_sts, .reply = sts_told },
	{ .name = NULL }
};
static const struct keyless keyless = { .local = local, .steps = steps };

static const struct keyless *
find_keyless(const struct provider_values *values)
{
	const char *key = provider_given(values, KEY);

	return key != NULL && strcmp(key, "static") == 0 ? NULL : &keyless;
}

static const struct credentials_type type = { .name = "lab", .opts = opts,
    .keyless = find_keyless };

/* --- two sections of the same hash, as before and after a reload --- */

static struct {
	struct loop	*loop;
	struct http	*http;
	struct leases	*leases;
	char		 name[8];
	struct conf_credentials conf[2];
} f;

struct user {
	struct lease	*lease;
	int		 calls;
	struct error	 err;
};

static int
begin(void **state)
{
	const char *key = "given";
	struct error err;

	fake_time_start(START);
	f.loop = loop_new();
	f.http = http_new(f.loop, "test");
	f.leases = leases_new(f.loop, f.http);
	(void)text_printf(f.name, sizeof(f.name), "ali");
	for (int i = 0; i < 2; i++) {
		f.conf[i] = (struct conf_credentials){ .name = f.name,
		    .type = &type, .values = provider_values_of(opts, NULL),
		    .hash = 7 };
		assert_int_equal(provider_values_set(f.conf[i].values, KEY,
		    &key, 1, &err), 0);
	}
	return 0;
}

static int
end(void **state)
{
	assert_null(fake_http_check(f.http));
	leases_free(f.leases);
	http_free(f.http);
	loop_free(f.loop);
	for (int i = 0; i < 2; i++)
		provider_values_free(f.conf[i].values);
	return 0;
}

static void
ready_cb(const struct error *err, void *arg)
{
	struct user *u = arg;

	u->calls++;
	u->err = err != NULL ? *err : (struct error){ .kind = ERR_NONE };
}

static void
take(struct user *u, int conf)
{
	u->calls = 0;
	u->lease = lease_take(f.leases, &f.conf[conf], NULL, ready_cb, u);
	assert_int_equal(u->calls, 0);
}

static void
expect_ready(const struct user *u, const char *key, int conf)
{
	assert_int_equal(u->calls, 1);
	assert_string_equal(u->err.kind == ERR_NONE ? "" : u->err.msg, "");
	assert_string_equal(provider_str(f.conf[conf].values, KEY), key);
}

#define FETCH(key, end) \
	{ "GET", ROLE, .status = 200, .body = "acmed" }, \
	{ "GET", STS, .status = 200, .body = "{\"key\":\"" key \
	    "\",\"end\":\"2026-01-02T" end "Z\"}" }

/* One fetch for all who ask, and none for who asks later. */
static void
test_shared(void **state)
{
	static const struct fake_exchange script[] = {
	    FETCH("one", "04:04:05"), FETCH("two", "05:04:05") };
	struct user a, b, c;

	fake_http_script(f.http, script, 2);
	take(&a, 0);
	take(&b, 0);
	fake_time_pass(SECOND);
	expect_ready(&a, "one", 0);
	expect_ready(&b, "one", 0);
	assert_string_equal(provider_fetched(f.conf[0].values, TOKEN), "one");
	assert_string_equal(provider_given(f.conf[0].values, KEY), "given");
	assert_string_equal(fake_http_sent(f.http, 1)->headers, "X-Role: "
	    "acmed\nX-Key: given\n");
	lease_give(a.lease);
	lease_give(b.lease);
	/* Nobody uses them: they are not renewed until somebody does. */
	fake_time_pass(54 * MINUTE);
	take(&c, 1);
	fake_time_pass(SECOND);
	expect_ready(&c, "one", 1);
	lease_give(c.lease);
	assert_null(fake_http_check(f.http));
	fake_http_script(f.http, script + 2, 2);
	fake_time_pass(MINUTE);
	take(&c, 0);
	fake_time_pass(SECOND);
	expect_ready(&c, "two", 0);
	lease_give(c.lease);
}

/* Who holds them for long gets the next ones, once they are there. */
static void
test_renewed(void **state)
{
	static const struct fake_exchange first[] = {
	    FETCH("one", "04:04:05") };
	static const struct fake_exchange next[] = {
	    FETCH("one", "04:04:05"),		/* nothing new yet */
	    { "GET", ROLE, .failure = "http:timeout" },
	    FETCH("two", "05:04:05") };
	struct user a;

	fake_http_script(f.http, first, 2);
	take(&a, 0);
	fake_time_pass(54 * MINUTE);
	expect_ready(&a, "one", 0);
	assert_null(fake_http_check(f.http));
	fake_http_script(f.http, next, 5);
	fake_time_pass(4 * MINUTE);
	assert_string_equal(provider_str(f.conf[0].values, KEY), "one");
	fake_time_pass(MINUTE);
	expect_ready(&a, "two", 0);
	lease_give(a.lease);
	assert_int_equal(fake_time_timers(), 0);
}

/* A renewal that fails harms nobody before the end. */
static void
test_failed(void **state)
{
	static const struct fake_exchange script[] = {
	    { "GET", ROLE, .status = 404, .body = "no role" },
	    { "GET", ROLE, .status = 200, .body = "the-token" },
	    { "GET", STS, .status = 400, .body = "the-token is not it" },
	    { "GET", ROLE, .status = 200, .body = "a=1&b=0123456789abcdef" },
	    { "GET", STS, .status = 400, .body = "0123456789abcdef: no" },
	    FETCH("one", "03:14:05"),
	    { "GET", ROLE, .failure = "http:connect" },
	    { "GET", ROLE, .failure = "http:connect" },
	    FETCH("two", "03:14:00"), };
	struct user a;

	fake_http_script(f.http, script, N_ELEMENTS(script));
	take(&a, 0);
	fake_time_pass(SECOND);
	assert_int_equal(a.err.kind, ERR_REJECTED);
	assert_string_equal(a.err.msg, "credentials \"ali\": role: HTTP 404: "
	    "no role");
	lease_give(a.lease);
	take(&a, 0);
	fake_time_pass(SECOND);
	assert_string_equal(a.err.msg, "credentials \"ali\": assume: HTTP "
	    "400: *** is not it");
	lease_give(a.lease);
	take(&a, 0);
	fake_time_pass(SECOND);
	assert_string_equal(a.err.msg, "credentials \"ali\": assume: HTTP "
	    "400: ***: no");
	lease_give(a.lease);
	take(&a, 0);
	fake_time_pass(SECOND);
	expect_ready(&a, "one", 0);
	lease_give(a.lease);
	fake_time_pass(6 * MINUTE);
	take(&a, 1);
	fake_time_pass(SECOND);
	expect_ready(&a, "one", 1);		/* still good, and doubtful */
	assert_true(lease_doubt(a.lease));
	lease_give(a.lease);
	fake_time_pass(5 * MINUTE);
	take(&a, 0);
	fake_time_pass(SECOND);
	assert_int_equal(a.err.kind, ERR_TRANSIENT);
	lease_give(a.lease);
	take(&a, 0);
	fake_time_pass(SECOND);
	assert_non_null(strstr(a.err.msg, "ended at 2026-01-02T03:14:00Z"));
	lease_give(a.lease);
}

/* Whatever was free is not what it was. */
static void
scribble(void)
{
	static void *all[4096 / 16];

	for (size_t i = 0; i < N_ELEMENTS(all); i++) {
		all[i] = malloc(16 * (i + 1));
		assert_non_null(all[i]);
		memset(all[i], 'x', 16 * (i + 1));
	}
	for (size_t i = 0; i < N_ELEMENTS(all); i++)
		free(all[i]);
}

static void
give_cb(const struct error *err, void *arg)
{
	struct user *u = arg;

	lease_give(u->lease);
	scribble();
	ready_cb(err, arg);
}

/* Who is told gives it back, and then reads what it was told. */
static void
test_given_when_told(void **state)
{
	static const struct fake_exchange script[] = {
	    { "GET", ROLE, .status = 404, .body = "no role" } };
	struct user a = { .calls = 0 };

	fake_http_script(f.http, script, 1);
	a.lease = lease_take(f.leases, &f.conf[0], NULL, give_cb, &a);
	fake_time_pass(SECOND);
	assert_int_equal(a.err.kind, ERR_REJECTED);
	assert_string_equal(a.err.msg, "credentials \"ali\": role: HTTP 404: "
	    "no role");
}

/* Refused before their end: once more with new ones, and only once. */
static void
test_doubt(void **state)
{
	static const struct fake_exchange script[] = {
	    FETCH("one", "04:04:05"), FETCH("two", "05:04:05") };
	struct user a, b, c;

	fake_http_script(f.http, script, 4);
	take(&a, 0);
	fake_time_pass(SECOND);
	assert_false(lease_doubt(a.lease));	/* it was fetched for this */
	lease_give(a.lease);
	take(&a, 0);
	take(&b, 0);
	fake_time_pass(SECOND);
	assert_true(lease_doubt(a.lease));
	lease_give(a.lease);
	take(&a, 0);
	fake_time_pass(SECOND);
	expect_ready(&a, "two", 0);
	assert_false(lease_doubt(a.lease));
	/* Who was refused with the old ones does not fetch a third time. */
	assert_true(lease_doubt(b.lease));
	take(&c, 0);
	fake_time_pass(SECOND);
	expect_ready(&c, "two", 0);
	lease_give(a.lease);
	lease_give(b.lease);
	lease_give(c.lease);
	assert_false(lease_doubt(NULL));
}

/* A set is whole: nothing of the one before stays in it.  And its end is not
 * believed where no clock could wait for it. */
static void
test_sets(void **state)
{
	static const struct fake_exchange script[] = {
	    FETCH("one", "04:04:05"),
	    { "GET", ROLE, .status = 200, .body = "acmed" },
	    { "GET", STS, .status = 200, .body = "{\"key\":\"two\","
	        "\"bare\":true,\"epoch\":9223372036854775807}" } };
	static const struct fake_exchange next[] = {
	    { "GET", ROLE, .status = 200, .body = "acmed" },
	    { "GET", STS, .status = 200, .body = "{\"key\":\"three\","
	        "\"end\":\"2026-01-04T04:04:05Z\"}" } };
	struct user a;

	fake_http_script(f.http, script, 4);
	take(&a, 0);
	fake_time_pass(55 * MINUTE + SECOND);
	expect_ready(&a, "two", 0);
	assert_null(provider_fetched(f.conf[0].values, TOKEN));
	assert_null(fake_http_check(f.http));
	fake_http_script(f.http, next, 2);
	fake_time_pass(23 * 60 * MINUTE);
	assert_string_equal(provider_str(f.conf[0].values, KEY), "two");
	fake_time_pass(60 * MINUTE);
	assert_string_equal(provider_str(f.conf[0].values, KEY), "three");
	lease_give(a.lease);
}

/* Who goes takes its fetch along, if it was in its name; others wait on. */
static void
test_given(void **state)
{
	static const struct fake_exchange hangs[] = {
	    { "GET", ROLE, .failure = FAKE_HANGS } };
	static const struct fake_exchange script[] = {
	    FETCH("one", "04:04:05") };
	struct user a, b;

	fake_http_script(f.http, hangs, 1);
	take(&a, 0);
	take(&b, 1);
	fake_time_pass(SECOND);
	assert_int_equal(fake_http_in_flight(f.http), 1);
	fake_http_script(f.http, script, 2);
	lease_give(a.lease);
	assert_int_equal(fake_http_in_flight(f.http), 0);
	fake_time_pass(SECOND);
	expect_ready(&b, "one", 1);
	lease_give(b.lease);
	take(&a, 0);
	lease_give(a.lease);			/* before it was told */
	fake_time_pass(SECOND);
	assert_int_equal(a.calls, 0);
}

/* Nothing is fetched for keys of the configuration. */
static void
test_static(void **state)
{
	const char *key = "static";
	struct error err;
	struct user a;

	assert_int_equal(provider_values_set(f.conf[0].values, KEY, &key, 1,
	    &err), 0);
	take(&a, 0);
	fake_time_pass(0);
	expect_ready(&a, "static", 0);
	lease_give(a.lease);
	a.calls = 0;
	a.lease = lease_take(f.leases, NULL, NULL, ready_cb, &a);
	fake_time_pass(0);
	assert_int_equal(a.calls, 1);
	lease_give(a.lease);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_shared, begin, end),
		cmocka_unit_test_setup_teardown(test_renewed, begin, end),
		cmocka_unit_test_setup_teardown(test_failed, begin, end),
		cmocka_unit_test_setup_teardown(test_given_when_told, begin,
		    end),
		cmocka_unit_test_setup_teardown(test_doubt, begin, end),
		cmocka_unit_test_setup_teardown(test_sets, begin, end),
		cmocka_unit_test_setup_teardown(test_given, begin, end),
		cmocka_unit_test_setup_teardown(test_static, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
