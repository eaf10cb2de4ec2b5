/* SPDX-License-Identifier: MIT */
#include "daemon/control/providers.h"

#include <stdlib.h>
#include <string.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/control/options.h"
#include "providers/provider.h"

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
			option_append(&all, xasprintf("    %s%s_file = \""
			    OPTION_SECRETS "%s-%s\"\n", o->required ||
			    (o->is_text && !has_text) ? "" : "# ", o->name,
			    p->name, o->name));
			has_text |= o->is_text;
		} else if (o->required) {
			value = option_sample(o);
			option_append(&all, xasprintf("    %s = %s\n", o->name,
			    value));
			free(value);
		}
	}
	option_append(&all, xstrdup("}\n"));
	return all;
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
	json_t *options, *j;
	char *text;

	if (p == NULL) {
		unknown(type, err);
		return NULL;
	}
	options = options_json(p->opts);
	text = example(p);
	j = json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", p->name,
	    "title", p->title, "help", p->doc != NULL ? p->doc : "",
	    "options", options, "example", text);
	free(text);
	return j;
}
