/* SPDX-License-Identifier: MIT */
/*
 * parse - one text into a tree, its keys and their shapes checked against the
 * schema.  One pass: a mistake that leaves no doubt where the next statement
 * begins is told, and reading goes on.
 */
#ifndef DAEMON_CONFIG_PARSE_H
#define DAEMON_CONFIG_PARSE_H

#include <stddef.h>

struct key;
struct mistakes;
struct schema;
struct section;
struct source;

/* root has the keys of the file.  NULL: nothing of it can be used, and why has
 * been added to m.  text has no NUL byte. */
struct section *parse_text(const struct schema *, const struct key *root,
	    const struct source *, const char *text, size_t len,
	    struct mistakes *);

#endif
