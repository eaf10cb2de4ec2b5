/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/text.h"
#include "daemon/io/http.h"
#include "daemon/rest/rest.h"

const char *
rest_header(const struct rest_answer *a, const char *name)
{
	return http_reply_header(a->http, name, 0);
}

const char *
rest_header_nth(const struct rest_answer *a, const char *name,
    size_t nth)
{
	return http_reply_header(a->http, name, nth);
}

const json_t *
rest_array(const struct rest_answer *a, const char *path,
    struct error *err)
{
	const json_t *array = path[0] == '\0' ? a->json :
	    jsonx_get(a->json, path);

	if (json_is_array(array))
		return array;
	(void)error_set(err, ERR_TRANSIENT, "provider:reply",
	    "the answer has no array \"%s\": %.100s", path, a->body);
	return NULL;
}

const json_t *
rest_entries(const struct rest_answer *a, const char *path, const char *total,
    struct error *err)
{
	const json_t *list = path[0] == '\0' ? a->json :
	    jsonx_get(a->json, path);

	if (json_is_null(list) || (list == NULL && total != NULL &&
	    jsonx_number(a->json, total, -1) == 0))
		return json_null();
	return rest_array(a, path, err);
}

bool
rest_says(const struct rest_answer *a, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (strcasestr(a->body, *words) != NULL)
			return true;
	}
	return false;
}

static bool
is_meant(const char *word, enum rest_match match, const char *code)
{
	switch (match) {
	case REST_IS:
		return strcasecmp(code, word) == 0;
	case REST_BEGINS:
		return strncasecmp(code, word, strlen(word)) == 0;
	case REST_HAS:
		return strcasestr(code, word) != NULL;
	}
	return false;
}

void
rest_judge(const struct rest_code *table, enum rest_match match,
    const char *code, struct error *err)
{
	for (; code != NULL && table->word != NULL; table++) {
		if (!is_meant(table->word, match, code))
			continue;
		(void)error_set(err, table->kind, table->code, "%s", err->msg);
		return;
	}
}

static bool
is_name_char(char c)
{
	return isalnum((unsigned char)c) || (c != '\0' &&
	    strchr("._-*/:@%", c) != NULL);
}

/* Is what stands at p part of a host's name, a path or a URL?  Answers repeat
 * what was asked for, and "cname.example.com" says nothing of a CNAME. */
static bool
is_in_name(const char *body, const char *p, size_t len)
{
	const char *end = p + len, *start = p;

	while (start > body && is_name_char(start[-1]))
		start--;
	while (is_name_char(*end))
		end++;
	while (end > p + len && strchr(".:", end[-1]) != NULL)
		end--;
	return *start == '_' || *start == '/' ||
	    memmem(start, (size_t)(end - start), "://", 3) != NULL ||
	    memchr(start, '.', (size_t)(end - start)) != NULL;
}

bool
rest_is_lasting(const struct rest_answer *a)
{
	/* Words of which a name may consist, and others. */
	static const char *const words[] = { "cname", "quota", "scopelocked",
	    "read-only", "readonly" };
	static const char *const phrases[] = { "conflicting rrset",
	    "conflicting type", "is locked", "are locked", "not permitted",
	    "not allowed", "limit exceeded", "too many record",
	    "too many resource record", "too many rrset", "too many value",
	    "too many txt", NULL };
	/* They say that it ends. */
	static const char *const ends[] = { "in progress", "concurrent",
	    "try again", "too many requests", NULL };

	if (rest_says(a, ends))
		return false;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (const char *p = a->body; (p = strcasestr(p,
		    words[i])) != NULL; p++) {
			if (!is_in_name(a->body, p, strlen(words[i])))
				return true;
		}
	}
	return rest_says(a, phrases);
}

void
rest_blame_clock(const struct rest_answer *a, struct error *err)
{
	const char *date = rest_header(a, "Date");
	char span[TEXT_SPAN_MAX];
	struct tm tm = { 0 };
	int64_t off;

	if (date == NULL ||
	    strptime(date, "%a, %d %b %Y %H:%M:%S GMT", &tm) == NULL)
		return;
	off = (int64_t)clock_now() - (int64_t)timegm(&tm);
	if (off >= -60 && off <= 60)
		return;
	(void)error_set(err, err->kind, err->code, "%s; the clock of this "
	    "machine is %s %s", err->msg, text_span(off < 0 ? -off : off, span),
	    off < 0 ? "slow" : "fast");
}

/* Behind what no person reads; p if nothing of that kind begins there. */
static const char *
skip_code(const char *p)
{
	static const char *const ends[] = { "<script", "</script", "<style",
	    "</style", "<!--", "-->" };

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i += 2) {
		const char *end;

		if (strncasecmp(p, ends[i], strlen(ends[i])) != 0)
			continue;
		end = strcasestr(p, ends[i + 1]);
		return end == NULL ? p + strlen(p) : end;
	}
	return p;
}

void
rest_plain_words(const struct rest_answer *a, char out[REST_WORDS_MAX])
{
	bool in_tag = false, blank = true;
	size_t n = 0;

	for (const char *p = a->body; *p != '\0' && n < REST_WORDS_MAX - 1;
	    p++) {
		bool is_blank = isspace((unsigned char)*p) || *p == '<';

		if (*p == '<') {
			p = skip_code(p);
			if (*p == '\0')
				break;
			in_tag = true;
		}
		if (!in_tag || *p == '<') {
			if (!is_blank || !blank)
				out[n++] = is_blank ? ' ' : *p;
			blank = is_blank;
		}
		if (*p == '>')
			in_tag = false;
	}
	if (n > 0 && out[n - 1] == ' ')
		n--;
	out[n] = '\0';
}

void
rest_vendor_words(const struct rest_answer *a, char out[REST_WORDS_MAX])
{
	static const char *const paths[] = { "message", "error.message",
	    "errors.0.message", "error", "errors.0", "detail", "Message",
	    "msg", "error_msg", "error_description", "description", "title",
	    "0.message" };
	const char *s = NULL;

	for (size_t i = 0; s == NULL && a->json != NULL &&
	    i < sizeof(paths) / sizeof(paths[0]); i++)
		s = jsonx_str(a->json, paths[i]);
	if (s != NULL)
		(void)text_printf(out, REST_WORDS_MAX, "%s", s);
	else
		rest_plain_words(a, out);
	text_clean(out);
}
