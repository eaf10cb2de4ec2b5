/* SPDX-License-Identifier: MIT */
#include "daemon/config/secret_file.h"

#include <sys/stat.h>

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"

/* No operation lasts longer. */
#define OLD_MS	(INT64_C(2) * 3600 * 1000)

struct old {
	struct old	*next;
	char		*text;
	int64_t		 until;		/* monotonic */
};

struct secret_file {
	struct secret_file *next;
	char		*path;
	size_t		 max;
	bool		 is_text;
	char		**slot;
	struct stat	 seen;
	struct old	*old;		/* what was in the slot */
};

/* The same file as it was?  One that is written in place has a new ctime. */
static bool
is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino &&
	    a->st_size == b->st_size &&
	    a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
	    a->st_ctim.tv_sec == b->st_ctim.tv_sec &&
	    a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static int
read_text(const struct secret_file *f, char **text, struct error *err)
{
	return (f->is_text ? file_read_private : file_read_secret)(f->path,
	    f->max, text, err);
}

int
secret_files_add(struct secret_files *files, char **slot, const char *path,
    size_t max, bool is_text, struct error *err)
{
	struct secret_file *f = xcalloc(1, sizeof(*f));

	f->path = xstrdup(path);
	f->max = max;
	f->is_text = is_text;
	f->slot = slot;
	/* First: what is written in between is read again. */
	if (stat(path, &f->seen) == -1)
		memset(&f->seen, 0, sizeof(f->seen));
	if (read_text(f, slot, err) == -1) {
		*slot = NULL;
		free(f->path);
		free(f);
		return -1;
	}
	f->next = files->first;
	files->first = f;
	return 0;
}

/* Those of more than OLD_MS ago are at the end. */
static void
drop_old(struct secret_file *f, int64_t now)
{
	struct old **at = &f->old, *old;

	while (*at != NULL && (*at)->until > now)
		at = &(*at)->next;
	while ((old = *at) != NULL) {
		*at = old->next;
		freezero_str(old->text);
		free(old);
	}
}

static int
look(struct secret_file *f, int (*check)(const void *, struct error *),
    const void *arg, struct error *err)
{
	struct stat now;
	char *text, *before = *f->slot;
	struct old *old;

	if (stat(f->path, &now) == -1 || is_same(&now, &f->seen))
		return 0;
	if (read_text(f, &text, err) == -1)
		return -1;
	*f->slot = text;
	if (check != NULL && check(arg, err) == -1) {
		*f->slot = before;
		freezero_str(text);
		return -1;
	}
	f->seen = now;
	drop_old(f, clock_mono_ms());
	old = xcalloc(1, sizeof(*old));
	old->text = before;
	old->until = clock_mono_ms() + OLD_MS;
	old->next = f->old;
	f->old = old;
	return 0;
}

int
secret_files_look(struct secret_files *files,
    int (*check)(const void *, struct error *), const void *arg,
    struct error *err)
{
	for (struct secret_file *f = files == NULL ? NULL : files->first;
	    f != NULL; f = f->next) {
		if (look(f, check, arg, err) == -1)
			return -1;
	}
	return 0;
}

void
secret_files_clear(struct secret_files *files)
{
	struct secret_file *f;

	while (files != NULL && (f = files->first) != NULL) {
		files->first = f->next;
		drop_old(f, INT64_MAX);
		free(f->path);
		free(f);
	}
}
