/* SPDX-License-Identifier: MIT */
/*
 * json - strict, bounded reading of JSON through jansson.  A path is member
 * names and array indexes joined by dots: "zones.0.id".
 */
#ifndef COMMON_JSON_H
#define COMMON_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct error;

/*
 * For main(), before anything is made of JSON: keys and passwords are in it, so
 * jansson wipes what it frees from now on, and what it allocates is there, as
 * of xmalloc().
 */
void		 jsonx_init(void);

/*
 * Parse one JSON object or array of len bytes, duplicates of a member
 * refused, depth bounded by jansson.  NULL and ERR_REJECTED, code
 * "json:syntax", if it is anything else; the message shows the beginning of
 * the text.  The caller owns the result.
 */
json_t		*jsonx_parse(const char *text, size_t len, struct error *);
/*
 * Parse any value, of those who know no bounds: where an integer is beyond 64
 * bits, all long ones become strings of their digits.  NULL if it is no JSON,
 * or a member is there twice; the caller owns the result.
 */
json_t		*jsonx_parse_any(const char *text, size_t len);

/* The value at path, or NULL; borrowed. */
json_t		*jsonx_get(const json_t *, const char *path);
/* The string at path, or NULL if it is absent or no string; borrowed. */
const char	*jsonx_str(const json_t *, const char *path);
/* The object of an array whose "name" that is, or NULL; borrowed. */
const json_t	*jsonx_named(const json_t *list, const char *name);
/*
 * Copy the string at path, or the integer at path in decimal (ids are opaque
 * strings).  ERR_REJECTED if it is absent, another type, or does not fit.
 */
int		 jsonx_copy_str(const json_t *, const char *path, char *out,
		    size_t size, struct error *);
/* The integer at path, or fallback. */
int64_t		 jsonx_int(const json_t *, const char *path, int64_t fallback);
/* The same where some write the digits in a string. */
int64_t		 jsonx_number(const json_t *, const char *path,
		    int64_t fallback);
/* The boolean at path, or fallback. */
bool		 jsonx_bool(const json_t *, const char *path, bool fallback);

/* As doc/control-api.md has them: an epoch time, or null for 0 and less; and
 * {"kind", "code", "msg", "at"}.  The caller owns them. */
json_t		*jsonx_time(time_t);
json_t		*jsonx_error(const struct error *, time_t at);

#endif
