/* SPDX-License-Identifier: MIT */
/*
 * lex - the words of acmed.conf with their lines, as libconfuse's own lexer
 * sees them.  Used by tidy.c only.  What libconfuse would swallow in silence
 * (a stray '*', a quote that is closed lines later) is LEX_BAD here.
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
/* The current word as a value, for names and messages; cut if too long. */
void	lex_text(const struct lex *, char *out, size_t size);

#endif
