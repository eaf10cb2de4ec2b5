/* SPDX-License-Identifier: MIT */
#include "daemon/store/certdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir_access.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/chain.h"
#include "daemon/store/keys.h"

#define VERSIONS_MAX 1000	/* SERIAL-2, ...: somebody breaks them */
#define TARGET_PREFIX "../archive/"

enum { F_PRIVKEY, F_CERT, F_CHAIN, F_FULLCHAIN, F_END };

static const struct {
	const char	*name;
	mode_t		 mode;
} files[] = {
	[F_PRIVKEY] = { "privkey.pem", 0600 },
	[F_CERT] = { "cert.pem", 0644 },
	[F_CHAIN] = { "chain.pem", 0644 },
	[F_FULLCHAIN] = { "fullchain.pem", 0644 },
};
_Static_assert(sizeof(files) / sizeof(files[0]) == F_END, "files");

/* One installation. */
struct install {
	const char	*name;
	char		*content[F_END];
	int		 archive;	/* archive/NAME */
	int		 live;		/* live/ */
	char		 version[STORE_VERSION_SIZE];
};

static int
open_dir_at(int dirfd, const char *path, struct error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "%s", path);
	return fd;
}

/* Do a key and a chain in PEM belong together? */
static int
check_pair(const char *key_pem, const char *pem, size_t len,
    struct error *err)
{
	EVP_PKEY *key = key_from_pem(key_pem, err);
	struct chain chain;
	int rc;

	if (key == NULL)
		return -1;
	rc = chain_parse(pem, len, &chain, err);
	if (rc == 0) {
		rc = chain_check_key(&chain, key, err);
		chain_clear(&chain);
	}
	EVP_PKEY_free(key);
	return rc;
}

/* Is this file there with this content? */
static bool
has_content(int dir, int file, const char *want)
{
	struct error err;
	size_t len;
	char *text;
	bool same;

	if (file_read(dir, files[file].name, CHAIN_PEM_MAX * 2, &text, &len,
	    &err) == -1)
		return false;
	same = len == strlen(want) && memcmp(text, want, len) == 0;
	freezero(text, len);
	return same;
}

/* Does the version at this path hold exactly what is to be installed? */
static bool
is_same(int dirfd, const char *path, const struct install *in)
{
	int dir = openat(dirfd, path,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	bool same = dir != -1;

	for (int i = 0; same && i < F_END; i++)
		same = has_content(dir, i, in->content[i]);
	if (dir != -1)
		close(dir);
	return same;
}

/* The file as it is in the version that is live; -1: there is none. */
static int
open_old(int old, int file)
{
	return old == -1 ? -1 : openat(old, files[file].name,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* With the access that its predecessor had; old: the live version, or -1. */
static int
write_file(int dir, int old, int file, const char *text)
{
	int fd = openat(dir, files[file].name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int before, rc, saved;

	if (fd == -1)
		return -1;
	rc = file_write_all(fd, text, strlen(text));
	if (rc == 0)
		rc = fchmod(fd, files[file].mode);
	before = open_old(old, file);
	if (before != -1) {
		certdir_copy_access(before, fd);
		close(before);
	}
	if (rc == 0)
		rc = fsync(fd);
	saved = errno;
	if (close(fd) == -1 && rc == 0)
		return -1;
	errno = saved;
	return rc;
}

/* Write, make durable, and see that the directory has what was checked. */
static int
fill_version(int dir, int old, const struct install *in, struct error *err)
{
	for (int i = 0; i < F_END; i++) {
		if (write_file(dir, old, i, in->content[i]) == -1)
			return error_errno(err, "%s", files[i].name);
	}
	if (file_sync_dir(dir, "new version", err) == -1)
		return -1;
	for (int i = 0; i < F_END; i++) {
		if (!has_content(dir, i, in->content[i]))
			return error_set(err, ERR_INTERNAL, "store:verify",
			    "read back: %s is not what was written",
			    files[i].name);
	}
	return 0;
}

/* Build the version under a temporary name and give it its own. */
static int
build_version(const struct install *in, struct error *err)
{
	char tmp[32];
	unsigned random;
	int dir, old, rc;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return error_errno(err, "random number");
	(void)text_printf(tmp, sizeof(tmp), ".new-%08x", random);
	if (file_mkdir(in->archive, tmp, 0700, err) == -1)
		return -1;
	dir = open_dir_at(in->archive, tmp, err);
	if (dir == -1)
		return -1;
	old = openat(in->live, in->name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	rc = fill_version(dir, old, in, err);
	if (old != -1) {
		/* Last: nobody looks in before it is whole. */
		certdir_copy_access(old, dir);
		if (rc == 0 && fsync(dir) == -1)
			rc = error_errno(err, "sync %s", in->version);
		close(old);
	}
	close(dir);
	if (rc == 0 && renameat(in->archive, tmp, in->archive,
	    in->version) == -1)
		rc = error_errno(err, "rename to %s", in->version);
	if (rc == -1) {
		certdir_remove_version(in->archive, tmp);
		return -1;
	}
	return file_sync_dir(in->archive, in->name, err);
}

/* Find a version with this content, or a free name and build it there. */
static int
make_version(struct install *in, const char *serial, struct error *err)
{
	for (int i = 1; i <= VERSIONS_MAX; i++) {
		struct stat st;

		if (i == 1)
			(void)text_printf(in->version, sizeof(in->version),
			    "%s", serial);
		else
			(void)text_printf(in->version, sizeof(in->version),
			    "%s-%d", serial, i);
		if (is_same(in->archive, in->version, in))
			return file_sync_dir(in->archive, in->name, err);
		if (fstatat(in->archive, in->version, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT)
			return build_version(in, err);
	}
	return error_set(err, ERR_INTERNAL, "store:versions",
	    "more than %d directories for serial %s", VERSIONS_MAX, serial);
}

/* The one moment in which the new certificate becomes the live one. */
static int
switch_live(const struct install *in, struct error *err)
{
	char target[PATH_MAX], old[PATH_MAX], tmp[NAME_MAX + 1];
	ssize_t len;

	if (!text_printf(target, sizeof(target), TARGET_PREFIX "%s/%s",
	    in->name, in->version) ||
	    !text_printf(tmp, sizeof(tmp), ".%s.new", in->name)) {
		errno = ENAMETOOLONG;
		return error_errno(err, "live/%s", in->name);
	}
	len = readlinkat(in->live, in->name, old, sizeof(old) - 1);
	if (len >= 0)
		old[len] = '\0';
	if (len < 0 || strcmp(old, target) != 0) {
		if (unlinkat(in->live, tmp, 0) == -1 && errno != ENOENT)
			return error_errno(err, "live/%s", tmp);
		if (symlinkat(target, in->live, tmp) == -1)
			return error_errno(err, "live/%s", tmp);
		if (renameat(in->live, tmp, in->live, in->name) == -1) {
			if (errno == EISDIR)
				(void)error_set(err, ERR_CONFIG,
				    "store:not-ours", "live/%s is a directory, "
				    "and must be acmed's own symbolic link; "
				    "move it aside", in->name);
			else
				(void)error_errno(err, "live/%s", in->name);
			(void)unlinkat(in->live, tmp, 0);
			return -1;
		}
	}
	/* Also if nothing changed: the daemon that switched it may have been
	   killed before this. */
	return file_sync_dir(in->live, "live", err);
}

static int
open_install(struct install *in, int dirfd, struct error *err)
{
	int archive, rc;

	/* Somebody may have removed them. */
	if (file_mkdir(dirfd, "archive", 0700, err) == -1 ||
	    file_mkdir(dirfd, "live", 0700, err) == -1)
		return -1;
	archive = open_dir_at(dirfd, "archive", err);
	if (archive == -1)
		return -1;
	rc = file_mkdir(archive, in->name, 0700, err);
	if (rc == 0)
		rc = file_sync_dir(archive, "archive", err);
	if (rc == 0) {
		in->archive = open_dir_at(archive, in->name, err);
		in->live = open_dir_at(dirfd, "live", err);
		rc = in->archive == -1 || in->live == -1 ? -1 : 0;
	}
	close(archive);
	return rc;
}

static void
clear_install(struct install *in)
{
	for (int i = 0; i < F_END; i++)
		freezero_str(in->content[i]);
	if (in->archive != -1)
		close(in->archive);
	if (in->live != -1)
		close(in->live);
}

int
certdir_stage(int dirfd, const char *name, const EVP_PKEY *key,
    const char *pem, size_t len, char version[STORE_VERSION_SIZE],
    struct cert_info *info, struct error *err)
{
	struct install in = { .name = name, .archive = -1, .live = -1 };
	struct chain chain;
	int rc;

	if (chain_parse(pem, len, &chain, err) == -1)
		return -1;
	rc = chain_check_key(&chain, key, err);
	if (rc == 0)
		rc = cert_info_fill(chain.certs[0], info, err);
	if (rc == -1) {
		chain_clear(&chain);
		return -1;
	}
	in.content[F_PRIVKEY] = key_to_pem(key);
	in.content[F_CERT] = chain_to_pem(&chain, 0, 1);
	in.content[F_CHAIN] = chain_to_pem(&chain, 1, chain.n);
	in.content[F_FULLCHAIN] = chain_to_pem(&chain, 0, chain.n);
	chain_clear(&chain);
	rc = open_install(&in, dirfd, err);
	if (rc == 0) {
		certdir_clean(in.archive);
		rc = make_version(&in, info->serial, err);
	}
	if (rc == 0)
		memcpy(version, in.version, STORE_VERSION_SIZE);
	else
		cert_info_clear(info);
	clear_install(&in);
	return rc;
}

/* Of one file, or (F_END) of the directories themselves. */
static bool
lacks_access(int old, int new, int file)
{
	int from = file == F_END ? dup(old) : open_old(old, file);
	int to = file == F_END ? dup(new) : open_old(new, file);
	bool lacks = from != -1 && to != -1 && certdir_lacks_access(from, to);

	if (from != -1)
		close(from);
	if (to != -1)
		close(to);
	return lacks;
}

bool
certdir_loses_access(int dirfd, const char *name, const char *version)
{
	char *live = xasprintf("live/%s", name);
	char *path = xasprintf("archive/%s/%s", name, version);
	int old = openat(dirfd, live, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int new = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	bool loses = false;

	for (int i = 0; old != -1 && new != -1 && i <= F_END; i++)
		loses = loses || lacks_access(old, new, i);
	if (old != -1)
		close(old);
	if (new != -1)
		close(new);
	free(path);
	free(live);
	return loses;
}

int
certdir_promote(int dirfd, const char *name, const char *version,
    struct error *err)
{
	struct install in = { .name = name, .archive = -1, .live = -1 };
	int rc = open_install(&in, dirfd, err);

	(void)text_printf(in.version, sizeof(in.version), "%s", version);
	if (rc == 0)
		rc = switch_live(&in, err);
	if (rc == 0)
		certdir_prune(in.archive, in.version);
	clear_install(&in);
	return rc;
}

/* Complete, matching, and cert.pem is the leaf of fullchain.pem. */
static int
read_files(int dir, struct cert_info *info, struct error *why)
{
	char *text[F_END] = { NULL };
	size_t len[F_END] = { 0 };
	struct cert_info leaf = { .names = NULL };
	int rc = 0;

	for (int i = 0; rc == 0 && i < F_END; i++)
		rc = file_read(dir, files[i].name, CHAIN_PEM_MAX * 2,
		    &text[i], &len[i], why);
	if (rc == 0)
		rc = check_pair(text[F_PRIVKEY], text[F_FULLCHAIN],
		    len[F_FULLCHAIN], why);
	if (rc == 0)
		rc = cert_info_read(text[F_CERT], len[F_CERT], &leaf, why);
	if (rc == 0)
		rc = cert_info_read(text[F_FULLCHAIN], len[F_FULLCHAIN], info,
		    why);
	if (rc == 0 && strcmp(leaf.sha256, info->sha256) != 0) {
		rc = error_set(why, ERR_INTERNAL, "store:damaged",
		    "cert.pem and fullchain.pem are not the same "
		    "certificate");
		cert_info_clear(info);
	}
	cert_info_clear(&leaf);
	for (int i = 0; i < F_END; i++)
		freezero(text[i], len[i]);
	return rc;
}

static int
damaged_live(const char *name, const char *why, struct error *err)
{
	return error_set(err, ERR_INTERNAL, "store:damaged", "live/%s: %s",
	    name, why);
}

int
certdir_live_info(int dirfd, const char *name, struct cert_info *info,
    struct error *err)
{
	int live = open_dir_at(dirfd, "live", err);
	struct error why;
	struct stat st;
	int dir, rc;

	if (live == -1)
		return -1;
	dir = openat(live, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir != -1) {
		rc = read_files(dir, info, &why) == 0 ? 0 :
		    damaged_live(name, why.msg, err);
		close(dir);
	} else if (errno == ENOENT && fstatat(live, name, &st,
	    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT) {
		rc = 1;
	} else {
		rc = damaged_live(name, strerror(errno), err);
	}
	close(live);
	return rc;
}

/* Is this version complete and, unless force, not expired? */
static int
may_go_back(const struct install *in, bool force, struct cert_info *info,
    struct error *err)
{
	int dir = openat(in->archive, in->version,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct error why;
	int rc;

	if (dir == -1)
		return error_errno(err, "%s", in->version);
	rc = read_files(dir, info, &why);
	close(dir);
	if (rc == -1)
		return error_set(err, ERR_INTERNAL, "store:damaged",
		    "archive/%s/%s: %s", in->name, in->version, why.msg);
	if (rc == 0 && !force && info->not_after <= clock_now()) {
		rc = error_set(err, ERR_REJECTED, "store:expired", "the "
		    "previous certificate, %s, has expired", info->serial);
		cert_info_clear(info);
	}
	return rc;
}

/* The version that live/NAME is; "" if it cannot be told. */
static void
live_version(const struct install *in, char out[PATH_MAX])
{
	ssize_t len = readlinkat(in->live, in->name, out, PATH_MAX - 1);
	char *slash;

	out[len > 0 ? len : 0] = '\0';
	slash = strrchr(out, '/');
	if (slash != NULL)
		memmove(out, slash + 1, strlen(slash));
}

int
certdir_previous(int dirfd, const char *name, bool force,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	struct install in = { .name = name, .archive = -1, .live = -1 };
	char live[PATH_MAX], **older = NULL;
	struct error why;
	int rc = -1;

	(void)error_set(&why, ERR_REJECTED, "store:no-previous",
	    "there is no version in archive/%s before the one in use", name);
	if (open_install(&in, dirfd, err) == -1) {
		clear_install(&in);
		return -1;
	}
	live_version(&in, live);
	if (live[0] != '\0')
		older = certdir_older(in.archive, live);
	for (size_t i = 0; older != NULL && older[i] != NULL; i++) {
		(void)text_printf(in.version, sizeof(in.version), "%s",
		    older[i]);
		rc = may_go_back(&in, force, info, &why);
		/* Those before it have expired too; a damaged one is passed
		   over. */
		if (rc == 0 || strcmp(why.code, "store:expired") == 0)
			break;
	}
	for (size_t i = 0; older != NULL && older[i] != NULL; i++)
		free(older[i]);
	free(older);
	clear_install(&in);
	if (rc == -1)
		*err = why;
	else
		memcpy(version, in.version, STORE_VERSION_SIZE);
	return rc;
}

/* Is live/NAME gone, or a link that leads nowhere?  Anything else there is not
 * ours to replace. */
static bool
is_lost(int dirfd, const char *name)
{
	char *path = xasprintf("live/%s", name);
	struct stat st;
	bool is_gone = fstatat(dirfd, path, &st, 0) == -1 &&
	    (errno == ENOENT || errno == ELOOP || errno == ENOTDIR);

	if (is_gone && fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		is_gone = S_ISLNK(st.st_mode);
	free(path);
	return is_gone;
}

/* SERIAL, or SERIAL-2 and so on. */
static bool
is_version_of(const char *version, const char *serial)
{
	size_t len = strlen(serial);

	return len > 0 && strncmp(version, serial, len) == 0 &&
	    (version[len] == '\0' || version[len] == '-');
}

int
certdir_find_lost(int dirfd, const char *name, const char *serial,
    const char *const *names, size_t n_names,
    char version[STORE_VERSION_SIZE], struct cert_info *info)
{
	struct install in = { .name = name, .archive = -1, .live = -1 };
	char *path, **all;
	bool is_found = false, is_known = false;

	if (!is_lost(dirfd, name))
		return 1;
	path = xasprintf("archive/%s", name);
	in.archive = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	free(path);
	if (in.archive == -1)
		return 1;
	all = certdir_versions(in.archive);
	for (size_t i = 0; all[i] != NULL; i++) {
		bool is_ours = is_version_of(all[i], serial);
		struct cert_info one;
		struct error ignored;

		if (!is_known && strlen(all[i]) < sizeof(in.version)) {
			(void)text_printf(in.version, sizeof(in.version),
			    "%s", all[i]);
			if (may_go_back(&in, false, &one, &ignored) == 0) {
				if (is_ours || (cert_info_serves(&one, names,
				    n_names) && (!is_found ||
				    one.not_before > info->not_before))) {
					if (is_found)
						cert_info_clear(info);
					*info = one;
					memcpy(version, in.version,
					    STORE_VERSION_SIZE);
					is_found = true;
					is_known = is_ours;
				} else {
					cert_info_clear(&one);
				}
			}
		}
		free(all[i]);
	}
	free(all);
	clear_install(&in);
	return is_found ? 0 : 1;
}

int
cert_files_check(const char *dir, struct error *err)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct cert_info info;
	struct error why;
	int rc;

	if (fd == -1)
		return error_errno(err, "%s", dir);
	rc = read_files(fd, &info, &why);
	close(fd);
	if (rc == -1)
		return error_set(err, ERR_INTERNAL, "store:damaged", "%s: %s",
		    dir, why.msg);
	cert_info_clear(&info);
	return 0;
}

int
certdir_read_key(int dirfd, const char *path, EVP_PKEY **key,
    struct error *err)
{
	struct error why;
	size_t len;
	char *pem;

	*key = NULL;
	if (file_read(dirfd, path, CHAIN_PEM_MAX, &pem, &len, &why) == -1) {
		if (strcmp(why.code, "file:missing") == 0)
			return 0;
		*err = why;
		return -1;
	}
	*key = key_from_pem(pem, err);
	freezero(pem, len);
	if (*key == NULL)
		return error_wrap(err, "%s", path);
	return 0;
}
