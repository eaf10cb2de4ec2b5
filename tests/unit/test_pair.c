/* SPDX-License-Identifier: MIT */
/* Two certificates under one name: what the store makes of them. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/io/loop.h"
#include "daemon/store/keys.h"
#include "daemon/store/store.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

#define NAME "example.org"
#define N 7		/* pairs: serials 11 and 21, 12 and 22, ... */

static const char *const names[] = { NAME, NULL };

static struct {
	EVP_PKEY	*ca_key, *ec, *rsa;
	X509		*ca;
	char		*ec_pem[N], *rsa_pem[N];
} pki;

struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
};

static char *
leaf(EVP_PKEY *key, int n)
{
	char serial[8], *pem;
	X509 *x;

	(void)text_printf(serial, sizeof(serial), "%d", n);
	x = pki_cert(&(struct pki_args){ .names = names, .serial = serial,
	    .key = key, .issuer = pki.ca, .issuer_key = pki.ca_key });
	pem = pki_pem((X509 *[]){ x, pki.ca }, 2);
	X509_free(x);
	return pem;
}

static int
make_pki(void **state)
{
	struct error err;

	pki.ca_key = pki_key();
	pki.ca = pki_cert(&(struct pki_args){ .cn = "Test CA",
	    .key = pki.ca_key });
	pki.ec = pki_key();
	pki.rsa = key_generate(KEY_RSA2048, &err);
	assert_non_null(pki.rsa);
	for (int i = 0; i < N; i++) {
		pki.ec_pem[i] = leaf(pki.ec, 11 + i);
		pki.rsa_pem[i] = leaf(pki.rsa, 21 + i);
	}
	return 0;
}

static int
free_pki(void **state)
{
	for (int i = 0; i < N; i++) {
		free(pki.ec_pem[i]);
		free(pki.rsa_pem[i]);
	}
	EVP_PKEY_free(pki.ec);
	EVP_PKEY_free(pki.rsa);
	EVP_PKEY_free(pki.ca_key);
	X509_free(pki.ca);
	return 0;
}

static int
set_up(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err;

	scratch_make(&f->scratch);
	f->loop = loop_new();
	f->store = store_open(f->loop, scratch_path(&f->scratch, "."), &err);
	if (f->store == NULL)
		fail_msg("%s", err.msg);
	*state = f;
	return 0;
}

static int
tear_down(void **state)
{
	struct fixture *f = *state;

	store_close(f->store);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static struct store_part
part(const EVP_PKEY *key, const char *pem)
{
	return (struct store_part){ .key = key, .pem = pem,
	    .len = strlen(pem) };
}

static void
install(struct fixture *f, int i)
{
	const struct store_part pair[] = { part(pki.ec, pki.ec_pem[i]),
	    part(pki.rsa, pki.rsa_pem[i]) };
	char version[STORE_VERSION_SIZE];
	struct cert_info info;
	struct error err;

	if (store_stage_pair(f->store, NAME, pair, NULL, version, &info,
	    &err) == -1)
		fail_msg("%s", err.msg);
	assert_non_null(info.second);
	assert_int_equal(info.second->key, KEY_RSA2048);
	cert_info_clear(&info);
	assert_int_equal(store_promote(f->store, NAME, version, &err), 0);
}

static const char *
live(struct fixture *f, const char *file)
{
	return scratch_path(&f->scratch, "live/" NAME "/%s", file);
}

/* Both are there, whole, with these serials. */
static void
expect_live(struct fixture *f, const char *first, const char *second)
{
	struct cert_info info;
	struct error err;

	if (store_live_info(f->store, NAME, &info, &err) != 0)
		fail_msg("%s", err.msg);
	assert_string_equal(info.serial, first);
	if (second == NULL)
		assert_null(info.second);
	else
		assert_string_equal(info.second->serial, second);
	cert_info_clear(&info);
}

/* One rename switches both; what the second has lost is seen, and made again;
 * without it the version is none of a pair. */
static void
test_whole(void **state)
{
	struct fixture *f = *state;
	uint64_t stamp;
	struct cert_info info;
	struct error err;
	EVP_PKEY *key;

	install(f, 0);
	expect_live(f, "11", "21");
	assert_int_equal(scratch_mode(live(f, "rsa/privkey.pem")), 0600);
	assert_int_equal(scratch_mode(live(f, "rsa")), 0700);
	assert_int_equal(store_live_key(f->store, NAME, "rsa", &key, &err),
	    0);
	assert_int_equal(EVP_PKEY_eq(key, pki.rsa), 1);
	EVP_PKEY_free(key);
	/* Who may read is copied to its folder, too. */
	assert_int_equal(chmod(live(f, "."), 0750), 0);
	assert_int_equal(chmod(live(f, "rsa"), 0755), 0);
	assert_int_equal(chmod(live(f, "rsa/privkey.pem"), 0640), 0);
	install(f, 1);
	expect_live(f, "12", "22");
	assert_int_equal(scratch_mode(live(f, ".")), 0750);
	assert_int_equal(scratch_mode(live(f, "rsa")), 0755);
	assert_int_equal(scratch_mode(live(f, "rsa/privkey.pem")), 0640);
	assert_int_equal(scratch_mode(live(f, "privkey.pem")), 0600);
	stamp = store_live_stamp(f->store, NAME);
	assert_int_equal(unlink(live(f, "rsa/chain.pem")), 0);
	assert_true(store_live_stamp(f->store, NAME) != stamp);
	assert_int_equal(store_live_info(f->store, NAME, &info, &err), -1);
	assert_string_equal(err.code, "store:damaged");
	assert_non_null(strstr(err.msg, "rsa: chain.pem"));
	assert_int_equal(store_rebuild(f->store, NAME, &info, &err), 0);
	cert_info_clear(&info);
	expect_live(f, "12", "22");
	/* The key cannot be made again. */
	assert_int_equal(unlink(live(f, "rsa/privkey.pem")), 0);
	assert_int_equal(store_rebuild(f->store, NAME, &info, &err), -1);
	for (const char *const *p = (const char *const[]){ "cert.pem",
	    "chain.pem", "fullchain.pem", NULL }; *p != NULL; p++)
		assert_int_equal(unlink(scratch_path(&f->scratch,
		    "live/" NAME "/rsa/%s", *p)), 0);
	assert_int_equal(rmdir(live(f, "rsa")), 0);
	expect_live(f, "12", NULL);
}

/* The second goes back, is pruned, is found by its serial, and is removed with
 * the first; a version of one is not taken for that of a pair. */
static void
test_versions(void **state)
{
	struct fixture *f = *state;
	char version[STORE_VERSION_SIZE];
	struct store_version v;
	struct store_revocation keep = { .cert = NAME, .serial = "21" };
	struct cert_info info;
	struct error err;

	store_revocation_put(f->store, &keep);
	for (int i = 0; i < N; i++)
		install(f, i);
	/* 11 is kept, as its second is still to be revoked. */
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 6);
	assert_int_equal(store_version_read(f->store, NAME, "21", &v, &err),
	    0);
	assert_string_equal(v.serial, "21");
	assert_string_equal(v.other, "11");
	assert_int_equal(EVP_PKEY_eq(v.key, pki.rsa), 1);
	assert_true(v.has_key);
	store_version_clear(&v);
	/* Whose key was lost can be revoked, by the account. */
	assert_int_equal(unlink(scratch_path(&f->scratch, "archive/" NAME
	    "/11/rsa/privkey.pem")), 0);
	assert_int_equal(store_version_read(f->store, NAME, "21", &v, &err),
	    0);
	assert_int_equal(EVP_PKEY_eq(v.key, pki.rsa), 1);
	assert_false(v.has_key);
	store_version_clear(&v);
	assert_int_equal(store_version_read(f->store, NAME, "17", &v, &err),
	    0);
	assert_string_equal(v.other, "27");
	store_version_clear(&v);
	assert_int_equal(store_previous(f->store, NAME, false, version, &info,
	    &err), 0);
	assert_string_equal(info.second->serial, "26");
	cert_info_clear(&info);
	assert_int_equal(store_stage(f->store, NAME, pki.ec, NULL,
	    pki.ec_pem[6], strlen(pki.ec_pem[6]), NULL, version, &info,
	    &err), 0);
	cert_info_clear(&info);
	assert_string_equal(version, "17-2");
	assert_int_equal(store_files_delete(f->store, NAME, &err), 0);
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME), 0);
}

/* Of a client's certificate and key that were mixed up. */
static void
test_key_files(void **state)
{
	struct fixture *f = *state;
	struct error err;
	char *ec, *rsa;

	install(f, 0);
	ec = xstrdup(live(f, "privkey.pem"));
	rsa = xstrdup(live(f, "rsa/privkey.pem"));
	assert_int_equal(key_files_check(live(f, "fullchain.pem"), ec, &err),
	    0);
	assert_int_equal(key_files_check(live(f, "rsa/cert.pem"), rsa, &err),
	    0);
	assert_int_equal(key_files_check(live(f, "cert.pem"), rsa, &err), -1);
	assert_string_equal(err.code, "store:mismatch");
	assert_int_equal(key_files_check(ec, ec, &err), -1);
	assert_string_equal(err.code, "cert:syntax");
	assert_int_equal(key_files_check(live(f, "cert.pem"), live(f,
	    "cert.pem"), &err), -1);
	assert_string_equal(err.code, "key:syntax");
	free(ec);
	free(rsa);
}

/* A server that reads both would not start with the one that was before. */
static void
test_back_to_one(void **state)
{
	struct fixture *f = *state;
	char version[STORE_VERSION_SIZE];
	struct cert_info info;
	struct error err;

	assert_int_equal(store_stage(f->store, NAME, pki.ec, NULL,
	    pki.ec_pem[0], strlen(pki.ec_pem[0]), NULL, version, &info,
	    &err), 0);
	cert_info_clear(&info);
	assert_int_equal(store_promote(f->store, NAME, version, &err), 0);
	install(f, 1);
	assert_int_equal(store_previous(f->store, NAME, false, version, &info,
	    &err), -1);
	assert_string_equal(err.code, "store:no-previous");
	assert_non_null(strstr(err.msg, "no rsa/fullchain.pem"));
	assert_int_equal(store_previous(f->store, NAME, true, version, &info,
	    &err), 0);
	assert_string_equal(info.serial, "11");
	cert_info_clear(&info);
}

/* Two of one family could not be told apart; keys that are swapped are. */
static void
test_refused(void **state)
{
	struct fixture *f = *state;
	char version[STORE_VERSION_SIZE];
	const struct store_part same[] = { part(pki.ec, pki.ec_pem[0]),
	    part(pki.ec, pki.ec_pem[1]) };
	const struct store_part crossed[] = { part(pki.ec, pki.ec_pem[0]),
	    part(pki.ec, pki.rsa_pem[0]) };
	struct cert_info info;
	struct error err;

	assert_int_equal(store_stage_pair(f->store, NAME, same, NULL, version,
	    &info, &err), -1);
	assert_non_null(strstr(err.msg, "an EC and an RSA key"));
	assert_int_equal(store_stage_pair(f->store, NAME, crossed, NULL,
	    version, &info, &err), -1);
	assert_string_equal(err.code, "store:mismatch");
	assert_int_equal(scratch_count(&f->scratch, "archive/" NAME "/*"), 0);
}

/* Both are placeholders, until a pair is issued. */
static void
test_placeholder(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(store_place(f->store, NAME, names, 1, NULL, &err), 0);
	assert_int_equal(access(live(f, "rsa"), F_OK), -1);
	assert_int_equal(store_place(f->store, NAME, names, 1, "rsa", &err),
	    0);
	assert_int_equal(cert_files_check(live(f, "rsa"), &err), -1);
	assert_int_equal(access(live(f, "rsa/fullchain.pem"), R_OK), 0);
	assert_true(store_is_placeholder(f->store, NAME));
	install(f, 0);
	expect_live(f, "11", "21");
	assert_int_equal(scratch_count(&f->scratch, "placeholder/*"), 0);
}

static void
pair_cb(const struct store_pair *p, void *arg)
{
	struct store_pair *to = arg;

	assert_string_equal(p->cert, NAME);
	assert_string_equal(p->serial, "21");
	assert_string_equal(p->first_names, "[\"" NAME "\"]");
	assert_string_equal(p->first_account, "https://ca.test/1");
	assert_null(p->first_profile);
	*to = *p;
}

/* The first waits for the second, in a file and in a row, over a restart. */
static void
test_first(void **state)
{
	struct fixture *f = *state;
	const struct store_part first = part(pki.ec, pki.ec_pem[0]);
	struct store_pair got = { .cert = NULL }, row = {
	    .cert = xstrdup(NAME), .serial = xstrdup("21"), .not_before = 1,
	    .not_after = 2, .key = KEY_RSA4096, .ari_id = xstrdup("a.b"),
	    .ari_start = 3, .ari_end = 5, .ari_at = 4,
	    .first_names = xstrdup("[\"" NAME "\"]"),
	    .first_account = xstrdup("https://ca.test/1"), .first_at = 6 };
	struct error err;
	EVP_PKEY *key;
	char *pem;

	assert_int_equal(store_first(f->store, NAME, &key, &pem, &err), 0);
	assert_null(key);
	assert_int_equal(store_first_put(f->store, NAME, &first, &err), 0);
	store_pair_put(f->store, &row);
	store_close(f->store);
	f->store = store_open(f->loop, scratch_path(&f->scratch, "."), &err);
	assert_int_equal(scratch_mode(scratch_path(&f->scratch,
	    "pending/" NAME ".first")), 0600);
	assert_int_equal(store_first(f->store, NAME, &key, &pem, &err), 0);
	assert_int_equal(EVP_PKEY_eq(key, pki.ec), 1);
	assert_string_equal(pem, pki.ec_pem[0]);
	EVP_PKEY_free(key);
	free(pem);
	store_pair_each(f->store, pair_cb, &got);
	assert_int_equal(got.key, KEY_RSA4096);
	assert_true(got.not_before == 1 && got.not_after == 2 &&
	    got.ari_start == 3 && got.ari_at == 4 && got.ari_end == 5 &&
	    got.first_at == 6);
	scratch_write(scratch_path(&f->scratch, "pending/" NAME ".first"),
	    "rubbish");
	assert_int_equal(store_first(f->store, NAME, &key, &pem, &err), -1);
	store_first_drop(f->store, NAME);
	store_cert_delete(f->store, NAME);
	got = (struct store_pair){ .cert = NULL };
	store_pair_each(f->store, pair_cb, &got);
	assert_int_equal(got.first_at, 0);
	store_pair_clear(&row);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_whole), TEST(test_versions), TEST(test_back_to_one),
		TEST(test_key_files),
		TEST(test_refused),
		TEST(test_placeholder), TEST(test_first),
	};

	return cmocka_run_group_tests(tests, make_pki, free_pki);
}
