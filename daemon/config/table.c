/* SPDX-License-Identifier: MIT */
#include "daemon/config/table.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/opt.h"

#define HINT_MAX 8		/* names; more are not listed */

void
table_add(struct table *t, const struct section *sec, void *object)
{
	if (t->n == t->room) {
		t->room = t->room * 2 + 8;
		t->rows = xreallocarray(t->rows, t->room, sizeof(*t->rows));
	}
	t->rows[t->n++] = (struct table_row){ sec, object };
}

static int
compare(const void *a, const void *b)
{
	const struct section *x = ((const struct table_row *)a)->sec;
	const struct section *y = ((const struct table_row *)b)->sec;
	int rc = strcmp(x->title, y->title);

	if (rc != 0)
		return rc;
	if (x->src->order != y->src->order)
		return x->src->order < y->src->order ? -1 : 1;
	return x->line < y->line ? -1 : x->line > y->line;
}

void
table_sort(struct table *t, struct mistakes *m)
{
	size_t first = 0;

	if (t->n > 0)
		qsort(t->rows, t->n, sizeof(*t->rows), compare);
	for (size_t i = 1; i < t->n; i++) {
		const struct section *a = t->rows[first].sec;
		const struct section *b = t->rows[i].sec;

		if (strcmp(a->title, b->title) == 0)
			opt_mistake(m, b, b->line, "it is given twice, first "
			    "in %s:%d; allowed: once", a->src->path, a->line);
		else
			first = i;
	}
}

void *
table_find(const struct table *t, const char *name)
{
	size_t low = 0, high = t->n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int rc = strcmp(name, t->rows[mid].sec->title);

		if (rc == 0)
			return t->rows[mid].object;
		if (rc < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return NULL;
}

char *
table_hint(const struct table *t, const char *name)
{
	const char **names = xcalloc(t->n + 1, sizeof(*names));
	const char *near;
	char *hint;

	for (size_t i = 0; i < t->n; i++)
		names[i] = t->rows[i].sec->title;
	near = name[0] == '\0' ? NULL : text_nearest(name, names, t->n);
	if (near != NULL) {
		hint = xasprintf("; did you mean \"%s\"?", near);
	} else if (t->n == 0) {
		hint = xstrdup("; none is defined");
	} else {
		hint = xstrdup("; defined:");
		for (size_t i = 0; i < t->n && i < HINT_MAX; i++) {
			char *longer = xasprintf("%s%s \"%s\"", hint,
			    i > 0 ? "," : "", names[i]);

			free(hint);
			hint = longer;
		}
	}
	free(names);
	return hint;
}

void
table_clear(struct table *t)
{
	free(t->rows);
	*t = (struct table){ 0 };
}
