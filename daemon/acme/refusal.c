/* SPDX-License-Identifier: MIT */
#include "daemon/acme/refusal.h"

#include <string.h>

#include "common/error.h"
#include "common/text.h"

#define PAUSED "temporarily prevented from requesting certificates for "
#define VISIT "Please visit: "
#define OTHERS " and possibly others"
#define NAMES_SHOWN 300
/* What is said around it, and put in front, needs the rest of a message. */
#define LINK_MAX (sizeof(((struct error *)0)->msg) - NAMES_SHOWN - 300)

static bool
read_number(const char **s, unsigned digits, int least, int most, int *out)
{
	*out = 0;
	for (unsigned i = 0; i < digits; i++) {
		if (**s < '0' || **s > '9')
			return false;
		*out = *out * 10 + *(*s)++ - '0';
	}
	return *out >= least && *out <= most;
}

static bool
read_char(const char **s, const char *allowed)
{
	return **s != '\0' && strchr(allowed, *(*s)++) != NULL;
}

time_t
refusal_retry_at(const char *text)
{
	static const char words[] = "retry after ";
	const char *s = strcasestr(text, words);
	struct tm tm = { .tm_isdst = 0 };
	time_t at;

	if (s == NULL)
		return 0;
	s += strlen(words);
	if (!read_number(&s, 4, 1970, 9999, &tm.tm_year) ||
	    !read_char(&s, "-") ||
	    !read_number(&s, 2, 1, 12, &tm.tm_mon) || !read_char(&s, "-") ||
	    !read_number(&s, 2, 1, 31, &tm.tm_mday) ||
	    !read_char(&s, " T") ||
	    !read_number(&s, 2, 0, 23, &tm.tm_hour) || !read_char(&s, ":") ||
	    !read_number(&s, 2, 0, 59, &tm.tm_min) || !read_char(&s, ":") ||
	    !read_number(&s, 2, 0, 60, &tm.tm_sec))
		return 0;
	if (strncmp(s, " UTC", 4) != 0 && *s != 'Z')
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon--;
	at = timegm(&tm);
	return at > 0 ? at : 0;
}

bool
refusal_read_paused(const char *text, struct error *err)
{
	const char *names = strstr(text, PAUSED), *end, *link;
	size_t len;

	if (names == NULL)
		return false;
	names += strlen(PAUSED);
	end = strstr(names, OTHERS);
	if (end == NULL)
		end = names + strcspn(names, ":");
	link = strstr(names, VISIT);
	link = link == NULL ? "" : link + strlen(VISIT);
	len = strcspn(link, " \t\r\n");
	if (strncmp(link, "https://", strlen("https://")) != 0 ||
	    len > LINK_MAX)
		len = 0;
	(void)error_set(err, ERR_CONFIG, "acme:paused", "the CA has paused "
	    "%.*s%s for this account, as its validation failed too often%s"
	    "%.*s", (int)(end - names < NAMES_SHOWN ? end - names :
	    NAMES_SHOWN), names, strncmp(end, OTHERS, strlen(OTHERS)) == 0 ?
	    OTHERS : "", len > 0 ? "; to unpause: " : "", (int)len, link);
	return true;
}

/* The name that follows, in quotes or not; false: there is none. */
static bool
read_name(const char *s, char out[DNAME_SIZE])
{
	char text[DNAME_SIZE];
	struct error ignored;
	size_t len;

	s += strspn(s, ": \"");
	len = strcspn(s, "\"\\ ,:");
	/* No certificate is for a whole top-level domain. */
	if (!text_printf(text, sizeof(text), "%.*s", (int)(len < DNAME_SIZE ?
	    len : DNAME_SIZE), s) || dname_normalize(text, true, false, out,
	    &ignored) == -1)
		return false;
	return strchr(out, '.') != NULL;
}

enum refusal_about
refusal_about(const struct error *err, char domain[DNAME_SIZE])
{
	static const char *const words[] = { "domain", "hostname",
	    "identifier", "exact set" };
	const char *s;

	/* None of the CA's own words: a page of a proxy. */
	if (strncmp(err->code, "acme:http-", 10) == 0)
		return REFUSAL_ACCOUNT;
	if (strcmp(err->code, "acme:paused") == 0 ||
	    strcasestr(err->msg, "exact set") != NULL)
		return REFUSAL_NAMES;
	s = strstr(err->msg, "already issued for");
	if (s != NULL && read_name(s + strlen("already issued for"), domain))
		return REFUSAL_DOMAIN;
	s = strstr(err->msg, "failed authorizations (");
	if (s != NULL)
		s = strstr(s, ") for ");
	if (s != NULL && read_name(s + strlen(") for "), domain))
		return REFUSAL_NAME;
	if (strstr(err->msg, "from this account") != NULL ||
	    strstr(err->msg, "from this IP") != NULL)
		return REFUSAL_ACCOUNT;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (strcasestr(err->msg, words[i]) != NULL)
			return REFUSAL_NAMES;
	}
	return REFUSAL_ACCOUNT;
}
