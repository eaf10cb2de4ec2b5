/* SPDX-License-Identifier: MIT */
/* Requests that others have made: what is taken, and what is not. */
#include "tests/unit/unit.h"

#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/csr.h"

/* A request in DER; cn, san: NULL for none. */
static char *
make(EVP_PKEY *key, const char *cn, const char *san, size_t *len)
{
	X509_REQ *req = X509_REQ_new();
	STACK_OF(X509_EXTENSION) *exts = sk_X509_EXTENSION_new_null();
	unsigned char *der = NULL;
	char *out;
	int n;

	assert_int_equal(X509_REQ_set_pubkey(req, key), 1);
	if (cn != NULL)
		assert_int_equal(X509_NAME_add_entry_by_txt(
		    X509_REQ_get_subject_name(req), "CN", MBSTRING_UTF8,
		    (const unsigned char *)cn, -1, -1, 0), 1);
	if (san != NULL) {
		X509_EXTENSION *ext = X509V3_EXT_conf_nid(NULL, NULL,
		    NID_subject_alt_name, san);

		assert_non_null(ext);
		sk_X509_EXTENSION_push(exts, ext);
		assert_int_equal(X509_REQ_add_extensions(req, exts), 1);
	}
	sk_X509_EXTENSION_pop_free(exts, X509_EXTENSION_free);
	assert_true(X509_REQ_sign(req, key, EVP_PKEY_is_a(key, "ED25519") ?
	    NULL : EVP_sha256()) > 0);
	n = i2d_X509_REQ(req, &der);
	assert_true(n > 0);
	out = xmemdup(der, (size_t)n);
	*len = (size_t)n;
	OPENSSL_free(der);
	X509_REQ_free(req);
	return out;
}

static EVP_PKEY *
key_of(const char *kind)
{
	if (strcmp(kind, "ed25519") == 0)
		return EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	if (strncmp(kind, "rsa", 3) == 0)
		return EVP_RSA_gen((unsigned)strtoul(kind + 3, NULL, 10));
	return EVP_EC_gen(kind);
}

static void
test_parse(void **state)
{
	static const struct {
		const char *kind, *cn, *san;
		const char *want;	/* names, or what the error has */
		const char *code;	/* NULL: it is good */
	} cases[] = {
		{ "P-256", NULL, "DNS:B.example,DNS:*.a.example",
		    "b.example *.a.example ", NULL },
		{ "rsa2048", "c.example", "DNS:a.example,DNS:C.example",
		    "c.example a.example ", NULL },
		{ "rsa2560", "a.example", NULL, "a.example ", NULL },
		{ "P-521", "b\xc3\xbc" "cher.example", NULL,
		    "xn--bcher-kva.example ", NULL },
		{ "ed25519", NULL, "IP:192.0.2.7,IP:2001:db8::7",
		    "192.0.2.7 2001:db8::7 ", NULL },
		{ "rsa1024", "a.example", NULL, "has 1024 bits; allowed: 2048",
		    "csr:key" },
		{ "secp256k1", "a.example", NULL, "of a kind", "csr:key" },
		{ "P-256", "My server", "DNS:a.example", "\"My server\"",
		    "csr:names" },
		{ "P-256", NULL, NULL, "for no name", "csr:names" },
		{ "P-256", NULL, "DNS:a.example,email:me@a.example",
		    "neither a DNS name nor an address", "csr:names" },
		{ "P-256", NULL, "DNS:a_b.*.example", "a_b.*.example",
		    "csr:names" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		EVP_PKEY *key = key_of(cases[i].kind);
		struct error err;
		struct csr csr;
		size_t len;
		char *der = make(key, cases[i].cn, cases[i].san, &len), *pem;
		char names[200] = "";
		size_t used = 0;
		int rc = csr_parse(der, len, &csr, &err);

		if (cases[i].code != NULL) {
			assert_int_equal(rc, -1);
			assert_string_equal(err.code, cases[i].code);
			assert_int_equal(err.kind, ERR_CONFIG);
			if (strstr(err.msg, cases[i].want) == NULL)
				fail_msg("%zu: %s", i, err.msg);
			assert_null(csr.key);
		} else {
			if (rc == -1)
				fail_msg("%zu: %s", i, err.msg);
			for (char **n = csr.names; *n != NULL; n++) {
				(void)text_printf(names + used,
				    sizeof(names) - used, "%s ", *n);
				used = strlen(names);
			}
			assert_string_equal(names, cases[i].want);
			assert_int_equal(EVP_PKEY_eq(csr.key, key), 1);
			assert_int_equal(csr.der_len, len);
			assert_memory_equal(csr.der, der, len);
			pem = csr_to_pem(&csr);
			csr_clear(&csr);
			assert_int_equal(csr_parse(pem, strlen(pem), &csr,
			    &err), 0);
			free(pem);
		}
		csr_clear(&csr);
		free(der);
		EVP_PKEY_free(key);
	}
}

/* Signed again it is the same request; all else makes another. */
static void
test_hash(void **state)
{
	EVP_PKEY *key = key_of("P-256"), *other = key_of("P-256");
	const struct { EVP_PKEY *key; const char *san; } all[] = {
		{ key, "DNS:a.example" }, { key, "DNS:a.example" },
		{ key, "DNS:b.example" }, { other, "DNS:a.example" },
	};
	char hash[N_ELEMENTS(all)][CSR_HASH_SIZE];

	for (size_t i = 0; i < N_ELEMENTS(all); i++) {
		struct error err;
		struct csr csr;
		size_t len;
		char *der = make(all[i].key, NULL, all[i].san, &len);

		assert_int_equal(csr_parse(der, len, &csr, &err), 0);
		memcpy(hash[i], csr.hash, sizeof(hash[i]));
		csr_clear(&csr);
		free(der);
	}
	assert_string_equal(hash[0], hash[1]);
	assert_string_not_equal(hash[0], hash[2]);
	assert_string_not_equal(hash[0], hash[3]);
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
}

/* Whatever byte is another, and wherever it ends: no request, or not signed. */
static void
test_damaged(void **state)
{
	EVP_PKEY *key = key_of("P-256");
	struct error err;
	struct csr csr;
	size_t len;
	char *der = make(key, "a.example", "DNS:a.example", &len);
	char *longer = xmalloc(len + 1);

	for (size_t i = 0; i < len; i++) {
		der[i] ^= 1;
		assert_int_equal(csr_parse(der, len, &csr, &err), -1);
		der[i] ^= 1;
		assert_int_equal(csr_parse(der, i, &csr, &err), -1);
		assert_string_equal(err.code, "csr:syntax");
	}
	memcpy(longer, der, len);
	longer[len] = '\n';
	assert_int_equal(csr_parse(longer, len + 1, &csr, &err), -1);
	assert_int_equal(csr_parse(der, len, &csr, &err), 0);
	csr_clear(&csr);
	free(longer);
	free(der);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parse),
		cmocka_unit_test(test_hash),
		cmocka_unit_test(test_damaged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
