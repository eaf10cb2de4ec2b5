/* SPDX-License-Identifier: MIT */
/*
 * show - what the daemon's JSON says, as clean text for a person.  now is
 * passed in, so that one output has one time.
 */
#ifndef CTL_SHOW_H
#define CTL_SHOW_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

/*
 * The string, or integer, at path, without anything that a terminal would
 * obey; or fallback.  The caller frees; NULL only if fallback is NULL.
 */
char	*show_str(const json_t *, const char *path, const char *fallback);

/* The text of an error, {"msg": ...} or a string; NULL if there is none. */
char	*show_error(const json_t *error);

/* The strings of an array, with ", " between.  The caller frees. */
char	*show_list(const json_t *array);

/*
 * A certificate's own name, and those in it, in Unicode where the terminal has
 * it (the latter with the form on the wire behind it).  The caller frees.
 */
char	*show_name(const json_t *cert, bool is_utf8);
char	*show_names(const json_t *cert, bool is_utf8);

#define SHOW_WHEN_MAX 96
/* "2026-12-21 03:04", local. */
const char	*show_date(time_t at, char out[SHOW_WHEN_MAX]);
/* "in 29d", "12m ago", "now". */
const char	*show_span(time_t now, time_t at, char out[SHOW_WHEN_MAX]);
/* "in 29d (2026-12-21 03:04)" */
const char	*show_when(time_t now, time_t at, char out[SHOW_WHEN_MAX]);

/*
 * What happens next with a certificate: "renew in 59d"; with is_long the date
 * too, and whole words for what a table has no room for.
 */
char	*show_next(const json_t *cert, time_t now, bool is_long);
/* The same without its time, "renew", which is in *at; 0: there is none. */
char	*show_next_word(const json_t *cert, bool is_long, time_t *at);
/* "zerossl, not letsencrypt: WHY", where the certificate in use, or the next,
 * is not of the first of its accounts; else NULL. */
char	*show_fallback(const json_t *cert);

#endif
