/* SPDX-License-Identifier: MIT */
/*
 * program - where a program is, and why it cannot be run: for child_spawn.c,
 * and for those who look before it is needed.
 */
#ifndef DAEMON_IO_PROGRAM_H
#define DAEMON_IO_PROGRAM_H

#include <limits.h>

struct error;

/* Where systemd and we look for a name without "/". */
#define PROGRAM_PATH \
	"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/*
 * The file that a name stands for: itself if it has a "/", else what is found
 * in search, directories with ":" between them.  ERR_CONFIG "child:exec" (not
 * there, not executable), with what mends it.
 */
int	program_find(const char *name, const char *search,
	    char out[PATH_MAX], struct error *);

/*
 * NULL, or why the user that runs this cannot run the program at path, as far
 * as that is seen without running it, with the command that mends it: mode,
 * owner, mount, first line, interpreter.  The caller frees.
 */
char	*program_fault(const char *path);

#endif
