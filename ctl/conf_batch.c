/* SPDX-License-Identifier: MIT */
#include "ctl/conf_batch.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/api.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "ctl/spawn.h"

enum {
	MODE_CONF = 0640,
	MODE_SECRET = 0600,
	MODE_CONF_DIR = 0755,
	MODE_SECRET_DIR = 0700
};

struct file {
	char		*path;
	char		*tmp;		/* beside it; NULL: not there */
	char		*text;
	bool		 is_secret;
	bool		 is_there;	/* we wrote it */
};

struct conf_batch {
	char		*main_file;
	char		*conf_dir, *secret_dir;
	struct file	*files;
	size_t		 n;
	uid_t		 uid;		/* the daemon's; (uid_t)-1: unknown */
	gid_t		 gid;
};

/* Who is to read them: whom secrets/ belongs to, else the usual user. */
static void
find_owner(struct conf_batch *b)
{
	const struct passwd *pw = NULL;
	struct stat st;

	b->uid = (uid_t)-1;
	b->gid = (gid_t)-1;
	/* The directory's own group may be anybody's, such as root's. */
	if (stat(b->secret_dir, &st) == 0 && st.st_uid != 0)
		pw = getpwuid(st.st_uid);
	if (pw == NULL)
		pw = getpwnam(API_GROUP);
	if (pw != NULL) {
		b->uid = pw->pw_uid;
		b->gid = pw->pw_gid;
	}
}

struct conf_batch *
conf_batch_new(const char *main_file)
{
	struct conf_batch *b = xcalloc(1, sizeof(*b));
	char *copy = xstrdup(main_file), *dir = dirname(copy);

	b->main_file = xstrdup(main_file);
	b->conf_dir = xasprintf("%s/conf.d", dir);
	b->secret_dir = xasprintf("%s/secrets", dir);
	free(copy);
	find_owner(b);
	return b;
}

void
conf_batch_free(struct conf_batch *b)
{
	if (b == NULL)
		return;
	for (size_t i = 0; i < b->n; i++) {
		free(b->files[i].path);
		free(b->files[i].tmp);
		freezero_str(b->files[i].text);
	}
	free(b->files);
	free(b->conf_dir);
	free(b->secret_dir);
	free(b->main_file);
	free(b);
}

int
conf_batch_may_write(const struct conf_batch *b, struct error *err)
{
	char *copy = xstrdup(b->main_file);
	const char *dir = access(b->conf_dir, F_OK) == 0 ? b->conf_dir :
	    dirname(copy);
	int rc = 0;

	if (access(dir, W_OK) == -1)
		rc = error_set(err, ERR_CONFIG, "ctl:denied",
		    "%s cannot be written: %s; run this as root", dir,
		    strerror(errno));
	free(copy);
	return rc;
}

static struct file *
add(struct conf_batch *b)
{
	b->files = xreallocarray(b->files, b->n + 1, sizeof(*b->files));
	b->files[b->n] = (struct file){ .path = NULL };
	return &b->files[b->n++];
}

const char *
conf_batch_file(struct conf_batch *b, const char *name, char *text)
{
	struct file *f = add(b);

	f->path = xasprintf("%s/%s.conf", b->conf_dir, name);
	f->text = text;
	return f->path;
}

static bool
is_taken(const struct conf_batch *b, const char *path)
{
	struct stat st;

	for (size_t i = 0; i < b->n; i++) {
		if (strcmp(b->files[i].path, path) == 0)
			return true;
	}
	return lstat(path, &st) == 0;
}

const char *
conf_batch_secret(struct conf_batch *b, const char *name, const char *secret)
{
	char *path = xasprintf("%s/%s", b->secret_dir, name);
	struct file *f;

	for (unsigned n = 2; is_taken(b, path); n++) {
		free(path);
		path = xasprintf("%s/%s-%u", b->secret_dir, name, n);
	}
	f = add(b);
	f->path = path;
	f->text = xasprintf("%s\n", secret);
	f->is_secret = true;
	return f->path;
}

const char *
conf_batch_path(const struct conf_batch *b, size_t i)
{
	return i < b->n ? b->files[i].path : NULL;
}

const char *
conf_batch_text(const struct conf_batch *b, size_t i)
{
	return b->files[i].is_secret ? NULL : b->files[i].text;
}

static int
make_dirs(const struct conf_batch *b, bool for_secrets, struct error *err)
{
	const char *dir = for_secrets ? b->secret_dir : b->conf_dir;
	struct stat st;

	if (stat(dir, &st) == 0)
		return 0;
	if (file_mkdir(AT_FDCWD, dir, for_secrets ? MODE_SECRET_DIR :
	    MODE_CONF_DIR, err) == -1)
		return -1;
	if (for_secrets && geteuid() == 0 && b->uid != (uid_t)-1 &&
	    chown(dir, b->uid, b->gid) == -1)
		return error_errno(err, "%s: give it to the daemon", dir);
	return 0;
}

/* The owner comes before what is in it. */
static int
fill(const struct conf_batch *b, const struct file *f, int fd)
{
	uid_t uid = f->is_secret ? b->uid : (uid_t)-1;

	/* Without root's rights we can only try: the check tells what the
	 * daemon cannot read. */
	if (b->gid != (gid_t)-1 && fchown(fd, uid, b->gid) == -1 &&
	    geteuid() == 0)
		return -1;
	return fchmod(fd, f->is_secret ? MODE_SECRET : MODE_CONF) == -1 ||
	    file_write_all(fd, f->text, strlen(f->text)) == -1 ||
	    fsync(fd) == -1 ? -1 : 0;
}

/* Under a name that no include matches. */
static int
write_beside(const struct conf_batch *b, struct file *f, struct error *err)
{
	const char *base = strrchr(f->path, '/') + 1;
	char *tmp = xasprintf("%.*s.%s.XXXXXX", (int)(base - f->path),
	    f->path, base);
	int fd = mkostemp(tmp, O_CLOEXEC);

	if (fd == -1) {
		if (errno == EACCES || errno == EPERM || errno == EROFS)
			(void)error_set(err, ERR_CONFIG, "ctl:denied",
			    "%s cannot be written: %s; run this as root",
			    f->path, strerror(errno));
		else
			(void)error_errno(err, "%s: write", f->path);
		free(tmp);
		return -1;
	}
	f->tmp = tmp;
	if (fill(b, f, fd) == -1) {
		(void)error_errno(err, "%s: write", f->path);
		(void)close(fd);
		return -1;
	}
	return close(fd) == -1 ? error_errno(err, "%s: write", f->path) : 0;
}

static void
drop_tmp(struct file *f)
{
	if (f->tmp != NULL)
		(void)unlink(f->tmp);
	free(f->tmp);
	f->tmp = NULL;
}

/* link(2) does what rename(2) does not: it refuses what is there. */
static int
publish(struct file *f, struct error *err)
{
	if (link(f->tmp, f->path) == -1)
		return errno == EEXIST ? error_set(err, ERR_CONFIG,
		    "ctl:exists", "%s is there already; nothing was written",
		    f->path) : error_errno(err, "%s", f->path);
	f->is_there = true;
	return 0;
}

static int
sync_dir(const char *dir, struct error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), rc;

	if (fd == -1)
		return error_errno(err, "%s", dir);
	rc = file_sync_dir(fd, dir, err);
	(void)close(fd);
	return rc;
}

/* Those of one kind that are not there yet. */
static int
write_kind(struct conf_batch *b, bool is_secret, struct error *err)
{
	int rc = 0;
	size_t n = 0;

	for (size_t i = 0; i < b->n && rc == 0; i++) {
		struct file *f = &b->files[i];

		if (f->is_secret != is_secret || f->is_there)
			continue;
		if (n++ == 0)
			rc = make_dirs(b, is_secret, err);
		if (rc == 0)
			rc = write_beside(b, f, err);
	}
	for (size_t i = 0; i < b->n && rc == 0; i++) {
		if (b->files[i].tmp != NULL)
			rc = publish(&b->files[i], err);
	}
	for (size_t i = 0; i < b->n; i++)
		drop_tmp(&b->files[i]);
	if (rc == 0 && n > 0)
		rc = sync_dir(is_secret ? b->secret_dir : b->conf_dir, err);
	if (rc == -1)
		conf_batch_undo(b);
	return rc;
}

int
conf_batch_write_secrets(struct conf_batch *b, struct error *err)
{
	return write_kind(b, true, err);
}

int
conf_batch_write(struct conf_batch *b, struct error *err)
{
	if (write_kind(b, true, err) == -1)
		return -1;
	return write_kind(b, false, err);
}

void
conf_batch_undo(struct conf_batch *b)
{
	struct error ignored;

	/* Who refers to others goes first. */
	for (size_t i = b->n; i-- > 0;) {
		if (b->files[i].is_there)
			(void)unlink(b->files[i].path);
		b->files[i].is_there = false;
	}
	(void)sync_dir(b->conf_dir, &ignored);
	(void)sync_dir(b->secret_dir, &ignored);
}

int
conf_batch_check(const char *main_file, char **lines, struct error *err)
{
	char *acmed = spawn_acmed();
	const char *argv[] = { acmed, "--check-config", "-c", main_file,
	    NULL };
	int rc;

	*lines = NULL;
	rc = spawn_wait(argv, lines, err);
	free(acmed);
	return rc == -1 ? -1 : rc == 0 ? 0 : 1;
}

int
conf_batch_install(struct conf_batch *b, char **lines, struct error *err)
{
	int rc;

	*lines = NULL;
	if (conf_batch_write(b, err) == -1)
		return -1;
	rc = conf_batch_check(b->main_file, lines, err);
	if (rc == 1)
		(void)error_set(err, ERR_CONFIG, "conf:invalid", "with the "
		    "new files %s has mistakes; they were taken away again",
		    b->main_file);
	if (rc != 0)
		conf_batch_undo(b);
	return rc == 0 ? 0 : -1;
}
