/* SPDX-License-Identifier: MIT */
#include "daemon/io/tls_alpn_cert.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/text.h"

#define ACME_IDENTIFIER "1.3.6.1.5.5.7.1.31"
#define HASH_LEN 32
#define DAY_S 86400

/* Of what is made of our own bytes only the lack of memory can fail. */
static void
must(int ok)
{
	if (!ok)
		abort();
}

static void
add_name(X509 *x, const char *name)
{
	unsigned char bytes[16];
	size_t len = address_bytes(name, bytes);
	GENERAL_NAMES *san = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *gn = GENERAL_NAME_new();
	ASN1_STRING *s = len > 0 ? ASN1_OCTET_STRING_new() :
	    ASN1_IA5STRING_new();

	must(san != NULL && gn != NULL && s != NULL &&
	    ASN1_STRING_set(s, len > 0 ? (const void *)bytes : name,
	    (int)(len > 0 ? len : strlen(name))) == 1);
	GENERAL_NAME_set0_value(gn, len > 0 ? GEN_IPADD : GEN_DNS, s);
	must(sk_GENERAL_NAME_push(san, gn) > 0 &&
	    X509_add1_ext_i2d(x, NID_subject_alt_name, san, 0,
	    X509V3_ADD_DEFAULT) == 1);
	GENERAL_NAMES_free(san);
}

/* The extension's value is an OCTET STRING, inside that of every extension. */
static void
add_identifier(X509 *x, const char *key_authorization)
{
	unsigned char hash[EVP_MAX_MD_SIZE], value[2 + HASH_LEN];
	ASN1_OBJECT *oid = OBJ_txt2obj(ACME_IDENTIFIER, 1);
	ASN1_OCTET_STRING *data = ASN1_OCTET_STRING_new();
	X509_EXTENSION *ext;
	size_t len = 0;

	must(EVP_Q_digest(NULL, "SHA256", NULL, key_authorization,
	    strlen(key_authorization), hash, &len) == 1 && len == HASH_LEN);
	value[0] = V_ASN1_OCTET_STRING;
	value[1] = HASH_LEN;
	memcpy(value + 2, hash, HASH_LEN);
	must(oid != NULL && data != NULL &&
	    ASN1_OCTET_STRING_set(data, value, sizeof(value)) == 1);
	ext = X509_EXTENSION_create_by_OBJ(NULL, oid, 1, data);
	must(ext != NULL && X509_add_ext(x, ext, -1) == 1);
	X509_EXTENSION_free(ext);
	ASN1_OCTET_STRING_free(data);
	ASN1_OBJECT_free(oid);
}

X509 *
tls_alpn_cert(EVP_PKEY *key, const char *name, const char *key_authorization)
{
	X509 *x = X509_new();
	X509_NAME *subject;

	must(x != NULL && X509_set_version(x, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(x), 1) == 1 &&
	    X509_gmtime_adj(X509_getm_notBefore(x), -DAY_S) != NULL &&
	    X509_gmtime_adj(X509_getm_notAfter(x), DAY_S) != NULL &&
	    X509_set_pubkey(x, key) == 1);
	/* No name of ours is in it: only the SAN counts. */
	subject = X509_get_subject_name(x);
	must(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	    (const unsigned char *)"ACME challenge", -1, -1, 0) == 1 &&
	    X509_set_issuer_name(x, subject) == 1);
	add_name(x, name);
	add_identifier(x, key_authorization);
	must(X509_sign(x, key, EVP_sha256()) > 0);
	ERR_clear_error();
	return x;
}

void
tls_alpn_id(const char *key_authorization, char out[TLS_ALPN_ID_SIZE])
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	size_t len = 0;

	must(EVP_Q_digest(NULL, "SHA256", NULL, key_authorization,
	    strlen(key_authorization), hash, &len) == 1 && len == HASH_LEN);
	(void)text_hex(hash, len, out);
}

void
tls_alpn_cert_id(X509 *x, char out[TLS_ALPN_ID_SIZE])
{
	ASN1_OBJECT *oid = OBJ_txt2obj(ACME_IDENTIFIER, 1);
	const ASN1_OCTET_STRING *data;
	int at;

	must(oid != NULL);
	out[0] = '\0';
	at = X509_get_ext_by_OBJ(x, oid, -1);
	ASN1_OBJECT_free(oid);
	if (at == -1)
		return;
	data = X509_EXTENSION_get_data(X509_get_ext(x, at));
	if (ASN1_STRING_length(data) == 2 + HASH_LEN &&
	    ASN1_STRING_get0_data(data)[0] == V_ASN1_OCTET_STRING &&
	    ASN1_STRING_get0_data(data)[1] == HASH_LEN)
		(void)text_hex(ASN1_STRING_get0_data(data) + 2, HASH_LEN, out);
}

void
tls_alpn_sni(const char *name, char out[DNAME_SIZE])
{
	unsigned char p[16];
	size_t len = address_bytes(name, p), used = 0;

	if (len == 4) {
		(void)text_printf(out, DNAME_SIZE,
		    "%d.%d.%d.%d.in-addr.arpa", p[3], p[2], p[1], p[0]);
		return;
	}
	if (len == 0) {
		(void)text_printf(out, DNAME_SIZE, "%s", name);
		return;
	}
	for (size_t i = 16; i-- > 0; used += 4)
		(void)text_printf(out + used, DNAME_SIZE - used, "%x.%x.",
		    p[i] & 15u, p[i] >> 4);
	(void)text_printf(out + used, DNAME_SIZE - used, "ip6.arpa");
}
