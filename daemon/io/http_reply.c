/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/io/http_priv.h"

#define HEADERS_MAX 100
#define HEADERS_BYTES_MAX (64 * 1024)
#define DELAY_MAX ((time_t)365 * 86400)

bool
http_headers_add(struct http_headers *h, const char *line, size_t len)
{
	const char *colon = memchr(line, ':', len), *value;
	size_t name_len, value_len, need;

	if (h->n >= HEADERS_MAX || len > HEADERS_BYTES_MAX - h->len)
		return false;
	/* No header, a folded line, or something that is not text. */
	if (colon == NULL || colon == line || *line == ' ' || *line == '\t' ||
	    memchr(line, '\0', len) != NULL)
		return true;
	name_len = (size_t)(colon - line);
	value = colon + 1;
	value_len = len - name_len - 1;
	while (value_len > 0 && (*value == ' ' || *value == '\t')) {
		value++;
		value_len--;
	}
	while (value_len > 0 && strchr(" \t\r\n", value[value_len - 1]))
		value_len--;
	need = h->len + name_len + value_len + 2;
	if (need > h->size) {
		h->size = need > 1024 ? need * 2 : 1024;
		h->buf = xreallocarray(h->buf, h->size, 1);
	}
	memcpy(h->buf + h->len, line, name_len);
	h->buf[h->len + name_len] = '\0';
	memcpy(h->buf + h->len + name_len + 1, value, value_len);
	h->buf[need - 1] = '\0';
	h->len = need;
	h->n++;
	return true;
}

void
http_headers_clear(struct http_headers *h)
{
	free(h->buf);
	memset(h, 0, sizeof(*h));
}

const char *
http_reply_header(const struct http_reply *reply, const char *name, size_t nth)
{
	const struct http_headers *h = reply->headers;
	const char *p;

	if (h == NULL || h->n == 0)
		return NULL;
	for (p = h->buf; p < h->buf + h->len;) {
		const char *value = p + strlen(p) + 1;

		if (strcasecmp(p, name) == 0 && nth-- == 0)
			return value;
		p = value + strlen(value) + 1;
	}
	return NULL;
}

static bool
scan_number(const char **s, int digits, int *out)
{
	*out = 0;
	for (; digits > 0; digits--, (*s)++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + (**s - '0');
	}
	return true;
}

static bool
scan_text(const char **s, const char *text)
{
	size_t len = strlen(text);

	if (strncmp(*s, text, len) != 0)
		return false;
	*s += len;
	return true;
}

static bool
scan_month(const char **s, int *month)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	for (*month = 0; *month < 12; (*month)++) {
		if (strncmp(*s, names + *month * 3, 3) == 0) {
			*s += 3;
			return true;
		}
	}
	return false;
}

static bool
scan_clock(const char **s, struct tm *tm)
{
	return scan_number(s, 2, &tm->tm_hour) && scan_text(s, ":") &&
	    scan_number(s, 2, &tm->tm_min) && scan_text(s, ":") &&
	    scan_number(s, 2, &tm->tm_sec) && tm->tm_hour < 24 &&
	    tm->tm_min < 60 && tm->tm_sec <= 60;
}

/* Two digits of a year mean the nearest one (RFC 9110 section 5.6.7). */
static int
full_year(int two_digits)
{
	time_t now = clock_now();
	struct tm tm;
	int year;

	if (gmtime_r(&now, &tm) == NULL)
		return 1900 + two_digits;
	year = (tm.tm_year + 1900) / 100 * 100 + two_digits;
	return year > tm.tm_year + 1900 + 50 ? year - 100 : year;
}

/* "Sun Nov  6 08:49:37 1994" */
static bool
scan_asctime(const char *s, struct tm *tm, int *year)
{
	s += 4;
	if (!scan_month(&s, &tm->tm_mon) || !scan_text(&s, " "))
		return false;
	if (*s == ' ') {
		s++;
		if (!scan_number(&s, 1, &tm->tm_mday))
			return false;
	} else if (!scan_number(&s, 2, &tm->tm_mday)) {
		return false;
	}
	return scan_text(&s, " ") && scan_clock(&s, tm) &&
	    scan_text(&s, " ") && scan_number(&s, 4, year) && *s == '\0';
}

/* "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT" */
static bool
scan_comma_date(const char *s, struct tm *tm, int *year)
{
	const char *dash;
	int digits;

	s = strchr(s, ',');
	if (s == NULL || s[1] != ' ')
		return false;
	s += 2;
	if (!scan_number(&s, 2, &tm->tm_mday))
		return false;
	dash = *s == '-' ? "-" : " ";
	digits = *s == '-' ? 2 : 4;
	if (!scan_text(&s, dash) || !scan_month(&s, &tm->tm_mon) ||
	    !scan_text(&s, dash) || !scan_number(&s, digits, year))
		return false;
	if (digits == 2)
		*year = full_year(*year);
	return scan_text(&s, " ") && scan_clock(&s, tm) &&
	    scan_text(&s, " GMT") && *s == '\0';
}

/* An HTTP-date in any of its three forms (RFC 9110 section 5.6.7). */
static bool
parse_date(const char *s, time_t *out)
{
	struct tm tm = { 0 };
	bool ok;
	int year, mday;

	if (strlen(s) < 24)
		return false;
	ok = s[3] == ' ' ? scan_asctime(s, &tm, &year) :
	    scan_comma_date(s, &tm, &year);
	if (!ok || year < 1970)
		return false;
	tm.tm_year = year - 1900;
	mday = tm.tm_mday;
	*out = timegm(&tm);
	return *out != (time_t)-1 && tm.tm_mday == mday;
}

time_t
http_reply_date(const struct http_reply *reply)
{
	const char *s = http_reply_header(reply, "Date", 0);
	time_t date;

	return s != NULL && parse_date(s, &date) && date > 0 ? date : 0;
}

time_t
http_reply_retry_at(const struct http_reply *reply)
{
	const char *s = http_reply_header(reply, "Retry-After", 0);
	time_t now = clock_now(), at, sent;
	size_t digits;

	if (s == NULL || *s == '\0')
		return 0;
	digits = strspn(s, "0123456789");
	if (s[digits] == '\0') {
		time_t delay = 0;

		for (; *s != '\0' && delay < DELAY_MAX; s++)
			delay = delay * 10 + (*s - '0');
		return now + (delay < DELAY_MAX ? delay : DELAY_MAX);
	}
	if (!parse_date(s, &at))
		return 0;
	sent = http_reply_date(reply);
	if (sent != 0)
		at = now + (at - sent);
	if (at < now)
		return now;
	return at - now < DELAY_MAX ? at : now + DELAY_MAX;
}
