/* SPDX-License-Identifier: MIT */
/* bundle_make(): every format, read back by OpenSSL. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/bundle.h"
#include "daemon/store/keys.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

struct fixture {
	struct scratch	 scratch;
	EVP_PKEY	*key;
	X509		*leaf, *ca;
	char		*key_pem, *leaf_pem, *ca_pem, *full_pem;
};

static int
set_up(void **state)
{
	static const char *const names[] = { "example.test", NULL };
	struct fixture *f = xcalloc(1, sizeof(*f));
	EVP_PKEY *ca_key = pki_key();

	scratch_make(&f->scratch);
	f->key = pki_key();
	f->ca = pki_cert(&(struct pki_args){ .cn = "CA", .key = ca_key });
	f->leaf = pki_cert(&(struct pki_args){ .names = names, .key = f->key,
	    .issuer = f->ca, .issuer_key = ca_key });
	f->key_pem = key_to_pem(f->key);
	f->leaf_pem = pki_pem(&f->leaf, 1);
	f->ca_pem = pki_pem(&f->ca, 1);
	f->full_pem = xasprintf("%s%s", f->leaf_pem, f->ca_pem);
	scratch_write(scratch_path(&f->scratch, "privkey.pem"), f->key_pem);
	scratch_write(scratch_path(&f->scratch, "fullchain.pem"),
	    f->full_pem);
	EVP_PKEY_free(ca_key);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	scratch_remove(&f->scratch);
	EVP_PKEY_free(f->key);
	X509_free(f->leaf);
	X509_free(f->ca);
	freezero_str(f->key_pem);
	free(f->leaf_pem);
	free(f->ca_pem);
	free(f->full_pem);
	free(f);
	return 0;
}

static void
test_pem(void **state)
{
	struct fixture *f = *state;
	char *combined = xasprintf("%s%s", f->full_pem, f->key_pem);
	const struct {
		enum bundle_format format;
		const char	*want;
	} cases[] = {
		{ BUNDLE_FULLCHAIN, f->full_pem },
		{ BUNDLE_CERT, f->leaf_pem },
		{ BUNDLE_CHAIN, f->ca_pem },
		{ BUNDLE_PRIVKEY, f->key_pem },
		{ BUNDLE_COMBINED, combined },
	};
	struct error err;
	size_t len;
	char *out;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		assert_int_equal(bundle_make(f->scratch.dir, cases[i].format,
		    "n", NULL, &out, &len, &err), 0);
		assert_int_equal(len, strlen(cases[i].want));
		assert_memory_equal(out, cases[i].want, len);
		freezero(out, len);
	}
	free(combined);
}

static void
test_der(void **state)
{
	struct fixture *f = *state;
	const unsigned char *p;
	struct error err;
	size_t len;
	X509 *back;
	char *out;

	assert_int_equal(bundle_make(f->scratch.dir, BUNDLE_DER, "n", NULL,
	    &out, &len, &err), 0);
	p = (const unsigned char *)out;
	back = d2i_X509(NULL, &p, (long)len);
	assert_non_null(back);
	assert_ptr_equal(p, out + len);
	assert_int_equal(X509_cmp(back, f->leaf), 0);
	X509_free(back);
	freezero(out, len);
}

static void
test_pkcs12(void **state)
{
	struct fixture *f = *state;
	STACK_OF(X509) *rest = NULL;
	const unsigned char *p;
	X509 *leaf = NULL;
	EVP_PKEY *key = NULL;
	struct error err;
	PKCS12 *p12;
	size_t len;
	char *out;

	assert_int_equal(bundle_make(f->scratch.dir, BUNDLE_PKCS12,
	    "example.test", "s3cret", &out, &len, &err), 0);
	p = (const unsigned char *)out;
	p12 = d2i_PKCS12(NULL, &p, (long)len);
	assert_non_null(p12);
	assert_false(PKCS12_verify_mac(p12, "wrong", -1));
	assert_true(PKCS12_parse(p12, "s3cret", &key, &leaf, &rest));
	assert_int_equal(EVP_PKEY_eq(key, f->key), 1);
	assert_int_equal(X509_cmp(leaf, f->leaf), 0);
	assert_int_equal(sk_X509_num(rest), 1);
	assert_string_equal((const char *)X509_alias_get0(leaf, NULL),
	    "example.test");
	EVP_PKEY_free(key);
	X509_free(leaf);
	sk_X509_pop_free(rest, X509_free);
	PKCS12_free(p12);
	freezero(out, len);
}

/* Servers exit, or serve nothing, with a pair like that. */
static void
test_mismatch(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *other = pki_key();
	char *pem = key_to_pem(other), *out;
	struct error err;
	size_t len;

	scratch_write(scratch_path(&f->scratch, "privkey.pem"), pem);
	for (int i = 0; i < BUNDLE_FORMAT_END; i++) {
		assert_int_equal(bundle_make(f->scratch.dir,
		    (enum bundle_format)i, "n", "p", &out, &len, &err), -1);
		assert_string_equal(err.code, "store:mismatch");
	}
	freezero_str(pem);
	EVP_PKEY_free(other);
	scratch_write(scratch_path(&f->scratch, "fullchain.pem"), "garbage");
	assert_int_equal(bundle_make(f->scratch.dir, BUNDLE_CERT, "n", NULL,
	    &out, &len, &err), -1);
	assert_int_equal(remove(scratch_path(&f->scratch, "fullchain.pem")),
	    0);
	assert_int_equal(bundle_make(f->scratch.dir, BUNDLE_CERT, "n", NULL,
	    &out, &len, &err), -1);
	assert_non_null(strstr(err.msg, "fullchain.pem"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_pem, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_der, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_pkcs12, set_up,
		    tear_down),
		cmocka_unit_test_setup_teardown(test_mismatch, set_up,
		    tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
