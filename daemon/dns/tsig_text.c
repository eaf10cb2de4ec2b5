/* SPDX-License-Identifier: MIT */
#include "daemon/dns/tsig_text.h"

#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/text.h"

#define NAMES_MAX 400			/* bytes of names in a message */

/* One word of named.conf, a "text", or one of { } ; and "" at the end. */
struct token {
	const char	*text;
	size_t		 len;
	bool		 is_quoted;
};

static const char *
skip_blanks(const char *p)
{
	for (;;) {
		p += strspn(p, " \t\r\n");
		if (p[0] == '#' || (p[0] == '/' && p[1] == '/')) {
			p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			const char *end = strstr(p + 2, "*/");

			p = end != NULL ? end + 2 : p + strlen(p);
		} else {
			return p;
		}
	}
}

static const char *
next_token(const char *p, struct token *t)
{
	p = skip_blanks(p);
	t->is_quoted = *p == '"';
	if (t->is_quoted) {
		t->text = ++p;
		t->len = strcspn(p, "\"\n");
		return p[t->len] == '"' ? p + t->len + 1 : p + t->len;
	}
	t->text = p;
	t->len = strchr("{};", *p) != NULL ? *p != '\0' :
	    strcspn(p, " \t\r\n{};\"");
	/* Base64 has slashes, so that only blanks begin a comment. */
	return p + t->len;
}

static bool
is_word(const struct token *t, const char *word)
{
	return !t->is_quoted && t->len == strlen(word) &&
	    strncasecmp(t->text, word, t->len) == 0;
}

static bool
copy(char out[TSIG_TEXT_MAX], const char *text, size_t len)
{
	if (len >= TSIG_TEXT_MAX)
		return false;
	memcpy(out, text, len);
	out[len] = '\0';
	return true;
}

/* Key names, whatever their case and final dot. */
static bool
is_same_name(const char *a, const char *b)
{
	size_t n = strlen(a), m = strlen(b);

	n -= n > 0 && a[n - 1] == '.';
	m -= m > 0 && b[m - 1] == '.';
	return n == m && strncasecmp(a, b, n) == 0;
}

static int
fault(struct error *err, const char *what)
{
	return error_set(err, ERR_CONFIG, "dns:tsig-key", "%s; allowed: the "
	    "file of tsig-keygen, key \"NAME\" { algorithm hmac-sha256; "
	    "secret \"BASE64\"; };, or the secret alone", what);
}

/* --- named.conf --- */

/* The statements between the braces; p is behind the first of these. */
static const char *
read_key(const char *p, struct tsig_text *key, bool *is_ok)
{
	struct token t, value;

	*is_ok = true;
	for (p = next_token(p, &t); t.len > 0 && !is_word(&t, "}");
	    p = next_token(p, &t)) {
		bool is_secret = is_word(&t, "secret");

		if (!is_secret && !is_word(&t, "algorithm"))
			continue;
		p = next_token(p, &value);
		if (!copy(is_secret ? key->secret : key->algorithm,
		    value.text, value.len))
			*is_ok = false;
	}
	return p;
}

static int
read_named(const char *p, const char *name, struct tsig_text *out,
    struct error *err)
{
	char names[NAMES_MAX] = "";
	struct token t, title, open;
	size_t n_keys = 0, n_found = 0;

	for (p = next_token(p, &t); t.len > 0 || t.is_quoted;
	    p = next_token(p, &t)) {
		struct tsig_text key = { .name = "" };
		bool is_ok, is_wanted;
		const char *q;

		if (!is_word(&t, "key"))
			continue;
		q = next_token(next_token(p, &title), &open);
		if (!is_word(&open, "{") || title.len == 0)
			continue;	/* only the use of one */
		is_ok = copy(key.name, title.text, title.len);
		p = read_key(q, &key, &is_wanted);
		is_ok = is_ok && is_wanted;
		n_keys++;
		(void)text_printf(names + strlen(names), sizeof(names) -
		    strlen(names), "%s%s", n_keys > 1 ? ", " : "", key.name);
		is_wanted = name == NULL || is_same_name(name, key.name);
		if (is_ok && is_wanted && key.secret[0] != '\0') {
			*out = key;
			n_found++;
		}
		explicit_bzero(&key, sizeof(key));
	}
	if (n_found == 1)
		return 0;
	if (n_keys == 0)
		return fault(err, "found braces, but no key \"NAME\" { ... }");
	if (n_found > 1 && name == NULL)
		return error_set(err, ERR_CONFIG, "dns:tsig-key", "found "
		    "several keys (%s); say which by key_name", names);
	if (name != NULL && n_found == 0)
		return error_set(err, ERR_CONFIG, "dns:tsig-key", "found no "
		    "key \"%s\" with a secret, only: %s", name, names);
	return fault(err, n_found > 1 ? "found the same key twice" :
	    "found a key without its secret");
}

/* --- NAME=VALUE --- */

static bool
is_setting(const char *text, size_t len, const char *const *names)
{
	for (; *names != NULL; names++) {
		if (strlen(*names) == len &&
		    strncasecmp(text, *names, len) == 0)
			return true;
	}
	return false;
}

/* A number of IANA's, as dnssec-keygen(8) writes it, instead of a name. */
static bool
copy_algorithm(char out[TSIG_TEXT_MAX], const char *text, size_t len)
{
	static const struct {
		const char	*number, *name;
	} all[] = { { "157", "hmac-md5" }, { "161", "hmac-sha1" },
	    { "162", "hmac-sha224" }, { "163", "hmac-sha256" },
	    { "164", "hmac-sha384" }, { "165", "hmac-sha512" } };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (len >= 3 && strncmp(text, all[i].number, 3) == 0 &&
		    (len == 3 || text[3] == ' '))
			return copy(out, all[i].name, strlen(all[i].name));
	}
	return copy(out, text, len);
}

#define MAX_WORDS 16

/*
 * A line of words: NAME hmac-sha256. BASE64 (pdnsutil(1)), NAME IN KEY 512 3
 * 163 BASE64 (dnssec-keygen(8)), or key [ALGORITHM:]NAME BASE64 (nsupdate(1)).
 * False if it is none of these.
 */
static bool
read_words(const char *p, size_t len, struct tsig_text *out)
{
	const char *word[MAX_WORDS], *end = p + len, *colon;
	size_t size[MAX_WORDS], n = 0;

	while (n < MAX_WORDS) {
		while (p < end && strchr(" \t\r", *p) != NULL)
			p++;
		if (p == end)
			break;
		word[n] = p;
		while (p < end && strchr(" \t\r", *p) == NULL)
			p++;
		size[n] = (size_t)(p - word[n]);
		n++;
	}
	if (n == 3 && size[0] == 3 && strncasecmp(word[0], "key", 3) == 0) {
		colon = memchr(word[1], ':', size[1]);
		if (colon != NULL && !copy(out->algorithm, word[1],
		    (size_t)(colon - word[1])))
			return false;
		colon = colon == NULL ? word[1] : colon + 1;
		return copy(out->name, colon,
		    (size_t)(word[1] + size[1] - colon)) &&
		    copy(out->secret, word[2], size[2]);
	}
	for (size_t i = 1; i + 4 < n; i++) {
		if (size[i] != 3 || strncasecmp(word[i], "KEY", 3) != 0)
			continue;
		/* Long keys are written in pieces. */
		for (size_t j = i + 4, at = 0; j < n; at += size[j++]) {
			if (size[j] >= sizeof(out->secret) - at)
				return false;
			memcpy(out->secret + at, word[j], size[j]);
			out->secret[at + size[j]] = '\0';
		}
		return copy(out->name, word[0], size[0]) &&
		    copy_algorithm(out->algorithm, word[i + 3], size[i + 3]);
	}
	return n >= 3 && strncasecmp(word[n - 2], "hmac-", 5) == 0 &&
	    copy(out->name, word[n - 3], size[n - 3]) &&
	    copy(out->algorithm, word[n - 2], size[n - 2]) &&
	    copy(out->secret, word[n - 1], size[n - 1]);
}

/* Of one line; false if it is too long. */
static bool
read_setting(const char *p, size_t len, struct tsig_text *out)
{
	static const char *const names[] = { "dns_rfc2136_name",
	    "rfc2136_tsig_key", "key_name", "id", "name", NULL };
	static const char *const algorithms[] = { "dns_rfc2136_algorithm",
	    "rfc2136_tsig_algorithm", "key_algorithm", "algorithm", NULL };
	static const char *const secrets[] = { "dns_rfc2136_secret",
	    "rfc2136_tsig_secret", "key_secret", "secret", "key", NULL };
	const char *end = p + len, *name;
	size_t n;

	while (p < end && strchr(" \t-", *p) != NULL)
		p++;
	if (end - p > 7 && strncmp(p, "export ", 7) == 0)
		p += 7;
	/* How certbot called it when it was not yet one of its own. */
	if (end - p > 20 && strncmp(p, "certbot_dns_rfc2136:", 20) == 0)
		p += 20;
	name = p;
	n = strcspn(p, " \t=:\r\n");
	for (p += n; p < end && strchr(" \t=:", *p) != NULL;)
		p++;
	/* Keys and names have neither blanks nor "#". */
	for (const char *s = p; s + 1 < end; s++) {
		if ((*s == ' ' || *s == '\t') && s[1] == '#')
			end = s;
	}
	while (end > p && strchr(" \t\r;", end[-1]) != NULL)
		end--;
	if (end - p >= 2 && (*p == '"' || *p == '\'') && end[-1] == *p)
		p++, end--;
	if (p >= end)
		return true;
	if (is_setting(name, n, names))
		return copy(out->name, p, (size_t)(end - p));
	if (is_setting(name, n, algorithms))
		return copy_algorithm(out->algorithm, p, (size_t)(end - p));
	if (is_setting(name, n, secrets))
		return copy(out->secret, p, (size_t)(end - p));
	return true;
}

static int
read_settings(const char *p, struct tsig_text *out, struct error *err)
{
	while (*p != '\0') {
		size_t len = strcspn(p, "\n");
		const char *first = p + strspn(p, " \t");

		if (strchr("#;[", *first) == NULL &&
		    !read_words(p, len, out) && !read_setting(p, len, out))
			return fault(err, "found a line that is too long");
		p += len + (p[len] == '\n');
	}
	if (out->secret[0] == '\0')
		return fault(err, "found lines, but no secret in them");
	return 0;
}

/* --- [ALGORITHM:]NAME:SECRET --- */

static int
read_colons(const char *p, struct tsig_text *out, struct error *err)
{
	size_t n = strcspn(p, ":");
	const char *second;
	bool ok = true;

	if (p[n] == '\0')
		return fault(err, "found no name of a key");
	second = strchr(p + n + 1, ':');
	if (second != NULL) {
		ok = copy(out->algorithm, p, n);
		p += n + 1;
		n = (size_t)(second - p);
	} else {
		(void)text_printf(out->algorithm, sizeof(out->algorithm),
		    "hmac-sha256");	/* as nsupdate does */
	}
	if (!ok || !copy(out->name, p, n) ||
	    !copy(out->secret, p + n + 1, strlen(p + n + 1)))
		return fault(err, "found a line that is too long");
	return out->secret[0] == '\0' ?
	    fault(err, "found a key without its secret") : 0;
}

static bool
has_lines(const char *text)
{
	return strpbrk(text, "\n_ ") != NULL;
}

bool
tsig_text_is(const char *text)
{
	return strpbrk(text, "{:") != NULL || has_lines(text);
}

int
tsig_text_read(const char *text, const char *name, struct tsig_text *out,
    struct error *err)
{
	int rc;

	memset(out, 0, sizeof(*out));
	if (strchr(text, '{') != NULL)
		return read_named(text, name, out, err);
	rc = has_lines(text) ? read_settings(text, out, err) :
	    read_colons(text, out, err);
	if (rc == 0 && name != NULL && out->name[0] != '\0' &&
	    !is_same_name(name, out->name))
		return error_set(err, ERR_CONFIG, "dns:tsig-key", "found the "
		    "key \"%s\", not \"%s\" as key_name says", out->name,
		    name);
	return rc;
}
