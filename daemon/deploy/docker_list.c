/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/docker_list.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/config/conf.h"

#define MAX_BOXES 50
#define ID_MAX 64		/* hexadecimal digits */

/* Docker compares with "/NAME", podman with "NAME". */
static char *
name_pattern(const char *name)
{
	char *pattern = xmalloc(2 * strlen(name) + 8), *to;

	to = stpcpy(pattern, "^/?");
	for (; *name != '\0'; name++) {
		if (*name == '.')
			*to++ = '\\';
		*to++ = *name;
	}
	(void)stpcpy(to, "$");
	return pattern;
}

char *
docker_list_filter(const struct conf_docker *k)
{
	json_t *values = json_array(), *filter;
	char *text;

	for (char **p = k->containers; *p != NULL; p++) {
		char *pattern = name_pattern(*p);

		(void)json_array_append_new(values, json_string(pattern));
		free(pattern);
	}
	if (k->label != NULL)
		(void)json_array_append_new(values, json_string(k->label));
	filter = json_pack("{s:o}", k->label != NULL ? "label" : "name",
	    values);
	text = json_dumps(filter, JSON_COMPACT);
	json_decref(filter);
	return text;
}

bool
docker_is_id(const char *s)
{
	size_t n = s != NULL ? strspn(s, "0123456789abcdef") : 0;

	return n > 0 && n <= ID_MAX && s[n] == '\0';
}

/* Is it an entry of the list as we know it? */
static bool
is_entry(const json_t *e)
{
	const json_t *names = json_object_get(e, "Names"), *name;
	size_t i;

	if (!docker_is_id(jsonx_str(e, "Id")) ||
	    jsonx_str(e, "State") == NULL || !json_is_array(names))
		return false;
	json_array_foreach(names, i, name) {
		if (!json_is_string(name))
			return false;
	}
	return true;
}

static bool
is_called(const json_t *e, const char *wanted)
{
	const json_t *names = json_object_get(e, "Names"), *name;
	size_t i;

	json_array_foreach(names, i, name) {
		const char *s = json_string_value(name);

		if (strcmp(s[0] == '/' ? s + 1 : s, wanted) == 0)
			return true;
	}
	return false;
}

static bool
is_running(const json_t *e)
{
	return strcmp(jsonx_str(e, "State"), "running") == 0;
}

static void
add(struct docker_list *l, const char *path, const char *name)
{
	l->boxes = xreallocarray(l->boxes, l->n + 1, sizeof(*l->boxes));
	l->boxes[l->n].path = xstrdup(path);
	l->boxes[l->n++].name = xstrdup(name);
}

/* A signal and a command need a process; a restart makes one. */
static int
add_named(struct docker_list *l, const struct conf_docker *k,
    const char *name, const json_t *answer, struct error *err)
{
	const json_t *e, *found = NULL;
	size_t i;

	json_array_foreach(answer, i, e) {
		if (is_called(e, name))
			found = e;
	}
	if (found == NULL)
		return error_set(err, ERR_CONFIG, "", "%s: there is no "
		    "container \"%s\" (docker ps -a lists them)", k->socket,
		    name);
	if (!is_running(found) && (k->signal != NULL || k->exec[0] != NULL))
		return error_set(err, ERR_TRANSIENT, "", "container \"%s\" "
		    "is not running (%.20s)", name, jsonx_str(found, "State"));
	add(l, name, name);
	return 0;
}

static int
add_labelled(struct docker_list *l, const struct conf_docker *k,
    const json_t *answer, struct error *err)
{
	size_t i, running = 0;
	const json_t *e;

	json_array_foreach(answer, i, e)
		running += is_running(e);
	if (running > MAX_BOXES)
		return error_set(err, ERR_CONFIG, "", "%s: %zu containers "
		    "have the label \"%s\"; allowed: %d", k->socket, running,
		    k->label, MAX_BOXES);
	if (running == 0)
		return error_set(err, json_array_size(answer) > 0 ?
		    ERR_TRANSIENT : ERR_CONFIG, "", "%s: no %scontainer has "
		    "the label \"%s\" (docker ps -a --filter label=... lists "
		    "them)", k->socket, json_array_size(answer) > 0 ?
		    "running " : "", k->label);
	json_array_foreach(answer, i, e) {
		const char *name = json_string_value(json_array_get(
		    json_object_get(e, "Names"), 0));
		const char *id = jsonx_str(e, "Id");

		if (is_running(e))
			add(l, id, name == NULL ? id : name[0] == '/' ?
			    name + 1 : name);
	}
	return 0;
}

int
docker_list_read(struct docker_list *l, const struct conf_docker *k,
    const json_t *answer, struct error *err)
{
	bool is_good = json_is_array(answer);
	const json_t *e;
	size_t i;

	docker_list_clear(l);
	json_array_foreach(answer, i, e)
		is_good &= is_entry(e);
	if (!is_good)
		return error_set(err, ERR_TRANSIENT, "", "%s: the answer is "
		    "no list of containers", k->socket);
	if (k->label != NULL)
		return add_labelled(l, k, answer, err);
	for (char **p = k->containers; *p != NULL; p++) {
		if (add_named(l, k, *p, answer, err) == -1)
			return -1;
	}
	return 0;
}

void
docker_list_clear(struct docker_list *l)
{
	for (size_t i = 0; i < l->n; i++) {
		free(l->boxes[i].path);
		free(l->boxes[i].name);
	}
	free(l->boxes);
	*l = (struct docker_list){ 0 };
}
