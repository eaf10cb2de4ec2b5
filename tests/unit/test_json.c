/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"

static void
test_parse(void **state)
{
	static const struct {
		const char *text;
		size_t len;	/* 0: strlen */
		bool ok;
	} cases[] = {
		{ "{}", 0, true }, { " [1, 2] \n", 0, true },
		{ "{\"a\": {\"b\": [\"x\"]}}", 0, true },
		{ "", 0, false }, { "\"text\"", 0, false }, { "12", 0, false },
		{ "null", 0, false }, { "{} x", 0, false },
		{ "{}{}", 0, false }, { "{\"a\": 1, \"a\": 2}", 0, false },
		{ "{\"a\": 1,}", 0, false }, { "{'a': 1}", 0, false },
		{ "[\"\xff\"]", 0, false }, { "[\"\\u0000\"]", 0, false },
		{ "{}\0", 3, false }, { "[\"\xed\xa0\x80\"]", 0, false },
		{ "<html>\x1b[31m</html>", 0, false }, { "{}garbage", 2, true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		size_t len = cases[i].len > 0 ? cases[i].len :
		    strlen(cases[i].text);
		struct error err = { 0 };
		json_t *root = jsonx_parse(cases[i].text, len, &err);

		if ((root != NULL) != cases[i].ok)
			fail_msg("case %zu: %s", i, err.msg);
		if (root == NULL) {
			assert_int_equal(err.kind, ERR_REJECTED);
			assert_string_equal(err.code, "json:syntax");
			assert_null(strchr(err.msg, '\x1b'));
		}
		json_decref(root);
	}
}

/* Nesting without end must not end us. */
static void
test_depth(void **state)
{
	size_t len = 1000000;
	char *text = malloc(len);
	struct error err;

	assert_non_null(text);
	memset(text, '[', len);
	assert_null(jsonx_parse(text, len, &err));
	free(text);
}

static const char doc[] = "{\"zones\": [{\"id\": \"z1\", \"n\": 7}, "
    "{\"id\": 9007199254740993}], \"big\": 9223372036854775807, "
    "\"t\": true, \"nil\": null, \"r\": 1.5, \"0\": \"zero\"}";

static void
test_get(void **state)
{
	static const struct { const char *path, *str; } strings[] = {
		{ "zones.0.id", "z1" }, { "zones.1.id", NULL },
		{ "zones.2.id", NULL }, { "zones.x.id", NULL },
		{ "zones..id", NULL }, { "zones.-1.id", NULL },
		{ "zones.4294967296.id", NULL }, { "zones", NULL },
		{ "0", "zero" }, { "", NULL }, { "zones.0.id.x", NULL },
		{ "zones.0.", NULL }, { "nil", NULL },
	};
	struct error err;
	json_t *root = jsonx_parse(doc, strlen(doc), &err);

	assert_non_null(root);
	for (size_t i = 0; i < N_ELEMENTS(strings); i++) {
		const char *s = jsonx_str(root, strings[i].path);

		if (strings[i].str == NULL)
			assert_null(s);
		else
			assert_string_equal(s, strings[i].str);
	}
	assert_int_equal(jsonx_int(root, "zones.0.n", -1), 7);
	assert_int_equal(jsonx_int(root, "zones.0.id", -1), -1);
	assert_int_equal(jsonx_int(root, "big", -1), INT64_MAX);
	assert_true(jsonx_bool(root, "t", false));
	assert_true(jsonx_bool(root, "nil", true));
	assert_false(jsonx_bool(root, "absent", false));
	assert_true(json_is_null(jsonx_get(root, "nil")));
	assert_null(jsonx_get(NULL, "a"));
	json_decref(root);
}

static void
test_copy(void **state)
{
	static const struct { const char *path; size_t size;
	    const char *out; } cases[] = {
		{ "zones.0.id", 3, "z1" }, { "zones.0.id", 2, NULL },
		{ "zones.1.id", 32, "9007199254740993" },
		{ "zones.1.id", 16, NULL }, { "t", 32, NULL },
		{ "r", 32, NULL }, { "nil", 32, NULL }, { "no", 32, NULL },
	};
	struct error err;
	json_t *root = jsonx_parse(doc, strlen(doc), &err);

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char out[32] = "untouched";
		int r = jsonx_copy_str(root, cases[i].path, out,
		    cases[i].size, &err);

		assert_int_equal(r, cases[i].out == NULL ? -1 : 0);
		assert_string_equal(out,
		    cases[i].out == NULL ? "untouched" : cases[i].out);
	}
	json_decref(root);
}

static void
test_any(void **state)
{
	static const struct { const char *text, *path, *out; } cases[] = {
		{ "7", "", NULL }, { "{\"a\":1,\"a\":2}", "", NULL },
		{ "{", "a", NULL }, { "{\"a\":12}", "a", "12" },
		{ "{\"a\":18446744073709551615}", "a",
		    "18446744073709551615" },
		{ "[-18446744073709551615]", "0", "-18446744073709551615" },
		{ "{\"a\":\"\\\"99999999999999999999\",\"b\":"
		    "99999999999999999999}", "a", "\"99999999999999999999" },
		{ "{\"a\":9223372036854775807,\"b\":9223372036854775808}",
		    "a", "9223372036854775807" },
		{ "{\"a\":123,\"b\":[9999999999999999999999]}", "a", "123" },
		{ "{\"b\":99999999999999999999.5,\"a\":99999999999999999999}",
		    "a", "99999999999999999999" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		json_t *root = jsonx_parse_any(cases[i].text,
		    strlen(cases[i].text));
		struct error err;
		char out[32];

		assert_int_equal(jsonx_copy_str(root, cases[i].path, out,
		    sizeof(out), &err), cases[i].out == NULL ? -1 : 0);
		if (cases[i].out != NULL)
			assert_string_equal(out, cases[i].out);
		json_decref(root);
	}
}

static void
test_number(void **state)
{
	json_t *root = json_pack("{s:s, s:i, s:s, s:s, s:n}", "s", "-12",
	    "i", 12, "empty", "", "odd", "12 s", "nil");

	assert_int_equal(jsonx_number(root, "s", 7), -12);
	assert_int_equal(jsonx_number(root, "i", 7), 12);
	assert_int_equal(jsonx_number(root, "empty", 7), 7);
	assert_int_equal(jsonx_number(root, "odd", 7), 7);
	assert_int_equal(jsonx_number(root, "nil", 7), 7);
	assert_int_equal(jsonx_number(root, "absent", 7), 7);
	json_decref(root);
}

/* What is freed is given out again as it was left, but for the allocator's own
 * words at its begin; not in a sanitizer's build, which keeps it. */
static void
test_wiped(void **state)
{
	json_malloc_t get;
	json_free_t give;
	char *p, *again;

	jsonx_init();
	json_get_alloc_funcs(&get, &give);
	p = get(200);
	memset(p, 'K', 200);
	give(p);
	again = get(200);
	/* The allocator's own words are random: one letter may be in them. */
	if (again == p)
		assert_null(memmem(again, 200, "KKKK", 4));
	give(again);
	json_set_alloc_funcs(malloc, free);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_copy),
		cmocka_unit_test(test_any),
		cmocka_unit_test(test_number),
		cmocka_unit_test(test_wiped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
