/* SPDX-License-Identifier: MIT */
/* body - the body of a recipe's request: JSON, a form, or parts. */
#ifndef DAEMON_RECIPES_BODY_H
#define DAEMON_RECIPES_BODY_H

#include "daemon/recipes/scope.h"

struct preq;

bool	recipe_has_body(const struct section *);
/* Into a request that was begun. */
int	recipe_body(struct recipe_scope *, const struct section *,
	    struct preq *, struct error *);

#endif
