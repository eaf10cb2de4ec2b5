/* SPDX-License-Identifier: MIT */
#include "daemon/control/providers.h"

#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "providers/provider.h"

#define SECRETS "/etc/acmed/secrets/"

static const char *
type_name(enum provider_opt_type type)
{
	switch (type) {
	case PROVIDER_OPT_STRING:
		return "text";
	case PROVIDER_OPT_INT:
		return "number";
	case PROVIDER_OPT_BOOL:
		return "true or false";
	case PROVIDER_OPT_DURATION:
		return "time";
	case PROVIDER_OPT_LIST:
		return "list";
	}
	return "text";
}

/* What to write for an option that must be given. */
static char *
sample(const struct provider_opt *o)
{
	switch (o->type) {
	case PROVIDER_OPT_STRING:
		break;
	case PROVIDER_OPT_INT:
		return xasprintf("%ld", o->min);
	case PROVIDER_OPT_BOOL:
		return xstrdup("true");
	case PROVIDER_OPT_DURATION:
		return xstrdup("60s");
	case PROVIDER_OPT_LIST:
		return xstrdup("{ \"...\" }");
	}
	return xstrdup("\"...\"");
}

/* Text is taken and freed. */
static void
append(char **all, char *text)
{
	char *longer = xasprintf("%s%s", *all, text);

	free(text);
	free(*all);
	*all = longer;
}

/*
 * What is required; secrets in files, those that are only required in some
 * ways of logging in as comments.  Of several texts (is_text) the first is the
 * best way.
 */
static char *
example(const struct provider *p)
{
	char *all = xasprintf("provider \"%s\" {\n    type = \"%s\"\n",
	    p->name, p->name);
	bool has_text = false;

	for (const struct provider_opt *o = p->opts;
	    o != NULL && o->name != NULL; o++) {
		char *value;

		if (o->secret) {
			append(&all, xasprintf("    %s%s_file = \"" SECRETS
			    "%s-%s\"\n", o->required || (o->is_text &&
			    !has_text) ? "" : "# ", o->name, p->name,
			    o->name));
			has_text |= o->is_text;
		} else if (o->required) {
			value = sample(o);
			append(&all, xasprintf("    %s = %s\n", o->name,
			    value));
			free(value);
		}
	}
	append(&all, xstrdup("}\n"));
	return all;
}

static json_t *
option(const struct provider_opt *o)
{
	json_t *j = json_pack("{s:s, s:s, s:s, s:b, s:b, s:s?}",
	    "name", o->name, "help", o->help != NULL ? o->help : "",
	    "type", type_name(o->type), "required", o->required,
	    "secret", o->secret, "default", o->fallback);

	if (j != NULL && (o->min != 0 || o->max != 0)) {
		(void)json_object_set_new(j, "min", json_integer(o->min));
		(void)json_object_set_new(j, "max", json_integer(o->max));
	}
	return j;
}

json_t *
providers_list(void)
{
	json_t *list = json_array();

	for (size_t i = 0; provider_registry[i] != NULL; i++)
		(void)json_array_append_new(list, json_pack("{s:s, s:s}",
		    "name", provider_registry[i]->name,
		    "title", provider_registry[i]->title));
	return json_pack("{s:o}", "providers", list);
}

static void
unknown(const char *type, struct error *err)
{
	const char **names, *near, *why = provider_retired(type);
	size_t n = 0;

	if (why != NULL) {
		(void)error_set(err, ERR_CONFIG, API_ERR_UNKNOWN_PROVIDER,
		    "\"%s\" is no longer supported: %s", type, why);
		return;
	}
	while (provider_registry[n] != NULL)
		n++;
	names = xcalloc(n + 1, sizeof(*names));
	for (size_t i = 0; i < n; i++)
		names[i] = provider_registry[i]->name;
	near = text_nearest(type, names, n);
	(void)error_set(err, ERR_CONFIG, API_ERR_UNKNOWN_PROVIDER,
	    "there is no provider type \"%.100s\"%s%s%s", type,
	    near != NULL ? "; did you mean \"" : "", near != NULL ? near : "",
	    near != NULL ? "\"?" : "");
	free(names);
}

json_t *
providers_one(const char *type, struct error *err)
{
	const struct provider *p = provider_find(type);
	json_t *options = json_array(), *j;
	char *text;

	if (p == NULL) {
		json_decref(options);
		unknown(type, err);
		return NULL;
	}
	for (const struct provider_opt *o = p->opts;
	    o != NULL && o->name != NULL; o++)
		(void)json_array_append_new(options, option(o));
	text = example(p);
	j = json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", p->name,
	    "title", p->title, "help", p->doc != NULL ? p->doc : "",
	    "options", options, "example", text);
	free(text);
	return j;
}
