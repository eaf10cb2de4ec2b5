/* SPDX-License-Identifier: MIT */
/*
 * recipe_names - what placeholders of a recipe may name, while it is checked:
 * the words that are known everywhere, options, values, captures; and which of
 * them have a value at that point for sure.
 */
#ifndef DAEMON_CONFIG_RECIPE_NAMES_H
#define DAEMON_CONFIG_RECIPE_NAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/recipe.h"

struct recipe_names {
	const struct recipe *r;
	struct mistakes	*m;
	struct recipe_name {
		const char *name;
		const struct section *sec;	/* NULL: of everywhere */
		enum { NAME_WORD, NAME_OPTION, NAME_VALUE, NAME_CAPTURE } kind;
		bool	is_key;		/* in bodies only */
		bool	is_used;
		bool	is_seen;	/* false: captured later */
		bool	is_sure;	/* it has a value, whatever happened */
	}		*list;
	size_t		 n;
};

/* Where a text stands. */
enum recipe_place {
	RECIPE_IN_BASE, RECIPE_IN_PATH, RECIPE_IN_HEAD, RECIPE_IN_BODY,
	RECIPE_IN_VALUE
};

void	recipe_names_init(struct recipe_names *, const struct recipe *,
	    struct mistakes *);
void	recipe_names_clear(struct recipe_names *);
struct recipe_name *recipe_names_find(struct recipe_names *, const char *);
/* A request has been sent: what it captures is seen from now on. */
void	recipe_names_sent(struct recipe_names *, const struct section *);
/* The requests have ended, perhaps with the first: nothing is captured for
 * sure. */
void	recipe_names_ended(struct recipe_names *);
/*
 * The placeholders of a text in sec.  guards (NULL: none): a section whose
 * only_if says what has a value.  is_loose: what has none is left out.
 */
void	recipe_names_text(struct recipe_names *, const struct section *sec,
	    const char *key, const struct value *, enum recipe_place,
	    const struct section *guards, bool is_loose);
/* Mistakes for all that nothing has used. */
void	recipe_names_unused(struct recipe_names *);

#endif
