/* SPDX-License-Identifier: MIT */
/* What the store tells a replica, and what a shared sync waits for. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/replica.h"
#include "daemon/store/store.h"
#include "tests/unit/scratch.h"
#include "tests/unit/state_dir.h"

/* A replica that writes down what it hears. */
struct fake {
	char	 heard[2048];
	char	 flushing[64];		/* certificate; "": none */
	void	(*done)(const struct error *, void *);
	void	*done_arg;
	bool	 is_cancelled;
};

static void hear(struct fake *, const char *, ...)
    __attribute__((format(printf, 2, 3)));

static void
hear(struct fake *k, const char *fmt, ...)
{
	size_t used = strlen(k->heard);
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(k->heard + used, sizeof(k->heard) - used, fmt, ap);
	va_end(ap);
}

static void
cert_cb(const char *name, void *arg)
{
	hear(arg, "cert %s; ", name);
}

static void
account_cb(const char *name, const char *directory, void *arg)
{
	hear(arg, "account %s %s; ", name, directory);
}

static void
budget_cb(const struct store_budget *b, bool is_over, void *arg)
{
	hear(arg, "budget %s %d; ", b->key, is_over);
}

static void
hold_cb(const struct store_hold *h, bool is_over, void *arg)
{
	hear(arg, "hold %s %d; ", h->account, is_over);
}

static void *
flush_cb(const char *cert, void (*done)(const struct error *, void *),
    void *done_arg, void *arg)
{
	struct fake *k = arg;

	(void)text_printf(k->flushing, sizeof(k->flushing), "%s", cert);
	k->done = done;
	k->done_arg = done_arg;
	return k;
}

static void
cancel_cb(void *flush, void *arg)
{
	struct fake *k = arg;

	assert_ptr_equal(flush, k);
	k->is_cancelled = true;
}

static void
set_replica(struct fixture *f, struct fake *k, struct store_replica *r)
{
	*k = (struct fake){ .done = NULL };
	*r = (struct store_replica){ .cert = cert_cb, .account = account_cb,
	    .budget = budget_cb, .hold = hold_cb, .flush = flush_cb,
	    .cancel = cancel_cb, .arg = k };
	store_set_replica(f->store, r);
}

struct synced {
	struct store_sync_op *op;
	int	 n;
	char	 code[64];		/* "": it went well */
};

static void
synced_cb(const struct error *err, void *arg)
{
	struct synced *s = arg;

	s->op = NULL;
	s->n++;
	(void)text_printf(s->code, sizeof(s->code), "%s", err != NULL ?
	    err->code : "");
}

static void
turn_until(struct fixture *f, const char *flushing, const struct fake *k)
{
	for (int i = 0; i < 100 && strcmp(k->flushing, flushing) != 0; i++)
		loop_turn(f->loop);
	assert_string_equal(k->flushing, flushing);
}

static void
test_changes_are_told(void **state)
{
	struct fixture *f = *state;
	struct fake k;
	struct store_replica r;
	struct error err;
	struct store_txt t = { .cert = "a", .fqdn = "_x", .value = "v" };
	char d[] = "d", none[] = "", domain[] = "example.org";
	struct store_budget b = { .directory = d, .account = none,
	    .key = domain };
	struct store_hold h = { .account = "le", .directory = "d" };
	EVP_PKEY *key = key_generate(KEY_EC256, &err);

	set_replica(f, &k, &r);
	put_cert(f, "a", NULL);
	store_txt_put(f->store, &t);
	store_txt_delete(f->store, &t);
	assert_int_equal(store_pending_key_put(f->store, "a", key, &err), 0);
	assert_int_equal(store_pending_chain_put(f->store, "a", "x", 1, &err),
	    0);
	store_pending_drop(f->store, "a");
	store_cert_delete(f->store, "a");
	assert_string_equal(k.heard, "cert a; cert a; cert a; cert a; "
	    "cert a; cert a; cert a; ");
	k.heard[0] = '\0';
	assert_int_equal(store_account_key_put(f->store, "le", "d", key, &err),
	    0);
	store_account_put(f->store, "le", "d", "https://ca/1");
	store_account_contact_put(f->store, "le", "d", "[]");
	assert_int_equal(store_account_next_put(f->store, "le", "d", key,
	    &err), 0);
	assert_int_equal(store_account_next_take(f->store, "le", "d", &err),
	    0);
	store_account_next_drop(f->store, "le", "d");
	assert_string_equal(k.heard, "account le d; account le d; "
	    "account le d; account le d; account le d; account le d; ");
	k.heard[0] = '\0';
	store_budget_put(f->store, &b);
	store_budget_delete(f->store, &b);
	store_hold_put(f->store, &h);
	store_hold_delete(f->store, &h);
	assert_string_equal(k.heard, "budget example.org 0; "
	    "budget example.org 1; hold le 0; hold le 1; ");
	/* What nobody shares is not told. */
	k.heard[0] = '\0';
	store_event_add(f->store, "a", &(struct store_event){ .msg = "m" });
	assert_string_equal(k.heard, "");
	store_set_replica(f->store, NULL);
	EVP_PKEY_free(key);
}

static void
test_sync_waits_for_both(void **state)
{
	struct fixture *f = *state;
	struct fake k;
	struct store_replica r;
	struct synced shared = { .op = NULL }, local = { .op = NULL };
	struct error why;

	set_replica(f, &k, &r);
	put_cert(f, "a", NULL);
	shared.op = store_sync_shared_start(f->store, "a", synced_cb, &shared);
	local.op = store_sync_start(f->store, synced_cb, &local);
	assert_string_equal(k.flushing, "");	/* not before it is on disk */
	turn_until(f, "a", &k);
	assert_int_equal(local.n, 1);		/* which is enough for others */
	assert_string_equal(local.code, "");
	for (int i = 0; i < 3; i++) {
		put_cert(f, "b", NULL);
		(void)sync_now(f, &why);
	}
	assert_int_equal(shared.n, 0);
	k.done(NULL, k.done_arg);
	assert_int_equal(shared.n, 1);
	assert_string_equal(shared.code, "");

	/* A replica that cannot is no success. */
	k.flushing[0] = '\0';
	shared.op = store_sync_shared_start(f->store, "b", synced_cb, &shared);
	turn_until(f, "b", &k);
	(void)error_set(&why, ERR_TRANSIENT, "cluster:fenced", "taken");
	k.done(&why, k.done_arg);
	assert_int_equal(shared.n, 2);
	assert_string_equal(shared.code, "cluster:fenced");

	/* Cancelled while the replica has it, nothing is told. */
	k.flushing[0] = '\0';
	shared.op = store_sync_shared_start(f->store, "c", synced_cb, &shared);
	turn_until(f, "c", &k);
	store_sync_cancel(shared.op);
	assert_true(k.is_cancelled);
	assert_int_equal(shared.n, 2);

	/* The replica goes: who waits for it is told. */
	k.flushing[0] = '\0';
	shared.op = store_sync_shared_start(f->store, "d", synced_cb, &shared);
	turn_until(f, "d", &k);
	store_set_replica(f->store, NULL);
	assert_int_equal(shared.n, 3);
	assert_string_equal(shared.code, "cluster:away");
}

static void
test_without_replica(void **state)
{
	struct fixture *f = *state;
	struct synced shared = { .op = NULL };

	put_cert(f, "a", NULL);
	shared.op = store_sync_shared_start(f->store, "a", synced_cb, &shared);
	while (shared.op != NULL)
		loop_turn(f->loop);
	assert_string_equal(shared.code, "");
}

/* What is not on disk is nothing to send. */
static void
test_disk_fails_first(void **state)
{
	struct fixture *f = *state;
	struct fake k;
	struct store_replica r;
	struct synced shared = { .op = NULL };
	char *long_url = xcalloc(1, 300001);

	set_replica(f, &k, &r);
	memset(long_url, 'u', 300000);
	scratch_limit(65536);
	put_cert(f, "a", long_url);
	shared.op = store_sync_shared_start(f->store, "a", synced_cb, &shared);
	while (shared.op != NULL)
		loop_turn(f->loop);
	scratch_limit(RLIM_INFINITY);
	assert_string_equal(shared.code, "store:io");
	assert_string_equal(k.flushing, "");
	free(long_url);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_changes_are_told),
		TEST(test_sync_waits_for_both),
		TEST(test_without_replica),
		TEST(test_disk_fails_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
