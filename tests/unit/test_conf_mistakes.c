/* SPDX-License-Identifier: MIT */
/* Broken configurations, and the exact lines that are told of them. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "tests/unit/conf_fixture.h"

/* One account, one provider, in the first lines of a case. */
#define BASE "account \"le\" { }\nprovider \"dns\" { type = bare }\n"
#define VERIFY_ALLOWED "\"HOST:PORT\", and after a space " \
    "starttls=PROTOCOL, sni=NAME, connect=ADDRESS[:PORT], ca_file=FILE"
#define CERT BASE "certificate \"example.com\" {\n"
#define TSIG "provider \"p\" {\n type = tsig\n server = 192.0.2.1\n" \
    " key_name = k\n"
#define UNITS "allowed: names of systemd's units, such as " \
    "\"nginx.service\"\n"
#define AT "acmed.conf:"

static const struct {
	const char *text;
	const char *want;		/* "" if it is right */
} cases[] = {
#include "tests/unit/conf_cases.h"
#include "tests/unit/conf_cases_notify.h"
};

static void
test_mistakes(void **state)
{
	int failed = 0;

	(void)unsetenv("CREDENTIALS_DIRECTORY");
	fixture_write("secret", 0600, "c2VjcmV0\n");
	fixture_write("open", 0644, "c2VjcmV0\n");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct conf *conf;
		char *got;

		fixture_write("acmed.conf", 0600, cases[i].text);
		conf = fixture_load("acmed.conf", &got);
		if (strcmp(got, cases[i].want) != 0) {
			print_error("%s\n- want\n%s- got\n%s\n",
			    cases[i].text, cases[i].want, got);
			failed++;
		}
		assert_int_equal(conf == NULL, got[0] != '\0');
		conf_unref(conf);
		free(got);
	}
	fixture_remove("acmed.conf");
	fixture_remove("secret");
	fixture_remove("open");
	assert_int_equal(failed, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_mistakes),
	};

	return cmocka_run_group_tests(tests, fixture_setup,
	    fixture_teardown);
}
