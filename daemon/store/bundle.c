/* SPDX-License-Identifier: MIT */
#include "daemon/store/bundle.h"

#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/store/chain.h"
#include "daemon/store/csr.h"
#include "daemon/store/keys.h"

#define KEY_PEM_MAX 65536

struct version {
	char		*key_pem;	/* NULL: there is csr_pem */
	char		*csr_pem, *chain_pem;
	struct csr	 csr;
	size_t		 chain_len;
	EVP_PKEY	*key;
	struct chain	 chain;
};

static char *
read_file(const char *dir, const char *name, size_t max, size_t *len,
    struct error *err)
{
	char *path = xasprintf("%s/%s", dir, name), *text = NULL;

	if (file_read(AT_FDCWD, path, max, &text, len, err) == -1)
		text = NULL;
	free(path);
	return text;
}

/* The key is the one thing that a version may be without: it is where its
 * request was made. */
static int
read_key(const char *dir, struct version *v, struct error *err)
{
	size_t len;

	v->csr_pem = read_file(dir, "csr.pem", CSR_MAX, &len, err);
	if (v->csr_pem != NULL) {
		if (csr_parse(v->csr_pem, len, &v->csr, err) == -1)
			return error_wrap(err, "%s/csr.pem", dir);
		v->key = v->csr.key;
		(void)EVP_PKEY_up_ref(v->key);
		return 0;
	}
	if (strcmp(err->code, "file:missing") != 0)
		return -1;
	v->key_pem = read_file(dir, "privkey.pem", KEY_PEM_MAX, &len, err);
	if (v->key_pem == NULL)
		return -1;
	v->key = key_from_pem(v->key_pem, err);
	return v->key != NULL ? 0 : -1;
}

static int
read_version(const char *dir, struct version *v, struct error *err)
{
	if (read_key(dir, v, err) == -1)
		return -1;
	v->chain_pem = read_file(dir, "fullchain.pem", CHAIN_PEM_MAX,
	    &v->chain_len, err);
	if (v->chain_pem == NULL)
		return -1;
	if (chain_parse(v->chain_pem, v->chain_len, &v->chain, err) == -1)
		return -1;
	if (chain_check_key(&v->chain, v->key, err) == -1)
		return error_wrap(err, "%s", dir);
	return 0;
}

static void
version_clear(struct version *v)
{
	freezero_str(v->key_pem);
	free(v->csr_pem);
	csr_clear(&v->csr);
	free(v->chain_pem);
	EVP_PKEY_free(v->key);
	chain_clear(&v->chain);
}

static int
internal(const char *what, struct error *err)
{
	ERR_clear_error();
	return error_set(err, ERR_INTERNAL, "store:bundle", "cannot make %s",
	    what);
}

static int
make_der(const struct version *v, char **out, size_t *len, struct error *err)
{
	unsigned char *der = NULL;
	int n = i2d_X509(v->chain.certs[0], &der);

	if (n <= 0)
		return internal("DER", err);
	*out = xmemdup(der, (size_t)n);
	*len = (size_t)n;
	OPENSSL_free(der);
	return 0;
}

/* OpenSSL's defaults: AES-256-CBC, PBKDF2 and HMAC with SHA-256. */
static int
make_pkcs12(const struct version *v, const char *name, const char *password,
    char **out, size_t *len, struct error *err)
{
	STACK_OF(X509) *rest = sk_X509_new_null();
	unsigned char *der = NULL;
	PKCS12 *p12 = NULL;
	bool ok = rest != NULL;
	int n = -1;

	for (size_t i = 1; i < v->chain.n && ok; i++)
		ok = sk_X509_push(rest, v->chain.certs[i]) > 0;
	if (ok)
		p12 = PKCS12_create(password, name, v->key,
		    v->chain.certs[0], rest, 0, 0, 0, 0, 0);
	if (p12 != NULL)
		n = i2d_PKCS12(p12, &der);
	PKCS12_free(p12);
	sk_X509_free(rest);
	if (n <= 0)
		return internal("PKCS#12", err);
	*out = xmemdup(der, (size_t)n);
	*len = (size_t)n;
	OPENSSL_clear_free(der, (size_t)n);
	return 0;
}

/* PEM needs no library: a part of one file, or two of them joined. */
static void
make_pem(const struct version *v, enum bundle_format format, char **out,
    size_t *len)
{
	if (format == BUNDLE_CERT)
		*out = chain_to_pem(&v->chain, 0, 1);
	else if (format == BUNDLE_CHAIN)
		*out = chain_to_pem(&v->chain, 1, v->chain.n);
	else if (format == BUNDLE_PRIVKEY)
		*out = xstrdup(v->key_pem);
	else if (format == BUNDLE_COMBINED)
		*out = xasprintf("%s%s", v->chain_pem, v->key_pem);
	else
		*out = xstrdup(v->chain_pem);
	*len = strlen(*out);
}

int
bundle_make(const char *version_dir, enum bundle_format format,
    const char *name, const char *password, char **out, size_t *len,
    struct error *err)
{
	struct version v = { .key_pem = NULL };
	int rc = read_version(version_dir, &v, err);

	if (rc == 0 && v.key_pem == NULL && bundle_has_key(format))
		rc = error_set(err, ERR_CONFIG, "store:no-privkey", "%s: its "
		    "private key is where its request (csr) was made, and not "
		    "on this machine: %s cannot be made", version_dir,
		    bundle_format_name(format));
	if (rc == 0 && format == BUNDLE_DER)
		rc = make_der(&v, out, len, err);
	else if (rc == 0 && format == BUNDLE_PKCS12)
		rc = make_pkcs12(&v, name, password, out, len, err);
	else if (rc == 0)
		make_pem(&v, format, out, len);
	version_clear(&v);
	return rc;
}

int
bundle_make_file(const char *version_dir, const struct conf_install *f,
    const char *name, char **out, size_t *len, struct error *err)
{
	char *password = NULL, *part = NULL;
	int rc = 0;

	if (f->family != NULL) {
		part = bundle_part(version_dir, f->family, err);
		rc = part == NULL ? -1 : 0;
	}
	if (rc == 0 && f->password_file != NULL)
		rc = file_read_secret(f->password_file, FILE_SECRET_MAX,
		    &password, err);
	if (rc == 0)
		rc = bundle_make(part != NULL ? part : version_dir, f->format,
		    name, password, out, len, err);
	freezero_str(password);
	free(part);
	return rc;
}

const char *
bundle_second(const char *dir)
{
	static const enum key_type types[] = { KEY_RSA2048, KEY_EC256 };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		const char *family = key_type_family(types[i]);
		char *path = xasprintf("%s/%s", dir, family);
		struct stat st;
		bool is = lstat(path, &st) == 0 && S_ISDIR(st.st_mode);

		free(path);
		if (is)
			return family;
	}
	return NULL;
}

/* The leaf in a directory; -1: it cannot be read. */
static int
read_leaf(const char *dir, struct cert_info *info, struct error *err)
{
	size_t len;
	char *pem = read_file(dir, "cert.pem", CHAIN_PEM_MAX, &len, err);
	int rc = pem == NULL ? -1 : cert_info_read(pem, len, info, err);

	free(pem);
	return rc;
}

char *
bundle_serial(const char *dir, struct error *err)
{
	struct cert_info info;
	char *serial;

	if (read_leaf(dir, &info, err) == -1)
		return NULL;
	serial = xstrdup(info.serial);
	cert_info_clear(&info);
	return serial;
}

char *
bundle_part(const char *dir, const char *family, struct error *err)
{
	const char *second = bundle_second(dir), *first;
	struct cert_info info;

	if (second != NULL && strcmp(second, family) == 0)
		return xasprintf("%s/%s", dir, family);
	if (read_leaf(dir, &info, err) == -1)
		return NULL;
	first = key_type_family(info.key);
	cert_info_clear(&info);
	if (first != NULL && strcmp(first, family) == 0)
		return xstrdup(dir);
	(void)error_set(err, ERR_CONFIG, "deploy:key", "the installed version "
	    "has no certificate with %s key; the next renewal brings it",
	    strcmp(family, "ec") == 0 ? "an EC" : "an RSA");
	return NULL;
}
