/* SPDX-License-Identifier: MIT */
#include "daemon/recipes/request.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/recipes/body.h"
#include "daemon/rest/preq.h"

static int
is_wanted(struct recipe_scope *s, const struct section *sec, bool *wanted,
    struct error *err)
{
	static const char *const keys[] = { "only_if", "unless" };

	*wanted = true;
	for (size_t i = 0; i < 2; i++) {
		const struct item *item = tree_item(sec, keys[i]);

		for (size_t j = 0; item != NULL && j < item->n; j++) {
			bool is_set;

			if (recipe_is_set(s, item->values[j]->text, &is_set,
			    err) == -1)
				return -1;
			*wanted &= is_set == (i == 0);
		}
	}
	return 0;
}

/* Base and path; the path's segments are encoded, the base's were checked. */
static int
make_url(struct recipe_scope *s, const struct section *sec, struct str *url,
    struct recipe_found *found, struct error *err)
{
	const char *path = tree_value(sec, "path")->text;
	struct str base = { 0 };
	size_t len, n;
	int rc;

	rc = recipe_render(s, tree_value(s->recipe->root, "base")->text,
	    RECIPE_RAW, &base, found, err);
	/* The address of a channel may have a query, which stays behind. */
	n = len = strcspn(str_text(&base), "?");
	while (path[0] != '\0' && n > 0 && base.s[n - 1] == '/')
		n--;
	str_add(url, str_text(&base), n);
	if (rc == 0)
		rc = recipe_render(s, path, RECIPE_URL, url, found, err);
	str_puts(url, str_text(&base) + len);
	str_clear(&base);
	return rc;
}

static int
put_headers(struct recipe_scope *s, const struct section *block,
    struct preq *rq, struct error *err)
{
	for (size_t i = 0; block != NULL && i < block->n_items; i++) {
		struct recipe_found found = { .is_unset = false };
		struct str value = { 0 };
		int rc = recipe_render(s, block->items[i].values[0]->text,
		    RECIPE_RAW, &value, &found, err);

		/* All of them: also a captured token or cookie. */
		if (rc == 0 && !found.is_unset)
			preq_secret_header(rq, block->items[i].key,
			    str_text(&value));
		str_clear(&value);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static int
put_query(struct recipe_scope *s, const struct section *block,
    struct preq *rq, struct error *err)
{
	for (size_t i = 0; block != NULL && i < block->n_items; i++) {
		struct recipe_found found = { .is_unset = false };
		struct str value = { 0 };
		int rc = recipe_render(s, block->items[i].values[0]->text,
		    RECIPE_RAW, &value, &found, err);

		if (rc == 0 && !found.is_unset)
			(found.is_secret ? preq_secret_query : preq_query)(rq,
			    block->items[i].key, str_text(&value));
		str_clear(&value);
		if (rc == -1)
			return -1;
	}
	return 0;
}

static const char *
method_of(const struct section *sec)
{
	const struct value *v = tree_value(sec, "method");

	return v != NULL ? v->text : recipe_has_body(sec) ? "POST" : "GET";
}

int
recipe_request(struct recipe_scope *s, const struct section *sec,
    struct preq *rq, struct error *err)
{
	struct recipe_found found = { .is_unset = false };
	struct str url = { 0 };
	bool wanted;
	int rc;

	if (is_wanted(s, sec, &wanted, err) == -1)
		return -1;
	if (!wanted)
		return 0;
	rc = make_url(s, sec, &url, &found, err);
	if (rc == 0 && found.is_secret)
		preq_url(rq, method_of(sec), str_text(&url));
	else if (rc == 0)
		preq_start(rq, method_of(sec), str_text(&url));
	str_clear(&url);
	if (rc == 0)
		rc = put_query(s, recipe_sub(sec, "query", NULL), rq, err);
	if (rc == 0)
		rc = recipe_body(s, sec, rq, err);
	/* They may say what type the body is of. */
	if (rc == 0)
		rc = put_headers(s, recipe_sub(s->recipe->root, "headers",
		    NULL), rq, err);
	if (rc == 0)
		rc = put_headers(s, recipe_sub(sec, "headers", NULL), rq,
		    err);
	if (rc == 0 && preq_get_header(rq, "Accept") == NULL)
		preq_header(rq, "Accept", "application/json, */*;q=0.5");
	return rc;
}
