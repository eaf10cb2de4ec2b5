/* SPDX-License-Identifier: MIT */
/*
 * load - the files of a configuration: the main one and what it includes,
 * each parsed on its own.  Used by conf.c.
 */
#ifndef DAEMON_CONFIG_LOAD_H
#define DAEMON_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>

struct mistakes;
struct schema;
struct section;
struct source;

struct load {
	struct schema	*schema;
	struct mistakes	*m;
	struct source	**sources;
	struct section	**files;	/* by source; NULL: a syntax error */
	size_t		 n, room;
	bool		 is_partial;	/* something could not be read */
	void		*seen;		/* tsearch(3) of device and inode */
};

/* Read everything that path leads to.  The caller sets schema and m. */
void	load_all(struct load *, const char *path);
/* Frees the trees, not the sources. */
void	load_clear(struct load *);
void	load_free_sources(struct source **, size_t n);

#endif
