/* SPDX-License-Identifier: MIT */
#include "daemon/config/recipe_load.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/access.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/pool.h"
#include "common/text.h"
#include "daemon/config/opt.h"
#include "daemon/config/parse.h"
#include "daemon/config/recipe_check.h"
#include "daemon/config/schema.h"

#define FILE_MAX	65536
#define N_COMMON	4		/* of common_opts */

static const struct provider_opt common_opts[] = {
	{ .name = "fingerprint", .help = "SHA-256 of the certificate that the "
	    "API shows, trusted whoever issued it" },
	PROVIDER_HTTP_OPTS,
	{ .name = NULL }
};
_Static_assert(sizeof(common_opts) / sizeof(common_opts[0]) == N_COMMON + 1,
    "common_opts");

static const char *const folders[] = {
	[RECIPE_DEPLOY] = "recipes", [RECIPE_MESSAGE] = "templates",
};

char *
recipe_dir(enum recipe_kind kind, const char *conf_path, bool is_own)
{
	const char *slash = strrchr(conf_path, '/');

	if (!is_own)
		return xasprintf(PKGDATADIR "/%s", folders[kind]);
	return xasprintf("%.*s/%s", slash == NULL ? 1 :
	    (int)(slash - conf_path), slash == NULL ? "." : conf_path,
	    folders[kind]);
}

/* The file of that name; its own place first.  NULL: there is none. */
static char *
find_file(enum recipe_kind kind, const char *conf_path, const char *name,
    struct stat *st)
{
	for (int i = 1; i >= 0; i--) {
		char *dir = recipe_dir(kind, conf_path, i == 1);
		char *path = xasprintf("%s/%s.conf", dir, name);

		free(dir);
		if (lstat(path, st) == 0)
			return path;
		free(path);
	}
	return NULL;
}

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

char **
recipe_names(enum recipe_kind kind, const char *conf_path)
{
	char **names = xcalloc(1, sizeof(*names));
	size_t n = 0, kept = 0;
	struct error err;

	for (int i = 0; i < 2; i++) {
		char *dir = recipe_dir(kind, conf_path, i == 0);
		char *pattern = xasprintf("%s/*.conf", dir);
		glob_t g = { 0 };

		if (glob(pattern, 0, NULL, &g) != 0)
			g.gl_pathc = 0;
		names = xreallocarray(names, n + g.gl_pathc + 1,
		    sizeof(*names));
		for (size_t j = 0; j < g.gl_pathc; j++) {
			const char *file = strrchr(g.gl_pathv[j], '/') + 1;

			names[n] = xasprintf("%.*s", (int)(strlen(file) -
			    strlen(".conf")), file);
			if (object_name_check(names[n], &err) == 0)
				n++;
			else
				free(names[n]);
		}
		globfree(&g);
		free(pattern);
		free(dir);
	}
	qsort(names, n, sizeof(*names), compare_names);
	for (size_t i = 0; i < n; i++) {
		if (kept > 0 && strcmp(names[kept - 1], names[i]) == 0)
			free(names[i]);
		else
			names[kept++] = names[i];
	}
	names[kept] = NULL;
	return names;
}

static const struct section **
collect(const struct section *root, const char *kind, size_t *n)
{
	const struct section **list = xcalloc(root->n_subs + 1,
	    sizeof(*list));

	while ((list[*n] = recipe_nth(root, kind, *n)) != NULL)
		++*n;
	return list;
}

/* --- options --- */

static enum provider_opt_type
option_type(const struct section *sec)
{
	static const struct {
		const char *name;
		enum provider_opt_type type;
	} types[] = {
		{ "int", PROVIDER_OPT_INT }, { "bool", PROVIDER_OPT_BOOL },
		{ "list", PROVIDER_OPT_LIST },
	};
	const struct value *v = tree_value(sec, "type");

	for (size_t i = 0; v != NULL && i < sizeof(types) / sizeof(types[0]);
	    i++) {
		if (strcmp(types[i].name, v->text) == 0)
			return types[i].type;
	}
	return PROVIDER_OPT_STRING;
}

static bool
is_true(const struct section *sec, const char *key)
{
	const struct value *v = tree_value(sec, key);

	return v != NULL && opt_parse_bool(v->text) == 1;
}

/* The tables that check_options() takes; texts are in the pool. */
static void
make_options(struct recipe *r)
{
	const struct section *sec;

	while (recipe_nth(r->root, "option", r->n_opts) != NULL)
		r->n_opts++;
	r->opts = xcalloc(r->n_opts + N_COMMON + 1, sizeof(*r->opts));
	for (size_t i = 0; i < r->n_opts; i++) {
		const struct value *help, *fallback;

		sec = recipe_nth(r->root, "option", i);
		help = tree_value(sec, "help");
		fallback = tree_value(sec, "default");
		r->opts[i] = (struct provider_opt){
		    .name = sec->title,
		    .help = help != NULL ? help->text : "",
		    .type = option_type(sec),
		    .required = is_true(sec, "required"),
		    .secret = is_true(sec, "secret") ||
		    (r->kind == RECIPE_MESSAGE &&
		    strcmp(sec->title, "secret") == 0),
		    .fallback = fallback != NULL ? fallback->text : NULL };
	}
	/* A channel has keys of its own for these. */
	if (r->kind == RECIPE_DEPLOY)
		memcpy(r->opts + r->n_opts, common_opts,
		    sizeof(common_opts));
}

/* --- the file --- */

static void
tell_missing(enum recipe_kind kind, const char *conf_path, const char *name,
    struct mistakes *m)
{
	const char *word = kind == RECIPE_DEPLOY ? "recipe" : "template";
	char **names = recipe_names(kind, conf_path), *all;
	char *own = recipe_dir(kind, conf_path, true);
	struct source src = { .path = own };
	const char *near;
	size_t n = 0;

	while (names[n] != NULL)
		n++;
	near = text_nearest(name, (const char *const *)names, n);
	all = xasprintf("there is no %s.conf here, nor in " PKGDATADIR
	    "/%s%s%s%s; acmed --list-%ss prints all %ss%s", name,
	    folders[kind], near != NULL ? "; did you mean \"" : "",
	    near != NULL ? near : "", near != NULL ? "\"?" : "",
	    word, word, kind == RECIPE_DEPLOY ? "" : " beside those that are "
	    "built in: json, dingtalk, wecom, feishu, slack, telegram, ntfy");
	mistake_add(m, CONF_MISTAKE, &src, 0, TOP_FILE, "%s", all);
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	free(own);
	free(all);
}

/* Its text, or NULL and a mistake. */
static char *
read_text(const struct recipe *r, const struct stat *st, size_t *len,
    struct mistakes *m)
{
	char *folder = NULL, *text = NULL;
	char *fault = access_others(r->src.path, st, &folder);
	struct error err;

	free(folder);
	if (fault == NULL && file_read(AT_FDCWD, r->src.path, FILE_MAX, &text,
	    len, &err) == -1)
		fault = xstrdup(err.msg);
	if (fault == NULL && memchr(text, '\0', *len) != NULL)
		fault = xstrdup("syntax error: found a NUL byte");
	if (fault != NULL) {
		mistake_add(m, CONF_MISTAKE, &r->src, 0, TOP_FILE, "%s",
		    fault);
		free(text);
		text = NULL;
	}
	free(fault);
	return text;
}

struct recipe *
recipe_load(enum recipe_kind kind, const char *conf_path, const char *name,
    struct mistakes *m)
{
	struct recipe *r = xcalloc(1, sizeof(*r));
	size_t before = m->n_wrong, len;
	struct error err;
	struct stat st;
	char *text = NULL;

	r->refs = 1;
	r->kind = kind;
	r->name = xstrdup(name);
	r->src.pool = pool_new();
	if (object_name_check(name, &err) == 0)
		r->src.path = find_file(kind, conf_path, name, &st);
	if (r->src.path == NULL)
		tell_missing(kind, conf_path, name, m);
	else
		text = read_text(r, &st, &len, m);
	if (text != NULL)
		r->root = parse_text(NULL, schema_recipe, &r->src, text, len,
		    m);
	free(text);
	if (r->root != NULL) {
		r->requests = collect(r->root, "request", &r->n_requests);
		r->finish = collect(r->root, "finish", &r->n_finish);
		make_options(r);
		recipe_check(r, m);
	}
	if (m->n_wrong > before) {
		recipe_unref(r);
		return NULL;
	}
	return r;
}
