/* SPDX-License-Identifier: MIT */
/* request - a request of a recipe, built. */
#ifndef DAEMON_RECIPES_REQUEST_H
#define DAEMON_RECIPES_REQUEST_H

#include "daemon/recipes/scope.h"

struct preq;

/* Build it; -1 and err.  One that is not to be sent (only_if, unless) is not
 * begun. */
int	recipe_request(struct recipe_scope *, const struct section *,
	    struct preq *, struct error *);

#endif
