/* SPDX-License-Identifier: MIT */
/* bar - a certificate's lifetime as a line: how much is gone, and where in it
 * the next renewal is. */
#ifndef CTL_BAR_H
#define CTL_BAR_H

#include <stddef.h>
#include <time.h>

#include "ctl/term.h"

struct bar {
	time_t	from, to;	/* not_before and not_after; to 0: none */
	time_t	mark;		/* the renewal; 0: not to be shown */
};

/* width columns; of blanks if there is no certificate. */
void	bar_print(const struct term *, enum term_colour, const struct bar *,
	    size_t width, time_t now);

#endif
