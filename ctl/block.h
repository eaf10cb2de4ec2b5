/* SPDX-License-Identifier: MIT */
/*
 * block - lines on a terminal that are written anew in their place, without a
 * screen of their own: what was there before stays above, and when the program
 * ends the last state stays.  The cursor is always at the beginning of the line
 * below, and is never hidden, so that a program may end at any moment.
 */
#ifndef CTL_BLOCK_H
#define CTL_BLOCK_H

#include <stddef.h>

#include "ctl/term.h"

struct block {
	struct term	*t;
	struct term	 page;		/* is_brief, and writes to text */
	size_t		 lines;		/* on the terminal, */
	size_t		 columns, height;	/* which had this size then */
	char		*text;
	size_t		 len;
};

void	block_init(struct block *, struct term *);
/*
 * Begin a state: lines written to the result, at most its height of them, none
 * wider than it.  The rest is not shown.
 */
struct term *block_begin(struct block *);
/* Show it, where the last one was. */
void	block_end(struct block *);

#endif
