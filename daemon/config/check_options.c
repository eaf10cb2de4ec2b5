/* SPDX-License-Identifier: MIT */
#include "daemon/config/check_options.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "daemon/config/opt.h"
#include "daemon/config/provider_values.h"

static void
set_secret_file(struct check *c, const struct section *sec, const char *key,
    bool is_text, struct provider_values *values, int opt)
{
	char *path = opt_file(c->m, sec, key);
	struct error err;

	if (path == NULL)
		return;			/* told */
	if (provider_values_set_file(values, opt, path, is_text, &err) == -1)
		opt_absent(c->m, sec, tree_value(sec, key)->line, "%s: %s",
		    key, err.msg);
	else
		check_hash_secret(c, provider_str(values, opt));
	free(path);
}

static void
set_literal(struct check *c, const struct section *sec,
    const struct item *item, struct provider_values *values, int opt)
{
	const char **texts = xcalloc(item->n + 1, sizeof(*texts));
	int line = item->n > 0 ? item->values[0]->line : sec->line;
	struct error err;

	for (size_t i = 0; i < item->n; i++)
		texts[i] = item->values[i]->text;
	if (provider_values_set(values, opt, texts, item->n, &err) == -1)
		opt_mistake(c->m, sec, line, "%s", err.msg);
	free(texts);
}

/* As exec_words() takes it: one text may have arguments in it. */
static void
look_at_program(struct check *c, const struct section *sec,
    const struct item *item, const char *key)
{
	const struct value *v = item->values[0];
	struct stat st;
	bool is_line = item->n == 1 && stat(v->text, &st) == -1;
	char *name = xstrndup(v->text, is_line ? strcspn(v->text, " \t\n") :
	    strlen(v->text));

	if (name[0] == '/')
		check_program(c, sec, key, name, v->line);
	free(name);
}

/* A secret in acmed.conf itself, of one line. */
static void
set_secret(struct check *c, const struct section *sec, const char *key,
    const struct value *v, struct provider_values *values, int opt)
{
	char *secret = opt_secret(c->m, sec, key, v);
	const char *text = secret;
	struct error err;

	if (secret != NULL &&
	    provider_values_set(values, opt, &text, 1, &err) == -1)
		opt_mistake(c->m, sec, v->line, "%s", err.msg);
	freezero_str(secret);
}

/* An option that is itself the path of a file. */
static void
set_path(struct check *c, const struct section *sec,
    const struct provider_opt *o, struct provider_values *values, int opt)
{
	char *path = opt_file(c->m, sec, o->name);
	const char *text = path;
	struct error err;

	if (path != NULL && c->m->is_elsewhere && access(path, R_OK) == -1)
		c->m->n_absent++;
	if (path != NULL &&
	    provider_values_set(values, opt, &text, 1, &err) == -1)
		opt_mistake(c->m, sec, sec->line, "%s", err.msg);
	free(path);
}

/* The zone of all names, in the form that names have everywhere. */
static void
set_zone(struct check *c, const struct section *sec, const struct value *v,
    struct provider_values *values, int opt)
{
	char zone[DNAME_SIZE];
	const char *text = zone;
	struct error err;

	if (dname_normalize_zone(v->text, zone, &err) == -1 ||
	    provider_values_set(values, opt, &text, 1, &err) == -1)
		opt_mistake(c->m, sec, v->line, "zone: %s", err.msg);
}

static bool
is_path(const struct provider_opt *o)
{
	size_t n = strlen(o->name);

	return o->type == PROVIDER_OPT_STRING && n > strlen("_file") &&
	    strcmp(o->name + n - strlen("_file"), "_file") == 0;
}

/* One option: NAME, or for a secret NAME_file. */
static void
check_option(struct check *c, const struct section *sec,
    const struct provider_opt *o, struct provider_values *values, int opt,
    bool is_lent)
{
	const struct item *item = tree_item(sec, o->name);
	char *key = xasprintf("%s_file", o->name);
	const struct value *file = o->secret ? tree_value(sec, key) : NULL;
	int line = item != NULL && item->n > 0 ? item->values[0]->line :
	    sec->line;

	if (is_lent && (item != NULL || file != NULL))
		opt_mistake(c->m, sec, item != NULL ? line : file->line,
		    "%s and credentials are given; allowed: one of them",
		    item != NULL ? o->name : key);
	else if (is_lent)
		;			/* theirs */
	else if (item != NULL && file != NULL)
		opt_mistake(c->m, sec, file->line, "%s and %s are given; "
		    "allowed: one of them", o->name, key);
	else if (file != NULL)
		set_secret_file(c, sec, key, o->is_text, values, opt);
	else if (o->required && (item == NULL || item->n == 0))
		opt_mistake(c->m, sec, sec->line, "%s%s%s is missing (%s)",
		    o->name, o->secret ? " or " : "", o->secret ? key : "",
		    o->help);
	else if (item != NULL && o->secret && opt_is_open(sec))
		opt_refuse_open(c->m, sec, line, o->name);
	else if (item != NULL && item->n == 1 && o->secret && !o->is_text)
		set_secret(c, sec, o->name, item->values[0], values, opt);
	else if (item != NULL && is_path(o))
		set_path(c, sec, o, values, opt);
	else if (item != NULL && item->n == 1 && item->values[0]->text[0] !=
	    '\0' && strcmp(o->name, "zone") == 0)
		set_zone(c, sec, item->values[0], values, opt);
	else if (item != NULL)
		set_literal(c, sec, item, values, opt);
	if (item != NULL && item->n > 0 && o->is_program)
		look_at_program(c, sec, item, o->name);
	free(key);
}

/* A check of all options together begins with the one that it is about. */
static int
line_of(const struct section *sec, const struct provider_opt *opts,
    const char *msg)
{
	size_t n = strspn(msg, "abcdefghijklmnopqrstuvwxyz0123456789_");

	for (const struct provider_opt *o = opts; o != NULL &&
	    o->name != NULL; o++) {
		const struct value *v = NULL;
		char *file;

		if (strlen(o->name) != n || strncmp(o->name, msg, n) != 0)
			continue;
		file = xasprintf("%s_file", o->name);
		v = tree_value(sec, o->name);
		if (v == NULL)
			v = tree_value(sec, file);
		free(file);
		if (v != NULL)
			return v->line;
	}
	return sec->line;
}

struct provider_values *
check_options(struct check *c, const struct section *sec,
    const struct provider_opt *opts,
    int (*check)(const struct provider_values *, struct error *),
    struct provider_values *lender)
{
	struct provider_values *values = provider_values_of(opts, check);
	size_t before = c->m->n;
	struct error err;

	for (int i = 0; opts != NULL && opts[i].name != NULL; i++)
		check_option(c, sec, &opts[i], values, i,
		    provider_values_lends(lender, opts[i].name));
	if (lender != NULL)
		provider_values_borrow(values, lender);
	/* It may rely on what the table says of each option. */
	if (c->m->n == before && check != NULL && !(c->m->is_elsewhere &&
	    c->m->n_absent > 0) && check(values, &err) == -1)
		opt_mistake(c->m, sec, line_of(sec, opts, err.msg), "%s",
		    err.msg);
	return values;
}
