/* SPDX-License-Identifier: MIT */
/* certdir_rebuild - a version that lacks a file, made whole from the others */
#include "daemon/store/certdir.h"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir_ca.h"
#include "daemon/store/chain.h"
#include "daemon/store/keys.h"

/* A file of live/NAME; NULL if it cannot be read. */
static char *
read_one(int dirfd, const char *name, const char *file)
{
	char *path = xasprintf("live/%s/%s", name, file), *text;
	struct error ignored;
	size_t len;

	if (file_read(dirfd, path, CHAIN_PEM_MAX, &text, &len, &ignored) == -1)
		text = NULL;
	free(path);
	return text;
}

/* cert.pem and what follows it. */
static char *
join(int dirfd, const char *name)
{
	char *cert = read_one(dirfd, name, "cert.pem");
	char *chain = read_one(dirfd, name, "chain.pem");
	char *pem = cert != NULL && chain != NULL ?
	    xasprintf("%s%s", cert, chain) : NULL;

	free(chain);
	free(cert);
	return pem;
}

static bool
is_link(int dirfd, const char *name)
{
	char *path = xasprintf("live/%s", name);
	struct stat st;
	bool is = fstatat(dirfd, path, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
	    S_ISLNK(st.st_mode);

	free(path);
	return is;
}

/* Does whole have all of pem, and go on where that ends? */
static bool
is_longer(const char *whole, const char *pem)
{
	struct chain a, b;
	struct error ignored;
	bool is;

	if (whole == NULL || pem == NULL ||
	    chain_parse(whole, strlen(whole), &a, &ignored) == -1)
		return false;
	if (chain_parse(pem, strlen(pem), &b, &ignored) == -1) {
		chain_clear(&a);
		return false;
	}
	is = a.n > b.n;
	for (size_t i = 0; is && i < b.n; i++)
		is = X509_cmp(a.certs[i], b.certs[i]) == 0;
	chain_clear(&a);
	chain_clear(&b);
	return is;
}

/* The chain: fullchain.pem, unless a part of it is missing; the caller frees.
 * NULL: there is none. */
static char *
best_chain(int dirfd, const char *name)
{
	char *pem = read_one(dirfd, name, "fullchain.pem");
	char *joined = join(dirfd, name);

	if (!is_longer(joined, pem)) {
		free(joined);
		return pem;
	}
	free(pem);
	return joined;
}

/* What it says of its CA; the caller clears it. */
static void
read_ca(int dirfd, const char *name, struct cert_ca *ca)
{
	char *path = xasprintf("live/%s", name);
	int dir = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	*ca = (struct cert_ca){ .directory = NULL };
	if (dir != -1) {
		certdir_ca_read(dir, ca);
		(void)close(dir);
	}
	free(path);
}

static int
stage(int dirfd, const char *name, const EVP_PKEY *key, char *pem,
    char version[STORE_VERSION_SIZE], struct cert_info *info)
{
	struct error ignored;
	struct cert_ca ca;
	int rc;

	read_ca(dirfd, name, &ca);
	rc = pem == NULL ? -1 : certdir_stage(dirfd, name, key, pem,
	    strlen(pem), &ca, version, info, &ignored);
	cert_ca_clear(&ca);
	free(pem);
	return rc;
}

int
certdir_rebuild(int dirfd, const char *name, struct cert_info *info,
    struct error *err)
{
	char *path = xasprintf("live/%s/privkey.pem", name);
	char version[STORE_VERSION_SIZE];
	EVP_PKEY *key = NULL;
	int rc = -1;

	(void)error_set(err, ERR_INTERNAL, "store:damaged", "live/%s: what is "
	    "left does not make a whole", name);
	if (is_link(dirfd, name) &&
	    certdir_read_key(dirfd, path, &key, err) == 0 && key != NULL &&
	    (stage(dirfd, name, key, best_chain(dirfd, name), version,
	    info) == 0 || stage(dirfd, name, key,
	    join(dirfd, name), version, info) == 0)) {
		rc = certdir_promote(dirfd, name, version, err);
		if (rc == -1)
			cert_info_clear(info);
	}
	EVP_PKEY_free(key);
	free(path);
	return rc;
}
