/* SPDX-License-Identifier: MIT */
#include "daemon/io/clockwatch.h"

#include <errno.h>
#include <stddef.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "common/clock.h"

#define NEVER_S ((time_t)1 << 40)	/* the timer is not to fire */
#define LEAST_MS 1000		/* schedules are in seconds */

/* How far the wall clock is from the one that counts sleep, and that from the
 * one that does not. */
static void
measure(int64_t *wall_ms, int64_t *boot_ms)
{
	int64_t boot = clock_boot_ms();

	*wall_ms = clock_now_ms() - boot;
	*boot_ms = boot - clock_mono_ms();
}

/* What was set but a little adds up. */
static int64_t
moved_s(int64_t *before_ms, int64_t now_ms)
{
	int64_t moved = now_ms - *before_ms;

	if (moved > -LEAST_MS && moved < LEAST_MS)
		return 0;
	*before_ms = now_ms;
	return moved / 1000;
}

static int
arm(int fd)
{
	struct itimerspec never = { .it_value.tv_sec = NEVER_S };

	/* ECANCELED: it is armed, and the clock was set since the last read(2);
	 * see the NOTES of timerfd_settime(2). */
	return timerfd_settime(fd, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET,
	    &never, NULL) == 0 || errno == ECANCELED ? 0 : -1;
}

static void
ready_cb(int fd, unsigned what, void *arg)
{
	struct clockwatch *c = arg;
	int64_t wall_ms, boot_ms, set_s, slept_s;
	uint64_t fired;

	if (read(fd, &fired, sizeof(fired)) == -1 && errno == EAGAIN)
		return;
	/* Before the clocks are read: a change after that is told again. */
	if (arm(fd) == -1) {
		clockwatch_stop(c);
		return;
	}
	measure(&wall_ms, &boot_ms);
	set_s = moved_s(&c->wall_ms, wall_ms);
	slept_s = moved_s(&c->boot_ms, boot_ms);
	if (set_s != 0 || slept_s != 0)
		c->cb(set_s, slept_s, c->arg);
}

void
clockwatch_init(struct clockwatch *c, struct loop *loop, clockwatch_cb *cb,
    void *arg)
{
	c->fd = -1;
	c->cb = cb;
	c->arg = arg;
	fdwatch_init(&c->watch, loop, ready_cb, c);
}

void
clockwatch_start(struct clockwatch *c)
{
	c->fd = timerfd_create(CLOCK_REALTIME, TFD_NONBLOCK | TFD_CLOEXEC);
	if (c->fd == -1 || arm(c->fd) == -1) {
		clockwatch_stop(c);
		return;
	}
	measure(&c->wall_ms, &c->boot_ms);
	fdwatch_set(&c->watch, c->fd, FD_READ);
}

void
clockwatch_stop(struct clockwatch *c)
{
	fdwatch_clear(&c->watch);
	if (c->fd != -1)
		(void)close(c->fd);
	c->fd = -1;
}
