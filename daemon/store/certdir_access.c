/* SPDX-License-Identifier: MIT */
#include "daemon/store/certdir_access.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/xattr.h>
#include <unistd.h>

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
