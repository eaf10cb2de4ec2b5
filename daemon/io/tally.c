/* SPDX-License-Identifier: MIT */
#include "daemon/io/tally.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

/* From an answer next door to the time limit of a slow vendor. */
static const struct {
	int64_t		 ms;
	const char	*le;		/* the same in seconds */
} buckets[HISTOGRAM_BUCKETS] = {
	{ 5, "0.005" }, { 10, "0.01" }, { 25, "0.025" }, { 50, "0.05" },
	{ 100, "0.1" }, { 250, "0.25" }, { 500, "0.5" }, { 1000, "1" },
	{ 2500, "2.5" }, { 5000, "5" }, { 10000, "10" }, { 30000, "30" },
};

void
histogram_add(struct histogram *h, int64_t ms)
{
	size_t i = 0;

	if (ms < 0)
		ms = 0;
	while (i < HISTOGRAM_BUCKETS && ms > buckets[i].ms)
		i++;
	h->n[i]++;
	h->sum_ms += (uint64_t)ms;
}

static unsigned long
histogram_count(const struct histogram *h)
{
	unsigned long n = 0;

	for (size_t i = 0; i <= HISTOGRAM_BUCKETS; i++)
		n += h->n[i];
	return n;
}

void
histogram_print(const struct histogram *h, const char *name,
    const char *labels, FILE *f)
{
	const char *comma = labels[0] != '\0' ? "," : "";
	const char *open = labels[0] != '\0' ? "{" : "";
	const char *close = labels[0] != '\0' ? "}" : "";
	unsigned long n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += h->n[i];
		fprintf(f, "%s_bucket{%s%sle=\"%s\"} %lu\n", name, labels,
		    comma, buckets[i].le, n);
	}
	n += h->n[HISTOGRAM_BUCKETS];
	fprintf(f, "%s_bucket{%s%sle=\"+Inf\"} %lu\n%s_sum%s%s%s %" PRIu64
	    ".%03" PRIu64 "\n%s_count%s%s%s %lu\n", name, labels, comma, n,
	    name, open, labels, close, h->sum_ms / 1000, h->sum_ms % 1000,
	    name, open, labels, close, n);
}

void
tally_add(struct tally *t, int64_t ms, enum err_kind kind)
{
	if (t == NULL)
		return;
	histogram_add(&t->took, ms);
	if (kind != ERR_NONE)
		t->failed[kind]++;
}

void
tallies_init(struct tallies *l)
{
	TAILQ_INIT(&l->list);
	l->n = 0;
}

void
tallies_clear(struct tallies *l)
{
	struct tally *t;

	while ((t = TAILQ_FIRST(&l->list)) != NULL) {
		TAILQ_REMOVE(&l->list, t, link);
		free(t->labels);
		free(t);
	}
}

/* A label's value, as the text format has it. */
static void
put_value(FILE *f, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == '\\' || *s == '"')
			fputc('\\', f);
		if (*s == '\n')
			fputs("\\n", f);
		else
			fputc(*s, f);
	}
}

static char *
labels_of(const char *key1, const char *value1, const char *key2,
    const char *value2)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (f == NULL)
		abort();
	fprintf(f, "%s=\"", key1);
	put_value(f, value1);
	fprintf(f, "\",%s=\"", key2);
	put_value(f, value2);
	fputc('"', f);
	if (fclose(f) != 0 || text == NULL)
		abort();
	return text;
}

/* labels are taken. */
static struct tally *
find(struct tallies *l, char *labels, unsigned max)
{
	struct tally *t;

	TAILQ_FOREACH(t, &l->list, link) {
		if (strcmp(t->labels, labels) == 0) {
			free(labels);
			return t;
		}
	}
	if (l->n >= max) {
		free(labels);
		return NULL;
	}
	t = xcalloc(1, sizeof(*t));
	t->labels = labels;
	TAILQ_INSERT_TAIL(&l->list, t, link);
	l->n++;
	return t;
}

struct tally *
tallies_get(struct tallies *l, const char *key1, const char *value1,
    const char *key2, const char *value2)
{
	struct tally *t = find(l, labels_of(key1, value1, key2, value2),
	    TALLIES_MAX);

	return t != NULL ? t : find(l, labels_of(key1, "other", key2, "other"),
	    TALLIES_MAX + 1);
}

void
tallies_print(const struct tallies *l, const char *name, const char *whom,
    FILE *f)
{
	const struct tally *t;
	char *took;

	if (TAILQ_EMPTY(&l->list))
		return;
	fprintf(f, "# HELP %s_requests_total requests to %s since the start.\n"
	    "# TYPE %s_requests_total counter\n", name, whom, name);
	TAILQ_FOREACH(t, &l->list, link)
		fprintf(f, "%s_requests_total{%s} %lu\n", name, t->labels,
		    histogram_count(&t->took));
	fprintf(f, "# HELP %s_request_errors_total those of them that failed, "
	    "by the kind of error.\n"
	    "# TYPE %s_request_errors_total counter\n", name, name);
	TAILQ_FOREACH(t, &l->list, link) {
		for (int i = ERR_NONE + 1; i < ERR_KIND_END; i++)
			fprintf(f, "%s_request_errors_total{%s,kind=\"%s\"} "
			    "%lu\n", name, t->labels,
			    err_kind_name((enum err_kind)i), t->failed[i]);
	}
	took = xasprintf("%s_request_duration_seconds", name);
	fprintf(f, "# HELP %s how long requests to %s took.\n"
	    "# TYPE %s histogram\n", took, whom, took);
	TAILQ_FOREACH(t, &l->list, link)
		histogram_print(&t->took, took, t->labels, f);
	free(took);
}
