/* SPDX-License-Identifier: MIT */
/* What is put into state.db and beside it comes out again. */
#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/store/db.h"
#include "daemon/store/store.h"
#include "tests/unit/pki.h"
#include "tests/unit/state_dir.h"

static void
assert_same(const char *a, const char *b)
{
	if (a == NULL || b == NULL)
		assert_ptr_equal(a, b);
	else
		assert_string_equal(a, b);
}

/* arg: the row as it was put. */
static void
cert_cb(const struct store_cert *c, void *arg)
{
	const struct store_cert *w = arg;

	if (strcmp(w->name, c->name) != 0)
		return;
	assert_same(c->serial, w->serial);
	assert_same(c->issuer, w->issuer);
	assert_int_equal(c->not_before, w->not_before);
	assert_int_equal(c->not_after, w->not_after);
	assert_int_equal(c->key, w->key);
	assert_same(c->names, w->names);
	assert_int_equal(c->installed_at, w->installed_at);
	assert_int_equal(c->spread, w->spread);
	assert_int_equal(c->failures, w->failures);
	assert_int_equal(c->retry_at, w->retry_at);
	assert_same(c->names_failed, w->names_failed);
	assert_int_equal(c->error_at, w->error_at);
	assert_same(c->order_url, w->order_url);
	assert_same(c->order_names, w->order_names);
	assert_same(c->order_account, w->order_account);
	assert_same(c->order_finalize, w->order_finalize);
	assert_same(c->order_profile, w->order_profile);
	assert_same(c->profile, w->profile);
	assert_int_equal(c->profile_missed, w->profile_missed);
	assert_int_equal(c->stamp, w->stamp);
	assert_same(c->ari_id, w->ari_id);
	assert_same(c->ari_directory, w->ari_directory);
	assert_int_equal(c->ari_start, w->ari_start);
	assert_int_equal(c->ari_end, w->ari_end);
	assert_int_equal(c->ari_at, w->ari_at);
	assert_same(c->ari_url, w->ari_url);
	assert_int_equal(c->ari_poll_at, w->ari_poll_at);
	assert_int_equal(c->ari_pulled_at, w->ari_pulled_at);
	assert_int_equal(c->asked_at, w->asked_at);
	assert_int_equal(c->early, w->early);
	assert_int_equal(c->order_limits, w->order_limits);
	assert_int_equal(c->error == NULL, w->error == NULL);
	if (w->error != NULL) {
		assert_int_equal(c->error->kind, w->error->kind);
		assert_int_equal(c->error->retry_at, w->error->retry_at);
		assert_string_equal(c->error->code, w->error->code);
		assert_string_equal(c->error->msg, w->error->msg);
	}
}

static void
stamp_cb(const struct store_cert *c, void *arg)
{
	*(uint64_t *)arg = c->stamp;
}

/* What older versions have written is the same stamp. */
static void
test_old_stamp(void **state)
{
	static const char seen[] = "6a.1.f1-6a.2.50b-6a.3.27b-6a.4.290";
	struct fixture *f = *state;
	uint64_t stamp = 0;
	struct error err;

	put_cert(f, "a.test", NULL);
	assert_int_equal(sync_now(f, &err), ERR_NONE);
	assert_int_equal(sql(f, "UPDATE cert SET stamp = '6a.1.f1-"
	    "6a.2.50b-6a.3.27b-6a.4.290' RETURNING 1"), 1);
	reopen(f);
	store_cert_each(f->store, stamp_cb, &stamp);
	assert_int_equal(stamp, text_hash(TEXT_HASH_BASIS, seen));
}

static void
test_cert_rows(void **state)
{
	struct fixture *f = *state;
	struct error err = { .kind = ERR_RATELIMIT, .retry_at = 1900000000,
	    .code = "acme:rateLimited", .msg = "too many; 'quoted' \"x\"" };
	struct store_cert full = {
		.name = xstrdup("b.test"), .serial = xstrdup("03af"),
		.issuer = xstrdup("R3"), .not_before = 1,
		.not_after = 4102444800,
		.key = KEY_RSA3072, .names = xstrdup("[\"b.test\"]"),
		.installed_at = 7, .spread = -20, .failures = 3,
		.retry_at = 9, .names_failed = xstrdup("[]"),
		.error = xmemdup(&err, sizeof(err)), .error_at = 10,
		.order_url = xstrdup("u"), .order_names = xstrdup("n"),
		.order_account = xstrdup("a"), .order_finalize = xstrdup("f"),
		.order_profile = xstrdup("p"), .profile = xstrdup("q"),
		.profile_missed = true,
		.stamp = 0xfedcba9876543210, .ari_id = xstrdup("aki.serial"),
		.ari_directory = xstrdup("d"),
		.ari_start = 11, .ari_end = 12, .ari_at = 13,
		.ari_url = xstrdup("w"), .ari_poll_at = 14,
		.ari_pulled_at = 15, .asked_at = 16, .early = 17,
		.order_limits = 3,
	};
	struct store_cert bare = { .name = xstrdup("b.test"),
	    .key = KEY_TYPE_END };

	expect_certs(f, "");
	put_cert(f, "c.test", NULL);
	put_cert(f, "a.test", NULL);
	store_cert_put(f->store, &full);
	expect_certs(f, "a.test b.test c.test ");
	store_cert_each(f->store, cert_cb, &full);
	reopen(f);
	expect_certs(f, "a.test b.test c.test ");
	store_cert_each(f->store, cert_cb, &full);
	store_cert_put(f->store, &bare);
	reopen(f);
	expect_certs(f, "a.test b.test c.test ");
	store_cert_each(f->store, cert_cb, &bare);
	store_cert_clear(&full);
	assert_null(full.name);
	store_cert_clear(&bare);
}

struct txts {
	struct store_txt	 rows[4];
	int			 n;
};

static void
txt_cb(const struct store_txt *t, void *arg)
{
	struct txts *all = arg;

	assert_true(all->n < 4);
	assert_string_equal(t->handle, "h");	/* is gone with this turn */
	all->rows[all->n++] = *t;
}

static void
test_txt_rows(void **state)
{
	struct fixture *f = *state;
	struct store_txt a = { .cert = "a.test", .provider = "p",
	    .identifier = "a.test", .fqdn = "_acme-challenge.a.test",
	    .zone = "test", .value = "v", .handle = "h", .state = TXT_ADDING,
	    .created_at = 5, .tries = 6, .retry_at = 7, .error = "e" };
	struct store_txt b = a;
	struct txts all = { .n = 0 };

	store_txt_put(f->store, &a);
	store_txt_put(f->store, &b);
	assert_int_not_equal(a.id, 0);
	assert_int_not_equal(a.id, b.id);
	b.state = TXT_REMOVING;
	store_txt_put(f->store, &b);
	reopen(f);
	store_txt_each(f->store, txt_cb, &all);
	assert_int_equal(all.n, 2);
	assert_int_equal(all.rows[0].id, a.id);
	assert_string_equal(all.rows[0].cert, a.cert);
	assert_string_equal(all.rows[0].provider, a.provider);
	assert_string_equal(all.rows[0].identifier, a.identifier);
	assert_string_equal(all.rows[0].fqdn, a.fqdn);
	assert_string_equal(all.rows[0].zone, a.zone);
	assert_string_equal(all.rows[0].value, a.value);
	assert_string_equal(all.rows[0].error, a.error);
	assert_int_equal(all.rows[0].state, TXT_ADDING);
	assert_int_equal(all.rows[0].created_at, 5);
	assert_int_equal(all.rows[0].tries, 6);
	assert_int_equal(all.rows[0].retry_at, 7);
	assert_int_equal(all.rows[1].state, TXT_REMOVING);
	store_txt_delete(f->store, &a);
	reopen(f);
	all.n = 0;
	store_txt_each(f->store, txt_cb, &all);
	assert_int_equal(all.n, 1);
	assert_int_equal(all.rows[0].id, b.id);
	assert_string_equal(txt_state_name(TXT_ADDED), "added");
}

static void
http_cb(const struct store_http *h, void *arg)
{
	struct store_http *out = arg;

	assert_string_equal(out->cert, "");	/* one row only */
	*out = *h;
}

static void
test_http_rows(void **state)
{
	struct fixture *f = *state;
	struct store_http a = { .cert = "a.test", .webroot = "/srv",
	    .token = "t", .text = "t.x", .created_at = 5, .tries = 6,
	    .retry_at = 7, .error = "e" };
	struct store_http got = { .cert = "" }, b = a;

	(void)text_printf(b.token, sizeof(b.token), "u");
	store_http_put(f->store, &a);
	store_http_put(f->store, &b);
	store_http_put(f->store, &a);
	store_http_delete(f->store, &b);
	reopen(f);
	store_http_each(f->store, http_cb, &got);
	assert_string_equal(got.cert, "a.test");
	assert_string_equal(got.webroot, "/srv");
	assert_string_equal(got.token, "t");
	assert_string_equal(got.text, "t.x");
	assert_string_equal(got.error, "e");
	assert_int_equal(got.created_at, 5);
	assert_int_equal(got.tries, 6);
	assert_int_equal(got.retry_at, 7);
	store_http_delete(f->store, &a);
	reopen(f);
	got.cert[0] = '\0';
	store_http_each(f->store, http_cb, &got);
	assert_string_equal(got.cert, "");
}

struct deploy_want {
	const struct store_deploy *row;
	unsigned	n;
};

static void
deploy_cb(const struct store_deploy *d, void *arg)
{
	struct deploy_want *want = arg;
	const struct store_deploy *w = want->row;

	want->n++;
	assert_string_equal(d->cert, w->cert);
	assert_string_equal(d->target, w->target);
	assert_string_equal(d->serial, w->serial);
	assert_same(d->error, w->error);
	assert_int_equal(d->done, w->done);
	assert_int_equal(d->tries, w->tries);
	assert_int_equal(d->retry_at, w->retry_at);
	assert_int_equal(d->done_at, w->done_at);
	assert_int_equal(d->hash, w->hash);
	assert_int_equal(d->not_before, w->not_before);
	assert_int_equal(d->not_after, w->not_after);
	assert_int_equal(d->urgent_at, w->urgent_at);
	assert_int_equal(d->check_at, w->check_at);
	assert_int_equal(d->alarm_at, w->alarm_at);
	assert_int_equal(d->is_old, w->is_old);
}

/* The row is there, and no other; NULL: none is. */
static void
expect_deploy(struct fixture *f, const struct store_deploy *row)
{
	struct deploy_want want = { .row = row };

	store_deploy_each(f->store, deploy_cb, &want);
	assert_int_equal(want.n, row != NULL ? 1 : 0);
}

static void
test_deploy_rows(void **state)
{
	struct fixture *f = *state;
	char target[] = "nginx", serial[] = "01", error[] = "no";
	struct store_deploy d = { .cert = "a.test", .target = target,
	    .serial = serial, .tries = 2, .retry_at = 3, .error = error,
	    .hash = 0xfedcba9876543210, .not_before = 5, .not_after = 6,
	    .urgent_at = 7, .check_at = 8, .alarm_at = 9, .is_old = true };

	store_deploy_put(f->store, &d);
	expect_deploy(f, &d);
	d.done = true;
	d.done_at = 4;
	store_deploy_put(f->store, &d);
	reopen(f);
	expect_deploy(f, &d);
	d.error = NULL;
	store_deploy_put(f->store, &d);
	expect_deploy(f, &d);
	store_deploy_delete(f->store, "a.test", "apache");
	store_deploy_delete(f->store, "a.test", "nginx");
	reopen(f);
	expect_deploy(f, NULL);
}

static void
test_accounts(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = pki_key(), *got;
	struct error err;
	char *kid;

	assert_null(store_account_kid(f->store, "le", "https://a.test/d"));
	store_account_put(f->store, "le", "https://a.test/d", "kid-a");
	store_account_put(f->store, "le", "https://b.test/d", "kid-b");
	reopen(f);
	kid = store_account_kid(f->store, "le", "https://a.test/d");
	assert_string_equal(kid, "kid-a");
	free(kid);
	store_account_put(f->store, "le", "https://a.test/d", NULL);
	assert_null(store_account_kid(f->store, "le", "https://a.test/d"));
	kid = store_account_kid(f->store, "le", "https://b.test/d");
	assert_string_equal(kid, "kid-b");
	free(kid);

	assert_null(store_account_key(f->store, "le", "https://a.test/d",
	    &err));
	assert_string_equal(err.code, "store:no-key");
	assert_int_equal(store_account_key_put(f->store, "le",
	    "https://a.test/d", key, &err), 0);
	got = store_account_key(f->store, "le", "https://a.test/d", &err);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	EVP_PKEY_free(got);
	assert_null(store_account_key(f->store, "le", "https://b.test/d",
	    &err));
	/* printf %s https://a.test/d | sha256sum */
	assert_int_equal(scratch_mode(scratch_path(&f->scratch,
	    "s/accounts/le-bb9ffef0.key")), 0600);
	scratch_write(f->scratch.path, "rubbish");
	assert_null(store_account_key(f->store, "le", "https://a.test/d",
	    &err));
	assert_string_equal(err.code, "key:syntax");
	EVP_PKEY_free(key);
}

static void
test_pending_key(void **state)
{
	struct fixture *f = *state;
	EVP_PKEY *key = pki_key(), *got = key;
	struct error err;

	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_null(got);
	assert_int_equal(store_pending_key_put(f->store, "a", key, &err), 0);
	assert_int_equal(scratch_mode(scratch_path(&f->scratch,
	    "s/pending/a.key")), 0600);
	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_int_equal(EVP_PKEY_eq(got, key), 1);
	EVP_PKEY_free(got);
	store_pending_drop(f->store, "a");
	store_pending_drop(f->store, "a");
	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_null(got);
	scratch_limit(16);
	assert_int_equal(store_pending_key_put(f->store, "a", key, &err), -1);
	scratch_limit(RLIM_INFINITY);
	assert_non_null(strstr(err.msg, "pending/a.key"));
	assert_int_equal(store_pending_key(f->store, "a", &got, &err), 0);
	assert_null(got);
	EVP_PKEY_free(key);
}

/* --- history --- */

struct events {
	int	 n;
	int64_t	 first, last;
	char	 msg[32];
	int	 level;
};

static void
event_cb(const struct store_event *e, void *arg)
{
	struct events *all = arg;

	if (all->n++ == 0)
		all->first = e->id;
	else
		assert_int_equal(e->id, all->last + 1);
	all->last = e->id;
	all->level = e->level;
	(void)text_printf(all->msg, sizeof(all->msg), "%s/%s", e->step,
	    e->msg);
}

static void
test_events(void **state)
{
	struct fixture *f = *state;
	struct events all = { .n = 0 };

	for (int i = 1; i <= 300; i++) {
		char msg[32];
		struct store_event e = { .at = i, .step = "order",
		    .level = LOGL_WARNING, .msg = msg };

		(void)text_printf(msg, sizeof(msg), "step %d", i);
		store_event_add(f->store, "a.test", &e);
		/* One more of this one for every two: the other's numbers
		   must not disturb the pruning. */
		if (i % 2 == 0)
			store_event_add(f->store, "b.test", &e);
	}
	store_event_each(f->store, "a.test", 3, event_cb, &all);
	assert_int_equal(all.n, 3);
	assert_int_equal(all.last, 300);
	assert_string_equal(all.msg, "order/step 300");
	assert_int_equal(all.level, LOGL_WARNING);
	all.n = 0;
	store_event_each(f->store, "a.test", 1000, event_cb, &all);
	assert_int_equal(all.n, 100);
	assert_int_equal(all.first, 201);
	all.n = 0;
	store_event_each(f->store, "c.test", 1000, event_cb, &all);
	assert_int_equal(all.n, 0);
	close_store(f);
	assert_in_range(sql(f, "SELECT count(*) FROM event"
	    " WHERE cert = 'a.test'"), 100, 131);
	assert_in_range(sql(f, "SELECT count(*) FROM event"
	    " WHERE cert = 'b.test'"), 100, 131);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static void
cloud_cb(const struct store_cloud *r, void *arg)
{
	char **seen = arg, *longer = xasprintf("%s%s/%s/%.4s=%s%s at %lld, "
	    "%lld; ", *seen, r->target, r->place, r->sha256, r->id,
	    r->is_foreign ? "!" : "", (long long)r->at,
	    (long long)r->bound_at);

	free(*seen);
	*seen = longer;
}

static void
expect_clouds(struct store *s, const char *cert, const char *want)
{
	char *seen = xstrdup("");

	store_cloud_each(s, cert, cloud_cb, &seen);
	assert_string_equal(seen, want);
	free(seen);
}

/* What was uploaded, in the order in which each target got it. */
static void
test_clouds(void **state)
{
	struct fixture *f = *state;
	struct store_cloud r = { .cert = "a", .target = "cdn",
	    .place = "cas", .sha256 = "1111", .at = 5 };

	store_cloud_put(f->store, &r);
	(void)text_printf(r.id, sizeof(r.id), "7");
	r.bound_at = 9;
	store_cloud_put(f->store, &r);
	(void)text_printf(r.sha256, sizeof(r.sha256), "2222");
	r.is_foreign = true;
	r.bound_at = 8;
	store_cloud_put(f->store, &r);
	(void)text_printf(r.target, sizeof(r.target), "b");
	store_cloud_put(f->store, &r);
	reopen(f);
	expect_clouds(f->store, "a", "b/cas/2222=7! at 5, 8; "
	    "cdn/cas/2222=7! at 5, 8; cdn/cas/1111=7 at 5, 9; ");
	store_cloud_delete(f->store, &r);
	expect_clouds(f->store, "a", "cdn/cas/2222=7! at 5, 8; "
	    "cdn/cas/1111=7 at 5, 9; ");
	store_cloud_forget(f->store, "a", "cdn");
	expect_clouds(f->store, "a", "");
	store_cloud_put(f->store, &r);
	store_cert_delete(f->store, "a");
	expect_clouds(f->store, "a", "");
}

/* Per version and repository, until the certificate goes. */
static void
test_withdrawn(void **state)
{
	struct fixture *f = *state;

	store_withdrawn_put(f->store, "a", "fleet", "0b", 7);
	store_withdrawn_put(f->store, "a", "fleet", "0c", 8);
	store_withdrawn_put(f->store, "a", "fleet", "0b", 9);
	reopen(f);
	assert_int_equal(store_withdrawn_at(f->store, "a", "fleet", "0b"), 9);
	assert_int_equal(store_withdrawn_at(f->store, "a", "fleet", "0c"), 8);
	assert_int_equal(store_withdrawn_at(f->store, "a", "fleet", "0a"), 0);
	assert_int_equal(store_withdrawn_at(f->store, "a", "other", "0b"), 0);
	assert_int_equal(store_withdrawn_at(f->store, "b", "fleet", "0b"), 0);
	store_cert_delete(f->store, "a");
	assert_int_equal(store_withdrawn_at(f->store, "a", "fleet", "0b"), 0);
}

static void
dirty_cb(void *arg)
{
}

/* There may be as many statements as store/ has: once it was the 49th, such as
 * in a daemon that uses all of it, at which it ended. */
static void
test_many_statements(void **state)
{
	struct fixture *f = *state;
	char *sqls[200];
	struct db_stmt *q;
	struct error err;
	struct db *db;

	db = db_open(scratch_path(&f->scratch, "many.db"), dirty_cb, NULL,
	    &err);
	assert_non_null(db);
	for (int i = 0; i < 200; i++)
		sqls[i] = xasprintf("SELECT %d", i);
	for (int i = 0; i < 400; i++) {
		q = db_stmt(db, sqls[i % 200]);
		assert_true(db_next(q));
		assert_int_equal(db_int(q, 0), i % 200);
		db_end(q);
	}
	db_close(db);
	for (int i = 0; i < 200; i++)
		free(sqls[i]);
}

/* Of rows written by hand. */
static void
test_nameless(void **state)
{
	struct fixture *f = *state;

	put_cert(f, "a", NULL);
	put_cert(f, "b", NULL);
	close_store(f);
	(void)sql(f, "UPDATE cert SET name = '' WHERE name = 'a'");
	reopen(f);
	expect_certs(f, "b ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_clouds), TEST(test_withdrawn),
		TEST(test_many_statements), TEST(test_nameless),
		TEST(test_cert_rows), TEST(test_old_stamp),
		TEST(test_txt_rows),
		TEST(test_http_rows),
		TEST(test_deploy_rows), TEST(test_accounts),
		TEST(test_pending_key), TEST(test_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
