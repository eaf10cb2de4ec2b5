/* SPDX-License-Identifier: MIT */
/* The kernel tells that the clock was set: by a nanosecond, which nobody else
 * minds, while the clock of the test is set by hours. */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/timex.h>
#include <unistd.h>

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

static int
set_by_ns(void)
{
	struct timex by = { .modes = ADJ_SETOFFSET | ADJ_NANO,
	    .time.tv_usec = 1 };

	return adjtimex(&by);
}

/* Somebody sets the clock before the timer is armed the next time. */
static bool sets_before_arm;

int
timerfd_settime(int fd, int flags, const struct itimerspec *new,
    struct itimerspec *old)
{
	/* libevent has timers of its own. */
	if (sets_before_arm && (flags & TFD_TIMER_CANCEL_ON_SET) != 0) {
		sets_before_arm = false;
		assert_int_not_equal(set_by_ns(), -1);
	}
	return (int)syscall(SYS_timerfd_settime, fd, flags, new, old);
}

/* Set it, and let the loop run for a moment. */
static void
set_clock(struct loop *loop)
{
	bool over = false;
	struct timer t;

	if (set_by_ns() == -1) {
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
	/* Set again while that is seen to, it goes on to be watched. */
	clock_test_set(1800000000 + 3600);
	sets_before_arm = true;
	set_clock(loop);
	assert_int_equal(seen.n, 3);
	clock_test_set(1800000000);
	set_clock(loop);
	assert_int_equal(seen.n, 4);
	clockwatch_stop(&c);
	clock_test_set(1800000000 + 7200);
	set_clock(loop);
	assert_int_equal(seen.n, 4);
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
