/* SPDX-License-Identifier: MIT */
/*
 * recipes - the recipes there are, and the options of each, as the objects of
 * clouds.h; called by main for --list-recipes and --list-templates.
 */
#ifndef DAEMON_CONTROL_RECIPES_H
#define DAEMON_CONTROL_RECIPES_H

#include <jansson.h>

#include "daemon/config/recipe.h"

struct error;

/* {"recipes": [{"name", "title"}]}, beside that configuration file and of the
 * package; the caller decrefs. */
json_t	*recipes_list(enum recipe_kind, const char *conf_path);
/* One of them; NULL and ERR_CONFIG with all its mistakes, in lines, at *why,
 * which the caller frees. */
json_t	*recipes_one(enum recipe_kind, const char *conf_path,
	    const char *name, char **why);

#endif
