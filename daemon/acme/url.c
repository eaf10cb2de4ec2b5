/* SPDX-License-Identifier: MIT */
#include "daemon/acme/url.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/mem.h"

#define URL_MAX 2048

/* "host[:port]", also "[v6]:port": the characters and that there is a host. */
static bool
authority_is_ok(const char *s, size_t len)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:[]";

	return len > 0 && s[0] != ':' && strspn(s, chars) == len;
}

/* What follows "https://" or "http://"; NULL if it is neither. */
static const char *
after_scheme(const char *url, bool allow_plain)
{
	if (strncasecmp(url, "https://", 8) == 0)
		return url + 8;
	if (allow_plain && strncasecmp(url, "http://", 7) == 0)
		return url + 7;
	return NULL;
}

bool
url_is_ok(const char *url, bool allow_plain)
{
	const char *host = after_scheme(url, allow_plain);

	if (host == NULL || strlen(url) > URL_MAX)
		return false;
	for (const char *p = url; *p != '\0'; p++) {
		if (*p <= ' ' || *p > '~' || strchr("\"#<>\\^`{|}", *p) != NULL)
			return false;
	}
	return authority_is_ok(host, strcspn(host, "/?"));
}

char *
url_resolve(const char *base, const char *ref, bool allow_plain)
{
	const char *host;
	char *url;

	if (ref[0] != '/')
		url = xstrdup(ref);
	else if (ref[1] == '/' ||
	    (host = after_scheme(base, allow_plain)) == NULL)
		return NULL;
	else
		url = xasprintf("%.*s%s",
		    (int)(host + strcspn(host, "/?") - base), base, ref);
	if (url_is_ok(url, allow_plain))
		return url;
	free(url);
	return NULL;
}

bool
url_is_same_host(const char *a, const char *b)
{
	const char *host_a = after_scheme(a, true);
	const char *host_b = after_scheme(b, true);
	size_t len;

	if (host_a == NULL || host_b == NULL)
		return false;
	len = strcspn(host_a, "/?");
	return len == strcspn(host_b, "/?") &&
	    strncasecmp(host_a, host_b, len) == 0;
}
