/* SPDX-License-Identifier: MIT */
/* RFC 9773: what the CA suggests, and "replaces" in orders. */
#include "tests/unit/unit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/acme/message.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_http.h"

#define NOW 1800000000
#define CA "https://ca.test"
#define ID "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE"
#define URLS "\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA \
    "/account\",\"newOrder\":\"" CA "/order\""
#define DIRECTORY(more) { "GET", CA "/dir", .status = 200, \
    .body = "{" URLS more "}" }
#define OFFERS ",\"renewalInfo\":\"" CA "/ari\""
#define WINDOW(start, end, more) "{\"suggestedWindow\":{\"start\":\"" start \
    "\",\"end\":\"" end "\"}" more "}"
#define GOOD WINDOW("2027-01-10T00:00:00Z", "2027-01-11T00:00:00Z", "")
#define INFO(code, head, text) { "GET", CA "/ari/" ID, .status = code, \
    .headers = head, .body = text }
#define NONCE { "HEAD", CA "/nonce", .status = 200, \
    .headers = "Replay-Nonce: A" }
#define CREATED { "POST", CA "/order", .status = 201, \
    .headers = "Replay-Nonce: B\nLocation: " CA "/o/1", \
    .body = "{\"status\":\"pending\",\"identifiers\":[{\"type\":\"dns\"," \
    "\"value\":\"a.test\"}],\"authorizations\":[\"" CA "/z/1\"]," \
    "\"finalize\":\"" CA "/f/1\"}" }

/* --- the object --- */

static const struct {
	const char	*text;
	int64_t		 start, end;	/* 0: refused */
	const char	*why;		/* the explanation; NULL: "" */
} objects[] = {
	{ GOOD, 1799539200, 1799625600, NULL },
	{ WINDOW("2027-01-10T00:00:00.123456789Z", "2027-01-10T00:00:01z",
	    ",\"x\":1"), 1799539200, 1799539201, NULL },
	{ WINDOW("2027-01-10T01:30:00+01:30", "2027-01-09t23:00:00-02:00", ""),
	    1799539200, 1799542800, NULL },
	{ WINDOW("1970-01-01T00:00:01Z", "9999-12-31T23:59:59Z", ""), 1,
	    253402300799, NULL },
	{ WINDOW("2028-02-29T00:00:00Z", "2028-03-01T00:00:00Z", ""),
	    1835395200, 1835481600, NULL },
	{ WINDOW("2027-01-10T00:00:00Z", "2027-01-11T00:00:00Z",
	    ",\"explanationURL\":\"https://ca.test/why\""), 1799539200,
	    1799625600, "https://ca.test/why" },
	/* It goes to terminals and into mails. */
	{ WINDOW("2027-01-10T00:00:00Z", "2027-01-11T00:00:00Z",
	    ",\"explanationURL\":\"http://a\\u001b[31m\\nb\""), 1799539200,
	    1799625600, "http://a [31m b" },
	/* ... and people open it. */
	{ WINDOW("2027-01-10T00:00:00Z", "2027-01-11T00:00:00Z",
	    ",\"explanationURL\":\"javascript:alert(1)\""), 1799539200,
	    1799625600, NULL },
	{ WINDOW("2027-01-10T00:00:00Z", "2027-01-11T00:00:00Z",
	    ",\"explanationURL\":{}"), 1799539200, 1799625600, NULL },

	{ "", 0, 0, NULL },
	{ "[]", 0, 0, NULL },
	{ "{}", 0, 0, NULL },
	{ "<html>", 0, 0, NULL },
	{ "{\"suggestedWindow\":[]}", 0, 0, NULL },
	{ "{\"suggestedWindow\":{\"start\":1,\"end\":2}}", 0, 0, NULL },
	{ "{\"suggestedWindow\":{\"start\":\"2027-01-10T00:00:00Z\"}}", 0, 0,
	    NULL },
	/* The end is not after the start. */
	{ WINDOW("2027-01-10T00:00:00Z", "2027-01-10T00:00:00Z", ""), 0, 0,
	    NULL },
	{ WINDOW("2027-01-10T00:00:00Z", "2027-01-09T00:00:00Z", ""), 0, 0,
	    NULL },
};

static const char *const bad_times[] = {
	"", "x", "2027", "2027-01-10", "2027-01-10T00:00:00",
	"2027-01-10T00:00Z", "2027-01-10T00:00:00.Z", "2027-01-10T00:00:00ZZ",
	" 2027-01-10T00:00:00Z", "2027-01-10T00:00:00 Z",
	"2027-13-10T00:00:00Z",
	"2027-00-10T00:00:00Z", "2027-01-00T00:00:00Z", "2027-01-32T00:00:00Z",
	"2027-02-30T00:00:00Z", "2027-02-29T00:00:00Z", "2027-01-10T24:00:00Z",
	"2027-01-10T00:60:00Z", "2027-01-10T00:00:61Z", "+027-01-10T00:00:00Z",
	"2027-1-10T00:00:00Z", "2027-01-10T00:00:00+1:00",
	"2027-01-10T00:00:00+0100", "2027-01-10T00:00:00+24:00",
	"2027-01-10T00:00:00+01:60", "1969-12-31T23:59:59Z",
	"1970-01-01T00:00:00+01:00", "10000-01-01T00:00:00Z",
	"-2027-01-10T00:00:00Z", "2027-01-10T00:00:00.1234567890123456789Z",
	"99999999999999999999-01-10T00:00:00Z",
};

static void
test_objects(void **state)
{
	struct acme_renewal_info info;
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(objects); i++) {
		const char *why = objects[i].why;
		int rc = message_renewal_info(objects[i].text,
		    strlen(objects[i].text), &info, &err);

		if (rc != (objects[i].end == 0 ? -1 : 0))
			fail_msg("%s: %d", objects[i].text, rc);
		if (rc == -1) {
			assert_string_equal(err.code, "acme:badReply");
			continue;
		}
		assert_int_equal(info.start, objects[i].start);
		assert_int_equal(info.end, objects[i].end);
		assert_string_equal(info.explanation, why != NULL ? why : "");
	}
}

static void
test_times(void **state)
{
	struct acme_renewal_info info;
	struct error err;
	char text[256];

	for (size_t i = 0; i < N_ELEMENTS(bad_times); i++) {
		for (int as_end = 0; as_end < 2; as_end++) {
			(void)text_printf(text, sizeof(text),
			    WINDOW("%s", "%s", ""), as_end ?
			    "1970-01-01T00:00:01Z" : bad_times[i], as_end ?
			    bad_times[i] : "9999-12-31T00:00:00Z");
			if (message_renewal_info(text, strlen(text), &info,
			    &err) == 0)
				fail_msg("%s", text);
			assert_string_equal(err.code, "acme:badReply");
		}
	}
}

/* --- the request --- */

struct world {
	struct loop	*loop;
	struct http	*http;
	struct acme	*acme;
	int		 calls;
	struct error	 err;
	struct acme_renewal_info info;
};

static void
info_cb(const struct error *err, const struct acme_renewal_info *info,
    void *arg)
{
	struct world *w = arg;

	w->calls++;
	if (err != NULL)
		w->err = *err;
	else
		w->info = *info;
}

static void
order_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	struct world *w = arg;

	w->calls++;
	if (err != NULL)
		w->err = *err;
}

static void
world_new(struct world *w, const char *kid)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	struct acme_args args = { .directory = CA "/dir", .key = key,
	    .kid = kid };

	memset(w, 0, sizeof(*w));
	clock_test_set(NOW);
	w->loop = loop_new();
	w->http = http_new(w->loop, "test");
	w->acme = acme_new(w->loop, w->http, &args);
	EVP_PKEY_free(key);
}

static void
world_free(struct world *w)
{
	const char *problem = fake_http_check(w->http);

	if (problem != NULL)
		fail_msg("%s", problem);
	acme_free(w->acme);
	http_free(w->http);
	loop_free(w->loop);
	clock_test_set(0);
}

static void
run(struct world *w, int calls)
{
	for (int i = 0; i < 200 && w->calls < calls; i++)
		loop_turn(w->loop);
	assert_int_equal(w->calls, calls);
}

static const struct {
	struct fake_exchange script[2];
	size_t		 n;
	const char	*code;		/* NULL: success, and: */
	int64_t		 again_s;
} answers[] = {
	{ { DIRECTORY(OFFERS), INFO(200, NULL, GOOD) }, 2, NULL, 21600 },
	{ { DIRECTORY(OFFERS), INFO(200, "Retry-After: 7200", GOOD) }, 2, NULL,
	    7200 },
	{ { DIRECTORY(OFFERS), INFO(200, "Retry-After: 0", GOOD) }, 2, NULL,
	    60 },
	{ { DIRECTORY(OFFERS), INFO(200, "Retry-After: 999999999", GOOD) }, 2,
	    NULL, 86400 },
	/* A base that ends with a slash. */
	{ { DIRECTORY(",\"renewalInfo\":\"" CA "/ari/\""),
	    INFO(200, NULL, GOOD) }, 2, NULL, 21600 },
	{ { DIRECTORY(OFFERS), INFO(200, NULL, "{}") }, 2, "acme:badReply",
	    0 },
	{ { DIRECTORY(OFFERS), INFO(404, NULL, "") }, 2, "acme:http-404", 0 },
	{ { DIRECTORY(OFFERS), INFO(404, NULL,
	    "{\"type\":\"urn:ietf:params:acme:error:malformed\"}") }, 2,
	    "acme:malformed", 0 },
	{ { DIRECTORY(OFFERS), INFO(429, "Retry-After: 100", "") }, 2,
	    "acme:http-429", 0 },
	/* Not offered, or nothing that could be called. */
	{ { DIRECTORY("") }, 1, "acme:no-renewal-info", 0 },
	{ { DIRECTORY(",\"renewalInfo\":1") }, 1, "acme:no-renewal-info", 0 },
	{ { DIRECTORY(",\"renewalInfo\":\"http://ca.test/ari\"") }, 1,
	    "acme:no-renewal-info", 0 },
};

static void
test_answers(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(answers); i++) {
		struct world w;

		world_new(&w, NULL);	/* no account is needed */
		fake_http_script(w.http, answers[i].script, answers[i].n);
		(void)acme_renewal_info_start(w.acme, ID, info_cb, &w);
		assert_int_equal(w.calls, 0);
		run(&w, 1);
		if (strcmp(w.err.code, answers[i].code != NULL ?
		    answers[i].code : "") != 0)
			fail_msg("case %zu: %s", i, w.err.code);
		if (answers[i].code == NULL) {
			assert_int_equal(w.info.start, 1799539200);
			assert_int_equal(w.info.retry_at, NOW +
			    answers[i].again_s);
			assert_string_equal(fake_http_sent(w.http,
			    1)->body, "");
		}
		assert_int_equal(acme_requests(w.acme), answers[i].n);
		world_free(&w);
	}
}

/* The directory is fetched once for all. */
static void
test_shared_directory(void **state)
{
	static const struct fake_exchange script[] = { DIRECTORY(OFFERS),
	    INFO(200, NULL, GOOD), INFO(200, NULL, GOOD) };
	struct world w;

	world_new(&w, NULL);
	fake_http_script(w.http, script, N_ELEMENTS(script));
	(void)acme_renewal_info_start(w.acme, ID, info_cb, &w);
	run(&w, 1);
	(void)acme_renewal_info_start(w.acme, ID, info_cb, &w);
	run(&w, 2);
	world_free(&w);
}

static void
test_cancel(void **state)
{
	static const struct fake_exchange hangs[] = { DIRECTORY(OFFERS),
	    { "GET", CA "/ari/" ID, .failure = FAKE_HANGS } };
	struct world w;

	for (int turns = 0; turns < 20; turns += 5) {
		struct acme_op *op;

		world_new(&w, NULL);
		fake_http_script(w.http, hangs, turns == 0 ? 0 : 2);
		op = acme_renewal_info_start(w.acme, ID, info_cb, &w);
		for (int i = 0; i < turns; i++)
			loop_turn(w.loop);
		acme_cancel(op);
		assert_int_equal(w.calls, 0);
		if (turns > 0)
			loop_turn(w.loop);
		assert_int_equal(w.calls, 0);
		world_free(&w);
	}
}

/* Only a CA that offers renewalInfo is told what an order replaces. */
static void
test_replaces(void **state)
{
	static const struct fake_exchange
	    with[] = { DIRECTORY(OFFERS), NONCE, CREATED },
	    without[] = { DIRECTORY(""), NONCE, CREATED };
	const char *const names[] = { "a.test" };

	for (int i = 0; i < 4; i++) {
		bool offers = (i & 1) != 0, asked = (i & 2) != 0;
		const char *body, *payload;
		unsigned char *text;
		char b64[1024];
		struct world w;
		size_t len;

		world_new(&w, CA "/acct/1");
		fake_http_script(w.http, offers ? with : without, 3);
		(void)acme_order_new_start(w.acme, &(struct acme_order_args){
		    .names = names, .n_names = 1,
		    .replaces = asked ? ID : NULL }, order_cb, &w);
		run(&w, 1);
		assert_string_equal(w.err.code, "");
		body = fake_http_sent(w.http, 2)->body;
		payload = strstr(body, "\"payload\":\"");
		assert_non_null(payload);
		payload += strlen("\"payload\":\"");
		(void)text_printf(b64, sizeof(b64), "%.*s",
		    (int)strcspn(payload, "\""), payload);
		assert_int_equal(text_b64url_decode(b64, &text, &len), 0);
		assert_int_equal(strstr((char *)text, "\"replaces\":\"" ID
		    "\"") != NULL, offers && asked);
		assert_int_equal(strstr((char *)text, "replaces") != NULL,
		    offers && asked);
		assert_non_null(strstr((char *)text, "a.test"));
		free(text);
		world_free(&w);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_objects),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_shared_directory),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_replaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
