/* SPDX-License-Identifier: MIT */
/* cert_info - what the daemon remembers of a certificate. */
#include "daemon/store/chain.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/names.h"
#include "common/text.h"
#include "daemon/store/keys.h"

#define SERIAL_MAX 20		/* bytes, RFC 5280 section 4.1.2.2 */
#define AKI_MAX 40		/* bytes; 20 are usual */
#define SAN_MAX 1000

static int
refuse(struct error *err, const char *what)
{
	ERR_clear_error();
	return error_set(err, ERR_REJECTED, "cert:syntax", "certificate: %s",
	    what);
}

void
cert_ca_clear(struct cert_ca *ca)
{
	free(ca->directory);
	free(ca->account);
	*ca = (struct cert_ca){ .directory = NULL };
}

void
cert_info_clear(struct cert_info *info)
{
	strv_free(info->names);
	info->names = NULL;
	cert_ca_clear(&info->ca);
	if (info->second != NULL)
		cert_info_clear(info->second);
	free(info->second);
	info->second = NULL;
}

static int
read_serial(const X509 *x, struct cert_info *info, struct error *err)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	int len = ASN1_STRING_length(serial);

	if (ASN1_STRING_type(serial) != V_ASN1_INTEGER)
		return refuse(err, "its serial number is negative");
	if (len < 1 || len > SERIAL_MAX)
		return refuse(err, "its serial number has not 1 to 20 bytes");
	(void)text_hex(ASN1_STRING_get0_data(serial), (size_t)len,
	    info->serial);
	return 0;
}

/* base64url(keyIdentifier) "." base64url(content bytes of the serial's DER) */
static void
read_ari_id(X509 *x, struct cert_info *info)
{
	const ASN1_OCTET_STRING *aki = X509_get0_authority_key_id(x);
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	const unsigned char *magnitude = ASN1_STRING_get0_data(serial);
	size_t len = (size_t)ASN1_STRING_length(serial);
	unsigned char der[SERIAL_MAX + 1] = { 0 };
	/* DER puts a zero before a first bit that would mean "negative". */
	size_t pad = (magnitude[0] & 0x80) != 0;
	char *a, *b;

	info->ari_id[0] = '\0';
	if (aki == NULL || ASN1_STRING_length(aki) < 1 ||
	    ASN1_STRING_length(aki) > AKI_MAX)
		return;
	memcpy(der + pad, magnitude, len);
	a = text_b64url_encode(ASN1_STRING_get0_data(aki),
	    (size_t)ASN1_STRING_length(aki));
	b = text_b64url_encode(der, pad + len);
	(void)text_printf(info->ari_id, sizeof(info->ari_id), "%s.%s", a, b);
	free(a);
	free(b);
}

/* Text of the first entry with this nid; false if there is none. */
static bool
issuer_entry(const X509 *x, int nid, char *out, size_t size)
{
	const X509_NAME *name = X509_get_issuer_name(x);
	int i = X509_NAME_get_index_by_NID(name, nid, -1);
	unsigned char *text;

	if (i == -1 || ASN1_STRING_to_UTF8(&text,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i))) < 0)
		return false;
	(void)text_printf(out, size, "%s", (char *)text);
	text_clean(out);
	OPENSSL_free(text);
	return true;
}

static int
read_date(const ASN1_TIME *t, time_t *out)
{
	struct tm tm;

	if (ASN1_TIME_to_tm(t, &tm) != 1)
		return -1;
	*out = timegm(&tm);
	return 0;
}

/* A dNSName in lower case; NULL if it is not printable ASCII of a sane
 * length (a NUL in the middle has fooled others). */
static char *
dns_name(const ASN1_IA5STRING *s)
{
	const unsigned char *p = ASN1_STRING_get0_data(s);
	int len = ASN1_STRING_length(s);
	char *out;

	if (len < 1 || len > DNAME_MAX)
		return NULL;
	out = xmalloc((size_t)len + 1);
	for (int i = 0; i < len; i++) {
		if (p[i] <= 0x20 || p[i] >= 0x7f) {
			free(out);
			return NULL;
		}
		out[i] = (char)(p[i] >= 'A' && p[i] <= 'Z' ?
		    p[i] - 'A' + 'a' : p[i]);
	}
	out[len] = '\0';
	return out;
}

/* An iPAddress as we write it; NULL if it is none. */
static char *
ip_address(const ASN1_OCTET_STRING *s)
{
	char text[DNAME_SIZE];

	return address_of_bytes(ASN1_STRING_get0_data(s),
	    (size_t)ASN1_STRING_length(s), text) != NULL ? xstrdup(text) :
	    NULL;
}

static int
read_names(X509 *x, struct cert_info *info, struct error *err)
{
	int crit = -1, n;
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, &crit,
	    NULL);
	int rc = 0;

	if (san == NULL && crit != -1)
		return refuse(err, "its subject alternative name is "
		    "malformed");
	n = san == NULL ? 0 : sk_GENERAL_NAME_num(san);
	if (n > SAN_MAX)
		rc = refuse(err, "more than 1000 names");
	else
		info->names = xcalloc((size_t)n + 1, sizeof(*info->names));
	for (int i = 0; rc == 0 && i < n; i++) {
		int type;
		void *value = GENERAL_NAME_get0_value(
		    sk_GENERAL_NAME_value(san, i), &type);

		/* acmed asks for these only: a mail address, say, is an
		   intruder even where the names are right. */
		if (type == GEN_DNS)
			info->names[i] = dns_name(value);
		else if (type == GEN_IPADD)
			info->names[i] = ip_address(value);
		else
			rc = refuse(err, "a subject alternative name that is "
			    "neither a DNS name nor an address");
		if (rc == 0 && info->names[i] == NULL)
			rc = refuse(err, type == GEN_DNS ?
			    "a malformed DNS name" : "a malformed address");
	}
	GENERAL_NAMES_free(san);
	if (rc == -1)
		cert_info_clear(info);
	return rc;
}

int
cert_info_fill(X509 *x, struct cert_info *info, struct error *err)
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;
	EVP_PKEY *key;

	memset(info, 0, sizeof(*info));
	if (read_serial(x, info, err) == -1)
		return -1;
	if (read_date(X509_get0_notBefore(x), &info->not_before) == -1 ||
	    read_date(X509_get0_notAfter(x), &info->not_after) == -1)
		return refuse(err, "its dates are malformed");
	if (X509_digest(x, EVP_sha256(), digest, &digest_len) != 1)
		return refuse(err, "it cannot be hashed");
	(void)text_hex(digest, digest_len, info->sha256);
	if (!issuer_entry(x, NID_commonName, info->issuer,
	    sizeof(info->issuer)))
		(void)issuer_entry(x, NID_organizationName, info->issuer,
		    sizeof(info->issuer));
	key = X509_get0_pubkey(x);
	info->key = key == NULL ? KEY_TYPE_END : key_type_of(key);
	read_ari_id(x, info);
	if (read_names(x, info, err) == -1)
		return -1;
	ERR_clear_error();
	return 0;
}
