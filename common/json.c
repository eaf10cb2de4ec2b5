/* SPDX-License-Identifier: MIT */
#include "common/json.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

#define SHOWN_MAX 80		/* bytes of a bad text in the message */

static void
wipe_and_free(void *p)
{
	freezero(p, p == NULL ? 0 : malloc_usable_size(p));
}

void
jsonx_init(void)
{
	json_set_alloc_funcs(xmalloc, wipe_and_free);
}

json_t *
jsonx_parse(const char *text, size_t len, struct error *err)
{
	json_error_t jerr;
	json_t *root;

	/* jansson itself refuses NUL in strings, bad UTF-8 and a tail. */
	root = json_loadb(text, len, JSON_REJECT_DUPLICATES, &jerr);
	if (root == NULL)
		(void)error_set(err, ERR_REJECTED, "json:syntax",
		    "not JSON (line %d, column %d: %s): \"%.*s\"%s", jerr.line,
		    jerr.column, jerr.text,
		    (int)(len < SHOWN_MAX ? len : SHOWN_MAX), text,
		    len > SHOWN_MAX ? "..." : "");
	return root;
}

/*
 * A copy in which integers of 19 digits or more, which jansson may refuse, are
 * in quotes; the caller frees.
 */
static char *
quote_long(const char *text, size_t len, size_t *out_len)
{
	static const char digits[] = "0123456789";
	char *out = xmalloc(len + 2 * (len / 19) + 1);
	bool is_string = false;
	size_t n = 0, run, sign;

	for (size_t i = 0; i < len; i += run) {
		sign = text[i] == '-';
		run = is_string ? 0 : sign;
		while (!is_string && i + run < len && text[i + run] != '\0' &&
		    strchr(digits, text[i + run]) != NULL)
			run++;
		if (run >= 19 + sign && (i + run == len ||
		    strchr(".eE", text[i + run]) == NULL)) {
			out[n++] = '"';
			memcpy(out + n, text + i, run);
			n += run;
			out[n++] = '"';
			continue;
		}
		if (run == 0)
			run = is_string && text[i] == '\\' && i + 1 < len ? 2 :
			    1;
		is_string ^= text[i] == '"';
		memcpy(out + n, text + i, run);
		n += run;
	}
	*out_len = n;
	return out;
}

json_t *
jsonx_parse_any(const char *text, size_t len)
{
	const size_t flags = JSON_DECODE_ANY | JSON_REJECT_DUPLICATES;
	json_error_t why;
	json_t *json;
	char *copy;

	json = json_loadb(text, len, flags, &why);
	if (json != NULL ||
	    json_error_code(&why) != json_error_numeric_overflow)
		return json;
	copy = quote_long(text, len, &len);
	json = json_loadb(copy, len, flags, NULL);
	freezero(copy, len);
	return json;
}

static json_t *
element(const json_t *v, const char *key, size_t len)
{
	size_t index = 0;

	if (json_is_object(v))
		return json_object_getn(v, key, len);
	if (!json_is_array(v) || len == 0 || len > 9)
		return NULL;
	for (size_t i = 0; i < len; i++) {
		if (key[i] < '0' || key[i] > '9')
			return NULL;
		index = index * 10 + (size_t)(key[i] - '0');
	}
	return json_array_get(v, index);
}

json_t *
jsonx_get(const json_t *root, const char *path)
{
	const char *key = path;
	json_t *v;

	for (;;) {
		size_t len = strcspn(key, ".");

		if ((v = element(root, key, len)) == NULL)
			return NULL;
		if (key[len] == '\0')
			return v;
		root = v;
		key += len + 1;
	}
}

const char *
jsonx_str(const json_t *root, const char *path)
{
	return json_string_value(jsonx_get(root, path));
}

const json_t *
jsonx_named(const json_t *list, const char *name)
{
	const json_t *one;
	size_t i;

	json_array_foreach(list, i, one) {
		const char *s = json_string_value(json_object_get(one,
		    "name"));

		if (s != NULL && strcmp(s, name) == 0)
			return one;
	}
	return NULL;
}

int
jsonx_copy_str(const json_t *root, const char *path, char *out, size_t size,
    struct error *err)
{
	const json_t *v = jsonx_get(root, path);
	char number[32];
	const char *s;

	if (json_is_string(v)) {
		s = json_string_value(v);
	} else if (json_is_integer(v)) {
		(void)text_printf(number, sizeof(number), "%" PRId64,
		    (int64_t)json_integer_value(v));
		s = number;
	} else {
		return error_set(err, ERR_REJECTED, "json:member",
		    "the reply has no string \"%s\"", path);
	}
	if (strlen(s) >= size)
		return error_set(err, ERR_REJECTED, "json:member",
		    "\"%s\" in the reply is longer than %zu bytes", path,
		    size - 1);
	memcpy(out, s, strlen(s) + 1);
	return 0;
}

int64_t
jsonx_int(const json_t *root, const char *path, int64_t fallback)
{
	const json_t *v = jsonx_get(root, path);

	return json_is_integer(v) ? json_integer_value(v) : fallback;
}

int64_t
jsonx_number(const json_t *root, const char *path, int64_t fallback)
{
	const char *s = jsonx_str(root, path);
	long long number;
	char *end;

	if (s == NULL)
		return jsonx_int(root, path, fallback);
	number = strtoll(s, &end, 10);
	return end == s || *end != '\0' ? fallback : number;
}

bool
jsonx_bool(const json_t *root, const char *path, bool fallback)
{
	const json_t *v = jsonx_get(root, path);

	return json_is_boolean(v) ? json_is_true(v) : fallback;
}

json_t *
jsonx_time(time_t t)
{
	return t > 0 ? json_integer(t) : json_null();
}

json_t *
jsonx_error(const struct error *err, time_t at)
{
	return json_pack("{s:s, s:s, s:s, s:o}", "kind",
	    err_kind_name(err->kind), "code", err->code, "msg", err->msg,
	    "at", jsonx_time(at));
}
