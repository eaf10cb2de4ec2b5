/* SPDX-License-Identifier: MIT */
/* watch "NAME" { targets = { ... } files = { ... } } */
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/check_deploy.h"
#include "daemon/config/opt.h"

#define TARGETS_MAX 100
#define FILES_MAX 100
#define WHAT_MAX 180		/* bytes: it is a part of keys in state.db */
#define DAY 86400

static void
check_length(struct check *c, const struct section *sec,
    const struct item *item, size_t i, const char *text)
{
	if (strlen(text) > WHAT_MAX)
		opt_mistake(c->m, sec, item->values[i]->line, "%s: \"%s\" is "
		    "too long; allowed: %d bytes", item->key, text, WHAT_MAX);
}

/* It is not one of those before it. */
static void
check_twice(struct check *c, const struct section *sec,
    const struct item *item, size_t i)
{
	const struct value *v = item->values[i];

	for (size_t j = 0; j < i; j++) {
		if (strcmp(item->values[j]->text, v->text) != 0)
			continue;
		opt_mistake(c->m, sec, v->line, "%s: \"%s\" is given twice; "
		    "allowed: once", item->key, v->text);
		return;
	}
}

static size_t
check_values(struct check *c, const struct section *sec, const char *key,
    size_t max)
{
	const struct item *item = tree_item(sec, key);
	size_t n = item != NULL ? item->n : 0;

	if (n > max) {
		opt_mistake(c->m, sec, item->values[max]->line, "%s has %zu "
		    "entries; allowed: at most %zu", key, n, max);
		n = max;
	}
	for (size_t i = 0; i < n; i++)
		check_twice(c, sec, item, i);
	return n;
}

static void
check_targets(struct check *c, const struct section *sec,
    struct conf_watch *w)
{
	const struct item *item = tree_item(sec, "targets");
	size_t n = check_values(c, sec, "targets", TARGETS_MAX);

	w->texts = opt_list(c->m, sec, "targets");
	w->targets = xcalloc(n + 1, sizeof(*w->targets));
	for (size_t i = 0; i < n; i++) {
		check_length(c, sec, item, i, item->values[i]->text);
		check_verify_entry(c, sec, "targets", item->values[i],
		    &w->targets[w->n_targets++]);
	}
}

static void
check_watch_files(struct check *c, const struct section *sec,
    struct conf_watch *w)
{
	const struct item *item = tree_item(sec, "files");
	size_t n = check_values(c, sec, "files", FILES_MAX);

	w->files = xcalloc(n + 1, sizeof(*w->files));
	for (size_t i = 0; i < n; i++) {
		w->files[i] = opt_path(sec->src, item->values[i]->text);
		check_length(c, sec, item, i, w->files[i]);
	}
}

struct conf_watch *
check_watch(struct check *c, const struct section *sec)
{
	struct conf_watch *w = xcalloc(1, sizeof(*w));

	w->name = xstrdup(sec->title);
	check_targets(c, sec, w);
	check_watch_files(c, sec, w);
	if (w->n_targets == 0 && w->files[0] == NULL)
		opt_mistake(c->m, sec, sec->line, "it watches nothing; "
		    "allowed: targets = { \"HOST:PORT\" }, files = { "
		    "\"PATH\" }");
	w->warn_s = opt_duration(c->m, sec, "warn", 3600, 825L * DAY, 0);
	w->ca_file = opt_ca_file(c->m, sec);
	return w;
}

void
check_free_watch(struct conf_watch *w)
{
	if (w == NULL)
		return;
	for (size_t i = 0; i < w->n_targets; i++)
		check_free_verify_entry(&w->targets[i]);
	free(w->targets);
	opt_list_free(w->texts);
	strv_free(w->files);
	free(w->ca_file);
	free(w->name);
	free(w);
}
