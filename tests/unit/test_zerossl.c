/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/accounts/zerossl.h"
#include "daemon/config/conf.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_http.h"

#define URL "https://api.zerossl.com/acme/eab-credentials-email"
#define KEY "c2VjcmV0LWtleQ"

static char web[] = "https://b.example", mail[] = "mailto:a+b@c.example";
static char *contact[] = { web, mail, NULL };
static char *nobody[] = { web, NULL };

static struct {
	int		 calls;
	struct error	 err;
	char		 kid[300], key[300];
} seen;

static void
done_cb(const struct error *err, const char *kid, const char *key, void *arg)
{
	seen.calls++;
	seen.err = err != NULL ? *err : (struct error){ .code = "" };
	(void)text_printf(seen.kid, sizeof(seen.kid), "%s", err == NULL ?
	    kid : "");
	(void)text_printf(seen.key, sizeof(seen.key), "%s", err == NULL ?
	    key : "");
}

static void
test_mail(void **state)
{
	assert_string_equal(zerossl_mail(&(struct conf_account){
	    .contact = contact }), "a+b@c.example");
	assert_null(zerossl_mail(&(struct conf_account){
	    .contact = nobody }));
}

/* What it gives, what it refuses, and what nobody should believe; the key is
 * in no message. */
static void
test_answers(void **state)
{
	static const struct {
		int		 status;
		const char	*body, *code, *text;
	} cases[] = {
		{ 200, "{\"success\":true,\"eab_kid\":\"k-1\","
		    "\"eab_hmac_key\":\"" KEY "\",\"more\":1}", "", "" },
		{ 200, "{\"success\":false,\"error\":{\"code\":2,\"type\":"
		    "\"invalid\\u001b[31m\"}}", "zerossl:eab",
		    "for a+b@c.example (HTTP status 200: invalid [31m); set "
		    "eab_kid" },
		{ 200, "{\"success\":true,\"eab_hmac_key\":\"" KEY "\"}",
		    "zerossl:eab", "no reason given" },
		{ 200, "{\"success\":true,\"eab_kid\":\"a b\","
		    "\"eab_hmac_key\":\"" KEY "\"}", "zerossl:eab", "" },
		{ 200, "{\"success\":true,\"eab_kid\":\"k\","
		    "\"eab_hmac_key\":\"" KEY "!\"}", "zerossl:eab", "" },
		{ 200, "[\"" KEY "\"]", "zerossl:eab", "" },
		{ 200, "<html>" KEY, "zerossl:eab", "" },
		{ 503, "busy", "zerossl:eab", "HTTP status 503" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		const struct fake_exchange script[] = {
			{ "POST", URL, .status = cases[i].status,
			    .body = cases[i].body },
		};
		struct loop *loop = loop_new();
		struct http *http = http_new(loop, "test");
		const struct conf_account account = { .contact = contact };

		fake_http_script(http, script, 1);
		seen.calls = 0;
		(void)zerossl_start(http, &account, done_cb, NULL);
		while (seen.calls == 0)
			loop_turn(loop);
		assert_null(fake_http_check(http));
		assert_string_equal(fake_http_sent(http, 0)->body,
		    "email=%61%2b%62%40%63%2e%65%78%61%6d%70%6c%65");
		assert_string_equal(seen.err.code, cases[i].code);
		assert_non_null(strstr(seen.err.msg, cases[i].text));
		assert_null(strstr(seen.err.msg, KEY));
		if (cases[i].code[0] == '\0') {
			assert_string_equal(seen.kid, "k-1");
			assert_string_equal(seen.key, KEY);
		} else {
			assert_int_equal(seen.err.kind, cases[i].status < 500 ?
			    ERR_REJECTED : ERR_TRANSIENT);
		}
		http_free(http);
		loop_free(loop);
	}
}

static void
test_cancel(void **state)
{
	static const struct fake_exchange hangs[] = {
		{ "POST", URL, .failure = FAKE_HANGS },
	};
	struct loop *loop = loop_new();
	struct http *http = http_new(loop, "test");
	const struct conf_account account = { .contact = contact };
	struct zerossl_op *op;

	fake_http_script(http, hangs, 1);
	seen.calls = 0;
	op = zerossl_start(http, &account, done_cb, NULL);
	loop_turn(loop);
	zerossl_cancel(op);
	zerossl_cancel(NULL);
	assert_int_equal(fake_http_in_flight(http), 0);
	assert_int_equal(seen.calls, 0);
	http_free(http);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mail),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_cancel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
