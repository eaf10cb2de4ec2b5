/* SPDX-License-Identifier: MIT */
/* answer - what the answer to a recipe's request means. */
#ifndef DAEMON_RECIPES_ANSWER_H
#define DAEMON_RECIPES_ANSWER_H

#include "daemon/recipes/scope.h"
#include "daemon/rest/rest.h"

/* Is that a status of success, for a request that names them? */
bool	recipe_takes_status(const struct section *, int status);
/*
 * REST_NEXT: it is a success, and what it captures is captured.  REST_POLL:
 * what it waits for is not so yet.  REST_FAIL and err.
 */
enum rest_next	recipe_answer(struct recipe_scope *, const struct section *,
		    const struct rest_answer *, struct error *);
/* Add to err what the recipe knows about the answer (explain). */
void	recipe_explain(const struct recipe_scope *,
	    const struct rest_answer *, struct error *);

#endif
