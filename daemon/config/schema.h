/* SPDX-License-Identifier: MIT */
/*
 * schema - which keys acmed.conf has.  To add a key: its line in schema.c, its
 * meaning in check*.c, its text in doc/acmed.conf.5.
 */
#ifndef DAEMON_CONFIG_SCHEMA_H
#define DAEMON_CONFIG_SCHEMA_H

#include <stdbool.h>
#include <stddef.h>

enum key_shape {
	SHAPE_ONE,		/* key = VALUE */
	SHAPE_LIST,		/* key = { VALUE, VALUE } or one VALUE */
	SHAPE_SECTION,		/* key "TITLE" { ... } */
	SHAPE_BLOCK,		/* key { ... } */
	SHAPE_INCLUDE,		/* include("PATTERN") */
};

struct key {
	const char	*name;		/* NULL ends a table */
	enum key_shape	 shape;
	const struct key *sub;		/* of these two; NULL: a schema_kind */
};

/* A kind of section whose keys depend on its type, and are in a registry. */
struct schema_kind {
	const char	*name;
	bool		 is_by_title;	/* the type is the title, not `type` */
	struct key	*any;		/* the options of every type */
	struct schema_type {
		const char *name;
		struct key *keys;
	}		*types;
	size_t		 n;
};

#define SCHEMA_KINDS 3
struct schema {
	struct schema_kind kinds[SCHEMA_KINDS];
};

/* The keys of a file. */
extern const struct key schema_root[];
/* As .sub of a section: any keys, and blocks of such, in it; "NAME[] { }" may
 * stand there several times. */
extern const struct key schema_any[];
/* The keys of a recipe's file (recipe.h). */
extern const struct key schema_recipe[];

struct schema *schema_new(void);
void	schema_free(struct schema *);

/* The kind of that name, whose keys are given as NULL. */
const struct schema_kind *schema_kind(const struct schema *,
	    const char *name);
/* The keys of that type; NULL if there is none. */
const struct key *schema_type(const struct schema_kind *, const char *type);
/* The key of that name, or NULL. */
const struct key *schema_find(const struct key *, const char *name);
/* The key a person may have meant, or NULL. */
const char *schema_nearest(const struct key *, const char *name);
/* "a, b, c"; the caller frees. */
char	*schema_list(const struct key *);

#endif
