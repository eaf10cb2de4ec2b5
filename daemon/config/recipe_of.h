/* SPDX-License-Identifier: MIT */
/* recipe_of - the recipe that a section names, read once for all of them. */
#ifndef DAEMON_CONFIG_RECIPE_OF_H
#define DAEMON_CONFIG_RECIPE_OF_H

#include "daemon/config/check.h"
#include "daemon/config/recipe.h"

/*
 * A reference, which the caller gives back; or NULL, and each mistake of the
 * recipe is one of the section, in that line.
 */
struct recipe *check_recipe_of(struct check *, const struct section *,
	    enum recipe_kind, const char *name, int line);
void	check_free_recipes(struct check *);

#endif
