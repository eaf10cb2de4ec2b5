/* SPDX-License-Identifier: MIT */
#include "daemon/certs/cert_names.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/certs/cert.h"

static int
by_string(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

char *
cert_names_json(const char **names, size_t n)
{
	json_t *list = json_array();
	char *text;

	qsort(names, n, sizeof(*names), by_string);
	for (size_t i = 0; i < n; i++)
		(void)json_array_append_new(list, json_string(names[i]));
	text = json_dumps(list, JSON_COMPACT);
	json_decref(list);
	if (text == NULL)
		abort();
	return text;
}

char *
cert_names_of(const struct conf_cert *conf)
{
	const char **names = xcalloc(conf->n_names, sizeof(*names));
	char *text;

	for (size_t i = 0; i < conf->n_names; i++)
		names[i] = conf->names[i].name;
	text = cert_names_json(names, conf->n_names);
	free(names);
	return text;
}

char *
cert_names(const struct cert *c)
{
	return c->conf != NULL ? cert_names_of(c->conf) : NULL;
}

bool
cert_is_for_but(const struct cert *c, const char *names,
    bool (*skip)(const char *name, const void *arg), const void *arg)
{
	const struct conf_cert *conf = c->conf;
	size_t len = strlen("[]"), n = 0;
	char quoted[DNAME_SIZE + 2];

	if (conf == NULL || names == NULL)
		return false;
	/* Names need no escapes, and none is there twice: if all are in it,
	 * and it is as long as they are, nothing else is. */
	for (size_t i = 0; i < conf->n_names; i++) {
		if (skip != NULL && skip(conf->names[i].name, arg))
			continue;
		(void)text_printf(quoted, sizeof(quoted), "\"%s\"",
		    conf->names[i].name);
		if (strstr(names, quoted) == NULL)
			return false;
		len += strlen(quoted) + (n++ > 0);	/* a comma */
	}
	return n > 0 && strlen(names) == len;
}

bool
cert_is_for(const struct cert *c, const char *names)
{
	return cert_is_for_but(c, names, NULL, NULL);
}

struct conf_cert *
cert_conf_named(const struct conf_cert *conf, const char *names)
{
	json_t *list = conf->n_names == 0 && names != NULL ?
	    json_loads(names, 0, NULL) : NULL;
	size_t n = json_array_size(list), len = 0;
	struct conf_cert *named;
	char *end;

	for (size_t i = 0; i < n; i++)
		len += json_string_length(json_array_get(list, i)) + 1;
	if (n == 0) {
		json_decref(list);
		return NULL;
	}
	named = xcalloc(1, sizeof(*named) + n * sizeof(*named->names) + len);
	*named = *conf;
	named->names = (struct conf_name *)(named + 1);
	named->n_names = (unsigned)n;
	end = (char *)(named->names + n);
	for (size_t i = 0; i < n; i++) {
		const char *name = json_string_value(json_array_get(list, i));

		named->names[i].name = end;
		end = stpcpy(end, name != NULL ? name : "") + 1;
	}
	json_decref(list);
	return named;
}

bool
cert_is_dry_run(const char *name)
{
	return strncmp(name, API_DRY_RUN, strlen(API_DRY_RUN)) == 0;
}

const char *
cert_tried_name(const char *name)
{
	return cert_is_dry_run(name) ? name + strlen(API_DRY_RUN) : name;
}
