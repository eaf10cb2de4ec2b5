/* SPDX-License-Identifier: MIT */
/* recipe_load - the files of recipes (recipe.h). */
#ifndef DAEMON_CONFIG_RECIPE_LOAD_H
#define DAEMON_CONFIG_RECIPE_LOAD_H

#include "daemon/config/recipe.h"

struct mistakes;

/*
 * Read NAME.conf beside the main configuration file, or of the package, and
 * check it.  NULL: its mistakes, with its own path and lines, are in m.  The
 * caller has one reference.
 */
struct recipe	*recipe_load(enum recipe_kind, const char *conf_path,
		    const char *name, struct mistakes *m);
/* Where the files are: beside the configuration, or the package's; the caller
 * frees. */
char		*recipe_dir(enum recipe_kind, const char *conf_path,
		    bool is_own);
/* The names of all there are, sorted, NULL-terminated; the caller frees each
 * and the list. */
char		**recipe_names(enum recipe_kind, const char *conf_path);

#endif
