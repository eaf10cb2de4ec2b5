/* SPDX-License-Identifier: MIT */
#include "common/mem.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *
check(void *p, size_t len)
{
	if (p == NULL) {
		fprintf(stderr, "acmed: out of memory (%zu bytes)\n", len);
		abort();
	}
	return p;
}

void *
xmalloc(size_t len)
{
	return check(malloc(len == 0 ? 1 : len), len);
}

void *
xcalloc(size_t n, size_t len)
{
	return check(calloc(n == 0 ? 1 : n, len == 0 ? 1 : len), len);
}

void *
xreallocarray(void *p, size_t n, size_t len)
{
	return check(reallocarray(p, n == 0 ? 1 : n, len == 0 ? 1 : len), len);
}

char *
xstrdup(const char *s)
{
	return check(strdup(s), strlen(s) + 1);
}

char *
xstrndup(const char *s, size_t len)
{
	return check(strndup(s, len), len + 1);
}

void
xstrset(char **p, const char *s)
{
	char *copy = s != NULL && s[0] != '\0' ? xstrdup(s) : NULL;

	free(*p);
	*p = copy;
}

void *
xmemdup(const void *p, size_t len)
{
	void *copy = xmalloc(len);

	if (len > 0)
		memcpy(copy, p, len);
	return copy;
}

char *
xvasprintf(const char *fmt, va_list ap)
{
	char *s;

	if (vasprintf(&s, fmt, ap) == -1)
		s = NULL;
	return check(s, 0);
}

char *
xasprintf(const char *fmt, ...)
{
	va_list ap;
	char *s;

	va_start(ap, fmt);
	s = xvasprintf(fmt, ap);
	va_end(ap);
	return s;
}

char **
strv_copy(const char *const *list)
{
	size_t n = 0;
	char **copy;

	if (list == NULL)
		return NULL;
	while (list[n] != NULL)
		n++;
	copy = xcalloc(n + 1, sizeof(*copy));
	for (size_t i = 0; i < n; i++)
		copy[i] = xstrdup(list[i]);
	return copy;
}

void
strv_free(char **list)
{
	for (size_t i = 0; list != NULL && list[i] != NULL; i++)
		free(list[i]);
	free(list);
}

void
freezero(void *p, size_t len)
{
	if (p == NULL)
		return;
	explicit_bzero(p, len);
	free(p);
}

void
freezero_str(char *s)
{
	freezero(s, s == NULL ? 0 : strlen(s));
}

bool
strv_equal(char *const *a, char *const *b)
{
	for (; *a != NULL && *b != NULL; a++, b++) {
		if (strcmp(*a, *b) != 0)
			return false;
	}
	return *a == *b;
}
