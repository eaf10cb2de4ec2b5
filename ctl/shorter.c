/* SPDX-License-Identifier: MIT */
#include "ctl/shorter.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "ctl/show.h"

enum { DAY = 86400, NAMES_SHOWN = 5 };

#define DIRECTORY "https://acme-v02.api.letsencrypt.org/"
#define PROFILE "classic"

/* 2027-02-10 and 2028-02-16, 00:00 UTC. */
static const struct {
	time_t		 from;
	long		 days;
	const char	*words;
} changes[] = {
	{ 1802217600, 64, "from 10 February 2027 for 64 days" },
	{ 1834272000, 45, "from 16 February 2028 for 45 days" },
};
enum { N_CHANGES = sizeof(changes) / sizeof(changes[0]) };

void
shorter_init(struct shorter *s, time_t now)
{
	*s = (struct shorter){ .now = now, .names = json_array() };
}

void
shorter_clear(struct shorter *s)
{
	json_decref(s->names);
}

/* Days from one renewal to the next: renew_before the end, but no earlier than
 * at two thirds of the lifetime. */
static long
renewed_every(long days, int64_t renew_before_s)
{
	int64_t lifetime = (int64_t)days * DAY, before = renew_before_s;

	if (before <= 0 || before > lifetime / 3)
		before = lifetime / 3;
	return (long)((lifetime - before) / DAY);
}

static bool
is_affected(const json_t *cert, long *days)
{
	const char *directory = jsonx_str(cert, "directory");
	const char *profile = jsonx_str(cert, "profile");
	int64_t from = jsonx_int(cert, "not_before", 0);

	*days = (long)((jsonx_int(cert, "not_after", 0) - from + DAY / 2) /
	    DAY);
	return directory != NULL && from != 0 && strncmp(directory, DIRECTORY,
	    strlen(DIRECTORY)) == 0 &&
	    (profile == NULL || strcmp(profile, PROFILE) == 0);
}

static void
count(struct shorter *s, size_t i, long every)
{
	if (s->least[i] == 0 || every < s->least[i])
		s->least[i] = every;
	if (every > s->most[i])
		s->most[i] = every;
}

json_t *
shorter_add(struct shorter *s, const json_t *cert)
{
	int64_t before = jsonx_int(cert, "renew_before", 0);
	json_t *list = NULL;
	long days;

	if (!is_affected(cert, &days))
		return NULL;
	for (size_t i = 0; i < N_CHANGES; i++) {
		long every = renewed_every(changes[i].days, before);

		if (changes[i].days >= days)
			continue;
		if (list == NULL)
			list = json_array();
		(void)json_array_append_new(list, json_pack(
		    "{s:I, s:I, s:I}", "from", (json_int_t)changes[i].from,
		    "days", (json_int_t)changes[i].days, "renewed_every",
		    (json_int_t)every));
		count(s, i + 1, every);
	}
	if (list == NULL)
		return NULL;
	count(s, 0, renewed_every(days, before));
	if (s->n++ < NAMES_SHOWN)
		(void)json_array_append(s->names, json_object_get(cert,
		    "name"));
	return list;
}

/* "every 42 days" or "every 42 to 54 days"; the caller frees. */
static char *
every(const struct shorter *s, size_t i)
{
	return s->least[i] == s->most[i] ? xasprintf("every %ld days",
	    s->least[i]) : xasprintf("every %ld to %ld days", s->least[i],
	    s->most[i]);
}

void
shorter_print(const struct shorter *s, const struct term *t)
{
	char *names, *text, *span;

	if (s->n == 0)
		return;
	names = show_list(s->names);
	span = every(s, 0);
	text = xasprintf("Let's Encrypt issues for shorter times; "
	    "%zu certificate%s (%s%s), renewed %s now:", s->n,
	    s->n == 1 ? "" : "s", names, s->n > NAMES_SHOWN ? ", ..." : "",
	    span);
	free(names);
	free(span);
	term_wrap(t, TERM_BOLD, 0, 2, text);
	free(text);
	for (size_t i = 0; i < N_CHANGES; i++) {
		if (s->least[i + 1] == 0)
			continue;
		span = every(s, i + 1);
		(void)fprintf(t->out, "  %s%s, renewed %s\n",
		    changes[i].words, changes[i].from <= s->now ?
		    " (since then)" : "", span);
		free(span);
	}
}
