/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/io/http.h"
#include "daemon/rest/scheme_oauth.h"
#include "providers/provider.h"

#define NOW 1800000000

static struct rest_answer
answer(int status, const char *text)
{
	static const struct http_reply no_headers;

	return (struct rest_answer){ .status = status, .body = text,
	    .json = json_loads(text, 0, NULL), .http = &no_headers };
}

static void
answer_clear(struct rest_answer *a)
{
	json_decref((json_t *)(uintptr_t)a->json);
}

static void
test_life(void **state)
{
	static const struct {
		const char *text;
		int good_for;		/* seconds */
	} cases[] = {
		{ "{\"access_token\":\"t\",\"expires_in\":3599}", 3299 },
		{ "{\"access_token\":\"t\",\"expires_in\":\"3599\"}", 3299 },
		{ "{\"access_token\":\"t\"}", 3300 },
		{ "{\"access_token\":\"t\",\"expires_in\":99999999}", 86100 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct rest_answer a = answer(200, cases[i].text);
		struct oauth o = { .until = 0 };
		struct oauth_use use = { false, false };
		struct error err;

		clock_test_set(NOW);
		assert_false(oauth_is_fresh(&o, &use));
		assert_int_equal(oauth_read(&o, &use, &a, &err), 0);
		assert_true(use.has_token && !use.is_old);
		clock_test_set(NOW + cases[i].good_for - 1);
		assert_true(oauth_is_fresh(&o, &use));
		assert_true(use.has_token && use.is_old);
		clock_test_set(NOW + cases[i].good_for);
		assert_false(oauth_is_fresh(&o, &use));
		assert_false(use.has_token);
		answer_clear(&a);
	}
	clock_test_set(0);
}

/* What lives shortly serves the call that fetched it, and no other. */
static void
test_short_life(void **state)
{
	struct rest_answer a = answer(200,
	    "{\"access_token\":\"t\",\"expires_in\":-7}");
	struct oauth o = { .until = 0 };
	struct oauth_use use = { false, false };
	struct error err;

	assert_int_equal(oauth_read(&o, &use, &a, &err), 0);
	assert_true(use.has_token);
	assert_false(oauth_is_fresh(&o, &use));
	answer_clear(&a);
}

static void
test_no_token(void **state)
{
	struct oauth o = { .until = 0 };
	struct oauth_use use = { false, false };
	char *token = xcalloc(1, sizeof(o.token) + 1), *text;
	struct error err;

	memset(token, 'x', sizeof(o.token));
	text = xasprintf("{\"access_token\":\"%s\"}", token);
	const char *const bad[] = { "{}", "[]", "{\"access_token\":\"\"}",
	    "{\"access_token\":1}", text };

	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		struct rest_answer a = answer(200, bad[i]);

		assert_int_equal(oauth_read(&o, &use, &a, &err), -1);
		assert_int_equal(err.kind, ERR_TRANSIENT);
		assert_false(use.has_token);
		assert_false(oauth_is_fresh(&o, &use));
		answer_clear(&a);
	}
	free(text);
	free(token);
}

static void
test_refused(void **state)
{
	static const char invalid[] = "{\"error\":\"invalid_grant\","
	    "\"error_description\":\"Invalid JWT Signature.\"}";
	static const struct {
		bool has_token, is_old;
		int status;
		const char *text;
		enum err_kind before, after;
		bool is_forgotten;
	} cases[] = {
		/* By the API: an old token has one more chance. */
		{ true, true, 401, "{}", ERR_CONFIG, ERR_TRANSIENT, true },
		{ true, false, 401, "{}", ERR_CONFIG, ERR_CONFIG, false },
		{ true, true, 403, "{}", ERR_CONFIG, ERR_CONFIG, false },
		/* By the token service. */
		{ false, false, 400, invalid, ERR_REJECTED, ERR_CONFIG,
		    false },
		{ false, false, 429, invalid, ERR_RATELIMIT, ERR_RATELIMIT,
		    false },
		{ false, false, 503, invalid, ERR_TRANSIENT, ERR_TRANSIENT,
		    false },
		{ false, false, 400, "{}", ERR_REJECTED, ERR_REJECTED,
		    false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct rest_answer a = answer(cases[i].status,
		    cases[i].text);
		struct oauth o = { .token = "t", .until = clock_now() + 99 };
		struct oauth_use use = { cases[i].has_token,
		    cases[i].is_old };
		struct error err;

		(void)error_set(&err, cases[i].before, "x", "words");
		oauth_failed(&o, &use, &a, &err);
		assert_int_equal(err.kind, cases[i].after);
		assert_int_equal(o.until == 0, cases[i].is_forgotten);
		if (cases[i].after != cases[i].before && !use.has_token)
			assert_string_equal(err.msg,
			    "HTTP 400: invalid_grant: Invalid JWT Signature.");
		answer_clear(&a);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_short_life),
		cmocka_unit_test(test_no_token),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
