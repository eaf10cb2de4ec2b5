/* SPDX-License-Identifier: MIT */
/* A certificate of a cluster goes from member to member. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/certs/cert.h"
#include "daemon/certs/event.h"
#include "daemon/certs/origin.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/publish/fetch.h"
#include "daemon/rollout/release.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"

#define DAY 86400

static struct fetch_op *const an_op = (struct fetch_op *)&(char){ 0 };
static fetch_done_cb *looked;
static release_done_cb *released;
static void *look_arg, *release_arg;
static int looks, releases, taken;
static bool loses;		/* what is told makes it another's */
static char *etag;

struct fetch_op *__wrap_fetch_start(const struct fetch_args *,
    fetch_done_cb *, void *);
void	__wrap_fetch_cancel(struct fetch_op *);
struct release_op *__wrap_release_start(const struct release_args *,
    release_done_cb *, void *);
void	__wrap_release_cancel(struct release_op *);
void	__wrap_cert_changed(struct cert *);
void	__wrap_event_emit(struct certs *, const char *, enum step,
    enum log_level, const char *, ...);
char	*__wrap_store_live_version_path(const struct store *, const char *);
time_t	__wrap_ari_window_due_at(const struct cert *, bool *);

struct fetch_op *
__wrap_fetch_start(const struct fetch_args *a, fetch_done_cb *cb, void *arg)
{
	looked = cb;
	look_arg = arg;
	looks++;
	free(etag);
	etag = xstrdup(a->etag);
	assert_true(a->only_look);
	return an_op;
}

void
__wrap_fetch_cancel(struct fetch_op *op)
{
}

struct release_op *
__wrap_release_start(const struct release_args *a, release_done_cb *cb,
    void *arg)
{
	released = cb;
	release_arg = arg;
	releases++;
	return (struct release_op *)an_op;
}

void
__wrap_release_cancel(struct release_op *op)
{
}

void
__wrap_cert_changed(struct cert *c)
{
	if (loses)
		takeover_cancel(c);
}

void
__wrap_event_emit(struct certs *certs, const char *cert, enum step step,
    enum log_level level, const char *fmt, ...)
{
}

char *
__wrap_store_live_version_path(const struct store *s, const char *name)
{
	return xstrdup("/x");
}

time_t
__wrap_ari_window_due_at(const struct cert *c, bool *by_ari)
{
	return 0;
}

static void
taken_over(struct cert *c, void *arg)
{
	taken++;
}

struct fixture {
	struct conf_repository repository;
	struct conf_realm realm;
	struct conf_cert conf;
	struct conf_cluster cluster;
	struct conf all;
	struct certs certs;
	struct rollout_env env;
	struct cert c;
};

static void
begin(struct fixture *f, const char *serial)
{
	time_t now = clock_now();

	memset(f, 0, sizeof(*f));
	f->realm.certs = &f->repository;
	f->conf.realm = &f->realm;
	f->all.cluster = &f->cluster;
	f->certs.conf = &f->all;
	f->env = (struct rollout_env){ .loop = loop_new(),
	    .certs = &f->certs, .taken_over = taken_over };
	f->env.takeovers = slots_new(f->env.loop, TAKEOVERS_MAX);
	f->c = (struct cert){ .certs = &f->certs, .conf = &f->conf,
	    .is_taken = true };
	f->c.row.name = (char *)(uintptr_t)"a.test";
	f->c.row.serial = (char *)(uintptr_t)serial;
	f->c.row.not_before = now - DAY;
	f->c.row.not_after = now + 60 * DAY;
	looks = releases = taken = 0;
	watch_reload(&f->env, &f->c);
	assert_non_null(f->c.watch);
	assert_ptr_equal(origin_repository(&f->c), &f->repository);
}

static void
end(struct fixture *f)
{
	takeover_cancel(&f->c);
	watch_free(&f->c);
	slots_free(f->env.takeovers);
	loop_free(f->env.loop);
	free(etag);
	etag = NULL;
}

static void
look(struct fixture *f)
{
	takeover_kick(&f->c);
	loop_turn(f->env.loop);
	loop_turn(f->env.loop);		/* the slot's */
}

static void
refuse(const char *code, enum err_kind kind)
{
	struct error err;

	(void)error_set(&err, kind, code, "no");
	looked(&err, NULL, look_arg);
}

/* Nothing is there, and nothing is here: it is due here now. */
static void
test_first(void **state)
{
	struct fixture f;

	begin(&f, NULL);
	takeover_follow(&f.env, &f.c, true);
	assert_false(origin_is_ca(&f.c));
	look(&f);
	assert_string_equal(etag, "");
	/* The cluster cannot be asked: not yet. */
	refuse("etcd:unavailable", ERR_TRANSIENT);
	assert_false(origin_is_ca(&f.c));
	look(&f);
	assert_int_equal(looks, 2);
	refuse("object:missing", ERR_REJECTED);
	assert_true(origin_is_ca(&f.c));
	assert_null(f.c.watch);
	assert_null(f.c.takeover);
	assert_int_equal(taken, 1);
	assert_int_equal(releases, 0);
	/* Another member's again, but not in the middle of a run. */
	f.c.run = (struct renewal *)an_op;
	takeover_follow(&f.env, &f.c, false);
	assert_true(origin_is_ca(&f.c));
	f.c.run = NULL;
	takeover_follow(&f.env, &f.c, false);
	assert_false(origin_is_ca(&f.c));
	assert_non_null(f.c.watch);
	end(&f);
}

/* What is here and not there is published first: such as when a cluster is made
 * of daemons that have certificates. */
static void
test_published(void **state)
{
	struct fixture f;
	struct error err;

	begin(&f, "ab");
	takeover_follow(&f.env, &f.c, true);
	look(&f);
	refuse("object:missing", ERR_REJECTED);
	assert_int_equal(releases, 1);
	assert_false(origin_is_ca(&f.c));
	(void)error_set(&err, ERR_TRANSIENT, "etcd:space", "full");
	released(&err, release_arg);
	assert_false(origin_is_ca(&f.c));
	look(&f);
	refuse("object:missing", ERR_REJECTED);
	assert_int_equal(releases, 2);
	released(NULL, release_arg);
	assert_true(origin_is_ca(&f.c));
	end(&f);
}

/* What was published with a secret that is only accepted still is published
 * again. */
static void
test_old_secret(void **state)
{
	const struct fetch_result old = { .serial = "ab",
	    .is_old_secret = true };
	const struct fetch_result newer = { .serial = "cd", .is_new = true,
	    .is_old_secret = true };
	struct fixture f;

	begin(&f, "ab");
	takeover_follow(&f.env, &f.c, true);
	look(&f);
	looked(NULL, &newer, look_arg);
	assert_int_equal(releases, 0);		/* first it is taken */
	look(&f);
	looked(NULL, &old, look_arg);
	assert_int_equal(releases, 1);
	released(NULL, release_arg);
	assert_true(origin_is_ca(&f.c));
	end(&f);
}

/* What is found there is told, and who renews it has changed meanwhile. */
static void
test_lost_meanwhile(void **state)
{
	const struct fetch_result newer = { .is_new = true, .serial = "cd" };
	struct fixture f;

	begin(&f, "ab");
	takeover_follow(&f.env, &f.c, true);
	look(&f);
	loses = true;
	looked(NULL, &newer, look_arg);
	loses = false;
	assert_null(f.c.takeover);
	assert_int_equal(looks, 1);
	end(&f);
}

/* What is newer there is taken first, by the watch. */
static void
test_behind(void **state)
{
	const struct fetch_result newer = { .is_new = true, .serial = "cd" };
	const struct fetch_result same = { .serial = "ab" };
	struct fixture f;
	const char *action;

	begin(&f, "ab");
	takeover_follow(&f.env, &f.c, true);
	look(&f);
	looked(NULL, &newer, look_arg);
	assert_false(origin_is_ca(&f.c));
	assert_true(watch_next_at(&f.c, &action) <= clock_now());
	/* As long as a run takes it, nothing is looked at. */
	f.c.run = (struct renewal *)an_op;
	look(&f);
	assert_int_equal(looks, 1);
	f.c.run = NULL;
	f.c.row.serial = (char *)(uintptr_t)"cd";
	look(&f);
	looked(NULL, &newer, look_arg);
	f.c.row.serial = (char *)(uintptr_t)"ab";
	look(&f);
	looked(NULL, &same, look_arg);
	assert_true(origin_is_ca(&f.c));
	assert_int_equal(releases, 0);
	/* It came otherwise, such as by import: from the beginning. */
	takeover_again(&f.env, &f.c, 0);
	assert_false(origin_is_ca(&f.c));
	look(&f);
	looked(NULL, &same, look_arg);
	assert_true(origin_is_ca(&f.c));
	end(&f);
}

/* One that another member renews is the newest here: such as when daemons that
 * were alone become a cluster. */
static void
test_newest(void **state)
{
	const struct fetch_result older = { .serial = "aa" };
	struct fixture f;

	begin(&f, "ab");
	f.cluster.role = CLUSTER_SERVE;
	takeover_follow(&f.env, &f.c, false);
	assert_null(f.c.takeover);
	f.cluster.role = CLUSTER_BOTH;
	takeover_follow(&f.env, &f.c, false);
	look(&f);
	looked(NULL, &older, look_arg);
	assert_int_equal(releases, 1);
	released(NULL, release_arg);
	assert_false(origin_is_ca(&f.c));
	assert_non_null(f.c.watch);
	assert_int_equal(taken, 0);
	/* Once; but again if it was to become ours meanwhile, and did not. */
	takeover_follow(&f.env, &f.c, false);
	assert_null(f.c.takeover);
	takeover_follow(&f.env, &f.c, true);
	takeover_follow(&f.env, &f.c, false);
	assert_non_null(f.c.takeover);
	end(&f);
}

/* A renewer with a thousand has died: they are looked at a few at a time, and
 * who stops waiting leaves the others their turn. */
static void
test_many(void **state)
{
	enum { MANY = 1000 };
	struct cert *many = xcalloc(MANY, sizeof(*many));
	struct fixture f;
	int left = MANY - 1;

	begin(&f, NULL);
	for (int i = 0; i < MANY; i++) {
		many[i] = f.c;
		many[i].watch = NULL;
		watch_reload(&f.env, &many[i]);
		takeover_follow(&f.env, &many[i], true);
	}
	takeover_cancel(&many[500]);
	for (int i = 0; i < 10; i++)
		loop_turn(f.env.loop);
	assert_int_equal(looks, TAKEOVERS_MAX);
	while (taken < left) {
		int before = looks;

		refuse("object:missing", ERR_REJECTED);
		loop_turn(f.env.loop);
		loop_turn(f.env.loop);
		assert_true(looks <= before + 1);
		assert_true(looks - taken <= TAKEOVERS_MAX);
		/* Those that were asked before the last one. */
		if (looks == before)
			break;
	}
	assert_int_equal(looks, left);
	for (int i = 0; i < MANY; i++) {
		takeover_cancel(&many[i]);
		watch_free(&many[i]);
	}
	free(many);
	end(&f);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first),
		cmocka_unit_test(test_published),
		cmocka_unit_test(test_old_secret),
		cmocka_unit_test(test_lost_meanwhile),
		cmocka_unit_test(test_behind),
		cmocka_unit_test(test_newest),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
