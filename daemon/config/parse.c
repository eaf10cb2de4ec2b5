/* SPDX-License-Identifier: MIT */
#include "daemon/config/parse.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/pool.h"
#include "common/text.h"
#include "daemon/config/lex.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/schema.h"
#include "daemon/config/tree.h"

#define DEPTH_MAX 16		/* of blocks of any keys */

struct parse {
	const struct schema *schema;
	const struct key *root;
	const struct source *src;
	struct mistakes	*m;
	struct lex	 x;
	int		 statement;	/* line of the current one */
	int		 top;		/* line of the outermost section */
	bool		 has_failed;	/* nothing of the file can be used */
	bool		 has_semicolon;	/* told once */
};

/* The section that is being read, or the whole file. */
struct block {
	struct section	*sec;
	const struct key *keys;
	int		*seen;		/* line of each key, 0: not yet */
	unsigned	 place;		/* of the current statement */
	bool		 is_lenient;	/* skip unknown keys in silence */
};

static int read_block(struct parse *, struct section *, const struct key *,
	    bool is_lenient);

static void complain(struct parse *, const struct block *, int line,
	    const char *, ...) __attribute__((format(printf, 4, 5)));

static void
complain(struct parse *t, const struct block *b, int line, const char *fmt,
    ...)
{
	char context[TREE_CONTEXT_MAX], *what;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	(void)tree_context(b->sec, context);
	mistake_add(t->m, CONF_MISTAKE, t->src, line,
	    t->top > 0 ? t->top : TOP_VALUE, "%s%s%s", context,
	    context[0] != '\0' ? ": " : "", what);
	free(what);
}

/* The next word; habits of other languages are forgiven, but told. */
static enum lex_kind
next(struct parse *t, const struct block *b)
{
	while (lex_next(&t->x) == LEX_STR && *t->x.word != '"' &&
	    *t->x.word != '\'' && t->x.word[t->x.len - 1] == ';') {
		if (!t->has_semicolon)
			complain(t, b, t->x.at, "found \";\"; lines end "
			    "without one");
		t->has_semicolon = true;
		if (--t->x.len > 0)
			break;
	}
	return t->x.kind;
}

/* The file is of no use: the current word is wrong, or it ends here.  -1. */
static int
give_up(struct parse *t, const struct block *b)
{
	bool is_file = b->sec->kind == NULL;

	t->has_failed = true;
	if (t->x.kind == LEX_BAD)
		complain(t, b, t->x.at, "syntax error: %s", t->x.why);
	else if (t->x.kind == LEX_END)
		complain(t, b, is_file ? t->statement : b->sec->line,
		    "syntax error: the file ends inside this %s", is_file ?
		    "statement" : "section; a \"}\" is missing");
	return -1;
}

static int unexpected(struct parse *, const struct block *, const char *, ...)
    __attribute__((format(printf, 3, 4)));

/* The same, if the current word stands where another one must. */
static int
unexpected(struct parse *t, const struct block *b, const char *fmt, ...)
{
	char *what;
	va_list ap;

	if (t->x.kind == LEX_BAD || t->x.kind == LEX_END)
		return give_up(t, b);
	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	mistake_add(t->m, CONF_MISTAKE, t->src, t->x.line, TOP_FILE,
	    "syntax error: %s", what);
	free(what);
	return give_up(t, b);
}

static int
unexpected_word(struct parse *t, const struct block *b)
{
	return unexpected(t, b, "unexpected token '%.*s'", (int)t->x.len,
	    t->x.word);
}

/* Skip from an opening brace or parenthesis to the one that closes it. */
static int
skip_group(struct parse *t, const struct block *b)
{
	unsigned depth = 1;

	while (depth > 0) {
		enum lex_kind kind = next(t, b);

		if (kind == LEX_BAD || kind == LEX_END)
			return give_up(t, b);
		if (lex_is(&t->x, '{') || lex_is(&t->x, '('))
			depth++;
		else if (lex_is(&t->x, '}') || lex_is(&t->x, ')'))
			depth--;
	}
	return 0;
}

/* Skip what follows a key that is not wanted. */
static int
skip_statement(struct parse *t, const struct block *b)
{
	if (t->x.kind == LEX_APPEND || lex_is(&t->x, '=')) {
		(void)next(t, b);
		if (t->x.kind == LEX_STR)
			return 0;
	} else if (t->x.kind == LEX_STR) {
		(void)next(t, b);
	}
	if (lex_is(&t->x, '{') || lex_is(&t->x, '('))
		return skip_group(t, b);
	if (t->x.kind == LEX_BAD || t->x.kind == LEX_END)
		return give_up(t, b);
	t->has_failed = true;		/* the key was told */
	return -1;
}

/* What keys are called elsewhere. */
static const char *
usual_name(const struct key *keys, const char *name)
{
	static const struct { const char *other, *ours; } words[] = {
		{ "email", "contact" }, { "mail", "contact" },
		{ "domains", "names" }, { "domain", "names" },
		{ "san", "names" }, { "sans", "names" },
		{ "hostnames", "names" }, { "server", "directory" },
		{ "ca", "directory" }, { "tos", "agree_tos" },
		{ "accept_tos", "agree_tos" }, { "dns", "provider" },
		{ "key_type", "key" }, { "hook", "exec" },
		{ "command", "exec" }, { "post_hook", "exec" },
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcmp(words[i].other, name) == 0 &&
		    schema_find(keys, words[i].ours) != NULL)
			return words[i].ours;
	}
	return NULL;
}

static int
unknown_key(struct parse *t, const struct block *b, const char *name,
    int line)
{
	const struct key *root = schema_find(t->root, name);
	const char *near = usual_name(b->keys, name);
	char *all;

	if (near == NULL && strcmp(name, "profile") != 0)
		near = schema_nearest(b->keys, name);

	if (b->is_lenient)
		return skip_statement(t, b);
	if (name[0] == '[') {
		complain(t, b, line, "unknown key \"%s\"; a section is "
		    "written: account \"NAME\" { ... }", name);
		t->has_failed = true;
		return -1;
	}
	if (root != NULL && !lex_is(&t->x, '=') && (root->shape ==
	    SHAPE_SECTION || root->shape == SHAPE_INCLUDE)) {
		complain(t, b, line, "found %s inside this section; is a "
		    "\"}\" missing before it?", name);
	} else if (near != NULL) {
		complain(t, b, line, "unknown key \"%s\"; did you mean "
		    "\"%s\"?", name, near);
	} else {
		all = schema_list(b->keys);
		complain(t, b, line, "unknown key \"%s\"; allowed: %s", name,
		    all);
		free(all);
	}
	return skip_statement(t, b);
}

/* The current word is one more value. */
static void
add_value(const struct parse *t, const struct block *b, struct item *item)
{
	struct value *v = value_new(b->sec, t->x.len, t->x.line);

	lex_value(&t->x, v->text);
	v->is_quoted = *t->x.word == '"' || *t->x.word == '\'';
	item_add(b->sec, item, v);
}

/* The words of a list behind its brace, which is the current word. */
static int
read_list(struct parse *t, const struct block *b, struct item *item)
{
	bool is_behind_value = false;
	char word[80];

	for (;;) {
		(void)next(t, b);
		if (lex_is(&t->x, '}'))
			return 0;
		if (lex_is(&t->x, ',') && is_behind_value) {
			is_behind_value = false;
			continue;
		}
		if (t->x.kind != LEX_STR)
			return unexpected_word(t, b);
		if (is_behind_value) {
			lex_text(&t->x, word, sizeof(word));
			complain(t, b, t->x.at, "a comma is missing before "
			    "\"%s\"; allowed: { \"a\", \"b\" }", word);
		}
		add_value(t, b, item);
		is_behind_value = true;
	}
}

/* The value or the values behind the sign. */
static int
read_item(struct parse *t, const struct block *b, const char *key)
{
	struct item *item = tree_add_item(b->sec, key, b->place);

	if (lex_is(&t->x, '{')) {
		item->is_list = true;
		return read_list(t, b, item);
	}
	if (t->x.kind != LEX_STR)
		return unexpected_word(t, b);
	add_value(t, b, item);
	return 0;
}

/* key = VALUE, key = { VALUE, ... }, key += ...; at the sign. */
static int
read_values(struct parse *t, const struct block *b, const struct key *key,
    int line)
{
	int *seen = &b->seen[key - b->keys];
	bool is_append = t->x.kind == LEX_APPEND;

	if (!is_append && !lex_is(&t->x, '='))
		return unexpected(t, b, "missing equal sign after option "
		    "'%s'", key->name);
	if (is_append && key->shape == SHAPE_ONE) {
		complain(t, b, line, "%s += ...: it is not a list; write "
		    "%s = VALUE", key->name, key->name);
		return skip_statement(t, b);
	}
	if (!is_append && *seen != 0) {
		complain(t, b, line, "%s is given twice, first in line "
		    "%d; allowed: once", key->name, *seen);
		return skip_statement(t, b);
	}
	*seen = line;
	(void)next(t, b);
	if (lex_is(&t->x, '{') && key->shape == SHAPE_ONE) {
		complain(t, b, line, "%s = { ... }: found a list; "
		    "allowed: one value", key->name);
		return skip_group(t, b);
	}
	return read_item(t, b, key->name);
}

/* include("PATTERN"); at the parenthesis. */
static int
read_include(struct parse *t, const struct block *b, const struct key *key,
    int line)
{
	struct item *item;

	if (lex_is(&t->x, '(') && next(t, b) == LEX_STR) {
		item = tree_add_item(b->sec, key->name, b->place);
		add_value(t, b, item);
		(void)next(t, b);
		if (lex_is(&t->x, ')'))
			return 0;
	}
	if (t->x.kind == LEX_BAD || t->x.kind == LEX_END)
		return give_up(t, b);
	complain(t, b, line, "syntax error: allowed: include(\"FILE\")");
	t->has_failed = true;
	return -1;
}

/*
 * The keys of the section that begins here depend on its type, which may stand
 * anywhere in it.
 */
static const struct key *
keys_of_type(const struct parse *t, const struct schema_kind *kind)
{
	struct lex x = t->x;
	unsigned depth = 1;
	char word[64];

	while (depth > 0 && lex_next(&x) != LEX_END && x.kind != LEX_BAD) {
		if (lex_is(&x, '{'))
			depth++;
		if (lex_is(&x, '}'))
			depth--;
		if (depth != 1 || x.kind != LEX_STR)
			continue;
		lex_text(&x, word, sizeof(word));
		if (strcmp(word, "type") != 0)
			continue;
		(void)lex_next(&x);
		if (lex_is(&x, '=') && lex_next(&x) == LEX_STR) {
			if (*x.word != '"' && *x.word != '\'' &&
			    x.word[x.len - 1] == ';')
				x.len--;
			lex_text(&x, word, sizeof(word));
			return schema_type(kind, word);
		}
	}
	return NULL;
}

static const struct key *
keys_of(const struct parse *t, const struct schema_kind *kind,
    const struct lex *title)
{
	char word[64];

	if (!kind->is_by_title)
		return keys_of_type(t, kind);
	lex_text(title, word, sizeof(word));
	return schema_type(kind, word);
}

/* key { ... }; at the brace. */
static int
read_plain_section(struct parse *t, const struct block *b,
    const struct key *key, int line)
{
	struct section *sub;

	if (!lex_is(&t->x, '{')) {
		complain(t, b, line, "found %s behind %s; allowed: %s { ... }",
		    lex_is(&t->x, '=') ? "\"=\"" : "a name", key->name,
		    key->name);
		return skip_statement(t, b);
	}
	sub = tree_add_section(b->sec, key->name, line, b->place);
	sub->title = pool_alloc(t->src->pool, 1);
	return read_block(t, sub, key->sub, false);
}

/* key "TITLE" { ... }; at the title. */
static int
read_section(struct parse *t, const struct block *b, const struct key *key,
    int line)
{
	const struct key *keys = key->sub;
	struct section *sub;
	struct lex title = t->x;
	bool is_lenient = false;

	if (lex_is(&t->x, '{')) {
		complain(t, b, line, "%s { ... }: the name is missing; "
		    "allowed: %s \"NAME\" { ... }", key->name, key->name);
		return skip_group(t, b);
	}
	if (lex_is(&t->x, '=')) {
		complain(t, b, line, "%s = ... is no key here; a section "
		    "is written: %s \"NAME\" { ... }%s", key->name,
		    key->name, t->root == schema_root &&
		    schema_find(schema_find(schema_root,
		    "certificate")->sub, key->name) != NULL ?
		    "; the key belongs into a certificate" : "");
		return skip_statement(t, b);
	}
	if (t->x.kind == LEX_STR)
		(void)next(t, b);
	if (title.kind == LEX_STR && lex_is(&t->x, '=')) {
		complain(t, b, t->x.at, "found \"=\" behind the name of a "
		    "section; allowed: %s \"NAME\" { ... }", key->name);
		(void)next(t, b);
		if (!lex_is(&t->x, '{')) {
			t->has_failed = true;
			return -1;
		}
	}
	if (!lex_is(&t->x, '{'))
		return unexpected(t, b, "missing opening brace for section "
		    "'%s'", key->name);
	if (keys == NULL) {
		const struct schema_kind *kind = schema_kind(t->schema,
		    key->name);

		keys = keys_of(t, kind, &title);
		is_lenient = keys == NULL;
		if (is_lenient)
			keys = kind->any;
	}
	sub = tree_add_section(b->sec, key->name, line, b->place);
	sub->title = pool_alloc(t->src->pool, title.len + 1);
	lex_value(&title, sub->title);
	return read_block(t, sub, keys, is_lenient);
}

/* Blocks in blocks, of which this is the innermost. */
static unsigned
depth_of(const struct section *sec)
{
	unsigned n = 0;

	for (; sec->parent != NULL; sec = sec->parent)
		n++;
	return n;
}

/* Of a block in which any keys may be; behind the key. */
static int
read_free(struct parse *t, const struct block *b, const char *name, int line)
{
	size_t len = strlen(name);
	char *key = pool_memdup(t->src->pool, name, len + 1);
	bool is_repeated = len > 2 && strcmp(name + len - 2, "[]") == 0;
	struct section *sub;

	(void)next(t, b);
	if (tree_place(b->sec, name) != -1 && !is_repeated) {
		complain(t, b, line, "%s is given twice; allowed: once, or "
		    "several blocks %s[] { ... }", name, name);
		return skip_statement(t, b);
	}
	if (lex_is(&t->x, '=')) {
		(void)next(t, b);
		return read_item(t, b, key);
	}
	if (!lex_is(&t->x, '{'))
		return unexpected(t, b, "missing equal sign or opening brace "
		    "after '%s'", name);
	if (depth_of(b->sec) >= DEPTH_MAX) {
		complain(t, b, line, "blocks are nested at more than %d "
		    "levels", DEPTH_MAX);
		return skip_group(t, b);
	}
	sub = tree_add_section(b->sec, key, line, b->place);
	sub->title = pool_alloc(t->src->pool, 1);
	return read_block(t, sub, schema_any, false);
}

static int
read_statement(struct parse *t, const struct block *b)
{
	int line = t->x.at;
	const struct key *key;
	char name[80];

	lex_text(&t->x, name, sizeof(name));
	if (b->keys == schema_any) {
		t->statement = line;
		return read_free(t, b, name, line);
	}
	key = schema_find(b->keys, name);
	t->statement = line;
	if (b->sec->kind == NULL)
		t->top = key != NULL && key->shape == SHAPE_SECTION ?
		    line : 0;
	(void)next(t, b);
	if (key == NULL)
		return unknown_key(t, b, name, line);
	switch (key->shape) {
	case SHAPE_ONE:
	case SHAPE_LIST:
		return read_values(t, b, key, line);
	case SHAPE_SECTION:
		return read_section(t, b, key, line);
	case SHAPE_BLOCK:
		return read_plain_section(t, b, key, line);
	case SHAPE_INCLUDE:
		return read_include(t, b, key, line);
	}
	return -1;
}

static int
read_block(struct parse *t, struct section *sec, const struct key *keys,
    bool is_lenient)
{
	struct block b = { .sec = sec, .keys = keys,
	    .is_lenient = is_lenient };
	bool is_file = sec->kind == NULL;
	size_t n = 0;
	int rc = 0;

	while (keys[n].name != NULL)
		n++;
	b.seen = xcalloc(n + 1, sizeof(*b.seen));
	for (; rc == 0; b.place++) {
		(void)next(t, &b);
		if (is_file ? t->x.kind == LEX_END : lex_is(&t->x, '}'))
			break;
		if (t->x.kind == LEX_STR)
			rc = read_statement(t, &b);
		else if (is_file && lex_is(&t->x, '}'))
			rc = unexpected(t, &b, "unexpected closing brace");
		else
			rc = unexpected_word(t, &b);
	}
	sec->end = t->x.at;
	free(b.seen);
	return rc;
}

struct section *
parse_text(const struct schema *schema, const struct key *root,
    const struct source *src, const char *text, size_t len,
    struct mistakes *m)
{
	struct parse t = { .schema = schema, .root = root, .src = src,
	    .m = m };
	struct section *file = tree_new(src);
	size_t before = m->n;

	lex_init(&t.x, text, len);
	(void)read_block(&t, file, root, false);
	if (!t.has_failed)
		return file;
	for (size_t i = before; i < m->n; i++)
		m->list[i].top = TOP_FILE;
	return NULL;
}
