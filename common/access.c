/* SPDX-License-Identifier: MIT */
#include "common/access.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/text.h"

#define LINKS_MAX 8
#define NAME_LEN 64

static const char *
user_name(uid_t uid, char out[NAME_LEN])
{
	const struct passwd *pw = getpwuid(uid);

	if (pw == NULL || !text_printf(out, NAME_LEN, "%s", pw->pw_name))
		(void)text_printf(out, NAME_LEN, "%lu", (unsigned long)uid);
	return out;
}

static const char *
group_name(gid_t gid, char out[NAME_LEN])
{
	const struct group *gr = getgrgid(gid);

	if (gr == NULL || !text_printf(out, NAME_LEN, "%s", gr->gr_name))
		(void)text_printf(out, NAME_LEN, "%lu", (unsigned long)gid);
	return out;
}

/* chgrp and chmod, as far as they are needed, so that the bits of one class
 * (4: read, 5: read and enter) are ours. */
static char *
open_command(const char *path, const struct stat *st, mode_t bits)
{
	mode_t mode = st->st_mode & 07777;
	char group[NAME_LEN], change[PATH_MAX + NAME_LEN + 16] = "";
	bool is_ours = st->st_uid == geteuid();

	if (!is_ours && st->st_gid != getegid())
		(void)text_printf(change, sizeof(change), "chgrp %s %s",
		    group_name(getegid(), group), path);
	bits <<= is_ours ? 6 : 3;
	if ((mode & bits) == bits)
		return xstrdup(change);
	return xasprintf("%s%schmod %o %s", change,
	    change[0] != '\0' ? " && " : "", (unsigned)(mode | bits), path);
}

char *
access_describe(const char *path, const struct stat *st)
{
	char owner[NAME_LEN], group[NAME_LEN];

	return xasprintf("%s (%s:%s, mode %04o)", path,
	    user_name(st->st_uid, owner), group_name(st->st_gid, group),
	    (unsigned)(st->st_mode & 07777));
}

static char *
describe(const char *path, const struct stat *st, const char *verb,
    mode_t bits)
{
	char user[NAME_LEN], *command = open_command(path, st, bits);
	char *shown = access_describe(path, st);
	char *text = xasprintf("user %s cannot %s %s: %s",
	    user_name(geteuid(), user), verb, shown,
	    command[0] != '\0' ? command :
	    "see its access control list (getfacl) and the security modules");

	free(shown);
	free(command);
	return text;
}

/* The first directory on the way that may not be entered; NULL: none. */
static char *
closed_dir(const char *path)
{
	struct stat st;

	for (const char *p = strchr(path + 1, '/'); p != NULL;
	    p = strchr(p + 1, '/')) {
		char *dir = xstrndup(path, (size_t)(p - path)), *text = NULL;

		if (faccessat(AT_FDCWD, dir, X_OK, AT_EACCESS) == -1 &&
		    errno == EACCES && stat(dir, &st) == 0)
			text = describe(dir, &st, "enter", 05);
		free(dir);
		if (text != NULL)
			return text;
	}
	return NULL;
}

/* What a link leads to, as a path that can be used from here. */
static bool
follow(char path[PATH_MAX])
{
	char target[PATH_MAX], whole[2 * PATH_MAX];
	ssize_t n = readlink(path, target, sizeof(target) - 1);
	const char *slash = strrchr(path, '/');

	if (n <= 0)
		return false;
	target[n] = '\0';
	if (target[0] == '/' || slash == NULL)
		return text_printf(path, PATH_MAX, "%s", target);
	(void)text_printf(whole, sizeof(whole), "%.*s/%s",
	    (int)(slash - path), path, target);
	return text_printf(path, PATH_MAX, "%s", whole);
}

/* What keeps us from the end of all links, which is put into at: a directory
 * on the way.  NULL: nothing does. */
static char *
fault_on_the_way(const char *path, char at[PATH_MAX], const char *verb)
{
	char user[NAME_LEN], *text;
	struct stat st;

	if (!text_printf(at, PATH_MAX, "%s", path))
		return xasprintf("%s: %s", path, strerror(EACCES));
	for (int i = 0; i < LINKS_MAX; i++) {
		text = closed_dir(at);
		if (text != NULL)
			return text;
		if (!follow(at))
			break;
	}
	if (stat(at, &st) == 0)
		return NULL;
	return xasprintf("user %s cannot %s %s: %s",
	    user_name(geteuid(), user), verb, path, strerror(EACCES));
}

char *
access_fault(const char *path)
{
	char at[PATH_MAX], *text = fault_on_the_way(path, at, "read");
	struct stat st;

	if (text != NULL || stat(at, &st) == -1)
		return text;
	return describe(at, &st, "read", S_ISDIR(st.st_mode) ? 05 : 04);
}

char *
access_run_fault(const char *path)
{
	char at[PATH_MAX], *text = fault_on_the_way(path, at, "run");
	struct statvfs fs;
	struct stat st;

	if (text != NULL || stat(at, &st) == -1)
		return text;
	if (statvfs(at, &fs) == 0 && (fs.f_flag & ST_NOEXEC) != 0)
		return xasprintf("%s is on a file system mounted noexec, from "
		    "which nothing is run: move it to another one", at);
	/* Who may not read it needs more: scripts are read. */
	if ((st.st_mode & 0111) == 0 &&
	    faccessat(AT_FDCWD, at, R_OK, AT_EACCESS) == 0)
		return xasprintf("%s is not executable: chmod +x %s", at, at);
	return describe(at, &st, "run", 05);
}

bool
access_is_trusted(const struct stat *st)
{
	return (st->st_uid == 0 || st->st_uid == geteuid()) &&
	    (st->st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

char *
access_close(const char *path, const char *bits)
{
	char group[NAME_LEN];
	struct stat st;

	if (geteuid() == 0 || stat(path, &st) == -1 ||
	    st.st_uid == geteuid() || st.st_gid == getegid())
		return xasprintf("chmod o-%s %s", bits, path);
	return xasprintf("chgrp %s %s && chmod %o %s",
	    group_name(getegid(), group), path,
	    (unsigned)((st.st_mode & 0770) | 0040), path);
}

/* Only root writes here: not a group of others, and not everybody. */
static bool
is_roots(const struct stat *st)
{
	mode_t open = st->st_gid == 0 ? S_IWOTH : S_IWGRP | S_IWOTH;

	return st->st_uid == 0 && (st->st_mode & open) == 0;
}

static char *
others_fault(const char *path, const struct stat *st)
{
	struct statvfs fs;
	char *shown, *text;

	if (statvfs(path, &fs) == 0 && (fs.f_flag & ST_RDONLY) != 0)
		return NULL;
	shown = access_describe(path, st);
	text = xasprintf("acmed runs as root here, and others can write %s: "
	    "chown root:root %s && chmod go-w %s", shown, path, path);
	free(shown);
	return text;
}

/* Look at a file and the folder that it is in; -1 if it is gone. */
static int
look_at_both(const char *path, char **fault)
{
	char *real = realpath(path, NULL), *slash;
	struct stat st;

	*fault = NULL;
	if (real == NULL)
		return -1;
	if (stat(real, &st) == 0 && !is_roots(&st))
		*fault = others_fault(real, &st);
	slash = strrchr(real, '/');
	if (slash != NULL && slash != real)
		*slash = '\0';
	/* In a sticky one the files of root are safe. */
	if (*fault == NULL && stat(real, &st) == 0 && !is_roots(&st) &&
	    (st.st_uid != 0 || (st.st_mode & S_ISVTX) == 0))
		*fault = others_fault(real, &st);
	free(real);
	return 0;
}

char *
access_others(const char *path, const struct stat *st, char **folder)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash != NULL ? (size_t)(slash - path) + 1 : 0;
	char *fault;

	if (geteuid() != 0)
		return NULL;
	if (S_ISREG(st->st_mode) && is_roots(st) && *folder != NULL &&
	    strlen(*folder) == len && memcmp(*folder, path, len) == 0)
		return NULL;
	if (look_at_both(path, &fault) == 0 && fault == NULL &&
	    !S_ISLNK(st->st_mode)) {
		free(*folder);
		*folder = xstrndup(path, len);
	}
	return fault;
}
