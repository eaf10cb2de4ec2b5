/* SPDX-License-Identifier: MIT */
/* store_files - accounts and their keys, pending keys, installed
 * certificates. */
#include "daemon/store/store.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <limits.h>
#include <sys/stat.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir.h"
#include "daemon/store/certdir_priv.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
#include "daemon/store/db.h"
#include "daemon/store/store_priv.h"

/* accounts/NAME-HASH8.key: the same name may have a key at each of several
 * CAs (staging first, then the live one). */
static char *
account_path(const char *name, const char *directory)
{
	unsigned char md[EVP_MAX_MD_SIZE];

	assert(store_name_is_sane(name));
	if (EVP_Digest(directory, strlen(directory), md, NULL, EVP_sha256(),
	    NULL) != 1)
		abort();	/* memory: nothing else can fail */
	return xasprintf("accounts/%s-%02x%02x%02x%02x.key", name, md[0],
	    md[1], md[2], md[3]);
}

static char *
pending_path(const char *name)
{
	assert(store_name_is_sane(name));
	return xasprintf("pending/%s.key", name);
}

static char *
csr_path(const char *name)
{
	assert(store_name_is_sane(name));
	return xasprintf("pending/%s.csr", name);
}

static char *
chain_path(const char *name)
{
	assert(store_name_is_sane(name));
	return xasprintf("pending/%s.pem", name);
}

static int
write_key(struct store *s, const char *path, const EVP_PKEY *key,
    struct error *err)
{
	char *pem = key_to_pem(key);
	int rc = file_write_atomic(s->dirfd, path, 0600, pem, strlen(pem),
	    err);

	freezero_str(pem);
	return rc == 0 ? 0 : error_wrap(err, "%s", s->dir);
}

static int
read_key(struct store *s, const char *path, EVP_PKEY **key,
    struct error *err)
{
	int rc = certdir_read_key(s->dirfd, path, key, err);

	return rc == 0 ? 0 : error_wrap(err, "%s", s->dir);
}

EVP_PKEY *
store_account_key(struct store *s, const char *name, const char *directory,
    struct error *err)
{
	char *path = account_path(name, directory);
	EVP_PKEY *key;

	if (read_key(s, path, &key, err) == 0 && key == NULL)
		(void)error_set(err, ERR_CONFIG, "store:no-key",
		    "%s/%s: account %s has no key yet", s->dir, path, name);
	free(path);
	return key;
}

int
store_account_key_keep(struct store *s, const char *name,
    const char *directory, struct error *err)
{
	char *path = account_path(name, directory);
	char *old = xasprintf("%s.old", path);
	EVP_PKEY *key = NULL;
	int rc = read_key(s, path, &key, err);

	if (rc == 0 && key != NULL)
		rc = write_key(s, old, key, err);
	EVP_PKEY_free(key);
	free(old);
	free(path);
	return rc;
}

int
store_account_key_put(struct store *s, const char *name,
    const char *directory, const EVP_PKEY *key, struct error *err)
{
	char *path = account_path(name, directory);
	int rc = write_key(s, path, key, err);

	free(path);
	if (rc == 0)
		store_account_changed(s, name, directory);
	return rc;
}

static char *
next_path(const char *name, const char *directory)
{
	char *path = account_path(name, directory);
	char *next = xasprintf("%s.next", path);

	free(path);
	return next;
}

int
store_account_next_put(struct store *s, const char *name,
    const char *directory, const EVP_PKEY *key, struct error *err)
{
	char *path = next_path(name, directory);
	int rc = write_key(s, path, key, err);

	free(path);
	if (rc == 0)
		store_account_changed(s, name, directory);
	return rc;
}

int
store_account_next(struct store *s, const char *name, const char *directory,
    EVP_PKEY **key, struct error *err)
{
	char *path = next_path(name, directory);
	int rc = read_key(s, path, key, err);

	free(path);
	return rc;
}

int
store_account_next_take(struct store *s, const char *name,
    const char *directory, struct error *err)
{
	char *from = next_path(name, directory);
	char *to = account_path(name, directory);
	int rc = renameat(s->dirfd, from, s->dirfd, to), dir;

	if (rc == -1) {
		(void)error_errno(err, "%s/%s", s->dir, from);
	} else {
		dir = openat(s->dirfd, "accounts", O_RDONLY | O_DIRECTORY |
		    O_CLOEXEC);
		rc = dir == -1 ? error_errno(err, "%s/accounts", s->dir) :
		    file_sync_dir(dir, "accounts", err);
		if (dir != -1)
			(void)close(dir);
	}
	free(from);
	free(to);
	if (rc == 0)
		store_account_changed(s, name, directory);
	return rc;
}

void
store_account_next_drop(struct store *s, const char *name,
    const char *directory)
{
	char *path = next_path(name, directory);

	(void)unlinkat(s->dirfd, path, 0);
	free(path);
	store_account_changed(s, name, directory);
}

/* The first column of the one row, or NULL; the caller frees. */
static char *
account_text(struct store *s, const char *sql, const char *name,
    const char *directory)
{
	struct db_stmt *q = db_stmt(s->db, sql);
	char *text = NULL;

	db_bind_text(q, name);
	db_bind_text(q, directory);
	if (db_next(q) && db_text(q, 0) != NULL)
		text = xstrdup(db_text(q, 0));
	db_end(q);
	return text;
}

char *
store_account_kid(struct store *s, const char *name, const char *directory)
{
	return account_text(s, "SELECT kid FROM account"
	    " WHERE name = ? AND directory = ?", name, directory);
}

char *
store_account_contact(struct store *s, const char *name,
    const char *directory)
{
	return account_text(s, "SELECT contact FROM account"
	    " WHERE name = ? AND directory = ?", name, directory);
}

void
store_account_contact_put(struct store *s, const char *name,
    const char *directory, const char *contact)
{
	struct db_stmt *q = db_stmt(s->db, "UPDATE account SET contact = ?"
	    " WHERE name = ? AND directory = ?");

	db_bind_text(q, contact);
	db_bind_text(q, name);
	db_bind_text(q, directory);
	db_write(q);
	store_account_changed(s, name, directory);
}

void
store_account_put(struct store *s, const char *name, const char *directory,
    const char *kid)
{
	static const char put[] = "INSERT OR REPLACE INTO account"
	    " (name, directory, kid) VALUES (?, ?, ?)";
	static const char forget[] =
	    "DELETE FROM account WHERE name = ? AND directory = ?";
	struct db_stmt *q = db_stmt(s->db, kid != NULL ? put : forget);

	db_bind_text(q, name);
	db_bind_text(q, directory);
	if (kid != NULL)
		db_bind_text(q, kid);
	db_write(q);
	store_account_changed(s, name, directory);
}

int
store_pending_key(struct store *s, const char *name, EVP_PKEY **key,
    struct error *err)
{
	char *path = pending_path(name);
	int rc = read_key(s, path, key, err);

	free(path);
	return rc;
}

char *
store_pending_key_pem(struct store *s, const char *name)
{
	char *path = pending_path(name), *pem = NULL;
	struct error err;
	size_t len;

	if (file_read(s->dirfd, path, 16384, &pem, &len, &err) == -1)
		pem = NULL;
	free(path);
	return pem;
}

int
store_pending_key_put(struct store *s, const char *name, const EVP_PKEY *key,
    struct error *err)
{
	char *path = pending_path(name);
	int rc = write_key(s, path, key, err);

	free(path);
	if (rc == 0)
		store_cert_changed(s, name);
	return rc;
}

int
store_pending_csr(struct store *s, const char *name, struct csr *csr,
    struct error *err)
{
	char *path = csr_path(name);
	int rc = certdir_read_csr(s->dirfd, path, csr, err);

	free(path);
	return rc == 0 ? 0 : error_wrap(err, "%s", s->dir);
}

char *
store_pending_csr_pem(struct store *s, const char *name)
{
	char *path = csr_path(name), *pem;
	struct error ignored;
	size_t len;

	if (file_read(s->dirfd, path, CSR_MAX, &pem, &len, &ignored) == -1)
		pem = NULL;
	free(path);
	return pem;
}

int
store_pending_csr_put(struct store *s, const char *name,
    const struct csr *csr, struct error *err)
{
	char *path = csr_path(name), *pem = csr_to_pem(csr);
	int rc = file_write_atomic(s->dirfd, path, 0600, pem, strlen(pem),
	    err);

	free(pem);
	free(path);
	store_cert_changed(s, name);
	return rc == 0 ? 0 : error_wrap(err, "%s", s->dir);
}

int
store_pending_chain(struct store *s, const char *name, char **pem,
    size_t *len, struct error *err)
{
	char *path = chain_path(name);
	struct error why;
	int rc = 0;

	*pem = NULL;
	if (file_read(s->dirfd, path, CHAIN_PEM_MAX, pem, len, &why) == -1 &&
	    strcmp(why.code, "file:missing") != 0) {
		*err = why;
		rc = error_wrap(err, "%s", s->dir);
	}
	free(path);
	return rc;
}

int
store_pending_chain_put(struct store *s, const char *name, const char *pem,
    size_t len, struct error *err)
{
	char *path = chain_path(name);
	int rc = file_write_atomic(s->dirfd, path, 0600, pem, len, err);

	free(path);
	if (rc == 0)
		store_cert_changed(s, name);
	return rc == 0 ? 0 : error_wrap(err, "%s", s->dir);
}

void
store_pending_drop(struct store *s, const char *name)
{
	char *key = pending_path(name), *chain = chain_path(name);
	char *csr = csr_path(name);

	/* What comes back after a crash is only overwritten later. */
	(void)unlinkat(s->dirfd, chain, 0);
	(void)unlinkat(s->dirfd, key, 0);
	(void)unlinkat(s->dirfd, csr, 0);
	free(csr);
	free(chain);
	free(key);
	store_cert_changed(s, name);
}

int
store_live_key(struct store *s, const char *name, const char *folder,
    EVP_PKEY **key, struct error *err)
{
	char *path = xasprintf("live/%s%s%s/privkey.pem", name,
	    folder != NULL ? "/" : "", folder != NULL ? folder : "");
	int rc = 0;

	assert(store_name_is_sane(name));
	*key = NULL;
	if (!certdir_is_placeholder(s->dirfd, name))
		rc = read_key(s, path, key, err);
	free(path);
	return rc;
}

int
store_stage(struct store *s, const char *name, const EVP_PKEY *key,
    const struct csr *csr, const char *pem, size_t len,
    const struct cert_ca *ca,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	const struct store_part part = { key, pem, len, csr };

	assert(store_name_is_sane(name));
	if (certdir_stage(s->dirfd, name, &part, 1, ca, version, info,
	    err) == -1)
		return error_wrap(err, "%s: install %s", s->dir, name);
	return 0;
}

int
store_stage_pair(struct store *s, const char *name,
    const struct store_part pair[2], const struct cert_ca *ca,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	assert(store_name_is_sane(name));
	if (certdir_stage(s->dirfd, name, pair, 2, ca, version, info,
	    err) == -1)
		return error_wrap(err, "%s: install %s", s->dir, name);
	return 0;
}

bool
store_loses_access(struct store *s, const char *name, const char *version)
{
	assert(store_name_is_sane(name));
	return certdir_loses_access(s->dirfd, name, version);
}

/* Too many versions; but what is to be revoked is sent to the CA, whenever
 * that answers again. */
static void
prune(struct store *s, const char *name, const char *live)
{
	char *path = xasprintf("archive/%s", name);
	int dir = openat(s->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char **kept;

	free(path);
	if (dir == -1)
		return;
	kept = store_revocation_serials(s, name);
	certdir_prune(dir, live, kept);
	for (char **k = kept; *k != NULL; k++)
		free(*k);
	free(kept);
	close(dir);
}

int
store_promote(struct store *s, const char *name, const char *version,
    struct error *err)
{
	assert(store_name_is_sane(name));
	if (certdir_promote(s->dirfd, name, version, err) == -1)
		return error_wrap(err, "%s: install %s", s->dir, name);
	prune(s, name, version);
	return 0;
}

int
store_previous(struct store *s, const char *name, bool force,
    char version[STORE_VERSION_SIZE], struct cert_info *info,
    struct error *err)
{
	assert(store_name_is_sane(name));
	return certdir_previous(s->dirfd, name, force, version, info, err);
}

int
store_find_lost(struct store *s, const char *name, const char *serial,
    const char *const *names, size_t n_names,
    char version[STORE_VERSION_SIZE], struct cert_info *info)
{
	assert(store_name_is_sane(name));
	return certdir_find_lost(s->dirfd, name, serial, names, n_names,
	    version, info);
}

int
store_rebuild(struct store *s, const char *name, struct cert_info *info,
    struct error *err)
{
	assert(store_name_is_sane(name));
	return certdir_rebuild(s->dirfd, name, info, err);
}

int
store_live_info(struct store *s, const char *name, struct cert_info *info,
    struct error *err)
{
	int rc;

	assert(store_name_is_sane(name));
	rc = certdir_live_info(s->dirfd, name, info, err);
	return rc != -1 ? rc : error_wrap(err, "%s", s->dir);
}

bool
store_is_placeholder(struct store *s, const char *name)
{
	assert(store_name_is_sane(name));
	return certdir_is_placeholder(s->dirfd, name);
}

/* What changes with the files of live/NAME/FOLDER; false: one is missing. */
static bool
stamp_add(const struct store *s, const char *name, const char *folder,
    char *text, size_t size)
{
	const char *files[] = { "privkey.pem", "fullchain.pem", "cert.pem",
	    "chain.pem" };
	char path[NAME_MAX + 32];
	struct stat st;

	/* Where the key is elsewhere, its request is here. */
	(void)text_printf(path, sizeof(path), "live/%s/%s/csr.pem", name,
	    folder);
	if (fstatat(s->dirfd, path, &st, 0) == 0)
		files[0] = "csr.pem";
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		size_t used = strlen(text);

		(void)text_printf(path, sizeof(path), "live/%s/%s/%s", name,
		    folder, files[i]);
		if (fstatat(s->dirfd, path, &st, 0) == -1)
			return false;
		/* Not mtime: cp -p and tar keep that. */
		(void)text_printf(text + used, size - used,
		    "%s%llx.%lx.%llx", used > 0 ? "-" : "",
		    (unsigned long long)st.st_ctim.tv_sec,
		    (unsigned long)st.st_ctim.tv_nsec,
		    (unsigned long long)st.st_size);
	}
	return true;
}

int
store_place(struct store *s, const char *name, const char *const *names,
    size_t n, const char *second, struct error *err)
{
	char all[512] = "";
	int rc;

	if (store_is_placeholder(s, name) && stamp_add(s, name, ".", all,
	    sizeof(all)) && (second == NULL || stamp_add(s, name, second, all,
	    sizeof(all))))
		return 0;		/* all files are there */
	rc = certdir_place(s->dirfd, name, names, n, second, err);
	return rc != -1 ? rc : error_wrap(err, "%s", s->dir);
}

uint64_t
store_live_stamp(struct store *s, const char *name)
{
	static const char *const folders[] = { "rsa", "ec" };
	char text[480] = "";

	assert(store_name_is_sane(name));
	if (!stamp_add(s, name, ".", text, sizeof(text)))
		return 0;
	/* Of a pair: a part of it that goes away changes the number as well. */
	for (size_t i = 0; i < sizeof(folders) / sizeof(folders[0]); i++)
		(void)stamp_add(s, name, folders[i], text, sizeof(text));
	return store_stamp_of(text);
}

char *
store_live_path(const struct store *s, const char *name)
{
	return xasprintf("%s/live/%s", s->dir, name);
}

char *
store_version_path(const struct store *s, const char *name,
    const char *version)
{
	assert(store_name_is_sane(name));
	return xasprintf("%s/archive/%s/%s", s->dir, name, version);
}

char *
store_live_version_path(const struct store *s, const char *name)
{
	char *live = store_live_path(s, name), *real = realpath(live, NULL);
	char *path = xstrdup(real != NULL ? real : live);

	free(real);
	free(live);
	return path;
}

const char *
store_scratch(const struct store *s)
{
	return s->scratch;
}
