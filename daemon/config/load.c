/* SPDX-License-Identifier: MIT */
#include "daemon/config/load.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <glob.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/access.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/pool.h"
#include "daemon/config/mistakes.h"
#include "daemon/config/opt.h"
#include "daemon/config/parse.h"
#include "daemon/config/saved.h"
#include "daemon/config/schema.h"
#include "daemon/config/tree.h"

#define FILE_MAX (64 << 20)	/* bytes; 200,000 certificates in one file */
#define DEPTH_MAX 10

/* Where a file is included from. */
struct from {
	const struct source *src;	/* NULL: it is the main file */
	int		 line;
	unsigned	 depth;
};

struct seen {
	dev_t		 dev;
	ino_t		 ino;
	const struct source *src;
	const struct source *from;
	int		 line;
};

static void load_file(struct load *, const char *path, const struct from *);

static int
compare_seen(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

static bool read_saved(struct load *, const char *path,
    const struct from *);

/* A file cannot be read; told where it is included. */
static void
complain(struct load *l, const struct from *from, const char *path,
    const char *what)
{
	struct source main_file = { .path = (char *)(uintptr_t)path };

	if (read_saved(l, path, from))
		return;
	l->is_partial = true;
	if (from->src == NULL)
		mistake_add(l->m, CONF_MISTAKE, &main_file, 0, TOP_FILE, "%s",
		    what);
	else
		mistake_add(l->m, CONF_MISTAKE, from->src, from->line,
		    TOP_INCLUDE, "include: %s: %s", path, what);
	l->m->list[l->m->n - 1].path = xstrdup(path);
}

/* err.msg of file_read(), which begins with the path. */
static void
complain_error(struct load *l, const struct from *from, const char *path,
    const char *what)
{
	size_t n = strlen(path);

	if (strncmp(what, path, n) == 0 && strncmp(what + n, ": ", 2) == 0)
		what += n + 2;
	complain(l, from, path, what);
}

static void
complain_errno(struct load *l, const struct from *from, const char *path)
{
	char *fault;

	if (errno != EACCES) {
		complain(l, from, path, strerror(errno));
		return;
	}
	fault = access_fault(path);
	complain(l, from, path, fault);
	free(fault);
}

static struct source *
add_source(struct load *l, const char *path, const struct stat *st)
{
	struct source *src = pool_alloc(l->pool, sizeof(*src));

	if (l->n == l->room) {
		l->room = l->room * 2 + 8;
		l->sources = xreallocarray(l->sources, l->room,
		    sizeof(*l->sources));
		l->files = xreallocarray(l->files, l->room,
		    sizeof(*l->files));
	}
	src->path = pool_memdup(l->paths, path, strlen(path) + 1);
	src->pool = l->pool;
	src->order = (unsigned)l->n;
	src->is_public = (st->st_mode & S_IROTH) != 0;
	l->files[l->n] = NULL;
	l->sources[l->n++] = src;
	return src;
}

/* Remember the file; -1 if it has been read before. */
static int
remember(struct load *l, const char *path, const struct from *from,
    const struct stat *st)
{
	struct seen *s = xcalloc(1, sizeof(*s));
	struct seen **node;
	char *what;

	s->dev = st->st_dev;
	s->ino = st->st_ino;
	node = tsearch(s, &l->seen, compare_seen);
	if (node == NULL)
		abort();		/* like xmalloc() */
	if (*node == s) {
		s->from = from->src;
		s->line = from->line;
		s->src = add_source(l, path, st);
		return 0;
	}
	free(s);
	s = *node;
	if (s->from == NULL)
		what = xstrdup("it is read already; it is the main file");
	else
		what = xasprintf("it is read already, included in %s:%d",
		    s->from->path, s->line);
	complain(l, from, path, what);
	free(what);
	return -1;
}

static bool
is_known(struct load *l, const struct stat *st)
{
	const struct seen s = { .dev = st->st_dev, .ino = st->st_ino };

	return tfind(&s, &l->seen, compare_seen) != NULL;
}

static int
refuse_dir_error(const char *path, int err)
{
	return err != ENOENT && err != ENOTDIR;
}

/* An empty directory of configuration files is as it is installed. */
static bool
is_empty_dir(const char *pattern)
{
	char *dir = xstrdup(pattern), *slash = strrchr(dir, '/');
	struct dirent *e;
	bool empty = true;
	DIR *d;

	if (slash != NULL)
		*slash = '\0';
	d = opendir(slash == NULL ? "." : dir[0] != '\0' ? dir : "/");
	while (d != NULL && empty && (e = readdir(d)) != NULL)
		empty = e->d_name[0] == '.';
	if (d == NULL)
		empty = false;
	else
		(void)closedir(d);
	free(dir);
	return empty;
}

static void
warn_no_match(struct load *l, const struct source *src, int line,
    const char *pattern)
{
	if (!is_empty_dir(pattern))
		mistake_add(l->m, CONF_WARNING, src, line, TOP_INCLUDE,
		    "include: no file matches %s", pattern);
}

/* The directory cannot be read: what was there the last time. */
static bool
include_saved(struct load *l, const char *pattern, const struct from *from)
{
	const struct saved *saved = l->rules != NULL ? l->rules->saved : NULL;
	bool any = false;

	for (size_t i = 0; saved != NULL && i < saved->n; i++) {
		if (fnmatch(pattern, saved->files[i].path,
		    FNM_PATHNAME | FNM_PERIOD) == 0)
			any |= read_saved(l, saved->files[i].path, from);
	}
	return any;
}

/* Files that are not there yet, of which rules have the text. */
static bool
include_drafts(struct load *l, const char *pattern, const struct from *from)
{
	struct stat st;
	bool any = false;

	for (size_t i = 0; l->rules != NULL && l->rules->are_drafts &&
	    i < l->rules->n; i++) {
		const char *path = l->rules->list[i].path;

		if (fnmatch(pattern, path, FNM_PATHNAME | FNM_PERIOD) != 0 ||
		    lstat(path, &st) == 0)
			continue;
		load_file(l, path, from);
		any = true;
	}
	return any;
}

static void
include_pattern(struct load *l, const struct source *src,
    const struct value *v, unsigned depth)
{
	const struct from from = { src, v->line, depth };
	char *path;
	glob_t g;
	int rc;

	if (v->text[0] == '\0') {
		mistake_add(l->m, CONF_MISTAKE, src, v->line, TOP_INCLUDE,
		    "include(\"\"): allowed: a file or a pattern");
		return;
	}
	path = opt_path(src, v->text);
	if (strpbrk(v->text, "*?[") == NULL) {
		load_file(l, path, &from);
		free(path);
		return;
	}
	rc = glob(path, 0, refuse_dir_error, &g);
	if (rc == 0) {
		for (size_t i = 0; i < g.gl_pathc; i++)
			load_file(l, g.gl_pathv[i], &from);
		(void)include_drafts(l, path, &from);
	} else if (rc == GLOB_NOMATCH) {
		if (!include_drafts(l, path, &from))
			warn_no_match(l, src, v->line, path);
	} else if (!include_saved(l, path, &from)) {
		complain_errno(l, &from, path);
	}
	globfree(&g);
	free(path);
}

static struct load_rule *
find_rule(struct load *l, const char *path, int top)
{
	for (size_t i = 0; l->rules != NULL && i < l->rules->n; i++) {
		struct load_rule *rule = &l->rules->list[i];

		if (rule->top == top && strcmp(rule->path, path) == 0)
			return rule;
	}
	return NULL;
}

/* Take away the sections that rules name. */
static void
leave_out(struct load *l, struct section *file)
{
	size_t kept = 0;

	for (size_t i = 0; i < file->n_subs; i++) {
		struct section *sub = file->subs[i];
		struct load_rule *rule = find_rule(l, file->src->path,
		    sub->line);

		if (rule == NULL) {
			file->subs[kept++] = sub;
			continue;
		}
		free(rule->what);
		rule->what = xasprintf("%s \"%s\"", sub->kind, sub->title);
	}
	file->n_subs = kept;
}

/* Parse the text of a file that has been read. */
static void
load_text(struct load *l, struct source *src, char *text /* taken */,
    size_t len, unsigned depth)
{
	struct section *file = NULL;
	const struct item *includes;

	if (len >= 2 && (memcmp(text, "\xff\xfe", 2) == 0 ||
	    memcmp(text, "\xfe\xff", 2) == 0))
		mistake_add(l->m, CONF_MISTAKE, src, 0, TOP_FILE, "syntax "
		    "error: the file is UTF-16; save it as UTF-8");
	else if (memchr(text, '\0', len) != NULL)
		mistake_add(l->m, CONF_MISTAKE, src, 0, TOP_FILE,
		    "syntax error: found a NUL byte");
	else
		file = parse_text(l->schema, schema_root, src, text, len,
		    l->m);
	if (l->keep_texts) {
		src->text = pool_memdup(l->pool, text, len + 1);
		src->len = len;
	}
	freezero(text, len);
	if (file == NULL) {
		l->is_partial = true;
		return;
	}
	l->files[src->order] = file;
	leave_out(l, file);
	includes = tree_item(file, "include");
	for (size_t i = 0; includes != NULL && i < includes->n; i++)
		include_pattern(l, src, includes->values[i], depth + 1);
}

/* Read the last good version of a file, if rules allow that and it is there. */
static bool
read_saved(struct load *l, const char *path, const struct from *from)
{
	const struct saved_file *f = l->rules == NULL ? NULL :
	    saved_find(l->rules->saved, path);
	/* An identity that no file has. */
	struct stat st = { .st_dev = (dev_t)-1 };

	if (f == NULL || from->depth > DEPTH_MAX)
		return false;
	st.st_ino = (ino_t)(f - l->rules->saved->files);
	if (is_known(l, &st))
		return true;		/* told of the file itself */
	if (remember(l, path, from, &st) == -1)
		return true;
	l->sources[l->n - 1]->is_saved = true;
	load_text(l, l->sources[l->n - 1], xmemdup(f->text, f->len + 1),
	    f->len, from->depth);
	return true;
}

static void
load_file(struct load *l, const char *path, const struct from *from)
{
	struct load_rule *rule = find_rule(l, path, TOP_FILE);
	struct error err;
	struct stat st, link;
	char *text, *fault;
	size_t len;

	if (rule != NULL) {
		if (rule->saved != NULL)
			(void)read_saved(l, path, from);
		return;
	}
	if (from->depth > DEPTH_MAX) {
		complain(l, from, path, "files are included at more than 10 "
		    "levels");
		return;
	}
	if (lstat(path, &link) == -1 ||
	    (S_ISLNK(link.st_mode) && stat(path, &st) == -1)) {
		complain_errno(l, from, path);
		return;
	}
	if (!S_ISLNK(link.st_mode))
		st = link;
	if (!S_ISREG(st.st_mode)) {
		complain(l, from, path, "it is not a regular file");
		return;
	}
	fault = access_others(path, &link, &l->good_folder);
	if (fault != NULL) {
		complain(l, from, path, fault);
		free(fault);
		return;
	}
	if (remember(l, path, from, &st) == -1)
		return;
	if (file_read(AT_FDCWD, path, FILE_MAX, &text, &len, &err) == -1) {
		complain_error(l, from, path, err.msg);
		return;
	}
	load_text(l, l->sources[l->n - 1], text, len, from->depth);
}

void
load_all(struct load *l, const char *path)
{
	const struct from from = { NULL, 0, 0 };

	l->pool = pool_new();
	l->paths = pool_new();
	load_file(l, path, &from);
}

void
load_clear(struct load *l)
{
	free(l->files);
	l->files = NULL;
	tdestroy(l->seen, free);
	l->seen = NULL;
	free(l->good_folder);
	l->good_folder = NULL;
}
