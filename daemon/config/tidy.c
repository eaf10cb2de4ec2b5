/* SPDX-License-Identifier: MIT */
#include "daemon/config/tidy.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/lex.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/schema.h"
#include "daemon/config/tree.h"

struct tidy {
	const struct schema *schema;
	const struct source *src;
	struct mistakes	*m;
	struct lex	 x;
	struct tidied	*out;
	int		 out_line;
	int		 statement;	/* line of the current one */
	int		 top;		/* line of the outermost section */
	bool		 has_failed;	/* libconfuse need not try */
	bool		 has_semicolon;	/* told once */
};

/* The section that is being read. */
struct block {
	const struct key *keys;
	const char	*context;	/* `certificate "x"`, "" for a file */
	int		 line;
	int		*seen;		/* line of each key, 0: not yet */
	bool		 is_lenient;	/* skip unknown keys in silence */
	char		*order;		/* its keys, as they come; NULL: that
					   means nothing here */
};
#define ORDER_MAX 512		/* all keys of a deploy section */

static int read_block(struct tidy *, const struct key *, bool is_lenient,
	    const char *context, int line, char *order);

static void complain(struct tidy *, const struct block *, int line,
	    const char *, ...) __attribute__((format(printf, 4, 5)));

static void
complain(struct tidy *t, const struct block *b, int line, const char *fmt,
    ...)
{
	char *what;
	va_list ap;

	va_start(ap, fmt);
	what = xvasprintf(fmt, ap);
	va_end(ap);
	mistake_add(t->m, CONF_MISTAKE, t->src, line,
	    t->top > 0 ? t->top : TOP_VALUE, "%s%s%s", b->context,
	    b->context[0] != '\0' ? ": " : "", what);
	free(what);
}

static void
put(struct tidied *out, const char *s, size_t n)
{
	if (out->room - out->len < n) {
		size_t room = out->room * 2 + n + 256;
		char *text = xmalloc(room);

		memcpy(text, out->text, out->len);
		freezero(out->text, out->len);
		out->text = text;
		out->room = room;
	}
	memcpy(out->text + out->len, s, n);
	out->len += n;
}

/* Text of ours, in the current line. */
static void
put_text(struct tidy *t, const char *s)
{
	put(t->out, " ", 1);
	put(t->out, s, strlen(s));
}

/* A word as it was written, in its line. */
static void
put_word(struct tidy *t, const struct lex *w)
{
	const char *s = w->word, *end = w->word + w->len;

	for (; t->out_line < w->at; t->out_line++)
		put(t->out, "\n", 1);
	put(t->out, " ", 1);
	for (; s < end; s++) {
		if (*s == '\n')
			t->out_line++;
		if (*w->word == '"' && *s == '$' && s[1] == '{')
			put(t->out, "\\", 1);
		put(t->out, s, 1);
		if (*w->word == '"' && *s == '\\' && s + 1 < end) {
			s++;
			if (*s == '\n')
				t->out_line++;
			put(t->out, s, 1);
		}
	}
}

/* The next word; habits of other languages are forgiven, but told. */
static enum lex_kind
next(struct tidy *t, const struct block *b)
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

/* The current word does not fit: -1. */
static int
give_up(struct tidy *t, const struct block *b)
{
	if (t->x.kind == LEX_BAD) {
		complain(t, b, t->x.at, "syntax error: %s", t->x.why);
		t->has_failed = true;
	} else if (t->x.kind == LEX_END) {
		complain(t, b, b->line > 0 ? b->line : t->statement,
		    "syntax error: the file ends inside this %s", b->line > 0 ?
		    "section; a \"}\" is missing" : "statement");
		t->has_failed = true;
	}
	/* libconfuse shall say what is wrong here. */
	while (t->x.kind != LEX_BAD && t->x.kind != LEX_END) {
		put_word(t, &t->x);
		(void)lex_next(&t->x);
	}
	return -1;
}

/* Skip from an opening brace or parenthesis to the one that closes it. */
static int
skip_group(struct tidy *t, const struct block *b)
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
skip_statement(struct tidy *t, const struct block *b)
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
	t->has_failed = true;		/* the unknown key was told */
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
unknown_key(struct tidy *t, const struct block *b, const char *name,
    int line)
{
	const struct key *root = schema_find(schema_root, name);
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
	if (root != NULL && (root->shape == SHAPE_SECTION ||
	    root->shape == SHAPE_INCLUDE)) {
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

/* The words of a list behind its brace, which is the current word. */
static int
read_list(struct tidy *t, const struct block *b)
{
	char word[80];

	for (;;) {
		struct lex last = t->x;

		put_word(t, &t->x);
		if (lex_is(&t->x, '}'))
			return 0;
		if (next(t, b) != LEX_STR && !lex_is(&t->x, ',') &&
		    !lex_is(&t->x, '}'))
			return give_up(t, b);
		if (last.kind == LEX_STR && t->x.kind == LEX_STR) {
			lex_text(&t->x, word, sizeof(word));
			complain(t, b, t->x.at, "a comma is missing before "
			    "\"%s\"; allowed: { \"a\", \"b\" }", word);
			put_text(t, ",");
		}
	}
}

/* key = VALUE, key = { VALUE, ... }, key += ...; at the sign. */
static int
read_values(struct tidy *t, const struct block *b, const struct key *key,
    const struct lex *word)
{
	int *seen = &b->seen[key - b->keys];
	bool is_append = t->x.kind == LEX_APPEND;
	struct lex sign;

	if (!is_append && !lex_is(&t->x, '=')) {
		put_word(t, word);
		return give_up(t, b);
	}
	if (is_append && key->shape == SHAPE_ONE) {
		complain(t, b, word->at, "%s += ...: it is no list; write "
		    "%s = VALUE", key->name, key->name);
		return skip_statement(t, b);
	}
	if (!is_append && *seen != 0) {
		complain(t, b, word->at, "%s is given twice, first in line "
		    "%d; allowed: once", key->name, *seen);
		return skip_statement(t, b);
	}
	*seen = word->at;
	sign = t->x;
	(void)next(t, b);
	if (lex_is(&t->x, '{') && key->shape == SHAPE_ONE) {
		complain(t, b, word->at, "%s = { ... }: found a list; "
		    "allowed: one value", key->name);
		return skip_group(t, b);
	}
	put_word(t, word);
	put_word(t, &sign);
	if (lex_is(&t->x, '{') && key->shape == SHAPE_LIST)
		return read_list(t, b);
	if (t->x.kind != LEX_STR)
		return give_up(t, b);
	put_word(t, &t->x);
	return 0;
}

/* include("PATTERN"), handed on as a list; at the parenthesis. */
static int
read_include(struct tidy *t, const struct block *b, const struct lex *word)
{
	struct lex arg;

	if (lex_is(&t->x, '(') && next(t, b) == LEX_STR) {
		arg = t->x;
		(void)next(t, b);
		if (lex_is(&t->x, ')')) {
			put_word(t, word);
			put_text(t, "+=");
			put_word(t, &arg);
			return 0;
		}
	}
	if (t->x.kind == LEX_BAD || t->x.kind == LEX_END)
		return give_up(t, b);
	complain(t, b, word->at, "syntax error: allowed: include(\"FILE\")");
	t->has_failed = true;
	return -1;
}

/*
 * The keys of the provider section that begins here depend on its type,
 * which may stand anywhere in it.
 */
static const struct key *
provider_keys(struct tidy *t)
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
			return schema_provider(t->schema, word);
		}
	}
	return NULL;
}

/* key "TITLE" { ... }; at the title. */
static int
read_section(struct tidy *t, const struct block *b, const struct key *key,
    const struct lex *word)
{
	struct lex title = t->x;
	const struct key *keys = key->sub;
	char name[130], context[TREE_CONTEXT_MAX], order[ORDER_MAX] = "";
	bool is_lenient = false;

	if (lex_is(&t->x, '{')) {
		complain(t, b, word->at, "%s { ... }: the name is missing; "
		    "allowed: %s \"NAME\" { ... }", key->name, key->name);
		return skip_group(t, b);
	}
	if (lex_is(&t->x, '=')) {
		complain(t, b, word->at, "%s = ... is no key here; a section "
		    "is written: %s \"NAME\" { ... }%s", key->name,
		    key->name, schema_find(schema_find(schema_root,
		    "certificate")->sub, key->name) != NULL ?
		    "; the key belongs into a certificate" : "");
		return skip_statement(t, b);
	}
	put_word(t, word);
	if (t->x.kind != LEX_STR)
		return give_up(t, b);
	(void)next(t, b);
	if (lex_is(&t->x, '=')) {
		complain(t, b, t->x.at, "found \"=\" behind the name of a "
		    "section; allowed: %s \"NAME\" { ... }", key->name);
		(void)next(t, b);
		if (!lex_is(&t->x, '{')) {
			t->has_failed = true;
			return -1;
		}
	}
	if (!lex_is(&t->x, '{'))
		return give_up(t, b);
	if (keys == NULL) {
		t->out->has_provider = true;
		keys = provider_keys(t);
		is_lenient = keys == NULL;
		if (is_lenient)
			keys = t->schema->provider_any;
	}
	put_word(t, &t->x);
	put_text(t, SCHEMA_TITLE " =");
	put_word(t, &title);
	lex_text(&title, name, sizeof(name));
	(void)text_printf(context, sizeof(context), "%s%s%s \"%.120s\"",
	    b->context, b->context[0] != '\0' ? ": " : "", key->name, name);
	return read_block(t, keys, is_lenient, context, word->at,
	    key->is_ordered ? order : NULL);
}

static void
note_order(const struct block *b, const struct key *key, int line)
{
	int *seen = &b->seen[key - b->keys];
	size_t used;

	if (b->order == NULL || *seen != 0)
		return;
	used = strlen(b->order);
	(void)text_printf(b->order + used, ORDER_MAX - used, " %s",
	    key->name);
	if (key->shape == SHAPE_SECTION)
		*seen = line;
}

static int
read_statement(struct tidy *t, const struct block *b)
{
	struct lex word = t->x;
	const struct key *key;
	char name[80];

	lex_text(&word, name, sizeof(name));
	key = schema_find(b->keys, name);
	t->statement = word.at;
	if (b->line == 0)
		t->top = key != NULL && key->shape == SHAPE_SECTION ?
		    word.at : 0;
	(void)next(t, b);
	if (key == NULL)
		return unknown_key(t, b, name, word.at);
	note_order(b, key, word.at);
	switch (key->shape) {
	case SHAPE_ONE:
	case SHAPE_LIST:
		return read_values(t, b, key, &word);
	case SHAPE_SECTION:
		return read_section(t, b, key, &word);
	case SHAPE_INCLUDE:
		return read_include(t, b, &word);
	}
	return -1;
}

static int
read_block(struct tidy *t, const struct key *keys, bool is_lenient,
    const char *context, int line, char *order)
{
	struct block b = { .keys = keys, .context = context, .line = line,
	    .is_lenient = is_lenient, .order = order };
	char text[ORDER_MAX + 32];
	bool is_file = line == 0;
	size_t n = 0;
	int rc = 0;

	while (keys[n].name != NULL)
		n++;
	b.seen = xcalloc(n + 1, sizeof(*b.seen));
	for (;;) {
		(void)next(t, &b);
		if (is_file && t->x.kind == LEX_END)
			break;
		if (!is_file && lex_is(&t->x, '}')) {
			(void)text_printf(text, sizeof(text), SCHEMA_LINE
			    " = \"%d%s\"", line, order != NULL ? order : "");
			put_text(t, text);
			put_word(t, &t->x);
			break;
		}
		if (t->x.kind != LEX_STR)
			rc = give_up(t, &b);
		else
			rc = read_statement(t, &b);
		if (rc == -1)
			break;
	}
	free(b.seen);
	return rc;
}

void
tidy_text(const struct schema *schema, const struct source *src,
    const char *text, size_t len, struct tidied *out, struct mistakes *m)
{
	struct tidy t = { .schema = schema, .src = src, .m = m, .out = out,
	    .out_line = 1 };

	size_t before = m->n;

	*out = (struct tidied){ .room = len + len / 4 + 256 };
	out->text = xmalloc(out->room);
	lex_init(&t.x, text, len);
	(void)read_block(&t, schema_root, false, "", 0, NULL);
	put(out, "\n" SCHEMA_END " = 1\n", strlen("\n" SCHEMA_END " = 1\n"));
	if (!t.has_failed)
		return;
	tidied_clear(out);
	for (size_t i = before; i < m->n; i++)
		m->list[i].top = TOP_FILE;
}

void
tidied_clear(struct tidied *out)
{
	freezero(out->text, out->len);
	*out = (struct tidied){ 0 };
}
