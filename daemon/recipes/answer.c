/* SPDX-License-Identifier: MIT */
#include "daemon/recipes/answer.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/opt.h"
#include "daemon/rest/xml.h"

#define CAPTURE_MAX 65536		/* bytes */

bool
recipe_takes_status(const struct section *sec, int status)
{
	const struct item *item = tree_item(sec, "status");

	if (item == NULL)
		return status >= 200 && status <= 299;
	for (size_t i = 0; i < item->n; i++) {
		if (strtol(item->values[i]->text, NULL, 10) == status)
			return true;
	}
	return false;
}

/* The value at path; "" is the whole.  NULL: there is none. */
static const json_t *
at(const json_t *json, const char *path)
{
	return json == NULL || path[0] == '\0' ? json : jsonx_get(json, path);
}

static void
text_at(const json_t *json, const char *path, struct str *out)
{
	const json_t *found = at(json, path);

	if (found != NULL)
		recipe_json_text(found, out);
}

/* Is the text at that path one of those of the item?  -1 and err. */
static int
matches(struct recipe_scope *s, const struct item *item, const json_t *json,
    bool *is_match, struct error *err)
{
	const json_t *found = at(json, item->key);
	struct str is = { 0 };
	int rc = 0;

	*is_match = false;
	if (found != NULL)
		recipe_json_text(found, &is);
	for (size_t i = 0; rc == 0 && i < item->n; i++) {
		struct recipe_found f = { .is_unset = false };
		struct str want = { 0 };

		rc = recipe_render(s, item->values[i]->text, RECIPE_RAW,
		    &want, &f, err);
		*is_match |= found != NULL && strcmp(str_text(&is),
		    str_text(&want)) == 0;
		str_clear(&want);
	}
	str_clear(&is);
	return rc;
}

void
recipe_explain(const struct recipe_scope *s, const struct rest_answer *a,
    struct error *err)
{
	const struct section *sec;

	for (size_t i = 0; (sec = recipe_nth(s->recipe->root, "explain",
	    i)) != NULL; i++) {
		struct str text = { 0 };
		const struct value *v;

		text_at(a->json, sec->title, &text);
		v = tree_value(sec, str_text(&text));
		if (v != NULL) {
			size_t n = strlen(err->msg);

			(void)text_printf(err->msg + n, sizeof(err->msg) - n,
			    ": %s", v->text);
		}
		str_clear(&text);
	}
}

/* It is not as the recipe expects: what it says, and what the product does. */
static enum rest_next
refuse(const struct recipe_scope *s, const struct rest_answer *a,
    const struct item *item, struct error *err)
{
	char words[REST_WORDS_MAX], shown[80];
	struct str is = { 0 };
	bool is_there = item != NULL && at(a->json, item->key) != NULL;

	rest_vendor_words(a, words);
	if (item != NULL)
		text_at(a->json, item->key, &is);
	(void)text_printf(shown, sizeof(shown), "%.60s", str_text(&is));
	text_clean(shown);
	str_clear(&is);
	if (item == NULL)
		(void)error_set(err, ERR_CONFIG, "recipe:refused", "it "
		    "answers otherwise than is expected: %s", words);
	else
		(void)error_set(err, ERR_CONFIG, "recipe:refused",
		    "it answers %s%s%s: %s", item->key, is_there ? " = " :
		    " nowhere", is_there ? shown : "", words);
	recipe_explain(s, a, err);
	return REST_FAIL;
}

/* Does all of the block hold?  *which is what does not; with is_any, what
 * does. */
static int
holds(struct recipe_scope *s, const struct section *block,
    const json_t *json, bool is_any, const struct item **which,
    struct error *err)
{
	*which = NULL;
	for (size_t i = 0; block != NULL && i < block->n_items; i++) {
		bool is_match;

		if (matches(s, &block->items[i], json, &is_match, err) == -1)
			return -1;
		if (is_match == is_any) {
			*which = &block->items[i];
			return 0;
		}
	}
	return 0;
}

/* Is the text of that key in the answer?  fallback: there is no such key. */
static int
has_text(struct recipe_scope *s, const struct section *sec, const char *key,
    bool fallback, const struct rest_answer *a, bool *has, struct error *err)
{
	const struct value *v = tree_value(sec, key);
	struct recipe_found found = { .is_unset = false };
	struct str want = { 0 };
	int rc;

	*has = fallback;
	if (v == NULL)
		return 0;
	rc = recipe_render(s, v->text, RECIPE_RAW, &want, &found, err);
	*has = memmem(a->body, a->body_len, str_text(&want), want.len) !=
	    NULL;
	str_clear(&want);
	return rc;
}

/* --- captures --- */

/* NAME=VALUE; of a Set-Cookie of that name. */
static json_t *
find_cookie(const struct rest_answer *a, const char *name)
{
	const char *line;
	size_t len = strlen(name);

	for (size_t i = 0; (line = rest_header_nth(a, "Set-Cookie", i)) !=
	    NULL; i++) {
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			return json_stringn(line + len + 1, strcspn(line +
			    len + 1, ";"));
	}
	return NULL;
}

/* The first entry of a list that is as `where` says. */
static int
find_entry(struct recipe_scope *s, const struct section *sec,
    const json_t *list, const json_t **found, struct error *err)
{
	const struct section *where = recipe_sub(sec, "where", NULL);
	const struct item *which;
	const json_t *entry;
	size_t i;

	*found = NULL;
	json_array_foreach(list, i, entry) {
		if (holds(s, where, entry, false, &which, err) == -1)
			return -1;
		if (which == NULL) {
			*found = entry;
			return 0;
		}
	}
	return 0;
}

static int
find(struct recipe_scope *s, const struct section *sec,
    const struct rest_answer *a, json_t **out, struct error *err)
{
	const struct value *v = tree_value(sec, "list");
	const json_t *from = a->json;
	struct xml root = xml_document(a->body, a->body_len);
	char text[4096];

	*out = NULL;
	if (v != NULL && find_entry(s, sec, at(a->json, v->text), &from,
	    err) == -1)
		return -1;
	if ((v = tree_value(sec, "json")) != NULL)
		*out = json_incref((json_t *)(uintptr_t)at(from, v->text));
	else if ((v = tree_value(sec, "header")) != NULL)
		*out = rest_header(a, v->text) == NULL ? NULL :
		    json_string(rest_header(a, v->text));
	else if ((v = tree_value(sec, "cookie")) != NULL)
		*out = find_cookie(a, v->text);
	else if (xml_text(&root, tree_value(sec, "xml")->text, text,
	    sizeof(text)))
		*out = json_string(text);
	return 0;
}

static bool
is_true(const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	return v != NULL && opt_parse_bool(v->text) == 1;
}

static int
capture(struct recipe_scope *s, const struct section *sec,
    const struct rest_answer *a, struct error *err)
{
	json_t *found;

	if (find(s, sec, a, &found, err) == -1)
		return -1;
	/* Whole objects are nobody's id or token. */
	if (json_is_object(found) || json_is_null(found) ||
	    json_string_length(found) > CAPTURE_MAX) {
		json_decref(found);
		found = NULL;
	}
	if (found == NULL && !is_true(sec, "optional"))
		return error_set(err, ERR_CONFIG, "recipe:answer",
		    "the answer has no %s, where the recipe looks for it",
		    sec->title);
	if (found != NULL)
		(void)json_object_set_new(s->captured, sec->title, found);
	return 0;
}

/* --- all --- */

static bool
wants_json(const struct section *sec, const struct section *expect)
{
	const struct section *one;

	if (expect != NULL || recipe_sub(sec, "until", NULL) != NULL)
		return true;
	for (size_t i = 0; (one = recipe_nth(sec, "capture", i)) != NULL;
	    i++) {
		if (tree_value(one, "json") != NULL &&
		    !is_true(one, "optional"))
			return true;
	}
	return false;
}

enum rest_next
recipe_answer(struct recipe_scope *s, const struct section *sec,
    const struct rest_answer *a, struct error *err)
{
	const struct section *expect = recipe_sub(sec, "expect", NULL);
	const struct section *fail = recipe_sub(sec, "fail", NULL), *one;
	const struct item *which;
	char words[REST_WORDS_MAX];
	bool has;

	if (expect == NULL)
		expect = recipe_sub(s->recipe->root, "expect", NULL);
	if (a->json == NULL && wants_json(sec, expect)) {
		rest_plain_words(a, words);
		(void)error_set(err, ERR_TRANSIENT, "provider:reply",
		    "HTTP %d, but the answer is not JSON: %.100s", a->status,
		    words);
		return REST_FAIL;
	}
	if (holds(s, expect, a->json, false, &which, err) == -1)
		return REST_FAIL;
	if (which != NULL)
		return refuse(s, a, which, err);
	if (has_text(s, sec, "expect_text", true, a, &has, err) == -1)
		return REST_FAIL;
	if (!has)
		return refuse(s, a, NULL, err);
	if (has_text(s, sec, "fail_text", false, a, &has, err) == -1)
		return REST_FAIL;
	if (has)
		return refuse(s, a, NULL, err);
	if (holds(s, fail, a->json, true, &which, err) == -1)
		return REST_FAIL;
	if (which != NULL)
		return refuse(s, a, which, err);
	if (holds(s, recipe_sub(sec, "until", NULL), a->json, false, &which,
	    err) == -1 || has_text(s, sec, "until_text", true, a, &has,
	    err) == -1)
		return REST_FAIL;
	if (which != NULL || !has)
		return REST_POLL;
	for (size_t i = 0; (one = recipe_nth(sec, "capture", i)) != NULL;
	    i++) {
		if (capture(s, one, a, err) == -1)
			return REST_FAIL;
	}
	return REST_NEXT;
}
