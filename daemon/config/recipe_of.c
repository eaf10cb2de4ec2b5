/* SPDX-License-Identifier: MIT */
#include "daemon/config/recipe_of.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/opt.h"
#include "daemon/config/recipe_load.h"

struct kept {
	struct kept	*next;
	struct recipe	*recipe;
};

static void
tell(enum conf_level level, const char *line, void *arg)
{
	char **all = arg;
	char *longer = xasprintf("%s%s%s", *all, **all == '\0' ? "" : "\n",
	    line);

	free(*all);
	*all = longer;
}

/* What is wrong with the recipe is wrong with who uses it: a configuration
 * that is read in part is read without that. */
static void
tell_all(struct check *c, const struct section *sec, int line,
    struct mistakes *m)
{
	char *all = xstrdup(""), *rest, *one;

	mistakes_report(m, tell, &all);
	for (rest = all; (one = strsep(&rest, "\n")) != NULL;)
		opt_mistake(c->m, sec, line, "%s", one);
	free(all);
}

struct recipe *
check_recipe_of(struct check *c, const struct section *sec,
    enum recipe_kind kind, const char *name, int line)
{
	struct mistakes m = { 0 };
	struct recipe *r;
	struct kept *k;

	for (k = c->recipes; k != NULL; k = k->next) {
		if (k->recipe->kind == kind &&
		    strcmp(k->recipe->name, name) == 0)
			return recipe_ref(k->recipe);
	}
	r = recipe_load(kind, c->conf->path, name, &m);
	if (r == NULL) {
		tell_all(c, sec, line, &m);
	} else {
		k = xcalloc(1, sizeof(*k));
		k->recipe = recipe_ref(r);
		k->next = c->recipes;
		c->recipes = k;
	}
	mistakes_clear(&m);
	return r;
}

void
check_free_recipes(struct check *c)
{
	struct kept *k = c->recipes;

	c->recipes = NULL;
	while (k != NULL) {
		struct kept *next = k->next;

		recipe_unref(k->recipe);
		free(k);
		k = next;
	}
}
