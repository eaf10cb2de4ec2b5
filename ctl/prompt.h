/* SPDX-License-Identifier: MIT */
/*
 * prompt - questions to the person at the terminal: asked on standard error,
 * answered on standard input.
 */
#ifndef CTL_PROMPT_H
#define CTL_PROMPT_H

#include <stdbool.h>

/* Is there a person to ask? */
bool	prompt_is_possible(void);

/*
 * "QUESTION [FALLBACK]: "; the answer without blanks around it, or a copy of
 * fallback if it is empty ("": none).  NULL at the end of the input.  The
 * caller frees.
 */
char	*prompt_line(const char *question, const char *fallback);
/* The same, without echo; the caller wipes it. */
char	*prompt_secret(const char *question);
/* "QUESTION [y/N]? "; at the end of the input: no. */
bool	prompt_yes(const char *question, bool fallback);

#endif
