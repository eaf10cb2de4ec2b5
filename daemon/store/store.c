/* SPDX-License-Identifier: MIT */
#include "daemon/store/store_priv.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/db.h"
#include "daemon/store/replica.h"
#include "daemon/store/store_txt.h"

struct store_sync_op {
	TAILQ_ENTRY(store_sync_op) entry;
	struct store	*store;
	uint64_t	 turn;		/* the commit it waits for */
	char		*shared;	/* certificate; NULL: only the disk */
	void		*flush;		/* it is on disk, and waits for the
					   replica; or NULL */
	store_sync_cb	*done;
	void		*arg;
};

/* See reserve_make(); its size in bytes. */
#define RESERVE "reserve"
#define RESERVE_SIZE (256 << 10)

/* How long history and the like wait for a transaction that must be synced. */
#define LAZY_MS 300

static const char *const subdirs[] = {
	"accounts", "pending", "requests", "archive", "live", "scratch",
};

bool
store_name_is_sane(const char *name)
{
	return name[0] != '\0' && name[0] != '.' && strchr(name, '/') == NULL;
}

/* errno, with who we are and what helps. */
static int
dir_error(const char *dir, const char *sub, struct error *err)
{
	int saved = errno;

	if (saved == EROFS || saved == ENOSPC || saved == EDQUOT ||
	    saved == EMFILE || saved == ENFILE)
		return error_set(err, saved == EROFS ? ERR_CONFIG :
		    ERR_INTERNAL, "store:dir", "state directory %s%s%s: %s",
		    dir, sub[0] != '\0' ? "/" : "", sub, strerror(saved));
	if (saved == ELOOP || saved == EISDIR || saved == ENOTDIR ||
	    saved == ENXIO)
		return error_set(err, ERR_CONFIG, "store:dir", "state "
		    "directory %s%s%s: something else is in its place (%s); "
		    "move it aside", dir, sub[0] != '\0' ? "/" : "", sub,
		    strerror(saved));
	return error_set(err, ERR_CONFIG, "store:dir",
	    "state directory %s%s%s: cannot be used by user id %ld: %s; fix "
	    "it with: install -d -o %ld -m 700 %s%s%s", dir,
	    sub[0] != '\0' ? "/" : "", sub, (long)geteuid(), strerror(saved),
	    (long)geteuid(), dir, sub[0] != '\0' ? "/" : "", sub);
}

static int
open_dir(struct store *s, const char *dir, struct error *err)
{
	struct stat st;
	char user[64];

	if (mkdir(dir, 0700) == -1 && errno != EEXIST)
		return dir_error(dir, "", err);
	/* What root writes there the service could not use any more. */
	if (geteuid() == 0 && stat(dir, &st) == 0 && st.st_uid != 0) {
		const struct passwd *pw = getpwuid(st.st_uid);

		if (pw != NULL)
			(void)text_printf(user, sizeof(user), "%s",
			    pw->pw_name);
		else	/* as sudo(8) takes it */
			(void)text_printf(user, sizeof(user), "#%ld",
			    (long)st.st_uid);
		return error_set(err, ERR_CONFIG, "store:root", "state "
		    "directory %s belongs to user %s, and acmed was started "
		    "by root: use systemctl start acmed, or sudo -u '%s' "
		    "acmed", dir, user, user);
	}
	s->dirfd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->dirfd == -1 || faccessat(s->dirfd, ".", W_OK | X_OK,
	    AT_EACCESS) == -1)
		return dir_error(dir, "", err);
	s->dir = realpath(dir, NULL);
	if (s->dir == NULL)
		return dir_error(dir, "", err);
	s->scratch = xasprintf("%s/scratch", s->dir);
	return 0;
}

static int
take_lock(struct store *s, struct error *err)
{
	char pid[32] = "";
	ssize_t n;

	s->lockfd = openat(s->dirfd, "lock",
	    O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lockfd == -1)
		return dir_error(s->dir, "lock", err);
	/* The directory's own lock holds if somebody removes the file.  Not
	   all file systems have one for directories. */
	if (flock(s->lockfd, LOCK_EX | LOCK_NB) == -1 ||
	    (flock(s->dirfd, LOCK_EX | LOCK_NB) == -1 &&
	    errno == EWOULDBLOCK)) {
		if (errno != EWOULDBLOCK)
			return error_errno(err, "%s/lock", s->dir);
		n = read(s->lockfd, pid, sizeof(pid) - 1);
		pid[n < 0 ? 0 : n] = '\0';
		pid[strcspn(pid, "\n")] = '\0';
		return error_set(err, ERR_CONFIG, "store:locked",
		    "another acmed (pid %s) uses %s",
		    pid[0] != '\0' ? pid : "unknown", s->dir);
	}
	/* For people only, so a full disk does not matter here. */
	(void)text_printf(pid, sizeof(pid), "%ld\n", (long)getpid());
	if (ftruncate(s->lockfd, 0) == 0)
		(void)!pwrite(s->lockfd, pid, strlen(pid), 0);
	return 0;
}

static int
make_subdirs(struct store *s, struct error *err)
{
	/* What a crash left there may be a key. */
	certdir_remove_version(s->dirfd, "scratch");
	for (size_t i = 0; i < sizeof(subdirs) / sizeof(subdirs[0]); i++) {
		struct error why;

		if (file_mkdir(s->dirfd, subdirs[i], 0700, &why) == -1)
			return error_set(err, ERR_CONFIG, "store:dir",
			    "state directory %s: %s", s->dir, why.msg);
		if (faccessat(s->dirfd, subdirs[i], W_OK | X_OK,
		    AT_EACCESS) == -1)
			return dir_error(s->dir, subdirs[i], err);
	}
	return 0;
}

static void
op_free(struct store_sync_op *op)
{
	free(op->shared);
	free(op);
}

static void
flushed(const struct error *err, void *arg)
{
	struct store_sync_op *op = arg;

	TAILQ_REMOVE(&op->store->flushes, op, entry);
	op->done(err, op->arg);
	op_free(op);
}

static void
op_end(struct store_sync_op *op, const struct error *err)
{
	struct store *s = op->store;

	if (err != NULL || op->shared == NULL || s->replica == NULL) {
		op->done(err, op->arg);
		op_free(op);
		return;
	}
	TAILQ_INSERT_TAIL(&s->flushes, op, entry);
	op->flush = s->replica->flush(op->shared, flushed, op,
	    s->replica->arg);
}

/* One commit for all that was written, then all that waited are told. */
static void
commit_cb(void *arg)
{
	struct store *s = arg;
	struct store_sync_op *op;
	struct error err;
	bool failed;

	if (db_commit(s->db, &err) == -1) {
		s->lost = true;
		s->lost_error = err;
	}
	failed = s->lost;
	err = s->lost_error;
	/* Those that start in a done wait for the next one. */
	for (uint64_t turn = s->turn++; (op = TAILQ_FIRST(&s->syncs)) != NULL &&
	    op->turn == turn;) {
		s->lost = false;
		TAILQ_REMOVE(&s->syncs, op, entry);
		op_end(op, failed ? &err : NULL);
	}
}

/* Something was written that nobody waits for: it may go with what is. */
static void
dirty_cb(void *arg)
{
	struct store *s = arg;

	if (!timer_is_set(&s->commit))
		timer_set(&s->commit, LAZY_MS);
}

static int
open_db(struct store *s, struct error *err)
{
	char *path = xasprintf("%s/state.db", s->dir);

	s->db = db_open(path, dirty_cb, s, err);
	free(path);
	if (s->db == NULL)
		return -1;
	store_txt_init(s);
	/* The names of what was created. */
	return file_sync_dir(s->dirfd, s->dir, err);
}

/*
 * With the last byte of the disk taken SQLite cannot even open a database.  A
 * file of ours that is given up then is room enough to start, and to tell
 * people.
 */
static void
reserve_make(const struct store *s)
{
	struct stat st;
	int fd;

	if (fstatat(s->dirfd, RESERVE, &st, AT_SYMLINK_NOFOLLOW) == 0)
		return;
	fd = openat(s->dirfd, RESERVE, O_WRONLY | O_CREAT | O_EXCL |
	    O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd == -1)
		return;
	if (posix_fallocate(fd, 0, RESERVE_SIZE) != 0)
		(void)unlinkat(s->dirfd, RESERVE, 0);
	close(fd);
}

static int
open_rest(struct store *s, struct error *err)
{
	if (make_subdirs(s, err) == 0 && open_db(s, err) == 0) {
		reserve_make(s);
		return 0;
	}
	if (unlinkat(s->dirfd, RESERVE, 0) == -1)
		return -1;
	db_close(s->db);
	s->db = NULL;
	return make_subdirs(s, err) == 0 ? open_db(s, err) : -1;
}

struct store *
store_open(struct loop *loop, const char *dir, struct error *err)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->dirfd = s->lockfd = -1;
	TAILQ_INIT(&s->syncs);
	TAILQ_INIT(&s->flushes);
	timer_init(&s->commit, loop, commit_cb, s);
	if (open_dir(s, dir, err) == -1 || take_lock(s, err) == -1 ||
	    open_rest(s, err) == -1) {
		store_close(s);
		return NULL;
	}
	return s;
}

bool
store_is_new(const struct store *s)
{
	return db_is_new(s->db);
}

void
store_close(struct store *s)
{
	struct store_sync_op *op;
	struct error err;

	if (s == NULL)
		return;
	while ((op = TAILQ_FIRST(&s->syncs)) != NULL)
		store_sync_cancel(op);
	while ((op = TAILQ_FIRST(&s->flushes)) != NULL)
		store_sync_cancel(op);
	timer_clear(&s->commit);
	if (s->db != NULL)
		(void)db_commit(s->db, &err);
	db_close(s->db);
	if (s->db != NULL)
		reserve_make(s);
	/* Last: it lets the next daemon in. */
	if (s->dirfd != -1)
		close(s->dirfd);
	if (s->lockfd != -1)
		close(s->lockfd);
	free(s->dir);
	free(s->scratch);
	free(s);
}

struct store_sync_op *
store_sync_start(struct store *s, store_sync_cb *done, void *arg)
{
	struct store_sync_op *op = xcalloc(1, sizeof(*op));

	op->store = s;
	op->turn = s->turn;
	op->done = done;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&s->syncs, op, entry);
	timer_set(&s->commit, 0);
	return op;
}

struct store_sync_op *
store_sync_shared_start(struct store *s, const char *cert, store_sync_cb *done,
    void *arg)
{
	struct store_sync_op *op = store_sync_start(s, done, arg);

	op->shared = xstrdup(cert);
	return op;
}

void
store_sync_cancel(struct store_sync_op *op)
{
	if (op == NULL)
		return;
	if (op->flush != NULL) {
		op->store->replica->cancel(op->flush, op->store->replica->arg);
		TAILQ_REMOVE(&op->store->flushes, op, entry);
	} else {
		TAILQ_REMOVE(&op->store->syncs, op, entry);
	}
	op_free(op);
}

/* --- the replica --- */

bool
store_is_shared(const struct store *s)
{
	return s->replica != NULL;
}

void
store_set_replica(struct store *s, const struct store_replica *replica)
{
	struct store_sync_op *op;
	struct error err;

	(void)error_set(&err, ERR_TRANSIENT, "cluster:away",
	    "the cluster is not used any more");
	while ((op = TAILQ_FIRST(&s->flushes)) != NULL) {
		s->replica->cancel(op->flush, s->replica->arg);
		flushed(&err, op);
	}
	s->replica = replica;
}

void
store_cert_changed(const struct store *s, const char *name)
{
	if (s->replica != NULL)
		s->replica->cert(name, s->replica->arg);
}

void
store_account_changed(const struct store *s, const char *name,
    const char *directory)
{
	if (s->replica != NULL)
		s->replica->account(name, directory, s->replica->arg);
}
