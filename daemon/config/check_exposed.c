/* SPDX-License-Identifier: MIT */
/* What is acmed's own, but open to others: warnings. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/access.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/check.h"
#include "daemon/config/opt.h"

/* Bits that a mode must not have. */
#define WRITE_BITS	(S_IWGRP | S_IWOTH)
#define ALL_BITS	(S_IRWXG | S_IRWXO)
/* Of keys of certificates, which a group may have been let read. */
#define KEY_BITS	(S_IWGRP | S_IRWXO)

/* The first of the files that are told in one line, and how many more. */
struct found {
	uid_t		 owner;		/* root may be it, too */
	char		*path;
	struct stat	 st;
	size_t		 n;
};

static bool
is_foreign(const struct found *f, const struct stat *st)
{
	return st->st_uid != 0 && st->st_uid != f->owner;
}

/* path is taken. */
static void
look(struct found *f, int dirfd, const char *name, char *path, mode_t bits)
{
	struct stat st;

	if (fstatat(dirfd, name, &st, 0) == 0 &&
	    ((st.st_mode & bits) != 0 || is_foreign(f, &st)) && f->n++ == 0) {
		f->path = path;
		f->st = st;
		return;
	}
	free(path);
}

/* command mends the modes; f is cleared. */
static void
tell(struct check *c, const char *key, struct found *f, const char *what,
    const char *command)
{
	const struct section *main_file = c->n_files > 0 ? c->files[0] : NULL;
	const struct value *v;
	char more[48] = "", change[64] = "", *shown;

	if (f->n > 0 && main_file != NULL) {
		v = tree_value(main_file, key);
		shown = access_describe(f->path, &f->st);
		if (f->n > 1)
			(void)text_printf(more, sizeof(more), " and %zu more",
			    f->n - 1);
		if (is_foreign(f, &f->st))
			(void)text_printf(change, sizeof(change), "chown %lu ",
			    (unsigned long)f->owner);
		opt_warn(c->m, main_file, v != NULL ? v->line : 0,
		    "%s: %s%s, %s, is open to other users: %s%s%s%s", key,
		    shown, more, what, change, change[0] != '\0' ? f->path :
		    "", change[0] != '\0' ? " && " : "", command);
		free(shown);
	}
	free(f->path);
}

static void
warn_file(struct check *c, uid_t owner, const char *path, mode_t bits,
    const char *what)
{
	struct found f = { .owner = owner };
	char *command = xasprintf("chmod %s %s", bits == WRITE_BITS ? "go-w" :
	    "go-rwx", path);

	look(&f, AT_FDCWD, path, xstrdup(path), bits);
	tell(c, "state_dir", &f, what, command);
	free(command);
}

/* sub/NAME with that ending, or sub/NAME/file if there is none. */
static void
warn_keys(struct check *c, uid_t owner, const char *sub, const char *file,
    mode_t bits, const char *what, const char *command)
{
	char *dir = xasprintf("%s/%s", c->conf->state_dir, sub);
	struct found f = { .owner = owner };
	struct dirent *e;
	DIR *d = opendir(dir);

	while (d != NULL && (e = readdir(d)) != NULL) {
		size_t len = strlen(e->d_name);
		char *name;

		if (e->d_name[0] == '.' || (file == NULL && (len < 4 ||
		    strcmp(e->d_name + len - 4, ".key") != 0)))
			continue;
		name = xasprintf("%s%s%s", e->d_name, file != NULL ? "/" : "",
		    file != NULL ? file : "");
		look(&f, dirfd(d), name, xasprintf("%s/%s", dir, name), bits);
		free(name);
	}
	if (d != NULL)
		(void)closedir(d);
	tell(c, "state_dir", &f, what, command);
	free(dir);
}

/* Who can write there can put another socket in its place; in a sticky
 * directory only where there is none. */
static void
warn_socket(struct check *c, uid_t owner)
{
	const char *path = c->conf->control_socket;
	const char *slash = strrchr(path, '/');
	struct found f = { .owner = owner };
	char *dir, *command;
	mode_t bits = WRITE_BITS;
	struct stat st;

	if (slash == NULL || slash == path)
		return;
	dir = xstrndup(path, (size_t)(slash - path));
	if (stat(dir, &st) == 0 && ((st.st_mode & S_ISVTX) != 0 ||
	    st.st_gid == 0 || st.st_gid == getegid()))
		bits = (st.st_mode & S_ISVTX) != 0 ? 0 : S_IWOTH;
	command = xasprintf("chmod go-w %s", dir);
	look(&f, AT_FDCWD, dir, xstrdup(dir), bits);
	tell(c, "control_socket", &f, "in which they can put a socket of "
	    "theirs", command);
	free(command);
	free(dir);
}

void
check_exposed(struct check *c)
{
	static const char *const dirs[] = { "accounts", "pending", "archive",
	    "live" };
	/* Of a pair, the second has a folder. */
	static const char *const keys[] = { "privkey.pem", "rsa/privkey.pem",
	    "ec/privkey.pem" };
	const char *state = c->conf->state_dir;
	char *command, *path;
	struct stat st;

	if (state == NULL || c->conf->control_socket == NULL)
		return;
	if (stat(state, &st) == -1) {	/* as before the first start */
		warn_socket(c, geteuid());
		return;
	}
	warn_socket(c, st.st_uid);
	warn_file(c, st.st_uid, state, WRITE_BITS, "acmed's state");
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++) {
		path = xasprintf("%s/%s", state, dirs[i]);
		warn_file(c, st.st_uid, path, WRITE_BITS, "a directory of "
		    "acmed's");
		free(path);
	}
	command = xasprintf("chmod go-rwx %s/accounts/*.key", state);
	warn_keys(c, st.st_uid, "accounts", NULL, ALL_BITS, "the key of an "
	    "account", command);
	free(command);
	command = xasprintf("chmod go-rwx %s/pending/*.key", state);
	warn_keys(c, st.st_uid, "pending", NULL, ALL_BITS, "the key of a "
	    "certificate", command);
	free(command);
	command = xasprintf("find %s/archive -name privkey.pem -exec chmod "
	    "g-w,o-rwx {} +", state);
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
		warn_keys(c, st.st_uid, "live", keys[i], KEY_BITS, "the key "
		    "of a certificate", command);
	free(command);
	path = xasprintf("%s/publisher.key", state);
	warn_file(c, st.st_uid, path, ALL_BITS, "the key that hosts believe");
	free(path);
	path = xasprintf("%s/state.db", state);
	warn_file(c, st.st_uid, path, ALL_BITS, "acmed's state");
	free(path);
	path = xasprintf("%s/last-good", state);
	warn_file(c, st.st_uid, path, ALL_BITS, "a copy of the configuration "
	    "with its secrets");
	free(path);
}
