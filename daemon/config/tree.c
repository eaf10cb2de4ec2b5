/* SPDX-License-Identifier: MIT */
#include "daemon/config/tree.h"

#include <stdint.h>
#include <string.h>

#include "common/pool.h"
#include "common/text.h"

struct value *
value_new(const struct section *sec, size_t len, int line)
{
	struct value *v = pool_alloc(sec->src->pool, sizeof(*v) + len + 1);

	v->line = line;
	return v;
}

/* Room for one more in a list of n; it is doubled when n is 4, 8, 16... */
static void *
grow(const struct section *sec, void *list, size_t n, size_t size)
{
	void *longer;

	if (n != 0 && (n < 4 || (n & (n - 1)) != 0))
		return list;
	longer = pool_alloc(sec->src->pool, (n == 0 ? 4 : n * 2) * size);
	if (n > 0)
		memcpy(longer, list, n * size);
	return longer;
}

struct section *
tree_new(const struct source *src)
{
	struct section *sec = pool_alloc(src->pool, sizeof(*sec));

	sec->src = src;
	return sec;
}

struct section *
tree_add_section(struct section *parent, const char *kind, int line,
    unsigned place)
{
	struct section *sec = tree_new(parent->src);

	sec->kind = kind;
	sec->line = line;
	sec->place = place;
	sec->parent = parent;
	parent->subs = grow(parent, parent->subs, parent->n_subs,
	    sizeof(*parent->subs));
	parent->subs[parent->n_subs++] = sec;
	return sec;
}

struct item *
tree_add_item(struct section *sec, const char *key, unsigned place)
{
	struct item *item = (struct item *)(uintptr_t)tree_item(sec, key);

	if (item != NULL)
		return item;
	sec->items = grow(sec, sec->items, sec->n_items,
	    sizeof(*sec->items));
	item = &sec->items[sec->n_items++];
	*item = (struct item){ .key = key, .place = place };
	return item;
}

void
item_add(const struct section *sec, struct item *item, struct value *v)
{
	item->values = grow(sec, item->values, item->n,
	    sizeof(*item->values));
	item->values[item->n++] = v;
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
	const struct item *item = tree_item(sec, key);

	if (item != NULL)
		return item->place;
	for (size_t i = 0; i < sec->n_subs; i++) {
		if (strcmp(sec->subs[i]->kind, key) == 0)
			return sec->subs[i]->place;
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
	(void)text_printf(out + used, TREE_CONTEXT_MAX - used,
	    "%s%s%.120s%s", sec->kind, sec->title[0] != '\0' ? " \"" : "",
	    sec->title, sec->title[0] != '\0' ? "\"" : "");
	return out;
}
