/* SPDX-License-Identifier: MIT */
/*
 * mistakes - what is wrong with a configuration, collected while it is read
 * and told at the end in the order of the files.
 */
#ifndef DAEMON_CONFIG_MISTAKES_H
#define DAEMON_CONFIG_MISTAKES_H

#include <stddef.h>
#include <stdbool.h>

#include "daemon/config/conf.h"

/* One file of the configuration. */
struct source {
	char		*path;
	unsigned	 order;		/* of reading; 0 is the main file */
	bool		 is_public;	/* every user can read it */
};

struct mistake {
	unsigned	 order;
	int		 line;
	size_t		 n;		/* to keep the order within a line */
	char		*text;		/* "FILE:LINE: ..." */
};

struct mistakes {
	struct mistake	*list;
	size_t		 n, room;
};

/* line 0: the file as a whole.  Control characters are replaced. */
void	mistake_add(struct mistakes *, const struct source *, int line,
	    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
/* Tell every one, in order. */
void	mistakes_report(struct mistakes *, conf_report_cb *, void *arg);
void	mistakes_clear(struct mistakes *);

#endif
