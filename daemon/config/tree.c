/* SPDX-License-Identifier: MIT */
#include "daemon/config/tree.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"

struct value *
value_new(const char *text, int line)
{
	size_t len = strlen(text) + 1;
	struct value *v = xmalloc(sizeof(*v) + len);

	v->line = line;
	memcpy(v->text, text, len);
	return v;
}

void
value_free(void *value)
{
	struct value *v = value;

	if (v != NULL)
		freezero(v, sizeof(*v) + strlen(v->text) + 1);
}

void
tree_strip(struct section *sec)
{
	for (size_t i = 0; i < sec->n_subs; i++)
		tree_free(sec->subs[i]);
	for (size_t i = 0; i < sec->n_items; i++) {
		for (size_t j = 0; j < sec->items[i].n; j++)
			value_free(sec->items[i].values[j]);
		free(sec->items[i].values);
	}
	free(sec->items);
	free(sec->subs);
	sec->items = NULL;
	sec->subs = NULL;
	sec->n_items = sec->n_subs = 0;
}

void
tree_free(struct section *sec)
{
	if (sec == NULL)
		return;
	tree_strip(sec);
	free(sec->title);
	free(sec->order);
	free(sec);
}

const struct item *
tree_item(const struct section *sec, const char *key)
{
	for (size_t i = 0; i < sec->n_items; i++) {
		if (strcmp(sec->items[i].key, key) == 0)
			return &sec->items[i];
	}
	return NULL;
}

const struct value *
tree_value(const struct section *sec, const char *key)
{
	const struct item *item = tree_item(sec, key);

	return item != NULL && item->n > 0 ? item->values[0] : NULL;
}

long
tree_place(const struct section *sec, const char *key)
{
	const char *p = sec->order != NULL ? sec->order : "";
	size_t len = strlen(key);

	for (long i = 0; *p == ' '; i++) {
		size_t n = strcspn(++p, " ");

		if (n == len && strncmp(p, key, n) == 0)
			return i;
		p += n;
	}
	return -1;
}

const char *
tree_context(const struct section *sec, char out[TREE_CONTEXT_MAX])
{
	size_t used;

	out[0] = '\0';
	if (sec->kind == NULL)
		return out;
	if (sec->parent != NULL && sec->parent->kind != NULL) {
		(void)tree_context(sec->parent, out);
		used = strlen(out);
		(void)text_printf(out + used, TREE_CONTEXT_MAX - used, ": ");
	}
	used = strlen(out);
	(void)text_printf(out + used, TREE_CONTEXT_MAX - used, "%s \"%.120s\"",
	    sec->kind, sec->title);
	return out;
}
