/* SPDX-License-Identifier: MIT */
#include "daemon/config/recipe_names.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/opt.h"
#include "daemon/config/recipe_text.h"

struct recipe_name *
recipe_names_find(struct recipe_names *all, const char *name)
{
	for (size_t i = 0; i < all->n; i++) {
		if (strcmp(all->list[i].name, name) == 0)
			return &all->list[i];
	}
	return NULL;
}

static struct recipe_name *
add(struct recipe_names *all, const char *name, const struct section *sec)
{
	struct recipe_name *k;

	all->list = xreallocarray(all->list, all->n + 1, sizeof(*all->list));
	k = &all->list[all->n++];
	*k = (struct recipe_name){ .name = name, .sec = sec };
	return k;
}

/* A capture may be there twice: of what is found, or made. */
static void
add_captures(struct recipe_names *all, const struct section *request)
{
	const struct section *sec;

	for (size_t i = 0; (sec = recipe_nth(request, "capture", i)) != NULL;
	    i++) {
		const struct recipe_name *old = recipe_names_find(all,
		    sec->title);

		if (old == NULL)
			add(all, sec->title, sec)->kind = NAME_CAPTURE;
		else if (old->kind != NAME_CAPTURE)
			opt_mistake(all->m, sec, sec->line, "\"%s\" is the "
			    "name of something else; allowed: another one",
			    sec->title);
	}
}

static void
add_sections(struct recipe_names *all, const char *kind)
{
	const struct section *sec;

	for (size_t i = 0; (sec = recipe_nth(all->r->root, kind, i)) != NULL;
	    i++) {
		struct recipe_name *k;

		if (recipe_names_find(all, sec->title) != NULL) {
			opt_mistake(all->m, sec, sec->line, "\"%s\" is the "
			    "name of something else; allowed: another one",
			    sec->title);
			continue;
		}
		k = add(all, sec->title, sec);
		k->is_seen = true;
		k->kind = strcmp(kind, "option") == 0 ? NAME_OPTION :
		    NAME_VALUE;
		if (k->kind == NAME_OPTION)
			k->is_sure = all->r->opts[i].required ||
			    all->r->opts[i].fallback != NULL ||
			    all->r->opts[i].type == PROVIDER_OPT_BOOL;
	}
}

void
recipe_names_init(struct recipe_names *all, const struct recipe *r,
    struct mistakes *m)
{
	const struct recipe_word *w = r->kind == RECIPE_DEPLOY ?
	    recipe_words_deploy : recipe_words_message;

	*all = (struct recipe_names){ .r = r, .m = m };
	for (; w->name != NULL; w++) {
		struct recipe_name *k = add(all, w->name, NULL);

		k->is_key = w->is_secret;
		k->is_used = k->is_seen = k->is_sure = true;
	}
	add_sections(all, "option");
	add_sections(all, "value");
	for (size_t i = 0; i < r->n_requests; i++)
		add_captures(all, r->requests[i]);
	for (size_t i = 0; i < r->n_finish; i++)
		add_captures(all, r->finish[i]);
}

void
recipe_names_clear(struct recipe_names *all)
{
	free(all->list);
	all->list = NULL;
}

static bool
has_word(const struct section *sec, const char *key, const char *name)
{
	const struct item *item = sec == NULL ? NULL : tree_item(sec, key);

	for (size_t i = 0; item != NULL && i < item->n; i++) {
		if (strcmp(item->values[i]->text, name) == 0)
			return true;
	}
	return false;
}

static bool
is_optional(const struct section *sec)
{
	const struct value *v = tree_value(sec, "optional");

	return v != NULL && opt_parse_bool(v->text) == 1;
}

void
recipe_names_sent(struct recipe_names *all, const struct section *request)
{
	const struct item *unless = tree_item(request, "unless");
	bool is_always = tree_item(request, "only_if") == NULL &&
	    unless == NULL;
	const struct section *sec;

	for (size_t i = 0; (sec = recipe_nth(request, "capture", i)) != NULL;
	    i++) {
		struct recipe_name *k = recipe_names_find(all, sec->title);

		if (k == NULL || k->kind != NAME_CAPTURE)
			continue;	/* told */
		k->is_seen = true;
		/* "unless = X" and X is captured: now there is one. */
		k->is_sure |= !is_optional(sec) && (is_always ||
		    (tree_item(request, "only_if") == NULL &&
		    unless->n == 1 && has_word(request, "unless",
		    sec->title)));
	}
}

void
recipe_names_ended(struct recipe_names *all)
{
	for (size_t i = 0; i < all->n; i++) {
		if (all->list[i].kind == NAME_CAPTURE)
			all->list[i].is_sure = false;
	}
}

static bool look(struct recipe_names *, struct recipe_name *, bool *is_sure,
    bool *is_key);

/* One of the texts that a value may be made of. */
static bool
look_at_text(struct recipe_names *all, const struct section *sec,
    const char *p, bool *is_sure, bool *is_key)
{
	struct recipe_piece piece;
	bool is_seen = true;
	const char *why;

	while (recipe_text_next(&p, &piece, &why) == 1) {
		struct recipe_name *k = !piece.is_name ? NULL :
		    recipe_names_find(all, piece.name);

		/* No loops, which are told elsewhere. */
		if (k != NULL && (k->kind != NAME_VALUE ||
		    k->sec->place < sec->place))
			is_seen &= look(all, k, is_sure, is_key);
	}
	return is_seen;
}

/* The first of them that has a value is the one. */
static bool
look_at_value(struct recipe_names *all, const struct section *sec,
    bool *is_sure, bool *is_key)
{
	const struct item *of = tree_item(sec, "of");
	const struct section *map = recipe_sub(sec, "map", NULL);
	bool is_seen = true, any_sure = false;

	for (size_t i = 0; of != NULL && i < of->n; i++) {
		bool sure = true;

		is_seen &= look_at_text(all, sec, of->values[i]->text, &sure,
		    is_key);
		any_sure |= sure;
	}
	*is_sure &= any_sure && (map == NULL || tree_item(map, "*") != NULL);
	return is_seen;
}

/* Is it known by now, for sure, and may it stand in bodies only? */
static bool
look(struct recipe_names *all, struct recipe_name *k, bool *is_sure,
    bool *is_key)
{
	if (k->kind == NAME_VALUE)
		return look_at_value(all, k->sec, is_sure, is_key);
	*is_sure &= k->is_sure;
	*is_key |= k->is_key;
	return k->is_seen;
}

static void
unknown(struct recipe_names *all, const struct section *sec, int line,
    const char *key, const char *name)
{
	char *list = xstrdup("");

	for (size_t i = 0; i < all->n; i++) {
		char *longer;

		if (!all->list[i].is_seen)
			continue;
		longer = xasprintf("%s%s%s", list, list[0] != '\0' ?
		    ", " : "", all->list[i].name);
		free(list);
		list = longer;
	}
	opt_mistake(all->m, sec, line, "%s: nothing is named \"%s\"; "
	    "allowed: %s", key, name, list);
	free(list);
}

/* Only what a person wrote into a checked option may be a part of a host. */
static bool
is_for_base(const struct recipe_names *all, const struct recipe_name *k)
{
	const struct value *type;

	if (k->kind == NAME_WORD)
		return strcmp(k->name, "webhook") == 0;
	if (k->kind != NAME_OPTION || !k->is_sure)
		return false;
	type = tree_value(k->sec, "type");
	return type != NULL && (strcmp(type->text, "host") == 0 ||
	    strcmp(type->text, "url") == 0 || strcmp(type->text, "int") == 0);
}

static void
check_name(struct recipe_names *all, const struct section *sec,
    const char *key, int line, const struct recipe_piece *piece,
    enum recipe_place place, const struct section *guards, bool is_loose)
{
	struct recipe_name *k = recipe_names_find(all, piece->name);
	bool is_sure = true, is_key = false;

	if (k == NULL) {
		unknown(all, sec, line, key, piece->name);
		return;
	}
	k->is_used = true;
	if (place == RECIPE_IN_VALUE)
		return;			/* where it is used */
	if (!look(all, k, &is_sure, &is_key))
		opt_mistake(all->m, sec, line, "%s: ${%s} is not known yet: a "
		    "later request captures it", key, piece->name);
	else if (place == RECIPE_IN_BASE && !is_for_base(all, k))
		opt_mistake(all->m, sec, line, "%s: ${%s} cannot be a part of "
		    "it; allowed: options of the types host, url and int that "
		    "are required or have a default", key, piece->name);
	else if (is_key && place != RECIPE_IN_BODY)
		opt_mistake(all->m, sec, line, "%s: ${%s} is secret; allowed: "
		    "in json, form, multipart and text", key, piece->name);
	else if (!is_sure && !is_loose && !has_word(guards, "only_if",
	    piece->name))
		opt_mistake(all->m, sec, line, "%s: ${%s} may have no value; "
		    "allowed: with only_if = \"%s\"%s", key, piece->name,
		    piece->name, place == RECIPE_IN_PATH ? "" : ", or alone, "
		    "which leaves this out then");
}

void
recipe_names_text(struct recipe_names *all, const struct section *sec,
    const char *key, const struct value *v, enum recipe_place place,
    const struct section *guards, bool is_loose)
{
	const char *p = v->text, *why;
	struct recipe_piece piece;
	int rc;

	if (place != RECIPE_IN_BASE && place != RECIPE_IN_PATH &&
	    recipe_text_is_name(v->text, &piece))
		is_loose = true;
	while ((rc = recipe_text_next(&p, &piece, &why)) == 1) {
		if (piece.is_name)
			check_name(all, sec, key, v->line, &piece, place,
			    guards, is_loose);
	}
	if (rc == -1)
		opt_mistake(all->m, sec, v->line, "%s: %s", key, why);
}

void
recipe_names_unused(struct recipe_names *all)
{
	static const char *const words[] = { [NAME_OPTION] = "option",
	    [NAME_VALUE] = "value", [NAME_CAPTURE] = "capture" };

	for (size_t i = 0; i < all->n; i++) {
		const struct recipe_name *k = &all->list[i];

		if (!k->is_used)
			opt_mistake(all->m, k->sec, k->sec->line, "nothing "
			    "uses this %s; allowed: ${%s} in a request, or in "
			    "only_if", words[k->kind], k->name);
	}
}
