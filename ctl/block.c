/* SPDX-License-Identifier: MIT */
#include "ctl/block.h"

#include <stdlib.h>
#include <string.h>

void
block_init(struct block *b, struct term *t)
{
	*b = (struct block){ .t = t };
}

struct term *
block_begin(struct block *b)
{
	/* Where the old lines are by now only the terminal knows. */
	(void)term_resize(b->t);
	if (b->lines > 0 && (b->t->columns != b->columns ||
	    b->t->height != b->height)) {
		(void)fputs("\033[H\033[2J", b->t->out);
		b->lines = 0;
	}
	b->columns = b->t->columns;
	b->height = b->t->height;
	b->page = *b->t;
	b->page.out = open_memstream(&b->text, &b->len);
	if (b->page.out == NULL)
		abort();
	b->page.is_brief = true;
	b->page.width = b->t->columns;
	/* The last line of the terminal is the cursor's. */
	b->page.height = b->t->height > 1 ? b->t->height - 1 : 1;
	return &b->page;
}

void
block_end(struct block *b)
{
	FILE *out = b->t->out;
	const char *s, *nl;
	size_t lines = 0;

	if (fclose(b->page.out) != 0 || b->text == NULL)
		abort();
	if (b->lines > 0)
		(void)fprintf(out, "\033[%zuA", b->lines);
	(void)fputc('\r', out);
	for (s = b->text; lines < b->page.height &&
	    (nl = strchr(s, '\n')) != NULL; s = nl + 1, lines++)
		(void)fprintf(out, "\033[K%.*s\n", (int)(nl - s), s);
	(void)fputs("\033[J", out);
	(void)fflush(out);
	b->lines = lines;
	free(b->text);
	b->text = NULL;
}
