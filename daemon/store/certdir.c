/* SPDX-License-Identifier: MIT */
#include "daemon/store/certdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir_access.h"
#include "daemon/store/certdir_ca.h"
#include "daemon/store/certdir_priv.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/chain.h"
#include "daemon/store/keys.h"

#define VERSIONS_MAX 1000	/* SERIAL-2, ...: somebody breaks them */

const struct certdir_file certdir_files[] = {
	[F_PRIVKEY] = { "privkey.pem", 0600 },
	[F_CERT] = { "cert.pem", 0644 },
	[F_CHAIN] = { "chain.pem", 0644 },
	[F_FULLCHAIN] = { "fullchain.pem", 0644 },
};
_Static_assert(sizeof(certdir_files) / sizeof(certdir_files[0]) == F_END,
    "files");

int
certdir_open_dir(int dirfd, const char *path, struct error *err)
{
	int fd = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd == -1)
		return error_errno(err, "%s", path);
	return fd;
}

/* Is this file there with this content? */
static bool
has_content(int dir, int file, const char *want)
{
	struct error err;
	size_t len;
	char *text;
	bool same;

	if (file_read(dir, certdir_files[file].name, CHAIN_PEM_MAX * 2, &text,
	    &len, &err) == -1)
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
open_old(int old, const char *file)
{
	return old == -1 ? -1 : openat(old, file,
	    O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
}

/* With the access that its predecessor had; old: the live version, or -1. */
static int
write_file(int dir, int old, const struct certdir_file *file, const char *text)
{
	int fd = openat(dir, file->name,
	    O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	int before, rc, saved;

	if (fd == -1)
		return -1;
	rc = file_write_all(fd, text, strlen(text));
	if (rc == 0)
		rc = fchmod(fd, file->mode);
	before = rc == 0 ? open_old(old, file->name) : -1;
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
	static const struct certdir_file ca_file = { CERTDIR_CA, 0644 };

	for (int i = 0; i < F_END; i++) {
		if (write_file(dir, old, &certdir_files[i],
		    in->content[i]) == -1)
			return error_errno(err, "%s", certdir_files[i].name);
	}
	if (in->ca != NULL && write_file(dir, old, &ca_file, in->ca) == -1)
		return error_errno(err, "%s", ca_file.name);
	if (file_sync_dir(dir, "new version", err) == -1)
		return -1;
	for (int i = 0; i < F_END; i++) {
		if (!has_content(dir, i, in->content[i]))
			return error_set(err, ERR_INTERNAL, "store:verify",
			    "read back: %s is not what was written",
			    certdir_files[i].name);
	}
	return 0;
}

/* Under a temporary name first. */
int
certdir_build(const struct install *in, struct error *err)
{
	char tmp[32];
	unsigned random;
	int dir, old, rc;

	if (getrandom(&random, sizeof(random), 0) != sizeof(random))
		return error_errno(err, "random number");
	(void)text_printf(tmp, sizeof(tmp), ".new-%08x", random);
	if (file_mkdir(in->archive, tmp, 0700, err) == -1)
		return -1;
	dir = certdir_open_dir(in->archive, tmp, err);
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
			return certdir_build(in, err);
	}
	return error_set(err, ERR_INTERNAL, "store:versions",
	    "more than %d directories for serial %s", VERSIONS_MAX, serial);
}

const char *
certdir_in_place(int dirfd, const char *path)
{
	struct stat st;

	if (fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == -1 ||
	    S_ISLNK(st.st_mode))
		return NULL;
	return S_ISDIR(st.st_mode) ? "a directory" : "a file";
}

int
certdir_switch(const struct install *in, struct error *err)
{
	char target[PATH_MAX], old[PATH_MAX], tmp[NAME_MAX + 1];
	const char *other = certdir_in_place(in->live, in->name);
	ssize_t len;

	/* rename(2) would put the link in the place of a file. */
	if (other != NULL)
		return error_set(err, ERR_CONFIG, "store:not-ours", "live/%s "
		    "is %s, and must be acmed's own symbolic link; move it "
		    "aside", in->name, other);

	if (!text_printf(target, sizeof(target), "../%s/%s/%s", in->home,
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
			(void)error_errno(err, "live/%s", in->name);
			(void)unlinkat(in->live, tmp, 0);
			return -1;
		}
	}
	/* Also if nothing changed: the daemon that switched it may have been
	   killed before this. */
	return file_sync_dir(in->live, "live", err);
}

int
certdir_open(struct install *in, int dirfd, struct error *err)
{
	int archive, rc;

	/* Somebody may have removed them. */
	if (file_mkdir(dirfd, in->home, 0700, err) == -1 ||
	    file_mkdir(dirfd, "live", 0700, err) == -1)
		return -1;
	archive = certdir_open_dir(dirfd, in->home, err);
	if (archive == -1)
		return -1;
	rc = file_mkdir(archive, in->name, 0700, err);
	if (rc == 0)
		rc = file_sync_dir(archive, in->home, err);
	if (rc == 0) {
		in->archive = certdir_open_dir(archive, in->name, err);
		in->live = certdir_open_dir(dirfd, "live", err);
		rc = in->archive == -1 || in->live == -1 ? -1 : 0;
	}
	close(archive);
	return rc;
}

void
certdir_clear(struct install *in)
{
	for (int i = 0; i < F_END; i++)
		freezero_str(in->content[i]);
	free(in->ca);
	if (in->archive != -1)
		close(in->archive);
	if (in->live != -1)
		close(in->live);
}

int
certdir_stage(int dirfd, const char *name, const EVP_PKEY *key,
    const char *pem, size_t len, const struct cert_ca *ca,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	struct install in = { .home = CERTDIR_ARCHIVE, .name = name,
	    .archive = -1, .live = -1 };
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
	if (ca != NULL)
		in.ca = certdir_ca_text(ca->directory, ca->account);
	chain_clear(&chain);
	rc = certdir_open(&in, dirfd, err);
	if (rc == 0) {
		certdir_clean(in.archive);
		rc = make_version(&in, info->serial, err);
	}
	if (rc == 0)
		memcpy(version, in.version, STORE_VERSION_SIZE);
	else
		cert_info_clear(info);
	certdir_clear(&in);
	return rc;
}

/* Of one file, or (F_END) of the directories themselves. */
static bool
lacks_access(int old, int new, int file)
{
	int from = file == F_END ? dup(old) : open_old(old,
	    certdir_files[file].name);
	int to = file == F_END ? dup(new) : open_old(new,
	    certdir_files[file].name);
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
	struct install in = { .home = CERTDIR_ARCHIVE, .name = name,
	    .archive = -1, .live = -1 };
	int rc = certdir_open(&in, dirfd, err);

	(void)text_printf(in.version, sizeof(in.version), "%s", version);
	if (rc == 0)
		rc = certdir_switch(&in, err);
	certdir_clear(&in);
	if (rc == 0)
		certdir_drop_placeholder(dirfd, name);
	return rc;
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
