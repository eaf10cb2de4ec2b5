/* SPDX-License-Identifier: MIT */
/*
 * scope - what the placeholders of a recipe stand for while it runs, and its
 * texts with these filled in.  Everything is a JSON value: a text that is one
 * placeholder and nothing else keeps the type of what it stands for.
 */
#ifndef DAEMON_RECIPES_SCOPE_H
#define DAEMON_RECIPES_SCOPE_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "common/error.h"
#include "common/str.h"
#include "daemon/config/recipe.h"

struct recipe_scope {
	const struct recipe *recipe;
	const struct provider_values *values;	/* NULL: word has options */
	/* A word that is known everywhere; a new reference.  NULL: it has no
	   value, or err is set (its kind is not ERR_NONE then). */
	json_t		*(*word)(void *user, const char *name,
			    struct error *err);
	void		*user;
	time_t		 time;		/* of the request */
	json_t		*captured;	/* object */
	json_t		*secrets;	/* array: texts that were filled in */
};

/* How what is filled in is written. */
enum recipe_escape { RECIPE_RAW, RECIPE_URL };

/* What has been found of a text. */
struct recipe_found {
	bool		 is_unset;	/* a placeholder has no value */
	bool		 is_secret;
};

void	recipe_scope_init(struct recipe_scope *);
void	recipe_scope_clear(struct recipe_scope *);	/* wipes */
/* What a name stands for: a new reference, or NULL: nothing, or err is set. */
json_t	*recipe_get(struct recipe_scope *, const char *name,
	    struct recipe_found *, struct error *);
/* Is there a value that is not false, "" or an empty list? */
int	recipe_is_set(struct recipe_scope *, const char *name, bool *is_set,
	    struct error *);
/* Append the text to out, which str_clear() wipes. */
int	recipe_render(struct recipe_scope *, const char *text,
	    enum recipe_escape, struct str *out, struct recipe_found *,
	    struct error *);
/* The same as a JSON value: a bare word is one (true, 8006, null). */
json_t	*recipe_render_json(struct recipe_scope *, const struct value *,
	    struct recipe_found *, struct error *);
/* How JSON reads as text; an array's entries with commas between them. */
void	recipe_json_text(const json_t *, struct str *out);
/* Take out of a message what is secret. */
void	recipe_hide(const struct recipe_scope *, char *msg);

#endif
