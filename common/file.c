/* SPDX-License-Identifier: MIT */
#include "common/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/secret.h"
#include "common/text.h"

int
file_write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n == -1) {
			if (errno == EINTR)
				continue;
			return -1;
		}
		p += n;
		len -= (size_t)n;
	}
	return 0;
}

/* What open(2) said of a file that a person named. */
static int
open_error(const char *path, struct error *err)
{
	char *text;

	switch (errno) {
	case ENOENT:
	case ENOTDIR:
		return error_set(err, ERR_CONFIG, "file:missing", "%s: %s",
		    path, strerror(errno));
	case EACCES:
		text = access_fault(path);
		(void)error_set(err, ERR_CONFIG, "file:access", "%s", text);
		free(text);
		return -1;
	case EPERM:
	case ELOOP:
		return error_set(err, ERR_CONFIG, "file:access", "%s: %s",
		    path, strerror(errno));
	default:
		return error_errno(err, "%s", path);
	}
}

static int
open_regular(int dirfd, const char *path, struct stat *st, struct error *err)
{
	/* O_NONBLOCK: a FIFO must not hold us. */
	int fd = openat(dirfd, path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd == -1)
		return open_error(path, err);
	if (fstat(fd, st) == -1) {
		(void)error_errno(err, "%s", path);
		close(fd);
		return -1;
	}
	if (!S_ISREG(st->st_mode)) {
		(void)error_set(err, ERR_CONFIG, "file:type",
		    "%s: not a regular file", path);
		close(fd);
		return -1;
	}
	return fd;
}

static int
read_open(int fd, const char *path, off_t size, size_t max, char **out,
    size_t *len, struct error *err)
{
	size_t want, have = 0;
	char *buf;

	if ((uintmax_t)size > max)
		return error_set(err, ERR_CONFIG, "file:size",
		    "%s: longer than %zu bytes", path, max);
	want = (size_t)size;
	buf = xmalloc(want + 2);
	/* One byte more than expected shows a file that grew meanwhile. */
	while (have < want + 1) {
		ssize_t n = read(fd, buf + have, want + 1 - have);

		if (n == 0)
			break;
		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1) {
			(void)error_errno(err, "%s: read", path);
			freezero(buf, have);
			return -1;
		}
		have += (size_t)n;
	}
	if (have > want) {
		freezero(buf, have);
		return error_set(err, ERR_TRANSIENT, "file:changed",
		    "%s: changed while it was read", path);
	}
	buf[have] = '\0';
	*out = buf;
	*len = have;
	return 0;
}

int
file_read(int dirfd, const char *path, size_t max, char **out, size_t *len,
    struct error *err)
{
	struct stat st;
	int fd, r;

	if ((fd = open_regular(dirfd, path, &st, err)) == -1)
		return -1;
	r = read_open(fd, path, st.st_size, max, out, len, err);
	close(fd);
	return r;
}

bool
file_is_reachable(const char *path)
{
	char *real = realpath(path, NULL), *slash;
	struct stat st;
	bool open = true;

	if (real == NULL)
		return true;
	while (open && (slash = strrchr(real, '/')) != NULL && slash != real) {
		*slash = '\0';
		open = stat(real, &st) == -1 || (st.st_mode & S_IXOTH) != 0;
	}
	free(real);
	return open;
}

int
file_read_private(const char *path, size_t max, char **out,
    struct error *err)
{
	size_t len, cut, skip;
	struct stat st;
	char *buf, *text;
	int fd, r;

	if ((fd = open_regular(AT_FDCWD, path, &st, err)) == -1)
		return -1;
	if ((st.st_mode & (S_IROTH | S_IWOTH)) != 0 &&
	    file_is_reachable(path)) {
		close(fd);
		text = access_close(path, "rwx");
		(void)error_set(err, ERR_CONFIG, "file:mode",
		    "%s: every user can %s this secret: %s", path,
		    st.st_mode & S_IROTH ? "read" : "write", text);
		free(text);
		return -1;
	}
	r = read_open(fd, path, st.st_size, max, &buf, &len, err);
	close(fd);
	if (r == -1)
		return -1;
	cut = len;
	while (cut > 0 && (buf[cut - 1] == '\n' || buf[cut - 1] == '\r'))
		buf[--cut] = '\0';
	/* A byte order mark is an editor's, not the vendor's. */
	skip = strncmp(buf, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
	if (cut == skip || strlen(buf) != cut) {
		freezero(buf, len);
		return error_set(err, ERR_CONFIG, "file:secret", "%s: %s",
		    path, cut == skip ? "is empty" :
		    "contains a NUL byte; is it UTF-16? Allowed: UTF-8");
	}
	*out = xstrdup(buf + skip);
	freezero(buf, len);
	return 0;
}

int
file_read_shared(const char *path, size_t max, char **out, struct error *err)
{
	char *text, *next, *all = xstrdup(""), *longer;
	const char *why = NULL;
	unsigned n = 0;

	if (file_read_private(path, max, &text, err) == -1) {
		free(all);
		return -1;
	}
	for (char *line = text; line != NULL && why == NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		secret_trim(line);
		if (*line == '\0')
			continue;
		why = ++n > 2 ? "found more than two lines; allowed: the "
		    "secret, and in a second line another that is accepted" :
		    secret_fault(line);
		longer = xasprintf("%s%s%s", all, n > 1 ? "\n" : "", line);
		freezero_str(all);
		all = longer;
		explicit_bzero(line, strlen(line));
	}
	if (n == 0 && why == NULL)
		why = "is empty";
	freezero_str(text);
	if (why == NULL) {
		*out = all;
		return 0;
	}
	freezero_str(all);
	return error_set(err, ERR_CONFIG, "file:secret", "%s: %s", path, why);
}

int
file_read_secret(const char *path, size_t max, char **out, struct error *err)
{
	const char *why;

	if (file_read_private(path, max, out, err) == -1)
		return -1;
	secret_trim(*out);
	why = **out == '\0' ? "is empty" : secret_fault(*out);
	if (why == NULL)
		return 0;
	freezero_str(*out);
	*out = NULL;
	return error_set(err, ERR_CONFIG, "file:secret", "%s: %s", path, why);
}

/* The directory a path is in, opened; *base points at its last component. */
static int
open_parent(int dirfd, const char *path, const char **base)
{
	const char *slash = strrchr(path, '/');
	char dir[PATH_MAX];

	if (slash == NULL) {
		*base = path;
		return openat(dirfd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	}
	if (!text_printf(dir, sizeof(dir), "%.*s",
	    slash == path ? 1 : (int)(slash - path), path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	*base = slash + 1;
	return openat(dirfd, dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static int
write_temporary(int dir, const char *tmp, mode_t mode, const void *data,
    size_t len)
{
	int fd, saved;

	/* What a crash left; O_EXCL below follows no link put here. */
	if (unlinkat(dir, tmp, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(dir, tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (file_write_all(fd, data, len) == -1 || fchmod(fd, mode) == -1 ||
	    fsync(fd) == -1) {
		saved = errno;
		close(fd);
		(void)unlinkat(dir, tmp, 0);
		errno = saved;
		return -1;
	}
	return close(fd);
}

int
file_write_atomic(int dirfd, const char *name, mode_t mode, const void *data,
    size_t len, struct error *err)
{
	char tmp[NAME_MAX + 1];
	const char *base;
	int dir;

	if ((dir = open_parent(dirfd, name, &base)) == -1)
		return error_errno(err, "%s: open its directory", name);
	if (!text_printf(tmp, sizeof(tmp), ".%s.tmp", base)) {
		errno = ENAMETOOLONG;
		(void)error_errno(err, "%s", name);
		goto fail;
	}
	if (write_temporary(dir, tmp, mode, data, len) == -1) {
		(void)error_errno(err, "%s: write", name);
		goto fail;
	}
	if (renameat(dir, tmp, dir, base) == -1) {
		(void)error_errno(err, "%s: rename", name);
		(void)unlinkat(dir, tmp, 0);
		goto fail;
	}
	if (file_sync_dir(dir, name, err) == -1)
		goto fail;
	close(dir);
	return 0;
fail:
	close(dir);
	return -1;
}

int
file_sync_dir(int dirfd, const char *what, struct error *err)
{
	if (fsync(dirfd) == -1)
		return error_errno(err, "%s: sync the directory", what);
	return 0;
}

int
file_mkdir(int dirfd, const char *name, mode_t mode, struct error *err)
{
	struct stat st;
	int fd, r;

	if (mkdirat(dirfd, name, S_IRWXU) == -1) {
		if (errno != EEXIST)
			return error_errno(err, "%s: make the directory",
			    name);
		if (fstatat(dirfd, name, &st, 0) == -1)
			return error_errno(err, "%s", name);
		if (!S_ISDIR(st.st_mode)) {
			errno = ENOTDIR;
			return error_errno(err, "%s", name);
		}
		return 0;
	}
	fd = openat(dirfd, name,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd == -1)
		return error_errno(err, "%s", name);
	if ((r = fchmod(fd, mode)) == -1)
		(void)error_errno(err, "%s: set its mode", name);
	close(fd);
	return r;
}
