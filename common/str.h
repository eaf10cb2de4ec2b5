/* SPDX-License-Identifier: MIT */
/*
 * str - a growing string, for what may be secret: every block that it leaves
 * is wiped.  Begins as zeroes.
 */
#ifndef COMMON_STR_H
#define COMMON_STR_H

#include <stddef.h>

struct str {
	char	*s;
	size_t	 len, size;
};

/* Wipe and free; it is empty then. */
void	str_clear(struct str *);
void	str_add(struct str *, const void *, size_t len);
void	str_puts(struct str *, const char *);
/* Percent-encode all but the unreserved characters of RFC 3986, and those of
 * plain. */
void	str_encode(struct str *, const char *, const char *plain);
/* Borrowed; "" if there is nothing yet. */
const char *str_text(const struct str *);

#endif
