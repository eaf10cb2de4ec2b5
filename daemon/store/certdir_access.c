/* SPDX-License-Identifier: MIT */
#include "daemon/store/certdir_access.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "common/mem.h"
#include "daemon/store/certdir.h"
#include "daemon/store/certdir_priv.h"

#define FLAGS (O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
#define ACL_MAX 4096		/* some 500 entries */

/* POSIX ACLs as Linux keeps them (acl(5)); libacl would do the same. */
static const char *const acls[] = { "system.posix_acl_access",
    "system.posix_acl_default" };

/* True if there is none, or it has been given. */
static bool
copy_acl(int from, int to, const char *acl)
{
	char value[ACL_MAX];
	ssize_t len = fgetxattr(from, acl, value, sizeof(value));

	return len <= 0 || fsetxattr(to, acl, value, (size_t)len, 0) == 0;
}

void
certdir_copy_access(int from, int to)
{
	struct stat old, st;
	bool has_group = true;
	mode_t mode;

	if (fstat(from, &old) == -1 || fstat(to, &st) == -1)
		return;
	mode = (old.st_mode & 0777) | (S_ISDIR(st.st_mode) ? 0700 : 0600);
	if (old.st_gid != st.st_gid)
		has_group = fchown(to, (uid_t)-1, old.st_gid) == 0;
	if (!has_group)
		mode &= (mode_t)~070;
	if (fchmod(to, mode) == -1)
		return;
	for (size_t i = 0; i < sizeof(acls) / sizeof(acls[0]); i++) {
		if (i == 1 && !S_ISDIR(st.st_mode))
			break;
		/* Its entry for the group would be another group's. */
		if (i == 0 && !has_group)
			continue;
		/* With a list these bits are its mask, not the group's. */
		if (!copy_acl(from, to, acls[i]) && i == 0)
			(void)fchmod(to, mode & (mode_t)~070);
	}
}

bool
certdir_lacks_access(int from, int to)
{
	char a[ACL_MAX], b[ACL_MAX];
	ssize_t len = fgetxattr(from, acls[0], a, sizeof(a));
	struct stat old, st;

	if (fstat(from, &old) == -1 || fstat(to, &st) == -1)
		return false;
	if ((old.st_mode & 077 & ~st.st_mode) != 0 ||
	    ((old.st_mode & 070) != 0 && old.st_gid != st.st_gid))
		return true;
	return len > 0 && (fgetxattr(to, acls[0], b, sizeof(b)) != len ||
	    memcmp(a, b, (size_t)len) != 0);
}

/* Of one file, or (F_END) of the directories themselves. */
static bool
lacks_access(int old, int new, int file)
{
	int from = file == F_END ? dup(old) : openat(old,
	    certdir_files[file].name, FLAGS);
	int to = file == F_END ? dup(new) : openat(new,
	    certdir_files[file].name, FLAGS);
	bool lacks = from != -1 && to != -1 && certdir_lacks_access(from, to);

	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return lacks;
}

static bool
dir_lacks_access(int old, int new)
{
	bool lacks = false;

	for (int i = 0; i <= F_END; i++)
		lacks = lacks || lacks_access(old, new, i);
	return lacks;
}

bool
certdir_loses_access(int dirfd, const char *name, const char *version)
{
	char *live = xasprintf("live/%s", name);
	char *path = xasprintf("archive/%s/%s", name, version);
	int old = openat(dirfd, live, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int new = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool loses = old != -1 && new != -1 && dir_lacks_access(old, new);
	const char *folder;
	int old2 = old == -1 ? -1 : certdir_open_second(old, &folder);
	int new2 = new == -1 ? -1 : certdir_open_second(new, &folder);

	if (new2 != -1 && old != -1)
		loses = loses || dir_lacks_access(old2 != -1 ? old2 : old,
		    new2);
	if (old2 != -1)
		close(old2);
	if (new2 != -1)
		close(new2);
	if (old != -1)
		close(old);
	if (new != -1)
		close(new);
	free(path);
	free(live);
	return loses;
}
