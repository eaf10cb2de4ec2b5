/* SPDX-License-Identifier: MIT */
/*
 * status - the output of `acmectl status` and `acmectl status NAME` from the
 * objects of doc/control-api.md.
 */
#ifndef CTL_STATUS_H
#define CTL_STATUS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "ctl/summary.h"
#include "ctl/term.h"

/*
 * The table of certificates, and what is around it.  What is urgent comes
 * first, and of that what ends first.  Of each certificate some 120 bytes are
 * kept until all widths are known.
 */
struct status_table;
struct status_table *status_table_new(void);
/* One more; or, if is_update, in the place of the one of its name. */
void	status_table_add(struct status_table *, const json_t *cert,
	    bool is_update);
/* It is gone; nothing happens if it was not there. */
void	status_table_remove(struct status_table *, const char *name);
/* One that was asked for not to be shown: the summary counts it. */
void	status_table_hide(struct status_table *);
/* The rows, what is in rest, the members of the status besides the
 * certificates, and the summary. */
void	status_table_print(struct status_table *, const struct term *,
	    const json_t *rest, time_t now);
/* The same for a terminal that is looked at: no more lines than its height,
 * the summary first. */
void	status_table_paint(struct status_table *, const struct term *,
	    const json_t *rest, time_t now);
size_t	status_table_count(const struct status_table *);
/* NULL is allowed. */
void	status_table_free(struct status_table *);

/* Watched certificates, the records and files that are left over, channels that
 * fail, mistakes of the configuration: each with an empty line before it. */
void	status_print_rest(const struct term *, const json_t *rest, time_t now);

/* Everything about one certificate, with its last steps. */
void	status_print_cert(const struct term *, const json_t *cert, time_t now);

/* Is the certificate missing or expired, or did its last run or a target fail,
 * or is one tried again that did? */
bool	status_is_bad(const json_t *cert);
/* Is there a record that cannot be removed, of which people are told? */
bool	status_has_stuck(const json_t *status);
/* Is a watched certificate not well? */
bool	status_has_unwell(const json_t *status);
/* Has the configuration mistakes, so that something may be left out? */
bool	status_has_mistakes(const json_t *status);

#endif
