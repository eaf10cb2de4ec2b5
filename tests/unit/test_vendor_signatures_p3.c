/* SPDX-License-Identifier: MIT */
/* Vendors' signatures on the vectors that they (or their SDKs) publish. */
#include "tests/unit/unit.h"

#include <string.h>

#include "daemon/rest/preq.h"
#include "daemon/rest/preq_run.h"
#include "providers/scheme_ovh.h"

/* go-ovh's tests; the last one was computed with the same code. */
static void
test_ovh(void **state)
{
	static const struct {
		const char *method, *path, *body, *signature;
	} cases[] = {
		{ "GET", "/auth", NULL,
		    "$1$e9556054b6309771395efa467c22e627407461ad" },
		{ "DELETE", "/auth", NULL,
		    "$1$a1eecd00b3b02b6cf5708b84b9ff42059a950d85" },
		{ "POST", "/auth", "{\"a\":\"b\",\"c\":\"d\"}",
		    "$1$ec2fb5c7a81f64723c77d2e5b609ae6f58a84fc1" },
		{ "POST", "/domain/zone/example.com/record",
		    "{\"fieldType\":\"TXT\",\"subDomain\":"
		    "\"_acme-challenge\",\"target\":\"v1\",\"ttl\":60}",
		    "$1$52c4102781ae568aadf5e841f4a3272ce394f6aa" },
	};
	const struct scheme_ovh o = { .application_key = "ak",
	    .application_secret = "9ufkBmLaTQ9nz5yMUlg79taH0GNnzDjk",
	    .consumer_key = "5mBuy6SUQcRw2ZUxg0cG68BoDKpED4KY",
	    .time = 1457018875 };

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct preq *rq = preq_new("https://eu.api.ovh.com/1.0",
		    false);

		preq_start(rq, cases[i].method, cases[i].path);
		if (cases[i].body != NULL)
			preq_body(rq, cases[i].body, strlen(cases[i].body),
			    "application/json");
		scheme_ovh_sign(rq, "https", &o);
		assert_string_equal(preq_get_header(rq, "X-Ovh-Signature"),
		    cases[i].signature);
		assert_string_equal(preq_get_header(rq, "X-Ovh-Timestamp"),
		    "1457018875");
		preq_free(rq);
	}
}

/* The query is part of what is signed. */
static void
test_ovh_query(void **state)
{
	const struct scheme_ovh o = { "ak", "as", "ck", 1 };
	char one[64];
	struct preq *rq = preq_new("https://eu.api.ovh.com/1.0", false);

	preq_start(rq, "GET", "/x");
	scheme_ovh_sign(rq, "https", &o);
	(void)strncpy(one, preq_get_header(rq, "X-Ovh-Signature"),
	    sizeof(one) - 1);
	one[sizeof(one) - 1] = '\0';
	preq_query(rq, "a", "b c");
	scheme_ovh_sign(rq, "https", &o);
	assert_string_not_equal(one, preq_get_header(rq, "X-Ovh-Signature"));
	/* sha1("as+ck+GET+https://eu.api.ovh.com/1.0/x?a=b%20c++1") */
	assert_string_equal(preq_get_header(rq, "X-Ovh-Signature"),
	    "$1$7eba212559929b271d1913e114264eb180a1fa8a");
	preq_free(rq);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ovh),
		cmocka_unit_test(test_ovh_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
