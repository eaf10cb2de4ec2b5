/* SPDX-License-Identifier: MIT */
#include "daemon/acme/link.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

#define SPACE " \t"

static const char *
skip_space(const char *p)
{
	return p + strspn(p, SPACE);
}

/* Does the list of relation types hold rel? */
static bool
has_rel(const char *list, size_t len, const char *rel)
{
	const char *end = list + len;

	while (list < end) {
		size_t n = strcspn(list, SPACE);

		if (n > (size_t)(end - list))
			n = (size_t)(end - list);
		if (n == strlen(rel) && strncasecmp(list, rel, n) == 0)
			return true;
		list += n;
		if (list < end)
			list++;
	}
	return false;
}

/*
 * One parameter after its ';': "name", "name=token" or "name="quoted"".
 * Backslashes in a quoted string are only stepped over: no relation type has
 * one.  Returns what follows, or NULL if it is malformed.
 */
static const char *
read_param(const char *p, const char *rel, bool *is_rel, bool *is_wanted)
{
	const char *name = skip_space(p), *value;
	size_t name_len = strcspn(name, SPACE "=;,\"<>"), len;

	p = skip_space(name + name_len);
	if (*p != '=')
		return p;
	value = p = skip_space(p + 1);
	if (*p == '"') {
		value++;
		for (p++; *p != '"'; p++) {
			if (*p == '\\' && p[1] != '\0')
				p++;
			if (*p == '\0')
				return NULL;
		}
		len = (size_t)(p - value);
		p++;
	} else {
		len = strcspn(value, SPACE ";,\"<>");
		p += len;
	}
	/* Only the first rel counts, RFC 8288 section 3.3. */
	if (name_len == 3 && strncasecmp(name, "rel", 3) == 0 && !*is_rel) {
		*is_rel = true;
		*is_wanted = has_rel(value, len, rel);
	}
	return p;
}

void
link_each(const char *p, const char *rel, link_cb *cb, void *arg)
{
	for (;;) {
		bool is_rel = false, is_wanted = false;
		const char *target;
		size_t len;

		p += strspn(p, SPACE ",");
		if (*p != '<')
			return;
		target = ++p;
		len = strcspn(p, ">");
		if (p[len] != '>')
			return;
		p = skip_space(p + len + 1);
		while (p != NULL && *p == ';') {
			p = read_param(p + 1, rel, &is_rel, &is_wanted);
			if (p != NULL)
				p = skip_space(p);
		}
		if (p == NULL || (*p != ',' && *p != '\0'))
			return;
		if (is_wanted) {
			char *url = xstrndup(target, len);

			cb(url, arg);
			free(url);
		}
	}
}
