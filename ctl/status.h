/* SPDX-License-Identifier: MIT */
/*
 * status - the output of `acmectl status` and `acmectl status NAME` from the
 * objects of doc/control-api.md.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "ctl/term.h"

/*
 * The table of all certificates, and what is below it, from the members of the
 * status without them.  Rows are kept until their widths are known.
 */
struct status_table;
struct status_table *status_table_new(const struct term *, time_t now);
void	status_table_add(struct status_table *, const json_t *cert);
void	status_table_print(struct status_table *, const json_t *rest);
/* NULL is allowed. */
void	status_table_free(struct status_table *);

/* Everything about one certificate, with its last steps. */
void	status_print_cert(const struct term *, const json_t *cert, time_t now);

/* Is the certificate missing or expired, or did its last run or a target fail,
 * or is one tried again that did? */
bool	status_is_bad(const json_t *cert);
/* Is there a record that cannot be removed, of which people are told? */
bool	status_has_stuck(const json_t *status);
/* Has the configuration mistakes, so that something may be left out? */
bool	status_has_mistakes(const json_t *status);
/* Of the word for its condition. */
enum term_colour status_colour(const json_t *cert);

#endif
