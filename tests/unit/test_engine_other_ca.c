/* SPDX-License-Identifier: MIT */
/* The account names another CA than the one that issued. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

#define OTHER(directory) "account \"b\" { directory = \"" directory "\" " \
    "agree_tos = true }\n" \
    "certificate \"web\" { names = { \"web.test\" } provider = dns " \
    "account = b }\n"

static void
expect_reason(struct erig *r, const char *reason, bool is_staging)
{
	json_t *o = engine_cert_status(r->engine, "web");
	const char *got = json_string_value(json_object_get(json_object_get(o,
	    "next"), "reason"));

	assert_string_equal(got != NULL ? got : "", reason);
	assert_int_equal(json_is_true(json_object_get(o, "staging")),
	    is_staging);
	json_decref(o);
}

/* The directory changes: due now, tried until it succeeds, and once. */
static void
test_other_ca(void **state)
{
	struct erig *r = *state;

	erig_conf(r, OTHER("https://staging.test/dir"));
	erig_up(r);
	erig_ends(r, 1);
	/* The same CA, in other words. */
	free(erig_reload(r, OTHER("https://Staging.test:443/dir/")));
	fake_time_pass(HOUR);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 2, ERR_TRANSIENT,
	    "http:io", "down");
	expect_reload(r, OTHER("https://ca.test/dir"),
	    "{\"added\":[],\"removed\":[],\"changed\":[\"web\"]}");
	expect_reason(r, "other-ca", false);
	erig_ends(r, 1);
	assert_true(erig_told(r, "of another CA (https://staging.test/dir) "
	    "than the account \"b\" names now"));
	/* Also where that was changed while acmed was down. */
	erig_down(r);
	erig_up(r);
	expect_reason(r, "other-ca", false);
	fake_time_pass(30 * MINUTE);
	assert_int_equal(r->oks, 2);
	expect_reason(r, "lifetime", false);
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 2);
}

/* A CA whose failures said to wait is left: nothing to wait for. */
static void
test_other_ca_after_failure(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:caa", "no");
	erig_conf(r, OTHER("https://staging.test/dir"));
	erig_up(r);
	erig_ends(r, 1);
	free(erig_reload(r, OTHER("https://ca.test/dir")));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
}

/* Rows that do not know who issued: only what is sure is renewed. */
static void
test_other_ca_unknown(void **state)
{
	static const struct {
		const char *issuer, *directory;
		unsigned runs;
	} cases[] = {
		{ "R10", "https://acme-v02.api.letsencrypt.org/directory", 0 },
		{ "(STAGING) Pseudo Plum E5",
		    "https://acme-v02.api.letsencrypt.org/directory", 1 },
		{ "(STAGING) Pseudo Plum E5", "https://ca.test/dir", 0 },
		{ "(STAGING) Pseudo Plum E5", "https://acme-staging-v02.api."
		    "letsencrypt.org/directory", 0 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *conf = xasprintf(OTHER("%s"), cases[i].directory);
		struct store_cert *row;
		struct erig *r;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		erig_conf(r, conf);
		erig_up(r);
		erig_ends(r, 1);
		row = erig_row(r, "web");
		xstrset(&row->ari_directory, NULL);
		xstrset(&row->issuer, cases[i].issuer);
		certs_changed(r->engine->certs);
		expect_reason(r, cases[i].runs > 0 ? "other-ca" :
		    "lifetime", i > 0);
		fake_time_pass(HOUR);
		assert_int_equal(r->ends, 1 + cases[i].runs);
		free(conf);
	}
}

/* Many at once: the most important first, never more than may run. */
static void
test_other_ca_many(void **state)
{
	struct erig *r = *state;
	char *conf = xstrdup("max_renewals = 2\naccount \"b\" { directory = "
	    "\"https://staging.test/dir\" agree_tos = true }\n"), *at;

	for (int i = 0; i < 20; i++) {
		char *more = xasprintf("%scertificate \"c%02d\" { names = { "
		    "\"c%02d.test\" } provider = dns account = b }\n", conf,
		    i, i);

		free(conf);
		conf = more;
	}
	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 20);
	at = strstr(conf, "staging.test");
	memcpy(at, "prodctn.test", strlen("prodctn.test"));
	free(erig_reload(r, conf));
	while (r->oks < 40) {
		assert_true(r->engine->certs->places.working <= 2);
		assert_true(fake_time_step());
	}
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 40);
	free(conf);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_other_ca),
		ERIG_TEST(test_other_ca_after_failure),
		ERIG_TEST(test_other_ca_unknown),
		ERIG_TEST(test_other_ca_many),
	};

	return cmocka_run_group_tests_name("engine: other ca", tests,
	    erig_group_setup, erig_group_teardown);
}
