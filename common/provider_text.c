/* SPDX-License-Identifier: MIT */
#include "common/provider_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

#define WIDTH 78

/* A member that is text, without what a terminal would obey. */
static char *
member(const json_t *j, const char *name)
{
	const char *s = jsonx_str(j, name);
	char *copy = xstrdup(s != NULL ? s : "");

	text_clean(copy);
	return copy;
}

/* Words in lines of at most WIDTH columns, each behind indent blanks. */
static void
wrap(FILE *f, int indent, const char *text)
{
	size_t used = 0, len;

	for (text += strspn(text, " "); *text != '\0';
	    text += len, text += strspn(text, " ")) {
		len = strcspn(text, " ");
		if (used > 0 && used + 1 + len > WIDTH) {
			(void)fputc('\n', f);
			used = 0;
		}
		used += (size_t)fprintf(f, "%*s%.*s",
		    used == 0 ? indent : 1, "", (int)len, text);
	}
	(void)fputc('\n', f);
}

static void
print_option(FILE *f, const json_t *o)
{
	char *name = member(o, "name"), *type = member(o, "type");
	char *fallback = member(o, "default"), *help = member(o, "help");
	bool is_secret = json_is_true(json_object_get(o, "secret"));

	(void)fprintf(f, "  %s", name);
	if (is_secret)
		(void)fprintf(f, ", %s_file", name);
	(void)fprintf(f, " (%s%s%s", type, is_secret ? ", secret" : "",
	    json_is_true(json_object_get(o, "required")) ? ", required" : "");
	if (jsonx_get(o, "max") != NULL)
		(void)fprintf(f, ", %lld to %lld",
		    (long long)jsonx_int(o, "min", 0),
		    (long long)jsonx_int(o, "max", 0));
	if (*fallback != '\0')
		(void)fprintf(f, ", default %s", fallback);
	(void)fputs(")\n", f);
	wrap(f, 6, help);
	free(name);
	free(type);
	free(fallback);
	free(help);
}

/* Its lines are its own; nothing else in it is obeyed. */
static void
print_example(FILE *f, const char *text)
{
	while (text != NULL && *text != '\0') {
		size_t len = strcspn(text, "\n");
		char *line = xasprintf("%.*s", (int)len, text);

		text_clean(line);
		(void)fprintf(f, "  %s\n", line);
		free(line);
		text += len + (text[len] == '\n');
	}
}

static void
print_one(FILE *f, const json_t *j)
{
	char *name = member(j, "name"), *title = member(j, "title");
	char *help = member(j, "help");
	const json_t *o;
	size_t i;

	(void)fprintf(f, "%s - %s\n", name, title);
	if (*help != '\0') {
		(void)fputc('\n', f);
		wrap(f, 2, help);
	}
	(void)fputs("\nOptions:\n", f);
	json_array_foreach(jsonx_get(j, "options"), i, o)
		print_option(f, o);
	if (jsonx_str(j, "policy") != NULL) {
		(void)fputs("\nLeast privilege:\n", f);
		print_example(f, jsonx_str(j, "policy"));
	}
	(void)fputs("\nIn acmed.conf:\n", f);
	print_example(f, jsonx_str(j, "example"));
	free(name);
	free(title);
	free(help);
}

char *
provider_text(const json_t *j)
{
	const json_t *list = jsonx_get(j, "providers"), *p;
	char *text = NULL;
	size_t size = 0, i;
	int width = 14;
	FILE *f = open_memstream(&text, &size);

	if (f == NULL)
		abort();
	if (list == NULL)
		list = jsonx_get(j, "clouds");
	if (list == NULL)
		list = jsonx_get(j, "recipes");
	if (list == NULL)
		print_one(f, j);
	json_array_foreach(list, i, p) {
		size_t len = strlen(jsonx_str(p, "name"));

		width = (int)len > width ? (int)len : width;
	}
	json_array_foreach(list, i, p) {
		char *name = member(p, "name"), *title = member(p, "title");

		(void)fprintf(f, "%-*s %s\n", width, name, title);
		free(name);
		free(title);
	}
	if (fclose(f) == EOF)
		abort();
	return text;
}
