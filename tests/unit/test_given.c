/* SPDX-License-Identifier: MIT */
/* What acmectl put handed over, until it is installed. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/config/conf.h"
#include "daemon/io/loop.h"
#include "daemon/rollout/given.h"
#include "daemon/store/store.h"
#include "tests/unit/pki.h"
#include "tests/unit/scratch.h"

#define NAME "shop.example.org"

static const char *const names[] = { NAME, NULL };

static struct {
	EVP_PKEY	*ca_key, *keys[2];
	X509		*ca, *certs[2];
	char		*pem[2];
} pki;

struct fixture {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
	struct conf_cert cert;
};

static int
setup(void **state)
{
	struct fixture *f = xcalloc(1, sizeof(*f));
	struct error err;

	scratch_make(&f->scratch);
	f->loop = loop_new();
	f->store = store_open(f->loop, scratch_path(&f->scratch, "s"), &err);
	assert_non_null(f->store);
	f->cert.name = (char *)(uintptr_t)NAME;
	pki.ca_key = pki_key();
	pki.ca = pki_cert(&(struct pki_args){ .cn = "Test CA",
	    .key = pki.ca_key });
	for (int i = 0; i < 2; i++) {
		pki.keys[i] = pki_key();
		pki.certs[i] = pki_cert(&(struct pki_args){ .names = names,
		    .serial = i == 0 ? "11" : "12", .key = pki.keys[i],
		    .issuer = pki.ca, .issuer_key = pki.ca_key });
		pki.pem[i] = pki_pem((X509 *[]){ pki.certs[i], pki.ca }, 2);
	}
	*state = f;
	return 0;
}

static int
teardown(void **state)
{
	struct fixture *f = *state;

	for (int i = 0; i < 2; i++) {
		EVP_PKEY_free(pki.keys[i]);
		X509_free(pki.certs[i]);
		free(pki.pem[i]);
	}
	EVP_PKEY_free(pki.ca_key);
	X509_free(pki.ca);
	store_close(f->store);
	loop_free(f->loop);
	scratch_remove(&f->scratch);
	free(f);
	return 0;
}

static int
keep(struct fixture *f, int i, struct error *err)
{
	char *key = key_to_pem(pki.keys[i]);
	struct given g;
	int rc;

	assert_int_equal(given_check(&f->cert, pki.pem[i], key, &g, err), 0);
	rc = given_keep(f->store, NAME, &g, err);
	given_clear(&g);
	freezero_str(key);
	return rc;
}

/* Its serial, "" if nothing is kept. */
static const char *
kept(struct fixture *f)
{
	static char serial[80];
	struct error err;
	struct given g;
	int rc = given_read_kept(f->store, &f->cert, &g, &err);

	serial[0] = '\0';
	if (rc == -1)
		fail_msg("%s: %s", err.code, err.msg);
	if (rc == 0) {
		assert_int_equal(EVP_PKEY_eq(g.key, pki.keys[strcmp(
		    g.info.serial, "11") == 0 ? 0 : 1]), 1);
		(void)text_printf(serial, sizeof(serial), "%s", g.info.serial);
	}
	assert_int_equal(given_is_kept(f->store, NAME), rc == 0);
	given_clear(&g);
	return serial;
}

static void
test_kept(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_string_equal(kept(f), "");
	assert_int_equal(keep(f, 0, &err), 0);
	assert_string_equal(kept(f), "11");
	assert_int_equal(scratch_mode(scratch_path(&f->scratch,
	    "s/pending/%s.pem", NAME)), 0600);
	/* It was accepted: what comes later takes its place, or does not. */
	scratch_limit(1);
	assert_int_equal(keep(f, 1, &err), -1);
	scratch_limit(RLIM_INFINITY);
	assert_string_equal(kept(f), "11");
	assert_int_equal(keep(f, 1, &err), 0);
	assert_string_equal(kept(f), "12");
	store_pending_drop(f->store, NAME);
	assert_string_equal(kept(f), "");
}

/* What an order has left is none of it. */
static void
test_of_an_order(void **state)
{
	struct fixture *f = *state;
	struct error err;

	assert_int_equal(store_pending_key_put(f->store, NAME, pki.keys[0],
	    &err), 0);
	assert_int_equal(store_pending_chain_put(f->store, NAME, pki.pem[0],
	    strlen(pki.pem[0]), &err), 0);
	assert_string_equal(kept(f), "");
	assert_int_equal(keep(f, 1, &err), 0);
	assert_string_equal(kept(f), "12");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_an_order, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
