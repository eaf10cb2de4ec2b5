/* SPDX-License-Identifier: MIT */
#include "daemon/config/recipe_check.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"
#include "daemon/config/recipe_names.h"
#include "daemon/config/recipe_text.h"

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

/* --- options and values --- */

static bool
is_name(const char *s)
{
	return s[0] >= 'a' && s[0] <= 'z' && strlen(s) < 48 &&
	    s[strspn(s, LETTERS "0123456789_")] == '\0';
}

static void
check_title(struct recipe_names *c, const struct section *sec)
{
	if (!is_name(sec->title))
		opt_mistake(c->m, sec, sec->line, "allowed as a name: small "
		    "letters, digits and \"_\", a letter first");
}

/* value is one of the words, or a mistake that lists them. */
static void
check_word(struct recipe_names *c, const struct section *sec,
    const char *key, const char *const *words)
{
	const struct value *v = tree_value(sec, key);
	char *list;

	for (const char *const *w = words; v != NULL && *w != NULL; w++) {
		if (strcmp(*w, v->text) == 0)
			return;
	}
	if (v == NULL)
		return;
	list = xstrdup(words[0]);
	for (const char *const *w = words + 1; *w != NULL; w++) {
		char *longer = xasprintf("%s, %s", list, *w);

		free(list);
		list = longer;
	}
	opt_refuse(c->m, sec, key, v, list);
	free(list);
}

static void
need(struct recipe_names *c, const struct section *sec, const char *key)
{
	if (tree_value(sec, key) == NULL)
		opt_mistake(c->m, sec, sec->line, "%s is missing", key);
}

/* Options that every recipe has, or that mean something here. */
static bool
is_taken(const struct recipe *r, const char *name)
{
	static const char *const common[] = { "fingerprint", "ca_file",
	    "proxy", "allow_http" };
	static const char *const message[] = { "secret", "chat" };

	for (size_t i = 0; i < sizeof(common) / sizeof(common[0]); i++) {
		if (strcmp(common[i], name) == 0)
			return true;
	}
	return r->kind == RECIPE_MESSAGE && strcmp(message[0], name) != 0 &&
	    strcmp(message[1], name) != 0;
}

static void
check_default(struct recipe_names *c, const struct section *sec,
    const struct provider_opt *o)
{
	struct provider_opt one[] = { *o, { .name = NULL } };
	struct provider_values *values;
	const char *text = o->fallback;
	struct error err;

	if (text == NULL)
		return;
	one[0].fallback = NULL;
	values = provider_values_of(one, NULL);
	if (provider_values_set(values, 0, &text, 1, &err) == -1)
		opt_mistake(c->m, sec, tree_value(sec, "default")->line,
		    "default: %s", err.msg);
	provider_values_free(values);
}

static void
check_option(struct recipe_names *c, const struct section *sec,
    const struct provider_opt *o)
{
	static const char *const types[] = { "string", "int", "bool", "list",
	    "host", "url", NULL };

	check_title(c, sec);
	need(c, sec, "help");
	check_word(c, sec, "type", types);
	(void)opt_bool(c->m, sec, "required", false);
	(void)opt_bool(c->m, sec, "secret", false);
	if (is_taken(c->r, sec->title))
		opt_mistake(c->m, sec, sec->line, c->r->kind ==
		    RECIPE_DEPLOY ? "every recipe has such an option; "
		    "allowed: another name" : "the options of a template are "
		    "secret and chat");
	if (o->secret && (tree_item(sec, "type") != NULL ||
	    o->fallback != NULL))
		opt_mistake(c->m, sec, sec->line, "a secret has no type and "
		    "no default");
	if (o->required && o->fallback != NULL)
		opt_mistake(c->m, sec, sec->line, "required and default are "
		    "given; allowed: one of them");
	if (o->type == PROVIDER_OPT_INT && !o->required &&
	    o->fallback == NULL)
		opt_mistake(c->m, sec, sec->line, "an int needs a default, or "
		    "required = true");
	check_default(c, sec, o);
}

/* It may be made of those before it only: no loops. */
static void
check_order(struct recipe_names *c, const struct section *sec,
    const struct value *of)
{
	const char *p = of->text, *why;
	struct recipe_piece piece;

	while (recipe_text_next(&p, &piece, &why) == 1) {
		const struct recipe_name *k = !piece.is_name ? NULL :
		    recipe_names_find(c, piece.name);

		if (k != NULL && k->kind == NAME_VALUE &&
		    k->sec->place >= sec->place)
			opt_mistake(c->m, sec, of->line, "of: ${%s} is made "
			    "after this value; allowed: those above",
			    piece.name);
	}
}

static void
check_value(struct recipe_names *c, const struct section *sec)
{
	const struct item *of = tree_item(sec, "of");
	const struct section *map = recipe_sub(sec, "map", NULL);

	check_title(c, sec);
	need(c, sec, "of");
	check_word(c, sec, "filter", recipe_filters);
	(void)opt_int(c->m, sec, "max", 8, 65536, 65536);
	for (size_t i = 0; of != NULL && i < of->n; i++) {
		recipe_names_text(c, sec, "of", of->values[i],
		    RECIPE_IN_VALUE, NULL, false);
		check_order(c, sec, of->values[i]);
	}
	for (size_t i = 0; map != NULL && i < map->n_subs; i++)
		opt_mistake(c->m, map->subs[i], map->subs[i]->line, "allowed "
		    "here: KEY = VALUE");
}

/* --- requests --- */

/* A block of KEY = TEXT. */
static void
check_flat(struct recipe_names *c, const struct section *block,
    enum recipe_place place, const struct section *guards, bool is_loose,
    bool takes_lists)
{
	for (size_t i = 0; block != NULL && i < block->n_subs; i++)
		opt_mistake(c->m, block, block->subs[i]->line, "%s { }: "
		    "allowed here: NAME = TEXT", block->subs[i]->kind);
	for (size_t i = 0; block != NULL && i < block->n_items; i++) {
		const struct item *item = &block->items[i];

		if (item->n != 1 && !(takes_lists && item->n > 0))
			opt_mistake(c->m, block, block->line, "%s: allowed: "
			    "one value", item->key);
		for (size_t j = 0; j < item->n; j++)
			recipe_names_text(c, block, item->key,
			    item->values[j], place, guards, is_loose);
	}
}

static void
check_json(struct recipe_names *c, const struct section *block,
    const struct section *guards)
{
	for (size_t i = 0; i < block->n_items; i++) {
		const struct item *item = &block->items[i];
		size_t len = strlen(item->key);

		if (len > 2 && strcmp(item->key + len - 2, "[]") == 0)
			opt_mistake(c->m, block, block->line, "%s = ...: "
			    "allowed: %.*s = { VALUE, ... }", item->key,
			    (int)len - 2, item->key);
		for (size_t j = 0; j < item->n; j++)
			recipe_names_text(c, block, item->key,
			    item->values[j], RECIPE_IN_BODY, guards, false);
	}
	for (size_t i = 0; i < block->n_subs; i++)
		check_json(c, block->subs[i], guards);
}

static void
check_parts(struct recipe_names *c, const struct section *block,
    const struct section *guards)
{
	static const char *const keys[] = { "value", "filename", "type" };
	const struct section *part;

	for (size_t i = 0; (part = recipe_nth(block, "part", i)) != NULL;
	    i++) {
		need(c, part, "value");
		for (size_t j = 0; j < 3; j++) {
			const struct value *v = tree_value(part, keys[j]);

			if (v != NULL)
				recipe_names_text(c, part, keys[j], v,
				    RECIPE_IN_BODY, guards, false);
		}
	}
}

static void
check_body(struct recipe_names *c, const struct section *sec)
{
	static const char *const kinds[] = { "json", "json[]", "form",
	    "multipart" };
	const struct value *text = tree_value(sec, "text");
	const struct section *sub;
	size_t n = text != NULL;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		sub = recipe_sub(sec, kinds[i], NULL);
		if (sub == NULL)
			continue;
		n++;
		if (strcmp(kinds[i], "json[]") != 0 &&
		    recipe_nth(sec, kinds[i], 1) != NULL)
			opt_mistake(c->m, sec, recipe_nth(sec, kinds[i],
			    1)->line, "%s is given twice; allowed: once",
			    kinds[i]);
	}
	if (n > 1)
		opt_mistake(c->m, sec, sec->line, "it has several bodies; "
		    "allowed: one of json, json[], form, multipart, text");
	if (text != NULL)
		recipe_names_text(c, sec, "text", text, RECIPE_IN_BODY, sec,
		    false);
	if (tree_value(sec, "type") != NULL && text == NULL)
		opt_mistake(c->m, sec, tree_value(sec, "type")->line,
		    "type is for a request with text");
	if ((sub = recipe_sub(sec, "json", NULL)) != NULL)
		check_json(c, sub, sec);
	for (size_t i = 0; (sub = recipe_nth(sec, "json[]", i)) != NULL; i++)
		check_json(c, sub, sec);
	check_flat(c, recipe_sub(sec, "form", NULL), RECIPE_IN_BODY, sec,
	    false, false);
	if ((sub = recipe_sub(sec, "multipart", NULL)) != NULL)
		check_parts(c, sub, sec);
}

static void
check_capture(struct recipe_names *c, const struct section *sec,
    const struct section *request)
{
	static const char *const keys[] = { "json", "header", "cookie",
	    "xml" };
	const struct section *where = recipe_sub(sec, "where", NULL);
	size_t n = 0;

	check_title(c, sec);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		n += tree_value(sec, keys[i]) != NULL;
	if (n != 1)
		opt_mistake(c->m, sec, sec->line, "allowed: one of json = "
		    "\"PATH\", header = \"NAME\", cookie = \"NAME\", xml = "
		    "\"ELEMENT\"");
	if ((tree_value(sec, "list") != NULL || where != NULL) &&
	    tree_value(sec, "json") == NULL)
		opt_mistake(c->m, sec, sec->line, "list and where go with "
		    "json");
	if ((tree_value(sec, "list") != NULL) != (where != NULL))
		opt_mistake(c->m, sec, sec->line, "list and where go "
		    "together: the first entry of list that is as where "
		    "says");
	check_flat(c, where, RECIPE_IN_BODY, request, false, true);
	(void)opt_bool(c->m, sec, "secret", false);
	(void)opt_bool(c->m, sec, "optional", false);
}

/* only_if, unless: names that may have no value. */
static void
check_conditions(struct recipe_names *c, const struct section *sec,
    const char *key)
{
	const struct item *item = tree_item(sec, key);

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const struct value *v = item->values[i];
		struct recipe_name *k = recipe_names_find(c, v->text);

		if (k == NULL)
			opt_mistake(c->m, sec, v->line, "%s: nothing is named "
			    "\"%s\"; allowed: an option, a value or a "
			    "capture", key, v->text);
		else
			k->is_used = true;
	}
}

static void
check_poll(struct recipe_names *c, const struct section *sec)
{
	bool polls = recipe_sub(sec, "until", NULL) != NULL ||
	    tree_value(sec, "until_text") != NULL;
	int64_t interval = opt_duration(c->m, sec, "interval", 1, 60, 2);
	int64_t timeout = opt_duration(c->m, sec, "timeout", 1, 1800, 300);
	static const char *const texts[] = { "expect_text", "until_text",
	    "fail_text" };

	check_flat(c, recipe_sub(sec, "until", NULL), RECIPE_IN_BODY, sec,
	    false, true);
	check_flat(c, recipe_sub(sec, "fail", NULL), RECIPE_IN_BODY, sec,
	    false, true);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		const struct value *v = tree_value(sec, texts[i]);

		if (v != NULL)
			recipe_names_text(c, sec, texts[i], v,
			    RECIPE_IN_BODY, sec, false);
	}
	if (!polls && (tree_value(sec, "interval") != NULL ||
	    tree_value(sec, "timeout") != NULL))
		opt_mistake(c->m, sec, sec->line, "interval and timeout are "
		    "for a request with until or until_text");
	if (polls && timeout / interval > RECIPE_POLLS_MAX)
		opt_mistake(c->m, sec, sec->line, "it would be asked %lld "
		    "times; allowed: a timeout of at most %d intervals",
		    (long long)(timeout / interval), RECIPE_POLLS_MAX);
	if (polls && strcmp(sec->kind, "finish") == 0)
		opt_mistake(c->m, sec, sec->line, "nobody waits for a "
		    "finish; allowed: until in a request");
}

static void
check_status(struct recipe_names *c, const struct section *sec)
{
	const struct item *item = tree_item(sec, "status");

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		const char *s = item->values[i]->text;

		if (strlen(s) != 3 || strspn(s, "0123456789") != 3 ||
		    s[0] < '2' || s[0] > '5')
			opt_refuse(c->m, sec, "status", item->values[i],
			    "200 to 599");
	}
}

static void
check_request(struct recipe_names *c, const struct section *sec)
{
	static const char *const methods[] = { "GET", "POST", "PUT", "PATCH",
	    "DELETE", NULL };
	const struct value *path = tree_value(sec, "path");
	const struct section *sub;

	need(c, sec, "path");
	check_word(c, sec, "method", methods);
	check_conditions(c, sec, "only_if");
	check_conditions(c, sec, "unless");
	if (path != NULL && path->text[0] != '/' && path->text[0] != '\0')
		opt_refuse(c->m, sec, "path", path, "a path below base, "
		    "which begins with \"/\"");
	if (path != NULL && path->text[strcspn(path->text, "?# ")] != '\0')
		opt_refuse(c->m, sec, "path", path, "a path; what stands "
		    "behind \"?\" belongs into query { }");
	if (path != NULL)
		recipe_names_text(c, sec, "path", path, RECIPE_IN_PATH, sec,
		    false);
	check_flat(c, recipe_sub(sec, "query", NULL), RECIPE_IN_HEAD, sec,
	    false, false);
	check_flat(c, recipe_sub(sec, "headers", NULL), RECIPE_IN_HEAD, sec,
	    false, false);
	check_body(c, sec);
	check_status(c, sec);
	check_flat(c, recipe_sub(sec, "expect", NULL), RECIPE_IN_BODY, sec,
	    false, true);
	for (size_t i = 0; (sub = recipe_nth(sec, "capture", i)) != NULL; i++)
		check_capture(c, sub, sec);
	check_poll(c, sec);
	recipe_names_sent(c, sec);
}

void
recipe_check(const struct recipe *r, struct mistakes *m)
{
	const struct value *base = tree_value(r->root, "base");
	const struct section *sec;
	struct recipe_names c;

	recipe_names_init(&c, r, m);
	need(&c, r->root, "title");
	need(&c, r->root, "base");
	if (base != NULL) {
		if (strncmp(base->text, "https://", 8) != 0 &&
		    base->text[0] != '$')
			opt_refuse(m, r->root, "base", base, "https://... or "
			    "${OPTION}, of the type url");
		recipe_names_text(&c, r->root, "base", base, RECIPE_IN_BASE,
		    NULL, false);
	}
	for (size_t i = 0; i < r->n_opts; i++)
		check_option(&c, recipe_nth(r->root, "option", i),
		    &r->opts[i]);
	for (size_t i = 0; (sec = recipe_nth(r->root, "value", i)) != NULL;
	    i++)
		check_value(&c, sec);
	if (r->n_requests == 0 || r->n_requests + r->n_finish >
	    RECIPE_REQUESTS_MAX)
		opt_mistake(m, r->root, 1, "it has %zu requests; allowed: 1 "
		    "to %d", r->n_requests, RECIPE_REQUESTS_MAX);
	for (size_t i = 0; i < r->n_requests; i++)
		check_request(&c, r->requests[i]);
	recipe_names_ended(&c);
	for (size_t i = 0; i < r->n_finish; i++)
		check_request(&c, r->finish[i]);
	/* What has no value yet leaves its header out. */
	check_flat(&c, recipe_sub(r->root, "headers", NULL), RECIPE_IN_HEAD,
	    NULL, true, false);
	check_flat(&c, recipe_sub(r->root, "expect", NULL), RECIPE_IN_BODY,
	    NULL, false, true);
	recipe_names_unused(&c);
	recipe_names_clear(&c);
}
