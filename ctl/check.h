/* SPDX-License-Identifier: MIT */
/*
 * check - the lines of `acmectl check`, from the objects of
 * doc/control-api.md, each as it comes.
 */
#ifndef CTL_CHECK_H
#define CTL_CHECK_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

struct term;

struct check {
	const struct term *term;
	char		*cert, *name;	/* of the last line printed */
	size_t		 n_certs;	/* ended */
	size_t		 n_bad;		/* of them, with failures */
	size_t		 n_warnings, n_failures;
	size_t		 n_deploy_failures;	/* of n_failures */
	size_t		 n_records;	/* of CAA, that were, or are to be,
					   written */
	bool		 is_caa;	/* it is about these only, ... */
	bool		 is_written;	/* ... which are written by now */
	char		*error;		/* the daemon ended it; NULL: it did
					   not */
};

void	check_init(struct check *, const struct term *);
void	check_clear(struct check *);
/* Take notice of one line. */
void	check_count(struct check *, const json_t *line);
/* Print it.  NULL-safe about every member of it. */
void	check_print(struct check *, const json_t *line);
/* After the last line: what it amounts to. */
void	check_summary(const struct check *);

#endif
