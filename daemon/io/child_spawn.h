/* SPDX-License-Identifier: MIT */
/* child_spawn - the start of a program, for child.c alone. */
#ifndef DAEMON_IO_CHILD_SPAWN_H
#define DAEMON_IO_CHILD_SPAWN_H

#include <stdbool.h>
#include <sys/types.h>

struct child_args;
struct error;

/*
 * Start args->argv in a process group of its own.  fds: our ends of its
 * standard input (-1 if there is none), output and error, non-blocking.
 * has_cr: its first line ends in CR LF, which may be why it fails.
 * Errors as in child_done_cb.
 */
int	child_spawn(const struct child_args *, pid_t *pid, int fds[3],
	    bool *has_cr, struct error *);

#endif
