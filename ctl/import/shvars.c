/* SPDX-License-Identifier: MIT */
#include "ctl/import/shvars.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define LETTERS "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_"
#define DIGITS "0123456789"

/* Characters that a shell works on outside of quotes. */
#define ACTIVE "$`\\\"'|&;<>()*?[]{}~!#"

/*
 * The value at s, to the end of its line, or NULL if it is none that can be
 * known without a shell; *end is behind the line.  The caller frees.
 */
static char *
read_value(const char *s, const char **end)
{
	char *out = xmalloc(strlen(s) + 1);
	size_t n = 0;
	char quote = '\0';

	for (; *s != '\0' && (quote != '\0' || strchr(" \t\r\n", *s) == NULL);
	    s++) {
		if (quote == '\0' && (*s == '\'' || *s == '"'))
			quote = *s;
		else if (*s == quote)
			quote = '\0';
		else if (quote == '\'')
			out[n++] = *s;
		else if (*s == '\\' && s[1] != '\0' && (quote == '\0' ||
		    strchr("\\\"$`", s[1]) != NULL))
			out[n++] = *++s;
		else if (strchr(quote == '\0' ? ACTIVE : "$`", *s) != NULL)
			break;
		else
			out[n++] = *s;
	}
	out[n] = '\0';
	*end = s + strcspn(s, "\n");
	s += strspn(s, " \t\r");
	if (quote == '\0' && (*s == '\0' || *s == '\n' || *s == '#'))
		return out;
	freezero(out, n);
	return NULL;
}

static void
note_unread(json_t *vars, const char *name)
{
	json_t *list = json_object_get(vars, "");

	if (list == NULL) {
		list = json_array();
		(void)json_object_set_new(vars, "", list);
	}
	(void)json_array_append_new(list, json_string(name));
}

json_t *
shvars_parse(const char *text)
{
	json_t *vars = json_object();

	for (const char *s = text; *s != '\0';) {
		size_t len;
		const char *end;
		char *name, *value;

		s += strspn(s, " \t\r\n");
		if (strncmp(s, "export ", 7) == 0)
			s += 7 + strspn(s + 7, " \t");
		len = strspn(s, LETTERS DIGITS);
		if (len == 0 || strchr(DIGITS, *s) != NULL || s[len] != '=') {
			s += strcspn(s, "\n");
			continue;
		}
		name = xstrndup(s, len);
		value = read_value(s + len + 1, &end);
		if (value == NULL || json_object_set_new(vars, name,
		    json_string(value)) == -1)
			note_unread(vars, name);
		freezero_str(value);
		free(name);
		s = end;
	}
	return vars;
}

const char *
shvars_str(const json_t *vars, const char *name)
{
	const char *s = json_string_value(json_object_get(vars, name));

	return s == NULL || *s == '\0' ? NULL : s;
}
