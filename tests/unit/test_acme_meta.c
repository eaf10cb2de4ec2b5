/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/error.h"
#include "daemon/acme/meta.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_http.h"

#define URL "https://ca.test/dir"
#define URLS "\"newNonce\":\"https://ca.test/n\"," \
	"\"newAccount\":\"https://ca.test/a\"," \
	"\"newOrder\":\"https://ca.test/o\""

static const struct {
	struct fake_exchange exchange;
	const char	*code;		/* NULL: success */
	const char	*identity;
} cases[] = {
	{ { "GET", URL, 200, NULL, "{" URLS "}", NULL }, NULL, NULL },
	{ { "GET", URL, 200, NULL, "{" URLS ",\"meta\":{\"caaIdentities\":"
	    "[\"ca.test\"]}}", NULL }, NULL, "ca.test" },
	{ { "GET", URL, 200, NULL, "<html>", NULL }, "acme:directory", NULL },
	{ { "GET", URL, 503, NULL, "", NULL }, "acme:http-503", NULL },
	{ { "GET", URL, 0, NULL, NULL, "http:connect" }, "http:connect",
	    NULL },
};

struct seen {
	int		 calls;
	struct error	 err;
	char		 identity[100];
	bool		 has_terms, eab;
};

static void
done(const struct error *err, const struct acme_meta *meta, void *arg)
{
	struct seen *s = arg;

	s->calls++;
	if (err != NULL) {
		s->err = *err;
		return;
	}
	s->has_terms = meta->terms != NULL;
	s->eab = meta->eab_required;
	(void)snprintf(s->identity, sizeof(s->identity), "%s",
	    meta->caa_identities[0] != NULL ? meta->caa_identities[0] : "");
}

static void
test_cases(void **state)
{
	const struct acme_meta_args a = { .directory = URL,
	    .timeout_ms = 1000 };

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct loop *loop = loop_new();
		struct http *http = http_new(loop, "test");
		struct seen s = { .calls = 0 };

		fake_http_script(http, &cases[i].exchange, 1);
		(void)acme_meta_start(http, &a, done, &s);
		assert_int_equal(s.calls, 0);
		while (s.calls == 0)
			loop_turn(loop);
		if (strcmp(s.err.code, cases[i].code == NULL ? "" :
		    cases[i].code) != 0 || strcmp(s.identity,
		    cases[i].identity == NULL ? "" : cases[i].identity) != 0)
			fail_msg("case %zu: %s \"%s\"", i, s.err.code,
			    s.identity);
		assert_true(cases[i].code == NULL || strncmp(s.err.msg,
		    "directory " URL ": ", 15 + sizeof(URL) - 5) == 0);
		assert_false(s.has_terms || s.eab);
		assert_null(fake_http_check(http));
		http_free(http);
		loop_free(loop);
	}
}

static void
test_cancel(void **state)
{
	static const struct fake_exchange hangs = { "GET", URL, 0, NULL, NULL,
	    FAKE_HANGS };
	const struct acme_meta_args a = { .directory = URL,
	    .timeout_ms = 1000 };
	struct loop *loop = loop_new();
	struct http *http = http_new(loop, "test");
	struct seen s = { .calls = 0 };

	fake_http_script(http, &hangs, 1);
	acme_meta_cancel(acme_meta_start(http, &a, done, &s));
	acme_meta_cancel(NULL);
	assert_int_equal(fake_http_in_flight(http), 0);
	assert_int_equal(s.calls, 0);
	http_free(http);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
