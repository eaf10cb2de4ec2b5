/* SPDX-License-Identifier: MIT */
/* place - where a certificate is configured, for commands that change that. */
#ifndef CTL_PLACE_H
#define CTL_PLACE_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>

#include "ctl/options.h"

struct error;

enum { PLACE_MAX = 1 << 20 };		/* bytes of such a file */

/* The section's lines, and all of that file as it was. */
struct place {
	char		*path;
	int64_t		 line, end_line;
	char		*text;
	size_t		 len;
	struct stat	 st;
	bool		 is_revoking;	/* the certificate, or one before it,
					   is to be revoked */
};

/* Of the first argument.  EXIT_OK, or another exit code, and the reason has
 * been told; the caller clears it. */
int	place_find(const struct options *, struct place *);
/* Of an object with "file", "line" and "end_line". */
int	place_read(const json_t *, struct place *);
void	place_clear(struct place *);

/* Did add or import write that file, and is there nothing else in it? */
bool	place_is_ours(const struct place *);

/* Take the file away, if the configuration is good without it, and reload.
 * EXIT_OK, or another exit code, and it is still there, which was told; what:
 * what is in it. */
int	place_remove(const struct options *, const struct place *,
	    const char *what);

/* Write a text there: owner, group and mode are as they were, also where the
 * file has been removed. */
int	place_put(const struct place *, const char *text, struct error *);
/* Reload.  EXIT_OK, or another exit code, and the mistakes have been told. */
int	place_reload(const struct options *);
/* The text as it was, after a reload that failed; returns code. */
int	place_put_back(const struct options *, const struct place *, int code);

#endif
