/* SPDX-License-Identifier: MIT */
/* The key limits of an account: what its CA lets it ask for. */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/directories.h"
#include "daemon/config/opt.h"

#define HOUR_S 3600
#define DAY_S 86400
#define WORDS_MAX 16

/*
 * What CAs have published, by the word of the directory (directories.c).  The
 * other CAs publish no such numbers, or none that could be kept to: Let's
 * Encrypt's staging directory has others than its page of limits, much larger.
 */
static const struct {
	const char	*directory;
	struct conf_limit limits[LIMIT_KIND_END];
} known[] = {
	/* https://letsencrypt.org/docs/rate-limits/, as of June 2025.  What
	 * a domain and a set of names may have is counted over all accounts;
	 * a renewal is what has the very names of an earlier certificate. */
	{ "letsencrypt", {
		[LIMIT_ORDERS] = { 300, 3 * HOUR_S, true },
		[LIMIT_CERTIFICATES] = { 50, 7 * DAY_S, true },
		[LIMIT_DUPLICATES] = { 5, 7 * DAY_S, false },
		[LIMIT_FAILURES] = { 5, HOUR_S, false },
	} },
};

static const struct {
	const char	*name, *per;	/* "per WORD", or NULL: nothing */
} kinds[LIMIT_KIND_END] = {
	[LIMIT_ORDERS] = { "orders", NULL },
	[LIMIT_CERTIFICATES] = { "certificates", "domain" },
	[LIMIT_DUPLICATES] = { "duplicates", NULL },
	[LIMIT_FAILURES] = { "failures", "name" },
};

static const char allowed[] = "letsencrypt, none, or a list of \"orders N per "
    "TIME\", \"certificates N per domain per TIME\", \"duplicates N per "
    "TIME\" and \"failures N per name per TIME\", each once, as in "
    "\"orders 300 per 3h\"; \"except renewals\" may follow the first two; N "
    "is 1 to 1000000, TIME 1s to 30d";

const char *
limit_kind_name(enum limit_kind kind)
{
	return kinds[kind].name;
}

int
limit_kind_parse(const char *name, enum limit_kind *kind)
{
	for (int i = 0; i < LIMIT_KIND_END; i++) {
		if (strcmp(kinds[i].name, name) == 0) {
			*kind = (enum limit_kind)i;
			return 0;
		}
	}
	return -1;
}

static bool
parse_count(const char *s, unsigned *count)
{
	char *end;
	unsigned long n;

	if (s[0] < '0' || s[0] > '9')
		return false;
	n = strtoul(s, &end, 10);
	*count = (unsigned)n;
	return *end == '\0' && n >= 1 && n <= LIMIT_COUNT_MAX;
}

static bool
is_word(char *const *words, size_t n, size_t i, const char *word)
{
	return i < n && strcmp(words[i], word) == 0;
}

/* The words of one entry. */
static bool
parse_words(char *const *w, size_t n, enum limit_kind *kind,
    struct conf_limit *limit)
{
	size_t i = 2;

	if (n < 4 || limit_kind_parse(w[0], kind) == -1 ||
	    !parse_count(w[1], &limit->count))
		return false;
	if (kinds[*kind].per != NULL) {
		if (!is_word(w, n, i, "per") ||
		    !is_word(w, n, i + 1, kinds[*kind].per))
			return false;
		i += 2;
	}
	if (!is_word(w, n, i, "per") || i + 1 >= n ||
	    text_parse_duration(w[i + 1], &limit->period_s) == -1 ||
	    limit->period_s < 1 || limit->period_s > LIMIT_PERIOD_MAX_S)
		return false;
	i += 2;
	limit->spares_renewals = is_word(w, n, i, "except") &&
	    is_word(w, n, i + 1, "renewals") &&
	    (*kind == LIMIT_ORDERS || *kind == LIMIT_CERTIFICATES);
	return i + (limit->spares_renewals ? 2 : 0) == n;
}

static bool
parse_limit(const char *text, enum limit_kind *kind, struct conf_limit *limit)
{
	char *copy = xstrdup(text), *rest = copy, *word, *words[WORDS_MAX];
	size_t n = 0;
	bool ok;

	while ((word = strsep(&rest, " \t")) != NULL && n < WORDS_MAX) {
		if (word[0] != '\0')
			words[n++] = word;
	}
	ok = word == NULL && parse_words(words, n, kind, limit);
	free(copy);
	return ok;
}

static bool
take_known(const char *word, struct conf_limit *out)
{
	for (size_t i = 0; word != NULL &&
	    i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(known[i].directory, word) == 0) {
			memcpy(out, known[i].limits, sizeof(known[i].limits));
			return true;
		}
	}
	return false;
}

void
check_limits(struct check *c, const struct section *sec,
    struct conf_account *a)
{
	const struct item *item = tree_item(sec, "limits");
	const char *first = item != NULL && item->n == 1 ?
	    item->values[0]->text : "";

	if (item == NULL) {
		(void)take_known(directory_word(a->directory), a->limits);
		return;
	}
	if (strcmp(first, "none") == 0 || take_known(first, a->limits))
		return;
	for (size_t i = 0; i < item->n; i++) {
		const struct value *v = item->values[i];
		struct conf_limit limit;
		enum limit_kind kind;

		if (!parse_limit(v->text, &kind, &limit))
			opt_refuse(c->m, sec, "limits", v, allowed);
		else if (a->limits[kind].count != 0)
			opt_mistake(c->m, sec, v->line, "limits = \"%s\": "
			    "%s are limited twice; allowed: once", v->text,
			    kinds[kind].name);
		else
			a->limits[kind] = limit;
	}
}
