/* SPDX-License-Identifier: MIT */
#include "daemon/dns/persist.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

#define LABEL "_validation-persist"
#define BLANKS " \t"
#define TAGS_MAX 32			/* parameters of a record */
#define STRING_MAX 255			/* bytes, RFC 1035 section 3.3 */
#define MARGIN_S 60			/* the CA looks a little later */

static const char *const match_names[] = {
	[PERSIST_NONE] = "missing",
	[PERSIST_MALFORMED] = "malformed",
	[PERSIST_OTHER_ACCOUNT] = "other-account",
	[PERSIST_NO_WILDCARD] = "no-wildcard",
	[PERSIST_EXPIRED] = "expired",
	[PERSIST_RIGHT] = "right",
};
_Static_assert(sizeof(match_names) / sizeof(match_names[0]) ==
    PERSIST_MATCH_END, "match_names");

/* A piece of a record. */
struct span {
	const char	*text;
	size_t		 len;
};

/* One record, read. */
struct record {
	struct span	 issuer, account;	/* account: len 0 if absent */
	bool		 wildcard;
	bool		 has_until;
	time_t		 until;
	const char	*mistake;		/* NULL: none */
};

const char *
persist_match_name(enum persist_match match)
{
	return match_names[match];
}

void
persist_fqdn(const char *name, char out[PERSIST_FQDN_SIZE])
{
	(void)text_printf(out, PERSIST_FQDN_SIZE, LABEL ".%s",
	    dname_base(name));
}

/* RFC 8659 section 4.2: value. */
static bool
is_value(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (s.text[i] <= ' ' || s.text[i] == ';' || s.text[i] > '~')
			return false;
	}
	return true;
}

/* ... tag: letters and digits, hyphens between them. */
static bool
is_tag(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!isalnum((unsigned char)s.text[i]) && (s.text[i] != '-' ||
		    i == 0 || i == s.len - 1))
			return false;
	}
	return s.len > 0;
}

char *
persist_value(const char *issuer, const char *account, bool wildcard,
    time_t until, struct error *err)
{
	struct span s = { account, strlen(account) };
	char *value, *longer;

	if (s.len == 0 || !is_value(s)) {
		(void)error_set(err, ERR_REJECTED, "persist:account",
		    "the account's URL, %.300s, cannot be put into a record",
		    account);
		return NULL;
	}
	value = xasprintf("%s; accounturi=%s%s", issuer, account,
	    wildcard ? "; policy=wildcard" : "");
	if (until == 0)
		return value;
	longer = xasprintf("%s; persistUntil=%" PRId64, value,
	    (int64_t)until);
	free(value);
	return longer;
}

char *
persist_zone_text(const char *value)
{
	size_t len = strlen(value), n = 0;
	/* Each byte escaped, and quotes and a blank for each string. */
	char *out = xmalloc(2 * len + 3 * (len / STRING_MAX + 1) + 1);

	for (size_t i = 0; i == 0 || i < len; i++) {
		if (i % STRING_MAX == 0) {
			if (i > 0) {
				out[n++] = '"';
				out[n++] = ' ';
			}
			out[n++] = '"';
		}
		if (i == len)
			break;
		if (value[i] == '"' || value[i] == '\\')
			out[n++] = '\\';
		out[n++] = value[i];
	}
	out[n++] = '"';
	out[n] = '\0';
	return out;
}

/* --- reading --- */

static struct span
trim(struct span s)
{
	while (s.len > 0 && strchr(BLANKS, s.text[0]) != NULL)
		s.text++, s.len--;
	while (s.len > 0 && strchr(BLANKS, s.text[s.len - 1]) != NULL)
		s.len--;
	return s;
}

static bool
is_word(struct span s, const char *word)
{
	return strlen(word) == s.len && strncasecmp(s.text, word, s.len) == 0;
}

static bool
is_exactly(struct span s, const char *text)
{
	return strlen(text) == s.len && memcmp(s.text, text, s.len) == 0;
}

/* Seconds since 1970 in decimal. */
static bool
read_until(struct span s, time_t *until)
{
	int64_t t = 0;

	if (s.len == 0 || s.len > 18)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.text[i] < '0' || s.text[i] > '9')
			return false;
		t = t * 10 + (s.text[i] - '0');
	}
	*until = t > PERSIST_UNTIL_MAX ? PERSIST_UNTIL_MAX : (time_t)t;
	return true;
}

/* One parameter; what is wrong with it, or NULL. */
static const char *
read_parameter(struct record *r, struct span tag, struct span value)
{
	if (!is_tag(tag))
		return "a parameter's name is misspelt";
	if (!is_value(value))
		return "a parameter's value has a character that may not be "
		    "there";
	if (is_word(tag, "accounturi")) {
		if (value.len == 0)
			return "accounturi is empty";
		r->account = value;
	} else if (is_word(tag, "policy")) {
		r->wildcard = is_word(value, "wildcard");
	} else if (is_word(tag, "persistUntil")) {
		if (!read_until(value, &r->until))
			return "persistUntil is not a number of seconds";
		r->has_until = true;
	}
	return NULL;
}

static const char *
read_parameters(struct record *r, const char *at)
{
	struct span seen[TAGS_MAX];
	size_t n = 0;

	while (at != NULL) {
		struct span tag, value = { at, strcspn(at, ";") };
		const char *equal, *mistake;

		at = at[value.len] == ';' ? at + value.len + 1 : NULL;
		equal = memchr(value.text, '=', value.len);
		if (trim(value).len == 0)
			return "it has an empty parameter (a \";\" too many)";
		if (equal == NULL)
			return "a parameter is not NAME=VALUE";
		tag.text = value.text;
		tag.len = (size_t)(equal - value.text);
		value.text += tag.len + 1;
		value.len -= tag.len + 1;
		tag = trim(tag);
		for (size_t i = 0; i < n; i++) {
			if (seen[i].len == tag.len && strncasecmp(
			    seen[i].text, tag.text, tag.len) == 0)
				return "a parameter is given twice";
		}
		if (n == TAGS_MAX)
			return "it has too many parameters";
		seen[n++] = tag;
		mistake = read_parameter(r, tag, trim(value));
		if (mistake != NULL)
			return mistake;
	}
	return r->account.len == 0 ? "accounturi is missing" : NULL;
}

/* All that is there of a value; r->mistake if it is not right. */
static void
read_record(const char *value, struct record *r)
{
	size_t len = strcspn(value, ";");

	*r = (struct record){ .issuer = trim((struct span){ value, len }) };
	r->mistake = read_parameters(r, value[len] == ';' ?
	    value + len + 1 : NULL);
}

enum naming { NAMES_OTHER, NAMES_ALMOST, NAMES_US };

/* CAs compare bytes, or fold the name first: almost is not good enough. */
static enum naming
names_us(const struct record *r, const struct persist_want *w)
{
	struct span s = r->issuer;

	if (w->issuers == NULL)
		return r->account.len > 0 &&
		    is_exactly(r->account, w->account) ? NAMES_US :
		    NAMES_OTHER;
	for (size_t i = 0; w->issuers[i] != NULL; i++) {
		if (is_exactly(s, w->issuers[i]))
			return NAMES_US;
	}
	if (s.len > 0 && s.text[s.len - 1] == '.')
		s.len--;
	for (size_t i = 0; w->issuers[i] != NULL; i++) {
		if (is_word(s, w->issuers[i]))
			return NAMES_ALMOST;
	}
	return NAMES_OTHER;
}

static enum persist_match
match_of(const struct record *r, const struct persist_want *w)
{
	switch (names_us(r, w)) {
	case NAMES_OTHER:
		return PERSIST_NONE;
	case NAMES_ALMOST:
		return PERSIST_MALFORMED;
	case NAMES_US:
		break;
	}
	if (r->mistake != NULL)
		return PERSIST_MALFORMED;
	if (!is_exactly(r->account, w->account))
		return PERSIST_OTHER_ACCOUNT;
	if (w->wildcard && !r->wildcard)
		return PERSIST_NO_WILDCARD;
	if (r->has_until && r->until < w->now + MARGIN_S)
		return PERSIST_EXPIRED;
	return PERSIST_RIGHT;
}

static void
tell_why(const struct record *r, const struct persist_want *w,
    struct persist_verdict *v)
{
	char at[TEXT_TIME_MAX];

	switch (v->match) {
	case PERSIST_MALFORMED:
		(void)text_printf(v->why, sizeof(v->why), "is malformed: %s",
		    r->mistake != NULL ? r->mistake :
		    "the CA's name is not in lower case, or ends in a dot");
		break;
	case PERSIST_OTHER_ACCOUNT:
		(void)text_printf(v->why, sizeof(v->why), "is for another "
		    "account, %.*s, and not for %.150s",
		    (int)(r->account.len < 150 ? r->account.len : 150),
		    r->account.text, w->account);
		break;
	case PERSIST_NO_WILDCARD:
		(void)text_printf(v->why, sizeof(v->why),
		    "is not for wildcards: it has no policy=wildcard");
		break;
	case PERSIST_EXPIRED:
		(void)text_printf(v->why, sizeof(v->why), "has expired: its "
		    "persistUntil is %s", text_time(r->until, at));
		break;
	case PERSIST_NONE:
	case PERSIST_RIGHT:
	case PERSIST_MATCH_END:
		v->why[0] = '\0';
		break;
	}
	text_clean(v->why);
}

void
persist_judge(const char *const *values, size_t n,
    const struct persist_want *w, struct persist_verdict *v)
{
	*v = (struct persist_verdict){ .match = PERSIST_NONE };
	(void)text_printf(v->why, sizeof(v->why), n == 0 ?
	    "is not there" : "is not there, only others");
	for (size_t i = 0; i < n; i++) {
		enum persist_match match;
		struct record r;
		time_t until;

		read_record(values[i], &r);
		match = match_of(&r, w);
		until = r.has_until ? r.until : 0;
		if (match < v->match || match == PERSIST_NONE)
			continue;
		if (match == v->match && (v->until == 0 ||
		    (until != 0 && until <= v->until)))
			continue;	/* no better */
		v->match = match;
		v->until = match >= PERSIST_EXPIRED ? until : 0;
		tell_why(&r, w, v);
	}
}

bool
persist_is_own(const char *value, const struct persist_want *w)
{
	struct record r;

	read_record(value, &r);
	return r.mistake == NULL && names_us(&r, w) == NAMES_US &&
	    is_exactly(r.account, w->account);
}
