/* SPDX-License-Identifier: MIT */
#include "tests/unit/engine_rig.h"

#include <stdio.h>

#include "common/clock.h"

#define WEB "certificate \"web\" { names = { \"example.test\", " \
    "\"*.example.test\" } provider = dns }\n"

static void
test_first_issue(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	if (r->oks != 1)
		fail_msg("%s\n%s", r->err.msg, r->events);
	assert_string_equal(erig_row(r, "web")->serial, "ab0001");
	fake_time_pass(MINUTE);
	assert_int_equal(fake_dns_count(), 0);
	erig_down(r);
	fprintf(stderr, "%s%s", r->events, fake_dns.log);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_first_issue),
	};

	return cmocka_run_group_tests_name("renewal", tests,
	    erig_group_setup, erig_group_teardown);
}
