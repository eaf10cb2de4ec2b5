/* SPDX-License-Identifier: MIT */
/* From a failed run to a message, over restarts and broken channels. */
#include "tests/unit/engine_rig.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/file.h"
#include "common/mem.h"
#include "daemon/alerts/notifier.h"
#include "daemon/alerts/queue.h"
#include "tests/fake/fake_channel.h"

#define OPS "notify \"ops\" { syslog = daemon }\n"
#define CERT(name) "certificate \"" name "\" { names = { \"" name \
    ".test\" } provider = dns }\n"
#define WEB CERT("web")
#define MANY 99999

static int
setup(void **state)
{
	fake_channel_reset();
	return erig_setup(state);
}

static int
teardown(void **state)
{
	int rc = erig_teardown(state);

	assert_int_equal(fake_channel.in_flight, 0);
	fake_channel_reset();
	return rc;
}
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

static void
ca_fails(unsigned times, enum err_kind kind, const char *code)
{
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], times, kind, code,
	    "the CA's own words");
}

/* The nth message has that subject; and no more than n + 1 came. */
static void
expect(size_t n, const char *subject)
{
	if (fake_channel.n != n + 1)
		fail_msg("%zu messages, the last: %s", fake_channel.n,
		    fake_channel.n > 0 ? fake_channel.got[fake_channel.n - 1].
		    subject : "-");
	assert_string_equal(fake_channel.got[n].subject, subject);
}

/* N tries, the message, a repeat each day, and that it is over. */
static void
test_life(void **state)
{
	struct erig *r = *state;

	ca_fails(MANY, ERR_TRANSIENT, "http:connect");
	erig_conf(r, OPS WEB);
	erig_up(r);
	erig_ends(r, 2);
	fake_time_pass(5 * MINUTE);
	assert_int_equal(fake_channel.n, 0);
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	expect(0, "[acmed] web: renewal fails");
	assert_non_null(strstr(fake_channel.got[0].text,
	    "the CA's own words"));
	assert_non_null(strstr(fake_channel.got[0].text,
	    "Step:         order"));
	assert_non_null(strstr(fake_channel.got[0].text, "Next try:"));
	fake_time_pass(23 * HOUR);
	assert_int_equal(fake_channel.n, 1);
	fake_time_pass(90 * MINUTE);
	expect(1, "[acmed] web: renewal fails");
	assert_non_null(strstr(fake_channel.got[1].text,
	    "Reported before"));
	fake_ca.rules[FAKE_NEW_ORDER].times = 0;
	fake_time_pass(2 * DAY);
	assert_int_equal(r->oks, 1);
	assert_string_equal(fake_channel.got[fake_channel.n - 1].subject,
	    "[acmed] web: works again, 89 days left");
	assert_true(fake_channel.n <= 4);
}

/* What is to be revoked and is not. */
static void
test_revocation(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_ca.rules[FAKE_REVOKE], MANY, ERR_TRANSIENT,
	    "acme:serverInternal", "out of order");
	erig_conf(r, OPS WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_replace_and_revoke(r->engine, "web", 1, false,
	    &err), 0);
	erig_ends(r, 1);
	fake_time_pass(6 * HOUR);
	expect(0, "[acmed] web: old certificate is not revoked");
	assert_non_null(strstr(fake_channel.got[0].text, "out of order"));
	assert_non_null(strstr(fake_channel.got[0].text,
	    "acmectl revoke --cancel web"));
	fake_ca.rules[FAKE_REVOKE].times = 0;
	fake_time_pass(6 * HOUR);
	assert_int_equal(fake_ca.revoked, 1);
	assert_int_equal(fake_channel.n, 2);
	assert_non_null(strstr(fake_channel.got[1].text,
	    "that was to be revoked is revoked"));
}

/* A certificate of another host has no account here. */
static void
test_source(void **state)
{
	struct erig *r = *state;
	const char *dir = r->scratch.dir;
	char *key = xasprintf("%s/key", dir), *text;
	struct error err;

	assert_int_equal(file_write_atomic(AT_FDCWD, key, 0600,
	    "0123456789abcdef0123456789abcdef", 32, &err), 0);
	text = xasprintf(OPS "repository \"r\" { type = directory "
	    "path = \"%s\" "
	    "hmac_key_file = \"%s\" }\n"
	    "certificate \"web\" { names = { \"a.test\" } source = r }\n",
	    dir, key);
	erig_conf(r, text);
	erig_up(r);
	erig_ends(r, 3);
	fake_time_pass(10 * MINUTE);
	expect(0, "[acmed] web: renewal fails");
	free(text);
	free(key);
}

/* A restart repeats nothing; a crash loses nothing. */
static void
test_restart(void **state)
{
	struct erig *r = *state;

	ca_fails(MANY, ERR_CONFIG, "acme:userActionRequired");
	erig_conf(r, OPS WEB);
	erig_up(r);
	erig_ends(r, 1);
	erig_crash(r);			/* before it was told */
	assert_int_equal(fake_channel.n, 0);
	erig_up(r);
	fake_time_pass(2 * MINUTE);
	expect(0, "[acmed] web: the CA refuses");
	for (int i = 0; i < 5; i++) {
		erig_crash(r);
		erig_up(r);
		fake_time_pass(MINUTE);
	}
	assert_int_equal(fake_channel.n, 1);
}

/* Killed with the message queued: it is sent after the start, with its id. */
static void
test_queued(void **state)
{
	struct erig *r = *state;
	char *id;

	fake_channel.failure = "smtp:connect";
	ca_fails(MANY, ERR_CONFIG, "acme:userActionRequired");
	erig_conf(r, OPS WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(20 * HOUR);		/* the server is down */
	assert_int_equal(fake_channel.n, 0);
	assert_in_range(fake_channel.tries, 20, 80);
	erig_crash(r);
	fake_channel.failure = NULL;
	fake_channel.hangs = true;
	erig_up(r);
	fake_time_pass(SECOND);
	assert_int_equal(fake_channel.in_flight, 1);
	erig_crash(r);
	fake_channel.hangs = false;
	erig_up(r);
	fake_time_pass(SECOND);
	expect(0, "[acmed] web: the CA refuses");
	id = fake_channel.got[0].id;
	assert_non_null(strstr(id, ".ops@"));
	erig_crash(r);
	erig_up(r);
	fake_time_pass(MINUTE);
	assert_int_equal(fake_channel.n, 1);
}

/* A hundred for one reason: one message, and one when it is over. */
static void
test_hundred(void **state)
{
	struct erig *r = *state;
	char *conf = xstrdup("max_renewals = 200\n" OPS);

	for (int i = 0; i < 100; i++) {
		char *longer = xasprintf("%scertificate \"c%02d\" { names = "
		    "{ \"c%02d.test\" } provider = dns }\n", conf, i, i);

		free(conf);
		conf = longer;
	}
	ca_fails(MANY, ERR_CONFIG, "acme:userActionRequired");
	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 100);
	fake_time_pass(2 * MINUTE);
	expect(0, "[acmed] c00 and 99 more: the CA refuses");
	assert_non_null(strstr(fake_channel.got[0].text, "and 80 more"));
	assert_non_null(strstr(fake_channel.got[0].text,
	    "100 certificates cannot"));
	free(conf);
}

/* It becomes urgent as the certificate gets old. */
static void
test_escalation(void **state)
{
	static const char *const want[] = {
		"renewal fails, 22 days left", "renewal fails, 11 days left",
		"EXPIRED",
	};
	struct erig *r = *state;
	size_t found = 0;

	erig_conf(r, OPS WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(fake_channel.n, 0);
	ca_fails(MANY, ERR_TRANSIENT, "acme:serverInternal");
	fake_time_pass(91 * DAY);
	/* One a day from the third failure on, and three that escalate. */
	assert_in_range(fake_channel.n, 28, 36);
	for (size_t i = 0; i < fake_channel.n && found < 3; i++) {
		if (strstr(fake_channel.got[i].subject, want[found]) != NULL)
			found++;
	}
	assert_int_equal(found, 3);
}

#define DEPLOYED "certificate \"web\" { names = { \"web.test\" } " \
    "provider = dns deploy \"a\" { exec = { \"/bin/true\" } " \
    "verify = { \"web.test:443\" } } }\n"

/* The new certificate is not served: the end of the one that is decides how
 * urgent that is, over a restart too. */
static void
test_serving_old(void **state)
{
	static const char *const want[] = {
		"web: old certificate served, 29 days left",
		"web: old certificate served, 22 days left",
		"web: old certificate served, 11 days left",
		"web: EXPIRED certificate is served",
	};
	struct erig *r = *state;
	size_t found = 0, critical = 0;
	struct error err;
	char *metrics, *line;
	time_t ends;

	erig_conf(r, OPS "notify \"c\" { syslog = daemon level = critical }\n"
	    DEPLOYED);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	ends = erig_row(r, "web")->not_after;
	fake_time_pass(59 * DAY);
	fake_rule_fail(&fake_deploy.rule, MANY, ERR_TRANSIENT,
	    "deploy:verify-old", "web.test:443 serves the old one");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_true(erig_row(r, "web")->not_after > ends);
	fake_time_pass(10 * DAY);
	erig_crash(r);
	erig_up(r);
	metrics = engine_gauge(r->engine, ENGINE_GAUGE_SERVED, "web");
	line = xasprintf("acmed_served_expiry_timestamp_seconds{name=\"web\","
	    "target=\"a\"} %lld\n", (long long)ends);
	assert_string_equal(metrics, line);
	free(metrics);
	metrics = engine_gauge(r->engine, ENGINE_GAUGE_MATCH, "web");
	assert_string_equal(metrics,
	    "acmed_served_match{name=\"web\",target=\"a\"} 0\n");
	free(line);
	free(metrics);
	fake_time_pass(21 * DAY);
	for (size_t i = 0; i < fake_channel.n; i++) {
		const struct fake_message *m = &fake_channel.got[i];

		critical += strcmp(m->channel, "c") == 0;
		if (found < N_ELEMENTS(want) &&
		    strstr(m->subject, want[found]) != NULL)
			found++;
		assert_non_null(strstr(m->text, "New expires:"));
		assert_non_null(strstr(m->text, "Next try:"));
	}
	assert_int_equal(found, N_ELEMENTS(want));
	/* From an eighth on, daily and at the end. */
	assert_in_range(critical, 12, 16);
	fake_deploy.rule.times = 0;
	fake_time_pass(2 * HOUR);
	assert_string_equal(fake_channel.got[fake_channel.n - 1].subject,
	    "[acmed] web: works again, 58 days left");
	metrics = engine_gauge(r->engine, ENGINE_GAUGE_MATCH, "web");
	assert_string_equal(metrics,
	    "acmed_served_match{name=\"web\",target=\"a\"} 1\n");
	free(metrics);
}

/* What was seen counts, not what should have been there. */
static void
test_seen(void **state)
{
	struct erig *r = *state;
	time_t now;

	fake_rule_fail(&fake_deploy.rule, MANY, ERR_TRANSIENT,
	    "deploy:verify-other", "web.test:443 serves another one");
	now = clock_now();
	fake_deploy.seen_before = now - 88 * DAY / 1000;
	fake_deploy.seen_after = now + 2 * DAY / 1000;
	erig_conf(r, OPS DEPLOYED);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	/* Not only after three tries: it is urgent. */
	expect(0, "[acmed] web: deploy fails, 2 days left");
	fake_time_pass(3 * DAY);
	assert_string_equal(fake_channel.got[fake_channel.n - 1].subject,
	    "[acmed] web: not deployed, old one EXPIRED");
}

/* Each channel hears what it asked for. */
static void
test_filters(void **state)
{
	struct erig *r = *state;

	ca_fails(MANY, ERR_CONFIG, "acme:userActionRequired");
	erig_conf(r, "notify \"a\" { syslog = daemon certificates = { \"m*\" "
	    "} }\nnotify \"b\" { syslog = daemon level = critical }\n"
	    "notify \"c\" { syslog = daemon language = zh }\n"
	    WEB CERT("mail"));
	erig_up(r);
	erig_ends(r, 2);
	fake_time_pass(2 * MINUTE);
	assert_int_equal(fake_channel.n, 2);
	assert_string_equal(fake_channel.got[0].channel, "a");
	assert_string_equal(fake_channel.got[0].subject,
	    "[acmed] mail: the CA refuses");
	assert_string_equal(fake_channel.got[1].channel, "c");
	assert_string_equal(fake_channel.got[1].subject,
	    "[acmed] mail 等 2 个证书：CA 拒绝请求");
}

static void
test_renewed(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "notify \"a\" { syslog = daemon events = { all } }\n"
	    OPS WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(10 * SECOND);
	erig_crash(r);			/* it was not told yet */
	erig_up(r);
	fake_time_pass(MINUTE);
	expect(0, "[acmed] web: renewed, 89 days left");
	assert_string_equal(fake_channel.got[0].channel, "a");
	fake_time_pass(2 * DAY);
	assert_int_equal(fake_channel.n, 3);	/* digests */
	assert_string_equal(fake_channel.got[2].subject,
	    "[acmed] daily digest: all is well");
}

static void
test_reload_error(void **state)
{
	struct erig *r = *state;

	erig_conf(r, OPS);
	erig_up(r);
	engine_set_reload_error(r->engine, "acmed.conf:1: a mistake");
	fake_time_pass(MINUTE);
	expect(0, "[acmed] mistakes in the configuration");
	engine_set_reload_error(r->engine, NULL);
	fake_time_pass(MINUTE);
	assert_int_equal(fake_channel.n, 2);
	assert_non_null(strstr(fake_channel.got[1].text,
	    "The configuration has been reloaded."));
}

/* A refused address does not keep another from being told. */
static void
test_targets(void **state)
{
	struct erig *r = *state;
	json_t *status, *notify;

	fake_channel.refused_target = "gone@test";
	ca_fails(MANY, ERR_CONFIG, "acme:userActionRequired");
	erig_conf(r, "notify \"m\" { mail_to = { \"gone@test\", \"here@test\""
	    " } smtp = \"smtp://h\" }\n" WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(2 * MINUTE);
	expect(0, "[acmed] web: the CA refuses");
	assert_string_equal(fake_channel.got[0].target, "here@test");
	fake_time_pass(DAY / 2);
	status = engine_status(r->engine);
	notify = json_array_get(json_object_get(status, "notify"), 0);
	assert_string_equal(json_string_value(json_object_get(notify,
	    "state")), "failing");
	assert_int_equal(json_integer_value(json_object_get(notify,
	    "queued")), 1);
	json_decref(status);
	fake_time_pass(3 * DAY);
	assert_true(fake_channel.tries < 400);
}

/* The queue is bounded; what was dropped is told. */
static void
test_bounded(void **state)
{
	struct erig *r = *state;
	struct queue *o;
	struct notice n = { .event = NEV_CONFIG, .level = NLEV_WARNING,
	    .code = "", .who = "" };

	erig_conf(r, OPS);
	erig_up(r);
	o = notifier_queue(r->engine->notifier);
	fake_channel.failure = "smtp:connect";
	for (int i = 0; i < QUEUE_MAX + 10; i++) {
		n.at = clock_now();
		n.what = i % 2 ? NOTICE_REPEAT : NOTICE_NEW;
		queue_put(o, &n, NEV_BIT(NEV_CONFIG), NLEV_WARNING);
	}
	fake_time_pass(MINUTE);
	erig_crash(r);
	fake_channel.failure = NULL;
	erig_up(r);
	o = notifier_queue(r->engine->notifier);
	fake_time_pass(MINUTE);
	assert_int_equal(fake_channel.n, QUEUE_MAX);
	assert_null(strstr(fake_channel.got[0].text, "dropped"));
	n.at = clock_now();
	queue_put(o, &n, NEV_BIT(NEV_CONFIG), NLEV_WARNING);
	fake_time_pass(MINUTE);
	assert_int_equal(fake_channel.n, QUEUE_MAX + 1);
}

static void
test_test_message(void **state)
{
	struct erig *r = *state;
	struct error err;
	json_t *j;
	char *text;

	erig_conf(r, OPS "notify \"b\" { syslog = daemon language = zh }\n");
	erig_up(r);
	assert_null(engine_notify_test(r->engine, "op", &err));
	assert_string_equal(err.msg, "there is no channel \"op\" to send "
	    "messages on; did you mean \"ops\"?");
	j = engine_notify_test(r->engine, NULL, &err);
	text = json_dumps(j, JSON_COMPACT);
	assert_string_equal(text, "{\"started\":[\"b\",\"ops\"]}");
	free(text);
	json_decref(j);
	assert_null(engine_notify_test(r->engine, NULL, &err));
	assert_string_equal(err.code, "notify:busy");
	fake_time_pass(SECOND);
	assert_int_equal(fake_channel.n, 2);
	assert_string_equal(fake_channel.got[0].subject, "[acmed] 测试消息");
	j = engine_notify_results(r->engine);
	assert_true(json_is_false(json_object_get(j, "running")));
	json_decref(j);
	fake_channel.failure = "smtp:connect";
	j = engine_notify_test(r->engine, "ops", &err);
	json_decref(j);
	erig_down(r);				/* midway */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_revocation), TEST(test_life),
		TEST(test_source),
		TEST(test_restart),
		TEST(test_queued),
		TEST(test_hundred),
		TEST(test_escalation),
		TEST(test_serving_old),
		TEST(test_seen),
		TEST(test_filters),
		TEST(test_renewed),
		TEST(test_reload_error),
		TEST(test_targets),
		TEST(test_bounded),
		TEST(test_test_message),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
