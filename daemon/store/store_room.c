/* SPDX-License-Identifier: MIT */
/* store_room - could what a CA issues be kept and installed? */
#include "daemon/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "daemon/store/certdir.h"
#include "daemon/store/store_priv.h"

/* Key, order, chain and the four files of a version, several times over. */
#define ROOM_BYTES (256 << 10)
#define ROOM_INODES 16

static int
check_dir(const struct store *s, const char *path, struct error *err)
{
	struct stat st;

	if (fstatat(s->dirfd, path, &st, 0) == 0 && !S_ISDIR(st.st_mode))
		return error_set(err, ERR_CONFIG, "store:dir", "%s/%s is no "
		    "directory; nothing is ordered before it is moved aside: "
		    "mv %s/%s %s/%s.moved", s->dir, path, s->dir, path,
		    s->dir, path);
	if (faccessat(s->dirfd, path, W_OK | X_OK, AT_EACCESS) == 0 ||
	    errno == ENOENT)
		return 0;
	return error_set(err, ERR_CONFIG, "store:dir", "%s/%s cannot be "
	    "written by user id %ld: %s; nothing is ordered before that is "
	    "fixed", s->dir, path, (long)geteuid(), strerror(errno));
}

/* One that somebody removed is made again. */
static int
make_dir(const struct store *s, const char *path, struct error *err)
{
	struct error why;

	if (file_mkdir(s->dirfd, path, 0700, &why) == -1)
		return error_set(err, ERR_CONFIG, "store:dir",
		    "state directory %s: %s", s->dir, why.msg);
	return check_dir(s, path, err);
}

/* What is kept of an order is a file. */
static int
check_pending(const struct store *s, const char *name, const char *end,
    struct error *err)
{
	char *path = xasprintf("pending/%s%s", name, end);
	struct stat st;
	int rc = 0;

	if (fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode))
		rc = error_set(err, ERR_CONFIG, "store:not-ours", "%s/%s is a "
		    "directory, and must be a file; nothing is ordered before "
		    "it is moved aside: mv %s/%s %s/%s.moved", s->dir, path,
		    s->dir, path, s->dir, path);
	free(path);
	return rc;
}

static int
check_live(const struct store *s, const char *name, struct error *err)
{
	char *path = xasprintf("live/%s", name);
	const char *other = certdir_in_place(s->dirfd, path);

	free(path);
	if (other == NULL)
		return 0;
	return error_set(err, ERR_CONFIG, "store:not-ours", "%s/live/%s is "
	    "%s, and must be acmed's own symbolic link; nothing is ordered "
	    "before it is moved aside: mv %s/live/%s %s/%s.moved", s->dir,
	    name, other, s->dir, name, s->dir, name);
}

int
store_check_room(const struct store *s, const char *name, struct error *err)
{
	char *archive = xasprintf("archive/%s", name);
	int rc;

	assert(store_name_is_sane(name));
	rc = make_dir(s, "live", err) == -1 ||
	    make_dir(s, "archive", err) == -1 ||
	    make_dir(s, "pending", err) == -1 ||
	    check_dir(s, archive, err) == -1 ||
	    check_pending(s, name, ".key", err) == -1 ||
	    check_pending(s, name, ".csr", err) == -1 ||
	    check_pending(s, name, ".pem", err) == -1 ||
	    check_pending(s, name, ".first", err) == -1 ||
	    check_live(s, name, err) == -1 ? -1 : 0;
	free(archive);
	return rc;
}

int
store_check_space(const struct store *s, struct error *err)
{
	static const char *const dirs[] = { ".", "archive", "pending" };
	struct statvfs v;

	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		int fd = openat(s->dirfd, dirs[i],
		    O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		bool is_known = fd != -1 && fstatvfs(fd, &v) == 0;

		if (fd != -1)
			close(fd);
		if (!is_known)
			continue;
		/* No blocks or inodes in all: it does not count them. */
		if (v.f_blocks != 0 &&
		    (uint64_t)v.f_bavail * v.f_frsize < ROOM_BYTES)
			return error_set(err, ERR_TRANSIENT, "store:full",
			    "%s/%s: the disk is full (%llu kB are left): "
			    "nothing is ordered before there is room for it",
			    s->dir, dirs[i], (unsigned long long)v.f_bavail *
			    v.f_frsize / 1024);
		if (v.f_files != 0 && v.f_favail < ROOM_INODES)
			return error_set(err, ERR_TRANSIENT, "store:full",
			    "%s/%s: the file system has no inodes left: "
			    "nothing is ordered before it has", s->dir,
			    dirs[i]);
	}
	return 0;
}
