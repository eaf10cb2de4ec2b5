/* SPDX-License-Identifier: MIT */
/* Counters and histograms as Prometheus' text format wants them. */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/io/tally.h"

static char *
printed(const struct tallies *l)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	assert_non_null(f);
	tallies_print(l, "acmed_ca", "CAs", f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void
assert_has(const char *text, const char *line)
{
	if (strstr(text, line) == NULL)
		fail_msg("no \"%s\" in:\n%s", line, text);
}

static void
test_counts(void **state)
{
	struct tallies l;
	struct tally *t;
	char *text;

	tallies_init(&l);
	text = printed(&l);
	assert_string_equal(text, "");
	free(text);
	t = tallies_get(&l, "account", "le", "ca", "ca.test");
	tally_add(t, 5, ERR_NONE);
	tally_add(t, 6, ERR_NONE);
	tally_add(t, -3, ERR_TRANSIENT);	/* a clock that was odd */
	tally_add(t, 31000, ERR_RATELIMIT);
	tally_add(NULL, 1, ERR_NONE);
	assert_ptr_equal(t, tallies_get(&l, "account", "le", "ca", "ca.test"));
	text = printed(&l);
#define LE "{account=\"le\",ca=\"ca.test\""
	assert_has(text, "\nacmed_ca_requests_total" LE "} 4\n");
	assert_has(text, "\nacmed_ca_request_errors_total" LE
	    ",kind=\"transient\"} 1\n");
	assert_has(text, "\nacmed_ca_request_errors_total" LE
	    ",kind=\"rejected\"} 0\n");
#define TOOK "\nacmed_ca_request_duration_seconds"
	assert_has(text, TOOK "_bucket" LE ",le=\"0.005\"} 2\n");
	assert_has(text, TOOK "_bucket" LE ",le=\"0.01\"} 3\n");
	assert_has(text, TOOK "_bucket" LE ",le=\"30\"} 3\n");
	assert_has(text, TOOK "_bucket" LE ",le=\"+Inf\"} 4\n");
	assert_has(text, TOOK "_sum" LE "} 31.011\n");
	assert_has(text, TOOK "_count" LE "} 4\n");
	free(text);
	tallies_clear(&l);
}

/* Whatever a label's value has, and however many there are. */
static void
test_labels(void **state)
{
	struct tallies l;
	struct tally *other;
	char *text;

	tallies_init(&l);
	tally_add(tallies_get(&l, "account", "a\"b\\c\nd", "ca", "x"), 1,
	    ERR_NONE);
	for (int i = 1; i < TALLIES_MAX; i++) {
		char *name = xasprintf("a%d", i);

		(void)tallies_get(&l, "account", name, "ca", "x");
		free(name);
	}
	other = tallies_get(&l, "account", "one more", "ca", "x");
	tally_add(other, 1, ERR_NONE);
	assert_ptr_equal(other, tallies_get(&l, "account", "two more", "ca",
	    "y"));
	assert_ptr_not_equal(other, tallies_get(&l, "account", "a7", "ca",
	    "x"));
	text = printed(&l);
	assert_has(text, "acmed_ca_requests_total{account=\"a\\\"b\\\\c\\nd\","
	    "ca=\"x\"} 1\n");
	assert_has(text, "acmed_ca_requests_total{account=\"other\","
	    "ca=\"other\"} 1\n");
	assert_null(strstr(text, "more"));
	free(text);
	tallies_clear(&l);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counts),
		cmocka_unit_test(test_labels),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
