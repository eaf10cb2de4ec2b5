/* SPDX-License-Identifier: MIT */
/*
 * lex - the words of acmed.conf with their lines.  Used by parse.c and
 * conf_start.c.  What would be easily misread (a stray '*', a quote that is
 * closed lines later, ${VARIABLE} outside quotes) is LEX_BAD.
 */
#ifndef DAEMON_CONFIG_LEX_H
#define DAEMON_CONFIG_LEX_H

#include <stdbool.h>
#include <stddef.h>

enum lex_kind {
	LEX_END,
	LEX_STR,		/* quoted or bare */
	LEX_APPEND,		/* += */
	LEX_PUNCT,		/* one of { } ( ) = , */
	LEX_BAD			/* why says what is wrong */
};

struct lex {
	const char	*p, *end;	/* what is still to be read */
	int		 line;		/* of p */
	enum lex_kind	 kind;		/* the current word, ... */
	const char	*word;		/* ... its first byte, with quotes */
	size_t		 len;
	int		 at;		/* ... and the line it begins in */
	char		 why[160];
};

/* text is borrowed and must have no NUL byte. */
void	lex_init(struct lex *, const char *text, size_t len);
/* Read the next word; its kind. */
enum lex_kind lex_next(struct lex *);
/* Is the current word this character? */
bool	lex_is(const struct lex *, char punct);
/* The current word, a LEX_STR, as a value; out has room for len + 1 bytes. */
void	lex_value(const struct lex *, char *out);
/* The same of any word, for names and messages; cut if too long. */
void	lex_text(const struct lex *, char *out, size_t size);

#endif
