/* SPDX-License-Identifier: MIT */
#include "ctl/summary.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "ctl/show.h"

static const char *const words[] = {
	[SUMMARY_EXPIRED] = "expired",
	[SUMMARY_MISSING] = "missing",
	[SUMMARY_FAILING] = "failing",
	[SUMMARY_SERVING_OLD] = "serving old",
	[SUMMARY_NOT_DEPLOYED] = "not deployed",
	[SUMMARY_NAMES_MISSING] = "names missing",
	[SUMMARY_ROLLED_BACK] = "rolled back",
	[SUMMARY_UNKNOWN] = "other",
	[SUMMARY_RENEWING] = "renewing",
	[SUMMARY_DEPLOYING] = "deploying",
	[SUMMARY_OTHER_CA] = "other CA",
	[SUMMARY_STAGING] = "staging",
	[SUMMARY_PAUSED] = "paused",
	[SUMMARY_VALID] = "valid",
};
_Static_assert(sizeof(words) / sizeof(words[0]) == SUMMARY_END, "words");

enum summary_rank
summary_rank(const json_t *cert)
{
	const char *word = jsonx_str(cert, "condition");

	for (int i = 0; word != NULL && i < SUMMARY_END; i++) {
		if (i == SUMMARY_UNKNOWN || strcmp(word, words[i]) != 0)
			continue;
		/* The first one, which is being obtained: nothing is wrong. */
		if (i == SUMMARY_MISSING &&
		    json_is_object(json_object_get(cert, "run")) &&
		    !json_is_object(json_object_get(cert, "error")))
			return SUMMARY_RENEWING;
		if (i == SUMMARY_VALID &&
		    json_is_object(json_object_get(cert, "paused")))
			return SUMMARY_PAUSED;
		return (enum summary_rank)i;
	}
	return SUMMARY_UNKNOWN;
}

enum term_colour
summary_colour(const json_t *cert)
{
	const char *word = jsonx_str(cert, "condition");

	if (word != NULL && strcmp(word, "valid") == 0)
		return TERM_GOOD;
	if (word != NULL && (strcmp(word, "missing") == 0 ||
	    strcmp(word, "expired") == 0) &&
	    !json_is_object(json_object_get(cert, "run")))
		return TERM_BAD;
	return TERM_WARN;
}

/* "39 valid, 2 failing": the good news first, then by urgency. */
static void
put_counts(FILE *f, const struct summary *s)
{
	const char *between = ": ";

	for (int i = -1; i < SUMMARY_VALID; i++) {
		int rank = i == -1 ? SUMMARY_VALID : i;

		if (s->n[rank] == 0)
			continue;
		(void)fprintf(f, "%s%zu %s", between, s->n[rank], words[rank]);
		between = ", ";
	}
}

char *
summary_text(const struct summary *s, time_t now)
{
	char when[SHOW_WHEN_MAX], *text = NULL;
	size_t shown = 0, all, len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	for (int i = 0; i < SUMMARY_END; i++)
		shown += s->n[i];
	all = shown + s->hidden;
	if (s->hidden > 0 && shown == 0)
		(void)fputs("none", f);
	else
		(void)fprintf(f, "%zu", shown);
	if (s->hidden > 0)
		(void)fprintf(f, " of %zu", all);
	(void)fprintf(f, " certificate%s", all == 1 ? "" : "s");
	put_counts(f, s);
	if (s->next != NULL)
		(void)fprintf(f, "; next %s %s %s", s->is_retry ? "attempt" :
		    "renewal", s->next, show_span(now, s->next_at < now ?
		    now : s->next_at, when));
	if (fclose(f) != 0 || text == NULL)
		abort();
	return text;
}
