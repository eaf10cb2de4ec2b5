/* SPDX-License-Identifier: MIT */
#include "daemon/store/certdir_ca.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"

#define FILE_MAX 8192
#define URL_MAX 1023
#define ACCOUNT_MAX 127	/* as in struct store_hold */

char *
certdir_ca_text(const char *directory, const char *account)
{
	json_t *o;
	char *line, *text;

	if (directory == NULL)
		return NULL;
	o = json_pack("{s:s, s:s?}", "directory", directory, "account",
	    account);
	line = json_dumps(o, JSON_COMPACT);
	json_decref(o);
	text = xasprintf("%s\n", line);
	free(line);
	return text;
}

/* The member: of at most max bytes, and without control characters. */
static char *
take(const json_t *o, const char *name, size_t max)
{
	const char *s = jsonx_str(o, name);

	if (s == NULL || s[0] == '\0' || strlen(s) > max)
		return NULL;
	for (const char *p = s; *p != '\0'; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return NULL;
	}
	return xstrdup(s);
}

void
certdir_ca_read(int dir, struct cert_ca *ca)
{
	struct error ignored;
	json_t *o;
	size_t len;
	char *text;

	*ca = (struct cert_ca){ .directory = NULL };
	if (file_read(dir, CERTDIR_CA, FILE_MAX, &text, &len, &ignored) == -1)
		return;
	o = jsonx_parse(text, len, &ignored);
	free(text);
	ca->directory = take(o, "directory", URL_MAX);
	if (ca->directory != NULL)
		ca->account = take(o, "account", ACCOUNT_MAX);
	json_decref(o);
}
