/* SPDX-License-Identifier: MIT */
#include "tests/fake/fake_time.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/io/loop.h"

#define TIMERS_MAX	2048
#define BUSY		20000	/* callbacks in one millisecond */

static struct {
	struct timer	*timer;
	int64_t		 at_ms;
	uint64_t	 seq;
} timers[TIMERS_MAX];
static unsigned n_timers;
static uint64_t next_seq;
static int64_t mono_ms, wall_ms;	/* wall_ms: at mono_ms 0 */
static unsigned busy;

void	__wrap_timer_set(struct timer *, int64_t ms);
void	__wrap_timer_clear(struct timer *);
bool	__wrap_timer_is_set(const struct timer *);
int64_t	__wrap_clock_mono_ms(void);
int64_t	__wrap_clock_boot_ms(void);

static void
set_clock(int64_t ms)
{
	if (ms > mono_ms) {
		mono_ms = ms;
		busy = 0;
	}
	clock_test_set((time_t)((wall_ms + mono_ms) / 1000));
}

void
fake_time_start(time_t now)
{
	n_timers = 0;
	mono_ms = 1000;
	wall_ms = (int64_t)now * 1000 - mono_ms;
	busy = 0;
	set_clock(mono_ms);
}

void
fake_time_jump(int64_t s)
{
	wall_ms += s * 1000;
	set_clock(mono_ms);
}

unsigned
fake_time_timers(void)
{
	return n_timers;
}

static unsigned
find(const struct timer *t)
{
	unsigned i = 0;

	while (i < n_timers && timers[i].timer != t)
		i++;
	return i;
}

void
__wrap_timer_clear(struct timer *t)
{
	unsigned i = find(t);

	if (i < n_timers)
		timers[i] = timers[--n_timers];
}

bool
__wrap_timer_is_set(const struct timer *t)
{
	return find(t) < n_timers;
}

void
__wrap_timer_set(struct timer *t, int64_t ms)
{
	__wrap_timer_clear(t);
	if (n_timers == TIMERS_MAX)
		abort();
	timers[n_timers].timer = t;
	timers[n_timers].at_ms = mono_ms + (ms > 0 ? ms : 0);
	timers[n_timers++].seq = next_seq++;
}

int64_t
__wrap_clock_mono_ms(void)
{
	return mono_ms;
}

int64_t
__wrap_clock_boot_ms(void)
{
	return mono_ms;
}

static unsigned
first(void)
{
	unsigned best = 0;

	for (unsigned i = 1; i < n_timers; i++) {
		if (timers[i].at_ms < timers[best].at_ms ||
		    (timers[i].at_ms == timers[best].at_ms &&
		    timers[i].seq < timers[best].seq))
			best = i;
	}
	return best;
}

bool
fake_time_step(void)
{
	struct timer *t;
	unsigned i;

	if (n_timers == 0)
		return false;
	i = first();
	t = timers[i].timer;
	set_clock(timers[i].at_ms);
	timers[i] = timers[--n_timers];
	if (++busy > BUSY) {
		fprintf(stderr, "a busy loop: the time does not pass\n");
		abort();
	}
	t->cb(t->arg);
	return true;
}

void
fake_time_pass(int64_t ms)
{
	int64_t end = mono_ms + ms;

	while (n_timers > 0 && timers[first()].at_ms <= end)
		(void)fake_time_step();
	set_clock(end);
}
