/* SPDX-License-Identifier: MIT */
#include "daemon/http01/webroot.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/http01/token.h"

#define TEXT_MAX 1024

struct webroot {
	char		*path;		/* of dir, for messages */
	int		 dir;
};

/* "acmed", or a number. */
static void
user_name(char *out, size_t size)
{
	struct passwd pw, *found = NULL;
	char buf[4096];

	if (getpwuid_r(geteuid(), &pw, buf, sizeof(buf), &found) == 0 &&
	    found != NULL)
		(void)text_printf(out, size, "%s", pw.pw_name);
	else
		(void)text_printf(out, size, "%ld", (long)geteuid());
}

/* errno, with who we are and what helps; where: what could not be done to. */
static int
refuse(const char *where, const char *dir, struct error *err)
{
	int saved = errno;
	char user[64];

	user_name(user, sizeof(user));
	switch (saved) {
	case EROFS:
		return error_set(err, ERR_CONFIG, "http01:webroot",
		    "webroot: %s: read-only for acmed: the sandbox of its "
		    "unit (ProtectSystem=strict) lets it write nowhere else: "
		    "install -d -o %s -m 755 %s; systemctl edit acmed: "
		    "[Service] ReadWritePaths=-%s; systemctl restart acmed",
		    where, user, dir, dir);
	case EACCES:
	case EPERM:
		return error_set(err, ERR_CONFIG, "http01:webroot",
		    "webroot: %s: user %s may not write there: %s; fix it "
		    "with: install -d -o %s -m 755 %s (below /home or /root "
		    "the unit's ProtectHome= stands in the way)", where, user,
		    strerror(saved), user, dir);
	case ENOENT:
		return error_set(err, ERR_CONFIG, "http01:missing",
		    "webroot: %s: there is no such directory", where);
	case ELOOP:
	case ENOTDIR:
		return error_set(err, ERR_CONFIG, "http01:webroot",
		    "webroot: %s is no directory, or a symbolic link, which "
		    "acmed does not follow there", where);
	default:
		return error_set(err, ERR_INTERNAL, "http01:webroot",
		    "webroot: %s: %s", where, strerror(saved));
	}
}

/* One directory down, made if it is missing; closes parent. */
static int
descend(int parent, const char *name, bool is_new)
{
	const int flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
	int fd = openat(parent, name, flags), saved;

	if (fd == -1 && errno == ENOENT && is_new &&
	    (mkdirat(parent, name, 0755) == 0 || errno == EEXIST)) {
		fd = openat(parent, name, flags);
		/* Whatever the umask; not if somebody else was first. */
		if (fd != -1)
			(void)fchmod(fd, 0755);
	}
	saved = errno;
	close(parent);
	errno = saved;
	return fd;
}

struct webroot *
webroot_open(const char *path, bool is_new, struct error *err)
{
	char *dir = xasprintf("%s/" HTTP01_DIR, path);
	char *middle = xasprintf("%s/.well-known", path);
	const char *where = path;
	struct webroot *w = NULL;
	int fd;

	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd != -1) {
		where = middle;
		fd = descend(fd, ".well-known", is_new);
	}
	if (fd != -1) {
		where = dir;
		fd = descend(fd, "acme-challenge", is_new);
	}
	if (fd == -1) {
		(void)refuse(where, dir, err);
		free(dir);
	} else {
		w = xcalloc(1, sizeof(*w));
		w->path = dir;
		w->dir = fd;
	}
	free(middle);
	return w;
}

void
webroot_close(struct webroot *w)
{
	if (w == NULL)
		return;
	close(w->dir);
	free(w->path);
	free(w);
}

/* What a file is to us. */
enum found { FOUND_NONE, FOUND_OURS, FOUND_OTHER };

static enum found
look(struct webroot *w, const char *name, const char *text)
{
	char got[TEXT_MAX + 1];
	ssize_t n = -1;
	struct stat st;
	int fd;

	/* O_NONBLOCK: it may be a FIFO. */
	fd = openat(w->dir, name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd == -1)
		return errno == ENOENT ? FOUND_NONE : FOUND_OTHER;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		n = read(fd, got, sizeof(got));
	close(fd);
	return n >= 0 && (size_t)n == strlen(text) &&
	    memcmp(got, text, (size_t)n) == 0 ? FOUND_OURS : FOUND_OTHER;
}

static void
temporary(const char *token, char out[NAME_MAX + 1])
{
	(void)text_printf(out, NAME_MAX + 1, ".%s.tmp", token);
}

static int
write_new(struct webroot *w, const char *name, const char *text)
{
	int fd, saved;

	/* What a crash left; O_EXCL below follows no link put here. */
	if (unlinkat(w->dir, name, 0) == -1 && errno != ENOENT)
		return -1;
	fd = openat(w->dir, name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1)
		return -1;
	if (file_write_all(fd, text, strlen(text)) == 0 &&
	    fchmod(fd, 0644) == 0)
		return close(fd);
	saved = errno;
	close(fd);
	(void)unlinkat(w->dir, name, 0);
	errno = saved;
	return -1;
}

int
webroot_add(struct webroot *w, const char *token, const char *text,
    struct error *err)
{
	char tmp[NAME_MAX + 1];

	if (!http01_token_is_ok(token))
		return error_set(err, ERR_REJECTED, "http01:token",
		    "\"%s\" cannot be the token of a challenge", token);
	switch (look(w, token, text)) {
	case FOUND_OURS:
		return 0;
	case FOUND_OTHER:
		return error_set(err, ERR_CONFIG, "http01:taken", "webroot: "
		    "%s/%s is there already and is not acmed's", w->path,
		    token);
	case FOUND_NONE:
		break;
	}
	temporary(token, tmp);
	if (write_new(w, tmp, text) == -1)
		return refuse(w->path, w->path, err);
	if (renameat(w->dir, tmp, w->dir, token) == -1) {
		(void)refuse(w->path, w->path, err);
		(void)unlinkat(w->dir, tmp, 0);
		return -1;
	}
	return 0;
}

int
webroot_remove(struct webroot *w, const char *token, const char *text,
    struct error *err)
{
	char tmp[NAME_MAX + 1];

	if (!http01_token_is_ok(token))
		return 0;		/* it was never made */
	/* A crash may have left it half written: by its name it is ours. */
	temporary(token, tmp);
	if (unlinkat(w->dir, tmp, 0) == -1 && errno != ENOENT &&
	    errno != EISDIR && errno != EROFS)
		return refuse(w->path, w->path, err);
	if (look(w, token, text) != FOUND_OURS)
		return 0;
	if (unlinkat(w->dir, token, 0) == -1)
		return errno == ENOENT ? 0 : refuse(w->path, w->path, err);
	return 1;
}

int
webroot_sync(struct webroot *w, struct error *err)
{
	return file_sync_dir(w->dir, w->path, err);
}
