/* SPDX-License-Identifier: MIT */
/*
 * recipe_text - the placeholders of a recipe's texts: ${NAME}, or
 * ${NAME|FILTER}; "$${" stands for "${".
 */
#ifndef DAEMON_CONFIG_RECIPE_TEXT_H
#define DAEMON_CONFIG_RECIPE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

enum recipe_filter {
	RECIPE_PLAIN,
	RECIPE_BASE64,
	RECIPE_MD5,		/* in hex, as all digests */
	RECIPE_SHA256,
	RECIPE_UUID,		/* of the text (RFC 9562 section 5.5) */
	RECIPE_XML,		/* & < > " escaped */
	RECIPE_FILTER_END
};
extern const char *const recipe_filters[];	/* by that; NULL ends it */
/* RECIPE_FILTER_END: there is none of that name. */
enum recipe_filter recipe_filter_parse(const char *);

struct recipe_piece {
	const char	*text;		/* of len bytes; with is_name only for
					   messages */
	size_t		 len;
	bool		 is_name;
	char		 name[64];
	enum recipe_filter filter;
};

/* The next piece of *p, which goes on behind it; 0 at the end; -1 and *why. */
int	recipe_text_next(const char **p, struct recipe_piece *,
	    const char **why);
/* Is the text one placeholder and nothing else? */
bool	recipe_text_is_name(const char *text, struct recipe_piece *);

#endif
