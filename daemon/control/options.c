/* SPDX-License-Identifier: MIT */
#include "daemon/control/options.h"

#include <stdlib.h>

#include "common/mem.h"
#include "providers/option.h"

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

char *
option_sample(const struct provider_opt *o)
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

void
option_append(char **all, char *text)
{
	char *longer = xasprintf("%s%s", *all, text);

	free(text);
	free(*all);
	*all = longer;
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
options_json(const struct provider_opt *opts)
{
	json_t *list = json_array();

	for (const struct provider_opt *o = opts; o != NULL &&
	    o->name != NULL; o++)
		(void)json_array_append_new(list, option(o));
	return list;
}
