/* SPDX-License-Identifier: MIT */
#include "daemon/notify/mime.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/rest/sign.h"

#define LINE_MAX_QP	76
#define LINE_MAX_7BIT	78
#define WORD_BYTES	42	/* 56 of base64, 68 with "=?UTF-8?B?" "?=" */

static bool
is_ascii(const char *s)
{
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s >= 0x80)
			return false;
	}
	return true;
}

char *
mime_header(const char *value)
{
	char *clean = xstrdup(value), *out, *from;

	text_clean(clean);
	/* "=?" would be taken for an encoded word. */
	if (is_ascii(clean) && strstr(clean, "=?") == NULL)
		return clean;
	out = xstrdup("");
	for (from = clean; *from != '\0';) {
		size_t len = strlen(from);
		char *word, *longer;

		if (len > WORD_BYTES) {
			len = WORD_BYTES;	/* and no half character */
			while (((unsigned char)from[len] & 0xc0) == 0x80)
				len--;
		}
		word = sign_base64(from, len);
		longer = xasprintf("%s%s=?UTF-8?B?%s?=", out,
		    out[0] != '\0' ? "\r\n " : "", word);
		free(word);
		free(out);
		out = longer;
		from += len;
	}
	free(clean);
	return out;
}

/* RFC 5322 section 3.3; the names are English whatever the locale is. */
static void
put_date(FILE *f, time_t at)
{
	static const char days[][4] = { "Sun", "Mon", "Tue", "Wed", "Thu",
	    "Fri", "Sat" };
	static const char months[][4] = { "Jan", "Feb", "Mar", "Apr", "May",
	    "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
	struct tm tm;
	long zone;

	if (localtime_r(&at, &tm) == NULL)
		return;
	zone = tm.tm_gmtoff / 60;
	fprintf(f, "Date: %s, %02d %s %d %02d:%02d:%02d %c%02ld%02ld\r\n",
	    days[tm.tm_wday], tm.tm_mday, months[tm.tm_mon],
	    tm.tm_year + 1900, tm.tm_hour, tm.tm_min, tm.tm_sec,
	    zone < 0 ? '-' : '+', labs(zone) / 60, labs(zone) % 60);
}

static bool
is_7bit(const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		if (len > LINE_MAX_7BIT)
			return false;
		for (size_t i = 0; i < len; i++) {
			if ((unsigned char)text[i] >= 0x7f ||
			    (unsigned char)text[i] < 0x20)
				return false;
		}
		text += len + (text[len] == '\n');
	}
	return true;
}

/* A line's end is a soft one if more of the line follows. */
static void
put_qp(FILE *f, const char *text)
{
	size_t column = 0;

	for (; *text != '\0'; text++) {
		unsigned char c = (unsigned char)*text;
		bool is_last = text[1] == '\n' || text[1] == '\0';
		bool is_plain = (c > 0x20 && c < 0x7f && c != '=') ||
		    (c == ' ' && !is_last);
		size_t len = is_plain ? 1 : 3;

		if (c == '\n') {
			fputs("\r\n", f);
			column = 0;
			continue;
		}
		if (column + len > LINE_MAX_QP - 1) {
			fputs("=\r\n", f);
			column = 0;
		}
		if (is_plain)
			fputc(c, f);
		else
			fprintf(f, "=%02X", c);
		column += len;
	}
}

static void
put_7bit(FILE *f, const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '\n')
			fputc('\r', f);
		fputc(*text, f);
	}
}

char *
mime_mail(const struct mime_args *a)
{
	char *subject = mime_header(a->subject), *buf = NULL;
	bool plain = is_7bit(a->text);
	size_t len;
	FILE *f = open_memstream(&buf, &len);

	if (f == NULL)
		abort();
	put_date(f, a->at);
	fprintf(f, "From: acmed <%s>\r\n", a->from);
	for (size_t i = 0; a->to[i] != NULL; i++)
		fprintf(f, "%s<%s>", i == 0 ? "To: " : ",\r\n ", a->to[i]);
	fprintf(f, "\r\nSubject: %s\r\nMessage-ID: <%s>\r\n", subject, a->id);
	/* RFC 3834: no vacation notes in answer to this. */
	fputs("Auto-Submitted: auto-generated\r\n", f);
	if (a->is_urgent)
		fputs("Importance: high\r\n", f);
	fprintf(f, "MIME-Version: 1.0\r\n"
	    "Content-Type: text/plain; charset=%s\r\n"
	    "Content-Transfer-Encoding: %s\r\n\r\n",
	    is_ascii(a->text) ? "us-ascii" : "utf-8",
	    plain ? "7bit" : "quoted-printable");
	if (plain)
		put_7bit(f, a->text);
	else
		put_qp(f, a->text);
	if (a->text[0] != '\0' && a->text[strlen(a->text) - 1] != '\n')
		fputs("\r\n", f);
	if (fclose(f) != 0)
		abort();
	free(subject);
	return buf;
}
