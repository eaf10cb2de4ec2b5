/* SPDX-License-Identifier: MIT */
#include "daemon/config/recipe.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/pool.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"

const struct recipe_word recipe_words_deploy[] = {
	{ .name = "name" }, { .name = "domain" },
	{ .name = "names", .is_list = true },
	{ .name = "fullchain" }, { .name = "leaf" }, { .name = "chain" },
	{ .name = "key", .is_secret = true },
	{ .name = "key_traditional", .is_secret = true },
	{ .name = "pkcs12", .is_secret = true },
	{ .name = "passphrase", .is_secret = true },
	{ .name = "serial" }, { .name = "fingerprint_sha256" },
	{ .name = "label" }, { .name = "time" },
	{ .name = NULL }
};

const struct recipe_word recipe_words_message[] = {
	{ .name = "webhook" }, { .name = "subject" }, { .name = "text" },
	{ .name = "level" }, { .name = "event" }, { .name = "what" },
	{ .name = "id" }, { .name = "host" }, { .name = "time" },
	{ .name = NULL }
};

const struct recipe_word *
recipe_word_find(enum recipe_kind kind, const char *name)
{
	const struct recipe_word *w = kind == RECIPE_DEPLOY ?
	    recipe_words_deploy : recipe_words_message;

	for (; w->name != NULL; w++) {
		if (strcmp(w->name, name) == 0)
			return w;
	}
	return NULL;
}

struct recipe *
recipe_ref(const struct recipe *r)
{
	struct recipe *own = (struct recipe *)(uintptr_t)r;

	own->refs++;
	return own;
}

void
recipe_unref(const struct recipe *r)
{
	struct recipe *own = (struct recipe *)(uintptr_t)r;

	if (own == NULL || --own->refs > 0)
		return;
	pool_free(own->src.pool);
	free(own->opts);
	free(own->requests);
	free(own->finish);
	free(own->src.path);
	free(own->name);
	free(own);
}

/* --- sections --- */

const struct section *
recipe_nth(const struct section *sec, const char *kind, size_t nth)
{
	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, kind) == 0 && nth-- == 0)
			return sec->subs[i];
	}
	return NULL;
}

const struct section *
recipe_sub(const struct section *sec, const char *kind, const char *title)
{
	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, kind) == 0 &&
		    (title == NULL || strcmp(sec->subs[i]->title, title) ==
		    0))
			return sec->subs[i];
	}
	return NULL;
}

/* A name or an address as it stands in a URL, without a port. */
static bool
is_host(const char *s)
{
	size_t n = strlen(s);

	if (s[0] == '[')
		return n > 3 && s[n - 1] == ']' && strspn(s + 1,
		    "0123456789abcdefABCDEF:.") == n - 2;
	return n > 0 && s[strspn(s, "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_")] == '\0';
}

/* A path can be put behind it. */
static bool
is_base(const char *s)
{
	return opt_is_url(s, true) && strpbrk(s, "?#@") == NULL;
}

int
recipe_check_values(const struct recipe *r,
    const struct provider_values *values, struct error *err)
{
	for (size_t i = 0; i < r->n_opts; i++) {
		const struct section *sec = recipe_nth(r->root, "option", i);
		const struct value *type = tree_value(sec, "type");
		const struct item *allowed = tree_item(sec, "values");
		const char *text = r->opts[i].type == PROVIDER_OPT_STRING ?
		    provider_str(values, (int)i) : NULL;
		bool found = allowed == NULL;
		char *list;

		if (text == NULL)
			continue;
		if (type != NULL && strcmp(type->text, "host") == 0 &&
		    !is_host(text))
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s = \"%.200s\"; allowed: a name, an address, "
			    "or [IPV6]",
			    sec->title, text);
		if (type != NULL && strcmp(type->text, "url") == 0 &&
		    !is_base(text))
			return error_set(err, ERR_CONFIG, "config:value",
			    "%s = \"%.200s\"; allowed: https://HOST/PATH, "
			    "without a user, \"?\" and \"#\"", sec->title,
			    text);
		list = xstrdup("");
		for (size_t j = 0; allowed != NULL && j < allowed->n; j++) {
			char *longer = xasprintf("%s%s%s", list, j > 0 ?
			    ", " : "", allowed->values[j]->text);

			free(list);
			list = longer;
			found |= strcmp(allowed->values[j]->text, text) == 0;
		}
		if (!found)
			(void)error_set(err, ERR_CONFIG, "config:value",
			    "%s = \"%.100s\"; allowed: %.300s", sec->title,
			    text, list);
		free(list);
		if (!found)
			return -1;
	}
	return 0;
}
