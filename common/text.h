/* SPDX-License-Identifier: MIT */
/*
 * text - small, bounded string work: safe printing of remote bytes, times and
 * durations as people write them, base64url.
 */
#ifndef COMMON_TEXT_H
#define COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

/*
 * snprintf() into a fixed buffer where cutting the end off is acceptable;
 * false if it was cut.
 */
bool	text_printf(char *out, size_t size, const char *fmt, ...)
	    __attribute__((format(printf, 3, 4)));

/*
 * Make s one printable line in place: control characters (terminal escapes,
 * newlines, changes of the direction of writing) become spaces, bytes that are
 * not UTF-8 become '?', and a character cut at the end is removed.
 */
void	text_clean(char *s);

/*
 * FNV-1a of a string, its final NUL included, so that strings may follow each
 * other: h is TEXT_HASH_BASIS, or the hash of those before.
 */
#define TEXT_HASH_BASIS 0xcbf29ce484222325u
uint64_t text_hash(uint64_t h, const char *s);

/* Are these bytes well-formed UTF-8? */
bool	text_is_utf8(const char *s, size_t len);

/*
 * "30d", "12h", "10m", "90s", "2w" or a plain number of seconds; several may
 * follow each other ("1d12h").  Returns -1 unless the whole string is one and
 * it is at most 100 years.  *seconds is set only on success.
 */
int	text_parse_duration(const char *s, int64_t *seconds);

/*
 * Seconds as all spans for people have them: from an hour on to the nearest
 * minute, then cut, so that two that differ by a moment read the same.
 */
int64_t	text_span_round(int64_t seconds);
/* A span for people, two units at the most: "29d 4h", "12m", "45s". */
#define TEXT_SPAN_MAX 32
const char	*text_span(int64_t seconds, char out[TEXT_SPAN_MAX]);
/* "expires in 29d 4h", or "expired 2h 0m ago": what ends so long from now. */
#define TEXT_EXPIRY_MAX (TEXT_SPAN_MAX + 16)
const char	*text_expiry(int64_t seconds, char out[TEXT_EXPIRY_MAX]);

/* "2026-11-21T22:48:00Z" */
#define TEXT_TIME_MAX 32
const char	*text_time(time_t, char out[TEXT_TIME_MAX]);

/*
 * base64url without padding (RFC 4648 section 5).  encode: the caller frees.
 * decode: padding is refused; the caller frees *out, which carries a final
 * NUL not counted in *out_len; -1 if s is not base64url.
 */
char	*text_b64url_encode(const void *data, size_t len);
int	 text_b64url_decode(const char *s, unsigned char **out,
	    size_t *out_len);

/* Lower-case hex; out has room for 2 * len + 1, and is returned. */
const char	*text_hex(const void *data, size_t len, char *out);

/* The n-candidate list's entry nearest to word, or NULL if none is near. */
const char	*text_nearest(const char *word, const char *const *candidates,
		    size_t n);

#endif
