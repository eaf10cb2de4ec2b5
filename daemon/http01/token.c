/* SPDX-License-Identifier: MIT */
#include "daemon/http01/token.h"

#include <stddef.h>
#include <string.h>

#define TOKEN_MAX 256	/* as acme/ lets in */

bool
http01_token_is_ok(const char *token)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = strlen(token);

	return len > 0 && len <= TOKEN_MAX && strspn(token, chars) == len;
}

const char *
http01_token_of(const char *path)
{
	static const char prefix[] = "/" HTTP01_DIR "/";
	const char *token;

	if (strncmp(path, prefix, sizeof(prefix) - 1) != 0)
		return NULL;
	token = path + sizeof(prefix) - 1;
	return http01_token_is_ok(token) ? token : NULL;
}
