/* SPDX-License-Identifier: MIT */
#include "common/str.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

void
str_clear(struct str *t)
{
	freezero(t->s, t->size);
	memset(t, 0, sizeof(*t));
}

void
str_add(struct str *t, const void *s, size_t len)
{
	if (t->size - t->len <= len) {
		size_t size = (t->len + len + 64) * 2;
		char *p = xmalloc(size);

		if (t->len > 0)
			memcpy(p, t->s, t->len);
		freezero(t->s, t->size);
		t->s = p;
		t->size = size;
	}
	memcpy(t->s + t->len, s, len);
	t->len += len;
	t->s[t->len] = '\0';
}

void
str_puts(struct str *t, const char *s)
{
	str_add(t, s, strlen(s));
}

const char *
str_text(const struct str *t)
{
	return t->s == NULL ? "" : t->s;
}

void
str_encode(struct str *t, const char *s, const char *plain)
{
	static const char hex[] = "0123456789ABCDEF";
	static const char unreserved[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz0123456789-._~";

	for (; *s != '\0'; s++) {
		unsigned char c = (unsigned char)*s;
		char enc[3] = { '%', hex[c >> 4], hex[c & 15] };

		if (strchr(unreserved, c) != NULL || strchr(plain, c) != NULL)
			str_add(t, s, 1);
		else
			str_add(t, enc, sizeof(enc));
	}
}
