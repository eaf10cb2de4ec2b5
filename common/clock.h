/* SPDX-License-Identifier: MIT */
/*
 * clock - the only reader of the time.  Tests move it; nothing else calls
 * time(2) or clock_gettime(2).
 */
#ifndef COMMON_CLOCK_H
#define COMMON_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Wall clock, seconds since the epoch, UTC. */
time_t	clock_now(void);
/* Wall clock in milliseconds. */
int64_t	clock_now_ms(void);
/* Monotonic milliseconds; does not go on while the machine sleeps. */
int64_t	clock_mono_ms(void);
/* The same, and it does. */
int64_t	clock_boot_ms(void);

/* For tests: the wall clock shows t, and stands still.  0: the real one. */
void	clock_test_set(time_t t);

#endif
