/* SPDX-License-Identifier: MIT */
#include "providers/aws_profile.h"

#include <stdbool.h>
#include <string.h>

#include "common/mem.h"

#define BLANK " \t\r"

/* Without blanks at its ends. */
static size_t
trim(const char **from, size_t len)
{
	while (len > 0 && strchr(BLANK, **from) != NULL) {
		(*from)++;
		len--;
	}
	while (len > 0 && strchr(BLANK, (*from)[len - 1]) != NULL)
		len--;
	return len;
}

static bool
is(const char *from, size_t len, const char *word)
{
	len = trim(&from, len);
	return strlen(word) == len && memcmp(from, word, len) == 0;
}

char *
aws_profile_value(const char *text, const char *profile, const char *key)
{
	bool is_ours = false;
	char *found = NULL;

	for (size_t len; *text != '\0'; text += len + (text[len] == '\n')) {
		const char *line = text, *sign;
		size_t n;

		len = strcspn(text, "\n");
		n = trim(&line, len);
		if (n == 0 || *line == '#' || *line == ';')
			continue;
		if (*line == '[') {
			is_ours = line[n - 1] == ']' &&
			    is(line + 1, n - 2, profile);
			continue;
		}
		sign = memchr(line, '=', n);
		if (!is_ours || sign == NULL ||
		    !is(line, (size_t)(sign - line), key))
			continue;
		n -= (size_t)(++sign - line);
		n = trim(&sign, n);
		freezero_str(found);
		found = n == 0 ? NULL : xstrndup(sign, n);
	}
	return found;
}
