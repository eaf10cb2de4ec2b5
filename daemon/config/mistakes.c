/* SPDX-License-Identifier: MIT */
#include "daemon/config/mistakes.h"

#include <stdarg.h>
#include <stdlib.h>

#include "common/mem.h"
#include "common/text.h"

void
mistake_add(struct mistakes *m, enum conf_level level,
    const struct source *src, int line, int top, const char *fmt, ...)
{
	struct mistake *new;
	char *what;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	if (m->n == m->room) {
		m->room = m->room * 2 + 8;
		m->list = xreallocarray(m->list, m->room, sizeof(*m->list));
	}
	new = &m->list[m->n];
	*new = (struct mistake){ .level = level, .order = src->order,
	    .line = line, .top = top, .n = m->n++ };
	if (level == CONF_MISTAKE)
		m->n_wrong++;
	if (line > 0)
		new->text = xasprintf("%s:%d: %s", src->path, line, what);
	else
		new->text = xasprintf("%s: %s", src->path, what);
	text_clean(new->text);
	free(what);
}

static int
compare(const void *a, const void *b)
{
	const struct mistake *x = a, *y = b;

	if (x->order != y->order)
		return x->order < y->order ? -1 : 1;
	if (x->line != y->line)
		return x->line < y->line ? -1 : 1;
	return x->n < y->n ? -1 : x->n > y->n;
}

void
mistakes_report(struct mistakes *m, conf_report_cb *report, void *arg)
{
	if (m->n > 0)
		qsort(m->list, m->n, sizeof(*m->list), compare);
	for (size_t i = 0; i < m->n; i++)
		report(m->list[i].level, m->list[i].text, arg);
}

void
mistakes_clear(struct mistakes *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->list[i].text);
		free(m->list[i].path);
	}
	free(m->list);
	*m = (struct mistakes){ 0 };
}
