/* SPDX-License-Identifier: MIT */
/* Another key for an account: what is on disk at any time is of one. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>

#include "common/mem.h"
#include "daemon/manage/manage.h"
#include "daemon/store/store.h"

#define DIRECTORY "https://ca.test/dir"
#define WEB "certificate \"web\" { names = { \"web.test\" } provider = dns }\n"

static char *
to_pem(EVP_PKEY *key)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *pem, *text;
	long len;

	assert_int_equal(PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0,
	    NULL, NULL), 1);
	len = BIO_get_mem_data(bio, &text);
	pem = xstrndup(text, (size_t)len);
	BIO_free(bio);
	return pem;
}

static bool
has_key(struct erig *r, const EVP_PKEY *key)
{
	struct error err;
	EVP_PKEY *now = store_account_key(r->store, "ca", DIRECTORY, &err);
	bool has = now != NULL && EVP_PKEY_eq(now, key) == 1;

	EVP_PKEY_free(now);
	return has;
}

/* Account URLs on the disk, as another process sees them. */
static int
count_kids(struct erig *r)
{
	sqlite3 *db;
	sqlite3_stmt *q;
	int n;

	assert_int_equal(sqlite3_open(scratch_path(&r->scratch, "s/state.db"),
	    &db), SQLITE_OK);
	assert_int_equal(sqlite3_prepare_v2(db, "SELECT count(*) FROM account",
	    -1, &q, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(q), SQLITE_ROW);
	n = sqlite3_column_int(q, 0);
	(void)sqlite3_finalize(q);
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

static void
done_cb(const struct error *err, const json_t *reply, void *arg)
{
	assert_null(err);
	*(bool *)arg = true;
}

static void
adopt(struct erig *r, const char *pem, bool *is_done)
{
	(void)manage_start(r->engine->manage_jobs, &(struct manage_args){
	    .act = MANAGE_ADOPT, .name = "ca", .pem = pem, .force = true },
	    done_cb, is_done);
}

/* The new key never stands beside the old account's URL: when it comes, that
 * has gone. */
static void
test_order(void **state)
{
	struct erig *r = *state;
	EVP_PKEY *key = EVP_EC_gen("P-256");
	char *pem = to_pem(key), *kid;
	bool is_done = false;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	assert_int_equal(count_kids(r), 1);
	adopt(r, pem, &is_done);
	ERIG_UNTIL(has_key(r, key));
	assert_int_equal(count_kids(r), 0);
	ERIG_UNTIL(is_done);
	kid = store_account_kid(r->store, "ca", DIRECTORY);
	assert_non_null(kid);
	free(kid);
	free(pem);
	EVP_PKEY_free(key);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_order),
	};

	return cmocka_run_group_tests_name("account_adopt", tests,
	    erig_group_setup, erig_group_teardown);
}
