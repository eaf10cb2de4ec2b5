/* SPDX-License-Identifier: MIT */
#include "common/secret.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <strings.h>

#define N_OF(a) (sizeof(a) / sizeof((a)[0]))

/* Of which a person sees nothing; the first ones may stand inside. */
static const char *const blanks[] = { " ", "\t", "\r", "\n", "\v", "\f",
	"\xc2\xa0" /* no-break */, "\xe3\x80\x80" /* ideographic */,
	"\xe2\x80\x8b" /* zero width */, "\xef\xbb\xbf" /* BOM */ };
#define FIRST_UNSEEN 6

static size_t
blank_at_start(const char *s)
{
	for (size_t i = 0; i < N_OF(blanks); i++) {
		if (strncmp(s, blanks[i], strlen(blanks[i])) == 0)
			return strlen(blanks[i]);
	}
	return 0;
}

static size_t
blank_at_end(const char *s, size_t len)
{
	for (size_t i = 0; i < N_OF(blanks); i++) {
		size_t n = strlen(blanks[i]);

		if (len >= n && memcmp(s + len - n, blanks[i], n) == 0)
			return n;
	}
	return 0;
}

void
secret_trim(char *s)
{
	size_t whole = strlen(s), len = whole, skip = 0, n;

	while ((n = blank_at_start(s + skip)) > 0)
		skip += n;
	while (len > skip && (n = blank_at_end(s, len)) > 0)
		len -= n;
	len = len > skip ? len - skip : 0;
	memmove(s, s + skip, len);
	/* Nothing of it stays behind the end. */
	memset(s + len, 0, whole - len);
}

/* --- what is not the secret alone --- */

static bool
is_between(const char *s, const char *head, const char *tail)
{
	size_t len = strlen(s), n = strlen(tail);

	return len >= strlen(head) + n &&
	    strncmp(s, head, strlen(head)) == 0 &&
	    strcmp(s + len - n, tail) == 0;
}

static bool
is_quoted(const char *s)
{
	return is_between(s, "\"", "\"") || is_between(s, "'", "'") ||
	    is_between(s, "`", "`") ||
	    is_between(s, "\xe2\x80\x9c", "\xe2\x80\x9d") ||
	    is_between(s, "\xe2\x80\x98", "\xe2\x80\x99");
}

/* "API_TOKEN=x" of an environment file; not "QUJD=", which is base64. */
static bool
is_assignment(const char *s)
{
	size_t n;

	if (strncmp(s, "export ", 7) == 0)
		s += 7;
	n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	if (n < 3 || (s[0] >= '0' && s[0] <= '9')) {
		n = strspn(s, "abcdefghijklmnopqrstuvwxyz_");
		if (n < 3 || memchr(s, '_', n) == NULL)
			return false;
	}
	return s[n] == '=' && s[n + 1] != '\0' && s[n + 1] != '=';
}

/* "Bearer x", "Authorization: x", "X-Api-Key: x": what goes before a secret in
 * a header, and nothing but it after that. */
static bool
is_header(const char *s)
{
	static const char *const words[] = { "bearer", "token", "basic",
	    "apikey", "api-key", "sso-key" };
	size_t n = strcspn(s, " \t:"), blanks_at = n + (s[n] == ':');
	const char *rest = s + blanks_at + strspn(s + blanks_at, " \t");

	if (rest == s + blanks_at)
		return false;
	if (s[n] == ':' && (strncasecmp(s, "x-", 2) == 0 || (n == 13 &&
	    strncasecmp(s, "authorization", n) == 0)))
		return true;
	for (size_t i = 0; i < N_OF(words); i++) {
		if (strlen(words[i]) == n && strncasecmp(s, words[i], n) == 0)
			return strpbrk(rest, " \t") == NULL;
	}
	return false;
}

/* "YOUR_API_TOKEN", "your-key-here", "put your secret here": words only. */
static bool
is_request(const char *s)
{
	static const char *const things[] = { "token", "key", "secret",
	    "password" };

	if (s[strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz_- ")] != '\0' ||
	    (strncasecmp(s, "your", 4) != 0 && strcasestr(s, " your") == NULL &&
	    strcasestr(s, "_your") == NULL && strcasestr(s, "-your") == NULL))
		return false;
	for (size_t i = 0; i < N_OF(things); i++) {
		if (strcasestr(s, things[i]) != NULL)
			return true;
	}
	return false;
}

static bool
is_placeholder(const char *s)
{
	static const char *const fillers[] = { "xX", "*", "." };

	for (size_t i = 0; i < N_OF(fillers); i++) {
		size_t n = strspn(s, fillers[i]);

		if (n >= 3 && s[n] == '\0')
			return true;
	}
	return is_between(s, "<", ">") || is_between(s, "${", "}") ||
	    is_between(s, "{{", "}}") || is_request(s);
}

static bool
has_unseen(const char *s)
{
	for (size_t i = FIRST_UNSEEN; i < N_OF(blanks); i++) {
		if (strstr(s, blanks[i]) != NULL)
			return true;
	}
	for (; *s != '\0'; s++) {
		if ((unsigned char)*s < 0x20 || *s == 0x7f)
			return true;
	}
	return false;
}

const char *
secret_fault(const char *s)
{
	if (is_placeholder(s))
		return "found a placeholder, as in a manual's example; "
		    "allowed: the secret itself, without <> or ${} around it";
	/* What has lines by its nature: a service account, a key. */
	if (s[0] == '{' || strstr(s, "-----BEGIN ") != NULL)
		return NULL;
	if (strpbrk(s, "\r\n") != NULL)
		return "found more than one line; allowed: the secret alone, "
		    "in one line";
	if (is_quoted(s))
		return "found quotes around the secret; allowed: the secret "
		    "alone, without quotes";
	if (is_assignment(s))
		return "found NAME=VALUE; allowed: the secret alone, without "
		    "the name and the \"=\"";
	if (is_header(s))
		return "found a header as in \"Bearer SECRET\"; allowed: the "
		    "secret alone, without the word before it";
	if (has_unseen(s))
		return "found an invisible character in the secret; allowed: "
		    "the secret as it was given, typed or copied again";
	return NULL;
}
