/* SPDX-License-Identifier: MIT */
#include "daemon/io/tls_cert.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/names.h"
#include "common/text.h"

#define STORE_KEPT_MS 60000
#define STRONG_BITS 112

/* Text of the first entry with this nid; false if there is none. */
static bool
entry_text(const X509_NAME *name, int nid, char *out, size_t size)
{
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

static bool
first_name(X509 *x, char *out, size_t size)
{
	GENERAL_NAMES *san = X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
	    NULL);
	bool found = false;

	for (int i = 0; !found && i < sk_GENERAL_NAME_num(san); i++) {
		int type;
		const ASN1_STRING *s = GENERAL_NAME_get0_value(
		    sk_GENERAL_NAME_value(san, i), &type);
		char address[DNAME_SIZE];

		if (type == GEN_IPADD && address_of_bytes(
		    ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s),
		    address) != NULL) {
			(void)text_printf(out, size, "%s", address);
			found = true;
		}
		if (type != GEN_DNS || ASN1_STRING_length(s) < 1)
			continue;
		(void)text_printf(out, size, "%.*s", ASN1_STRING_length(s),
		    (const char *)ASN1_STRING_get0_data(s));
		text_clean(out);
		found = true;
	}
	GENERAL_NAMES_free(san);
	return found;
}

/* Less than 112 bits are not believed by browsers any more. */
static void
read_strength(X509 *x, struct tls_reply *r)
{
	EVP_PKEY *key = X509_get0_pubkey(x);
	int md = NID_undef, bits = 0;

	if (key == NULL)
		return;
	(void)text_printf(r->key, sizeof(r->key), "%s %d",
	    EVP_PKEY_get0_type_name(key), EVP_PKEY_get_bits(key));
	if (EVP_PKEY_get_security_bits(key) < STRONG_BITS)
		(void)text_printf(r->weak, sizeof(r->weak), "its key is %s",
		    r->key);
	else if (X509_get_signature_info(x, &md, NULL, &bits, NULL) == 1 &&
	    bits < STRONG_BITS)
		(void)text_printf(r->weak, sizeof(r->weak), "it is signed "
		    "with %s", OBJ_nid2ln(md));
}

void
tls_cert_read(X509 *x, const char *name, struct tls_reply *r)
{
	const ASN1_INTEGER *serial = X509_get0_serialNumber(x);
	const X509_NAME *issuer = X509_get_issuer_name(x);
	size_t serial_len = (size_t)ASN1_STRING_length(serial);
	unsigned char md[EVP_MAX_MD_SIZE];
	unsigned md_len = 0;
	struct tm tm;

	memset(r, 0, sizeof(*r));
	if (serial_len > (sizeof(r->serial) - 1) / 2)
		serial_len = (sizeof(r->serial) - 1) / 2;
	if (X509_digest(x, EVP_sha256(), md, &md_len) != 1)
		md_len = 0;
	(void)text_hex(md, md_len, r->sha256);
	(void)text_hex(ASN1_STRING_get0_data(serial), serial_len, r->serial);
	if (!entry_text(issuer, NID_commonName, r->issuer, sizeof(r->issuer)))
		(void)entry_text(issuer, NID_organizationName, r->issuer,
		    sizeof(r->issuer));
	if (!first_name(x, r->name, sizeof(r->name)))
		(void)entry_text(X509_get_subject_name(x), NID_commonName,
		    r->name, sizeof(r->name));
	if (ASN1_TIME_to_tm(X509_get0_notBefore(x), &tm) == 1)
		r->not_before = timegm(&tm);
	if (ASN1_TIME_to_tm(X509_get0_notAfter(x), &tm) == 1)
		r->not_after = timegm(&tm);
	tls_alpn_cert_id(x, r->acme_id);
	read_strength(x, r);
	r->is_for_name = name == NULL || (name_is_address(name) ?
	    X509_check_ip_asc(x, name, 0) :
	    X509_check_host(x, name, 0, 0, NULL)) == 1;
	ERR_clear_error();
}

static STACK_OF(X509) *
read_chain(const char *pem, size_t len)
{
	STACK_OF(X509) *chain = sk_X509_new_null();
	BIO *bio = BIO_new_mem_buf(pem, (int)len);
	X509 *x;

	if (chain == NULL || bio == NULL)
		abort();	/* memory */
	while ((x = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		if (sk_X509_push(chain, x) < 1)
			abort();
	}
	BIO_free(bio);
	return chain;
}

X509_STORE *
tls_system_store(void)
{
	static X509_STORE *store;
	static int64_t read_ms;
	int64_t now = clock_mono_ms();

	if (store == NULL || now - read_ms >= STORE_KEPT_MS) {
		X509_STORE_free(store);
		store = X509_STORE_new();
		if (store == NULL)
			abort();	/* memory */
		(void)X509_STORE_set_default_paths(store);
		read_ms = now;
	}
	if (X509_STORE_up_ref(store) != 1)
		abort();
	return store;
}

/* A reference of the caller's; NULL: the file has none. */
static X509_STORE *
store_of_file(const char *ca_file, struct error *err)
{
	X509_STORE *store = X509_STORE_new();

	if (store == NULL)
		abort();	/* memory */
	if (X509_STORE_load_file(store, ca_file) == 1)
		return store;
	X509_STORE_free(store);
	ERR_clear_error();
	(void)error_set(err, ERR_CONFIG, "tls:ca", "ca_file %s has no "
	    "certificate that can be read", ca_file);
	return NULL;
}

/* X509_V_OK, or why not. */
static int
verify(STACK_OF(X509) *chain, X509_STORE *store, bool is_own)
{
	X509_STORE_CTX *ctx = X509_STORE_CTX_new();
	int why = X509_V_ERR_UNSPECIFIED;

	if (ctx == NULL)
		abort();	/* memory */
	if (sk_X509_num(chain) > 0 && X509_STORE_CTX_init(ctx, store,
	    sk_X509_value(chain, 0), chain) == 1) {
		X509_STORE_CTX_set_time(ctx, 0, clock_now());
		if (is_own)
			X509_STORE_CTX_set_flags(ctx,
			    X509_V_FLAG_PARTIAL_CHAIN);
		(void)X509_verify_cert(ctx);
		why = X509_STORE_CTX_get_error(ctx);
	}
	X509_STORE_CTX_free(ctx);
	return why;
}

int
tls_cert_read_pem(const char *pem, size_t len, const char *ca_file,
    struct tls_reply *r, struct error *err)
{
	STACK_OF(X509) *chain = read_chain(pem, len);
	X509_STORE *store = NULL;
	int rc = -1, why;

	if (sk_X509_num(chain) == 0)
		(void)error_set(err, ERR_CONFIG, "tls:pem", "there is no "
		    "certificate in it that can be read");
	else
		store = ca_file != NULL ? store_of_file(ca_file, err) :
		    tls_system_store();
	if (store != NULL) {
		tls_cert_read(sk_X509_value(chain, 0), NULL, r);
		why = verify(chain, store, ca_file != NULL);
		r->is_trusted = why == X509_V_OK;
		(void)text_printf(r->why_not, sizeof(r->why_not), "%s",
		    r->is_trusted ? "" : X509_verify_cert_error_string(why));
		rc = 0;
	}
	X509_STORE_free(store);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return rc;
}

bool
tls_is_trusted_here(const char *pem, size_t len)
{
	STACK_OF(X509) *chain = read_chain(pem, len);
	X509_STORE *store = tls_system_store();
	bool trusted = verify(chain, store, false) == X509_V_OK;

	X509_STORE_free(store);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return trusted;
}
