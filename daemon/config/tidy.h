/* SPDX-License-Identifier: MIT */
/*
 * tidy - what stands between the text of a file and libconfuse, because
 * libconfuse 3.3
 *  - stops at the first unknown key, or skips such keys without a word;
 *  - lets a second value of a key replace the first one in silence;
 *  - knows no line of a key, counts a line comment as three lines, drops
 *    characters that it does not understand;
 *  - replaces ${VARIABLE} inside "...";
 *  - accepts a file that ends in the middle of a section;
 *  - takes quadratic time for many titled sections.
 * So the words are read here first, checked against the schema, and handed on
 * with the same lines but without comments and mistaken statements, titles
 * as a key of the section, and "$" before "{" escaped.  What else is wrong
 * with the syntax is handed on as it is: libconfuse refuses it.
 */
#ifndef DAEMON_CONFIG_TIDY_H
#define DAEMON_CONFIG_TIDY_H

#include <stdbool.h>
#include <stddef.h>

struct mistakes;
struct schema;
struct source;

struct tidied {
	char		*text;		/* NULL: cannot be parsed at all */
	size_t		 len;
	size_t		 room;
	bool		 has_provider;
};

void	tidy_text(const struct schema *, const struct source *,
	    const char *text, size_t len, struct tidied *out,
	    struct mistakes *);
/* Wipes. */
void	tidied_clear(struct tidied *);

#endif
