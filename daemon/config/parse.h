/* SPDX-License-Identifier: MIT */
/*
 * parse - one tidied text through libconfuse into a tree.
 */
#ifndef DAEMON_CONFIG_PARSE_H
#define DAEMON_CONFIG_PARSE_H

#include <confuse.h>
#include <stdbool.h>
#include <stddef.h>

struct mistakes;
struct schema;
struct section;
struct source;

/*
 * Parse what tidy_text() made.  NULL if libconfuse refuses it: a mistake has
 * been added then.  has_provider: tidy saw a provider section.
 */
struct section *parse_text(struct schema *, const struct source *,
	    char *text, size_t len, bool has_provider, struct mistakes *);

/* For the tables of schema.c. */
int	parse_value_cb(cfg_t *, cfg_opt_t *, const char *value, void *result);
int	parse_end_cb(cfg_t *, cfg_opt_t *, const char *value, void *result);

#endif
