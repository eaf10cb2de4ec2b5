/* SPDX-License-Identifier: MIT */
/*
 * clock - LD_PRELOAD: all clocks are as many seconds ahead as the file
 * $SOAK_CLOCK says, an int64_t that may change at any time; with $SOAK_WALL
 * the wall clock alone.  libfaketime opens its file at each look at the clock,
 * and cannot be had together with jemalloc, which named has.
 */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const volatile int64_t nothing;
static const volatile int64_t *ahead;
static int is_wall;

/* Called before any constructor, by malloc: system calls only. */
static void
begin(void)
{
	const char *path = getenv("SOAK_CLOCK");
	long fd = path == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, path,
	    O_RDONLY | O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0) {
		p = mmap(NULL, sizeof(*ahead), PROT_READ, MAP_SHARED, (int)fd,
		    0);
		(void)syscall(SYS_close, fd);
	}
	is_wall = getenv("SOAK_WALL") != NULL;
	ahead = p == MAP_FAILED ? &nothing : p;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	long rc = syscall(SYS_clock_gettime, id, ts);

	if (ahead == NULL)
		begin();
	if (rc != 0 || id == CLOCK_PROCESS_CPUTIME_ID ||
	    id == CLOCK_THREAD_CPUTIME_ID ||
	    (is_wall && id != CLOCK_REALTIME && id != CLOCK_REALTIME_COARSE))
		return (int)rc;
	ts->tv_sec += *ahead;
	return 0;
}

time_t
time(time_t *t)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	if (t != NULL)
		*t = ts.tv_sec;
	return ts.tv_sec;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
	return 0;
}
