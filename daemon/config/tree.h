/* SPDX-License-Identifier: MIT */
/*
 * tree - one parsed file before its meaning is known: sections, keys and
 * values with their lines.  Made by parse.c, read by check*.c.  It is in the
 * pool of its source, and goes with that.
 */
#ifndef DAEMON_CONFIG_TREE_H
#define DAEMON_CONFIG_TREE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/mistakes.h"

struct value {
	int		 line;
	bool		 is_quoted;
	char		 text[];
};

struct item {
	const char	*key;		/* of the schema */
	unsigned	 place;		/* among the statements around it */
	struct value	**values;	/* none for `key = {}` */
	size_t		 n;
	bool		 is_list;	/* { ... }, also of one value */
};

struct section {
	const char	*kind;		/* "certificate"; NULL: a whole file */
	char		*title;
	int		 line;
	int		 end;		/* the line of its closing brace */
	unsigned	 place;		/* among the statements around it */
	const struct source *src;
	const struct section *parent;	/* NULL for a whole file */
	struct item	*items;
	size_t		 n_items;
	struct section	**subs;		/* in the order of the file */
	size_t		 n_subs;
};

/* The item of that key, or NULL. */
const struct item *tree_item(const struct section *, const char *key);
/* The first value of that key, or NULL. */
const struct value *tree_value(const struct section *, const char *key);

/* Where that key or kind of section first stands, from 0; -1: not there. */
long	tree_place(const struct section *, const char *key);

/* `certificate "x": deploy "y"`; "" for a whole file. */
#define TREE_CONTEXT_MAX 400
const char *tree_context(const struct section *,
	    char out[TREE_CONTEXT_MAX]);

/* An empty file; then what is in it.  Keys and kinds are borrowed. */
struct section *tree_new(const struct source *);
struct section *tree_add_section(struct section *parent, const char *kind,
	    int line, unsigned place);
/* The item of that key, which may be there already. */
struct item *tree_add_item(struct section *, const char *key,
	    unsigned place);
/* Of that section, here and below. */
void	item_add(const struct section *, struct item *, struct value *);
/* Room for len bytes of text and a NUL, not filled. */
struct value *value_new(const struct section *, size_t len, int line);

#endif
