/* SPDX-License-Identifier: MIT */
/* select - which certificates an option or a pattern means. */
#ifndef CTL_SELECT_H
#define CTL_SELECT_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

#include "ctl/options.h"

struct select {
	const char	*pattern;	/* glob(7) of names; NULL: all */
	bool		 failing;	/* only those that are not well */
	time_t		 ends_by;	/* only those that end by then, or that
					   are not there; 0: all */
	time_t		 due_by;	/* only those that are due by then; 0 */
};

/* From the options --failing, --failed, --expires-within and --due-within;
 * EXIT_OK or EXIT_USAGE, which has been told. */
int	select_init(struct select *, const struct options *, time_t now);
/* Is this CERT of the control API one of them? */
bool	select_has(const struct select *, const json_t *cert);
/* Has name the letters of a pattern? */
bool	select_is_pattern(const char *name);

#endif
