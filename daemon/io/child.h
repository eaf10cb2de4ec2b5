/* SPDX-License-Identifier: MIT */
/*
 * child - run one program on the event loop: a process group of its own, a
 * clean environment, no inherited descriptors, a time limit with TERM then KILL
 * for the whole group.  No shell, but for a text without "#!", as shells do.
 * Used by deploy actions, the exec provider and the making of RSA keys.
 *
 * As process 1 of a container, or where PR_SET_CHILD_SUBREAPER is set, also
 * what those programs leave behind is reaped when it ends.
 */
#ifndef DAEMON_IO_CHILD_H
#define DAEMON_IO_CHILD_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/io/child_spawn.h"

struct child_op;
struct children;
struct error;
struct loop;

struct child_reply {
	int		 status;	/* exit status, or -1 */
	int		 signo;		/* signal that ended it, or 0 */
	bool		 timed_out;
	bool		 has_cr;	/* the program's first line ends in
					   CR LF */
	unsigned	 timeout_ms;	/* the limit there was */
	const char	*out;		/* stdout, NUL-terminated */
	size_t		 out_len;
	const char	*errout;	/* stderr, NUL-terminated */
	size_t		 errout_len;
};

/*
 * err is set, and reply is NULL, only if the program could not be started:
 * ERR_CONFIG "child:exec" (missing, not executable, no interpreter; names the
 * program) or
 * ERR_TRANSIENT "child:fork" (no memory, too many processes).
 */
typedef void child_done_cb(const struct error *err,
    const struct child_reply *reply, void *arg);

/* One per process: owns SIGCHLD, and has SIGPIPE ignored. */
struct children	*children_new(struct loop *);
/* All operations must be finished or cancelled before. */
void		 children_free(struct children *);

/*
 * Start never fails and never calls done before it has returned.  done runs
 * once the program has exited, even if a grandchild still holds its pipes;
 * such a grandchild is left alone, unless the time was up.
 */
struct child_op	*child_start(struct children *, const struct child_args *,
		    child_done_cb *done, void *arg);
/* KILL the whole group; done will not be called.  NULL is allowed. */
void		 child_cancel(struct child_op *);

/*
 * Turn a reply into 0 or an error "PROGRAM exited with status 3: LINE | LINE"
 * with the last two lines of stderr, if there are so many, and what CR LF in
 * its first line would explain: ERR_TRANSIENT
 * "child:status", "child:signal", "child:timeout".
 */
int		 child_check(const struct child_reply *, const char *program,
		    struct error *);

/*
 * For programs whose output is no secret: what is kept of the last line that
 * they printed is added to child_check()'s error where stderr was silent.
 */
#define CHILD_LAST_MAX 256
void		 child_keep_last(char last[CHILD_LAST_MAX], const char *line);
void		 child_blame(const struct child_reply *,
		    const char last[CHILD_LAST_MAX], struct error *);

#endif
