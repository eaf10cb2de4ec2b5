/* SPDX-License-Identifier: MIT */
#include "daemon/control/recipes.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/recipe_load.h"
#include "daemon/control/options.h"

static void
add_line(enum conf_level level, const char *line, void *arg)
{
	option_append(arg, xasprintf("%s\n", line));
}

static struct recipe *
load(enum recipe_kind kind, const char *conf_path, const char *name,
    char **why)
{
	struct mistakes m = { 0 };
	struct recipe *r = recipe_load(kind, conf_path, name, &m);

	*why = xstrdup("");
	mistakes_report(&m, add_line, why);
	mistakes_clear(&m);
	return r;
}

static const char *
text_of(const struct recipe *r, const char *key)
{
	const struct value *v = tree_value(r->root, key);

	return v != NULL ? v->text : "";
}

json_t *
recipes_list(enum recipe_kind kind, const char *conf_path)
{
	char **names = recipe_names(kind, conf_path), *why;
	json_t *list = json_array();

	for (char **p = names; *p != NULL; p++) {
		struct recipe *r = load(kind, conf_path, *p, &why);

		(void)json_array_append_new(list, json_pack("{s:s, s:s}",
		    "name", *p, "title", r != NULL ? text_of(r, "title") :
		    "(it has mistakes)"));
		recipe_unref(r);
		free(why);
		free(*p);
	}
	free(names);
	return json_pack("{s:o}", "recipes", list);
}

/* As a target of a certificate, or a channel. */
static char *
example(const struct recipe *r)
{
	bool is_deploy = r->kind == RECIPE_DEPLOY;
	const char *indent = is_deploy ? "            " : "    ";
	char *all = xstrdup("");

	option_append(&all, is_deploy ? xasprintf("certificate "
	    "\"www.example.com\" {\n    names = { \"www.example.com\" }\n"
	    "    deploy \"%s\" {\n        recipe \"%s\" {\n", r->name,
	    r->name) : xasprintf("notify \"%s\" {\n    webhook_file = \""
	    OPTION_SECRETS "%s\"\n    template = \"%s\"\n", r->name, r->name,
	    r->name));
	for (size_t i = 0; i < r->n_opts; i++) {
		const struct provider_opt *o = &r->opts[i];
		char *value;

		if (!o->required)
			continue;
		if (o->secret) {
			option_append(&all, xasprintf("%s%s_file = \""
			    OPTION_SECRETS "%s-%s\"\n", indent, o->name,
			    r->name, o->name));
			continue;
		}
		value = option_sample(o);
		option_append(&all, xasprintf("%s%s = %s\n", indent, o->name,
		    value));
		free(value);
	}
	option_append(&all, xstrdup(is_deploy ? "        }\n    }\n}\n" :
	    "}\n"));
	return all;
}

json_t *
recipes_one(enum recipe_kind kind, const char *conf_path, const char *name,
    char **why)
{
	struct recipe *r = load(kind, conf_path, name, why);
	char *text, *help;
	json_t *j;

	if (r == NULL)
		return NULL;
	free(*why);
	*why = NULL;
	text = example(r);
	help = xasprintf("%s%s%s", text_of(r, "doc"),
	    text_of(r, "see")[0] != '\0' ? " See " : "", text_of(r, "see"));
	j = json_pack("{s:s, s:s, s:s, s:o, s:s}", "name", r->name, "title",
	    text_of(r, "title"), "help", help, "options",
	    options_json(r->opts), "example", text);
	free(help);
	free(text);
	recipe_unref(r);
	return j;
}
