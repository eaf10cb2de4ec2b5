/* SPDX-License-Identifier: MIT */
#include "tests/unit/pki.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"

#define DAY 86400

static void
must(int ok)
{
	if (!ok)
		abort();
}

static void
add_name(GENERAL_NAMES *san, int type, const void *data, size_t len)
{
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_STRING *s = ASN1_STRING_type_new(type == GEN_DNS ?
	    V_ASN1_IA5STRING : V_ASN1_OCTET_STRING);

	must(gn != NULL && s != NULL);
	must(ASN1_STRING_set(s, data, (int)len));
	GENERAL_NAME_set0_value(gn, type, s);
	must(sk_GENERAL_NAME_push(san, gn) > 0);
}

static void
add_san(X509 *x, const struct pki_args *a)
{
	GENERAL_NAMES *san = sk_GENERAL_NAME_new_null();

	for (size_t i = 0; a->names != NULL && a->names[i] != NULL; i++)
		add_name(san, GEN_DNS, a->names[i], strlen(a->names[i]));
	if (a->nul_name != NULL) {
		char *s = xasprintf("%s_evil.test", a->nul_name);
		size_t len = strlen(s);

		s[strlen(a->nul_name)] = '\0';
		add_name(san, GEN_DNS, s, len);
		free(s);
	}
	if (a->ip)
		add_name(san, GEN_IPADD, "\x7f\0\0\1", 4);
	if (sk_GENERAL_NAME_num(san) > 0)
		must(X509_add1_ext_i2d(x, NID_subject_alt_name, san, 0,
		    X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(san);
}

static void
add_aki(X509 *x, const char *hex)
{
	AUTHORITY_KEYID *aki = AUTHORITY_KEYID_new();
	long len;
	unsigned char *raw = OPENSSL_hexstr2buf(hex, &len);

	must(aki != NULL && raw != NULL);
	aki->keyid = ASN1_OCTET_STRING_new();
	must(ASN1_OCTET_STRING_set(aki->keyid, raw, (int)len));
	must(X509_add1_ext_i2d(x, NID_authority_key_identifier, aki, 0,
	    X509V3_ADD_DEFAULT) == 1);
	OPENSSL_free(raw);
	AUTHORITY_KEYID_free(aki);
}

static void
set_serial(X509 *x, const char *hex)
{
	BIGNUM *bn = NULL;
	ASN1_INTEGER *i;

	must(BN_hex2bn(&bn, hex) > 0);
	i = BN_to_ASN1_INTEGER(bn, NULL);
	must(i != NULL && X509_set_serialNumber(x, i) == 1);
	ASN1_INTEGER_free(i);
	BN_free(bn);
}

X509 *
pki_cert(const struct pki_args *a)
{
	time_t now = clock_now();
	X509 *x = X509_new();

	must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1);
	set_serial(x, a->serial != NULL ? a->serial : "01");
	if (a->cn != NULL)
		must(X509_NAME_add_entry_by_txt(X509_get_subject_name(x),
		    "CN", MBSTRING_UTF8, (const unsigned char *)a->cn, -1, -1,
		    0) == 1);
	must(X509_set_issuer_name(x, X509_get_subject_name(
	    a->issuer != NULL ? a->issuer : x)) == 1);
	must(ASN1_TIME_set(X509_getm_notBefore(x),
	    a->not_before != 0 ? a->not_before : now - DAY) != NULL);
	must(ASN1_TIME_set(X509_getm_notAfter(x),
	    a->not_after != 0 ? a->not_after : now + 90 * DAY) != NULL);
	must(X509_set_pubkey(x, a->key) == 1);
	add_san(x, a);
	if (a->aki != NULL)
		add_aki(x, a->aki);
	must(X509_sign(x, a->issuer_key != NULL ? a->issuer_key : a->key,
	    EVP_sha256()) > 0);
	return x;
}

char *
pki_pem(X509 *const *certs, size_t n)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	for (size_t i = 0; i < n; i++)
		must(PEM_write_bio_X509(bio, certs[i]) == 1);
	len = BIO_get_mem_data(bio, &data);
	pem = xstrndup(data, (size_t)len);
	BIO_free(bio);
	return pem;
}

EVP_PKEY *
pki_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	must(key != NULL);
	return key;
}
