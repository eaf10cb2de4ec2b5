/* SPDX-License-Identifier: MIT */
/* What the shared steps of record-style providers make of odd lists. */
#include "tests/unit/unit.h"

#include <string.h>

#include "providers/records.h"

#define FQDN "_acme-challenge.w.example.test"

static void
ours(const struct provider_records *r, const char *record, bool want)
{
	const struct provider_call c = { .records = r, .fqdn = FQDN,
	    .zone = "example.test", .value = "v" };
	json_t *json = json_loads(record, JSON_DECODE_ANY, NULL);

	assert_non_null(json);
	assert_int_equal(records_is_ours(&c, json), want);
	json_decref(json);
}

static void
test_is_ours(void **state)
{
	static const struct provider_records relative = { .name = "n",
	    .value = "v", .type = "t", .apex = "@" },
	    full = { .name = "n", .value = "v", .type = "t" },
	    numbers = { .name = "n", .value = "v", .type = "t", .txt = 3,
	    .apex = "" };

	ours(&relative,
	    "{\"n\":\"_acme-challenge.w\",\"v\":\"v\",\"t\":\"TXT\"}", true);
	ours(&relative,
	    "{\"n\":\"_ACME-Challenge.W\",\"v\":\"\\\"v\\\"\",\"t\":\"TXT\"}",
	    true);
	ours(&relative, "{\"n\":\"" FQDN ".\",\"v\":\"v\",\"t\":\"TXT\"}",
	    true);
	ours(&relative, "{\"n\":\"@\",\"v\":\"v\",\"t\":\"TXT\"}", false);
	ours(&relative, "{\"n\":\"x" FQDN "\",\"v\":\"v\",\"t\":\"TXT\"}",
	    false);
	ours(&relative,
	    "{\"n\":\"_acme-challenge.w\",\"v\":\"V\",\"t\":\"TXT\"}", false);
	ours(&relative,
	    "{\"n\":\"_acme-challenge.w\",\"v\":\"v\",\"t\":\"A\"}", false);
	ours(&relative, "{\"n\":\"_acme-challenge.w\",\"v\":\"v\"}", false);
	ours(&relative, "{\"n\":7,\"v\":\"v\",\"t\":\"TXT\"}", false);
	ours(&relative,
	    "{\"n\":\"_acme-challenge.w\",\"v\":[\"v\"],\"t\":\"TXT\"}",
	    false);
	ours(&relative, "[]", false);
	ours(&relative, "\"text\"", false);
	ours(&full,
	    "{\"n\":\"_acme-challenge.w\",\"v\":\"v\",\"t\":\"TXT\"}", false);
	ours(&full, "{\"n\":\"" FQDN "..\",\"v\":\"v\",\"t\":\"TXT\"}",
	    false);
	ours(&full, "{\"n\":\"" FQDN ".x\",\"v\":\"v\",\"t\":\"TXT\"}",
	    false);
	ours(&numbers, "{\"n\":\"_acme-challenge.w\",\"v\":\"v\",\"t\":3}",
	    true);
	ours(&numbers, "{\"n\":\"_acme-challenge.w\",\"v\":\"v\",\"t\":\"3\"}",
	    true);
	ours(&numbers, "{\"n\":\"_acme-challenge.w\",\"v\":\"v\",\"t\":\"4\"}",
	    false);
}

/* One page of n entries: is there another? */
static void
test_pages(void **state)
{
	static const struct records_list more = { .more = "m" },
	    pages = { .pages = "m" }, total = { .total = "m" },
	    cursor = { .cursor = "m" },
	    marked = { .more = "is", .cursor = "m" };
	static const struct {
		const struct records_list *list;
		const char *answer;
		size_t n;
		enum rest_next next;
	} cases[] = {
		{ &more, "{\"m\":true}", 1, REST_AGAIN },
		{ &more, "{\"m\":\"https://next\"}", 1, REST_AGAIN },
		{ &more, "{\"m\":\"\"}", 1, REST_DONE },
		{ &more, "{\"m\":null}", 1, REST_DONE },
		{ &more, "{}", 1, REST_DONE },
		{ &pages, "{\"m\":2}", 1, REST_AGAIN },
		{ &pages, "{\"m\":\"2\"}", 1, REST_AGAIN },
		{ &pages, "{\"m\":1}", 1, REST_DONE },
		{ &pages, "{\"m\":[9]}", 1, REST_DONE },
		{ &total, "{\"m\":9}", 8, REST_AGAIN },
		{ &total, "{\"m\":9}", 9, REST_DONE },
		{ &total, "{\"m\":9}", 0, REST_DONE },
		{ &total, "{\"m\":\"9\"}", 8, REST_AGAIN },
		{ &cursor, "{\"m\":\"c\"}", 1, REST_AGAIN },
		{ &cursor, "{\"m\":\"\"}", 1, REST_DONE },
		{ &marked, "{\"is\":true,\"m\":\"c\"}", 1, REST_AGAIN },
		{ &marked, "{\"is\":false,\"m\":\"c\"}", 1, REST_DONE },
		{ &marked, "{\"is\":true}", 1, REST_FAIL },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct provider_call c = { .list = { .page = 0 } };
		json_t *json = json_loads(cases[i].answer, 0, NULL);
		struct rest_answer a = { .json = json };
		struct error err;

		assert_int_equal(records_page(&c, &a, cases[i].list,
		    cases[i].n, REST_DONE, &err), cases[i].next);
		assert_int_equal(c.list.page, 1);
		assert_string_equal(c.list.cursor, cases[i].next ==
		    REST_AGAIN && cases[i].list->cursor != NULL ? "c" :
		    "");
		json_decref(json);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_is_ours), cmocka_unit_test(test_pages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
