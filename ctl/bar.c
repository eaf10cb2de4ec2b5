/* SPDX-License-Identifier: MIT */
#include "ctl/bar.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* The column of that moment; width if it is behind the end. */
static size_t
column_of(const struct bar *b, time_t at, size_t width)
{
	if (at <= b->from)
		return 0;
	return at >= b->to ? width : (size_t)((double)(at - b->from) /
	    (double)(b->to - b->from) * (double)width);
}

void
bar_print(const struct term *t, enum term_colour colour, const struct bar *b,
    size_t width, time_t now)
{
	static const char *const drawn[] = { "\xe2\x94\x81", "\xe2\x94\x80",
	    "\xe2\x95\x8b", "\xe2\x94\xbc" };
	static const char *const plain[] = { "#", "-", "|", "|" };
	const char *const *parts = t->has_lines ? drawn : plain;
	size_t gone = column_of(b, now, width), mark = width;
	size_t begin = 0, len = 0;
	const char *part;
	char *line = xcalloc(width * 3 + 1, 1);

	if (b->to <= b->from) {
		term_cell(t, TERM_PLAIN, "", width);
		free(line);
		return;
	}
	if (b->mark > b->from)
		mark = column_of(b, b->mark, width);
	for (size_t i = 0; i < width; i++) {
		if (i == gone) {
			term_cell(t, colour, line, 0);
			begin = len;
		}
		part = parts[(i >= gone ? 1 : 0) + (i == mark ? 2 : 0)];
		memcpy(line + len, part, strlen(part));
		len += strlen(part);
	}
	term_cell(t, gone == width ? colour : TERM_FAINT, line + begin, 0);
	free(line);
}
