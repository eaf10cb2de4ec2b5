/* SPDX-License-Identifier: MIT */
/* The operations of acme.h against a scripted CA. */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/acme/ca_clock.h"
#include "daemon/io/http.h"
#include "daemon/io/loop.h"
#include "tests/fake/fake_http.h"

#define CA "https://ca.test"
#define KID CA "/acct/1"

#define DIR_URLS "\"newNonce\":\"" CA "/nonce\",\"newAccount\":\"" CA \
    "/account\",\"newOrder\":\"" CA "/order\""
#define DIRECTORY { "GET", CA "/dir", .status = 200, \
    .body = "{" DIR_URLS "}" }
#define NONCE(n) { "HEAD", CA "/nonce", .status = 200, \
    .headers = "Replay-Nonce: " n }
#define POST(path, code, nonce, more, text) { "POST", CA path, \
    .status = code, .headers = "Replay-Nonce: " nonce "\n" more, .body = text }
#define FAILS(path, code) { "POST", CA path, .failure = code }

#define PROBLEM(type) "{\"type\":\"urn:ietf:params:acme:error:" type \
    "\",\"detail\":\"because\"}"
#define BAD_NONCE(path, nonce) POST(path, 400, nonce, "", PROBLEM("badNonce"))
#define ORDER(status, more) "{\"status\":\"" status "\",\"identifiers\":" \
    "[{\"type\":\"dns\",\"value\":\"a.test\"}],\"authorizations\":[\"" CA \
    "/z/1\",\"" CA "/z/2\"],\"finalize\":\"" CA "/f/1\"" more "}"
#define AUTHZ "{\"status\":\"pending\",\"identifier\":{\"type\":\"dns\"," \
    "\"value\":\"a.test\"},\"challenges\":[{\"type\":\"dns-01\",\"url\":\"" \
    CA "/c/1\",\"status\":\"pending\",\"token\":\"tok\"}]}"
#define CERT "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"
#define CHAIN "Content-Type: application/pem-certificate-chain"

/* One test's world, and what was called back. */
struct world {
	struct loop	*loop;
	struct http	*http;
	struct acme	*acme;
	EVP_PKEY	*key;
	int		 calls;
	struct error	 err;		/* of the last call */
	char		 kid[128];
	struct acme_order *order;
	struct acme_authz *authz;
	char		 alternates[256];
	struct acme_op	*victim;	/* cancelled in the next done */
};

/* Retries would take seconds: what was asked for is noted, and shortened. */
static int64_t pauses_ms[16];
static size_t n_pauses;
static int64_t shorter = 1000;

void	__real_timer_set(struct timer *, int64_t ms);
void	__wrap_timer_set(struct timer *, int64_t ms);

void
__wrap_timer_set(struct timer *t, int64_t ms)
{
	if (ms > 0 && n_pauses < N_ELEMENTS(pauses_ms))
		pauses_ms[n_pauses++] = ms;
	__real_timer_set(t, ms / shorter);
}

static void
world_open(struct world *w, struct acme_args args)
{
	memset(w, 0, sizeof(*w));
	n_pauses = 0;
	shorter = 1000;
	w->loop = loop_new();
	w->http = http_new(w->loop, "test");
	w->key = EVP_EC_gen("P-256");
	args.key = w->key;
	if (args.directory == NULL)
		args.directory = CA "/dir";
	w->acme = acme_new(w->loop, w->http, &args);
}

static void
world_new(struct world *w)
{
	world_open(w, (struct acme_args){ .kid = KID });
}

static void
world_free(struct world *w)
{
	acme_free(w->acme);
	http_free(w->http);
	loop_free(w->loop);
	EVP_PKEY_free(w->key);
	acme_order_free(w->order);
	acme_authz_free(w->authz);
}

/* Until nothing is going on any more. */
static void
run(struct world *w)
{
	for (int i = 0; i < 300; i++)
		loop_turn(w->loop);
}

#define SCRIPT(w, s) fake_http_script((w)->http, s, N_ELEMENTS(s))

static void
check_script(struct world *w)
{
	const char *problem = fake_http_check(w->http);

	if (problem != NULL)
		fail_msg("%s", problem);
	assert_int_equal(fake_http_in_flight(w->http), 0);
}

static void
note(struct world *w, const struct error *err)
{
	struct acme_op *victim = w->victim;

	w->calls++;
	w->victim = NULL;
	memset(&w->err, 0, sizeof(w->err));
	if (err != NULL)
		w->err = *err;
	acme_cancel(victim);
}

static void
account_cb(const struct error *err, const char *kid, void *arg)
{
	struct world *w = arg;

	note(w, err);
	(void)text_printf(w->kid, sizeof(w->kid), "%s",
	    kid == NULL ? "" : kid);
}

static void
order_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	struct world *w = arg;

	note(w, err);
	acme_order_free(w->order);
	w->order = order == NULL ? NULL : acme_order_dup(order);
}

static void
authz_cb(const struct error *err, const struct acme_authz *authz, void *arg)
{
	struct world *w = arg;

	note(w, err);
	acme_authz_free(w->authz);
	w->authz = authz == NULL ? NULL : acme_authz_dup(authz);
}

static void
cert_cb(const struct error *err, const struct acme_cert *cert, void *arg)
{
	struct world *w = arg;

	note(w, err);
	w->alternates[0] = '\0';
	for (size_t i = 0; cert != NULL && cert->alternates[i] != NULL; i++) {
		strncat(w->alternates, cert->alternates[i], 100);
		strncat(w->alternates, " ", 2);
	}
	if (cert != NULL)
		assert_string_equal(cert->pem, CERT);
}

static void
plain_cb(const struct error *err, void *arg)
{
	note(arg, err);
}

static const char *const names[] = { "a.test", "*.a.test" };

static struct acme_op *
new_order(struct world *w)
{
	return acme_order_new_start(w->acme, names, 2, NULL, NULL, order_cb,
	    w);
}

/* One that takes no turn. */
static void
get_order(struct world *w)
{
	(void)acme_order_get_start(w->acme, CA "/o/1", order_cb, w);
}

/* A member of a part of the nth request as JSON text; "null" if absent. */
static char *
signed_with(struct world *w, size_t n, const char *part, const char *member)
{
	const struct fake_sent *sent = fake_http_sent(w->http, n);
	json_t *jws = json_loads(sent->body, 0, NULL), *o;
	unsigned char *raw;
	char *value;
	size_t len;

	assert_int_equal(text_b64url_decode(json_string_value(
	    json_object_get(jws, part)), &raw, &len), 0);
	o = json_loadb((char *)raw, len, 0, NULL);
	value = json_dumps(json_object_get(o, member), JSON_COMPACT |
	    JSON_ENCODE_ANY);
	free(raw);
	json_decref(o);
	json_decref(jws);
	return value == NULL ? xstrdup("null") : value;
}

#define assert_signed(w, n, part, member, want) do {			\
	char *got_ = signed_with(w, n, part, member);			\
	assert_string_equal(got_, want);				\
	free(got_);							\
} while (0)

/* What a run asks of the CA, in the order in which the engine does. */
static void
issue(struct world *w)
{
	(void)acme_account_start(w->acme, account_cb, w);
	run(w);
	(void)new_order(w);
	run(w);
	assert_string_equal(w->order->url, CA "/o/1");
	(void)acme_authz_get_start(w->acme, w->order->authz_urls[0], authz_cb,
	    w);
	(void)acme_authz_get_start(w->acme, w->order->authz_urls[1], authz_cb,
	    w);
	run(w);
	(void)acme_challenge_start(w->acme, w->authz->challenges[0].url,
	    plain_cb, w);
	(void)acme_challenge_start(w->acme, w->authz->challenges[0].url,
	    plain_cb, w);
	run(w);
	(void)acme_order_get_start(w->acme, w->order->url, order_cb, w);
	run(w);
	(void)acme_finalize_start(w->acme, w->order->finalize_url, "csr", 3,
	    w->order->url, order_cb, w);
	run(w);
	assert_int_equal(w->order->status, ACME_PROCESSING);
	(void)acme_order_get_start(w->acme, w->order->url, order_cb, w);
	run(w);
	(void)acme_cert_start(w->acme, w->order->cert_url, cert_cb, w);
	run(w);
	assert_int_equal(w->err.kind, ERR_NONE);
}

#define ISSUE_REST							\
	POST("/c/1", 200, "N6", "", "{}"),				\
	POST("/c/1", 200, "N7", "", "{}"),				\
	POST("/o/1", 200, "N8", "Retry-After: 5", ORDER("ready", "")),	\
	POST("/f/1", 200, "N9", "", ORDER("processing", "")),		\
	POST("/o/1", 200, "N10", "", ORDER("valid",			\
	    ",\"certificate\":\"" CA "/cert\"")),			\
	POST("/cert", 200, "N11", CHAIN, CERT)

static void
test_issue(void **state)
{
	static const struct fake_exchange cold[] = {
		DIRECTORY,
		NONCE("N1"),
		POST("/account", 201, "N2", "Location: " KID, "{}"),
		POST("/order", 201, "N3", "Location: " CA "/o/1",
		    ORDER("pending", "")),
		POST("/z/1", 200, "N4", "", AUTHZ),
		NONCE("N12"),		/* two at once, the first time */
		POST("/z/2", 200, "N5", "", AUTHZ),
		ISSUE_REST,
	};
	static const struct fake_exchange warm[] = {
		POST("/order", 201, "N3", "Location: " CA "/o/1",
		    ORDER("pending", "")),
		POST("/z/1", 200, "N4", "", AUTHZ),
		POST("/z/2", 200, "N5", "", AUTHZ),
		ISSUE_REST,
	};
	struct world w;

	world_open(&w, (struct acme_args){ .kid = NULL });
	SCRIPT(&w, cold);
	issue(&w);
	check_script(&w);
	assert_string_equal(w.kid, KID);
	assert_int_equal(acme_requests(w.acme), 13);
	assert_int_equal(N_ELEMENTS(warm), 9);
	SCRIPT(&w, warm);
	issue(&w);
	check_script(&w);
	assert_int_equal(acme_requests(w.acme), 13 + 9);
	/* newAccount with the key, the rest with the kid. */
	assert_signed(&w, 2, "protected", "kid", "null");
	assert_signed(&w, 2, "protected", "url", "\"" CA "/account\"");
	assert_signed(&w, 2, "protected", "nonce", "\"N1\"");
	assert_signed(&w, 3, "protected", "kid", "\"" KID "\"");
	assert_signed(&w, 3, "protected", "nonce", "\"N2\"");
	assert_signed(&w, 3, "payload", "identifiers", "[{\"type\":\"dns\","
	    "\"value\":\"a.test\"},{\"type\":\"dns\",\"value\":\"*.a.test\"}]");
	assert_signed(&w, 10, "payload", "csr", "\"Y3Ny\"");
	assert_string_equal(fake_http_sent(w.http, 3)->headers,
	    "Content-Type: application/jose+json\n");
	assert_int_equal(fake_http_sent(w.http, 10)->timeout_ms, 60000);
	assert_non_null(strstr(fake_http_sent(w.http, 12)->headers,
	    "Accept: application/pem-certificate-chain\n"));
	world_free(&w);
}

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
	run(&w);
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

#define CREATED POST("/order", 201, "Z", "Location: " CA "/o/1", \
    ORDER("pending", ""))
#define FOUND POST("/o/1", 200, "Z", "", ORDER("pending", ""))
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
		{ CASE(no_nonce), ERR_REJECTED, "acme:malformed",
		    "new order: new nonce: ", 0 },
		{ CASE(bad_header), ERR_REJECTED, "acme:http-405",
		    "new order: new nonce: ", 0 },
		{ CASE(only_get), ERR_NONE, "", "", 0 },
		{ CASE(nonce_down), ERR_TRANSIENT, "http:io",
		    "new order: new nonce: ca.test: ", 2 },
		{ CASE(no_location), ERR_REJECTED, "acme:malformed",
		    "new order: the answer has no acceptable Location", 0 },
		{ CASE(bad_location), ERR_REJECTED, "acme:malformed",
		    "new order: the answer has no acceptable Location", 0 },
		{ CASE(not_json), ERR_REJECTED, "acme:malformed",
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
	run(&w);
	check_script(&w);
	assert_int_equal(w.err.kind, ERR_RATELIMIT);
	assert_int_equal(w.err.retry_at, 1003600);
	assert_string_equal(w.err.code, "acme:rateLimited");
	SCRIPT(&w, busy);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.err.kind, ERR_RATELIMIT);
	assert_int_equal(w.err.retry_at, 1000060);
	SCRIPT(&w, slow);
	(void)acme_order_get_start(w.acme, CA "/o/1", order_cb, &w);
	run(&w);
	check_script(&w);
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
	run(&w);
	check_script(&w);
	clock_test_set(1000000 + 86399);
	SCRIPT(&w, same_day);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	clock_test_set(1000000 + 86400);
	SCRIPT(&w, next_day);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	/* A clock set back does not keep it for ever. */
	clock_test_set(1000);
	SCRIPT(&w, next_day);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 4);
	world_free(&w);
	clock_test_set(0);
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
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 5);
	assert_string_equal(w.err.code, "acme:directory");
	SCRIPT(&w, up);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.err.kind, ERR_NONE);
	world_free(&w);
}

/* A nonce that a reply brings serves who waits; the fetched one is kept. */
static void
test_nonces_from_replies(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"),
		{ "HEAD", CA "/nonce", .failure = FAKE_HANGS },
		FOUND,
		FOUND,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	get_order(&w);
	get_order(&w);
	run(&w);
	assert_int_equal(w.calls, 2);
	assert_signed(&w, 4, "protected", "nonce", "\"Z\"");
	assert_null(fake_http_check(w.http));
	world_free(&w);
}

/* Two nonces are asked for by HEAD before the first answer is there. */
static void
test_nonces_by_get(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, { "HEAD", CA "/nonce", .status = 405 },
		{ "HEAD", CA "/nonce", .status = 405 },
		{ "GET", CA "/nonce", .status = 204,
		    .headers = "Replay-Nonce: A" },
		{ "GET", CA "/nonce", .status = 204,
		    .headers = "Replay-Nonce: B" },
		FOUND, FOUND,
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	get_order(&w);
	get_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 2);
	assert_int_equal(w.err.kind, ERR_NONE);
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
	run(&w);
	assert_int_equal(w.calls, 1);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_in_range(ca_clock_now(acme_clock(w.acme)), 5000, 5030);
	(void)acme_clock_start(w.acme, plain_cb, &w);
	run(&w);
	assert_int_equal(w.calls, 2);
	(void)new_order(&w);
	run(&w);
	assert_int_equal(w.calls, 3);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_in_range(ca_clock_now(acme_clock(w.acme)), 5000, 5030);
	acme_cancel(acme_clock_start(w.acme, plain_cb, &w));
	run(&w);
	assert_int_equal(w.calls, 3);
	check_script(&w);
	world_free(&w);
}

struct sharer {
	struct world	*w;
	struct acme_op	*op;
	struct sharer	*other;
};

/* Whoever hears of it first cancels one of the others. */
static void
sharer_cb(const struct error *err, const char *kid, void *arg)
{
	struct sharer *me = arg;

	me->op = NULL;
	account_cb(err, kid, me->w);
	if (me->w->calls == 1) {
		acme_cancel(me->other->op);
		me->other->op = NULL;
	}
}

static void
test_account_shared(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"),
		POST("/account", 200, "B", "Location: /acct/1",
		    "{\"status\":\"valid\"}"),
	}, again[] = {
		POST("/account", 201, "B", "Location: " CA "/acct/2", ""),
	};
	struct sharer sharers[4];
	struct world w;

	world_open(&w, (struct acme_args){ .agree_tos = true });
	SCRIPT(&w, script);
	for (size_t i = 0; i < 4; i++) {
		sharers[i].w = &w;
		sharers[i].other = &sharers[i ^ 1];
		sharers[i].op = acme_account_start(w.acme, sharer_cb,
		    &sharers[i]);
	}
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 3);
	assert_string_equal(w.kid, KID);
	/* Known now. */
	w.calls = 0;
	(void)acme_account_start(w.acme, account_cb, &w);
	assert_int_equal(w.calls, 0);
	run(&w);
	assert_int_equal(w.calls, 1);
	assert_string_equal(w.kid, KID);
	acme_account_forget(w.acme);
	SCRIPT(&w, again);
	(void)acme_account_start(w.acme, account_cb, &w);
	run(&w);
	check_script(&w);
	assert_string_equal(w.kid, CA "/acct/2");
	world_free(&w);
}

static void
test_account_cancelled(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"), FAILS("/account", FAKE_HANGS),
	}, again[] = {
		NONCE("B"),
		POST("/account", 200, "C", "Location: " KID, "{}"),
	};
	struct acme_op *a, *b;
	struct world w;

	world_open(&w, (struct acme_args){ .kid = NULL });
	SCRIPT(&w, script);
	a = acme_account_start(w.acme, account_cb, &w);
	b = acme_account_start(w.acme, account_cb, &w);
	run(&w);
	acme_cancel(a);
	assert_int_equal(fake_http_in_flight(w.http), 1);
	acme_cancel(b);
	check_script(&w);
	assert_int_equal(w.calls, 0);
	SCRIPT(&w, again);
	(void)acme_account_start(w.acme, account_cb, &w);
	run(&w);
	check_script(&w);
	assert_string_equal(w.kid, KID);
	world_free(&w);
}

#define META(m) { "GET", CA "/dir", .status = 200, \
    .body = "{" DIR_URLS ",\"meta\":{" m "}}" }
#define TOS "\"termsOfService\":\"" CA "/tos\""
#define EAB "\"externalAccountRequired\":true"
#define MADE POST("/account", 201, "B", "Location: " KID, "{}")

static void
test_account_find(void **state)
{
	static const struct fake_exchange
	    found[] = { DIRECTORY, NONCE("A"), POST("/account", 200, "B",
		"Location: " KID, "{\"status\":\"valid\"}") },
	    lost[] = { POST("/account", 400, "C", "",
		PROBLEM("accountDoesNotExist")) },
	    revoked[] = { POST("/account", 200, "D", "Location: " KID,
		"{\"status\":\"revoked\"}") },
	    hangs[] = { FAILS("/account", FAKE_HANGS) };
	struct world w;
	struct acme_op *op;

	world_new(&w);
	SCRIPT(&w, found);
	(void)acme_account_find_start(w.acme, account_cb, &w);
	assert_int_equal(w.calls, 0);
	run(&w);
	check_script(&w);
	assert_string_equal(w.kid, KID);
	assert_signed(&w, 2, "payload", "onlyReturnExisting", "true");
	SCRIPT(&w, lost);
	(void)acme_account_find_start(w.acme, account_cb, &w);
	run(&w);
	assert_string_equal(w.err.code, "acme:accountDoesNotExist");
	SCRIPT(&w, revoked);
	(void)acme_account_find_start(w.acme, account_cb, &w);
	run(&w);
	assert_string_equal(w.err.code, "acme:account-status");
	assert_int_equal(w.calls, 3);
	SCRIPT(&w, hangs);
	op = acme_account_find_start(w.acme, account_cb, &w);
	run(&w);
	acme_cancel(op);
	assert_int_equal(fake_http_in_flight(w.http), 0);
	assert_int_equal(w.calls, 3);
	world_free(&w);
}

static void
test_account_terms(void **state)
{
	static const struct fake_exchange
	    tos[] = { META(TOS) },
	    tos_agreed[] = { META(TOS), NONCE("A"), MADE },
	    eab[] = { META(EAB) },
	    eab_given[] = { META(EAB), NONCE("A"), MADE },
	    bad_eab[] = { DIRECTORY },
	    refused[] = { DIRECTORY, NONCE("A"), POST("/account", 403, "B",
		"", PROBLEM("unauthorized")) },
	    deactivated[] = { DIRECTORY, NONCE("A"), POST("/account", 200,
		"B", "Location: " KID, "{\"status\":\"deactivated\"}") },
	    no_location[] = { DIRECTORY, NONCE("A"), POST("/account", 200,
		"B", "", "{\"status\":\"valid\"}") };
	static const char *const contact[] = { "mailto:a@b.test", NULL };
	static const struct {
		const struct fake_exchange *script;
		size_t n;
		struct acme_args args;
		enum err_kind kind;
		const char *code, *in_msg;
	} cases[] = {
#define RUN(s) s, N_ELEMENTS(s)
		{ RUN(tos), { .agree_tos = false }, ERR_CONFIG, "acme:tos",
		    CA "/tos: set agree_tos = true in the account" },
		{ RUN(tos_agreed), { .agree_tos = true, .contact = contact },
		    ERR_NONE, "", "" },
		{ RUN(eab), { .eab_kid = NULL }, ERR_CONFIG,
		    "acme:externalAccountRequired", "set eab_kid" },
		{ RUN(eab_given), { .eab_kid = "k",
		    .eab_hmac_key = "c2VjcmV0" }, ERR_NONE, "", "" },
		{ RUN(bad_eab), { .eab_kid = "k", .eab_hmac_key = "!" },
		    ERR_CONFIG, "acme:eab", "not base64url" },
		{ RUN(refused), { .kid = NULL }, ERR_CONFIG,
		    "acme:unauthorized", "account: unauthorized: because" },
		{ RUN(deactivated), { .kid = NULL }, ERR_CONFIG,
		    "acme:account-status", "deactivated" },
		{ RUN(no_location), { .kid = NULL }, ERR_REJECTED,
		    "acme:malformed", "account: the answer has no" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_open(&w, cases[i].args);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_account_start(w.acme, account_cb, &w);
		run(&w);
		check_script(&w);
		assert_int_equal(w.calls, 1);
		assert_int_equal(w.err.kind, cases[i].kind);
		assert_string_equal(w.err.code, cases[i].code);
		if (strstr(w.err.msg, cases[i].in_msg) == NULL)
			fail_msg("%s", w.err.msg);
		if (cases[i].kind == ERR_NONE) {
			assert_signed(&w, 2, "payload", "termsOfServiceAgreed",
			    cases[i].args.agree_tos ? "true" : "null");
			assert_signed(&w, 2, "payload", "contact",
			    cases[i].args.contact != NULL ?
			    "[\"mailto:a@b.test\"]" : "null");
		}
		world_free(&w);
	}
}

static void
test_no_account(void **state)
{
	struct world w;

	world_open(&w, (struct acme_args){ .kid = NULL });
	(void)new_order(&w);
	(void)acme_authz_get_start(w.acme, CA "/z/1", authz_cb, &w);
	(void)acme_challenge_start(w.acme, CA "/c/1", plain_cb, &w);
	(void)acme_cert_start(w.acme, CA "/cert", cert_cb, &w);
	acme_cancel(acme_order_get_start(w.acme, CA "/o/1", order_cb, &w));
	assert_int_equal(w.calls, 0);
	run(&w);
	assert_int_equal(w.calls, 4);
	assert_int_equal(w.err.kind, ERR_INTERNAL);
	assert_string_equal(w.err.code, "acme:no-account");
	assert_int_equal(acme_requests(w.acme), 0);
	world_free(&w);
}

/* Is the work done although the finalize failed?  The order knows. */
static void
test_finalize(void **state)
{
#define BEGIN DIRECTORY, NONCE("A")
#define LOST FAILS("/f/1", "http:timeout")
#define NOT_READY POST("/f/1", 403, "B", "", PROBLEM("orderNotReady"))
#define IS(st) POST("/o/1", 200, "C", "", ORDER(st, ""))
	static const struct fake_exchange
	    lost_then_not_ready[] = { BEGIN, LOST, NONCE("B"), NOT_READY,
		IS("processing") },
	    not_ready[] = { BEGIN, NOT_READY, IS("ready") },
	    not_ready_valid[] = { BEGIN, NOT_READY, POST("/o/1", 200, "C", "",
		ORDER("valid", ",\"certificate\":\"" CA "/cert\"")) },
	    lost_3[] = { BEGIN, LOST, NONCE("B"), LOST, NONCE("C"), LOST,
		NONCE("D"), IS("processing") },
	    lost_3_ready[] = { BEGIN, LOST, NONCE("B"), LOST, NONCE("C"),
		LOST, NONCE("D"), IS("ready") },
	    lost_order_too[] = { BEGIN, LOST, NONCE("B"), NOT_READY,
		POST("/o/1", 403, "C", "", PROBLEM("unauthorized")) },
	    unreachable[] = { BEGIN, FAILS("/f/1", "http:connect"),
		NONCE("B"), FAILS("/f/1", "http:connect"), NONCE("C"),
		FAILS("/f/1", "http:resolve") },
	    bad_csr[] = { BEGIN, POST("/f/1", 400, "B", "",
		PROBLEM("badCSR")) },
	    malformed[] = { BEGIN, POST("/f/1", 200, "B", "", "[]"),
		IS("ready") },
	    malformed_valid[] = { BEGIN, POST("/f/1", 200, "B", "", "[]"),
		IS("processing") };
	static const struct {
		const struct fake_exchange *script;
		size_t n;
		enum err_kind kind;
		const char *code;
		enum acme_status status;
	} cases[] = {
		{ RUN(lost_then_not_ready), ERR_NONE, "", ACME_PROCESSING },
		{ RUN(not_ready), ERR_REJECTED, "acme:orderNotReady", 0 },
		{ RUN(not_ready_valid), ERR_NONE, "", ACME_VALID },
		{ RUN(lost_3), ERR_NONE, "", ACME_PROCESSING },
		{ RUN(lost_3_ready), ERR_TRANSIENT, "http:timeout", 0 },
		{ RUN(lost_order_too), ERR_REJECTED, "acme:orderNotReady",
		    0 },
		{ RUN(unreachable), ERR_TRANSIENT, "http:resolve", 0 },
		{ RUN(bad_csr), ERR_REJECTED, "acme:badCSR", 0 },
		{ RUN(malformed), ERR_TRANSIENT, "acme:malformed", 0 },
		{ RUN(malformed_valid), ERR_NONE, "", ACME_PROCESSING },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_finalize_start(w.acme, CA "/f/1", "csr", 3,
		    CA "/o/1", order_cb, &w);
		run(&w);
		check_script(&w);
		assert_int_equal(w.calls, 1);
		assert_int_equal(w.err.kind, cases[i].kind);
		assert_string_equal(w.err.code, cases[i].code);
		if (cases[i].kind != ERR_NONE)
			assert_memory_equal(w.err.msg, "finalize: ", 10);
		else
			assert_int_equal(w.order->status, cases[i].status);
		world_free(&w);
	}
}

static void
test_challenge(void **state)
{
#define GONE POST("/c/1", 400, "B", "", PROBLEM("malformed"))
	static const struct fake_exchange
	    refused[] = { BEGIN, GONE },
	    lost[] = { BEGIN, FAILS("/c/1", "http:io"), NONCE("B"), GONE },
	    broken[] = { BEGIN, POST("/c/1", 500, "B", "", ""), GONE },
	    never_sent[] = { BEGIN, FAILS("/c/1", "http:tls"), NONCE("B"),
		GONE },
	    lost_limit[] = { BEGIN, FAILS("/c/1", "http:io"), NONCE("B"),
		POST("/c/1", 429, "B", "", PROBLEM("rateLimited")) };
	static const struct {
		const struct fake_exchange *script;
		size_t n;
		enum err_kind kind;
	} cases[] = {
		{ RUN(refused), ERR_REJECTED },
		{ RUN(lost), ERR_NONE },
		{ RUN(broken), ERR_NONE },
		{ RUN(never_sent), ERR_REJECTED },
		{ RUN(lost_limit), ERR_RATELIMIT },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_challenge_start(w.acme, CA "/c/1", plain_cb, &w);
		run(&w);
		check_script(&w);
		assert_int_equal(w.calls, 1);
		assert_int_equal(w.err.kind, cases[i].kind);
		world_free(&w);
	}
}

static void
test_cert(void **state)
{
#define TYPED(t, more, text) POST("/cert", 200, "B", "Content-Type: " t \
    "\n" more, text)
#define PEM_TYPE "application/pem-certificate-chain"
	static const struct fake_exchange
	    links[] = { BEGIN, TYPED(PEM_TYPE "; charset=us-ascii",
		"Link: <" CA "/dir>;rel=\"index\"\nLink: </cert/1>;rel="
		"\"alternate\", <" CA "/cert/2>; rel=alternate\n"
		"Link: <http://ca.test/x>;rel=alternate\n"
		"Link: <" CA "/cert/3>;rel=\"alternate\"", CERT) },
	    upper[] = { BEGIN, TYPED("Application/PEM-Certificate-Chain", "",
		CERT) },
	    html[] = { BEGIN, TYPED("text/html", "", CERT) },
	    untyped[] = { BEGIN, POST("/cert", 200, "B", "", CERT) },
	    empty[] = { BEGIN, TYPED(PEM_TYPE, "", "") },
	    page[] = { BEGIN, TYPED("text/html", "", "<html>") };
	static const struct {
		const struct fake_exchange *script;
		size_t n;
		enum err_kind kind;
		const char *alternates;
	} cases[] = {
		{ RUN(links), ERR_NONE, CA "/cert/1 " CA "/cert/2 " CA
		    "/cert/3 " },
		{ RUN(upper), ERR_NONE, "" },
		/* Whatever it calls itself. */
		{ RUN(html), ERR_NONE, "" },
		{ RUN(untyped), ERR_NONE, "" },
		{ RUN(empty), ERR_REJECTED, "" },
		{ RUN(page), ERR_REJECTED, "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_cert_start(w.acme, CA "/cert", cert_cb, &w);
		run(&w);
		check_script(&w);
		assert_int_equal(w.calls, 1);
		assert_int_equal(w.err.kind, cases[i].kind);
		assert_string_equal(w.alternates, cases[i].alternates);
		world_free(&w);
	}
}

/* A 404 of what was made a moment ago may be a replica's; it is told as such
 * if it stays. */
static void
test_lag(void **state)
{
#define NOT_THERE(path) POST(path, 404, "B", "", PROBLEM("malformed"))
	static const struct fake_exchange
	    lags[] = { BEGIN, NOT_THERE("/cert"), NOT_THERE("/cert"),
		POST("/cert", 200, "B", CHAIN, CERT) },
	    stays[] = { BEGIN, NOT_THERE("/cert"), NOT_THERE("/cert"),
		NOT_THERE("/cert"), NOT_THERE("/cert"), NOT_THERE("/cert") },
	    forbidden[] = { BEGIN, POST("/cert", 403, "B", "",
		PROBLEM("malformed")) },
	    account[] = { BEGIN, POST("/cert", 404, "B", "",
		PROBLEM("accountDoesNotExist")) };
	static const struct {
		const struct fake_exchange *script;
		size_t n;
		const char *code;
		size_t pauses;
	} cases[] = {
		{ RUN(lags), "", 2 },
		{ RUN(stays), "acme:not-found", 4 },
		{ RUN(forbidden), "acme:malformed", 0 },
		{ RUN(account), "acme:accountDoesNotExist", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		static const int64_t ms[] = { 1000, 2000, 4000, 8000 };
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_cert_start(w.acme, CA "/cert", cert_cb, &w);
		run(&w);
		check_script(&w);
		assert_string_equal(w.err.code, cases[i].code);
		assert_int_equal(n_pauses, cases[i].pauses);
		for (size_t k = 0; k < n_pauses; k++)
			assert_int_equal(pauses_ms[k], ms[k]);
		world_free(&w);
	}
}

/* Cancel after every possible number of turns: done never runs. */
static void
test_cancel(void **state)
{
	static const struct fake_exchange script[] = {
		{ "GET", CA "/dir", .status = 503 }, DIRECTORY, NONCE("A"),
		BAD_NONCE("/order", "B"), FAILS("/order", "http:io"),
		NONCE("C"), CREATED,
	};
	int turns;

	for (turns = 0; turns < 100; turns++) {
		struct acme_op *op;
		struct world w;

		world_new(&w);
		SCRIPT(&w, script);
		op = new_order(&w);
		for (int i = 0; i < turns; i++)
			loop_turn(w.loop);
		if (w.calls == 0)
			acme_cancel(op);
		else
			op = NULL;
		if (turns == 0)
			assert_int_equal(acme_requests(w.acme), 0);
		run(&w);
		assert_int_equal(w.calls, op == NULL ? 1 : 0);
		world_free(&w);
		if (op == NULL)
			break;
	}
	assert_in_range(turns, 8, 99);
}

/* Ops may be cancelled from the done functions of others. */
static void
test_cancel_others(void **state)
{
	static const struct fake_exchange script[] = {
		{ "GET", CA "/dir", .status = 404 },
	}, hanging[] = {
		DIRECTORY, NONCE("A"), NONCE("B"), CREATED,
		FAILS("/o/2", FAKE_HANGS),
	};
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	(void)new_order(&w);
	w.victim = new_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 1);
	SCRIPT(&w, hanging);
	(void)new_order(&w);
	w.victim = acme_order_get_start(w.acme, CA "/o/2", order_cb, &w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 2);
	acme_cancel(NULL);
	world_free(&w);
}

/* An authorization is not fetched before the order is made (turns.h). */
static void
test_turns(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"), CREATED,
		POST("/z/1", 200, "N4", "", AUTHZ),
	};
	struct acme_op *given_up;
	struct world w;

	world_new(&w);
	SCRIPT(&w, script);
	(void)new_order(&w);
	given_up = acme_authz_get_start(w.acme, CA "/z/2", authz_cb, &w);
	(void)acme_authz_get_start(w.acme, CA "/z/1", authz_cb, &w);
	acme_cancel(given_up);
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 2);
	world_free(&w);
}

static bool is_held;

static int
may(struct error *err, void *arg)
{
	return is_held ? error_set(err, ERR_RATELIMIT, "test:held", "held") :
	    0;
}

static void
held_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	if (err != NULL && strcmp(err->code, "acme:rateLimited") == 0)
		is_held = true;
	note(arg, err);
}

static void
ten_orders(struct world *w)
{
	for (int i = 0; i < 10; i++)
		(void)acme_order_new_start(w->acme, names, 2, NULL, may,
		    held_cb, w);
	run(w);
}

/* Ten at once, and the CA asks to wait: none follows the first.  Where the
 * first is answered, two do. */
static void
test_orders_wait(void **state)
{
	static const struct fake_exchange script[] = {
		DIRECTORY, NONCE("A"), POST("/order", 429, "B", "",
		    PROBLEM("rateLimited")),
	}, later[] = {
		CREATED, POST("/order", 429, "B", "", PROBLEM("rateLimited")),
		NONCE("C"), CREATED,
	};
	struct world w;

	world_new(&w);
	/* The CA is not slow, however busy this machine is. */
	shorter = 1;
	SCRIPT(&w, script);
	is_held = false;
	ten_orders(&w);
	check_script(&w);
	assert_int_equal(w.calls, 10);
	assert_string_equal(w.err.code, "test:held");
	SCRIPT(&w, later);
	is_held = false;
	ten_orders(&w);
	check_script(&w);
	assert_int_equal(w.calls, 20);
	world_free(&w);
}

static void
free_all_cb(const struct error *err, const struct acme_order *order, void *arg)
{
	struct world *w = arg;

	w->calls++;
	acme_free(w->acme);
	w->acme = NULL;
}

/* The last operation's done may end it all. */
static void
test_free_in_done(void **state)
{
	static const struct fake_exchange good[] = { BEGIN, CREATED };
	static const struct fake_exchange bad[] = {
		{ "GET", CA "/dir", .status = 404 },
	};
	static const struct { const struct fake_exchange *script; size_t n; }
	cases[] = { { RUN(good) }, { RUN(bad) } };

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_order_new_start(w.acme, names, 2, NULL, NULL,
		    free_all_cb, &w);
		run(&w);
		check_script(&w);
		assert_int_equal(w.calls, 1);
		world_free(&w);
	}
}

static void
test_bad_key(void **state)
{
	static const struct fake_exchange script[] = { BEGIN };
	struct acme_args args = { .directory = CA "/dir", .kid = KID };
	char txt[ACME_TXT_SIZE];
	struct world w;

	world_new(&w);
	acme_free(w.acme);
	args.key = EVP_EC_gen("P-521");
	w.acme = acme_new(w.loop, w.http, &args);
	EVP_PKEY_free(args.key);
	SCRIPT(&w, script);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.calls, 1);
	assert_string_equal(w.err.code, "acme:key");
	assert_memory_equal(w.err.msg, "new order: ", 11);
	acme_dns01_value(w.acme, "tok", txt);
	assert_string_equal(txt, "");
	world_free(&w);
}

/* The public key of RFC 7515 appendix A.3. */
static EVP_PKEY *
known_key(void)
{
	static char group[] = "prime256v1";
	unsigned char point[65] = { POINT_CONVERSION_UNCOMPRESSED }, *x, *y;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM params[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, group,
		    sizeof(group) - 1),
		OSSL_PARAM_octet_string(OSSL_PKEY_PARAM_PUB_KEY, point,
		    sizeof(point)),
		OSSL_PARAM_END
	};
	EVP_PKEY *key = NULL;
	size_t len;

	assert_int_equal(text_b64url_decode(
	    "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", &x, &len), 0);
	assert_int_equal(text_b64url_decode(
	    "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0", &y, &len), 0);
	memcpy(point + 1, x, 32);
	memcpy(point + 33, y, 32);
	free(x);
	free(y);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &key, EVP_PKEY_PUBLIC_KEY,
	    params), 1);
	EVP_PKEY_CTX_free(ctx);
	return key;
}

/* Checked with another implementation (Python's hashlib). */
static void
test_dns01_value(void **state)
{
	struct acme_args args = { .directory = CA "/dir" };
	char txt[ACME_TXT_SIZE];
	struct world w;

	world_new(&w);
	acme_free(w.acme);
	args.key = known_key();
	w.acme = acme_new(w.loop, w.http, &args);
	EVP_PKEY_free(args.key);
	acme_dns01_value(w.acme, "token-1", txt);
	assert_string_equal(txt,
	    "1tEgHr7j2uOv3Wb45gZ2gzeovPzfb7q7L9_OpNw4mPs");
	world_free(&w);
}

/* Plain http is for those whose directory is; their URLs may be then. */
static void
test_plain(void **state)
{
	static const struct fake_exchange script[] = {
		{ "GET", "http://ca.test/dir", .status = 200,
		    .body = "{" DIR_URLS "}" },
		NONCE("A"),
		POST("/order", 201, "Z", "Location: http://ca.test/o/1",
		    ORDER("pending", "")),
	};
	struct world w;

	world_open(&w, (struct acme_args){ .kid = KID,
	    .directory = "http://ca.test/dir" });
	SCRIPT(&w, script);
	(void)new_order(&w);
	run(&w);
	check_script(&w);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_string_equal(w.order->url, "http://ca.test/o/1");
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_issue),
		cmocka_unit_test(test_retries),
		cmocka_unit_test(test_retry_after),
		cmocka_unit_test(test_directory_age),
		cmocka_unit_test(test_directory_fails_all),
		cmocka_unit_test(test_nonces_from_replies),
		cmocka_unit_test(test_clock),
		cmocka_unit_test(test_nonces_by_get),
		cmocka_unit_test(test_account_shared),
		cmocka_unit_test(test_account_cancelled),
		cmocka_unit_test(test_account_find),
		cmocka_unit_test(test_account_terms),
		cmocka_unit_test(test_no_account),
		cmocka_unit_test(test_finalize),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_lag),
		cmocka_unit_test(test_cancel),
		cmocka_unit_test(test_cancel_others),
		cmocka_unit_test(test_turns),
		cmocka_unit_test(test_orders_wait),
		cmocka_unit_test(test_free_in_done),
		cmocka_unit_test(test_bad_key),
		cmocka_unit_test(test_dns01_value),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
