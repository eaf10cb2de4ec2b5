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
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"

#define VERSIONS_MAX 1000	/* SERIAL-2, ...: somebody breaks them */

const struct certdir_file certdir_files[] = {
	[F_PRIVKEY] = { "privkey.pem", 0600 },
	[F_CERT] = { "cert.pem", 0644 },
	[F_CHAIN] = { "chain.pem", 0644 },
	[F_FULLCHAIN] = { "fullchain.pem", 0644 },
	[F_CSR] = { "csr.pem", 0644 },
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

int
certdir_open_second(int version, const char **folder)
{
	static const enum key_type types[] = { KEY_RSA2048, KEY_EC256 };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		int fd;

		*folder = key_type_family(types[i]);
		fd = openat(version, *folder, O_RDONLY | O_DIRECTORY |
		    O_NOFOLLOW | O_CLOEXEC);
		if (fd != -1)
			return fd;
	}
	*folder = NULL;
	return -1;
}

/* Is this file there with this content?  NULL: is there none? */
static bool
has_content(int dir, int file, const char *want)
{
	struct error err;
	struct stat st;
	size_t len;
	char *text;
	bool same;

	if (want == NULL)
		return fstatat(dir, certdir_files[file].name, &st,
		    AT_SYMLINK_NOFOLLOW) == -1 && errno == ENOENT;
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
	const char *folder = NULL;
	int second = dir == -1 ? -1 : certdir_open_second(dir, &folder);
	bool same = dir != -1 && (folder == NULL ? in->folder == NULL :
	    in->folder != NULL && strcmp(folder, in->folder) == 0);

	for (int i = 0; same && i < F_END; i++)
		same = has_content(dir, i, in->content[i]) && (second == -1 ||
		    has_content(second, i, in->second[i]));
	if (second != -1)
		close(second);
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
fill_dir(int dir, int old, char *const *content, struct error *err)
{
	for (int i = 0; i < F_END; i++) {
		if (content[i] != NULL && write_file(dir, old,
		    &certdir_files[i], content[i]) == -1)
			return error_errno(err, "%s", certdir_files[i].name);
	}
	if (file_sync_dir(dir, "new version", err) == -1)
		return -1;
	for (int i = 0; i < F_END; i++) {
		if (!has_content(dir, i, content[i]))
			return error_set(err, ERR_INTERNAL, "store:verify",
			    "read back: %s is not what was written",
			    certdir_files[i].name);
	}
	return 0;
}

/* The second one of a pair: read by whom the first one is, until somebody
 * gives its folder other permissions. */
static int
fill_second(int dir, int old, const struct install *in, struct error *err)
{
	const char *folder;
	int fd, before, rc;

	if (file_mkdir(dir, in->folder, 0700, err) == -1)
		return -1;
	fd = certdir_open_dir(dir, in->folder, err);
	if (fd == -1)
		return -1;
	before = old == -1 ? -1 : certdir_open_second(old, &folder);
	if (before == -1 && old != -1)
		before = fcntl(old, F_DUPFD_CLOEXEC, 0);
	rc = fill_dir(fd, before, in->second, err);
	if (before != -1) {
		certdir_copy_access(before, fd);
		close(before);
	}
	if (rc == 0 && fsync(fd) == -1)
		rc = error_errno(err, "sync %s", in->folder);
	close(fd);
	return rc == 0 ? 0 : error_wrap(err, "%s", in->folder);
}

static int
fill_version(int dir, int old, const struct install *in, struct error *err)
{
	static const struct certdir_file ca_file = { CERTDIR_CA, 0644 };

	if (in->folder != NULL && fill_second(dir, old, in, err) == -1)
		return -1;
	if (in->ca != NULL && write_file(dir, old, &ca_file, in->ca) == -1)
		return error_errno(err, "%s", ca_file.name);
	return fill_dir(dir, old, in->content, err);
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
	for (int i = 0; i < F_END; i++) {
		freezero_str(in->content[i]);
		freezero_str(in->second[i]);
	}
	free(in->ca);
	if (in->archive != -1)
		close(in->archive);
	if (in->live != -1)
		close(in->live);
}

/* Checked, and as the files of a version. */
static int
read_part(const struct store_part *part, char *content[F_END],
    struct cert_info *info, struct error *err)
{
	struct chain chain;
	int rc;

	if (chain_parse(part->pem, part->len, &chain, err) == -1)
		return -1;
	rc = chain_check_key(&chain, part->key, err);
	if (rc == 0)
		rc = cert_info_fill(chain.certs[0], info, err);
	if (rc == 0) {
		if (part->csr != NULL)
			content[F_CSR] = csr_to_pem(part->csr);
		else
			content[F_PRIVKEY] = key_to_pem(part->key);
		content[F_CERT] = chain_to_pem(&chain, 0, 1);
		content[F_CHAIN] = chain_to_pem(&chain, 1, chain.n);
		content[F_FULLCHAIN] = chain_to_pem(&chain, 0, chain.n);
	}
	chain_clear(&chain);
	return rc;
}

/* One folder can be told from the version, so the keys are of two families. */
static int
read_second(struct install *in, const struct store_part *part,
    struct cert_info *info, struct error *err)
{
	const char *family;

	info->second = xcalloc(1, sizeof(*info->second));
	if (read_part(part, in->second, info->second, err) == -1)
		return -1;
	family = key_type_family(info->second->key);
	if (family == NULL || key_type_family(info->key) == NULL ||
	    strcmp(family, key_type_family(info->key)) == 0)
		return error_set(err, ERR_INTERNAL, "store:mismatch",
		    "a pair of certificates needs an EC and an RSA key");
	in->folder = family;
	return 0;
}

int
certdir_stage(int dirfd, const char *name, const struct store_part *parts,
    size_t n, const struct cert_ca *ca, char version[STORE_VERSION_SIZE],
    struct cert_info *info, struct error *err)
{
	struct install in = { .home = CERTDIR_ARCHIVE, .name = name,
	    .archive = -1, .live = -1 };
	int rc;

	*info = (struct cert_info){ .names = NULL };
	rc = read_part(&parts[0], in.content, info, err);
	if (rc == 0 && n > 1)
		rc = read_second(&in, &parts[1], info, err);
	if (ca != NULL)
		in.ca = certdir_ca_text(ca->directory, ca->account);
	if (rc == 0)
		rc = certdir_open(&in, dirfd, err);
	if (rc == 0) {
		certdir_clean(in.archive);
		rc = make_version(&in, info->serial, err);
	}
	if (rc == 0)
		memcpy(version, in.version, STORE_VERSION_SIZE);
	else
		cert_info_clear(info);
	if (rc == 0 && parts[0].csr != NULL)
		memcpy(info->csr, parts[0].csr->hash, sizeof(info->csr));
	certdir_clear(&in);
	return rc;
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

int
certdir_read_csr(int dirfd, const char *path, struct csr *csr,
    struct error *err)
{
	struct error why;
	size_t len;
	char *pem;
	int rc;

	*csr = (struct csr){ .key = NULL };
	if (file_read(dirfd, path, CSR_MAX, &pem, &len, &why) == -1) {
		if (strcmp(why.code, "file:missing") == 0)
			return 0;
		*err = why;
		return -1;
	}
	rc = csr_parse(pem, len, csr, err);
	free(pem);
	return rc == 0 ? 0 : error_wrap(err, "%s", path);
}
