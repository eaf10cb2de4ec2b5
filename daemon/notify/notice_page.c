/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/notify/notice_priv.h"

#define WIDTH		76
#define LABEL_WIDTH	13

const char *
page_local_time(time_t at, char out[PAGE_TIME_MAX])
{
	struct tm tm;

	if (localtime_r(&at, &tm) == NULL ||
	    strftime(out, PAGE_TIME_MAX, "%Y-%m-%d %H:%M %Z", &tm) == 0)
		(void)text_time(at, out);
	return out;
}

char *
page_left(const struct writer *w, time_t at)
{
	return phrase_span((int64_t)at - w->n->at, w->zh);
}

void
page_wrap(struct writer *w, size_t column, size_t indent, const char *text)
{
	size_t at = column;

	while (*text != '\0') {
		size_t len = strcspn(text, " ");
		char *word = xstrndup(text, len);
		size_t columns = text_columns(word);

		if (at > indent && at + columns + 1 > WIDTH && len > 0) {
			fprintf(w->f, "\n%*s", (int)indent, "");
			at = indent;
		} else if (at > column || (at > indent && column == 0)) {
			fputc(' ', w->f);
			at++;
		}
		fputs(word, w->f);
		at += columns;
		free(word);
		text += len + strspn(text + len, " ");
	}
	fputc('\n', w->f);
}

void
page_line(struct writer *w, enum phrase label, const char *text)
{
	const char *name = phrase(label, w->zh);
	size_t used = text_columns(name) + 1;

	fprintf(w->f, "%s:%*s", name, (int)(used < LABEL_WIDTH + 1 ?
	    LABEL_WIDTH + 1 - used : 1), "");
	page_wrap(w, LABEL_WIDTH + 1, LABEL_WIDTH + 1, text);
}

void
page_words(struct writer *w, enum phrase label, const char *text, size_t max)
{
	char *copy = xstrndup(text, max);

	text_clean(copy);
	if (strlen(text) > max) {
		char *cut = xasprintf("%s ...", copy);

		free(copy);
		copy = cut;
	}
	page_line(w, label, copy);
	free(copy);
}

void
page_names(struct writer *w, enum phrase label, const char *names)
{
	char *all = xstrdup("");

	while (*names != '\0') {
		size_t len = strcspn(names, ", ");
		char *name = xstrndup(names, len), *shown = dname_show(name);
		char *more = xasprintf("%s%s%s", all, all[0] != '\0' ? ", " :
		    "", shown);

		free(name);
		free(shown);
		free(all);
		all = more;
		names += len + strspn(names + len, ", ");
	}
	page_words(w, label, all, PAGE_NAMES_MAX);
	free(all);
}

char *
page_when(const struct writer *w, time_t at)
{
	char buf[PAGE_TIME_MAX];
	char *span = page_left(w, at), *text;
	struct phrase_var vars[] = { { "at", page_local_time(at, buf) },
	    { "left", span }, { NULL, NULL } };

	text = phrase_fill(at >= w->n->at ? P_IN : P_AGO, w->zh, vars);
	free(span);
	return text;
}

void
page_time(struct writer *w, enum phrase label, time_t at)
{
	char *text = page_when(w, at);

	page_line(w, label, text);
	free(text);
}
