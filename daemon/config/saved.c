/* SPDX-License-Identifier: MIT */
#include "daemon/config/saved.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/config/mistakes.h"

#define HEAD "acmed configuration 1\n"
#define SAVED_MAX ((size_t)256 << 20)	/* bytes */

/* HEAD, then for each file: its length, its path, newline, text, newline. */

static char *
saved_path(const char *state_dir)
{
	return xasprintf("%s/last-good", state_dir);
}

void
saved_free(struct saved *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->n; i++) {
		free(s->files[i].path);
		freezero(s->files[i].text, s->files[i].len);
	}
	free(s->files);
	free(s);
}

/* One file at *p; -1 if that is none. */
static int
parse_one(struct saved *s, const char **p, const char *end)
{
	const char *newline = memchr(*p, '\n', (size_t)(end - *p));
	struct saved_file *f;
	char *rest;
	unsigned long len;

	if (newline == NULL)
		return -1;
	errno = 0;
	len = strtoul(*p, &rest, 10);
	if (errno != 0 || rest == *p || *rest != ' ' ||
	    len >= (size_t)(end - newline) || newline[1 + len] != '\n')
		return -1;
	s->files = xreallocarray(s->files, s->n + 1, sizeof(*s->files));
	f = &s->files[s->n++];
	f->path = xstrndup(rest + 1, (size_t)(newline - rest - 1));
	f->len = len;
	f->text = xmalloc(len + 1);
	memcpy(f->text, newline + 1, len);
	f->text[len] = '\0';
	*p = newline + 1 + len + 1;
	return 0;
}

struct saved *
saved_read(const char *state_dir, const char *path)
{
	struct saved *s = xcalloc(1, sizeof(*s));
	char *file = saved_path(state_dir), *text = NULL;
	const char *p, *end;
	size_t len = 0;
	struct error err;
	struct stat st;
	int rc;

	rc = file_read(AT_FDCWD, file, SAVED_MAX, &text, &len, &err);
	if (rc == 0 && stat(file, &st) == 0)
		s->at = st.st_mtime;
	free(file);
	p = text;
	end = text + len;
	if (rc == 0 && len > strlen(HEAD) && strncmp(p, HEAD,
	    strlen(HEAD)) == 0)
		p += strlen(HEAD);
	else
		rc = -1;
	while (rc == 0 && p < end)
		rc = parse_one(s, &p, end);
	freezero(text, len);
	if (rc == 0 && s->n > 0 && strcmp(s->files[0].path, path) == 0)
		return s;
	saved_free(s);
	return NULL;
}

const struct saved_file *
saved_find(const struct saved *s, const char *path)
{
	for (size_t i = 0; s != NULL && i < s->n; i++) {
		if (strcmp(s->files[i].path, path) == 0)
			return &s->files[i];
	}
	return NULL;
}

int
saved_write(const char *state_dir, struct source *const *sources, size_t n,
    struct error *err)
{
	char *file = saved_path(state_dir), *text, *old;
	size_t len = strlen(HEAD), used, old_len;
	int rc = 0;

	for (size_t i = 0; i < n; i++)
		len += strlen(sources[i]->path) + sources[i]->len + 32;
	text = xmalloc(len + 1);
	used = strlen(HEAD);
	memcpy(text, HEAD, used);
	for (size_t i = 0; i < n; i++) {
		const struct source *src = sources[i];

		if (src->text == NULL || strchr(src->path, '\n') != NULL)
			continue;
		used += (size_t)snprintf(text + used, len - used, "%zu %s\n",
		    src->len, src->path);
		memcpy(text + used, src->text, src->len);
		used += src->len;
		text[used++] = '\n';
	}
	if (file_read(AT_FDCWD, file, SAVED_MAX, &old, &old_len, err) == 0) {
		rc = old_len == used && memcmp(old, text, used) == 0;
		freezero(old, old_len);
	}
	rc = rc == 1 ? 0 : file_write_atomic(AT_FDCWD, file, 0600, text, used,
	    err);
	freezero(text, used);
	free(file);
	return rc;
}
