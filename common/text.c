/* SPDX-License-Identifier: MIT */
#include "common/text.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define YEAR_S (365 * 86400)

bool
text_printf(char *out, size_t size, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(out, size, fmt, ap);
	va_end(ap);
	if (n < 0) {
		out[0] = '\0';
		return false;
	}
	return (size_t)n < size;
}

/* Length of the well-formed UTF-8 sequence at s; 0 if there is none. */
static size_t
utf8_len(const unsigned char *s)
{
	size_t n;

	if (s[0] < 0x80)
		return 1;
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		n = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		n = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		n = 4;
	else
		return 0;
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	}
	if ((s[0] == 0xe0 && s[1] < 0xa0) || (s[0] == 0xed && s[1] > 0x9f) ||
	    (s[0] == 0xf0 && s[1] < 0x90) || (s[0] == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

uint64_t
text_hash(uint64_t h, const char *s)
{
	do {
		h = (h ^ (unsigned char)*s) * 0x100000001b3u;
	} while (*s++ != '\0');
	return h;
}

bool
text_is_utf8(const char *s, size_t len)
{
	char one[5];

	for (;;) {
		size_t n;

		for (; len > 0 && (unsigned char)*s < 0x80; len--)
			s++;
		if (len == 0)
			break;
		n = len < sizeof(one) - 1 ? len : sizeof(one) - 1;
		memcpy(one, s, n);
		one[n] = '\0';
		n = utf8_len((const unsigned char *)one);
		if (n == 0)
			return false;
		s += n;
		len -= n;
	}
	return true;
}

/* A lead byte whose continuation bytes run into the end of the text. */
static bool
is_cut_tail(const unsigned char *s)
{
	size_t want = *s < 0xc2 || *s > 0xf4 ? 0 :
	    *s < 0xe0 ? 1 : *s < 0xf0 ? 2 : 3;

	for (s++; *s != '\0'; s++, want--) {
		if ((*s & 0xc0) != 0x80 || want == 0)
			return false;
	}
	return want > 0;
}

/*
 * Of n bytes at s: what turns the order of the characters round (Unicode's
 * UAX #9: marks, embeddings, overrides and isolates), so that a person reads
 * something else than is there, and the separators of lines and paragraphs.
 */
static bool
is_direction(const unsigned char *s, size_t n)
{
	if (n == 2)
		return s[0] == 0xd8 && s[1] == 0x9c;	/* U+061C */
	if (n != 3 || s[0] != 0xe2)
		return false;
	if (s[1] == 0x80)	/* U+200E, U+200F, U+2028 to U+202E */
		return s[2] == 0x8e || s[2] == 0x8f ||
		    (s[2] >= 0xa8 && s[2] <= 0xae);
	return s[1] == 0x81 && s[2] >= 0xa6 && s[2] <= 0xa9;
}

void
text_clean(char *str)
{
	unsigned char *s = (unsigned char *)str;

	while (*s != '\0') {
		size_t n = utf8_len(s);

		if (n == 0) {
			if (is_cut_tail(s)) {
				*s = '\0';
				return;
			}
			*s++ = '?';
			continue;
		}
		/* C0, DEL and the C1 controls (U+0080 to U+009F). */
		if (*s < 0x20 || *s == 0x7f)
			*s = ' ';
		else if (n == 2 && s[0] == 0xc2 && s[1] < 0xa0)
			s[0] = s[1] = ' ';
		else if (is_direction(s, n))
			memset(s, ' ', n);
		s += n;
	}
}

int
text_parse_duration(const char *s, int64_t *seconds)
{
	static const struct { char unit; int64_t s; } units[] = {
		{ 'w', 7 * 86400 }, { 'd', 86400 }, { 'h', 3600 },
		{ 'm', 60 }, { 's', 1 },
	};
	int64_t total = 0;

	if (*s == '\0')
		return -1;
	while (*s != '\0') {
		int64_t n = 0, unit = 0;

		if (!isdigit((unsigned char)*s))
			return -1;
		for (; isdigit((unsigned char)*s); s++) {
			n = n * 10 + (*s - '0');
			if (n > (int64_t)100 * YEAR_S)
				return -1;
		}
		if (*s == '\0')
			unit = 1;
		for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
			if (*s != '\0' && units[i].unit == *s)
				unit = units[i].s;
		}
		if (unit == 0)
			return -1;
		if (*s != '\0')
			s++;
		total += n * unit;
		if (total > (int64_t)100 * YEAR_S)
			return -1;
	}
	*seconds = total;
	return 0;
}

int64_t
text_span_round(int64_t s)
{
	/* 59 minutes and a half are an hour, too. */
	if (s >= 3570)
		return (s + 30) / 60 * 60;
	return s <= -3570 ? (s - 30) / 60 * 60 : s;
}

const char *
text_span(int64_t s, char out[TEXT_SPAN_MAX])
{
	const char *sign = s < 0 ? "-" : "";

	s = text_span_round(s < 0 ? -s : s);
	if (s >= 10 * 86400)
		(void)text_printf(out, TEXT_SPAN_MAX, "%s%" PRId64 "d", sign,
		    s / 86400);
	else if (s >= 86400)
		(void)text_printf(out, TEXT_SPAN_MAX, "%s%" PRId64 "d %dh",
		    sign, s / 86400, (int)(s % 86400 / 3600));
	else if (s >= 3600)
		(void)text_printf(out, TEXT_SPAN_MAX, "%s%dh %dm", sign,
		    (int)(s / 3600), (int)(s % 3600 / 60));
	else if (s >= 60)
		(void)text_printf(out, TEXT_SPAN_MAX, "%s%dm", sign,
		    (int)(s / 60));
	else
		(void)text_printf(out, TEXT_SPAN_MAX, "%s%ds", sign, (int)s);
	return out;
}

const char *
text_expiry(int64_t s, char out[TEXT_EXPIRY_MAX])
{
	char span[TEXT_SPAN_MAX];

	if (s > 0)
		(void)text_printf(out, TEXT_EXPIRY_MAX, "expires in %s",
		    text_span(s, span));
	else
		(void)text_printf(out, TEXT_EXPIRY_MAX, "expired %s ago",
		    text_span(-s, span));
	return out;
}

const char *
text_time(time_t t, char out[TEXT_TIME_MAX])
{
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL ||
	    strftime(out, TEXT_TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &tm) == 0)
		(void)text_printf(out, TEXT_TIME_MAX, "@%lld", (long long)t);
	return out;
}

static const char b64url[] =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *
text_hex(const void *data, size_t len, char *out)
{
	static const char digits[] = "0123456789abcdef";
	const unsigned char *p = data;

	for (size_t i = 0; i < len; i++) {
		out[2 * i] = digits[p[i] >> 4];
		out[2 * i + 1] = digits[p[i] & 15];
	}
	out[2 * len] = '\0';
	return out;
}

char *
text_b64url_encode(const void *data, size_t len)
{
	const unsigned char *p = data;
	char *out = xmalloc(len / 3 * 4 + 5), *o = out;

	for (; len >= 3; len -= 3, p += 3) {
		*o++ = b64url[p[0] >> 2];
		*o++ = b64url[(p[0] & 3) << 4 | p[1] >> 4];
		*o++ = b64url[(p[1] & 15) << 2 | p[2] >> 6];
		*o++ = b64url[p[2] & 63];
	}
	if (len > 0) {
		*o++ = b64url[p[0] >> 2];
		*o++ = b64url[(p[0] & 3) << 4 | (len == 2 ? p[1] >> 4 : 0)];
		if (len == 2)
			*o++ = b64url[(p[1] & 15) << 2];
	}
	*o = '\0';
	return out;
}

int
text_b64url_decode(const char *s, unsigned char **out, size_t *out_len)
{
	size_t in_len = strlen(s), n = 0;
	unsigned char *buf;
	unsigned bits = 0, have = 0;

	if (in_len % 4 == 1)
		return -1;
	buf = xmalloc(in_len / 4 * 3 + 3);
	for (size_t i = 0; i < in_len; i++) {
		const char *c = strchr(b64url, s[i]);

		if (c == NULL) {
			freezero(buf, n);
			return -1;
		}
		bits = bits << 6 | (unsigned)(c - b64url);
		have += 6;
		if (have >= 8) {
			have -= 8;
			buf[n++] = (unsigned char)(bits >> have & 0xff);
		}
	}
	/* RFC 4648 section 3.5: bits left over must be zero. */
	if ((bits & ((1u << have) - 1)) != 0) {
		freezero(buf, n);
		return -1;
	}
	buf[n] = '\0';
	*out = buf;
	*out_len = n;
	return 0;
}

/* Levenshtein distance of two short words. */
static size_t
distance(const char *a, const char *b)
{
	size_t row[65], la = strlen(a), lb = strlen(b);

	if (la > 64 || lb > 64)
		return SIZE_MAX;
	for (size_t j = 0; j <= lb; j++)
		row[j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t d = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < d)
				d = row[j] + 1;
			if (row[j - 1] + 1 < d)
				d = row[j - 1] + 1;
			row[j] = d;
		}
	}
	return row[lb];
}

const char *
text_nearest(const char *word, const char *const *candidates, size_t n)
{
	size_t best = strlen(word) / 3 + 2;	/* further off is no help */
	const char *found = NULL;

	for (size_t i = 0; i < n; i++) {
		size_t d = distance(word, candidates[i]);

		if (d < best) {
			best = d;
			found = candidates[i];
		}
	}
	return found;
}
