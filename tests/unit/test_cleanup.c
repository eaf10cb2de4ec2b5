/* SPDX-License-Identifier: MIT */
/* Every TXT record is removed again, whatever happens. */
#include "tests/unit/engine_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/dns/zone.h"

#define CONF ""
#define FQDN "_acme-challenge.example.test"

/* An engine without certificates; its clean-up works. */
static struct cleanup *
begin(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CONF);
	erig_up(r);
	return r->engine->cleanup;
}

static struct txtrec *
acquire_at(struct cleanup *c, const char *fqdn, const char *provider,
    const char *value)
{
	struct zone zone = { .apex = "example.test" };
	struct txtrec *t;

	(void)text_printf(zone.fqdn, sizeof(zone.fqdn), "%s", fqdn);
	t = cleanup_acquire(c, "web", provider, "example.test", &zone, value);
	return t;
}

static struct txtrec *
acquire(struct cleanup *c, const char *value)
{
	return acquire_at(c, FQDN, "dns", value);
}

/* Claimed, added, and given up. */
static void
leave(struct cleanup *c, const char *value)
{
	struct txtrec *t = acquire(c, value);

	fake_dns_put(FQDN, value);
	txtrec_set_added(t, "handle-1");
	txtrec_release(t);
}

static void
expect_log(const char *log)
{
	assert_string_equal(fake_dns.log, log);
	fake_dns.log[0] = '\0';
}

/* "STATE/TRIES ..." of all rows. */
static void
expect_rows(struct cleanup *c, const char *rows)
{
	json_t *list = cleanup_json(c), *o;
	char *all = xstrdup("");
	size_t i;

	json_array_foreach(list, i, o) {
		char *more = xasprintf("%s%s/%d ", all, json_string_value(
		    json_object_get(o, "state")), (int)json_integer_value(
		    json_object_get(o, "tries")));

		free(all);
		all = more;
	}
	assert_string_equal(all, rows);
	free(all);
	json_decref(list);
}

static void
test_acquire(void **state)
{
	struct cleanup *c = begin(state);
	struct txtrec *t = acquire(c, "v1");

	assert_string_equal(txtrec_fqdn(t), FQDN);
	assert_string_equal(txtrec_value(t), "v1");
	assert_string_equal(txtrec_provider(t), "dns");
	assert_string_equal(txtrec_identifier(t), "example.test");
	assert_string_equal(txtrec_zone(t)->apex, "example.test");
	expect_rows(c, "in use/0 ");
	txtrec_set_added(t, "handle-1");
	fake_dns_put(FQDN, "v1");
	fake_time_pass(DAY);		/* in use: nobody touches it */
	expect_log("");
	txtrec_release(t);
	txtrec_release(NULL);
	expect_rows(c, "added/0 ");
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " v1\n");
	expect_rows(c, "");
	assert_int_equal(fake_dns_count(), 0);
}

static bool
held(const struct cert *c, void *arg)
{
	assert_string_equal(c->row.name, "web");
	return *(const bool *)arg;
}

static void
count(const struct store_txt *row, void *arg)
{
	assert_string_equal(row->cert, "web");
	++*(int *)arg;
}

/* Where several daemons share a certificate, who does not hold it removes
 * nothing; whoever takes it over does. */
static void
test_shared(void **state)
{
	struct erig *r = *state;
	struct cleanup *c = begin(state);
	struct store_txt other = { .cert = "web", .provider = "dns",
	    .identifier = "example.test", .fqdn = FQDN, .zone = "example.test",
	    .value = "v2", .handle = "handle-2", .state = TXT_ADDED,
	    .retry_at = clock_now() + 86400 };
	bool is_held = false;
	int n = 0;

	(void)certs_add(r->engine->certs, "web");
	r->engine->certs->held = held;
	r->engine->certs->held_arg = &is_held;
	leave(c, "v1");
	leave(c, CLEANUP_PROBE_HEAD "x");	/* nobody else has that */
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " " CLEANUP_PROBE_HEAD "x\n");
	expect_rows(c, "added/0 ");
	cleanup_each(c, "web", count, &n);
	assert_int_equal(n, 1);
	/* Another one has it now: it is forgotten here, and stays there. */
	cleanup_drop(c, "web");
	fake_time_pass(DAY);
	expect_log("");
	expect_rows(c, "");
	assert_int_equal(fake_dns_count(), 1);
	/* We take it over, with what both have written; one value twice. */
	is_held = true;
	fake_dns_put(FQDN, "v2");
	cleanup_adopt(c, &other);
	cleanup_adopt(c, &other);
	expect_rows(c, "added/0 ");
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " v2\n");
	expect_rows(c, "");
}

/* The certificate is fetched from another host now: the record still goes. */
static void
test_source(void **state)
{
	struct erig *r = *state;
	char *key = xasprintf("%s/key", r->scratch.dir), *text;
	struct error err;

	assert_int_equal(file_write_atomic(AT_FDCWD, key, 0600,
	    "0123456789abcdef0123456789abcdef", 32, &err), 0);
	text = xasprintf("repository \"r\" { type = directory path = \"%s\" "
	    "hmac_key_file = \"%s\" }\n"
	    "certificate \"web\" { names = { \"a.test\" } source = r }\n",
	    r->scratch.dir, key);
	erig_conf(r, text);
	erig_up(r);
	leave(r->engine->cleanup, "v1");
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " v1\n");
	expect_rows(r->engine->cleanup, "");
	free(text);
	free(key);
}

/* What a dry run leaves goes by the settings of the certificate it tries. */
static void
test_dry_run(void **state)
{
	struct erig *r = *state;
	struct zone zone = { .apex = "example.test", .fqdn = FQDN };
	struct txtrec *t;

	erig_conf(r, "certificate \"web\" { names = { \"a.test\" } "
	    "provider = dns propagation = none propagation_delay = 1s }\n");
	erig_up(r);
	erig_ends(r, 1);
	t = cleanup_acquire(r->engine->cleanup, "dry-run:web", "dns",
	    "example.test", &zone, "v1");
	fake_dns_put(FQDN, "v1");
	txtrec_set_added(t, "handle-1");
	txtrec_release(t);
	fake_time_pass(HOUR);
	expect_rows(r->engine->cleanup, "");
	assert_int_equal(fake_dns.calls[FAKE_GONE], 0);
}

/* Whether the add got through is not known: it may come late. */
static void
test_uncertain(void **state)
{
	struct cleanup *c = begin(state);

	txtrec_release(acquire(c, "v1"));
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " v1\n");
	expect_rows(c, "removing/0 ");
	fake_dns_put(FQDN, "v1");	/* late */
	fake_time_pass(18 * SECOND);
	expect_log("");
	fake_time_pass(5 * SECOND);
	expect_log("- dns " FQDN " v1\n");
	expect_rows(c, "");
	assert_int_equal(fake_dns_count(), 0);
}

/* All values of a name that one provider has go in one call, up to 20. */
static void
test_groups(void **state)
{
	struct cleanup *c = begin(state);
	struct txtrec *t[50];
	char value[16];

	for (size_t i = 0; i < N_ELEMENTS(t); i++) {
		(void)snprintf(value, sizeof(value), "v%zu", i);
		t[i] = acquire_at(c, i < 45 ? FQDN : "_acme-challenge.b.test",
		    i == 44 ? "dns2" : "dns", value);
		txtrec_set_added(t[i], "");
	}
	for (size_t i = 0; i < N_ELEMENTS(t); i++)
		txtrec_release(t[i]);
	fake_time_pass(SECOND);
	/* 44 at dns in threes, one at dns2, 5 of another name. */
	assert_int_equal(fake_dns.calls[FAKE_REMOVE], 5);
	assert_int_equal(fake_dns.calls[FAKE_GONE], 5);
	expect_rows(c, "");
}

static void
test_acquire_again(void **state)
{
	struct cleanup *c = begin(state);
	struct txtrec *t;

	/* A removal under way is given up; its companions go on. */
	leave(c, "v1");
	leave(c, "v2");
	ERIG_UNTIL(fake_dns.calls[FAKE_REMOVE] == 1);
	t = acquire(c, "v1");
	expect_rows(c, "in use/0 removing/0 ");
	txtrec_set_added(t, "");
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " v2\n");
	expect_rows(c, "in use/0 ");
	assert_true(fake_dns_has(FQDN, "v1"));
	txtrec_release(t);
	fake_time_pass(SECOND);
	expect_log("- dns " FQDN " v1\n");
	expect_rows(c, "");
	/* Other values are other rows, even of the same name. */
	t = acquire(c, "v3");
	assert_ptr_not_equal(t, acquire(c, "v4"));
	assert_int_equal(cleanup_count(c), 2);
}

/* --- failures --- */

static void
test_failure(void **state)
{
	struct cleanup *c = begin(state);
	struct erig *r = *state;
	json_t *list;

	fake_rule_fail(&fake_dns.rules[FAKE_REMOVE], 4, ERR_TRANSIENT,
	    "http:timeout", "dns: no answer");
	leave(c, "v1");
	fake_time_pass(SECOND);
	expect_rows(c, "removing/1 ");
	list = cleanup_json(c);
	assert_string_equal(json_string_value(json_object_get(json_array_get(
	    list, 0), "error")), "dns: no answer");
	json_decref(list);
	assert_true(erig_told(r, "is not removed yet: dns: no answer"));
	fake_time_pass(80 * SECOND);
	expect_rows(c, "removing/2 ");
	fake_time_pass(7 * MINUTE);
	expect_rows(c, "removing/2 ");
	fake_time_pass(6 * MINUTE);
	expect_rows(c, "removing/3 ");
	/* From now on about every hour; also over a restart. */
	fake_time_pass(40 * MINUTE);
	expect_rows(c, "removing/3 ");
	erig_down(r);
	erig_up(r);
	c = r->engine->cleanup;
	expect_rows(c, "removing/3 ");
	fake_time_pass(35 * MINUTE);
	expect_rows(c, "removing/4 ");
	fake_time_pass(75 * MINUTE);
	expect_rows(c, "");
	expect_log("- dns " FQDN " v1\n");
}

static void
test_retry_after(void **state)
{
	struct cleanup *c = begin(state);

	fake_rule_fail(&fake_dns.rules[FAKE_REMOVE], 1, ERR_RATELIMIT,
	    "provider:throttled", "dns: later");
	fake_dns.rules[FAKE_REMOVE].err.retry_at = RIG_NOW + 7200;
	leave(c, "v1");
	fake_time_pass(119 * MINUTE);
	expect_rows(c, "removing/1 ");
	fake_time_pass(10 * MINUTE);
	expect_rows(c, "");
	/* A week is the longest. */
	fake_dns.rules[FAKE_REMOVE].times = 1;
	fake_dns.rules[FAKE_REMOVE].err.retry_at = RIG_NOW + 365 * 86400;
	leave(c, "v1");
	fake_time_pass(6 * DAY);
	expect_rows(c, "removing/1 ");
	fake_time_pass(2 * DAY);
	expect_rows(c, "");
}

/* The clock was wrong by years when a removal failed. */
static void
test_clock_jump_back(void **state)
{
	struct cleanup *c = begin(state);

	fake_time_jump(3 * 365 * 86400);
	fake_rule_fail(&fake_dns.rules[FAKE_REMOVE], 1, ERR_TRANSIENT,
	    "http:tls", "certificate has expired");
	leave(c, "v1");
	fake_time_pass(SECOND);
	expect_rows(c, "removing/1 ");
	fake_time_jump(-3 * 365 * 86400);
	fake_time_pass(HOUR);
	expect_rows(c, "");
}

/* Removed, says the provider; the servers show it still. */
static void
test_not_confirmed(void **state)
{
	struct cleanup *c = begin(state);

	leave(c, "v1");
	ERIG_UNTIL(fake_dns.calls[FAKE_GONE] == 1);
	fake_dns_put(FQDN, "v1");
	fake_time_pass(9 * MINUTE);
	expect_rows(c, "removing/0 ");
	fake_time_pass(90 * SECOND);
	expect_rows(c, "removing/1 ");
	fake_time_pass(2 * MINUTE);	/* removed once more */
	expect_rows(c, "");
	expect_log("- dns " FQDN " v1\n- dns " FQDN " v1\n");
}

static void
test_retry_on_reload(void **state)
{
	struct cleanup *c = begin(state);

	fake_rule_fail(&fake_dns.rules[FAKE_REMOVE], 1, ERR_CONFIG,
	    "provider:credentials", "dns: no entry");
	leave(c, "v1");
	fake_time_pass(10 * SECOND);
	expect_rows(c, "removing/1 ");
	free(erig_reload(*state, CONF));
	fake_time_pass(SECOND);
	expect_rows(c, "");
}

static void
test_provider_gone(void **state)
{
	struct cleanup *c = begin(state);
	struct erig *r = *state;

	txtrec_set_added(acquire_at(c, FQDN, "old", "v1"), "");
	fake_dns_put(FQDN, "v1");
	erig_crash(r);
	erig_up(r);
	c = r->engine->cleanup;
	fake_time_pass(10 * SECOND);
	expect_rows(c, "removing/1 ");
	assert_true(erig_told(r, "provider \"old\" is not in the "
	    "configuration any more"));
	fake_time_pass(DAY);		/* told again, but not often */
	assert_in_range(fake_dns.calls[FAKE_REMOVE], 0, 0);
	free(erig_reload(r, "provider \"old\" { type = bare }\n"));
	fake_time_pass(SECOND);
	expect_log("- old " FQDN " v1\n");
	expect_rows(c, "");
}

/* The provider refused to add it: no removal, no word, if nobody shows it. */
static void
test_refused(void **state)
{
	struct cleanup *c = begin(state);
	struct txtrec *t = acquire(c, "v1");

	fake_dns.log[0] = '\0';
	txtrec_set_refused(t);
	txtrec_release(t);
	fake_time_pass(SECOND);
	expect_rows(c, "");
	expect_log("");

	/* One that is there all the same is removed. */
	t = acquire(c, "v2");
	fake_dns_put(FQDN, "v2");
	txtrec_set_refused(t);
	txtrec_release(t);
	fake_time_pass(10 * SECOND);
	expect_rows(c, "");
	expect_log("- dns " FQDN " v2\n");

	/* What was added before may be there, whatever is refused now. */
	leave(c, "v3");
	t = acquire(c, "v3");
	txtrec_set_refused(t);
	txtrec_release(t);
	fake_time_pass(MINUTE);
	expect_rows(c, "");
	expect_log("- dns " FQDN " v3\n- dns " FQDN " v3\n");
}

/*
 * Refused for good, or nobody left to ask, but no server shows it: no alarm,
 * and after a day it is forgotten.  Never before, since it may be on its way.
 */
static void
test_never_there(void **state)
{
	struct cleanup *c = begin(state);
	struct txtrec *t = acquire_at(c, FQDN, "old", "v1");

	txtrec_release(t);
	fake_time_pass(10 * HOUR);
	assert_int_equal(cleanup_count(c), 1);
	{
		json_t *list = cleanup_json(c), *o = json_array_get(list, 0);

		assert_true(json_is_true(json_object_get(o, "absent")));
		assert_true(json_is_false(json_object_get(o, "stuck")));
		json_decref(list);
	}
	fake_time_pass(3 * DAY);
	assert_int_equal(cleanup_count(c), 0);

	/* One that is shown is never forgotten, and told. */
	t = acquire_at(c, FQDN, "old", "v2");
	fake_dns_put(FQDN, "v2");
	txtrec_release(t);
	fake_time_pass(4 * DAY);
	{
		json_t *list = cleanup_json(c), *o = json_array_get(list, 0);

		assert_true(json_is_true(json_object_get(o, "stuck")));
		json_decref(list);
	}
}

/* --- restart --- */

static void
put_row(struct erig *r, const char *value, enum txt_state state_,
    time_t retry_at)
{
	struct store_txt row = { .cert = "web", .provider = "dns",
	    .identifier = "example.test", .fqdn = FQDN,
	    .zone = "example.test", .state = state_, .retry_at = retry_at,
	    .tries = retry_at != 0 };

	(void)text_printf(row.value, sizeof(row.value), "%s", value);
	store_txt_put(r->store, &row);
	fake_dns_put(FQDN, value);
}

static void
test_restart(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CONF);
	erig_open(r);
	put_row(r, "v1", TXT_ADDING, 0);
	put_row(r, "v2", TXT_ADDED, 0);
	put_row(r, "v3", TXT_REMOVING, 0);
	put_row(r, "v4", TXT_REMOVING, RIG_NOW + 3600);
	erig_crash(r);
	fake_rule_fail(&fake_dns.rules[FAKE_ZONE], 1, ERR_TRANSIENT,
	    "dns:resolver", "nobody answers");
	erig_up(r);
	fake_time_pass(SECOND);
	/* They are gone, but where to look for them was not found. */
	expect_rows(r->engine->cleanup,
	    "adding/1 removing/1 removing/1 removing/1 ");
	expect_log("- dns " FQDN " v1 v2 v3\n");
	fake_time_pass(3 * MINUTE);
	expect_rows(r->engine->cleanup, "removing/1 ");
	fake_time_pass(HOUR);
	expect_rows(r->engine->cleanup, "");
	assert_int_equal(fake_dns_count(), 0);
}

/* --- waiting --- */

static void
over_cb(void *arg)
{
	(*(unsigned *)arg)++;
}

static void
test_wait(void **state)
{
	struct cleanup *c = begin(state);
	unsigned tried = 0, idle = 0, other = 0, late = 0;

	fake_dns.latency_ms = 1000;
	leave(c, "v1");
	(void)cleanup_wait_start(c, "web", CLEANUP_TRIED, 60000, over_cb,
	    &tried);
	(void)cleanup_wait_start(c, NULL, CLEANUP_TRIED, 100, over_cb, &late);
	(void)cleanup_wait_start(c, "other", CLEANUP_TRIED, 60000, over_cb,
	    &other);
	assert_int_equal(other, 0);	/* not from start */
	fake_time_pass(50);
	assert_int_equal(other, 1);	/* no rows: at once */
	(void)cleanup_wait_start(c, "web", CLEANUP_IDLE, 60000, over_cb,
	    &idle);
	fake_time_pass(100);
	assert_int_equal(late, 1);	/* the limit */
	assert_int_equal(tried + idle, 0);
	fake_time_pass(900);
	assert_int_equal(tried, 1);	/* the provider has answered */
	assert_int_equal(idle, 1);
	expect_rows(c, "removing/0 ");
	fake_time_pass(2 * SECOND);
	expect_rows(c, "");
	fake_time_pass(HOUR);
	assert_int_equal(tried + idle + other + late, 4);
}

static void
test_wait_failure(void **state)
{
	struct cleanup *c = begin(state);
	unsigned over = 0;

	fake_rule_fail(&fake_dns.rules[FAKE_REMOVE], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	leave(c, "v1");
	(void)cleanup_wait_start(c, NULL, CLEANUP_TRIED, 60000, over_cb,
	    &over);
	fake_time_pass(10);
	assert_int_equal(over, 1);
}

/* A row that is not due will not be tried: nobody waits for it. */
static void
test_wait_not_due(void **state)
{
	struct erig *r = *state;
	int64_t begun;

	erig_conf(r, CONF);
	erig_open(r);
	put_row(r, "v1", TXT_REMOVING, RIG_NOW + 3600);
	erig_crash(r);
	erig_up(r);
	fake_time_pass(SECOND);
	begun = clock_mono_ms();
	erig_down(r);
	assert_true(clock_mono_ms() - begun < 100);
}

static void
test_wait_cancel(void **state)
{
	struct cleanup *c = begin(state);
	struct cleanup_wait_op *op;
	unsigned over = 0;

	cleanup_wait_cancel(NULL);
	leave(c, "v1");
	for (int i = 0; i < 4; i++) {
		op = cleanup_wait_start(c, NULL, CLEANUP_TRIED, 60000,
		    over_cb, &over);
		if (i > 0)
			(void)fake_time_step();
		cleanup_wait_cancel(op);
	}
	fake_time_pass(HOUR);
	assert_int_equal(over, 0);
	expect_rows(c, "");
}

/* A provider that never answers holds neither stop nor the next start. */
static void
test_stop(void **state)
{
	struct cleanup *c = begin(state);
	struct erig *r = *state;

	fake_rule_hang(&fake_dns.rules[FAKE_REMOVE]);
	leave(c, "v1");
	fake_time_pass(SECOND);
	erig_down(r);
	assert_int_equal(fake_dns_count(), 1);
	erig_up(r);
	fake_time_pass(SECOND);
	expect_rows(r->engine->cleanup, "");
	assert_int_equal(fake_dns_count(), 0);
}

static void
test_pause(void **state)
{
	struct cleanup *c = begin(state);

	leave(c, "v1");
	ERIG_UNTIL(fake_dns.in_flight == 1);
	cleanup_pause(c);
	assert_int_equal(fake_dns.in_flight, 0);
	fake_time_pass(DAY);
	expect_rows(c, "removing/0 ");
	cleanup_start(c);
	fake_time_pass(SECOND);
	expect_rows(c, "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_acquire), ERIG_TEST(test_shared),
		ERIG_TEST(test_source),
		ERIG_TEST(test_dry_run),
		ERIG_TEST(test_uncertain),
		ERIG_TEST(test_groups),
		ERIG_TEST(test_acquire_again),
		ERIG_TEST(test_failure),
		ERIG_TEST(test_retry_after),
		ERIG_TEST(test_clock_jump_back),
		ERIG_TEST(test_not_confirmed),
		ERIG_TEST(test_retry_on_reload),
		ERIG_TEST(test_provider_gone),
		ERIG_TEST(test_refused),
		ERIG_TEST(test_never_there),
		ERIG_TEST(test_restart),
		ERIG_TEST(test_wait),
		ERIG_TEST(test_wait_failure),
		ERIG_TEST(test_wait_not_due),
		ERIG_TEST(test_wait_cancel),
		ERIG_TEST(test_stop),
		ERIG_TEST(test_pause),
	};

	return cmocka_run_group_tests_name("cleanup", tests,
	    erig_group_setup, erig_group_teardown);
}
