/* SPDX-License-Identifier: MIT */
/*
 * parse - one text into a tree, its keys and their shapes checked against the
 * schema.  One pass: a mistake that leaves no doubt where the next statement
 * begins is told, and reading goes on.
 */
#ifndef DAEMON_CONFIG_PARSE_H
#define DAEMON_CONFIG_PARSE_H

#include <stddef.h>

struct mistakes;
struct schema;
struct section;
struct source;

/* NULL: nothing of the file can be used, and why has been added to m.  text
 * has no NUL byte. */
struct section *parse_text(const struct schema *, const struct source *,
	    const char *text, size_t len, struct mistakes *);

#endif
