/* SPDX-License-Identifier: MIT */
#include "daemon/config/parse.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "daemon/config/schema.h"
#include "daemon/config/tree.h"

int
parse_value_cb(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	*(struct value **)result = value_new(value, cfg->line);
	return 0;
}

int
parse_end_cb(cfg_t *cfg, cfg_opt_t *opt, const char *value, void *result)
{
	/* In a section it means that a brace is missing. */
	*(long *)result = strcmp(cfg->name, "root") == 0;
	return 0;
}

/* libconfuse has no pointer for its user; the sentinel carries one. */
static struct parse_state *
state_of(cfg_t *cfg)
{
	for (cfg_opt_t *o = cfg->opts; o->name != NULL; o++) {
		if (strcmp(o->name, SCHEMA_END) == 0)
			return (struct parse_state *)(void *)
			    o->simple_value.number;
	}
	return NULL;
}

static void error_cb(cfg_t *, const char *, va_list)
    __attribute__((format(printf, 2, 0)));

static void
error_cb(cfg_t *cfg, const char *fmt, va_list ap)
{
	struct parse_state *state = state_of(cfg);

	if (state == NULL || state->error_line != 0)
		return;			/* the first one counts */
	state->error_line = cfg->line;
	(void)vsnprintf(state->error, sizeof(state->error), fmt, ap);
}

static struct section *take_section(cfg_t *, const struct key *,
	    const struct schema *, const struct source *);

/* Move the values of an option to the item. */
static void
take_values(cfg_opt_t *opt, struct item *item)
{
	item->n = opt->nvalues;
	if (item->n == 0)
		return;
	item->values = xcalloc(item->n, sizeof(*item->values));
	for (size_t i = 0; i < item->n; i++) {
		item->values[i] = opt->values[i]->ptr;
		opt->values[i]->ptr = NULL;
	}
}

static void
take_subs(cfg_opt_t *opt, const struct key *key, const struct schema *schema,
    struct section *parent)
{
	const struct key *keys = key->sub;

	if (opt->nvalues == 0)
		return;
	if (keys == NULL)
		keys = schema->provider_any;
	parent->subs = xreallocarray(parent->subs,
	    parent->n_subs + opt->nvalues, sizeof(*parent->subs));
	for (unsigned i = 0; i < opt->nvalues; i++) {
		struct section *sub = take_section(opt->values[i]->section,
		    keys, schema, parent->src);

		sub->kind = key->name;
		sub->parent = parent;
		parent->subs[parent->n_subs++] = sub;
	}
}

/* The text of an option of ours, "" if it is absent. */
static const char *
own_text(cfg_t *cfg, size_t index)
{
	cfg_opt_t *opt = &cfg->opts[index];
	const struct value *v = opt->nvalues > 0 ? opt->values[0]->ptr : NULL;

	return v != NULL ? v->text : "";
}

/* cfg's options are in the order of keys, then title, line and end. */
static struct section *
take_section(cfg_t *cfg, const struct key *keys, const struct schema *schema,
    const struct source *src)
{
	struct section *sec = xcalloc(1, sizeof(*sec));
	size_t n = 0, used = 0;
	char *order;

	for (; keys[n].name != NULL; n++) {
		if ((cfg->opts[n].flags & CFGF_MODIFIED) != 0)
			used++;
	}
	sec->src = src;
	sec->title = xstrdup(own_text(cfg, n));
	sec->line = (int)strtol(own_text(cfg, n + 1), &order, 10);
	sec->order = *order != '\0' ? xstrdup(order) : NULL;
	sec->items = xcalloc(used + 1, sizeof(*sec->items));
	for (size_t i = 0; i < n; i++) {
		if (keys[i].shape == SHAPE_SECTION) {
			take_subs(&cfg->opts[i], &keys[i], schema, sec);
		} else if ((cfg->opts[i].flags & CFGF_MODIFIED) != 0) {
			struct item *item = &sec->items[sec->n_items++];

			item->key = keys[i].name;
			take_values(&cfg->opts[i], item);
		}
	}
	return sec;
}

struct section *
parse_text(struct schema *schema, const struct source *src, char *text,
    size_t len, bool has_provider, struct mistakes *m)
{
	struct parse_state *state = &schema->state;
	struct section *sec = NULL;
	FILE *fp = fmemopen(text, len, "r");
	cfg_t *cfg = cfg_init(has_provider ? schema->opts : schema->opts_lean,
	    CFGF_NONE);
	int rc;

	*state = (struct parse_state){ 0 };
	if (fp == NULL || cfg == NULL) {
		mistake_add(m, CONF_MISTAKE, src, 0, TOP_FILE, "%s",
		    strerror(errno));
		goto out;
	}
	(void)cfg_set_error_function(cfg, error_cb);
	rc = cfg_parse_fp(cfg, fp);
	if (rc == CFG_SUCCESS && state->error_line == 0 && state->end_seen)
		sec = take_section(cfg, schema_root, schema, src);
	else if (state->error_line != 0)
		mistake_add(m, CONF_MISTAKE, src, state->error_line, TOP_FILE,
		    "syntax error: %s", state->error);
	else
		mistake_add(m, CONF_MISTAKE, src, 0, TOP_FILE, "syntax error: "
		    "the file ends inside a section");
out:
	if (cfg != NULL)
		(void)cfg_free(cfg);	/* also resets its lexer */
	if (fp != NULL)
		(void)fclose(fp);
	return sec;
}
