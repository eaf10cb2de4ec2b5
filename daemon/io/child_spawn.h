/* SPDX-License-Identifier: MIT */
/*
 * child_spawn - the start of a program: what it is given, for users of child.h;
 * the start itself is for child.c alone.
 */
#ifndef DAEMON_IO_CHILD_SPAWN_H
#define DAEMON_IO_CHILD_SPAWN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct error;

#define CHILD_LINES_MAX 1000

/* Borrowed; child_start() copies. */
struct child_args {
	const char *const *argv;	/* NULL-terminated; argv[0] a path, or
					   a name looked for in PATH of env */
	const char *const *env;		/* NULL-terminated "KEY=value"; all the
					   child gets */
	const char	*dir;		/* its working directory; NULL: ours */
	const void	*input;		/* its standard input; or /dev/null */
	size_t		 input_len;
	size_t		 max_output;	/* bytes kept of stdout, and the same
					   of stderr; more is dropped */
	unsigned	 timeout_ms;	/* then TERM, later KILL; > 0 */
	unsigned	 grace_ms;	/* between the two; 0: 5 s */
	/* Each line of stdout or stderr as it comes (the last one even if
	   unfinished, a very long one cut), cleaned of control characters;
	   after CHILD_LINES_MAX of them a last one says that there is more.
	   May be NULL; may cancel. */
	void		(*line)(const char *line, bool is_stderr, void *arg);
};

/*
 * Start args->argv in a process group of its own.  fds: our ends of its
 * standard input (-1 if there is none), output and error, non-blocking.
 * has_cr: its first line ends in CR LF, which may be why it fails.
 * Errors as in child_done_cb.
 */
int	child_spawn(const struct child_args *, pid_t *pid, int fds[3],
	    bool *has_cr, struct error *);

/*
 * The path of this program, to be run again: by its name, since under valgrind
 * "/proc/self/exe" would run valgrind; as the file that runs if its name is
 * gone (an upgrade).
 */
void		 child_own_path(char *out, size_t size);

#endif
