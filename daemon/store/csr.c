/* SPDX-License-Identifier: MIT */
#include "daemon/store/csr.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"

#define NAMES_MAX 100
#define RSA_BITS_MIN 2048
#define RSA_BITS_MAX 8192

static int
refuse(struct error *err, const char *code, const char *what)
{
	ERR_clear_error();
	return error_set(err, ERR_CONFIG, code, "%s", what);
}

/* DER begins with a SEQUENCE; what follows the request is not ours to guess. */
static X509_REQ *
read_der(const char *data, size_t len)
{
	const unsigned char *p = (const unsigned char *)data;
	X509_REQ *req = d2i_X509_REQ(NULL, &p, (long)len);

	if (req != NULL && p != (const unsigned char *)data + len) {
		X509_REQ_free(req);
		return NULL;
	}
	return req;
}

static X509_REQ *
read_request(const char *data, size_t len)
{
	X509_REQ *req;
	BIO *bio;

	if (len > 0 && data[0] == 0x30)
		return read_der(data, len);
	bio = BIO_new_mem_buf(data, (int)len);
	if (bio == NULL)
		abort();
	req = PEM_read_bio_X509_REQ(bio, NULL, NULL, NULL);
	BIO_free(bio);
	return req;
}

/* --- its key --- */

static bool
is_good_curve(const EVP_PKEY *key)
{
	static const char *const curves[] = { "prime256v1", "secp384r1",
	    "secp521r1" };
	char group[64];
	size_t len;

	if (EVP_PKEY_get_group_name(key, group, sizeof(group), &len) != 1)
		return false;
	for (size_t i = 0; i < sizeof(curves) / sizeof(curves[0]); i++) {
		if (strcmp(group, curves[i]) == 0)
			return true;
	}
	return false;
}

static int
check_key(X509_REQ *req, struct csr *csr, struct error *err)
{
	int bits;

	csr->key = X509_REQ_get_pubkey(req);
	if (csr->key == NULL)
		return refuse(err, "csr:key", "its public key cannot be read");
	bits = EVP_PKEY_get_bits(csr->key);
	if (EVP_PKEY_is_a(csr->key, "RSA") && (bits < RSA_BITS_MIN ||
	    bits > RSA_BITS_MAX))
		return error_set(err, ERR_CONFIG, "csr:key", "its RSA key has "
		    "%d bits; allowed: %d to %d", bits, RSA_BITS_MIN,
		    RSA_BITS_MAX);
	if (!EVP_PKEY_is_a(csr->key, "RSA") &&
	    !EVP_PKEY_is_a(csr->key, "ED25519") &&
	    !(EVP_PKEY_is_a(csr->key, "EC") && is_good_curve(csr->key)))
		return refuse(err, "csr:key", "its key is of a kind that CAs "
		    "do not take; allowed: RSA, EC on P-256, P-384 or P-521, "
		    "Ed25519");
	if (X509_REQ_verify(req, csr->key) != 1)
		return refuse(err, "csr:key", "its signature is not one of "
		    "the key in it: it is damaged, or was changed");
	return 0;
}

/* --- its names --- */

static int
add_name(struct csr *csr, const char *name, struct error *err)
{
	for (size_t i = 0; i < csr->n_names; i++) {
		if (strcmp(csr->names[i], name) == 0)
			return 0;
	}
	if (csr->n_names == NAMES_MAX)
		return error_set(err, ERR_CONFIG, "csr:names", "it asks for "
		    "more than %d names", NAMES_MAX);
	csr->names[csr->n_names++] = xstrdup(name);
	return 0;
}

static int
add_text(struct csr *csr, const ASN1_STRING *s, const char *what,
    struct error *err)
{
	char name[DNAME_SIZE];
	struct error why;
	unsigned char *text;
	int len = ASN1_STRING_to_UTF8(&text, s), rc;

	if (len < 0)
		return refuse(err, "csr:names", "a name in it is malformed");
	/* One with a NUL in it is no name. */
	if ((size_t)len == strlen((char *)text) &&
	    (address_normalize((char *)text, name) ||
	    dname_normalize((char *)text, true, true, name, &why) == 0)) {
		rc = add_name(csr, name, err);
	} else {
		rc = error_set(err, ERR_CONFIG, "csr:names", "its %s, "
		    "\"%.200s\", is neither a domain name nor an address, and "
		    "no CA takes it", what, (char *)text);
		text_clean(err->msg);
	}
	OPENSSL_free(text);
	return rc;
}

static int
add_general(struct csr *csr, const GENERAL_NAME *gn, struct error *err)
{
	char name[DNAME_SIZE];
	int type;
	const ASN1_STRING *value = GENERAL_NAME_get0_value(gn, &type);

	if (type == GEN_DNS)
		return add_text(csr, value, "alternative name", err);
	if (type == GEN_IPADD && address_of_bytes(ASN1_STRING_get0_data(value),
	    (size_t)ASN1_STRING_length(value), name) != NULL)
		return add_name(csr, name, err);
	return refuse(err, "csr:names", "it asks for an alternative name that "
	    "is neither a DNS name nor an address; allowed: these two");
}

/* A CA takes a common name for one of the names, wherever it stands. */
static int
add_common_names(struct csr *csr, X509_REQ *req, struct error *err)
{
	const X509_NAME *subject = X509_REQ_get_subject_name(req);
	int i = -1;

	while ((i = X509_NAME_get_index_by_NID(subject, NID_commonName,
	    i)) >= 0) {
		if (add_text(csr, X509_NAME_ENTRY_get_data(
		    X509_NAME_get_entry(subject, i)), "common name",
		    err) == -1)
			return -1;
	}
	return 0;
}

static int
read_names(struct csr *csr, X509_REQ *req, struct error *err)
{
	STACK_OF(X509_EXTENSION) *exts = X509_REQ_get_extensions(req);
	int crit = -1, n, rc;
	GENERAL_NAMES *san = X509V3_get_d2i(exts, NID_subject_alt_name, &crit,
	    NULL);

	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	if (san == NULL && crit != -1)
		return refuse(err, "csr:names", "its subject alternative name "
		    "is malformed");
	csr->names = xcalloc(NAMES_MAX + 1, sizeof(*csr->names));
	rc = add_common_names(csr, req, err);
	n = san == NULL ? 0 : sk_GENERAL_NAME_num(san);
	for (int i = 0; rc == 0 && i < n; i++)
		rc = add_general(csr, sk_GENERAL_NAME_value(san, i), err);
	GENERAL_NAMES_free(san);
	if (rc == 0 && csr->n_names == 0)
		return refuse(err, "csr:names", "it asks for no name; allowed: "
		    "a subject alternative name, or a common name that is a "
		    "domain name");
	return rc;
}

/* --- all of it --- */

/* What is signed, as a number. */
static int
read_hash(struct csr *csr, X509_REQ *req, struct error *err)
{
	unsigned char md[EVP_MAX_MD_SIZE], *der = NULL, *tbs = NULL;
	int len = i2d_X509_REQ(req, &der);
	int tbs_len = i2d_re_X509_REQ_tbs(req, &tbs);
	unsigned md_len;
	bool ok = len > 0 && tbs_len > 0 && EVP_Digest(tbs, (size_t)tbs_len,
	    md, &md_len, EVP_sha256(), NULL) == 1;

	if (ok) {
		(void)text_hex(md, md_len, csr->hash);
		csr->der = xmemdup(der, (size_t)len);
		csr->der_len = (size_t)len;
	}
	OPENSSL_free(der);
	OPENSSL_free(tbs);
	return ok ? 0 : refuse(err, "csr:syntax", "it cannot be hashed");
}

int
csr_parse(const char *data, size_t len, struct csr *csr, struct error *err)
{
	X509_REQ *req;
	int rc;

	*csr = (struct csr){ .key = NULL };
	ERR_clear_error();
	req = len <= CSR_MAX ? read_request(data, len) : NULL;
	if (req == NULL)
		return refuse(err, "csr:syntax", "it is no certificate "
		    "request; allowed: PKCS#10 in PEM or DER, as openssl req "
		    "-new makes it");
	rc = check_key(req, csr, err);
	if (rc == 0)
		rc = read_hash(csr, req, err);
	if (rc == 0)
		rc = read_names(csr, req, err);
	if (rc == -1)
		csr_clear(csr);
	X509_REQ_free(req);
	ERR_clear_error();
	return rc;
}

int
csr_read(const char *path, struct csr *csr, struct error *err)
{
	char *data;
	size_t len;
	int rc;

	*csr = (struct csr){ .key = NULL };
	if (file_read(AT_FDCWD, path, CSR_MAX, &data, &len, err) == -1)
		return -1;
	rc = csr_parse(data, len, csr, err);
	freezero(data, len);	/* a key may be in it, in spite of all */
	return rc == 0 ? 0 : error_wrap(err, "%s", path);
}

void
csr_clear(struct csr *csr)
{
	EVP_PKEY_free(csr->key);
	free(csr->der);
	strv_free(csr->names);
	*csr = (struct csr){ .key = NULL };
}

char *
csr_to_pem(const struct csr *csr)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	if (bio == NULL || PEM_write_bio(bio, PEM_STRING_X509_REQ, "",
	    csr->der, (long)csr->der_len) <= 0)
		abort();	/* memory: nothing else can fail here */
	len = BIO_get_mem_data(bio, &data);
	pem = xstrndup(data, (size_t)len);
	BIO_free(bio);
	return pem;
}

char *
csr_make_pem(EVP_PKEY *key, const char *const *names, size_t n,
    struct error *err)
{
	struct csr csr;
	unsigned char *der;
	size_t len;
	char *pem;
	int rc;

	if (csr_make(key, names, n, &der, &len, err) == -1)
		return NULL;
	rc = csr_parse((const char *)der, len, &csr, err);
	free(der);
	if (rc == -1)
		return NULL;
	pem = csr_to_pem(&csr);
	csr_clear(&csr);
	return pem;
}
