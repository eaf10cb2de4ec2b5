/* SPDX-License-Identifier: MIT */
#include "ctl/import/ini.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"

enum { DEPTH_MAX = 3, LISTED_MAX = 1000 };

static const char *
skip_blanks(const char *s)
{
	return s + strspn(s, " \t\r");
}

/* s up to end, without blanks at its end; the caller frees. */
static char *
trimmed(const char *s, const char *end)
{
	while (end > s && strchr(" \t\r", end[-1]) != NULL)
		end--;
	return xstrndup(s, (size_t)(end - s));
}

/*
 * One value at *at, which moves behind it: quoted, or up to a comma, a
 * comment or the end.  The caller frees; NULL if a quote is not closed.
 */
static char *
read_value(const char **at)
{
	const char *s = *at, *end;
	const char quote = *s;
	const char triple[] = { quote, quote, quote, '\0' };
	size_t n = 1;

	if (quote != '"' && quote != '\'') {
		end = s + strcspn(s, ",#");
		*at = end;
		return trimmed(s, end);
	}
	if (strncmp(s, triple, 3) == 0) {
		n = 3;
		end = strstr(s + 3, triple);
	} else {
		end = strchr(s + 1, quote);
	}
	if (end == NULL)
		return NULL;
	*at = skip_blanks(end + n);
	return xstrndup(s + n, (size_t)(end - s) - n);
}

/* What stands behind "=": a string, or an array if there is a comma. */
static json_t *
read_values(const char *s)
{
	json_t *list = json_array(), *only;
	bool is_list = false;

	s = skip_blanks(s);
	while (*s != '\0' && *s != '#') {
		char *value = *s == ',' ? NULL : read_value(&s);

		/* Not one that is not UTF-8. */
		if ((value == NULL && *s != ',') || (value != NULL &&
		    json_array_append_new(list, json_string(value)) == -1) ||
		    json_array_size(list) > LISTED_MAX ||
		    (*s != ',' && *s != '#' && *s != '\0')) {
			freezero_str(value);
			json_decref(list);
			return NULL;
		}
		freezero_str(value);
		if (*s == ',') {
			is_list = true;
			s = skip_blanks(s + 1);
		}
	}
	if (is_list)
		return list;
	only = json_array_size(list) == 0 ? json_string("") :
	    json_incref(json_array_get(list, 0));
	json_decref(list);
	return only;
}

/* "[[name]]": the section becomes stack[depth]. */
static int
read_section(const char *s, json_t **stack, size_t *depth)
{
	size_t n = strspn(s, "["), closed;
	const char *end = s + n + strcspn(s + n, "]");
	json_t *section;
	char *name;

	closed = strspn(end, "]");
	if (n > DEPTH_MAX || n > *depth + 1 || closed != n ||
	    strchr("#", *skip_blanks(end + closed)) == NULL)
		return -1;
	name = trimmed(skip_blanks(s + n), end);
	/* A second one of that name is a mistake. */
	section = json_object_get(stack[n - 1], name) != NULL ? NULL :
	    json_object();
	if (json_object_set_new(stack[n - 1], name, section) == -1) {
		free(name);
		return -1;
	}
	free(name);
	stack[n] = section;
	*depth = n;
	return 0;
}

static int
read_line(const char *s, json_t **stack, size_t *depth)
{
	const char *eq;
	char *key;
	json_t *value;
	int rc;

	s = skip_blanks(s);
	if (*s == '\0' || *s == '#')
		return 0;
	if (*s == '[')
		return read_section(s, stack, depth);
	if (*s == '"' || *s == '\'') {
		/* ConfigObj quotes keys with odd characters. */
		key = read_value(&s);
		eq = s;
	} else {
		eq = s + strcspn(s, "=");
		key = trimmed(s, eq);
	}
	value = key != NULL && *eq == '=' ? read_values(eq + 1) : NULL;
	rc = value != NULL && *key != '\0' &&
	    json_object_get(stack[*depth], key) == NULL &&
	    json_object_set(stack[*depth], key, value) == 0 ? 0 : -1;
	json_decref(value);
	free(key);
	return rc;
}

json_t *
ini_parse(const char *text, struct error *err)
{
	json_t *stack[DEPTH_MAX + 1] = { json_object() };
	size_t depth = 0;
	int line = 1;

	while (*text != '\0') {
		const char *end = text + strcspn(text, "\n");
		char *one = xstrndup(text, (size_t)(end - text));
		int rc = read_line(one, stack, &depth);

		freezero_str(one);
		if (rc == -1) {
			(void)error_set(err, ERR_CONFIG, "import:syntax",
			    "line %d cannot be read", line);
			json_decref(stack[0]);
			return NULL;
		}
		text = *end == '\0' ? end : end + 1;
		line++;
	}
	return stack[0];
}

const char *
ini_str(const json_t *section, const char *key)
{
	const char *s = json_string_value(json_object_get(section, key));

	return s == NULL || strcmp(s, "None") == 0 ? NULL : s;
}
