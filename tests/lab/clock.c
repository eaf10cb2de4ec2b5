/* SPDX-License-Identifier: MIT */
/*
 * clock.c - LD_PRELOAD: a machine whose clocks say something else.  The file
 * $LAB_CLOCK holds three int64_t that may change at any time, in seconds: what
 * is added to CLOCK_REALTIME, to CLOCK_BOOTTIME, and to CLOCK_MONOTONIC.  With
 * $LAB_CLOCK_WALL only the first is.  The kernel's timers go on as they do; but
 * a byte in the FIFO $LAB_CLOCK_SET is what it tells of a clock that was set
 * (TFD_TIMER_CANCEL_ON_SET).
 *
 * libfaketime opens its file at each look at the clock, and cannot be had
 * together with jemalloc, which named has.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { WALL, BOOT, MONOTONIC, N };

static const volatile int64_t nothing[N];
static const volatile int64_t *ahead;
static int is_wall;

/* Called before any constructor, by malloc: system calls only. */
static void
begin(void)
{
	const char *path = getenv("LAB_CLOCK");
	long fd = path == NULL ? -1 : syscall(SYS_openat, AT_FDCWD, path,
	    O_RDONLY | O_CLOEXEC);
	void *p = MAP_FAILED;

	if (fd >= 0) {
		p = mmap(NULL, sizeof(nothing), PROT_READ, MAP_SHARED,
		    (int)fd, 0);
		(void)syscall(SYS_close, fd);
	}
	is_wall = getenv("LAB_CLOCK_WALL") != NULL;
	ahead = p == MAP_FAILED ? nothing : p;
}

int
clock_gettime(clockid_t id, struct timespec *ts)
{
	long rc = syscall(SYS_clock_gettime, id, ts);

	if (ahead == NULL)
		begin();
	if (rc != 0)
		return (int)rc;
	if (id == CLOCK_REALTIME || id == CLOCK_REALTIME_COARSE)
		ts->tv_sec += ahead[WALL];
	else if (is_wall)
		return 0;
	else if (id == CLOCK_BOOTTIME)
		ts->tv_sec += ahead[BOOT];
	else if (id != CLOCK_PROCESS_CPUTIME_ID &&
	    id != CLOCK_THREAD_CPUTIME_ID)
		ts->tv_sec += ahead[MONOTONIC];
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

	(void)zone;
	(void)clock_gettime(CLOCK_REALTIME, &ts);
	tv->tv_sec = ts.tv_sec;
	tv->tv_usec = (suseconds_t)(ts.tv_nsec / 1000);
	return 0;
}

static int told = -1;		/* the FIFO, in place of a timerfd */

int
timerfd_create(int id, int flags)
{
	const char *path = getenv("LAB_CLOCK_SET");

	if (path == NULL || id != CLOCK_REALTIME)
		return (int)syscall(SYS_timerfd_create, id, flags);
	told = (int)syscall(SYS_openat, AT_FDCWD, path,
	    O_RDWR | O_NONBLOCK | O_CLOEXEC);
	return told;
}

int
timerfd_settime(int fd, int flags, const struct itimerspec *new,
    struct itimerspec *old)
{
	if (fd == told)
		return 0;
	return (int)syscall(SYS_timerfd_settime, fd, flags, new, old);
}

ssize_t
read(int fd, void *buf, size_t size)
{
	ssize_t n = syscall(SYS_read, fd, buf, size);

	if (fd != told || n <= 0)
		return n;
	errno = ECANCELED;
	return -1;
}
