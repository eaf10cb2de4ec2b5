/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/persist.h"

#define ACCOUNT "https://ca.test/acct/1"
#define NOW 1700000000

static const char *const issuers[] = { "ca.test", "ca2.test", NULL };

static const struct {
	const char	*value;
	enum persist_match plain, wildcard;
	const char	*why;		/* of plain, or NULL */
} cases[] = {
	{ "ca.test; accounturi=" ACCOUNT, PERSIST_RIGHT, PERSIST_NO_WILDCARD,
	    NULL },
	{ "ca.test;accounturi=" ACCOUNT, PERSIST_RIGHT, PERSIST_NO_WILDCARD,
	    NULL },
	{ "ca2.test; accounturi=" ACCOUNT, PERSIST_RIGHT,
	    PERSIST_NO_WILDCARD, NULL },
	{ " \tca.test ;  ACCOUNTURI\t= " ACCOUNT " ", PERSIST_RIGHT,
	    PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; policy=wildcard", PERSIST_RIGHT,
	    PERSIST_RIGHT, NULL },
	{ "ca.test; Policy=wIlDcArD; accounturi=" ACCOUNT, PERSIST_RIGHT,
	    PERSIST_RIGHT, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; policy=wildcards", PERSIST_RIGHT,
	    PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; policy=", PERSIST_RIGHT,
	    PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; x-1=2", PERSIST_RIGHT,
	    PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; x=a=b", PERSIST_RIGHT,
	    PERSIST_NO_WILDCARD, NULL },
	/* when */
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=1700000060",
	    PERSIST_RIGHT, PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; persistuntil=4102444800",
	    PERSIST_RIGHT, PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=999999999999999999",
	    PERSIST_RIGHT, PERSIST_NO_WILDCARD, NULL },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=1700000059",
	    PERSIST_EXPIRED, PERSIST_NO_WILDCARD,
	    "has expired: its persistUntil is 2023-11-14T22:14:19Z" },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=0", PERSIST_EXPIRED,
	    PERSIST_NO_WILDCARD, "has expired" },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=0; policy=wildcard",
	    PERSIST_EXPIRED, PERSIST_EXPIRED, "has expired" },
	/* whose */
	{ "ca.test; accounturi=" ACCOUNT "0", PERSIST_OTHER_ACCOUNT,
	    PERSIST_OTHER_ACCOUNT, "another account, " ACCOUNT "0, and not "
	    "for " ACCOUNT },
	{ "ca.test; accounturi=https://CA.test/acct/1",
	    PERSIST_OTHER_ACCOUNT, PERSIST_OTHER_ACCOUNT, "account" },
	{ "other.test; accounturi=" ACCOUNT, PERSIST_NONE, PERSIST_NONE,
	    "is not there, only others" },
	{ "other.test; oops", PERSIST_NONE, PERSIST_NONE, "only others" },
	{ "xca.test; accounturi=" ACCOUNT, PERSIST_NONE, PERSIST_NONE,
	    "only others" },
	{ "ca.tes; accounturi=" ACCOUNT, PERSIST_NONE, PERSIST_NONE,
	    "only others" },
	{ "", PERSIST_NONE, PERSIST_NONE, "only others" },
	{ ";", PERSIST_NONE, PERSIST_NONE, "only others" },
	{ "; accounturi=" ACCOUNT, PERSIST_NONE, PERSIST_NONE, "others" },
	{ "v=spf1 -all", PERSIST_NONE, PERSIST_NONE, "only others" },
	/* malformed */
	{ "CA.test; accounturi=" ACCOUNT, PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "not in lower case" },
	{ "ca.test.; accounturi=" ACCOUNT, PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "ends in a dot" },
	{ "ca.test", PERSIST_MALFORMED, PERSIST_MALFORMED,
	    "accounturi is missing" },
	{ "ca.test;", PERSIST_MALFORMED, PERSIST_MALFORMED,
	    "empty parameter" },
	{ "ca.test; accounturi=" ACCOUNT ";", PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "empty parameter" },
	{ "ca.test; accounturi=" ACCOUNT ";; policy=wildcard",
	    PERSIST_MALFORMED, PERSIST_MALFORMED, "empty parameter" },
	{ "ca.test; policy=wildcard", PERSIST_MALFORMED, PERSIST_MALFORMED,
	    "accounturi is missing" },
	{ "ca.test; accounturi=", PERSIST_MALFORMED, PERSIST_MALFORMED,
	    "accounturi is empty" },
	{ "ca.test; accounturi", PERSIST_MALFORMED, PERSIST_MALFORMED,
	    "not NAME=VALUE" },
	{ "ca.test; =x; accounturi=" ACCOUNT, PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "name is misspelt" },
	{ "ca.test; a b=x; accounturi=" ACCOUNT, PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "name is misspelt" },
	{ "ca.test; -a=x; accounturi=" ACCOUNT, PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "name is misspelt" },
	{ "ca.test; accounturi=" ACCOUNT " " ACCOUNT, PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "may not be there" },
	{ "ca.test; accounturi=" ACCOUNT "\x7f", PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "may not be there" },
	{ "ca.test; accounturi=" ACCOUNT "; x=\xc3\xa9", PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "may not be there" },
	{ "ca.test; accounturi=" ACCOUNT "; accounturi=" ACCOUNT,
	    PERSIST_MALFORMED, PERSIST_MALFORMED, "given twice" },
	{ "ca.test; accounturi=" ACCOUNT "; x=1; X=1", PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "given twice" },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=", PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "persistUntil is not a number" },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=-1",
	    PERSIST_MALFORMED, PERSIST_MALFORMED, "persistUntil" },
	{ "ca.test; accounturi=" ACCOUNT "; persistUntil=2027-01-01",
	    PERSIST_MALFORMED, PERSIST_MALFORMED, "persistUntil" },
	{ "ca.test; accounturi=" ACCOUNT
	    "; persistUntil=1000000000000000000000000", PERSIST_MALFORMED,
	    PERSIST_MALFORMED, "persistUntil" },
};

static void
test_one(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct persist_want w = { .issuers = issuers,
		    .account = ACCOUNT, .now = NOW };
		struct persist_verdict v;

		persist_judge(&cases[i].value, 1, &w, &v);
		if (v.match != cases[i].plain || (cases[i].why != NULL &&
		    strstr(v.why, cases[i].why) == NULL) ||
		    (v.match == PERSIST_RIGHT) != (v.why[0] == '\0'))
			fail_msg("%s: %s: %s", cases[i].value,
			    persist_match_name(v.match), v.why);
		w.wildcard = true;
		persist_judge(&cases[i].value, 1, &w, &v);
		if (v.match != cases[i].wildcard)
			fail_msg("*: %s: %s: %s", cases[i].value,
			    persist_match_name(v.match), v.why);
		assert_int_equal(persist_is_own(cases[i].value, &w),
		    v.match >= PERSIST_NO_WILDCARD);
	}
}

#define OURS "ca.test; accounturi=" ACCOUNT

/* The best of several counts, whatever their order. */
static void
test_several(void **state)
{
	static const struct {
		const char	*values[3];
		enum persist_match want;
		time_t		 until;
	} sets[] = {
		{ { NULL }, PERSIST_NONE, 0 },
		{ { OURS, "other.test; accounturi=x", "junk" },
		    PERSIST_RIGHT, 0 },
		{ { OURS ";", OURS "0" }, PERSIST_OTHER_ACCOUNT, 0 },
		{ { OURS ";", OURS "; persistUntil=5" }, PERSIST_EXPIRED, 5 },
		{ { OURS "; persistUntil=7", OURS "; persistUntil=5" },
		    PERSIST_EXPIRED, 7 },
		{ { OURS "; persistUntil=1800000000",
		    OURS "; persistUntil=1900000000" }, PERSIST_RIGHT,
		    1900000000 },
		{ { OURS, OURS "; persistUntil=1900000000" }, PERSIST_RIGHT,
		    0 },
		{ { OURS ";", OURS "; persistUntil=1800000000" },
		    PERSIST_RIGHT, 1800000000 },
	};

	for (size_t i = 0; i < N_ELEMENTS(sets); i++) {
		const struct persist_want w = { .issuers = issuers,
		    .account = ACCOUNT, .now = NOW };
		const char *turned[3];
		struct persist_verdict v;
		size_t n = 0;

		while (n < 3 && sets[i].values[n] != NULL)
			n++;
		for (size_t k = 0; k < n; k++)
			turned[k] = sets[i].values[n - 1 - k];
		persist_judge(sets[i].values, n, &w, &v);
		assert_int_equal(v.match, sets[i].want);
		assert_int_equal(v.until, sets[i].until);
		persist_judge(turned, n, &w, &v);
		assert_int_equal(v.match, sets[i].want);
		assert_int_equal(v.until, sets[i].until);
	}
}

/* Without the CA's names the account's URL tells which records are meant. */
static void
test_any_issuer(void **state)
{
	const struct persist_want w = { .account = ACCOUNT, .now = NOW };
	const char *values[] = { "other.test; accounturi=" ACCOUNT,
	    "ca.test; accounturi=" ACCOUNT "9" };
	struct persist_verdict v;

	persist_judge(values, 1, &w, &v);
	assert_int_equal(v.match, PERSIST_RIGHT);
	persist_judge(values + 1, 1, &w, &v);
	assert_int_equal(v.match, PERSIST_NONE);
}

static void
test_value(void **state)
{
	static const struct {
		bool	 wildcard;
		time_t	 until;
		const char *want;
	} made[] = {
		{ false, 0, OURS },
		{ true, 0, OURS "; policy=wildcard" },
		{ false, 1800000000, OURS "; persistUntil=1800000000" },
		{ true, 1800000000, OURS "; policy=wildcard; "
		    "persistUntil=1800000000" },
	};
	static const char *const bad[] = { "", "a;b", "a b", "a\x01", "\xc3",
	    "a\x7f" };
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(made); i++) {
		const struct persist_want w = { .issuers = issuers,
		    .account = ACCOUNT, .wildcard = made[i].wildcard,
		    .now = NOW };
		char *value = persist_value("ca.test", ACCOUNT,
		    made[i].wildcard, made[i].until, &err);
		struct persist_verdict v;

		assert_string_equal(value, made[i].want);
		persist_judge((const char *const *)&value, 1, &w, &v);
		assert_int_equal(v.match, PERSIST_RIGHT);
		assert_int_equal(v.until, made[i].until);
		free(value);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		assert_null(persist_value("ca.test", bad[i], false, 0, &err));
		assert_string_equal(err.code, "persist:account");
	}
}

static void
test_names(void **state)
{
	char out[PERSIST_FQDN_SIZE];

	persist_fqdn("example.com", out);
	assert_string_equal(out, "_validation-persist.example.com");
	persist_fqdn("*.example.com", out);
	assert_string_equal(out, "_validation-persist.example.com");
}

static void
test_zone_text(void **state)
{
	char value[600], *text;

	text = persist_zone_text("a; b=c");
	assert_string_equal(text, "\"a; b=c\"");
	free(text);
	text = persist_zone_text("");
	assert_string_equal(text, "\"\"");
	free(text);
	text = persist_zone_text("a\"b\\");
	assert_string_equal(text, "\"a\\\"b\\\\\"");
	free(text);
	memset(value, 'x', sizeof(value));
	value[255] = '\0';
	text = persist_zone_text(value);
	assert_int_equal(strlen(text), 257);
	free(text);
	value[255] = 'y';
	value[511] = '\0';
	text = persist_zone_text(value);
	assert_int_equal(strlen(text), 511 + 3 * 2 + 2);
	assert_memory_equal(text + 255, "x\" \"y", 5);
	assert_memory_equal(text + 255 + 258, "x\" \"x\"", 6);
	free(text);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_any_issuer),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_zone_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
