/* SPDX-License-Identifier: MIT */
/*
 * What a person decides about the roll-out of a cluster's certificate while
 * the lock is another's, and what cannot be told or taken back.  To publish,
 * and to roll back, are the test's; real ones are in
 * tests/integration/test_waves.py and test_cluster_waves.py.
 */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/certs/wave.h"
#include "daemon/config/conf.h"
#include "daemon/fleet/env.h"
#include "daemon/fleet/waves_priv.h"
#include "daemon/io/loop.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/store.h"
#include "tests/unit/conf_fixture.h"
#include "tests/unit/scratch.h"

static struct {
	bool		 is_held;	/* the lock */
	unsigned	 acted;
	unsigned	 told_a, told_b;
	char		 said[512];	/* the last warning or notice */
} seen;

void	__wrap_waves_tell(struct waves *, const struct cert *,
    const struct conf_deploy *);
void	__wrap_rollout_kick(struct rollout *);
bool	__wrap_rollout_settle(struct rollout *, struct cert *);
bool	__wrap_rollout_is_rolling_back(const struct rollout *,
    const struct cert *);

void
__wrap_waves_tell(struct waves *all, const struct cert *c,
    const struct conf_deploy *dep)
{
	(void)all;
	assert_true(dep->is_shared);
	if (strcmp(c->row.name, "a") == 0)
		seen.told_a++;
	else
		seen.told_b++;
}

void
__wrap_rollout_kick(struct rollout *r)
{
	(void)r;
}

bool
__wrap_rollout_settle(struct rollout *r, struct cert *c)
{
	(void)r;
	(void)c;
	return true;
}

bool
__wrap_rollout_is_rolling_back(const struct rollout *r, const struct cert *c)
{
	(void)r;
	(void)c;
	return false;
}

/* --- */

struct rig {
	struct scratch	 scratch;
	struct loop	*loop;
	struct store	*store;
	struct certs	*certs;
	struct conf	*conf;
	struct event_sub *events;
	struct fleet_env env;
	struct waves	*waves;
};

static bool
hold(struct cert *c, void *arg)
{
	(void)c;
	(void)arg;
	return seen.is_held;
}

static void
acted(struct cert *c, void *arg)
{
	(void)c;
	(void)arg;
	seen.acted++;
}

static void
noticed(void *arg)
{
	(void)arg;
}

static void
happened(const json_t *event, void *arg)
{
	(void)arg;
	(void)text_printf(seen.said, sizeof(seen.said), "%s",
	    jsonx_str(event, "msg"));
}

static void
tick_cb(void *arg)
{
	loop_stop(arg);
}

/* Its turn. */
static void
look(struct rig *r, struct cert *c)
{
	struct timer t;

	waves_look(r->waves, c);
	timer_init(&t, r->loop, tick_cb, r->loop);
	timer_set(&t, 5);
	loop_run(r->loop);
}

static struct conf *
load(const char *waves)
{
	struct conf *conf;
	char *text, *reports;

	text = xasprintf("cluster { etcd = { \"http://e:2379\" } lease = 5s "
	    "name = \"m\" encrypt_key_file = \"%s\" %s }\n"
	    "account \"ca\" { directory = \"https://ca.test/dir\" "
	    "agree_tos = true }\nprovider \"dns\" { type = bare }\n"
	    "certificate \"a\" { names = { \"a.test\" } provider = dns "
	    "account = ca }\n"
	    "certificate \"b\" { names = { \"b.test\" } provider = dns "
	    "account = ca }\n", fixture_path("secret"), waves);
	fixture_write("acmed.conf", 0600, text);
	free(text);
	conf = fixture_load("acmed.conf", &reports);
	if (conf == NULL)
		fail_msg("%s", reports);
	free(reports);
	return conf;
}

static struct cert *
cert(struct rig *r, const char *name)
{
	return certs_find(r->certs, name);
}

/* The version 0a is live, and ours to renew. */
static void
own(struct rig *r, const char *name)
{
	struct cert *c = cert(r, name);

	xstrset(&c->row.serial, "0a");
	c->is_ours = c->has_wave = true;
	c->is_taken = false;
}

static void
setup_with(void **state, const char *waves)
{
	struct rig *r = xcalloc(1, sizeof(*r));
	struct error err;

	memset(&seen, 0, sizeof(seen));
	fixture_write("secret", 0600, "0123456789abcdef0123456789abcdef");
	r->conf = load(waves);
	r->loop = loop_new();
	scratch_make(&r->scratch);
	r->store = store_open(r->loop, scratch_path(&r->scratch, "s"), &err);
	assert_non_null(r->store);
	r->certs = certs_new(r->loop, r->store);
	certs_apply(r->certs, r->conf, NULL);
	r->events = event_subscribe(r->certs, happened, r);
	r->env = (struct fleet_env){ .loop = r->loop, .store = r->store,
	    .certs = r->certs, .hold = hold, .acted = acted,
	    .noticed = noticed, .arg = r };
	r->waves = waves_new(&r->env);
	own(r, "a");
	own(r, "b");
	*state = r;
}

static int
setup(void **state)
{
	setup_with(state, "waves = { \"c-*\", \"eu-*\", \"us-*\", \"*\" }");
	return 0;
}

static int
setup_without(void **state)
{
	setup_with(state, "");
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	waves_free(r->waves);
	event_unsubscribe(r->events);
	certs_free(r->certs);
	store_close(r->store);
	conf_unref(r->conf);
	loop_free(r->loop);
	scratch_remove(&r->scratch);
	fixture_remove("acmed.conf");
	fixture_remove("secret");
	free(r);
	return 0;
}

static const char *
repository(struct rig *r)
{
	return cert(r, "a")->conf->realm->publish->publish->name;
}

static void
put(struct rig *r, const char *name, const char *serial, unsigned opened,
    enum wave_state is)
{
	struct store_wave w = { .opened = opened, .state = is };

	(void)text_printf(w.cert, sizeof(w.cert), "%s", name);
	(void)text_printf(w.repository, sizeof(w.repository), "%s",
	    repository(r));
	(void)text_printf(w.serial, sizeof(w.serial), "%s", serial);
	store_wave_put(r->store, &w);
}

static struct store_wave
row(struct rig *r, const char *name)
{
	struct store_wave w;

	assert_int_equal(store_wave_get(r->store, name, repository(r), &w), 0);
	return w;
}

static void
decided(struct rig *r, enum waves_act act)
{
	struct error err;

	assert_int_equal(waves_do(r->waves, cert(r, "a"), act, &err), 0);
	look(r, cert(r, "a"));
	assert_int_equal(seen.acted, 0);	/* the lock is another's */
}

/* It is done when the lock is there, once. */
static void
test_done(void **state)
{
	struct rig *r = *state;

	put(r, "a", "0a", 1, WAVE_STOPPED);
	decided(r, WAVES_CONTINUE);
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_int_equal(seen.acted, 1);
	assert_int_equal(row(r, "a").opened, 2);
	assert_int_equal(row(r, "a").state, WAVE_RUNNING);
	assert_int_not_equal(seen.told_a, 0);
	look(r, cert(r, "a"));
	assert_int_equal(seen.acted, 1);
	assert_int_equal(row(r, "a").opened, 2);
}

/* Another one has done it meanwhile, or has something newer. */
static void
test_done_by_another(void **state)
{
	struct rig *r = *state;

	put(r, "a", "0a", 1, WAVE_STOPPED);
	decided(r, WAVES_CONTINUE);
	put(r, "a", "0a", 2, WAVE_STOPPED);
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_int_equal(seen.acted, 1);
	assert_int_equal(row(r, "a").opened, 2);
	assert_int_equal(row(r, "a").state, WAVE_STOPPED);
	assert_string_equal(seen.said, "rollout continue was meant for wave 1 "
	    "of 0a, and is not done");
}

static void
test_of_another_version(void **state)
{
	struct rig *r = *state;

	put(r, "a", "0a", 1, WAVE_RUNNING);
	decided(r, WAVES_WITHDRAW);
	put(r, "a", "0b", 1, WAVE_STOPPED);
	xstrset(&cert(r, "a")->row.serial, "0b");
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_int_equal(seen.acted, 1);
	assert_int_equal(row(r, "a").state, WAVE_STOPPED);
	assert_string_equal(seen.said, "rollout rollback was meant for wave 1 "
	    "of 0a, and is not done");
}

/* The order is the next holder's; who has it back does not do it later. */
static void
test_lost(void **state)
{
	struct rig *r = *state;

	put(r, "a", "0a", 1, WAVE_STOPPED);
	decided(r, WAVES_CONTINUE);
	cert(r, "a")->is_ours = false;
	cert(r, "a")->is_taken = true;
	look(r, cert(r, "a"));
	assert_non_null(strstr(seen.said, "another member renews it"));
	own(r, "a");
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_int_equal(seen.acted, 0);
	assert_int_equal(row(r, "a").opened, 1);
}

/* What cannot be taken back keeps no other certificate waiting. */
static void
test_apart(void **state)
{
	struct rig *r = *state;
	struct store_wave w;

	put(r, "a", "0a", 1, WAVE_WITHDRAWN);
	w = row(r, "a");
	w.served_at = STORE_WAVE_UNTOLD;
	store_wave_put(r->store, &w);
	put(r, "b", "0a", 2, WAVE_RUNNING);
	w = row(r, "b");
	w.served_at = STORE_WAVE_UNTOLD;
	store_wave_put(r->store, &w);
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_non_null(strstr(seen.said, "cannot be rolled back"));
	look(r, cert(r, "b"));
	assert_int_not_equal(seen.told_b, 0);
	assert_int_equal(seen.told_a, 0);
}

/* That it was stopped is told until it is. */
static void
test_stopped(void **state)
{
	struct rig *r = *state;
	unsigned told;

	put(r, "a", "0a", 1, WAVE_RUNNING);
	decided(r, WAVES_STOP);
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_int_equal(row(r, "a").state, WAVE_STOPPED);
	assert_int_equal(row(r, "a").served_at, STORE_WAVE_UNTOLD);
	told = seen.told_a;
	assert_int_not_equal(told, 0);
	look(r, cert(r, "a"));
	assert_true(seen.told_a > told);
}

/* One that was stopped goes on where there are no waves any more; once. */
static void
test_no_waves(void **state)
{
	struct rig *r = *state;
	struct error err;

	put(r, "a", "0a", 1, WAVE_STOPPED);
	decided(r, WAVES_CONTINUE);
	seen.is_held = true;
	look(r, cert(r, "a"));
	assert_int_equal(row(r, "a").state, WAVE_DONE);
	assert_int_not_equal(seen.told_a, 0);
	assert_int_equal(waves_do(r->waves, cert(r, "a"), WAVES_CONTINUE,
	    &err), -1);
	assert_string_equal(err.code, "waves:none");
	/* ... but not an older one. */
	put(r, "a", "09", 1, WAVE_STOPPED);
	assert_int_equal(waves_do(r->waves, cert(r, "a"), WAVES_CONTINUE,
	    &err), -1);
}

/* What all may take waits for no wave that was added since. */
static void
test_more_waves(void **state)
{
	struct rig *r = *state;
	struct error err;

	put(r, "a", "0a", 2, WAVE_RUNNING);
	assert_true(wave_holds(cert(r, "a")));
	put(r, "a", "0a", 2, WAVE_DONE);
	assert_false(wave_holds(cert(r, "a")));
	assert_int_equal(waves_do(r->waves, cert(r, "a"), WAVES_CONTINUE,
	    &err), -1);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_done, setup, teardown),
		cmocka_unit_test_setup_teardown(test_done_by_another, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_of_another_version, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_lost, setup, teardown),
		cmocka_unit_test_setup_teardown(test_apart, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stopped, setup, teardown),
		cmocka_unit_test_setup_teardown(test_more_waves, setup,
		    teardown),
		cmocka_unit_test_setup_teardown(test_no_waves, setup_without,
		    teardown),
	};

	return cmocka_run_group_tests(tests, fixture_setup, fixture_teardown);
}
