/* SPDX-License-Identifier: MIT */
#include "daemon/rest/xml.h"

#include <stdint.h>
#include <string.h>

#define BLANK " \t\r\n"

enum tag_kind { TAG_NONE, TAG_START, TAG_END, TAG_EMPTY };

struct tag {
	enum tag_kind	 kind;
	const char	*begin;		/* at '<' */
	const char	*name, *attrs;	/* the name ends where attrs begin */
	const char	*attrs_end, *next;
};

static const char *
find(const char *at, const char *end, const char *what)
{
	return memmem(at, (size_t)(end - at), what, strlen(what));
}

static bool
starts_with(const char *at, const char *end, const char *what)
{
	size_t len = strlen(what);

	return (size_t)(end - at) >= len && memcmp(at, what, len) == 0;
}

static bool
is_blank(char c)
{
	return c != '\0' && strchr(BLANK, c) != NULL;
}

/*
 * Behind the comment, CDATA section or instruction at at; NULL if it has no
 * end, or is a DTD.
 */
static const char *
skip_special(const char *at, const char *end)
{
	static const struct {
		const char *begin, *end;
	} kinds[] = { { "<!--", "-->" }, { "<![CDATA[", "]]>" },
	    { "<?", "?>" } };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (starts_with(at, end, kinds[i].begin)) {
			at = find(at + strlen(kinds[i].begin), end,
			    kinds[i].end);
			return at == NULL ? NULL : at + strlen(kinds[i].end);
		}
	}
	return NULL;
}

/* The next tag at or after at; TAG_NONE at the end and if all else is wrong. */
static struct tag
tag_next(const char *at, const char *end)
{
	struct tag t = { .kind = TAG_NONE };
	char quote = '\0';

	for (;;) {
		at = memchr(at, '<', (size_t)(end - at));
		if (at == NULL || end - at < 2)
			return t;
		if (at[1] != '!' && at[1] != '?')
			break;
		at = skip_special(at, end);
		if (at == NULL)
			return t;
	}
	t.begin = at++;
	t.kind = *at == '/' ? TAG_END : TAG_START;
	t.name = at + (*at == '/');
	for (at = t.name; at < end && (quote != '\0' || *at != '>'); at++) {
		if (quote != '\0')
			quote = *at == quote ? '\0' : quote;
		else if (*at == '"' || *at == '\'')
			quote = *at;
		if (t.attrs == NULL && (is_blank(*at) || *at == '/'))
			t.attrs = at;
	}
	if (at == end) {
		t.kind = TAG_NONE;
		return t;
	}
	t.next = at + 1;
	t.attrs_end = at;
	if (t.kind == TAG_START && at > t.name && at[-1] == '/') {
		t.kind = TAG_EMPTY;
		t.attrs_end = at - 1;
	}
	if (t.attrs == NULL)
		t.attrs = at;
	return t;
}

static bool
tag_is(const struct tag *t, const char *element)
{
	size_t len = strlen(element);

	return (size_t)(t->attrs - t->name) == len &&
	    memcmp(t->name, element, len) == 0;
}

struct xml
xml_document(const char *text, size_t len)
{
	return (struct xml){ text, text + len, text, text };
}

bool
xml_next(struct xml *in, const char *element, struct xml *out)
{
	const char *at = in->at;
	size_t depth = 0;
	struct tag t;

	while ((t = tag_next(at, in->end)).kind != TAG_NONE) {
		at = t.next;
		if (!tag_is(&t, element))
			continue;
		if (depth == 0 && t.kind != TAG_END)
			*out = (struct xml){ t.next, t.next, t.attrs,
			    t.attrs_end };
		if (t.kind == TAG_START) {
			depth++;
			continue;
		}
		if (t.kind == TAG_END && depth == 0)
			break;			/* an end without a start */
		if (t.kind == TAG_END && --depth == 0)
			out->end = t.begin;
		if (depth == 0) {
			in->at = at;
			return true;
		}
	}
	in->at = in->end;
	return false;
}

bool
xml_next_any(struct xml *in, char *name, size_t size, struct xml *out)
{
	struct tag t = tag_next(in->at, in->end);
	struct xml copy = *in;
	size_t len;

	if (t.kind != TAG_START && t.kind != TAG_EMPTY)
		return false;
	len = (size_t)(t.attrs - t.name);
	if (len >= size || memchr(t.name, '\0', len) != NULL)
		return false;
	memcpy(name, t.name, len);
	name[len] = '\0';
	if (!xml_next(&copy, name, out))
		return false;
	*in = copy;
	return true;
}

bool
xml_child(const struct xml *in, const char *element, struct xml *out)
{
	struct xml copy = *in;

	return xml_next(&copy, element, out);
}

/* A Unicode character as UTF-8; the length, 0 if it is none. */
static size_t
utf8(uint32_t c, char out[4])
{
	static const unsigned char lead[] = { 0, 0xc0, 0xe0, 0xf0 };
	size_t n = c < 0x80 ? 0 : c < 0x800 ? 1 : c < 0x10000 ? 2 : 3;

	if (c == 0 || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	for (size_t i = n; i > 0; i--, c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(lead[n] | c);
	return n + 1;
}

static size_t
character(const char *at, const char *semicolon, char out[4])
{
	uint32_t base = 10, c = 0;

	if (at < semicolon && *at == 'x') {
		base = 16;
		at++;
	}
	if (at == semicolon || semicolon - at > 8)
		return 0;
	for (; at < semicolon; at++) {
		static const char digits[] = "0123456789abcdef";
		const char *d = *at == '\0' ? NULL :
		    strchr(digits, *at >= 'A' && *at <= 'F' ? *at + 32 : *at);

		if (d == NULL || (uint32_t)(d - digits) >= base)
			return 0;
		c = c * base + (uint32_t)(d - digits);
		if (c > 0x10ffff)
			return 0;
	}
	return utf8(c, out);
}

/* Decode the entity at *at, which is moved behind it; 0: it is wrong. */
static size_t
entity(const char **at, const char *end, char out[4])
{
	static const struct {
		const char *name;
		char c;
	} named[] = { { "&lt;", '<' }, { "&gt;", '>' }, { "&amp;", '&' },
	    { "&quot;", '"' }, { "&apos;", '\'' } };
	const char *begin = *at, *semicolon;

	for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++) {
		if (starts_with(begin, end, named[i].name)) {
			*at = begin + strlen(named[i].name);
			out[0] = named[i].c;
			return 1;
		}
	}
	semicolon = memchr(begin, ';', (size_t)(end - begin));
	if (!starts_with(begin, end, "&#") || semicolon == NULL)
		return 0;
	*at = semicolon + 1;
	return character(begin + 2, semicolon, out);
}

static bool
put(char *out, size_t size, size_t *n, const char *s, size_t len)
{
	if (len >= size - *n || memchr(s, '\0', len) != NULL)
		return false;
	memcpy(out + *n, s, len);
	*n += len;
	out[*n] = '\0';
	return true;
}

/* Comments vanish, CDATA is taken as it is, any other tag is wrong. */
static bool
decode_special(const char **at, const char *end, char *out, size_t size,
    size_t *n)
{
	const char *begin = *at, *next = skip_special(begin, end);

	if (next == NULL)
		return false;
	*at = next;
	if (!starts_with(begin, end, "<![CDATA["))
		return true;
	begin += strlen("<![CDATA[");
	return put(out, size, n, begin, (size_t)(next - begin) - 3);
}

static bool
decode(const char *at, const char *end, char *out, size_t size)
{
	char c[4];
	size_t n = 0, len;
	bool ok = true;

	out[0] = '\0';
	while (ok && at < end) {
		if (*at == '<') {
			ok = decode_special(&at, end, out, size, &n);
		} else if (*at == '&') {
			len = entity(&at, end, c);
			ok = len > 0 && put(out, size, &n, c, len);
		} else {
			ok = put(out, size, &n, at++, 1);
		}
	}
	if (!ok)
		out[0] = '\0';
	return ok;
}

bool
xml_text(const struct xml *in, const char *element, char *out, size_t size)
{
	struct xml e = *in;

	out[0] = '\0';
	if (element != NULL && !xml_child(in, element, &e))
		return false;
	return decode(e.at, e.end, out, size);
}

bool
xml_attr(const struct xml *in, const char *name, char *out, size_t size)
{
	const char *at = in->attrs, *end = in->attrs_end, *begin, *close;
	size_t len;

	out[0] = '\0';
	for (;;) {
		while (at < end && is_blank(*at))
			at++;
		for (begin = at; at < end && *at != '=' && !is_blank(*at);)
			at++;
		len = (size_t)(at - begin);
		while (at < end && (*at == '=' || is_blank(*at)))
			at++;
		if (at == end || (*at != '"' && *at != '\''))
			return false;
		close = memchr(at + 1, *at, (size_t)(end - at) - 1);
		if (close == NULL)
			return false;
		if (len == strlen(name) && memcmp(begin, name, len) == 0)
			return decode(at + 1, close, out, size);
		at = close + 1;
	}
}

bool
xml_is_empty_tag(const struct xml *in)
{
	return *in->attrs_end == '/';
}

void
xml_whole(const struct xml *in, const char *name, const char **begin,
    const char **end)
{
	*begin = in->attrs - strlen(name) - 1;
	/* The end tag was found: it has its '>'. */
	*end = xml_is_empty_tag(in) ? in->at :
	    (const char *)rawmemchr(in->end, '>') + 1;
}
