/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/store/keys.h"
#include "tests/unit/pki.h"

#define DAY 86400

static const char *const names[] = { "example.test", "*.example.test", NULL };

/* Root, intermediate and their keys; the leaf's key. */
static struct {
	EVP_PKEY	*root_key, *inter_key, *key;
	X509		*root, *inter;
} pki;

static int
set_up(void **state)
{
	pki.root_key = pki_key();
	pki.inter_key = pki_key();
	pki.key = pki_key();
	pki.root = pki_cert(&(struct pki_args){ .cn = "Test Root X1",
	    .key = pki.root_key });
	pki.inter = pki_cert(&(struct pki_args){ .cn = "Test Inter R3",
	    .key = pki.inter_key, .issuer = pki.root,
	    .issuer_key = pki.root_key });
	return 0;
}

/* What chain_fit() makes of these: so many certificates, leaf first. */
static void
fits(X509 *const *certs, size_t n, const char *const *want, size_t n_want,
    size_t n_fit, const char *extra)
{
	char *pem = pki_pem(certs, n);
	struct chain_fit fit;
	struct error err;
	size_t found = 0;

	if (chain_fit(pem, strlen(pem), pki.key, want, n_want, &fit,
	    &err) == -1)
		fail_msg("%s", err.msg);
	for (const char *p = fit.pem; (p = strstr(p, "BEGIN")) != NULL; p++)
		found++;
	assert_int_equal(found, n_fit);
	assert_string_equal(fit.extra, extra);
	if (extra[0] == '\0')
		assert_int_equal(chain_verify(fit.pem, strlen(fit.pem),
		    pki.key, want, n_want, &err), 0);
	free(fit.pem);
	free(pem);
}

static void
unfit(X509 *const *certs, size_t n, const char *const *want, size_t n_want,
    const char *code)
{
	char *pem = pki_pem(certs, n);
	struct chain_fit fit;
	struct error err;

	assert_int_equal(chain_fit(pem, strlen(pem), pki.key, want, n_want,
	    &fit, &err), -1);
	assert_string_equal(err.code, code);
	assert_int_equal(err.kind, ERR_REJECTED);
	free(pem);
}

static int
tear_down(void **state)
{
	EVP_PKEY_free(pki.root_key);
	EVP_PKEY_free(pki.inter_key);
	EVP_PKEY_free(pki.key);
	X509_free(pki.root);
	X509_free(pki.inter);
	return 0;
}

static X509 *
leaf(struct pki_args a)
{
	if (a.key == NULL)
		a.key = pki.key;
	if (a.names == NULL)
		a.names = names;
	a.issuer = pki.inter;
	a.issuer_key = pki.inter_key;
	return pki_cert(&a);
}

/* PEM of a leaf alone, freed by the caller. */
static char *
leaf_pem(struct pki_args a)
{
	X509 *x = leaf(a);
	char *pem = pki_pem(&x, 1);

	X509_free(x);
	return pem;
}

static void
test_info(void **state)
{
	char *pem = leaf_pem((struct pki_args){ .serial = "03AF00FF",
	    .not_before = 1700000000, .not_after = 4102444800,
	    .names = (const char *const []){ "B.Example.TEST", "a.test",
	    NULL } });
	struct cert_info info;
	struct error err;

	assert_int_equal(cert_info_read(pem, strlen(pem), &info, &err), 0);
	assert_string_equal(info.serial, "03af00ff");
	assert_string_equal(info.issuer, "Test Inter R3");
	assert_int_equal(info.not_before, 1700000000);
	assert_int_equal(info.not_after, 4102444800);
	assert_int_equal(info.key, KEY_EC256);
	assert_string_equal(info.names[0], "b.example.test");
	assert_string_equal(info.names[1], "a.test");
	assert_null(info.names[2]);
	assert_string_equal(info.ari_id, "");
	assert_int_equal(strlen(info.sha256), 64);
	cert_info_clear(&info);
	free(pem);
}

/* RFC 9773 section 4.1: its example, and what the sign bit does. */
static void
test_ari_id(void **state)
{
	static const char aki[] = "69885B6B87464041E1B37B847BA0AE2CDE01C8D4";
	static const struct { const char *serial, *id; } cases[] = {
		{ "87654321", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" },
		{ "07654321", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.B2VDIQ" },
		{ "00", "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AA" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *pem = leaf_pem((struct pki_args){ .aki = aki,
		    .serial = cases[i].serial });
		struct cert_info info;
		struct error err;

		assert_int_equal(cert_info_read(pem, strlen(pem), &info,
		    &err), 0);
		assert_string_equal(info.ari_id, cases[i].id);
		cert_info_clear(&info);
		free(pem);
	}
}

static void
test_info_refused(void **state)
{
	static const char *const spaced[] = { "a b.test", NULL };
	char label[300] = "";
	const char *const longname[] = { label, NULL };
	const struct pki_args cases[] = {
		{ .nul_name = "example.test" },
		{ .names = spaced },
		{ .names = longname },
		{ .serial = "-05" },
		{ .serial = "010203040506070809101112131415161718192021" },
	};

	memset(label, 'a', sizeof(label) - 1);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *pem = leaf_pem(cases[i]);
		struct cert_info info;
		struct error err;

		if (cert_info_read(pem, strlen(pem), &info, &err) != -1)
			fail_msg("case %zu passed", i);
		assert_int_equal(err.kind, ERR_REJECTED);
		assert_string_equal(err.code, "cert:syntax");
		free(pem);
	}
}

/* RFC 8738: an address serves itself, and one that nobody asked for is no
 * small matter. */
static void
test_addresses(void **state)
{
	static const char *const want[] = { "example.test", "127.0.0.1" },
	    *const other[] = { "example.test", "127.0.0.2" };
	X509 *x = leaf((struct pki_args){ .ip = true });
	char *pem = pki_pem(&x, 1);
	struct cert_info info;
	struct chain_fit fit;
	struct error err;

	assert_int_equal(cert_info_read(pem, strlen(pem), &info, &err), 0);
	assert_string_equal(info.names[2], "127.0.0.1");
	assert_true(cert_info_serves(&info, want, 2));
	assert_false(cert_info_serves(&info, other, 2));
	cert_info_clear(&info);
	assert_int_equal(chain_fit(pem, strlen(pem), pki.key, want, 1, &fit,
	    &err), -1);
	assert_string_equal(err.code, "cert:names");
	assert_non_null(strstr(err.msg, "127.0.0.1 was not asked for"));
	X509_free(x);
	free(pem);
}

/* What chain_verify() says of these certificates and names. */
static void
expect(X509 *const *certs, size_t n, EVP_PKEY *key, const char *const *want,
    size_t n_want, const char *code)
{
	char *pem = pki_pem(certs, n);
	struct error err = { .code = "" };
	int rc = chain_verify(pem, strlen(pem), key, want, n_want, &err);

	if (rc != (code[0] == '\0' ? 0 : -1))
		fail_msg("%s", rc == 0 ? "passed" : err.msg);
	assert_string_equal(err.code, code);
	if (rc == -1)
		assert_int_equal(err.kind, ERR_REJECTED);
	free(pem);
}

static void
test_verify(void **state)
{
	static const char *const upper[] = { "*.EXAMPLE.test",
	    "Example.Test" };
	static const char *const more[] = { "example.test",
	    "*.example.test", "www.test" };
	EVP_PKEY *other = pki_key();
	X509 *x = leaf((struct pki_args){ .serial = "02" });
	X509 *good[] = { x, pki.inter, pki.root };
	X509 *reversed[] = { pki.inter, x };
	X509 *gap[] = { x, pki.root };
	X509 *many[11];

	expect(good, 3, pki.key, names, 2, "");
	expect(good, 2, pki.key, names, 2, "");
	expect(good, 1, pki.key, names, 2, "");
	expect(good, 3, pki.key, upper, 2, "");
	expect(good, 3, other, names, 2, "cert:key");
	expect(good, 3, pki.key, more, 3, "cert:names");
	expect(good, 3, pki.key, names, 1, "cert:names");
	expect(reversed, 2, pki.key, names, 2, "cert:key");
	expect(gap, 2, pki.key, names, 2, "cert:chain");
	for (size_t i = 0; i < 11; i++)
		many[i] = pki.root;
	expect(many, 11, pki.root_key, NULL, 0, "cert:syntax");
	expect(many, 10, pki.root_key, NULL, 0, "");
	X509_free(x);
	EVP_PKEY_free(other);
}

/* The right name on the issuer is not enough. */
static void
test_verify_forged(void **state)
{
	X509 *forged = pki_cert(&(struct pki_args){ .names = names,
	    .key = pki.key, .issuer = pki.inter, .issuer_key = pki.root_key });
	X509 *chain[] = { forged, pki.inter, pki.root };

	expect(chain, 3, pki.key, names, 2, "cert:chain");
	X509_free(forged);
}

static void
test_fit_order(void **state)
{
	X509 *x = leaf((struct pki_args){ .serial = "06" });
	X509 *other = pki_cert(&(struct pki_args){ .cn = "Other",
	    .key = pki.root_key });
	X509 *good[] = { x, pki.inter, pki.root };
	X509 *reversed[] = { pki.root, pki.inter, x };
	X509 *mixed[] = { pki.inter, other, x, x, pki.root };
	X509 *alone[] = { x };
	X509 *gap[] = { x, pki.root };
	X509 *none[] = { pki.inter, pki.root };

	fits(good, 3, names, 2, 3, "");
	fits(reversed, 3, names, 2, 3, "");
	fits(mixed, 5, names, 2, 3, "");
	fits(alone, 1, names, 2, 1, "");
	unfit(gap, 2, names, 2, "cert:chain");
	unfit(none, 2, names, 2, "cert:key");
	X509_free(other);
	X509_free(x);
}

static void
test_fit_names(void **state)
{
	static const char *const covered[] = { "www.EXAMPLE.test" };
	static const char *const deep[] = { "a.b.example.test" };
	static const char *const wild[] = { "*.example.test", "*.b.test" };
	X509 *x = leaf((struct pki_args){ .serial = "07" });

	fits(&x, 1, names, 1, 1, "*.example.test");
	fits(&x, 1, covered, 1, 1, "example.test, *.example.test");
	unfit(&x, 1, deep, 1, "cert:names");
	unfit(&x, 1, wild, 2, "cert:names");
	X509_free(x);
}

/* It may be our clock: the end of it is told all the same. */
static void
test_fit_dates(void **state)
{
	X509 *x = leaf((struct pki_args){ .not_before = 1800000000,
	    .not_after = 1900000000 });
	char *pem = pki_pem(&x, 1);
	struct chain_fit fit;
	struct error err;

	clock_test_set(1700000000);
	assert_int_equal(chain_fit(pem, strlen(pem), pki.key, names, 2, &fit,
	    &err), -1);
	assert_string_equal(err.code, "cert:not-yet");
	assert_int_equal(err.retry_at, 1800000000);
	clock_test_set(1900000000);
	assert_int_equal(chain_fit(pem, strlen(pem), pki.key, names, 2, &fit,
	    &err), -1);
	assert_string_equal(err.code, "cert:expired");
	assert_int_equal(fit.not_after, 1900000000);
	clock_test_set(0);
	free(pem);
	X509_free(x);
}

static void
test_verify_dates(void **state)
{
	const time_t now = 1800000000;
	const struct { time_t from, to; const char *code; } cases[] = {
		{ now - DAY, now + DAY, "" },
		{ now - DAY, now + 1, "" },
		{ now - DAY, now, "cert:expired" },
		{ now + 300, now + DAY, "" },
		{ now + 301, now + DAY, "cert:not-yet" },
	};

	clock_test_set(now);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		X509 *x = leaf((struct pki_args){
		    .not_before = cases[i].from, .not_after = cases[i].to });

		expect(&x, 1, pki.key, names, 2, cases[i].code);
		X509_free(x);
	}
	clock_test_set(0);
}

/* good: the text of a chain that passes. */
static void
check_text(const char *text, bool want)
{
	struct error err;
	int rc = chain_verify(text, strlen(text), pki.key, names, 2, &err);

	if ((rc == 0) != want)
		fail_msg("%s:\n%s", rc == 0 ? "passed" : err.msg, text);
	if (rc == -1)
		assert_string_equal(err.code, "cert:syntax");
}

static void
test_verify_text(void **state)
{
	static const struct { const char *before, *after; bool ok; } cases[] = {
		{ "", "", true },
		{ "\n \r\n", "\r\n\r\n\t", true },
		/* RFC 7468 section 2: what openssl prints, for one. */
		{ "", "garbage", true },
		{ "subject=CN = x\nissuer=CN = y\n\n", "", true },
		{ "", "-----BEGIN CERTIFICATE-----\n", false },
		{ "", "-----BEGIN CERTIFICATE-----\nAAAA\n"
		    "-----END CERTIFICATE-----\n", false },
		{ "", "-----BEGIN CERTIFICATE-----\n"
		    "-----END CERTIFICATE-----\n", false },
		{ "", "-----BEGIN PRIVATE KEY-----\nAAAA\n"
		    "-----END PRIVATE KEY-----\n", false },
		{ "-----BEGIN PRIVATE KEY-----\nAAAA\n"
		    "-----END PRIVATE KEY-----\n", "", false },
	};
	X509 *x = leaf((struct pki_args){ .serial = "05" });
	X509 *certs[] = { x, pki.inter };
	char *good = pki_pem(certs, 2), *cut, *stars;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *text = xasprintf("%s%s%s", cases[i].before, good,
		    cases[i].after);

		check_text(text, cases[i].ok);
		free(text);
	}
	check_text("", false);
	cut = xstrndup(good, strlen(good) - 3);
	check_text(cut, false);
	/* One character that base64 does not have, and data after "=". */
	stars = xstrdup(good);
	stars[100] = '*';
	check_text(stars, false);
	stars[100] = '=';
	check_text(stars, false);
	free(stars);
	free(cut);
	free(good);
	X509_free(x);
}

static void
test_bounds(void **state)
{
	size_t len = 256 * 1024 + 1;
	char *big = xmalloc(len + 1);
	struct cert_info info;
	struct error err;

	memset(big, '\n', len);
	big[len] = '\0';
	assert_int_equal(cert_info_read(big, len, &info, &err), -1);
	assert_int_equal(chain_verify(big, len, pki.key, names, 2, &err), -1);
	assert_int_equal(cert_info_read(big, 0, &info, &err), -1);
	free(big);
}

static void
test_preferred(void **state)
{
	X509 *x = leaf((struct pki_args){ .cn = "example.test" });
	X509 *certs[] = { x, pki.inter };
	char *pem = pki_pem(certs, 2);
	size_t len = strlen(pem);

	assert_true(chain_is_preferred(pem, len, "Test Root X1"));
	assert_true(chain_is_preferred(pem, len, "Test Inter R3"));
	assert_true(chain_is_preferred(pem, len, "test root x1"));
	assert_false(chain_is_preferred(pem, len, "Test Root"));
	assert_false(chain_is_preferred(pem, len, "example.test"));
	assert_false(chain_is_preferred("x", 1, "Test Root X1"));
	free(pem);
	X509_free(x);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_info),
		cmocka_unit_test(test_ari_id),
		cmocka_unit_test(test_info_refused),
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_verify),
		cmocka_unit_test(test_verify_forged),
		cmocka_unit_test(test_fit_order),
		cmocka_unit_test(test_fit_names),
		cmocka_unit_test(test_fit_dates),
		cmocka_unit_test(test_verify_dates),
		cmocka_unit_test(test_verify_text),
		cmocka_unit_test(test_bounds),
		cmocka_unit_test(test_preferred),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
