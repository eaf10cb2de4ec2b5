/* SPDX-License-Identifier: MIT */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/check_options.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"
#include "daemon/config/recipe.h"
#include "daemon/config/recipe_of.h"

/* Any keys can be read there: which does the recipe have? */
static void
check_keys(struct check *c, const struct section *sub,
    const struct recipe *r)
{
	const char **names = xcalloc(2 * (r->n_opts + 8), sizeof(*names));
	char *list = xstrdup(""), *longer;
	size_t n = 0, own;

	for (const struct provider_opt *o = r->opts; o->name != NULL; o++) {
		names[n++] = o->secret ? xasprintf("%s_file", o->name) :
		    xstrdup(o->name);
		longer = xasprintf("%s%s%s", list, n > 1 ? ", " : "",
		    names[n - 1]);
		free(list);
		list = longer;
	}
	own = n;
	for (size_t i = 0; i < sub->n_subs; i++)
		opt_mistake(c->m, sub, sub->subs[i]->line, "%s { }: allowed "
		    "here: KEY = VALUE", sub->subs[i]->kind);
	for (size_t i = 0; i < sub->n_items; i++) {
		const struct item *item = &sub->items[i];
		const char *near;
		bool found = false;

		for (const struct provider_opt *o = r->opts; o->name != NULL;
		    o++)
			found |= strcmp(o->name, item->key) == 0;
		for (size_t j = 0; j < own; j++)
			found |= strcmp(names[j], item->key) == 0;
		if (found)
			continue;
		near = text_nearest(item->key, names, n);
		opt_mistake(c->m, sub, item->n > 0 ? item->values[0]->line :
		    sub->line, "unknown key \"%s\"; %s%s%s", item->key,
		    near != NULL ? "did you mean \"" : "allowed: ",
		    near != NULL ? near : list, near != NULL ? "\"?" : "");
	}
	for (size_t i = 0; i < n; i++)
		free((void *)(uintptr_t)names[i]);
	free(names);
	free(list);
}

/* 64 digits of hex, with colons or not. */
static bool
is_print(const char *s)
{
	size_t n = 0;

	for (; *s != '\0'; s++) {
		if (strchr("0123456789abcdefABCDEF", *s) != NULL)
			n++;
		else if (*s != ':')
			return false;
	}
	return n == 64;
}

void
check_deploy_recipe(struct check *c, const struct section *sec,
    struct conf_deploy *d)
{
	const struct section *sub = check_one_section(c, sec, "recipe");
	struct conf_recipe *r = xcalloc(1, sizeof(*r));
	size_t before = c->m->n_wrong;
	const char *print, *proxy;
	struct error err;

	d->recipe = r;
	r->recipe = check_recipe_of(c, sub, RECIPE_DEPLOY, sub->title,
	    sub->line);
	if (r->recipe == NULL)
		return;
	check_keys(c, sub, r->recipe);
	r->values = check_options(c, sub, r->recipe->opts, NULL, NULL);
	if (c->m->n_wrong > before)
		return;
	if (recipe_check_values(r->recipe, r->values, &err) == -1)
		opt_mistake(c->m, sub, sub->line, "%s", err.msg);
	print = provider_values_str(r->values, "fingerprint");
	if (print != NULL && !is_print(print))
		opt_refuse(c->m, sub, "fingerprint", tree_value(sub,
		    "fingerprint"), "64 digits of hex, as openssl x509 "
		    "-fingerprint -sha256 prints them");
	/* The proxy's own certificate would have to be that one. */
	proxy = provider_values_str(r->values, "proxy");
	if (print != NULL && proxy != NULL && strncmp(proxy, "https://",
	    8) == 0)
		opt_refuse(c->m, sub, "proxy", tree_value(sub, "proxy"),
		    "with fingerprint http://HOST:PORT, socks5h://HOST:PORT "
		    "or none");
}

void
check_free_deploy_recipe(struct conf_deploy *d)
{
	if (d->recipe == NULL)
		return;
	provider_values_free(d->recipe->values);
	recipe_unref(d->recipe->recipe);
	free(d->recipe);
}
