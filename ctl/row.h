/* SPDX-License-Identifier: MIT */
/* row - one certificate in the table of `acmectl status`, and its cells. */
#ifndef CTL_ROW_H
#define CTL_ROW_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "ctl/term.h"

enum column {
	COL_NAME, COL_STATE, COL_BAR, COL_EXPIRES, COL_NEXT, COL_ERROR, COL_END
};

/* Its texts, for row_word(); "" for no error. */
enum row_text { ROW_NAME, ROW_STATE, ROW_NEXT, ROW_ERROR, ROW_END };

/* One certificate: as little as can be of it. */
struct row {
	char		*words;		/* enum row_text, each with its NUL */
	time_t		 not_before, not_after;
	time_t		 next_at;	/* 0: next says it all */
	uint8_t		 rank;		/* enum summary_rank */
	uint8_t		 colour;	/* of the state; enum term_colour */
	bool		 is_due;	/* for a renewal, or its retry */
};

/* Its words are to be freed. */
void	row_init(struct row *, const json_t *cert);
const char *row_word(const struct row *, enum row_text);
/* Why its run or a target failed; "": neither did.  The caller frees. */
char	*row_last_error(const json_t *cert);
/* For qsort(): what is urgent first, of that what ends first. */
int	row_by_urgency(const void *, const void *);

/* What is printed of a row; to be freed with cells_clear(). */
struct cells {
	char	*text[COL_END];
};

void	cells_init(struct cells *, const struct term *, const struct row *,
	    time_t now);
void	cells_clear(struct cells *);

#endif
