/* SPDX-License-Identifier: MIT */
#include "daemon/config/lex.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

static enum lex_kind bad(struct lex *, int, const char *, ...)
    __attribute__((format(printf, 3, 4)));

static enum lex_kind
bad(struct lex *x, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(x->why, sizeof(x->why), fmt, ap);
	va_end(ap);
	x->at = line;
	x->p = x->end;			/* nothing behind it means anything */
	return x->kind = LEX_BAD;
}

void
lex_init(struct lex *x, const char *text, size_t len)
{
	*x = (struct lex){ .p = text, .end = text + len, .line = 1 };
	if (len >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0)
		x->p += 3;		/* byte order mark */
}

static bool
starts(const struct lex *x, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(x->end - x->p) >= n && memcmp(x->p, s, n) == 0;
}

/* Skip one comment; false if it has no end. */
static bool
skip_comment(struct lex *x)
{
	if (!starts(x, "/*")) {
		while (x->p < x->end && *x->p != '\n')
			x->p++;
		return true;
	}
	for (x->p += 2; x->p < x->end; x->p++) {
		if (starts(x, "*/")) {
			x->p += 2;
			return true;
		}
		if (*x->p == '\n')
			x->line++;
	}
	return false;
}

/* Skip white space and comments; false if a comment has no end. */
static bool
skip_blank(struct lex *x)
{
	while (x->p < x->end) {
		x->at = x->line;
		if (*x->p == '#' || starts(x, "//") || starts(x, "/*")) {
			if (!skip_comment(x))
				return false;
		} else if (*x->p == '\n') {
			x->line++;
			x->p++;
		} else if (*x->p == ' ' || *x->p == '\t' || *x->p == '\r') {
			x->p++;
		} else {
			break;
		}
	}
	x->at = x->line;
	return true;
}

static enum lex_kind
quoted(struct lex *x)
{
	char quote = *x->p++;
	int begin = x->line;

	for (; x->p < x->end && *x->p != quote; x->p++) {
		if (*x->p == '\n')
			break;
		if (*x->p != '\\' || x->p + 1 == x->end)
			continue;
		x->p++;
		if (*x->p == '\n')	/* a string goes on in the next line */
			x->line++;
		/* Bytes by number could make a NUL. */
		if (quote == '"' && strchr("0123456789x", *x->p) != NULL)
			return bad(x, x->line, "found the escape \"\\%c\"; "
			    "write the character itself (\\n, \\t, \\\" and "
			    "\\\\ are known)", *x->p);
	}
	if (x->p == x->end || *x->p != quote)
		return bad(x, begin, "the text that begins with %c has no "
		    "closing %c in this line", quote, quote);
	x->p++;
	x->len = (size_t)(x->p - x->word);
	return x->kind = LEX_STR;
}

static enum lex_kind
bare(struct lex *x)
{
	while (x->p < x->end &&
	    strchr(" #\"'\t\n\r={}()+,*", *x->p) == NULL) {
		if (starts(x, "${"))
			return bad(x, x->line, "found \"${\" outside quotes; "
			    "environment variables are not used here");
		if ((unsigned char)*x->p < 0x20 || *x->p == 0x7f)
			return bad(x, x->line, "found a control character");
		x->p++;
	}
	x->len = (size_t)(x->p - x->word);
	if (x->len == 0)
		return bad(x, x->line, "found \"%c\" outside quotes; "
		    "write such a word as \"...\"", *x->p);
	return x->kind = LEX_STR;
}

/* Comments may hold anything; what is used goes on into JSON and messages. */
static enum lex_kind
check_word(struct lex *x)
{
	if (x->kind != LEX_STR || text_is_utf8(x->word, x->len))
		return x->kind;
	return bad(x, x->line, "found bytes that are not UTF-8; save the file "
	    "as UTF-8");
}

enum lex_kind
lex_next(struct lex *x)
{
	int begin;

	if (x->kind == LEX_BAD)
		return LEX_BAD;
	if (!skip_blank(x)) {
		begin = x->at;
		return bad(x, begin, "the comment that begins with \"/*\" has "
		    "no \"*/\"");
	}
	x->word = x->p;
	x->len = 0;
	if (x->p == x->end)
		return x->kind = LEX_END;
	if (*x->p == '"' || *x->p == '\'') {
		(void)quoted(x);
		return check_word(x);
	}
	if (starts(x, "+=")) {
		x->p += x->len = 2;
		return x->kind = LEX_APPEND;
	}
	if (strchr("{}()=,", *x->p) != NULL) {
		x->p += x->len = 1;
		return x->kind = LEX_PUNCT;
	}
	(void)bare(x);
	return check_word(x);
}

bool
lex_is(const struct lex *x, char punct)
{
	return x->kind == LEX_PUNCT && *x->word == punct;
}

/* What stands for the escape at s, which is moved behind it; -1: nothing. */
static int
unescape(char quote, const char **s)
{
	static const char names[] = "nrtbfave", meant[] = "\n\r\t\b\f\a\v\033";
	char c = *++*s;
	const char *known;

	if (c == '\n')
		return -1;		/* goes on in the next line */
	if (quote == '\'' && c != '\\' && c != '\'') {
		--*s;
		return '\\';		/* means nothing else there */
	}
	known = quote == '"' ? strchr(names, c) : NULL;
	return (unsigned char)(known != NULL ? meant[known - names] : c);
}

static void
decode(const struct lex *x, char *out, size_t size)
{
	const char *s = x->word, *end = x->word + x->len;
	bool is_quoted = x->kind == LEX_STR && (*s == '"' || *s == '\'');
	size_t n = 0;

	if (is_quoted) {
		s++;
		end--;
	}
	for (; s < end && n + 1 < size; s++) {
		int c = (unsigned char)*s;

		if (is_quoted && c == '\\' && s + 1 < end)
			c = unescape(*x->word, &s);
		if (c != -1)
			out[n++] = (char)c;
	}
	out[n] = '\0';
}

void
lex_value(const struct lex *x, char *out)
{
	decode(x, out, x->len + 1);
}

void
lex_text(const struct lex *x, char *out, size_t size)
{
	decode(x, out, size);
	text_clean(out);
}
