/* SPDX-License-Identifier: MIT */
#include "ctl/import/dns_map.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "ctl/import/import.h"
#include "ctl/import/source.h"

/* The text between from and a separator, or the end; the caller frees. */
static char *
part(const char **from, const char *separators)
{
	size_t len = strcspn(*from, separators);
	char *name = xstrndup(*from, len);

	*from += len;
	return name;
}

/* A variable's value, with "|": the first that is set; the caller frees. */
static char *
value_of(const json_t *vars, const char *names)
{
	while (*names != '\0') {
		char *name = part(&names, "|");
		const char *s = json_string_value(json_object_get(vars,
		    name));

		free(name);
		if (s != NULL && *s != '\0')
			return xstrdup(s);
		if (*names == '|')
			names++;
	}
	return NULL;
}

/* What an option of ours is; NULL if one of its variables is not there. */
static char *
make_value(const struct source *source, const json_t *vars, const char *from,
    struct error *err)
{
	size_t len = strcspn(from, ",.");
	char *first, *second, *both;

	if (from[0] == '@') {
		first = value_of(vars, from + 1);
		both = first == NULL ? NULL : source_read(source, first, err);
		if (first != NULL && both == NULL)
			(void)error_wrap(err, "%s", from + 1);
		free(first);
		return both;
	}
	if (from[len] == '\0')
		return value_of(vars, from);
	first = xstrndup(from, len);
	both = value_of(vars, first);
	free(first);
	first = both;
	second = value_of(vars, from + len + 1);
	both = first == NULL || second == NULL ? NULL :
	    xasprintf("%s%c%s", first, from[len], second);
	freezero_str(first);
	freezero_str(second);
	return both;
}

const struct dns_map *
dns_map_find(enum dns_client client, const char *theirs)
{
	for (const struct dns_map *m = dns_maps; m->type != NULL; m++) {
		if (m->client == client && strcmp(m->theirs, theirs) == 0)
			return m;
	}
	return NULL;
}

/* Without blanks and line ends around it. */
static void
strip(char *s)
{
	size_t skip = strspn(s, " \t\r\n"), len = strlen(s);

	memmove(s, s + skip, len - skip + 1);
	for (len -= skip; len > 0 && strchr(" \t\r\n", s[len - 1]) != NULL;)
		s[--len] = '\0';
}

int
dns_map_add(struct import *plan, const struct source *source,
    const struct dns_map *m, const json_t *vars, const char *from, char **why)
{
	struct import_provider *p = import_add_provider(plan);
	struct error err = { .kind = ERR_NONE };

	p->type = xstrdup(m->type);
	p->from = xstrdup(from);
	for (size_t i = 0; i < DNS_MAP_OPTS && m->opts[i].from != NULL; i++) {
		const struct dns_map_opt *o = &m->opts[i];
		char *value = make_value(source, vars, o->from, &err);

		if (value == NULL && !o->optional) {
			*why = err.kind != ERR_NONE ? xstrdup(err.msg) :
			    xasprintf("%s does not have %s%s%s", from,
			    o->from + strspn(o->from, "@"),
			    m->hint != NULL ? "; " : "",
			    m->hint != NULL ? m->hint : "");
			import_drop_provider(plan);
			return IMPORT_NONE;
		}
		if (value == NULL)
			continue;
		strip(value);
		import_opt(p, o->to, value);
		freezero_str(value);
	}
	return import_share_provider(plan);
}
