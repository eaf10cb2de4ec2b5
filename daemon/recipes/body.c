/* SPDX-License-Identifier: MIT */
#include "daemon/recipes/body.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/rest/preq.h"
#include "daemon/rest/sign.h"

bool
recipe_has_body(const struct section *sec)
{
	return tree_value(sec, "text") != NULL ||
	    recipe_sub(sec, "json", NULL) != NULL ||
	    recipe_sub(sec, "json[]", NULL) != NULL ||
	    recipe_sub(sec, "form", NULL) != NULL ||
	    recipe_sub(sec, "multipart", NULL) != NULL;
}

/* --- JSON --- */

/* One value, or all of a list; a list of one placeholder that is a list is
 * that list.  NULL: it has no value, or err is set. */
static json_t *
make_item(struct recipe_scope *s, const struct item *item, struct error *err)
{
	json_t *all;

	err->kind = ERR_NONE;
	if (!item->is_list) {
		struct recipe_found found = { .is_unset = false };

		return recipe_render_json(s, item->values[0], &found, err);
	}
	all = json_array();
	for (size_t i = 0; i < item->n; i++) {
		struct recipe_found found = { .is_unset = false };
		json_t *one = recipe_render_json(s, item->values[i], &found,
		    err);

		if (one == NULL && err->kind != ERR_NONE) {
			json_decref(all);
			return NULL;
		}
		if (json_is_array(one))
			(void)json_array_extend(all, one);
		else if (one != NULL)
			(void)json_array_append(all, one);
		json_decref(one);
	}
	return all;
}

static json_t *
make_object(struct recipe_scope *s, const struct section *block,
    struct error *err)
{
	json_t *object = json_object(), *one, *list;

	for (size_t i = 0; i < block->n_items; i++) {
		one = make_item(s, &block->items[i], err);
		if (one == NULL && err->kind != ERR_NONE)
			goto fail;
		if (one != NULL)
			(void)json_object_set_new(object,
			    block->items[i].key, one);
	}
	for (size_t i = 0; i < block->n_subs; i++) {
		const char *kind = block->subs[i]->kind;
		size_t len = strlen(kind);
		char *name;

		one = make_object(s, block->subs[i], err);
		if (one == NULL)
			goto fail;
		if (len <= 2 || strcmp(kind + len - 2, "[]") != 0) {
			(void)json_object_set_new(object, kind, one);
			continue;
		}
		name = xstrndup(kind, len - 2);
		list = json_object_get(object, name);
		if (!json_is_array(list)) {
			list = json_array();
			(void)json_object_set_new(object, name, list);
		}
		(void)json_array_append_new(list, one);
		free(name);
	}
	return object;
fail:
	json_decref(object);
	return NULL;
}

static int
put_json(struct recipe_scope *s, const struct section *sec, struct preq *rq,
    struct error *err)
{
	const struct section *block = recipe_sub(sec, "json", NULL);
	json_t *all, *one;

	if (block != NULL) {
		all = make_object(s, block, err);
		if (all == NULL)
			return -1;
		preq_json(rq, all);
		return 0;
	}
	all = json_array();
	for (size_t i = 0; (block = recipe_nth(sec, "json[]", i)) != NULL;
	    i++) {
		one = make_object(s, block, err);
		if (one == NULL) {
			json_decref(all);
			return -1;
		}
		(void)json_array_append_new(all, one);
	}
	preq_json(rq, all);
	return 0;
}

/* --- forms --- */

static int
put_form(struct recipe_scope *s, const struct section *block,
    struct preq *rq, struct error *err)
{
	for (size_t i = 0; i < block->n_items; i++) {
		struct recipe_found found = { .is_unset = false };
		struct str value = { 0 };
		int rc = recipe_render(s, block->items[i].values[0]->text,
		    RECIPE_RAW, &value, &found, err);

		if (rc == 0 && !found.is_unset)
			preq_form(rq, block->items[i].key,
			    str_text(&value));
		str_clear(&value);
		if (rc == -1)
			return -1;
	}
	return 0;
}

/* As browsers write names: WHATWG, "Multipart form data". */
static void
put_quoted(struct str *out, const char *text)
{
	str_puts(out, "\"");
	for (; *text != '\0'; text++) {
		if (*text == '"')
			str_puts(out, "%22");
		else if (*text == '\r')
			str_puts(out, "%0D");
		else if (*text == '\n')
			str_puts(out, "%0A");
		else
			str_add(out, text, 1);
	}
	str_puts(out, "\"");
}

/* The text of a key of the part; false: it has none. */
static int
part_text(struct recipe_scope *s, const struct section *part,
    const char *key, struct str *out, bool *has, struct error *err)
{
	const struct value *v = tree_value(part, key);
	struct recipe_found found = { .is_unset = v == NULL };

	if (v != NULL && recipe_render(s, v->text, RECIPE_RAW, out, &found,
	    err) == -1)
		return -1;
	*has = !found.is_unset;
	return 0;
}

static int
put_part(struct recipe_scope *s, const struct section *part,
    const char *boundary, struct str *body, struct error *err)
{
	struct str value = { 0 }, file = { 0 }, type = { 0 };
	bool has_value, has_file, has_type;
	int rc = -1;

	if (part_text(s, part, "value", &value, &has_value, err) == 0 &&
	    part_text(s, part, "filename", &file, &has_file, err) == 0 &&
	    part_text(s, part, "type", &type, &has_type, err) == 0)
		rc = 0;
	if (rc == 0 && has_value) {
		str_puts(body, "--");
		str_puts(body, boundary);
		str_puts(body, "\r\nContent-Disposition: form-data; name=");
		put_quoted(body, part->title);
		if (has_file) {
			str_puts(body, "; filename=");
			put_quoted(body, str_text(&file));
		}
		if (has_type || has_file) {
			str_puts(body, "\r\nContent-Type: ");
			str_puts(body, has_type ? str_text(&type) :
			    "application/octet-stream");
		}
		str_puts(body, "\r\n\r\n");
		str_add(body, str_text(&value), value.len);
		str_puts(body, "\r\n");
	}
	str_clear(&value);
	str_clear(&file);
	str_clear(&type);
	return rc;
}

static int
put_parts(struct recipe_scope *s, const struct section *block,
    struct preq *rq, struct error *err)
{
	char boundary[SIGN_NONCE], *type;
	const struct section *part;
	struct str body = { 0 };
	int rc = 0;

	(void)sign_nonce(boundary);
	for (size_t i = 0; rc == 0 &&
	    (part = recipe_nth(block, "part", i)) != NULL; i++)
		rc = put_part(s, part, boundary, &body, err);
	str_puts(&body, "--");
	str_puts(&body, boundary);
	str_puts(&body, "--\r\n");
	type = xasprintf("multipart/form-data; boundary=%s", boundary);
	if (rc == 0)
		preq_body(rq, body.s, body.len, type);
	free(type);
	str_clear(&body);
	return rc;
}

static int
put_text(struct recipe_scope *s, const struct section *sec, struct preq *rq,
    struct error *err)
{
	const struct value *type = tree_value(sec, "type");
	struct recipe_found found = { .is_unset = false };
	struct str text = { 0 };
	int rc = recipe_render(s, tree_value(sec, "text")->text, RECIPE_RAW,
	    &text, &found, err);

	if (rc == 0)
		preq_body(rq, str_text(&text), text.len, type != NULL ?
		    type->text : "text/plain; charset=utf-8");
	str_clear(&text);
	return rc;
}

int
recipe_body(struct recipe_scope *s, const struct section *sec,
    struct preq *rq, struct error *err)
{
	const struct section *block;

	if (tree_value(sec, "text") != NULL)
		return put_text(s, sec, rq, err);
	if ((block = recipe_sub(sec, "form", NULL)) != NULL)
		return put_form(s, block, rq, err);
	if ((block = recipe_sub(sec, "multipart", NULL)) != NULL)
		return put_parts(s, block, rq, err);
	return recipe_has_body(sec) ? put_json(s, sec, rq, err) : 0;
}
