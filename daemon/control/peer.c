/* SPDX-License-Identifier: MIT */
#include "daemon/control/peer.h"

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"

enum { SOCK_BACKLOG = 256 };

static int
sock_error(struct error *err, const char *path, const char *what)
{
	return error_set(err, ERR_CONFIG, "control:socket",
	    "control socket %s: %s: %s", path, what, strerror(errno));
}

/* /run/acmed, when acmed is not started by systemd. */
static void
make_parent(const char *path)
{
	const char *slash = strrchr(path, '/');
	char *dir;

	if (slash == NULL || slash == path)
		return;
	dir = xstrndup(path, (size_t)(slash - path));
	/* If it fails, bind() says so, and why. */
	(void)mkdir(dir, 0755);
	free(dir);
}

/* What is there already: nothing, what a crash left, or a daemon's. */
static int
look_before(const struct sockaddr_un *sun, struct error *err)
{
	const char *path = sun->sun_path;
	struct stat st;
	int fd, why;

	if (lstat(path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode))
		return error_set(err, ERR_CONFIG, "control:socket",
		    "control socket %s: something else is there that is no "
		    "socket", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return sock_error(err, path, "socket");
	why = connect(fd, (const struct sockaddr *)sun, sizeof(*sun)) == -1 ?
	    errno : 0;
	(void)close(fd);
	if (why == ECONNREFUSED || why == ENOENT)
		return 0;		/* the rename takes its place */
	/* The mode is looked at before whether anybody listens. */
	if (why == EACCES || why == EPERM)
		return error_set(err, ERR_CONFIG, "control:socket", "control "
		    "socket %s: it is there, of user id %lu, and this user "
		    "(id %lu) may not try whether an acmed answers there: "
		    "stop that one, or if none runs: rm %s", path,
		    (unsigned long)st.st_uid, (unsigned long)geteuid(), path);
	if (why != 0 && why != EAGAIN)
		return error_set(err, ERR_CONFIG, "control:socket", "control "
		    "socket %s: something else is there: %s", path,
		    strerror(why));
	return error_set(err, ERR_CONFIG, "control:in-use", "control socket "
	    "%s: another acmed answers there; stop it, or give one of them "
	    "another control_socket", path);
}

/* bind() knows paths only: "s" in dirfd. */
static int
bind_in(int fd, int dirfd)
{
	struct sockaddr_un own = { .sun_family = AF_UNIX, .sun_path = "s" };
	int cwd = open(".", O_PATH | O_DIRECTORY | O_CLOEXEC), rc, saved;

	if (cwd == -1)
		return -1;
	rc = fchdir(dirfd);
	if (rc == 0) {
		rc = bind(fd, (const struct sockaddr *)&own, sizeof(own));
		saved = errno;
		if (fchdir(cwd) == -1)
			abort();	/* all relative paths would change */
		errno = saved;
	}
	(void)close(cwd);
	return rc;
}

/*
 * Bind in a directory that is ours alone, let the group in when the file
 * belongs to it, and only then give it its name: whoever else can write where
 * the name is cannot make us change another file.
 */
static int
bind_private(int fd, int dirfd, const char *path, gid_t gid,
    struct sock_id *id, struct error *err)
{
	struct stat st;

	/* Somebody may have put another directory in its place. */
	if (fstat(dirfd, &st) == -1 || st.st_uid != geteuid() ||
	    (st.st_mode & 077) != 0)
		return error_set(err, ERR_CONFIG, "control:socket",
		    "control socket %s: somebody else changes its directory",
		    path);
	/* The mode of the descriptor becomes the mode of the file. */
	if (fchmod(fd, 0600) == -1 || bind_in(fd, dirfd) == -1)
		return sock_error(err, path, "bind");
	if (fstatat(dirfd, "s", &st, AT_SYMLINK_NOFOLLOW) == -1)
		return sock_error(err, path, "lstat");
	/* Not root and no member of the group: then only our own user. */
	if (gid != (gid_t)-1 && st.st_gid != gid && fchownat(dirfd, "s",
	    (uid_t)-1, gid, AT_SYMLINK_NOFOLLOW) == -1 && errno != EPERM)
		return sock_error(err, path, "chown");
	if (fchmodat(dirfd, "s", 0660, 0) == -1)
		return sock_error(err, path, "chmod");
	if (listen(fd, SOCK_BACKLOG) == -1)
		return sock_error(err, path, "listen");
	if (renameat(dirfd, "s", AT_FDCWD, path) == -1)
		return sock_error(err, path, "rename");
	id->dev = st.st_dev;
	id->ino = st.st_ino;
	return 0;
}

/* ".acmed-XXXXXX" beside the socket; NULL and err. */
static char *
make_private(const char *path, struct error *err)
{
	const char *slash = strrchr(path, '/');
	char *dir = xasprintf("%.*s/.acmed-XXXXXX", (int)(slash != NULL ?
	    slash - path : 1), slash != NULL ? path : ".");

	if (mkdtemp(dir) != NULL)
		return dir;
	free(dir);
	(void)sock_error(err, path, "make a directory beside it");
	return NULL;
}

int
sock_listen(const char *path, gid_t gid, struct sock_id *id,
    struct error *err)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd, dirfd, rc = -1;
	char *dir;

	if (!text_printf(sun.sun_path, sizeof(sun.sun_path), "%s", path))
		return error_set(err, ERR_CONFIG, "control:socket",
		    "control socket %s: the path is longer than %zu bytes",
		    path, sizeof(sun.sun_path) - 1);
	make_parent(path);
	if (look_before(&sun, err) == -1)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return sock_error(err, path, "socket");
	dir = make_private(path, err);
	if (dir != NULL) {
		dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC |
		    O_NOFOLLOW);
		if (dirfd == -1)
			(void)sock_error(err, path, "open a directory beside "
			    "it");
		else {
			rc = bind_private(fd, dirfd, path, gid, id, err);
			(void)unlinkat(dirfd, "s", 0);
			(void)close(dirfd);
		}
		(void)rmdir(dir);
		free(dir);
	}
	if (rc == -1) {
		(void)close(fd);
		return -1;
	}
	return fd;
}

void
sock_remove(const char *path, const struct sock_id *id)
{
	struct stat st;

	if (lstat(path, &st) == 0 && st.st_dev == id->dev &&
	    st.st_ino == id->ino)
		(void)unlink(path);
}

gid_t
group_id(const char *name)
{
	struct group gr, *found = NULL;
	size_t size = 1024;
	char *buf = xmalloc(size);
	gid_t gid;
	int rc;

	/* A group of many members needs a long buffer. */
	while ((rc = getgrnam_r(name, &gr, buf, size, &found)) == ERANGE &&
	    size < (1 << 20)) {
		size *= 2;
		buf = xreallocarray(buf, size, 1);
	}
	gid = rc == 0 && found != NULL ? gr.gr_gid : (gid_t)-1;
	free(buf);
	return gid;
}

/* Supplementary groups, as the kernel knows them: no NSS, no waiting. */
static bool
peer_has_group(int fd, gid_t gid)
{
	socklen_t len = 64 * sizeof(gid_t);
	gid_t *groups = xmalloc(len);
	bool found = false;
	int rc;

	rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	if (rc == -1 && errno == ERANGE) {
		groups = xreallocarray(groups, len, 1);
		rc = getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len);
	}
	for (size_t i = 0; rc == 0 && i < len / sizeof(gid_t); i++) {
		if (groups[i] == gid)
			found = true;
	}
	free(groups);
	return found;
}

int
peer_check(int fd, gid_t gid, uid_t *uid, struct error *err)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == -1)
		return error_errno(err, "who calls");
	*uid = cred.uid;
	if (cred.uid == 0 || cred.uid == geteuid())
		return 0;
	if (gid != (gid_t)-1 && (cred.gid == gid || peer_has_group(fd, gid)))
		return 0;
	return error_set(err, ERR_CONFIG, API_ERR_FORBIDDEN,
	    "user id %lu is neither root nor a member of the group %s",
	    (unsigned long)cred.uid, API_GROUP);
}
