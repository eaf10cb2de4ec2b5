/* SPDX-License-Identifier: MIT */
/* Two-factor logins of INWX: one TAN in 30 seconds, each good once. */
#include "daemon/rest/preq.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/provider_values.h"
#include "daemon/io/http_priv.h"
#include "daemon/rest/preq_run.h"
#include "providers/provider.h"

extern const struct provider provider_inwx;

/* base32 of "12345678901234567890", the secret of RFC 6238's tests */
static const char *const secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

static struct provider_call call;
static struct provider_values *values;

static int
setup(void **state)
{
	static const char *const options[] = { "username", "password",
	    "shared_secret" };
	const char *texts[] = { "user", "pass", secret };
	struct error err;

	values = provider_values_new(&provider_inwx);
	for (int i = 0; i < 3; i++) {
		assert_string_equal(provider_inwx.opts[i].name, options[i]);
		assert_int_equal(provider_values_set(values, i, &texts[i], 1,
		    &err), 0);
	}
	call = (struct provider_call){ .values = values,
	    .priv = xcalloc(1, provider_inwx.priv_size),
	    .keep = xcalloc(1, provider_inwx.keep_size) };
	return 0;
}

static int
teardown(void **state)
{
	free(call.priv);
	free(call.keep);
	provider_values_free(values);
	clock_test_set(0);
	return 0;
}

/* The answer to a login that is to be unlocked. */
static enum rest_next
log_in(struct error *err)
{
	static const char cookie[] = "Set-Cookie: domrobot=abc; path=/";
	struct http_headers headers = { 0 };
	struct http_reply http = { .status = 200, .headers = &headers };
	struct rest_answer a = { .status = 200, .http = &http };
	json_t *json = json_pack("{s:i, s:{s:s}}", "code", 1000, "resData",
	    "tfa", "GOOGLE-AUTH");
	enum rest_next next;

	a.json = json;
	assert_true(http_headers_add(&headers, cookie, strlen(cookie)));
	next = provider_inwx.add[0].reply(&call, &a, err);
	http_headers_clear(&headers);
	json_decref(json);
	return next;
}

/* What the unlocking step sends, and how long it waits before. */
static unsigned
unlock(const char *tan)
{
	struct preq *rq = preq_new(provider_inwx.base_url, false);
	unsigned wait_ms;
	struct error err;
	char want[100];
	size_t len;

	assert_int_equal(provider_inwx.add[1].request(&call, rq, &err), 0);
	if (tan == NULL) {
		assert_false(preq_is_started(rq));
		preq_free(rq);
		return 0;
	}
	(void)text_printf(want, sizeof(want), "{\"method\":\"account.unlock\","
	    "\"params\":{\"tan\":\"%s\"}}", tan);
	assert_string_equal(preq_get_body(rq, &len), want);
	assert_int_equal(provider_inwx.prepare(&call, rq, &err), 0);
	assert_string_equal(preq_get_header(rq, "Cookie"), "domrobot=abc");
	wait_ms = preq_get_wait(rq);
	preq_free(rq);
	return wait_ms;
}

static enum rest_next
answer(int code, bool is_refusal)
{
	json_t *json = json_pack("{s:i}", "code", code);
	struct rest_answer a = { .status = 200, .json = json };
	const struct provider_step *s = &provider_inwx.add[1];
	enum rest_next next;
	struct error err;

	next = is_refusal ? s->refused(&call, &a, &err) :
	    s->reply(&call, &a, &err);
	json_decref(json);
	return next;
}

static void
test_tans(void **state)
{
	struct error err;

	clock_test_set(59);
	assert_int_equal(log_in(&err), REST_NEXT);
	assert_int_equal(unlock("287082"), 0);
	/* Used by somebody else: the next one, once, when it is its time. */
	assert_int_equal(answer(2200, true), REST_AGAIN);
	assert_in_range(unlock("359152"), 1001, 2000);
	assert_int_equal(answer(2200, true), REST_FAIL);
}

/* The next call is told that nobody is logged in. */
static enum rest_next
end_session(void)
{
	json_t *json = json_pack("{s:i}", "code", 2200);
	struct rest_answer a = { .status = 200, .json = json };
	enum rest_next next;
	struct error err;

	memset(call.priv, 0, provider_inwx.priv_size);
	next = provider_inwx.add[3].refused(&call, &a, &err);
	json_decref(json);
	return next;
}

static void
test_two_logins(void **state)
{
	struct error err;

	clock_test_set(59);
	assert_int_equal(log_in(&err), REST_NEXT);
	assert_int_equal(unlock("287082"), 0);
	assert_int_equal(answer(1000, false), REST_NEXT);
	assert_int_equal(unlock(NULL), 0);	/* nothing to do */
	/* The session ended: what was used is not used again. */
	assert_int_equal(end_session(), REST_REPEAT);
	assert_int_equal(log_in(&err), REST_NEXT);
	assert_in_range(unlock("359152"), 1001, 2000);
}

static void
test_no_secret(void **state)
{
	struct provider_values *none = provider_values_new(&provider_inwx);
	struct error err;

	call.values = none;
	assert_int_equal(log_in(&err), REST_FAIL);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_non_null(strstr(err.msg, "shared_secret"));
	call.values = values;
	provider_values_free(none);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_tans), T(test_two_logins), T(test_no_secret),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
