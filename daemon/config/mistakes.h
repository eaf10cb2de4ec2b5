/* SPDX-License-Identifier: MIT */
/*
 * mistakes - what is wrong with a configuration, collected while it is read
 * and told at the end in the order of the files.
 */
#ifndef DAEMON_CONFIG_MISTAKES_H
#define DAEMON_CONFIG_MISTAKES_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/report.h"

struct pool;

/* One file of the configuration. */
struct source {
	char		*path;
	unsigned	 order;		/* of reading; 0 is the main file */
	bool		 is_public;	/* every user can read it */
	bool		 is_saved;	/* its last good version was read */
	char		*text;		/* as it was read; NULL: not kept */
	size_t		 len;
	struct pool	*pool;		/* that it and its tree are in */
};

/* What a mistake spoils, where it is not a section (its line). */
enum {
	TOP_FILE = -1,		/* the whole file: it cannot be parsed */
	TOP_VALUE = 0,		/* a value outside of sections */
	TOP_INCLUDE = -2	/* an include: only what it leads to */
};

struct mistake {
	enum conf_level	 level;
	unsigned	 order;
	int		 line;
	int		 top;		/* line of the outermost section */
	size_t		 n;		/* to keep the order within a line */
	char		*text;		/* "FILE:LINE: ..." */
	char		*path;		/* TOP_INCLUDE: what could not be
					   read; NULL: as order says */
};

struct mistakes {
	struct mistake	*list;
	size_t		 n, room;
	size_t		 n_wrong;	/* of CONF_MISTAKE */
	bool		 is_shell;	/* conf_check(): no service's
					   environment */
	bool		 is_elsewhere;	/* the section is for other hosts of
					   the cluster: opt_absent() */
	size_t		 n_absent;	/* ... that was not told */
};

/* line 0: the file as a whole.  Control characters are replaced. */
void	mistake_add(struct mistakes *, enum conf_level, const struct source *,
	    int line, int top, const char *fmt, ...)
	    __attribute__((format(printf, 6, 7)));
/* Tell every one, in order. */
void	mistakes_report(struct mistakes *, conf_report_cb *, void *arg);
void	mistakes_clear(struct mistakes *);

#endif
