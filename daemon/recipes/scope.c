/* SPDX-License-Identifier: MIT */
#include "daemon/recipes/scope.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/opt.h"
#include "daemon/config/recipe_text.h"
#include "daemon/rest/hide.h"
#include "daemon/rest/sign.h"

#define MORE "\n..."
#define LONG_SECRET 512			/* bytes: parts of it are hidden, too */

void
recipe_scope_init(struct recipe_scope *s)
{
	s->captured = json_object();
	s->secrets = json_array();
}

void
recipe_scope_clear(struct recipe_scope *s)
{
	json_decref(s->captured);
	json_decref(s->secrets);
	s->captured = s->secrets = NULL;
}

static void
remember_secret(struct recipe_scope *s, const json_t *value)
{
	const json_t *old;
	size_t i;

	if (!json_is_string(value))
		return;
	json_array_foreach(s->secrets, i, old) {
		if (json_equal(old, value))
			return;
	}
	(void)json_array_append_new(s->secrets, json_copy((json_t *)
	    (uintptr_t)value));
}

void
recipe_hide(const struct recipe_scope *s, char *msg)
{
	const json_t *secret;
	size_t i;

	json_array_foreach(s->secrets, i, secret) {
		if (json_string_length(secret) > LONG_SECRET)
			rest_hide_part(json_string_value(secret), msg);
		else
			rest_hide(json_string_value(secret), msg);
	}
}

void
recipe_json_text(const json_t *json, struct str *out)
{
	const json_t *entry;
	char number[32], *text;
	size_t i;

	if (json_is_string(json)) {
		str_add(out, json_string_value(json),
		    json_string_length(json));
	} else if (json_is_integer(json)) {
		(void)text_printf(number, sizeof(number), "%" PRId64,
		    (int64_t)json_integer_value(json));
		str_puts(out, number);
	} else if (json_is_array(json)) {
		json_array_foreach(json, i, entry) {
			if (i > 0)
				str_puts(out, ",");
			recipe_json_text(entry, out);
		}
	} else {
		text = json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY);
		str_puts(out, text != NULL ? text : "");
		freezero_str(text);
	}
}

/* --- filters --- */

/* A UUID that is always the same for that text: version 5, namespace of
 * names (RFC 9562 section 6.6). */
static void
make_uuid(const struct str *in, struct str *out)
{
	static const unsigned char space[] = { 0x6b, 0xa7, 0xb8, 0x10, 0x9d,
	    0xad, 0x11, 0xd1, 0x80, 0xb4, 0x00, 0xc0, 0x4f, 0xd4, 0x30,
	    0xc8 };
	unsigned char hash[SIGN_MAX];
	struct str all = { 0 };
	char hex[SIGN_HEX], text[40];

	str_add(&all, space, sizeof(space));
	str_add(&all, str_text(in), in->len);
	(void)sign_hash(SIGN_SHA1, all.s, all.len, hash);
	str_clear(&all);
	hash[6] = (hash[6] & 0x0f) | 0x50;
	hash[8] = (hash[8] & 0x3f) | 0x80;
	(void)text_hex(hash, 16, hex);
	(void)text_printf(text, sizeof(text), "%.8s-%.4s-%.4s-%.4s-%.12s",
	    hex, hex + 8, hex + 12, hex + 16, hex + 20);
	str_puts(out, text);
}

static void
make_xml(const struct str *in, struct str *out)
{
	for (const char *s = str_text(in); *s != '\0'; s++) {
		if (*s == '&')
			str_puts(out, "&amp;");
		else if (*s == '<')
			str_puts(out, "&lt;");
		else if (*s == '>')
			str_puts(out, "&gt;");
		else if (*s == '"')
			str_puts(out, "&quot;");
		else
			str_add(out, s, 1);
	}
}

static void
apply_filter(enum recipe_filter filter, const struct str *in,
    struct str *out)
{
	unsigned char hash[SIGN_MAX];
	char hex[SIGN_HEX], *coded;

	switch (filter) {
	case RECIPE_PLAIN:
	case RECIPE_FILTER_END:
		str_add(out, str_text(in), in->len);
		break;
	case RECIPE_BASE64:
		coded = sign_base64(str_text(in), in->len);
		str_puts(out, coded);
		freezero_str(coded);
		break;
	case RECIPE_MD5:
	case RECIPE_SHA256:
		str_puts(out, text_hex(hash, sign_hash(filter == RECIPE_MD5 ?
		    SIGN_MD5 : SIGN_SHA256, str_text(in), in->len, hash),
		    hex));
		break;
	case RECIPE_UUID:
		make_uuid(in, out);
		break;
	case RECIPE_XML:
		make_xml(in, out);
		break;
	}
}

/* At most so many characters, with the sign that some are missing. */
static void
cut(struct str *text, size_t max)
{
	size_t n = 0, len = 0, keep = 0;
	struct str out = { 0 };

	for (; len < text->len; len++) {
		if (((unsigned char)text->s[len] & 0xc0) == 0x80)
			continue;
		if (n == max - strlen(MORE))
			keep = len;
		if (n++ == max)
			break;
	}
	if (len == text->len)
		return;
	str_add(&out, text->s, keep);
	str_puts(&out, MORE);
	str_clear(text);
	*text = out;
}

/* --- names --- */

/* A value as the file has it: what stands without quotes may be no text. */
static json_t *
typed(const struct value *v)
{
	json_error_t why;
	json_t *json;

	if (v->is_quoted)
		return json_string(v->text);
	json = json_loads(v->text, JSON_DECODE_ANY, &why);
	if (json != NULL && !json_is_object(json) && !json_is_array(json))
		return json;
	json_decref(json);
	return json_string(v->text);
}

/* A text that has bytes of another encoding must not pass for none. */
static json_t *
get_text(const struct provider_opt *o, const char *text, struct error *err)
{
	json_t *json = text == NULL ? NULL : json_string(text);

	if (text != NULL && json == NULL)
		(void)error_set(err, ERR_CONFIG, "config:value", "%s%s: found "
		    "bytes that are not UTF-8; save it as UTF-8", o->name,
		    o->secret ? "_file" : "");
	return json;
}

static json_t *
get_option(const struct recipe_scope *s, int i, struct error *err)
{
	const struct provider_opt *o = &s->recipe->opts[i];
	const char *const *list;
	json_t *all;

	switch (o->type) {
	case PROVIDER_OPT_STRING:
		return get_text(o, provider_str(s->values, i), err);
	case PROVIDER_OPT_INT:
	case PROVIDER_OPT_DURATION:
		return json_integer(provider_int(s->values, i));
	case PROVIDER_OPT_BOOL:
		return json_boolean(provider_bool(s->values, i));
	case PROVIDER_OPT_LIST:
		break;
	}
	list = provider_list(s->values, i);
	if (*list == NULL)
		return NULL;
	all = json_array();
	for (; *list != NULL; list++)
		(void)json_array_append_new(all, json_string(*list));
	return all;
}

/* The first of the texts of `of` whose placeholders all have a value. */
static int
render_first(struct recipe_scope *s, const struct section *sec,
    struct str *out, struct recipe_found *found, struct error *err)
{
	const struct item *of = tree_item(sec, "of");

	for (size_t i = 0; i < of->n; i++) {
		*found = (struct recipe_found){ .is_unset = false };
		str_clear(out);
		if (recipe_render(s, of->values[i]->text, RECIPE_RAW, out,
		    found, err) == -1)
			return -1;
		if (!found->is_unset)
			return 0;
	}
	return 0;
}

/* value "NAME" { of, filter, max, map } */
static json_t *
get_value(struct recipe_scope *s, const struct section *sec,
    struct recipe_found *found, struct error *err)
{
	const struct section *map = recipe_sub(sec, "map", NULL);
	const struct value *v = tree_value(sec, "filter");
	struct recipe_found own;
	struct str in = { 0 }, out = { 0 };
	json_t *json = NULL;

	if (render_first(s, sec, &in, &own, err) == 0 && !own.is_unset) {
		apply_filter(v == NULL ? RECIPE_PLAIN :
		    recipe_filter_parse(v->text), &in, &out);
		v = tree_value(sec, "max");
		if (v != NULL)
			cut(&out, strtoul(v->text, NULL, 10));
		v = map == NULL ? NULL : tree_value(map, str_text(&out));
		if (map != NULL && v == NULL)
			v = tree_value(map, "*");
		if (map == NULL)
			json = json_stringn(str_text(&out), out.len);
		else if (v != NULL)
			json = typed(v);
		found->is_secret |= own.is_secret && map == NULL;
		if (own.is_secret && map == NULL)
			remember_secret(s, json);
	}
	str_clear(&in);
	str_clear(&out);
	return json;
}

static bool
is_true(const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	return v != NULL && opt_parse_bool(v->text) == 1;
}

/* Is it a capture that some request marks as secret? */
static bool
is_secret_capture(const struct recipe *r, const char *name)
{
	for (size_t i = 0; i < r->n_requests; i++) {
		const struct section *sec = recipe_sub(r->requests[i],
		    "capture", name);

		if (sec != NULL && is_true(sec, "secret"))
			return true;
	}
	return false;
}

static json_t *
get_word(struct recipe_scope *s, const char *name, struct error *err)
{
	char text[32];

	if (strcmp(name, "time") != 0)
		return s->word(s->user, name, err);
	(void)text_printf(text, sizeof(text), "%lld", (long long)s->time);
	return json_string(text);
}

json_t *
recipe_get(struct recipe_scope *s, const char *name,
    struct recipe_found *found, struct error *err)
{
	const struct recipe_word *word = recipe_word_find(s->recipe->kind,
	    name);
	const struct section *sec;
	bool is_secret = false;
	json_t *json;

	err->kind = ERR_NONE;
	sec = recipe_sub(s->recipe->root, "value", name);
	if (sec != NULL)
		return get_value(s, sec, found, err);
	if (word != NULL) {
		json = get_word(s, name, err);
		/* The address of a channel has its token in it. */
		is_secret = word->is_secret || strcmp(name, "webhook") == 0;
	} else if (recipe_sub(s->recipe->root, "option", name) != NULL) {
		int i = 0;

		while (strcmp(s->recipe->opts[i].name, name) != 0)
			i++;
		is_secret = s->recipe->opts[i].secret;
		json = s->values == NULL ? s->word(s->user, name, err) :
		    get_option(s, i, err);
	} else {
		json = json_incref(json_object_get(s->captured, name));
		is_secret = is_secret_capture(s->recipe, name);
	}
	if (is_secret)
		remember_secret(s, json);
	found->is_secret |= is_secret;
	return json;
}

int
recipe_is_set(struct recipe_scope *s, const char *name, bool *is_set,
    struct error *err)
{
	struct recipe_found found = { .is_unset = false };
	json_t *json = recipe_get(s, name, &found, err);

	if (json == NULL && err->kind != ERR_NONE)
		return -1;
	*is_set = json != NULL && !json_is_null(json) &&
	    !json_is_false(json) && !(json_is_string(json) &&
	    json_string_length(json) == 0) && !(json_is_array(json) &&
	    json_array_size(json) == 0);
	json_decref(json);
	return 0;
}

/* --- texts --- */

static int
put_name(struct recipe_scope *s, const struct recipe_piece *piece,
    enum recipe_escape escape, struct str *out, struct recipe_found *found,
    struct error *err)
{
	struct str in = { 0 }, filtered = { 0 };
	struct recipe_found own = { .is_unset = false };
	json_t *json = recipe_get(s, piece->name, &own, err);

	if (json == NULL && err->kind != ERR_NONE)
		return -1;
	if (json == NULL || json_is_null(json)) {
		found->is_unset = true;
		json_decref(json);
		return 0;
	}
	found->is_secret |= own.is_secret;
	recipe_json_text(json, &in);
	json_decref(json);
	apply_filter(piece->filter, &in, &filtered);
	/* A key in base64 is a key. */
	if (own.is_secret && piece->filter != RECIPE_PLAIN) {
		json = json_stringn(str_text(&filtered), filtered.len);
		remember_secret(s, json);
		json_decref(json);
	}
	if (escape == RECIPE_URL)
		str_encode(out, str_text(&filtered), "");
	else
		str_add(out, str_text(&filtered), filtered.len);
	str_clear(&in);
	str_clear(&filtered);
	return 0;
}

int
recipe_render(struct recipe_scope *s, const char *text,
    enum recipe_escape escape, struct str *out, struct recipe_found *found,
    struct error *err)
{
	struct recipe_piece piece;
	const char *why;

	while (recipe_text_next(&text, &piece, &why) == 1) {
		if (!piece.is_name)
			str_add(out, piece.text, piece.len);
		else if (put_name(s, &piece, escape, out, found, err) == -1)
			return -1;
	}
	return 0;
}

json_t *
recipe_render_json(struct recipe_scope *s, const struct value *v,
    struct recipe_found *found, struct error *err)
{
	struct recipe_piece piece;
	struct str text = { 0 };
	json_t *json = NULL;

	err->kind = ERR_NONE;
	if (recipe_text_is_name(v->text, &piece) &&
	    piece.filter == RECIPE_PLAIN) {
		json = recipe_get(s, piece.name, found, err);
		found->is_unset |= json == NULL;
		return json;
	}
	if (!v->is_quoted)
		return typed(v);
	if (recipe_render(s, v->text, RECIPE_RAW, &text, found, err) == 0)
		json = found->is_unset ? NULL : json_stringn(str_text(&text),
		    text.len);
	str_clear(&text);
	return json;
}
