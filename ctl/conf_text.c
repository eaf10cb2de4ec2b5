/* SPDX-License-Identifier: MIT */
#include "ctl/conf_text.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct conf_text {
	FILE		*f;
	char		*text;		/* of f */
	size_t		 len;
	int		 depth;
	bool		 has_section;
};

static void
indent(struct conf_text *t)
{
	for (int i = 0; i < t->depth; i++)
		(void)fputc('\t', t->f);
}

/* As daemon/config/lex.c reads it back. */
static void
quote(FILE *f, const char *s)
{
	(void)fputc('"', f);
	for (; *s != '\0'; s++) {
		switch (*s) {
		case '"':
		case '\\':
			(void)fprintf(f, "\\%c", *s);
			break;
		case '\n':
			(void)fputs("\\n", f);
			break;
		case '\r':
			(void)fputs("\\r", f);
			break;
		case '\t':
			(void)fputs("\\t", f);
			break;
		case '\033':
			(void)fputs("\\e", f);
			break;
		default:
			(void)fputc(*s, f);
			break;
		}
	}
	(void)fputc('"', f);
}

void
conf_text_comment(struct conf_text *t, const char *text)
{
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		indent(t);
		(void)fputs(len > 0 ? "# " : "#", t->f);
		for (size_t i = 0; i < len; i++)
			(void)fputc((unsigned char)text[i] < 0x20 ? ' ' :
			    text[i], t->f);
		(void)fputc('\n', t->f);
		text += len + (text[len] == '\n');
	}
}

struct conf_text *
conf_text_new(const char *comment)
{
	struct conf_text *t = xcalloc(1, sizeof(*t));

	t->f = open_memstream(&t->text, &t->len);
	if (t->f == NULL)
		abort();
	if (comment != NULL)
		conf_text_comment(t, comment);
	return t;
}

char *
conf_text_take(struct conf_text *t)
{
	char *text;

	assert(t->depth == 0);
	if (fclose(t->f) == EOF)
		abort();
	text = t->text;
	free(t);
	return text;
}

void
conf_text_begin(struct conf_text *t, const char *kind, const char *title)
{
	if (t->depth == 0 && t->has_section)
		(void)fputc('\n', t->f);
	t->has_section = true;
	indent(t);
	(void)fprintf(t->f, "%s ", kind);
	quote(t->f, title);
	(void)fputs(" {\n", t->f);
	t->depth++;
}

void
conf_text_end(struct conf_text *t)
{
	assert(t->depth > 0);
	t->depth--;
	indent(t);
	(void)fputs("}\n", t->f);
}

void
conf_text_value(struct conf_text *t, const char *key, const char *value)
{
	if (value == NULL)
		return;
	indent(t);
	(void)fprintf(t->f, "%s = ", key);
	quote(t->f, value);
	(void)fputc('\n', t->f);
}

void
conf_text_list(struct conf_text *t, const char *key, const char *const *list)
{
	if (list == NULL)
		return;
	indent(t);
	(void)fprintf(t->f, "%s = {", key);
	for (size_t i = 0; list[i] != NULL; i++) {
		(void)fputs(i > 0 ? ", " : " ", t->f);
		quote(t->f, list[i]);
	}
	(void)fputs(" }\n", t->f);
}

void
conf_text_bool(struct conf_text *t, const char *key, bool value)
{
	indent(t);
	(void)fprintf(t->f, "%s = %s\n", key, value ? "true" : "false");
}
