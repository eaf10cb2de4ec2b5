/* SPDX-License-Identifier: MIT */
/* certdir_find - the versions that are there: which is live, which was before
 * it, which one can take the place of a link that was lost. */
#include "daemon/store/certdir.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir_ca.h"
#include "daemon/store/certdir_priv.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"

/* Do a key (NULL: a request) and a chain in PEM belong together? */
static int
check_pair(const char *key_pem, const struct csr *csr, const char *pem,
    size_t len, struct error *err)
{
	EVP_PKEY *key = key_pem != NULL ? key_from_pem(key_pem, err) :
	    csr->key;
	struct chain chain;
	int rc;

	if (key == NULL)
		return -1;
	rc = chain_parse(pem, len, &chain, err);
	if (rc == 0) {
		rc = chain_check_key(&chain, key, err);
		chain_clear(&chain);
	}
	if (key_pem != NULL)
		EVP_PKEY_free(key);
	return rc;
}

/* The files of a version; where there is a request, there is no key. */
static int
read_texts(int dir, char *text[F_END], size_t len[F_END], struct csr *csr,
    struct error *why)
{
	int rc = certdir_read_csr(dir, certdir_files[F_CSR].name, csr, why);

	for (int i = 0; rc == 0 && i < F_CSR; i++) {
		if (i == F_PRIVKEY && csr->key != NULL)
			continue;
		rc = file_read(dir, certdir_files[i].name, CHAIN_PEM_MAX * 2,
		    &text[i], &len[i], why);
	}
	return rc;
}

/* Has chain.pem what follows the leaf in fullchain.pem, and nothing else? */
static int
check_chain(const char *chain_pem, size_t len, const char *full_pem,
    size_t full_len, struct error *err)
{
	struct chain chain = { .n = 0 }, full;
	bool same;
	int rc = chain_parse(full_pem, full_len, &full, err);

	if (rc == -1)
		return -1;
	/* Of a chain of one it is empty. */
	if (full.n > 1 || len > 0)
		rc = chain_parse(chain_pem, len, &chain, err);
	same = chain.n + 1 == full.n;
	for (size_t i = 0; same && i < chain.n; i++)
		same = X509_cmp(chain.certs[i], full.certs[i + 1]) == 0;
	chain_clear(&chain);
	chain_clear(&full);
	if (rc == 0 && !same)
		return error_set(err, ERR_INTERNAL, "store:damaged",
		    "chain.pem and fullchain.pem are not the same chain");
	return rc == 0 ? 0 : error_wrap(err, "chain.pem");
}

/* Complete, matching, and cert.pem and chain.pem make fullchain.pem. */
static int
read_part(int dir, struct cert_info *info, struct error *why)
{
	char *text[F_END] = { NULL };
	size_t len[F_END] = { 0 };
	struct cert_info leaf = { .names = NULL };
	struct csr csr;
	int rc = read_texts(dir, text, len, &csr, why);

	if (rc == 0)
		rc = check_pair(text[F_PRIVKEY], &csr, text[F_FULLCHAIN],
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
	if (rc == 0 && check_chain(text[F_CHAIN], len[F_CHAIN],
	    text[F_FULLCHAIN], len[F_FULLCHAIN], why) == -1) {
		rc = -1;
		cert_info_clear(info);
	}
	if (rc == 0)
		memcpy(info->csr, csr.hash, sizeof(info->csr));
	csr_clear(&csr);
	cert_info_clear(&leaf);
	for (int i = 0; i < F_END; i++)
		freezero(text[i], len[i]);
	return rc;
}

/* All of a version: where it has the second of a pair, that is as whole. */
static int
read_files(int dir, struct cert_info *info, struct error *why)
{
	const char *folder;
	int fd;

	if (read_part(dir, info, why) == -1)
		return -1;
	certdir_ca_read(dir, &info->ca);
	fd = certdir_open_second(dir, &folder);
	if (fd == -1)
		return 0;
	info->second = xcalloc(1, sizeof(*info->second));
	if (read_part(fd, info->second, why) == -1) {
		/* It has cleared that. */
		(void)error_wrap(why, "%s", folder);
		cert_info_clear(info);
		close(fd);
		return -1;
	}
	close(fd);
	return 0;
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
	int live = certdir_open_dir(dirfd, "live", err);
	struct error why;
	struct stat st;
	int dir, rc;

	if (live == -1)
		return -1;
	if (certdir_is_placeholder(dirfd, name)) {
		close(live);
		return 1;
	}
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

/*
 * What the one in use has and servers may be told to read, and this version has
 * not: the second of a pair, or the key, where that was elsewhere (csr).  They
 * would not start again.
 */
static int
lacks_nothing(int dirfd, const struct install *in, struct error *err)
{
	static const char *const files[] = { "privkey.pem",
	    "rsa/fullchain.pem", "ec/fullchain.pem" };
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < 3; i++) {
		char *live = xasprintf("live/%s/%s", in->name, files[i]);
		char *old = xasprintf("%s/%s", in->version, files[i]);

		if (faccessat(dirfd, live, F_OK, 0) == 0 &&
		    faccessat(in->archive, old, F_OK, 0) == -1)
			rc = error_set(err, ERR_REJECTED, "store:no-previous",
			    "the version before, %s, has no %s, which servers "
			    "may read; all the same: acmectl rollback %s "
			    "--force", in->version, files[i], in->name);
		free(live);
		free(old);
	}
	return rc;
}

int
certdir_previous(int dirfd, const char *name, bool force,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	struct install in = { .home = CERTDIR_ARCHIVE, .name = name,
	    .archive = -1, .live = -1 };
	char live[PATH_MAX], **older = NULL;
	struct error why;
	int rc = -1;

	(void)error_set(&why, ERR_REJECTED, "store:no-previous",
	    "there is no version in archive/%s before the one in use", name);
	if (certdir_open(&in, dirfd, err) == -1) {
		certdir_clear(&in);
		return -1;
	}
	live_version(&in, live);
	if (live[0] != '\0')
		older = certdir_older(in.archive, live);
	for (size_t i = 0; older != NULL && older[i] != NULL; i++) {
		(void)text_printf(in.version, sizeof(in.version), "%s",
		    older[i]);
		rc = may_go_back(&in, force, info, &why);
		if (rc == 0 && !force && (rc = lacks_nothing(dirfd, &in,
		    &why)) == -1) {
			cert_info_clear(info);
			break;
		}
		/* Those before it have expired too; a damaged one is passed
		   over. */
		if (rc == 0 || strcmp(why.code, "store:expired") == 0)
			break;
	}
	strv_free(older);
	certdir_clear(&in);
	if (rc == -1)
		*err = why;
	else
		memcpy(version, in.version, STORE_VERSION_SIZE);
	return rc;
}

/* Is there nothing of a version in live/NAME? */
static bool
is_elsewhere(int dirfd, const char *name)
{
	bool has_none = true;

	for (int i = 0; i < F_END; i++) {
		char *path = xasprintf("live/%s/%s", name,
		    certdir_files[i].name);
		struct stat st;

		has_none = has_none && fstatat(dirfd, path, &st, 0) == -1 &&
		    errno == ENOENT;
		free(path);
	}
	return has_none;
}

/* Is live/NAME gone, or a link that leads nowhere, or to what is no version?
 * Anything else there is not ours to replace. */
static bool
is_lost(int dirfd, const char *name)
{
	char *path = xasprintf("live/%s", name);
	struct stat st;
	bool is_gone = fstatat(dirfd, path, &st, 0) == -1 ?
	    errno == ENOENT || errno == ELOOP || errno == ENOTDIR :
	    is_elsewhere(dirfd, name);

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
	struct install in = { .home = CERTDIR_ARCHIVE, .name = name,
	    .archive = -1, .live = -1 };
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
	certdir_clear(&in);
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

bool
certdir_second_serial(int archive, const char *version, const char **folder,
    char serial[64])
{
	int dir = openat(archive, version,
	    O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int second = dir == -1 ? -1 : certdir_open_second(dir, folder);
	struct cert_info info;
	struct error ignored;
	bool is_read = false;
	size_t len;
	char *pem;

	if (second != -1 && file_read(second, certdir_files[F_CERT].name,
	    CHAIN_PEM_MAX, &pem, &len, &ignored) == 0) {
		is_read = cert_info_read(pem, len, &info, &ignored) == 0;
		if (is_read) {
			memcpy(serial, info.serial, sizeof(info.serial));
			cert_info_clear(&info);
		}
		free(pem);
	}
	if (second != -1)
		close(second);
	if (dir != -1)
		close(dir);
	return is_read;
}
