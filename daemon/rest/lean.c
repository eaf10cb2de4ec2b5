/* SPDX-License-Identifier: MIT */
#include "daemon/rest/lean.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

struct lean {
	const char	*at, *end;
	const char	*member, *needle;
	char		*out;
	size_t		 n;
};

static void
skip_blanks(struct lean *l)
{
	while (l->at < l->end && (*l->at == ' ' || *l->at == '\t' ||
	    *l->at == '\n' || *l->at == '\r'))
		l->at++;
}

/* Past the string that begins here; false: it has no end. */
static bool
skip_string(struct lean *l)
{
	for (l->at++; l->at < l->end && *l->at != '"'; l->at++) {
		if (*l->at == '\\')
			l->at++;
	}
	if (l->at >= l->end)
		return false;
	l->at++;
	return true;
}

/* To the comma or bracket behind the value that begins here. */
static bool
skip_value(struct lean *l)
{
	size_t depth = 0;

	while (l->at < l->end) {
		switch (*l->at) {
		case '"':
			if (!skip_string(l))
				return false;
			continue;
		case '{':
		case '[':
			depth++;
			break;
		case '}':
		case ']':
			if (depth == 0)
				return true;
			depth--;
			break;
		case ',':
			if (depth == 0)
				return true;
			break;
		default:
			break;
		}
		l->at++;
	}
	return false;
}

static void
keep(struct lean *l, const char *from)
{
	memcpy(l->out + l->n, from, (size_t)(l->at - from));
	l->n += (size_t)(l->at - from);
}

/* The elements up to the bracket that ends them, which is left. */
static bool
array(struct lean *l)
{
	bool is_first = true;

	for (;;) {
		const char *from;

		skip_blanks(l);
		from = l->at;
		if (!skip_value(l) || *l->at == '}')
			return false;
		if (*l->at == ',' && from == l->at)
			return false;		/* nothing between commas */
		if (memmem(from, (size_t)(l->at - from), l->needle,
		    strlen(l->needle)) != NULL) {
			if (!is_first)
				l->out[l->n++] = ',';
			is_first = false;
			keep(l, from);
		}
		if (*l->at == ']')
			return true;
		l->at++;
	}
}

static bool
all(struct lean *l)
{
	size_t len = strlen(l->member);

	while (l->at < l->end) {
		const char *from = l->at;
		bool is_member;

		if (*l->at != '"') {
			l->out[l->n++] = *l->at++;
			continue;
		}
		if (!skip_string(l))
			return false;
		is_member = (size_t)(l->at - from) == len + 2 &&
		    memcmp(from + 1, l->member, len) == 0;
		skip_blanks(l);
		if (is_member && l->at < l->end && *l->at == ':') {
			l->at++;
			skip_blanks(l);
			is_member = l->at < l->end && *l->at == '[';
			if (is_member)
				l->at++;
		} else {
			is_member = false;
		}
		keep(l, from);
		if (is_member && !array(l))
			return false;
	}
	return true;
}

char *
lean_text(const char *text, size_t len, const char *member,
    const char *needle, size_t *out_len)
{
	struct lean l = { .at = text, .end = text + len, .member = member,
	    .needle = needle, .out = xmalloc(len + 1) };

	if (!all(&l)) {
		free(l.out);
		return NULL;
	}
	l.out[l.n] = '\0';
	*out_len = l.n;
	return l.out;
}
