/* SPDX-License-Identifier: MIT */
/*
 * load - the files of a configuration: the main one and what it includes,
 * each parsed on its own.  Used by conf_read.c.
 */
#ifndef DAEMON_CONFIG_LOAD_H
#define DAEMON_CONFIG_LOAD_H

#include <stdbool.h>
#include <stddef.h>

struct mistakes;
struct pool;
struct saved;
struct saved_file;
struct schema;
struct section;
struct source;

/* What conf_load_start() leaves out of a configuration with mistakes. */
struct load_rule {
	char		*path;
	const struct saved_file *saved;	/* read this instead; else NULL */
	int		 top;		/* leave out the section of this line;
					   TOP_FILE: the whole file */
	char		*what;		/* the section's kind and name */
};

struct load_rules {
	struct load_rule *list;
	size_t		 n;
	const struct saved *saved;	/* for what cannot be read; or NULL */
	bool		 are_drafts;	/* includes lead also to files that
					   are not there yet */
};

struct load {
	struct schema	*schema;
	struct mistakes	*m;
	struct source	**sources;
	struct section	**files;	/* by source; NULL: a syntax error */
	size_t		 n, room;
	bool		 is_partial;	/* something could not be read */
	void		*seen;		/* tsearch(3) of device and inode */
	char		*good_folder;	/* see access_others() */
	struct load_rules *rules;	/* NULL: read all as it is */
	bool		 keep_texts;	/* in the sources */
	struct pool	*pool;		/* all that is read, but lists */
	struct pool	*paths;		/* of the files, which stay longer */
};

/* Read everything that path leads to.  The caller sets schema and m. */
void	load_all(struct load *, const char *path);
/* What is read stays: pool, paths, sources, which the caller frees. */
void	load_clear(struct load *);

#endif
