/* SPDX-License-Identifier: MIT */
/*
 * persist - what `acmectl persist` prints: zone-file lines to be copied, all
 * else as comments between them.
 */
#ifndef CTL_PERSIST_H
#define CTL_PERSIST_H

#include <jansson.h>
#include <stdbool.h>
#include <time.h>

struct term;

/* The reply of POST /v1/persist; NULL-safe about every member of it. */
void	persist_print(const struct term *, const json_t *reply, time_t now);
/* Is any record not as it is wanted: removed, or else right? */
bool	persist_is_bad(const json_t *reply, bool is_removal);

/* "2027-12-31" (its end, UTC), or a span from now, "365d"; -1 if it is neither
 * or not to come. */
int	persist_parse_until(const char *text, time_t now, time_t *until);

#endif
