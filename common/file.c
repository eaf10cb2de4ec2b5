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

/* Blank at s, of which a person sees nothing: its length, or 0. */
static size_t
blank_len(const char *s)
{
	static const char *const blanks[] = { " ", "\t", "\v", "\f",
	    "\xc2\xa0" /* no-break */, "\xe2\x80\x8b" /* zero width */,
	    "\xe3\x80\x80" /* ideographic */, "\xef\xbb\xbf" };

	for (size_t i = 0; i < sizeof(blanks) / sizeof(blanks[0]); i++) {
		if (strncmp(s, blanks[i], strlen(blanks[i])) == 0)
			return strlen(blanks[i]);
	}
	return 0;
}

static bool
ends_blank(const char *s)
{
	size_t len = strlen(s);

	for (size_t n = 1; n <= 3 && n <= len; n++) {
		if (blank_len(s + len - n) == n)
			return true;
	}
	return false;
}

static bool
is_quoted(const char *s)
{
	static const char *const quotes[][2] = { { "\"", "\"" },
	    { "'", "'" }, { "`", "`" },
	    { "\xe2\x80\x9c", "\xe2\x80\x9d" },
	    { "\xe2\x80\x98", "\xe2\x80\x99" } };
	size_t len = strlen(s);

	for (size_t i = 0; i < sizeof(quotes) / sizeof(quotes[0]); i++) {
		size_t n = strlen(quotes[i][0]);

		if (len >= 2 * n && strncmp(s, quotes[i][0], n) == 0 &&
		    strcmp(s + len - n, quotes[i][1]) == 0)
			return true;
	}
	return false;
}

/* "API_TOKEN=x" of an environment file; not "QUJD=", which is base64. */
static bool
is_assignment(const char *s)
{
	size_t n;

	if (strncmp(s, "export ", 7) == 0)
		s += 7;
	n = strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789");
	if (n < 3 || (s[0] >= '0' && s[0] <= '9')) {
		n = strspn(s, "abcdefghijklmnopqrstuvwxyz_");
		if (n < 3 || memchr(s, '_', n) == NULL)
			return false;
	}
	return s[n] == '=' && s[n + 1] != '\0' && s[n + 1] != '=';
}

/* NULL, or why this is not just the secret. */
static const char *
secret_fault(const char *s)
{
	/* What has lines by its nature: a service account, a key. */
	if (s[strspn(s, " \t\r\n")] == '{' ||
	    strstr(s, "-----BEGIN ") != NULL)
		return NULL;
	if (strpbrk(s, "\r\n") != NULL)
		return "found more than one line; allowed: the secret alone, "
		    "in one line";
	if (blank_len(s) > 0 || ends_blank(s))
		return "found a blank at one end; allowed: the secret alone, "
		    "without blanks around it";
	if (is_quoted(s))
		return "found quotes around the secret; allowed: the secret "
		    "alone, without quotes";
	if (is_assignment(s))
		return "found NAME=VALUE; allowed: the secret alone, without "
		    "the name and the \"=\"";
	return NULL;
}

int
file_read_secret(const char *path, size_t max, char **out, struct error *err)
{
	const char *why;

	if (file_read_private(path, max, out, err) == -1)
		return -1;
	why = secret_fault(*out);
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
