/* SPDX-License-Identifier: MIT */
/* Reading one version of a certificate from the archive. */
#include "daemon/store/store.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/certdir.h"
#include "daemon/store/certdir_ca.h"
#include "daemon/store/certdir_priv.h"
#include "daemon/store/certdir_prune.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
#include "daemon/store/store_priv.h"

#define PEM_MAX 65536

void
store_version_clear(struct store_version *v)
{
	OPENSSL_free(v->der);
	EVP_PKEY_free(v->key);
	cert_ca_clear(&v->ca);
	*v = (struct store_version){ .der = NULL };
}

/* The version that has it: as its own, or (*folder) as the second of a pair;
 * second is the serial of that.  The caller frees it. */
static char *
find_version(struct store *s, const char *name, const char *serial,
    const char **folder, char second[64])
{
	char *path = xasprintf("archive/%s", name), *found = NULL, **all;
	int dir = openat(s->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	const char *where;
	char have[64];

	*folder = NULL;
	second[0] = '\0';
	free(path);
	if (dir == -1)
		return NULL;
	all = certdir_versions(dir);
	for (char **v = all; *v != NULL; v++) {
		bool is_pair = found == NULL && certdir_second_serial(dir, *v,
		    &where, have);
		bool is_second = is_pair && strcmp(have, serial) == 0;

		if (found != NULL || (!is_second &&
		    !certdir_is_of(*v, serial))) {
			free(*v);
			continue;
		}
		found = *v;
		if (is_pair)
			memcpy(second, have, sizeof(have));
		if (is_second)
			*folder = where;
	}
	free(all);
	(void)close(dir);
	return found;
}

/* Of the version's name, without what tells apart those of one serial. */
static void
copy_serial(char serial[64], const char *version)
{
	(void)text_printf(serial, 64, "%.*s", (int)strcspn(version, "-"),
	    version);
}

static int
read_der(const char *pem, size_t len, struct store_version *v,
    struct error *err)
{
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *x = bio == NULL ? NULL : PEM_read_bio_X509(bio, NULL, NULL,
	    NULL);
	int n = x == NULL ? -1 : i2d_X509(x, &v->der);

	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	if (n <= 0)
		return error_set(err, ERR_REJECTED, "cert:syntax",
		    "it is no certificate");
	v->der_len = (size_t)n;
	return 0;
}

static void
read_ca(struct store *s, const char *name, const char *version,
    struct cert_ca *ca)
{
	char *path = xasprintf("archive/%s/%s", name, version);
	int dir = openat(s->dirfd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	free(path);
	if (dir == -1)
		return;
	certdir_ca_read(dir, ca);
	(void)close(dir);
}

/* Its key; of one that is elsewhere (csr), or was lost, the public part. */
static int
read_key(struct store *s, const char *name, const char *version,
    const char *folder, struct store_version *v, struct error *err)
{
	char *path = xasprintf("archive/%s/%s/%s/privkey.pem", name, version,
	    folder);
	const unsigned char *der = v->der;
	int rc = certdir_read_key(s->dirfd, path, &v->key, err);
	X509 *x;

	free(path);
	v->has_key = v->key != NULL;
	if (rc == -1 || v->key != NULL)
		return rc;
	x = d2i_X509(NULL, &der, (long)v->der_len);
	v->key = x == NULL ? NULL : X509_get_pubkey(x);
	X509_free(x);
	ERR_clear_error();
	return v->key != NULL ? 0 : error_set(err, ERR_REJECTED, "cert:key",
	    "its public key cannot be read");
}

int
store_version_read(struct store *s, const char *name, const char *serial,
    struct store_version *v, struct error *err)
{
	char second[64], *cert, *pem = NULL;
	const char *folder = NULL;
	char *version = serial[0] != '\0' && store_name_is_sane(name) ?
	    find_version(s, name, serial, &folder, second) : NULL;
	size_t len;
	int rc;

	*v = (struct store_version){ .der = NULL };
	if (version == NULL)
		return error_set(err, ERR_CONFIG, "manage:no-version",
		    "the archive has no certificate %s of \"%s\" (the last "
		    "five versions are kept)", serial, name);
	(void)text_printf(v->serial, sizeof(v->serial), "%s", serial);
	if (folder != NULL)
		copy_serial(v->other, version);
	else
		memcpy(v->other, second, sizeof(v->other));
	cert = xasprintf("archive/%s/%s/%s/cert.pem", name, version,
	    folder != NULL ? folder : ".");
	rc = file_read(s->dirfd, cert, PEM_MAX, &pem, &len, err);
	if (rc == 0 && (rc = read_der(pem, len, v, err)) == -1)
		(void)error_wrap(err, "%s/%s", s->dir, cert);
	if (rc == 0)
		rc = read_key(s, name, version, folder != NULL ? folder : ".",
		    v, err);
	if (rc == 0)
		read_ca(s, name, version, &v->ca);
	else
		store_version_clear(v);
	free(pem);
	free(cert);
	free(version);
	return rc;
}

int
store_live_public(struct store *s, const char *name, const char *folder,
    EVP_PKEY **key, struct error *err)
{
	char *path = xasprintf("live/%s/%s/cert.pem", name,
	    folder != NULL ? folder : "."), *pem;
	struct error why;
	struct chain chain;
	size_t len;
	int rc = 0;

	*key = NULL;
	if (file_read(s->dirfd, path, PEM_MAX, &pem, &len, &why) == -1) {
		free(path);
		if (strcmp(why.code, "file:missing") == 0)
			return 0;
		*err = why;
		return error_wrap(err, "%s", s->dir);
	}
	rc = chain_parse(pem, len, &chain, err);
	if (rc == 0) {
		*key = X509_get_pubkey(chain.certs[0]);
		chain_clear(&chain);
	} else {
		(void)error_wrap(err, "%s/%s", s->dir, path);
	}
	free(pem);
	free(path);
	return rc;
}
