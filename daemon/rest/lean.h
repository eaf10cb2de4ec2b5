/* SPDX-License-Identifier: MIT */
/*
 * lean - long answers of which one entry is wanted: some APIs have no other
 * way to ask than for a whole zone with all its records.  jansson needs 50 ms
 * for each MiB of that, during which nothing else is done; to look for the ends
 * of its values takes 3.
 */
#ifndef DAEMON_REST_LEAN_H
#define DAEMON_REST_LEAN_H

#include <stddef.h>

/*
 * JSON text without those elements of all arrays that are the value of member
 * which do not contain needle; what is left is as valid as it was.  NULL if its
 * brackets or quotes do not match.  The caller frees.
 */
char	*lean_text(const char *text, size_t len, const char *member,
	    const char *needle, size_t *out_len);

#endif
