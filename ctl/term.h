/* SPDX-License-Identifier: MIT */
/*
 * term - what acmectl writes to: how wide it is, whether it has colours, and
 * text cut and wrapped to fit.  Text must have gone through text_clean().
 */
#ifndef CTL_TERM_H
#define CTL_TERM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct term {
	FILE		*out;
	size_t		 width;		/* columns; 0: no limit */
	size_t		 height;	/* lines; 0 unless is_tty */
	size_t		 columns;	/* as width, but of a narrow one, too */
	bool		 is_tty;
	bool		 has_cursor;	/* that can be moved; with is_tty */
	bool		 has_colour;
	bool		 is_utf8;
	bool		 has_lines;	/* box drawing, beside UTF-8 */
	bool		 is_brief;	/* term_wrap() cuts: one line each */
};

/* --color: always and never leave it to nobody else. */
enum term_when { TERM_AUTO, TERM_ALWAYS, TERM_NEVER };

enum term_colour {
	TERM_PLAIN,
	TERM_GOOD,
	TERM_WARN,
	TERM_BAD,
	TERM_FAINT,
	TERM_BOLD,
	TERM_COLOUR_END
};

/* Ask the terminal behind out, $NO_COLOR and the locale. */
void	term_init(struct term *, FILE *out, enum term_when colour);
/* Ask again how large the terminal is; true: it has changed. */
bool	term_resize(struct term *);

/* Columns that s takes: wide characters count two, combining ones none. */
size_t	term_columns(const char *s);

/* s in that colour, then spaces up to width columns. */
void	term_cell(const struct term *, enum term_colour, const char *s,
	    size_t width);

/*
 * A copy of s that takes at most width columns, with an ellipsis in its
 * middle if it had to be cut.  The caller frees.
 */
char	*term_shorten(const struct term *, const char *s, size_t width);

/*
 * Write s as lines of at most the term's width.  The cursor is in column at;
 * further lines begin with indent spaces.  Ends with a newline.  With is_brief
 * it is one line, cut if it must be.
 */
void	term_wrap(const struct term *, enum term_colour, size_t at,
	    size_t indent, const char *s);

#endif
