/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/fileset.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"

/* One file on its way. */
struct entry {
	const struct fileset_file *f;
	int		 dir;		/* its directory; -1: not open */
	const char	*base;		/* in f->path */
	char		 tmp[NAME_MAX + 1];
	bool		 is_same;	/* nothing to do */
	bool		 has_tmp;	/* tmp is there: the new content, or
					   the old one once renamed */
	bool		 is_exchanged;
	bool		 is_new;	/* put where nothing was */
};

/* Are we in that group? */
static bool
is_member(gid_t gid)
{
	gid_t all[NGROUPS_MAX];
	int n = getgroups(NGROUPS_MAX, all);

	for (int i = 0; i < n; i++) {
		if (all[i] == gid)
			return true;
	}
	return gid == getegid();
}

/* The next step, after a failure with that errno. */
static void
advise(const struct entry *e, int no, char *out, size_t size)
{
	const struct fileset_file *f = e->f;
	const struct passwd *pw = getpwuid(geteuid());
	const struct group *gr;
	char me[80];

	(void)text_printf(me, sizeof(me), "%s", pw != NULL ? pw->pw_name :
	    "this user");
	out[0] = '\0';
	if (no == EROFS)
		(void)text_printf(out, size, " (systemctl edit acmed: "
		    "[Service] ReadWritePaths=-%.*s; systemctl restart "
		    "acmed)", (int)(e->base - f->path > 1 ?
		    e->base - f->path - 1 : 1), f->path);
	else if (no == EPERM && e->has_tmp && f->uid != (uid_t)-1 &&
	    f->uid != geteuid())
		(void)text_printf(out, size, " (acmed runs as %s, and only "
		    "root may give a file away: let acmed-hook@.service do "
		    "it, see acmed(8))", me);
	else if (no == EPERM && e->has_tmp && f->gid != (gid_t)-1 &&
	    !is_member(f->gid) && (gr = getgrgid(f->gid)) != NULL)
		(void)text_printf(out, size, " (acmed runs as %s, which is "
		    "not in the group %s: usermod -a -G %s %s; systemctl "
		    "restart acmed)", me, gr->gr_name, gr->gr_name, me);
	else if (no == EBUSY)
		(void)text_printf(out, size, " (it is a mount point, such as "
		    "a single file of a container, and cannot be replaced: "
		    "mount the directory that it is in)");
	else if (no == EACCES || no == EPERM)
		(void)text_printf(out, size, " (acmed runs as %s)", me);
}

static int
fail(const struct entry *e, const char *what, struct error *err)
{
	int no = errno;
	char advice[PATH_MAX + 200];
	size_t used;

	(void)error_errno(err, "%s: %s", e->f->path, what);
	(void)text_printf(err->code, sizeof(err->code), "deploy:install");
	err->kind = ERR_TRANSIENT;
	if (no == EACCES || no == EPERM || no == EROFS || no == ENOENT ||
	    no == ENOTDIR || no == EISDIR || no == ELOOP || no == EBUSY ||
	    no == ENAMETOOLONG)
		err->kind = ERR_CONFIG;
	advise(e, no, advice, sizeof(advice));
	used = strlen(err->msg);
	(void)text_printf(err->msg + used, sizeof(err->msg) - used, "%s",
	    advice);
	return -1;
}

static int
open_dir(struct entry *e, struct error *err)
{
	const char *slash = strrchr(e->f->path, '/');
	char dir[PATH_MAX];

	e->base = slash + 1;
	if (!text_printf(dir, sizeof(dir), "%.*s", slash == e->f->path ? 1 :
	    (int)(slash - e->f->path), e->f->path) ||
	    !text_printf(e->tmp, sizeof(e->tmp), ".%s.acmed-new", e->base)) {
		errno = ENAMETOOLONG;
		return fail(e, "its name", err);
	}
	e->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return e->dir != -1 ? 0 : fail(e, "open its directory", err);
}

/* Is the right content there, with the right owner and mode? */
static bool
is_same(const struct entry *e)
{
	const struct fileset_file *f = e->f;
	struct error err;
	struct stat st;
	size_t len;
	char *have;
	bool same;

	if (fstatat(e->dir, e->base, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    !S_ISREG(st.st_mode) || (st.st_mode & 07777) != f->mode ||
	    st.st_uid != (f->uid != (uid_t)-1 ? f->uid : geteuid()) ||
	    (f->gid != (gid_t)-1 && st.st_gid != f->gid) ||
	    (size_t)st.st_size != f->len ||
	    file_read(e->dir, e->base, f->len, &have, &len, &err) == -1)
		return false;
	same = len == f->len && memcmp(have, f->data, len) == 0;
	freezero(have, len);
	return same;
}

static int
write_tmp(struct entry *e, struct error *err)
{
	const struct fileset_file *f = e->f;
	const char *what = "write";
	bool ok;
	int fd;

	/* O_EXCL follows no link that somebody put here. */
	fd = openat(e->dir, e->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0600);
	if (fd == -1)
		return fail(e, "write into its directory", err);
	e->has_tmp = true;
	ok = file_write_all(fd, f->data, f->len) == 0;
	if (ok && (f->uid != (uid_t)-1 || f->gid != (gid_t)-1)) {
		what = "give it to its owner and group";
		ok = fchown(fd, f->uid, f->gid) == 0;
	}
	if (ok) {
		what = "set its mode";
		ok = fchmod(fd, f->mode) == 0;
	}
	if (ok) {
		what = "sync";
		ok = fsync(fd) == 0;
	}
	if (!ok)
		(void)fail(e, what, err);
	(void)close(fd);
	return ok ? 0 : -1;
}

/* What cannot be replaced is found before anything is. */
static int
prepare(struct entry *e, struct error *err)
{
	struct stat st;

	if (open_dir(e, err) == -1)
		return -1;
	if (fstatat(e->dir, e->base, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISDIR(st.st_mode)) {
		errno = EISDIR;
		return fail(e, "replace it", err);
	}
	/* A crash may have left the old key there; where nothing can be
	 * written, writing tells. */
	if (unlinkat(e->dir, e->tmp, 0) == -1 && errno != ENOENT &&
	    errno != EROFS)
		return fail(e, "remove what a crash left", err);
	e->is_same = is_same(e);
	return e->is_same ? 0 : write_tmp(e, err);
}

/*
 * An exchange keeps the old file, under the temporary name, to be put back.
 * Where the file system has none (NFS), the old one is lost at once.
 */
static int
put_in_place(struct entry *e, struct error *err)
{
	if (renameat2(e->dir, e->tmp, e->dir, e->base,
	    RENAME_EXCHANGE) == 0) {
		e->is_exchanged = true;
		return 0;
	}
	e->is_new = errno == ENOENT;
	if ((!e->is_new && errno != EINVAL && errno != ENOSYS) ||
	    renameat(e->dir, e->tmp, e->dir, e->base) == -1)
		return fail(e, "put it in its place", err);
	e->has_tmp = false;
	return 0;
}

static void
put_back(struct entry *e)
{
	if (e->is_exchanged)
		(void)renameat2(e->dir, e->tmp, e->dir, e->base,
		    RENAME_EXCHANGE);
	else if (e->is_new && !e->has_tmp)
		(void)unlinkat(e->dir, e->base, 0);
}

static int
replace_all(struct entry *all, size_t n, struct error *err)
{
	int changed = 0;

	for (size_t i = 0; i < n; i++) {
		if (prepare(&all[i], err) == -1)
			return -1;
	}
	for (size_t i = 0; i < n; i++) {
		if (all[i].is_same)
			continue;
		if (put_in_place(&all[i], err) == -1) {
			while (i-- > 0)
				put_back(&all[i]);
			return -1;
		}
		changed++;
	}
	for (size_t i = 0; i < n; i++) {
		if (!all[i].is_same && fsync(all[i].dir) == -1)
			return fail(&all[i], "sync its directory", err);
	}
	return changed;
}

int
fileset_write(const struct fileset_file *files, size_t n, struct error *err)
{
	struct entry *all = xcalloc(n, sizeof(*all));
	int changed;

	for (size_t i = 0; i < n; i++) {
		all[i].f = &files[i];
		all[i].dir = -1;
	}
	changed = replace_all(all, n, err);
	for (size_t i = 0; i < n; i++) {
		if (all[i].has_tmp)
			(void)unlinkat(all[i].dir, all[i].tmp, 0);
		if (all[i].dir != -1)
			(void)close(all[i].dir);
	}
	free(all);
	return changed;
}

int
fileset_check(const struct fileset_file *files, size_t n, struct error *err)
{
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i++) {
		struct fileset_file empty = files[i];
		struct entry e = { .f = &empty, .dir = -1 };

		empty.data = "";
		empty.len = 0;
		if ((rc = open_dir(&e, err)) == 0) {
			(void)unlinkat(e.dir, e.tmp, 0);
			rc = write_tmp(&e, err);
			if (e.has_tmp)
				(void)unlinkat(e.dir, e.tmp, 0);
			(void)close(e.dir);
		}
	}
	return rc;
}
