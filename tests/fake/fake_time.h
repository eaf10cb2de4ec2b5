/* SPDX-License-Identifier: MIT */
/*
 * fake_time - time that passes only when a test says so: the loop's timers
 * and all clocks.  A year is over as soon as its timers have run.  Link with
 * --wrap for timer_set, timer_clear, timer_is_set, clock_mono_ms and, where
 * it is used, clock_boot_ms.
 */
#ifndef TESTS_FAKE_FAKE_TIME_H
#define TESTS_FAKE_FAKE_TIME_H

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Begin anew, without timers, at this time. */
void	fake_time_start(time_t now);
/* Go on to the next timer and run it; false if there is none. */
bool	fake_time_step(void);
/*
 * Run all that is due within ms.  Aborts if the time does not pass because
 * callbacks set each other anew without end: a busy loop.
 */
void	fake_time_pass(int64_t ms);
/* The wall clock jumps; timers do not notice. */
void	fake_time_jump(int64_t s);
/* Timers that are set. */
unsigned	fake_time_timers(void);

#define SECOND	INT64_C(1000)
#define MINUTE	(60 * SECOND)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)

#endif
