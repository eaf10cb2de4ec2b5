/* SPDX-License-Identifier: MIT */
/* The account: made, found, shared, refused; and what its key signs. */
#include "tests/unit/acme_rig.h"

#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"

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
	world_run(&w);
	world_check(&w);
	assert_int_equal(w.calls, 3);
	assert_string_equal(w.kid, KID);
	/* Known now. */
	w.calls = 0;
	(void)acme_account_start(w.acme, account_cb, &w);
	assert_int_equal(w.calls, 0);
	world_run(&w);
	assert_int_equal(w.calls, 1);
	assert_string_equal(w.kid, KID);
	acme_account_forget(w.acme);
	SCRIPT(&w, again);
	(void)acme_account_start(w.acme, account_cb, &w);
	world_run(&w);
	world_check(&w);
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
	world_run(&w);
	acme_cancel(a);
	assert_int_equal(fake_http_in_flight(w.http), 1);
	acme_cancel(b);
	world_check(&w);
	assert_int_equal(w.calls, 0);
	SCRIPT(&w, again);
	(void)acme_account_start(w.acme, account_cb, &w);
	world_run(&w);
	world_check(&w);
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
	world_run(&w);
	world_check(&w);
	assert_string_equal(w.kid, KID);
	assert_signed(&w, 2, "payload", "onlyReturnExisting", "true");
	SCRIPT(&w, lost);
	(void)acme_account_find_start(w.acme, account_cb, &w);
	world_run(&w);
	assert_string_equal(w.err.code, "acme:accountDoesNotExist");
	SCRIPT(&w, revoked);
	(void)acme_account_find_start(w.acme, account_cb, &w);
	world_run(&w);
	assert_string_equal(w.err.code, "acme:account-status");
	assert_int_equal(w.calls, 3);
	SCRIPT(&w, hangs);
	op = acme_account_find_start(w.acme, account_cb, &w);
	world_run(&w);
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
		    "acme:badReply", "account: the answer has no" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct world w;

		world_open(&w, cases[i].args);
		fake_http_script(w.http, cases[i].script, cases[i].n);
		(void)acme_account_start(w.acme, account_cb, &w);
		world_run(&w);
		world_check(&w);
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
	world_run(&w);
	assert_int_equal(w.calls, 4);
	assert_int_equal(w.err.kind, ERR_INTERNAL);
	assert_string_equal(w.err.code, "acme:no-account");
	assert_int_equal(acme_requests(w.acme), 0);
	world_free(&w);
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
	world_run(&w);
	world_check(&w);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_account_shared),
		cmocka_unit_test(test_account_cancelled),
		cmocka_unit_test(test_account_find),
		cmocka_unit_test(test_account_terms),
		cmocka_unit_test(test_no_account),
		cmocka_unit_test(test_bad_key),
		cmocka_unit_test(test_dns01_value),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
