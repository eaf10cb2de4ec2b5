/* SPDX-License-Identifier: MIT */
#include "daemon/config/recipe_text.h"

#include <string.h>

#define LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

const char *const recipe_filters[] = {
	[RECIPE_PLAIN] = "plain",
	[RECIPE_BASE64] = "base64",
	[RECIPE_MD5] = "md5",
	[RECIPE_SHA256] = "sha256",
	[RECIPE_UUID] = "uuid",
	[RECIPE_XML] = "xml",
	[RECIPE_FILTER_END] = NULL
};

enum recipe_filter
recipe_filter_parse(const char *name)
{
	int i = 0;

	while (i < RECIPE_FILTER_END && strcmp(recipe_filters[i], name) != 0)
		i++;
	return (enum recipe_filter)i;
}

/* "NAME}" or "NAME|FILTER}" at s. */
static int
read_name(const char *s, struct recipe_piece *piece, const char **why)
{
	size_t len = strspn(s, LETTERS), n;
	char filter[16] = "";

	if (len == 0 || len >= sizeof(piece->name)) {
		*why = "a placeholder is ${NAME} or ${NAME|FILTER}, in small "
		    "letters, digits and \"_\"; \"$${\" stands for \"${\"";
		return -1;
	}
	memcpy(piece->name, s, len);
	piece->name[len] = '\0';
	piece->is_name = true;
	if (s[len] == '|') {
		n = strspn(s + len + 1, LETTERS);
		if (n < sizeof(filter))
			memcpy(filter, s + len + 1, n);
		len += n + 1;
		piece->filter = recipe_filter_parse(filter);
		if (piece->filter == RECIPE_FILTER_END) {
			*why = "unknown filter; allowed: base64, md5, "
			    "sha256, uuid, xml";
			return -1;
		}
	}
	if (s[len] != '}') {
		*why = "a placeholder has no closing \"}\"";
		return -1;
	}
	piece->len = len + strlen("${}");
	return 1;
}

int
recipe_text_next(const char **p, struct recipe_piece *piece,
    const char **why)
{
	const char *s = *p, *end;
	int rc = 1;

	memset(piece, 0, sizeof(*piece));
	piece->text = s;
	if (*s == '\0')
		return 0;
	if (strncmp(s, "$${", 3) == 0) {
		piece->text = s + 1;
		piece->len = 2;
		*p = s + 3;
		return 1;
	}
	if (strncmp(s, "${", 2) == 0) {
		rc = read_name(s + 2, piece, why);
	} else {
		for (end = s; *end != '\0' && strncmp(end, "${", 2) != 0 &&
		    strncmp(end, "$${", 3) != 0; end++)
			continue;
		piece->len = (size_t)(end - s);
	}
	*p = s + piece->len;
	return rc;
}

bool
recipe_text_is_name(const char *text, struct recipe_piece *piece)
{
	const char *why;

	return recipe_text_next(&text, piece, &why) == 1 && piece->is_name &&
	    *text == '\0';
}
