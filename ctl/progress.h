/* SPDX-License-Identifier: MIT */
/*
 * progress - the events of runs, one line each as they come: `renew-now` and
 * `events`.
 */
#ifndef CTL_PROGRESS_H
#define CTL_PROGRESS_H

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

#include "ctl/term.h"

struct progress {
	const struct term *term;
	size_t	 name_columns;	/* of the name before each line; 0: no name */
	int64_t	 start_ms;	/* elapsed seconds count from here; 0: show
				   the time of day */
	const char *good;	/* what these are, in the summary: "renewed" */
	size_t	 n_ok;		/* runs ended well */
	size_t	 n_failed;
	json_t	*failed;	/* their names */
};

/*
 * n_names: how many certificates are followed; 0 for all.  longest: columns
 * of the longest of their names.
 */
void	progress_init(struct progress *, const struct term *, size_t n_names,
	    size_t longest);
void	progress_clear(struct progress *);
/* Print one event.  NULL-safe about every member of it. */
void	progress_event(struct progress *, const json_t *event);
/* Count the ends, without printing: for --json. */
void	progress_count(struct progress *, const json_t *event);
/* After the end of renew-now, if there was more than one run. */
void	progress_summary(const struct progress *);

#endif
