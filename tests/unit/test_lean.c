/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/rest/lean.h"

static const struct {
	const char	*in, *out;		/* NULL: it does not match */
} cases[] = {
	{ "{\"Records\":[{\"a\":\"ours\"},{\"a\":1}],\"n\":1}",
	    "{\"Records\":[{\"a\":\"ours\"}],\"n\":1}" },
	{ "{\"Records\" : [ 1 , {\"a\":[\"ours\", {}]} , 2, \"ours\" ] }",
	    "{\"Records\" : [{\"a\":[\"ours\", {}]} ,\"ours\" ] }" },
	/* Zones with their records: all of these arrays. */
	{ "[{\"Id\":1,\"Records\":[1,2]},{\"Id\":2,\"Records\":[]}]",
	    "[{\"Id\":1,\"Records\":[]},{\"Id\":2,\"Records\":[]}]" },
	/* Brackets and quotes in strings are none. */
	{ "{\"x\":\"\\\"Records\\\":[\",\"Records\":[\"]\\\\\",\"}ours\\\"\"]}",
	    "{\"x\":\"\\\"Records\\\":[\",\"Records\":[\"}ours\\\"\"]}" },
	/* No array, no member, another member. */
	{ "{\"Records\":null}", "{\"Records\":null}" },
	{ "{\"Records\":{\"a\":[1]}}", "{\"Records\":{\"a\":[1]}}" },
	{ "[\"Records\",[1]]", "[\"Records\",[1]]" },
	{ "{\"records\":[1]}", "{\"records\":[1]}" },
	{ "", "" },
	{ "{\"Records\":[1", NULL },
	{ "{\"Records\":[{\"a\":1]", NULL },
	{ "{\"Records\":[1}", NULL },
	{ "{\"Records\":[,1]}", NULL },
	{ "{\"Records", NULL },
	{ "{\"Records\\", NULL },
};

static void
test_cases(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		size_t n = 0, len = strlen(cases[i].in);
		char *in = malloc(len + 1), *out;

		/* No byte behind it may be read. */
		memcpy(in, cases[i].in, len);
		out = lean_text(in, len, "Records", "ours", &n);
		if (cases[i].out == NULL)
			assert_null(out);
		else
			assert_string_equal(out, cases[i].out);
		assert_int_equal(n, out != NULL ? strlen(out) : 0);
		free(out);
		free(in);
	}
}

/* A text cut or changed anywhere: what is left of one that is JSON is JSON. */
static void
test_changed(void **state)
{
	static const char text[] = "{\"a\":[{\"Records\":[{\"N\":\"ours\\\"\"},"
	    " {\"N\" : [1,{}]} , \"x,]\"],\"b\":{}}], \"Records\":[]}";
	static const char put[] = "\"[]{},:\\ x";
	size_t len = sizeof(text) - 1, n;

	for (size_t i = 0; i < len; i++) {
		for (size_t j = 0; j < sizeof(put); j++) {
			size_t whole = j == sizeof(put) - 1 ? i : len;
			char *in = malloc(len), *out;
			json_t *is, *was;

			memcpy(in, text, len);
			if (whole == len)
				in[i] = put[j];
			out = lean_text(in, whole, "Records", "ours", &n);
			was = json_loadb(in, whole, 0, NULL);
			is = out != NULL ? json_loadb(out, n, 0, NULL) : NULL;
			if (was != NULL && is == NULL)
				fail_msg("%.*s", (int)whole, in);
			json_decref(was);
			json_decref(is);
			free(out);
			free(in);
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_changed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
