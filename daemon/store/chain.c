/* SPDX-License-Identifier: MIT */
#include "daemon/store/chain.h"

#include <fcntl.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "common/error.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/keys.h"

static const char begin_cert[] = "-----BEGIN CERTIFICATE-----";
static const char end_cert[] = "-----END CERTIFICATE-----";

static int
syntax_error(struct error *err, const char *what)
{
	ERR_clear_error();
	return error_set(err, ERR_REJECTED, "cert:syntax",
	    "certificate chain: %s", what);
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* Where the next block begins, whatever it is; end if there is none. */
static const char *
next_block(const char *p, const char *end)
{
	static const char begin[] = "-----BEGIN ";
	const char *block = memmem(p, (size_t)(end - p), begin,
	    sizeof(begin) - 1);

	return block != NULL ? block : end;
}

static bool
starts_with(const char *p, const char *end, const char *word)
{
	size_t len = strlen(word);

	return (size_t)(end - p) >= len && memcmp(p, word, len) == 0;
}

static bool
is_base64(char c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	    (c >= '0' && c <= '9') || c == '+' || c == '/';
}

/* base64 between the two lines -> DER; NULL if it is not; *der_len bytes. */
static unsigned char *
decode_body(const char *p, const char *end, size_t *der_len)
{
	unsigned char *text = xmalloc((size_t)(end - p) + 1), *der;
	size_t n = 0, pad = 0;
	int len;

	for (; p < end; p++) {
		if (is_space(*p))
			continue;
		if (*p == '=')
			pad++;
		else if (pad > 0 || !is_base64(*p))
			break;		/* padding ends it */
		text[n++] = (unsigned char)*p;
	}
	der = xmalloc(n / 4 * 3 + 4);
	len = p < end || pad > 2 || n == 0 || n % 4 != 0 ? -1 :
	    EVP_DecodeBlock(der, text, (int)n);
	free(text);
	if (len <= (int)pad) {
		free(der);
		return NULL;
	}
	*der_len = (size_t)len - pad;
	return der;
}

/* One block at *p, which moves behind it. */
static X509 *
parse_block(const char **p, const char *end, struct error *err)
{
	const char *body = *p + sizeof(begin_cert) - 1, *stop;
	const unsigned char *q;
	unsigned char *der;
	size_t len;
	X509 *x;

	if (!starts_with(*p, end, begin_cert)) {
		(void)syntax_error(err, *p < end ?
		    "a block that is no certificate" :
		    "there is no certificate in it");
		return NULL;
	}
	stop = memmem(body, (size_t)(end - body), end_cert,
	    sizeof(end_cert) - 1);
	if (stop == NULL) {
		(void)syntax_error(err, "cut off");
		return NULL;
	}
	der = decode_body(body, stop, &len);
	if (der == NULL) {
		(void)syntax_error(err, "a block that is not base64");
		return NULL;
	}
	q = der;
	x = d2i_X509(NULL, &q, (long)len);
	if (x != NULL && q != der + len) {
		X509_free(x);
		x = NULL;
	}
	free(der);
	if (x == NULL)
		(void)syntax_error(err, "a block that is not X.509");
	*p = stop + sizeof(end_cert) - 1;
	return x;
}

int
chain_parse(const char *pem, size_t len, struct chain *chain,
    struct error *err)
{
	const char *end = pem + len, *p;

	chain->n = 0;
	if (len > CHAIN_PEM_MAX)
		return syntax_error(err, "longer than 256 KiB");
	for (p = next_block(pem, end); p < end; p = next_block(p, end)) {
		X509 *x = NULL;

		if (chain->n == CHAIN_MAX)
			(void)syntax_error(err, "more than 10 certificates");
		else
			x = parse_block(&p, end, err);
		if (x == NULL) {
			chain_clear(chain);
			return -1;
		}
		chain->certs[chain->n++] = x;
	}
	if (chain->n == 0)
		return syntax_error(err, "there is no certificate in it");
	return 0;
}

void
chain_clear(struct chain *chain)
{
	for (size_t i = 0; i < chain->n; i++)
		X509_free(chain->certs[i]);
	chain->n = 0;
}

char *
chain_to_pem(const struct chain *chain, size_t from, size_t to)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *pem;
	long len;

	if (bio == NULL)
		abort();
	for (size_t i = from; i < to; i++) {
		if (PEM_write_bio_X509(bio, chain->certs[i]) != 1)
			abort();	/* memory: nothing else can fail */
	}
	len = BIO_get_mem_data(bio, &data);
	pem = xstrndup(len > 0 ? data : "", (size_t)len);
	BIO_free(bio);
	return pem;
}

int
cert_info_read(const char *pem, size_t len, struct cert_info *info,
    struct error *err)
{
	const char *end = pem + len, *p;
	X509 *x;
	int rc;

	if (len > CHAIN_PEM_MAX)
		return syntax_error(err, "longer than 256 KiB");
	p = next_block(pem, end);
	x = parse_block(&p, end, err);
	if (x == NULL)
		return -1;
	rc = cert_info_fill(x, info, err);
	X509_free(x);
	return rc;
}

static bool
issuer_is(const X509 *x, const char *cn)
{
	const X509_NAME *name = X509_get_issuer_name(x);
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1), len;
	unsigned char *text;
	bool same;

	if (i == -1)
		return false;
	len = ASN1_STRING_to_UTF8(&text,
	    X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
	if (len < 0) {
		ERR_clear_error();
		return false;
	}
	same = (size_t)len == strlen(cn) &&
	    strncasecmp((char *)text, cn, (size_t)len) == 0;
	OPENSSL_free(text);
	return same;
}

/* The issuers: the subjects of all but the leaf, and the last one's issuer. */
bool
chain_is_preferred(const char *pem, size_t len, const char *preferred)
{
	struct chain chain;
	struct error err;
	bool found = false;

	if (chain_parse(pem, len, &chain, &err) == -1)
		return false;
	for (size_t i = 0; i < chain.n; i++)
		found = found || issuer_is(chain.certs[i], preferred);
	chain_clear(&chain);
	return found;
}

int
chain_check_key(const struct chain *chain, const EVP_PKEY *key,
    struct error *err)
{
	int ok = X509_check_private_key(chain->certs[0], key);

	ERR_clear_error();
	if (ok == 1)
		return 0;
	return error_set(err, ERR_INTERNAL, "store:mismatch",
	    "private key and certificate do not belong together");
}

bool
chain_is_for(const char *pem, size_t len, const EVP_PKEY *key)
{
	struct error ignored;
	struct chain chain;
	bool is;

	if (chain_parse(pem, len, &chain, &ignored) == -1)
		return false;
	is = chain_check_key(&chain, key, &ignored) == 0;
	chain_clear(&chain);
	return is;
}

static EVP_PKEY *
read_key(const char *path, struct error *err)
{
	EVP_PKEY *key;
	char *pem;
	size_t len;

	if (file_read(AT_FDCWD, path, CHAIN_PEM_MAX, &pem, &len, err) == -1)
		return NULL;
	key = key_from_pem(pem, err);
	freezero(pem, len);
	if (key == NULL)
		(void)error_wrap(err, "%s", path);
	return key;
}

int
key_files_check(const char *cert, const char *key, struct error *err)
{
	EVP_PKEY *pkey = read_key(key, err);
	struct chain chain;
	char *pem = NULL;
	size_t len;
	int rc = pkey == NULL ? -1 : file_read(AT_FDCWD, cert, CHAIN_PEM_MAX,
	    &pem, &len, err);

	if (rc == 0) {
		rc = chain_parse(pem, len, &chain, err);
		if (rc == -1)
			(void)error_wrap(err, "%s", cert);
	}
	if (pem != NULL && rc == 0) {
		rc = chain_check_key(&chain, pkey, err);
		if (rc == -1)
			(void)error_wrap(err, "%s, %s", cert, key);
		chain_clear(&chain);
	}
	free(pem);
	EVP_PKEY_free(pkey);
	return rc;
}
