/* SPDX-License-Identifier: MIT */
/* The operations of acme.h, one after the other and alone. */
#include "tests/unit/acme_rig.h"

#include <string.h>

#include "common/error.h"

/* What a run asks of the CA, in the order in which the engine does. */
static void
issue(struct world *w)
{
	(void)acme_account_start(w->acme, account_cb, w);
	world_run(w);
	(void)new_order(w);
	world_run(w);
	assert_string_equal(w->order->url, CA "/o/1");
	(void)acme_authz_get_start(w->acme, w->order->authz_urls[0], authz_cb,
	    w);
	(void)acme_authz_get_start(w->acme, w->order->authz_urls[1], authz_cb,
	    w);
	world_run(w);
	(void)acme_challenge_start(w->acme, w->authz->challenges[0].url,
	    plain_cb, w);
	(void)acme_challenge_start(w->acme, w->authz->challenges[0].url,
	    plain_cb, w);
	world_run(w);
	(void)acme_order_get_start(w->acme, w->order->url, order_cb, w);
	world_run(w);
	(void)acme_finalize_start(w->acme, w->order->finalize_url, "csr", 3,
	    w->order->url, order_cb, w);
	world_run(w);
	assert_int_equal(w->order->status, ACME_PROCESSING);
	(void)acme_order_get_start(w->acme, w->order->url, order_cb, w);
	world_run(w);
	(void)acme_cert_start(w->acme, w->order->cert_url, cert_cb, w);
	world_run(w);
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
	world_check(&w);
	assert_string_equal(w.kid, KID);
	assert_int_equal(acme_requests(w.acme), 13);
	assert_int_equal(N_ELEMENTS(warm), 9);
	SCRIPT(&w, warm);
	issue(&w);
	world_check(&w);
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

/* Is the work done although the finalize failed?  The order knows. */
static void
test_finalize(void **state)
{
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
		{ RUN(malformed), ERR_TRANSIENT, "acme:badReply", 0 },
		{ RUN(malformed_valid), ERR_NONE, "", ACME_PROCESSING },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_new(&w);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_finalize_start(w.acme, CA "/f/1", "csr", 3,
		    CA "/o/1", order_cb, &w);
		world_run(&w);
		world_check(&w);
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
		world_run(&w);
		world_check(&w);
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
		world_run(&w);
		world_check(&w);
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
		world_run(&w);
		world_check(&w);
		assert_string_equal(w.err.code, cases[i].code);
		assert_int_equal(n_pauses, cases[i].pauses);
		for (size_t k = 0; k < n_pauses; k++)
			assert_int_equal(pauses_ms[k], ms[k]);
		world_free(&w);
	}
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
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.err.kind, ERR_NONE);
	assert_string_equal(w.order->url, "http://ca.test/o/1");
	world_free(&w);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_issue),
		cmocka_unit_test(test_finalize),
		cmocka_unit_test(test_challenge),
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_lag),
		cmocka_unit_test(test_plain),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
