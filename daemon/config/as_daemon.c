/* SPDX-License-Identifier: MIT */
#include "daemon/config/as_daemon.h"

#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf_start.h"

#define STATE_DIR "/var/lib/acmed"	/* if the configuration is silent */
#define UNIT "acmed.service"
#define UNIT_MAX 65536

/* User= of one file of the unit takes the place of what was before. */
static void
take_user(const char *path, char user[64])
{
	struct error err;
	char *text, *line, *rest;
	size_t len;

	if (file_read(AT_FDCWD, path, UNIT_MAX, &text, &len, &err) == -1)
		return;
	for (rest = text; (line = strsep(&rest, "\n")) != NULL;) {
		if (strncmp(line, "User=", strlen("User=")) == 0)
			(void)text_printf(user, 64, "%.*s", (int)strcspn(line +
			    strlen("User="), " \t\r"), line +
			    strlen("User="));
	}
	free(text);
}

/* As systemd.unit(5) finds it: one file, and all drop-ins; "": none. */
static void
unit_user(char user[64])
{
	/* The first one that has it counts. */
	static const char *const dirs[] = { "/etc/systemd/system",
	    "/run/systemd/system", "/usr/local/lib/systemd/system",
	    "/usr/lib/systemd/system", "/lib/systemd/system" };
	bool found = false;
	char path[128];
	glob_t g;

	user[0] = '\0';
	for (size_t i = 0; !found && i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		(void)text_printf(path, sizeof(path), "%s/" UNIT, dirs[i]);
		found = access(path, R_OK) == 0;
		if (found)
			take_user(path, user);
	}
	for (size_t i = sizeof(dirs) / sizeof(dirs[0]); i-- > 0;) {
		(void)text_printf(path, sizeof(path), "%s/" UNIT ".d/*.conf",
		    dirs[i]);
		if (glob(path, 0, NULL, &g) == 0) {
			for (size_t j = 0; j < g.gl_pathc; j++)
				take_user(g.gl_pathv[j], user);
		}
		globfree(&g);
	}
}

/* False: it is root, or not to be known. */
static bool
find_user(const char *state_dir, uid_t *uid, gid_t *gid, char name[64])
{
	const struct passwd *pw;
	struct stat st;

	name[0] = '\0';
	if (stat(state_dir, &st) == 0 && st.st_uid != 0) {
		*uid = st.st_uid;
		*gid = st.st_gid;
		pw = getpwuid(st.st_uid);
	} else if (strcmp(state_dir, STATE_DIR) == 0) {
		unit_user(name);
		pw = name[0] != '\0' ? getpwnam(name) : NULL;
		if (pw == NULL || pw->pw_uid == 0)
			return false;
	} else {
		return false;
	}
	if (pw != NULL) {
		*uid = pw->pw_uid;
		*gid = pw->pw_gid;
		(void)text_printf(name, 64, "%s", pw->pw_name);
	}
	return true;
}

int
as_daemon(const char *conf_path, struct error *err)
{
	char *state_dir, name[64];
	bool found;
	uid_t uid;
	gid_t gid;
	int rc;

	if (geteuid() != 0)
		return 0;
	state_dir = conf_guess(conf_path, "state_dir", STATE_DIR);
	found = find_user(state_dir, &uid, &gid, name);
	free(state_dir);
	if (!found)
		return 0;
	rc = name[0] != '\0' ? initgroups(name, gid) : setgroups(0, NULL);
	if (rc == 0 && setresgid(gid, gid, gid) == 0 &&
	    setresuid(uid, uid, uid) == 0)
		return 0;
	return error_errno(err, "become user id %ld, who the daemon is",
	    (long)uid);
}
