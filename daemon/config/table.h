/* SPDX-License-Identifier: MIT */
/*
 * table - the sections of one kind by their names: duplicates are found and
 * references looked up in O(log n).
 */
#ifndef DAEMON_CONFIG_TABLE_H
#define DAEMON_CONFIG_TABLE_H

#include <stddef.h>

#include "daemon/config/tree.h"

struct table_row {
	const struct section *sec;	/* its title is the name */
	void		*object;	/* made from it */
};

struct table {
	struct table_row *rows;
	size_t		 n, room;
};

void	table_add(struct table *, const struct section *, void *object);
/* Sort by name; the second of two equal names is a mistake. */
void	table_sort(struct table *, struct mistakes *);
/* The object of that name, or NULL; after table_sort(). */
void	*table_find(const struct table *, const char *name);
/* "; did you mean "x"?", "; allowed: a, b", ...; the caller frees. */
char	*table_hint(const struct table *, const char *name);
void	table_clear(struct table *);

#endif
