/* SPDX-License-Identifier: MIT */
#include "doc/man.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "providers/option.h"

/* n bytes that mean nothing to troff. */
static void
plain_n(const char *s, size_t n)
{
	for (; n > 0; s++, n--) {
		if (*s == '\\')
			(void)fputs("\\e", stdout);
		else if (*s == '"')
			(void)fputs("\\(dq", stdout);
		else
			(void)putchar(*s);
	}
}

/* Words, of which those with an underscore are not to be hyphenated. */
static void
words(const char *s, size_t n)
{
	size_t len;

	for (; n > 0; s += len, n -= len) {
		len = strcspn(s, " ");
		len = len < n ? len + 1 : n;
		if (memchr(s, '_', len) != NULL)
			(void)fputs("\\%", stdout);
		plain_n(s, len);
	}
}

void
man_prose(const char *s)
{
	while (*s != '\0') {
		const char *end = strstr(s, ". ");
		size_t len = end == NULL ? strlen(s) : (size_t)(end - s) + 1;

		if (*s == '.' || *s == '\'')
			(void)fputs("\\&", stdout);
		words(s, len);
		(void)putchar('\n');
		s += len;
		s += strspn(s, " ");
	}
}

void
man_literal(const char *text)
{
	(void)puts(".Bd -literal -offset indent");
	while (*text != '\0') {
		size_t len = strcspn(text, "\n");

		plain_n(text, len);
		(void)putchar('\n');
		text += len + (text[len] == '\n');
	}
	(void)puts(".Ed");
}

void
man_option(const struct provider_opt *o)
{
	(void)printf(".It Cm %s", o->name);
	if (o->secret)
		(void)printf(" | %s_file", o->name);
	(void)puts(o->required ? " Pq required" : "");
	plain_n(o->help, strlen(o->help));
	(void)puts(".");
	if (o->type == PROVIDER_OPT_INT && o->max >= INT32_MAX)
		(void)printf("At least %ld.\n", o->min);
	else if (o->type == PROVIDER_OPT_INT && o->max != 0)
		(void)printf("From %ld to %ld.\n", o->min, o->max);
	if (o->fallback != NULL)
		(void)printf("Default:\n.Ql %s .\n", o->fallback);
}
