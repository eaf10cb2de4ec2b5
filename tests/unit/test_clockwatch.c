/* SPDX-License-Identifier: MIT */
/* The kernel tells that the clock was set: by a nanosecond, which nobody else
 * minds, while the clock of the test is set by hours. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/timex.h>

#include "common/clock.h"
#include "daemon/io/clockwatch.h"

struct seen {
	int64_t		 set_s, slept_s;
	unsigned	 n;
};

static void
moved_cb(int64_t set_s, int64_t slept_s, void *arg)
{
	struct seen *seen = arg;

	seen->set_s = set_s;
	seen->slept_s = slept_s;
	seen->n++;
}

static void
over_cb(void *arg)
{
	*(bool *)arg = true;
}

/* Set it, and let the loop run for a moment. */
static void
set_clock(struct loop *loop)
{
	struct timex by = { .modes = ADJ_SETOFFSET | ADJ_NANO,
	    .time.tv_usec = 1 };
	bool over = false;
	struct timer t;

	if (adjtimex(&by) == -1) {
		assert_int_equal(errno, EPERM);
		print_message("the clock cannot be set here\n");
		skip();
	}
	timer_init(&t, loop, over_cb, &over);
	timer_set(&t, 20);
	while (!over)
		loop_turn(loop);
}

static void
test_set(void **state)
{
	struct loop *loop = loop_new();
	struct seen seen = { .n = 0 };
	struct clockwatch c;

	clock_test_set(1800000000);
	clockwatch_init(&c, loop, moved_cb, &seen);
	clockwatch_start(&c);
	set_clock(loop);		/* by less than a second */
	assert_int_equal(seen.n, 0);
	clock_test_set(1800000000 + 7200);
	set_clock(loop);
	assert_int_equal(seen.n, 1);
	assert_in_range(seen.set_s, 7198, 7200);
	assert_int_equal(seen.slept_s, 0);
	clock_test_set(1800000000);
	set_clock(loop);
	assert_int_equal(seen.n, 2);
	assert_in_range(-seen.set_s, 7199, 7202);
	clockwatch_stop(&c);
	clock_test_set(1800000000 + 7200);
	set_clock(loop);
	assert_int_equal(seen.n, 2);
	clock_test_set(0);
	loop_free(loop);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
	};

	return cmocka_run_group_tests_name("clockwatch", tests, NULL, NULL);
}
