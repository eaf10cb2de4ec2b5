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
#include "daemon/store/certdir_priv.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
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

/* A key and a chain to be made a whole. */
struct rest {
	EVP_PKEY	*key;
	struct csr	 csr;		/* its request, where the key itself is
					   elsewhere; clear: it is here */
	char		*whole;		/* the best of what is left */
	char		*joined;	/* cert.pem and chain.pem */
};

static void
rest_clear(struct rest *r)
{
	EVP_PKEY_free(r->key);
	csr_clear(&r->csr);
	free(r->whole);
	free(r->joined);
}

/* What is left in live/NAME, or in a folder of it ("NAME/rsa"). */
static int
rest_read(int dirfd, const char *name, struct rest *r, struct error *err)
{
	char *path = xasprintf("live/%s/privkey.pem", name);
	char *csr_path = xasprintf("live/%s/csr.pem", name);
	int rc = certdir_read_key(dirfd, path, &r->key, err);

	if (rc == 0 && r->key == NULL)
		rc = certdir_read_csr(dirfd, csr_path, &r->csr, err);
	if (r->csr.key != NULL && EVP_PKEY_up_ref(r->csr.key) == 1)
		r->key = r->csr.key;
	free(csr_path);
	free(path);
	r->whole = best_chain(dirfd, name);
	r->joined = join(dirfd, name);
	return rc == 0 && r->key != NULL ? 0 : -1;
}

/* way: its first bit says which chain of the first one, its second which of
 * the second. */
static int
stage(int dirfd, const char *name, const struct rest *rests, size_t n,
    unsigned way, char version[STORE_VERSION_SIZE], struct cert_info *info)
{
	struct store_part parts[2];
	struct error ignored;
	struct cert_ca ca;
	int rc;

	for (size_t i = 0; i < n; i++) {
		const char *pem = (way >> i & 1) != 0 ? rests[i].joined :
		    rests[i].whole;

		if (pem == NULL)
			return -1;
		parts[i] = (struct store_part){ rests[i].key, pem,
		    strlen(pem), rests[i].csr.key != NULL ? &rests[i].csr :
		    NULL };
	}
	read_ca(dirfd, name, &ca);
	rc = certdir_stage(dirfd, name, parts, n, &ca, version, info,
	    &ignored);
	cert_ca_clear(&ca);
	return rc;
}

/* The folder of the second of a pair, "NAME/rsa"; NULL: there is none. */
static char *
second_of(int dirfd, const char *name)
{
	char *path = xasprintf("live/%s", name);
	int dir = openat(dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *folder = NULL;
	int second = dir == -1 ? -1 : certdir_open_second(dir, &folder);

	if (second != -1)
		(void)close(second);
	if (dir != -1)
		(void)close(dir);
	free(path);
	return folder != NULL ? xasprintf("%s/%s", name, folder) : NULL;
}

int
certdir_rebuild(int dirfd, const char *name, struct cert_info *info,
    struct error *err)
{
	char *second = second_of(dirfd, name);
	size_t n = second != NULL ? 2 : 1;
	struct rest rests[2] = { { .key = NULL } };
	char version[STORE_VERSION_SIZE];
	int rc = -1;

	(void)error_set(err, ERR_INTERNAL, "store:damaged", "live/%s: what is "
	    "left does not make a whole", name);
	if (is_link(dirfd, name) && rest_read(dirfd, name, &rests[0],
	    err) == 0 && (n == 1 || rest_read(dirfd, second, &rests[1],
	    err) == 0)) {
		for (unsigned way = 0; rc == -1 && way < 1U << n; way++)
			rc = stage(dirfd, name, rests, n, way, version, info);
	}
	if (rc == 0) {
		rc = certdir_promote(dirfd, name, version, err);
		if (rc == -1)
			cert_info_clear(info);
	}
	for (size_t i = 0; i < n; i++)
		rest_clear(&rests[i]);
	free(second);
	return rc;
}
