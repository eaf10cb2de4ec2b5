/* SPDX-License-Identifier: MIT */
/*
 * replies - the answers of an input, in place of io/http: each begins after a
 * line "%%" and is the status, headers, an empty line, and the body.  When
 * there are no more, the server is away.  Time is tests/fake/fake_time.h's.
 */
#ifndef TESTS_FUZZ_REPLIES_H
#define TESTS_FUZZ_REPLIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct error;
struct loop;

/* abort() if not. */
void	need(bool ok);
/* One that may be shown: it has kind and code, and no control characters. */
void	check_error(const struct error *);
/* Cut *text at mark: what is before it; *text is what is behind it, or NULL.
 * NULL if *text is. */
char	*cut(char **text, const char *mark);

/* Begin with an input: what is before the first "%%", NUL-terminated, and
 * borrowed until the next one. */
char	*replies_begin(const uint8_t *data, size_t size);
/* The next answer, as it is, with a NUL behind; NULL: there is none. */
char	*replies_next(size_t *len);
/* Requests since the beginning: of more than 3000 the target aborts. */
unsigned replies_asked(void);

/* Let time pass until *is_over, and until nothing is left that it waits for. */
void	replies_run(const bool *is_over);

#endif
