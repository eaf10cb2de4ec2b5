/* SPDX-License-Identifier: MIT */
/* scratch - a directory for one test, removed with all that is in it. */
#ifndef TESTS_UNIT_SCRATCH_H
#define TESTS_UNIT_SCRATCH_H

#include <stddef.h>
#include <sys/stat.h>

struct scratch {
	char	 dir[64];
	char	 path[512];
};

void	 scratch_make(struct scratch *);
void	 scratch_remove(struct scratch *);
/* dir/SUB; valid until the next call. */
const char *scratch_path(struct scratch *, const char *fmt, ...)
	    __attribute__((format(printf, 2, 3)));
void	 scratch_write(const char *path, const char *text);
/* Names in a directory that match the glob(7) pattern. */
size_t	 scratch_count(struct scratch *, const char *pattern);
/* Permission bits; fails the test if the path is missing. */
mode_t	 scratch_mode(const char *path);

/* Files may grow to this size (RLIMIT_FSIZE), no further: a full disk.
 * RLIM_INFINITY ends it. */
void	 scratch_limit(unsigned long bytes);

#endif
