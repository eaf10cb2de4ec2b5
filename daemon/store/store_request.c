/* SPDX-License-Identifier: MIT */
/* requests/: of a host that keeps its key, the key that it asks a certificate
 * for; of a publisher, what such a host asks for. */
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"
#include "daemon/store/store_priv.h"

#define KEY_MAX (32 * 1024)

static char *
path_of(const char *name, const char *suffix)
{
	return xasprintf("requests/%s.%s", name, suffix);
}

int
store_request_key(struct store *s, const char *name, EVP_PKEY **key,
    struct error *err)
{
	char *path = path_of(name, "key"), *pem;
	size_t len;
	int rc = file_read(s->dirfd, path, KEY_MAX, &pem, &len, err);

	free(path);
	*key = NULL;
	if (rc == -1)
		return strcmp(err->code, "file:missing") == 0 ? 0 : -1;
	*key = key_from_pem(pem, err);
	freezero(pem, len);
	return *key != NULL ? 0 : error_wrap(err, "requests/%s.key", name);
}

int
store_request_key_put(struct store *s, const char *name,
    const EVP_PKEY *key, struct error *err)
{
	char *path = path_of(name, "key"), *pem = key_to_pem(key);
	int rc = file_write_atomic(s->dirfd, path, 0600, pem, strlen(pem),
	    err);

	freezero_str(pem);
	free(path);
	return rc;
}

void
store_request_key_drop(struct store *s, const char *name)
{
	char *path = path_of(name, "key");

	(void)unlinkat(s->dirfd, path, 0);
	free(path);
}

int
store_request_make(struct store *s, const char *name,
    const char *const *names, size_t n, char **pem, struct error *err)
{
	EVP_PKEY *key;

	*pem = NULL;
	if (store_request_key(s, name, &key, err) == -1)
		return -1;
	if (key == NULL)
		return 0;
	*pem = csr_make_pem(key, names, n, err);
	EVP_PKEY_free(key);
	return *pem != NULL ? 0 : -1;
}

bool
store_request_is_live(struct store *s, const char *name)
{
	EVP_PKEY *asked = NULL, *live = NULL;
	struct error ignored;
	bool is = store_request_key(s, name, &asked, &ignored) == 0 &&
	    asked != NULL &&
	    store_live_key(s, name, NULL, &live, &ignored) == 0 &&
	    live != NULL && EVP_PKEY_eq(asked, live) == 1;

	EVP_PKEY_free(asked);
	EVP_PKEY_free(live);
	return is;
}

time_t
store_request_at(struct store *s, const char *name)
{
	char *path = path_of(name, "pem");
	struct stat st;
	int rc = fstatat(s->dirfd, path, &st, 0);

	free(path);
	return rc == -1 ? 0 : st.st_mtime;
}

char *
store_request_pem(struct store *s, const char *name)
{
	char *path = path_of(name, "pem"), *pem;
	struct error ignored;
	size_t len;

	if (file_read(s->dirfd, path, CSR_MAX, &pem, &len, &ignored) == -1)
		pem = NULL;
	free(path);
	return pem;
}

int
store_request_put(struct store *s, const char *name, const char *pem,
    time_t at, struct error *err)
{
	const struct timespec times[] = { { .tv_nsec = UTIME_OMIT },
		{ .tv_sec = at } };
	char *path = path_of(name, "pem");
	int rc = file_write_atomic(s->dirfd, path, 0600, pem, strlen(pem),
	    err);

	if (rc == 0 && utimensat(s->dirfd, path, times, 0) == -1)
		rc = error_errno(err, "%s/%s", s->dir, path);
	free(path);
	store_cert_changed(s, name);
	return rc;
}

void
store_request_drop(struct store *s, const char *name)
{
	char *path = path_of(name, "pem");

	store_request_key_drop(s, name);
	(void)unlinkat(s->dirfd, path, 0);
	free(path);
}
