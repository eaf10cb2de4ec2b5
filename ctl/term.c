/* SPDX-License-Identifier: MIT */
#include "ctl/term.h"

#include <sys/ioctl.h>

#include <langinfo.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"

enum {
	WIDTH_LEAST = 40,	/* below that, lines are as for 40 */
	WIDTH_UNKNOWN = 80,
	HEIGHT_UNKNOWN = 24,
	TEXT_LEAST = 10		/* columns that wrapped text gets always */
};

static const char *const colours[] = {
	[TERM_PLAIN] = "",
	[TERM_GOOD] = "\033[32m",
	[TERM_WARN] = "\033[33m",
	[TERM_BAD] = "\033[31m",
	[TERM_FAINT] = "\033[2m",
	[TERM_BOLD] = "\033[1m",
};
_Static_assert(sizeof(colours) / sizeof(colours[0]) == TERM_COLOUR_END,
    "colours");

bool
term_resize(struct term *t)
{
	size_t columns = t->columns, height = t->height;
	struct winsize ws = { .ws_col = 0 };

	if (!t->is_tty)
		return false;
	if (ioctl(fileno(t->out), TIOCGWINSZ, &ws) == -1)
		ws = (struct winsize){ .ws_col = 0 };
	t->width = ws.ws_col == 0 ? WIDTH_UNKNOWN :
	    ws.ws_col < WIDTH_LEAST ? WIDTH_LEAST : ws.ws_col;
	t->height = ws.ws_row == 0 ? HEIGHT_UNKNOWN : ws.ws_row;
	t->columns = ws.ws_col == 0 ? WIDTH_UNKNOWN : ws.ws_col;
	return t->columns != columns || t->height != height;
}

void
term_init(struct term *t, FILE *out, enum term_when colour)
{
	const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
	bool is_dumb = kind == NULL || strcmp(kind, "dumb") == 0;

	*t = (struct term){ .out = out };
	t->is_utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	t->is_tty = isatty(fileno(out)) == 1;
	t->has_cursor = t->is_tty && !is_dumb;
	/* The fonts of the Linux console have few of these characters. */
	t->has_lines = t->is_utf8 && !is_dumb && strcmp(kind, "linux") != 0;
	t->has_colour = colour == TERM_ALWAYS || (colour == TERM_AUTO &&
	    t->is_tty && !is_dumb && (no_colour == NULL ||
	    *no_colour == '\0'));
	(void)term_resize(t);
}

/* The character at s, which is well-formed UTF-8; *len is its bytes. */
static uint32_t
char_at(const char *s, size_t *len)
{
	const unsigned char *u = (const unsigned char *)s;
	size_t n = u[0] < 0x80 ? 1 : u[0] < 0xe0 ? 2 : u[0] < 0xf0 ? 3 : 4;
	uint32_t c = n == 1 ? u[0] : u[0] & (0xffu >> (n + 1));

	for (size_t i = 1; i < n; i++) {
		if (u[i] == '\0') {
			n = i;		/* cut off; text_clean() forbids it */
			break;
		}
		c = c << 6 | (u[i] & 0x3f);
	}
	*len = n;
	return c;
}

/*
 * Columns of one character.  Not wcwidth(3), which knows nothing outside
 * ASCII in the C locale, in which services and cron jobs run.
 */
static size_t
char_columns(uint32_t c)
{
	static const struct { uint32_t first, last; size_t columns; } sets[] = {
		{ 0x0300, 0x036f, 0 }, { 0x1100, 0x115f, 2 },
		{ 0x200b, 0x200f, 0 }, { 0x202a, 0x202e, 0 },
		{ 0x2060, 0x2069, 0 }, { 0x2e80, 0xa4cf, 2 },
		{ 0xac00, 0xd7a3, 2 }, { 0xf900, 0xfaff, 2 },
		{ 0xfe00, 0xfe0f, 0 }, { 0xfe30, 0xfe6f, 2 },
		{ 0xff00, 0xff60, 2 }, { 0xffe0, 0xffe6, 2 },
		{ 0x1f300, 0x1faff, 2 }, { 0x20000, 0x3fffd, 2 },
	};

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (c >= sets[i].first && c <= sets[i].last)
			return sets[i].columns;
	}
	return 1;
}

size_t
term_columns(const char *s)
{
	size_t columns = 0, len;

	for (; *s != '\0'; s += len)
		columns += char_columns(char_at(s, &len));
	return columns;
}

/* Bytes of s, from its beginning, that take at most width columns. */
static size_t
head_len(const char *s, size_t width)
{
	size_t used = 0, n = 0, len;

	for (; s[n] != '\0'; n += len) {
		used += char_columns(char_at(s + n, &len));
		if (used > width)
			break;
	}
	return n;
}

static void
put(const struct term *t, enum term_colour colour, const char *s, size_t len)
{
	const char *c = t->has_colour ? colours[colour] : "";

	(void)fprintf(t->out, "%s%.*s%s", c, (int)len, s,
	    *c != '\0' ? "\033[0m" : "");
}

void
term_cell(const struct term *t, enum term_colour colour, const char *s,
    size_t width)
{
	size_t columns = term_columns(s);

	put(t, colour, s, strlen(s));
	if (columns < width)
		(void)fprintf(t->out, "%*s", (int)(width - columns), "");
}

char *
term_shorten(const struct term *t, const char *s, size_t width)
{
	const char *dots = t->is_utf8 ? "\xe2\x80\xa6" : "..";
	size_t dots_columns = t->is_utf8 ? 1 : 2, columns = term_columns(s);
	size_t head, tail, len, dropped;

	if (columns <= width)
		return xstrdup(s);
	if (width <= dots_columns)
		return xstrndup(s, head_len(s, width));
	head = head_len(s, (width - dots_columns) / 2);
	/* The tail is what is left when enough columns are dropped. */
	dropped = columns - (width - dots_columns -
	    (width - dots_columns) / 2);
	tail = head_len(s, dropped);
	if (tail < strlen(s) && term_columns(s + tail) > columns - dropped) {
		(void)char_at(s + tail, &len);
		tail += len;
	}
	return xasprintf("%.*s%s%s", (int)head, s, dots, s + tail);
}

/* Bytes of s to put on a line of width columns: words, or what fits of one. */
static size_t
line_len(const char *s, size_t width)
{
	size_t n = head_len(s, width), end = n, len;

	if (s[n] == '\0' || s[n] == ' ')
		return n;
	while (end > 0 && s[end - 1] != ' ')
		end--;
	if (end > 0)
		return end;
	if (n == 0)
		(void)char_at(s, &len);
	return n > 0 ? n : len;
}

/* The beginning says more than the end: it is not cut in its middle. */
static void
put_brief(const struct term *t, enum term_colour colour, size_t at,
    const char *s)
{
	size_t left = t->width > at + 1 ? t->width - at : 1;
	bool fits = term_columns(s) <= left;
	const char *dots = t->is_utf8 ? "\xe2\x80\xa6" : "..";
	size_t dots_columns = t->is_utf8 ? 1 : 2;
	size_t len = fits ? strlen(s) : left <= dots_columns ? 0 :
	    head_len(s, left - dots_columns);
	char *text = xasprintf("%.*s%s", (int)len, s, fits ||
	    left < dots_columns ? "" : dots);

	put(t, colour, text, strlen(text));
	(void)fputc('\n', t->out);
	free(text);
}

void
term_wrap(const struct term *t, enum term_colour colour, size_t at,
    size_t indent, const char *s)
{
	if (t->is_brief && t->width != 0) {
		put_brief(t, colour, at, s);
		return;
	}
	for (;;) {
		size_t left, len;

		while (*s == ' ')
			s++;
		left = t->width == 0 ? SIZE_MAX : t->width > at + TEXT_LEAST ?
		    t->width - at : TEXT_LEAST;
		len = line_len(s, left);
		while (len > 0 && s[len - 1] == ' ')
			len--;
		put(t, colour, s, len);
		(void)fputc('\n', t->out);
		s += len;
		while (*s == ' ')
			s++;
		if (*s == '\0')
			return;
		(void)fprintf(t->out, "%*s", (int)indent, "");
		at = indent;
	}
}
