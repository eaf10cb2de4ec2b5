/* SPDX-License-Identifier: MIT */
/*
 * runs - several renewals on a terminal: a block with a line for each, which
 * says the present step and how long it has taken, and is written anew in its
 * place.  Where there are more of them than lines, those that have something
 * to tell are shown, and the others counted.
 */
#ifndef CTL_RUNS_H
#define CTL_RUNS_H

#include <jansson.h>
#include <stddef.h>

#include "ctl/term.h"

struct runs;

/* names are copied. */
struct runs *runs_new(const struct term *, const char *const *names,
		    size_t n);
/* NULL is allowed. */
void		 runs_free(struct runs *);
/* One event of the stream. */
void		 runs_event(struct runs *, const json_t *event);
/* Time passes: to be called some times a second. */
void		 runs_tick(struct runs *);
/* The last state of the block, and below it what failed, in whole words. */
void		 runs_end(struct runs *);

#endif
