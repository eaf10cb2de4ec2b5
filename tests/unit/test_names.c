/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/names.h"

#define L63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define L49 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
test_normalize(void **state)
{
	static const struct {
		const char *in;
		bool host, wildcard;
		const char *out;	/* NULL: refused */
	} cases[] = {
		{ "Example.ORG", true, false, "example.org" },
		{ "example.org.", true, false, "example.org" },
		{ "a-b.1.example", true, false, "a-b.1.example" },
		{ "b\xc3\xbc" "cher.Example.", true, false,
		    "xn--bcher-kva.example" },
		{ "B\xc3\x9c" "CHER.example", true, false,
		    "xn--bcher-kva.example" },
		{ "XN--BCHER-KVA.example", true, false,
		    "xn--bcher-kva.example" },
		{ "fa\xc3\x9f.de", true, false, "xn--fa-hia.de" },
		{ "example\xe3\x80\x82org", true, false, "example.org" },
		{ "ab--cd.example", true, false, "ab--cd.example" },
		{ "*.example.org", true, true, "*.example.org" },
		{ "*.b\xc3\xbc" "cher.example", true, true,
		    "*.xn--bcher-kva.example" },
		{ "_acme-challenge.example.org", false, false,
		    "_acme-challenge.example.org" },
		{ "_x.b\xc3\xbc" "cher.example", false, false,
		    "_x.xn--bcher-kva.example" },
		{ L63 ".example", true, false, L63 ".example" },
		{ L63 "." L63 "." L63 "." L49 ".example.org", true, false,
		    L63 "." L63 "." L63 "." L49 ".example.org" },
		{ L63 "." L63 "." L63 "." L49 ".example.org.", true, false,
		    L63 "." L63 "." L63 "." L49 ".example.org" },
		/* 254 characters */
		{ L63 "." L63 "." L63 "." L49 "b.example.org", true, false,
		    NULL },
		/* 253 without, 255 with the wildcard */
		{ "*." L63 "." L63 "." L63 "." L49 ".example.org", true, true,
		    NULL },
		{ L63 "b.example", true, false, NULL },
		{ "", true, true, NULL },
		{ ".", true, true, NULL },
		{ "localhost", true, false, NULL },
		{ "localhost.", true, false, NULL },
		{ "*.org", true, true, NULL },
		{ "*.example.org", true, false, NULL },
		{ "*.*.example.org", true, true, NULL },
		{ "a*.example.org", true, true, NULL },
		{ "a.*.example.org", true, true, NULL },
		{ "_x.example.org", true, false, NULL },
		{ "-a.example.org", true, false, NULL },
		{ "a-.example.org", true, false, NULL },
		{ ".example.org", true, false, NULL },
		{ "a..example.org", true, false, NULL },
		{ "example.org..", true, false, NULL },
		{ "b\xc3\xbc" "cher..example", true, false, NULL },
		{ "exa mple.org", true, false, NULL },
		{ "example.org\n", true, false, NULL },
		{ "https://example.org", true, false, NULL },
		{ "example.org:443", true, false, NULL },
		{ "192.0.2.1", true, false, NULL },
		{ "xn--a.example", true, false, NULL },
		{ "\xff\xfe.example", true, false, NULL },
		{ "\xe2\x98\x83.example", true, false, NULL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char out[DNAME_SIZE];
		struct error err = { 0 };
		int r = dname_normalize(cases[i].in, cases[i].host,
		    cases[i].wildcard, out, &err);

		if ((r == 0) != (cases[i].out != NULL))
			fail_msg("%s: %d %s", cases[i].in, r, err.msg);
		if (r == 0)
			assert_string_equal(out, cases[i].out);
		else
			assert_int_equal(err.kind, ERR_CONFIG);
	}
}

static void
test_long_input(void **state)
{
	char in[5000], out[DNAME_SIZE];
	struct error err;

	for (size_t i = 0; i + 1 < sizeof(in); i += 2)
		memcpy(in + i, "\xc3\xbc", 2);
	in[sizeof(in) - 2] = '\0';
	assert_int_equal(dname_normalize(in, true, false, out, &err), -1);
	memset(in, 'a', sizeof(in));
	in[sizeof(in) - 1] = '\0';
	assert_int_equal(dname_normalize(in, true, false, out, &err), -1);
}

static void
test_shown(void **state)
{
	static const struct {
		const char *shown;
		bool is;
	} cases[] = {
		{ "_x.xn--bcher-kva.example", true },
		{ "_X.XN--BCHER-KVA.Example.", true },
		{ "_x.b\xc3\xbc" "cher.example", true },
		{ "_x.B\xc3\x9c" "CHER.example.", true },
		{ "_x.bu\xcc\x88" "cher.example", true },	/* not NFC */
		{ "\\095x.xn--bcher-kva.example.", true },
		{ "\\_x.xn--bcher-kva.example", true },
		{ "_x.b\\195\\188cher.example", false },	/* raw */
		{ "_x\\046xn--bcher-kva.example", false },	/* one label */
		{ "_x.bucher.example", false },
		{ "y_x.xn--bcher-kva.example", false },
		{ "xn--bcher-kva.example", false },
		{ "_x.b\xfc" "cher.example", false },		/* no UTF-8 */
		{ "", false }, { ".", false }, { "\\", false },
	};
	char zone[DNAME_SIZE];
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		if (dname_is_shown(cases[i].shown,
		    "_x.xn--bcher-kva.example") != cases[i].is)
			fail_msg("%s", cases[i].shown);
	}
	assert_true(dname_is_shown("Mail", "mail"));
	assert_int_equal(dname_normalize_zone("B\xc3\xbc" "cher.", zone,
	    &err), 0);
	assert_string_equal(zone, "xn--bcher-kva");
	assert_int_equal(dname_normalize_zone("a b", zone, &err), -1);
}

static void
test_relations(void **state)
{
	static const struct {
		const char *name, *zone;
		bool is_in;
	} cases[] = {
		{ "a.example.org", "example.org", true },
		{ "example.org", "example.org", true },
		{ "badexample.org", "example.org", false },
		{ "org", "example.org", false },
		{ "example.org", "", true },
		{ "example.org", "example.com", false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(dname_is_in(cases[i].name, cases[i].zone),
		    cases[i].is_in);
	assert_string_equal(dname_parent("a.b.c"), "b.c");
	assert_string_equal(dname_parent("c"), "");
	assert_null(dname_parent(""));
	assert_true(dname_is_wildcard("*.a.b"));
	assert_false(dname_is_wildcard("*a.b"));
	assert_string_equal(dname_base("*.a.b"), "a.b");
	assert_string_equal(dname_base("a.b"), "a.b");
}

static void
test_object_name(void **state)
{
	static const struct { const char *name; int r; } cases[] = {
		{ "example.org", 0 }, { "a", 0 }, { "_a-B.9", 0 },
		{ "", -1 }, { ".", -1 }, { "..", -1 }, { ".a", -1 },
		{ "-a", -1 }, { "a/b", -1 }, { "a b", -1 },
		{ "*.example.org", -1 }, { "b\xc3\xbc", -1 },
		{ L49 L49 "aa", 0 }, { L49 L49 "aaa", -1 },
	};
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		if (object_name_check(cases[i].name, &err) != cases[i].r)
			fail_msg("%s", cases[i].name);
	}
}

/* What a person sees, only if it leads back to what is meant. */
static void
test_show(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "example.com", "example.com" },
		{ "xn--bcher-kva.example", "b\u00fccher.example "
		    "(xn--bcher-kva.example)" },
		{ "_acme-challenge.xn--bcher-kva.example",
		    "_acme-challenge.b\u00fccher.example "
		    "(_acme-challenge.xn--bcher-kva.example)" },
		{ "*.xn--55qx5d.cn", "*.\u516c\u53f8.cn (*.xn--55qx5d.cn)" },
		/* A label that is no punycode; one that decodes to ASCII; a
		   right-to-left override. */
		{ "xn--a.example", "xn--a.example" },
		{ "xn--abc-.example", "xn--abc-.example" },
		{ "xn--abc-7q0a.example", "xn--abc-7q0a.example" },
		{ "", "" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *got = dname_show(cases[i].in);

		assert_string_equal(got, cases[i].out);
		free(got);
	}
}

static void
test_addresses(void **state)
{
	static const struct { const char *in, *out; } cases[] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:DB8:0:0:0:0:0:7", "2001:db8::7" },
		{ "2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1" },
		{ "::FFFF:192.0.2.7", "::ffff:192.0.2.7" },
		{ "192.0.2.07", NULL }, { "192.0.2", NULL },
		{ "[2001:db8::7]", NULL }, { "fe80::1%eth0", NULL },
		{ "192.0.2.7:80", NULL }, { "a.test", NULL }, { "", NULL },
	};
	char out[DNAME_SIZE];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		bool is_one = address_normalize(cases[i].in, out);

		assert_int_equal(is_one, cases[i].out != NULL);
		if (!is_one)
			continue;
		assert_string_equal(out, cases[i].out);
		assert_true(name_is_address(out));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_normalize),
		cmocka_unit_test(test_long_input),
		cmocka_unit_test(test_shown),
		cmocka_unit_test(test_relations),
		cmocka_unit_test(test_show),
		cmocka_unit_test(test_object_name),
		cmocka_unit_test(test_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
