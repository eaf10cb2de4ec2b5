/* SPDX-License-Identifier: MIT */
/*
 * recipe - how something with an HTTP API is told, as a file: options, and
 * requests with placeholders.  doc/writing-a-recipe.md is the description for
 * those who write one.  Two kinds: deploy steps (`recipe "NAME" { }`) and
 * messages (`template = "NAME"` of a webhook).
 *
 * The file is read (recipe_load.h) and checked completely with the
 * configuration; what runs it (daemon/recipes/) walks the same tree, and relies
 * on that.
 */
#ifndef DAEMON_CONFIG_RECIPE_H
#define DAEMON_CONFIG_RECIPE_H

#include <stdbool.h>
#include <stddef.h>

#include "daemon/config/tree.h"
#include "providers/option.h"

struct error;
struct provider_values;

enum recipe_kind {
	RECIPE_DEPLOY,		/* recipes/NAME.conf */
	RECIPE_MESSAGE		/* templates/NAME.conf */
};

#define RECIPE_REQUESTS_MAX	32
#define RECIPE_POLLS_MAX	450	/* of one request */

struct recipe {
	unsigned	 refs;
	enum recipe_kind kind;
	char		*name;
	struct source	 src;
	const struct section *root;
	struct provider_opt *opts;	/* its own, then PROVIDER_HTTP_OPTS */
	const struct section **requests, **finish;
	size_t		 n_opts, n_requests, n_finish;
};

/* What is known everywhere, ended by .name NULL. */
struct recipe_word {
	const char	*name;
	bool		 is_list;
	bool		 is_secret;	/* in bodies only */
};
extern const struct recipe_word recipe_words_deploy[];
extern const struct recipe_word recipe_words_message[];
const struct recipe_word *recipe_word_find(enum recipe_kind,
		    const char *name);

struct recipe	*recipe_ref(const struct recipe *);
/* The last one frees.  NULL is allowed. */
void		 recipe_unref(const struct recipe *);

/* Is what these options say what their types want?  ERR_CONFIG, beginning with
 * the option. */
int		 recipe_check_values(const struct recipe *,
		    const struct provider_values *, struct error *);

/* The section of that kind and title in sec, or NULL. */
const struct section *recipe_sub(const struct section *sec, const char *kind,
		    const char *title);
/* ... of that kind; the nth from 0 on. */
const struct section *recipe_nth(const struct section *sec, const char *kind,
		    size_t nth);

#endif
