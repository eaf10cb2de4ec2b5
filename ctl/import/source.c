/* SPDX-License-Identifier: MIT */
#include "ctl/import/source.h"

#include <sys/stat.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"

int
source_open(struct source *s, const char *dir, struct error *err)
{
	char *real = realpath(dir, NULL);
	struct stat st;

	if (real == NULL || stat(real, &st) == -1 ||
	    access(real, R_OK | X_OK) == -1) {
		int why = errno;

		free(real);
		return error_set(err, ERR_CONFIG, "import:source", "%s: %s%s",
		    dir, strerror(why), why == EACCES ? "; run this as root" :
		    "");
	}
	if (!S_ISDIR(st.st_mode) || (st.st_mode & S_IWOTH) != 0) {
		(void)error_set(err, ERR_CONFIG, "import:source", "%s: %s",
		    real, S_ISDIR(st.st_mode) ? "every user can write to it" :
		    "not a directory");
		free(real);
		return -1;
	}
	*s = (struct source){ .dir = real, .uid = st.st_uid };
	return 0;
}

void
source_close(struct source *s)
{
	free(s->dir);
	s->dir = NULL;
}

char *
source_path(const struct source *s, const char *path)
{
	return path[0] == '/' ? xstrdup(path) :
	    xasprintf("%s/%s", s->dir, path);
}

static int
owner_error(const char *path, const struct source *s, const struct stat *st,
    struct error *err)
{
	if (st->st_uid != s->uid)
		return error_set(err, ERR_CONFIG, "import:owner",
		    "%s: belongs to user id %lu, but %s to %lu; not read",
		    path, (unsigned long)st->st_uid, s->dir,
		    (unsigned long)s->uid);
	return error_set(err, ERR_CONFIG, "import:owner", "%s: every user "
	    "can write to it; not read", path);
}

/* An open file that may be believed, or -1. */
static int
open_believed(const struct source *s, const char *path, off_t *size,
    struct error *err)
{
	/* Neither a FIFO nor a terminal holds us. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;

	if (fd == -1)
		return error_set(err, ERR_CONFIG, errno == ENOENT ||
		    errno == ENOTDIR ? "file:missing" : "file:access",
		    "%s: %s", path, strerror(errno));
	if (fstat(fd, &st) == -1)
		(void)error_errno(err, "%s", path);
	else if (!S_ISREG(st.st_mode))
		(void)error_set(err, ERR_CONFIG, "file:type",
		    "%s: not a regular file", path);
	else if (st.st_uid != s->uid || (st.st_mode & S_IWOTH) != 0)
		(void)owner_error(path, s, &st, err);
	else if (st.st_size > SOURCE_FILE_MAX)
		(void)error_set(err, ERR_CONFIG, "file:size",
		    "%s: longer than %d bytes", path, SOURCE_FILE_MAX);
	else {
		*size = st.st_size;
		return fd;
	}
	(void)close(fd);
	return -1;
}

char *
source_read(const struct source *s, const char *path, struct error *err)
{
	char *full = source_path(s, path), *buf = NULL;
	size_t have = 0;
	off_t size = 0;
	ssize_t n = 0;
	int fd = open_believed(s, full, &size, err);

	if (fd == -1) {
		free(full);
		return NULL;
	}
	buf = xmalloc((size_t)size + 1);
	while (have < (size_t)size) {
		n = read(fd, buf + have, (size_t)size - have);
		if (n == -1 && errno == EINTR)
			continue;
		if (n <= 0)
			break;
		have += (size_t)n;
	}
	(void)close(fd);
	buf[have] = '\0';
	if (n == -1 || strlen(buf) != have) {
		(void)error_set(err, ERR_CONFIG, "file:access", "%s: %s",
		    full, n == -1 ? strerror(errno) : "contains a NUL byte");
		freezero(buf, have);
		buf = NULL;
	}
	free(full);
	return buf;
}

json_t *
source_json(const struct source *s, const char *path, struct error *err)
{
	char *text = source_read(s, path, err);
	struct error ignored;
	json_t *j;

	if (text == NULL)
		return NULL;
	j = jsonx_parse(text, strlen(text), &ignored);
	freezero_str(text);
	if (!json_is_object(j)) {
		json_decref(j);
		j = NULL;
		(void)error_set(err, ERR_CONFIG, "json:syntax",
		    "%s/%s: not a JSON object", s->dir, path);
	}
	return j;
}

bool
source_has(const struct source *s, const char *path)
{
	char *full = source_path(s, path);
	bool has = access(full, F_OK) == 0;

	free(full);
	return has;
}

static int
by_string(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool
has_suffix(const char *name, const char *suffix)
{
	size_t len = strlen(name), n = strlen(suffix);

	return len > n && strcmp(name + len - n, suffix) == 0;
}

char **
source_list(const struct source *s, const char *path, const char *suffix,
    size_t max, struct error *err)
{
	char *full = source_path(s, path), **list = xcalloc(1, sizeof(*list));
	const struct dirent *d;
	DIR *dir = opendir(full);
	size_t n = 0;

	if (dir == NULL && errno != ENOENT && errno != ENOTDIR) {
		(void)error_set(err, ERR_CONFIG, "file:access", "%s: %s",
		    full, strerror(errno));
		goto fail;
	}
	while (dir != NULL && (d = readdir(dir)) != NULL) {
		if (d->d_name[0] == '.' || (*suffix != '\0' &&
		    !has_suffix(d->d_name, suffix)))
			continue;
		if (n == max) {
			(void)error_set(err, ERR_CONFIG, "import:source",
			    "%s: more than %zu entries", full, max);
			goto fail;
		}
		list = xreallocarray(list, n + 2, sizeof(*list));
		list[n++] = xstrdup(d->d_name);
		list[n] = NULL;
	}
	if (n > 0)
		qsort(list, n, sizeof(*list), by_string);
	if (dir != NULL)
		(void)closedir(dir);
	free(full);
	return list;
fail:
	if (dir != NULL)
		(void)closedir(dir);
	free(full);
	source_list_free(list);
	return NULL;
}

void
source_list_free(char **list)
{
	for (char **p = list; p != NULL && *p != NULL; p++)
		free(*p);
	free(list);
}
