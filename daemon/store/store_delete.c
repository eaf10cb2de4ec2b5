/* SPDX-License-Identifier: MIT */
/* Removing all files of a certificate. */
#include "daemon/store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/store/certdir_priv.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/store_priv.h"

/* The link first: nobody is to find a directory that is being emptied. */
static int
remove_live(struct store *s, const char *name, bool *any, struct error *err)
{
	char *path = xasprintf("live/%s", name);
	int rc = 0, dir;
	struct stat st;

	if (fstatat(s->dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == -1) {
		if (errno != ENOENT)
			rc = error_errno(err, "%s/%s", s->dir, path);
	} else if (!S_ISLNK(st.st_mode)) {
		rc = error_set(err, ERR_CONFIG, "store:not-ours", "%s/%s is "
		    "no link of acmed's; remove it yourself", s->dir, path);
	} else if (unlinkat(s->dirfd, path, 0) == -1) {
		rc = error_errno(err, "%s/%s: remove", s->dir, path);
	} else {
		*any = true;
		dir = openat(s->dirfd, "live", O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC);
		if (dir != -1) {
			(void)fsync(dir);
			(void)close(dir);
		}
	}
	free(path);
	return rc;
}

static int
remove_archive(struct store *s, const char *name, bool *any,
    struct error *err)
{
	char *path = xasprintf("archive/%s", name), **versions;
	int dir = openat(s->dirfd, path, O_RDONLY | O_DIRECTORY |
	    O_NOFOLLOW | O_CLOEXEC), rc = 0;

	if (dir == -1) {
		if (errno != ENOENT)
			rc = error_errno(err, "%s/%s", s->dir, path);
		free(path);
		return rc;
	}
	*any = true;
	certdir_clean(dir);
	versions = certdir_versions(dir);
	for (char **v = versions; *v != NULL; v++) {
		certdir_remove_version(dir, *v);
		free(*v);
	}
	free(versions);
	(void)close(dir);
	if (unlinkat(s->dirfd, path, AT_REMOVEDIR) == -1)
		rc = error_errno(err, "%s/%s: remove (is there something of "
		    "yours in it?)", s->dir, path);
	free(path);
	return rc;
}

int
store_files_delete(struct store *s, const char *name, struct error *err)
{
	bool any = false;

	if (!store_name_is_sane(name))
		return 1;
	if (remove_live(s, name, &any, err) == -1 ||
	    remove_archive(s, name, &any, err) == -1)
		return -1;
	certdir_drop_placeholder(s->dirfd, name);
	store_pending_drop(s, name);
	store_first_drop(s, name);
	store_request_drop(s, name);
	return any ? 0 : 1;
}
