/* SPDX-License-Identifier: MIT */
/* When people are told, of what, and when again. */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/alerts/alarm.h"
#include "daemon/rollout/rollout.h"
#include "daemon/watches/watches.h"

#define DAY	86400
#define NOW	1800000000

static const struct conf_alarm policy = { .after_tries = 3, .gather_s = 30,
    .repeat_s = DAY, .digest_at_s = 8 * 3600 };

static void
test_stage(void **state)
{
	static const struct {
		int lifetime, renew_before, left;	/* days */
		enum alarm_stage want;
	} cases[] = {
		{ 90, 30, 30, STAGE_FINE },
		{ 90, 30, 23, STAGE_FINE },
		{ 90, 30, 22, STAGE_QUARTER },
		{ 90, 30, 12, STAGE_QUARTER },
		{ 90, 30, 11, STAGE_EIGHTH },
		{ 90, 30, 1, STAGE_EIGHTH },
		{ 90, 30, 0, STAGE_EXPIRED },
		{ 90, 30, -5, STAGE_EXPIRED },
		{ 90, 10, 8, STAGE_FINE },	/* late by choice */
		{ 90, 10, 7, STAGE_QUARTER },
		{ 90, 10, 3, STAGE_EIGHTH },
		{ 6, 30, 2, STAGE_FINE },	/* short-lived */
		{ 6, 30, 1, STAGE_QUARTER },
		{ 398, 30, 29, STAGE_FINE },
		{ 398, 30, 22, STAGE_QUARTER },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		time_t end = NOW + (time_t)cases[i].left * DAY;
		enum alarm_stage got = alarm_stage(end -
		    (time_t)cases[i].lifetime * DAY, end,
		    cases[i].renew_before * (int64_t)DAY, NOW);

		if (got != cases[i].want)
			fail_msg("case %zu: %d", i, got);
	}
}

static void
test_cert(void **state)
{
	static const struct {
		int left;		/* days of 90; -99: no certificate */
		unsigned failures;
		enum err_kind kind;
		const char *code;
		int rc;
		bool is_ripe;
		enum notify_event event;
		enum notify_level level;
		const char *cause;
	} cases[] = {
		{ 60, 0, ERR_NONE, NULL, -1, false, 0, 0, NULL },
		{ -99, 0, ERR_NONE, NULL, -1, false, 0, 0, NULL },
		{ 29, 1, ERR_TRANSIENT, "http:connect", 0, false, NEV_FAILED,
		    NLEV_WARNING, "http:connect" },
		{ 29, 2, ERR_TRANSIENT, "http:connect", 0, false, NEV_FAILED,
		    NLEV_WARNING, "http:connect" },
		{ 29, 3, ERR_TRANSIENT, "http:connect", 0, true, NEV_FAILED,
		    NLEV_WARNING, "http:connect" },
		{ 20, 1, ERR_TRANSIENT, "http:connect", 0, true, NEV_FAILED,
		    NLEV_WARNING, "http:connect" },
		{ 10, 1, ERR_TRANSIENT, "acme:serverInternal", 0, true,
		    NEV_FAILED, NLEV_CRITICAL, "acme:serverInternal ca" },
		{ -1, 9, ERR_REJECTED, "acme:caa", 0, true, NEV_FAILED,
		    NLEV_CRITICAL, "acme:caa ca" },
		{ 29, 1, ERR_CONFIG, "provider:credentials", 0, true,
		    NEV_CREDENTIALS, NLEV_WARNING,
		    "provider:credentials dns" },
		{ 29, 1, ERR_RATELIMIT, "acme:rateLimited", 0, true,
		    NEV_ACCOUNT, NLEV_WARNING, "acme:rateLimited ca" },
		{ 29, 1, ERR_CONFIG, "acme:userActionRequired", 0, true,
		    NEV_ACCOUNT, NLEV_WARNING, "acme:userActionRequired ca" },
		{ 29, 1, ERR_CONFIG, "provider:no-zone", 0, true, NEV_FAILED,
		    NLEV_WARNING, "provider:no-zone dns" },
		{ 20, 0, ERR_NONE, NULL, 0, true, NEV_EXPIRING, NLEV_WARNING,
		    "expiring" },
		{ 5, 0, ERR_NONE, NULL, 0, true, NEV_EXPIRING, NLEV_CRITICAL,
		    "expiring" },
		{ 29, 1, ERR_REJECTED, "manifest:mac", 0, true,
		    NEV_REPOSITORY, NLEV_CRITICAL, "manifest:mac" },
		{ 29, 1, ERR_REJECTED, "fetch:older", 0, true,
		    NEV_REPOSITORY, NLEV_CRITICAL, "fetch:older" },
		{ 29, 1, ERR_TRANSIENT, "fetch:names", 0, false,
		    NEV_FAILED, NLEV_WARNING, "fetch:names" },
		{ -99, 1, ERR_TRANSIENT, "x", 0, false, NEV_FAILED,
		    NLEV_WARNING, "x" },
		{ -99, 3, ERR_TRANSIENT, "x", 0, true, NEV_FAILED,
		    NLEV_WARNING, "x" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		time_t end = NOW + (time_t)cases[i].left * DAY;
		struct error err = { .kind = cases[i].kind, .msg = "m" };
		struct alarm_cert in = { .name = "web",
		    .has_cert = cases[i].left != -99, .not_after = end,
		    .not_before = end - 90 * DAY, .renew_before_s = 30 * DAY,
		    .failures = cases[i].failures, .account = "ca",
		    .provider = "dns",
		    .error = cases[i].code != NULL ? &err : NULL };
		struct alarm_fact f;
		int rc;

		if (cases[i].code != NULL)
			(void)text_printf(err.code, sizeof(err.code), "%s",
			    cases[i].code);
		rc = alarm_judge_cert(&in, &policy, NOW, &f);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d", i, rc);
		if (rc == -1)
			continue;
		if (f.is_ripe != cases[i].is_ripe || f.event !=
		    cases[i].event || f.level != cases[i].level ||
		    strcmp(f.cause, cases[i].cause) != 0)
			fail_msg("case %zu: %d %d %d %s", i, f.is_ripe,
			    f.event, f.level, f.cause);
		assert_true(f.events & NEV_BIT(f.event));
		assert_string_equal(f.key, "failed web");
	}
}

static void
test_act(void **state)
{
	static const struct {
		bool is_wrong, is_ripe;
		int stage, level;
		const char *cause;
		time_t told_ago;	/* -1: never */
		int told_stage, told_level;
		enum alarm_act want;
	} cases[] = {
		{ false, false, 0, 0, "", -1, 0, 0, ALARM_FORGET },
		{ true, false, 0, 1, "a", -1, 0, 0, ALARM_NOTHING },
		{ true, true, 0, 1, "a", -1, 0, 0, ALARM_NEW },
		{ true, true, 0, 1, "a", 10, 0, 1, ALARM_NOTHING },
		{ true, true, 0, 1, "a", DAY - 1, 0, 1, ALARM_NOTHING },
		{ true, true, 0, 1, "a", DAY, 0, 1, ALARM_REPEAT },
		{ true, true, 1, 1, "a", 10, 0, 1, ALARM_WORSE },
		{ true, true, 2, 2, "a", 10, 1, 1, ALARM_WORSE },
		{ true, true, 3, 2, "a", 10, 2, 2, ALARM_WORSE },
		{ true, true, 0, 1, "a", 10, 2, 2, ALARM_NOTHING },
		{ true, true, 0, 1, "b", 3600, 0, 1, ALARM_NOTHING },
		{ true, true, 0, 1, "b", 6 * 3600, 0, 1, ALARM_CHANGED },
		{ true, false, 0, 1, "b", 7 * 3600, 0, 1, ALARM_NOTHING },
		{ false, false, 0, 0, "", 10, 0, 1, ALARM_RECOVERED },
		{ true, true, 0, 1, "a", -3 * DAY, 0, 1, ALARM_REPEAT },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct alarm_fact f = { .is_ripe = cases[i].is_ripe,
		    .stage = cases[i].stage,
		    .level = (enum notify_level)cases[i].level };
		struct store_alarm told = { .cause = "a",
		    .stage = cases[i].told_stage,
		    .level = cases[i].told_level };
		enum alarm_act got;

		(void)text_printf(f.cause, sizeof(f.cause), "%s",
		    cases[i].cause);
		told.told_at = cases[i].told_ago == -1 ? 0 :
		    NOW - cases[i].told_ago;
		got = alarm_act(cases[i].is_wrong ? &f : NULL, &told,
		    &policy, NOW);
		if (got != cases[i].want)
			fail_msg("case %zu: %d", i, got);
	}
	assert_int_equal(alarm_act(NULL, NULL, &policy, NOW), ALARM_NOTHING);
}

static void
test_gather(void **state)
{
	static const struct {
		enum alarm_act act;
		enum notify_level level;
		time_t told_ago;	/* -1: never */
		int64_t want;
	} cases[] = {
		{ ALARM_NEW, NLEV_WARNING, -1, 30 },
		{ ALARM_NEW, NLEV_WARNING, 60, 600 },
		{ ALARM_NEW, NLEV_WARNING, 3600, 30 },
		{ ALARM_NEW, NLEV_CRITICAL, 60, 30 },
		{ ALARM_WORSE, NLEV_WARNING, 60, 30 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++)
		assert_int_equal(alarm_gather_s(&policy, cases[i].act,
		    cases[i].level, cases[i].told_ago == -1 ? 0 : NOW -
		    cases[i].told_ago, NOW), cases[i].want);
}

/* What is served decides, not what is installed. */
static void
test_deploy(void **state)
{
	static const struct {
		unsigned tries;
		bool serves_old;
		int left;		/* hours of 90 days; -9999: unknown */
		int rc;
		bool is_ripe;
		enum notify_level level;
		int stage;
	} cases[] = {
		{ 0, false, -9999, -1, false, 0, 0 },
		{ 0, false, 700, -1, false, 0, 0 },
		{ 0, false, 265, -1, false, 0, 0 },	/* it is running */
		{ 0, false, 215, 0, true, NLEV_CRITICAL, STAGE_EIGHTH },
		{ 0, false, -1, 0, true, NLEV_CRITICAL, STAGE_EXPIRED },
		{ 2, false, -9999, 0, false, NLEV_WARNING, 0 },
		{ 3, false, -9999, 0, true, NLEV_WARNING, 0 },
		{ 2, false, 700, 0, false, NLEV_WARNING, STAGE_FINE },
		{ 1, false, 500, 0, true, NLEV_WARNING, STAGE_QUARTER },
		{ 0, true, 700, 0, false, NLEV_WARNING, STAGE_FINE },
		{ 1, true, 700, 0, true, NLEV_WARNING, STAGE_FINE },
		{ 1, true, 540, 0, true, NLEV_WARNING, STAGE_QUARTER },
		{ 1, true, 270, 0, true, NLEV_CRITICAL, STAGE_EIGHTH },
		{ 0, true, 270, 0, true, NLEV_CRITICAL, STAGE_EIGHTH },
		{ 1, true, 0, 0, true, NLEV_CRITICAL, STAGE_EXPIRED },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct deploy_open o = { .name = "nginx", .error = "x\033",
		    .tries = cases[i].tries,
		    .serves_old = cases[i].serves_old };
		struct alarm_fact f;
		int rc;

		if (cases[i].left != -9999) {
			o.served_after = NOW + cases[i].left * 3600;
			o.served_before = o.served_after - 90 * DAY;
		}
		rc = alarm_judge_deploy("web", &o, &policy, NOW, &f);
		if (rc != cases[i].rc)
			fail_msg("case %zu: %d", i, rc);
		if (rc == -1)
			continue;
		if (f.is_ripe != cases[i].is_ripe ||
		    f.level != cases[i].level || f.stage != cases[i].stage)
			fail_msg("case %zu: %d %d %d", i, f.is_ripe, f.level,
			    f.stage);
		assert_int_equal(f.event, cases[i].serves_old ?
		    NEV_SERVING_OLD : NEV_DEPLOY);
		assert_int_equal((f.events & NEV_BIT(NEV_EXPIRING)) != 0,
		    f.stage != STAGE_FINE);
		assert_true(f.ends == o.served_after);
		assert_string_equal(f.text, "x ");
	}
}

static void
test_others(void **state)
{
	struct alarm_fact f;

	assert_int_equal(alarm_judge_txt("web", "dns", "_a.web", 0, NOW, "x",
	    NOW, &f), -1);
	assert_int_equal(alarm_judge_txt("web", "dns", "_a.web", 4, NOW, "x",
	    NOW + 60, &f), 0);
	assert_false(f.is_ripe);
	assert_int_equal(alarm_judge_txt("web", "dns", "_a.web", 5, NOW, "x",
	    NOW + 60, &f), 0);
	assert_true(f.is_ripe);
	assert_int_equal(alarm_judge_txt("web", "dns", "_a.web", 1, NOW, "x",
	    NOW + 7 * 3600, &f), 0);
	assert_true(f.is_ripe);
	alarm_judge_reload("2 mistakes", &f);
	assert_true(f.is_ripe);
}

/* A certificate that others renew. */
static void
test_watched(void **state)
{
	struct store_watch row = { .watch = "intranet", .what = "erp:443",
	    .not_before = NOW - 299 * DAY, .not_after = NOW + 101 * DAY };
	struct watched w = { .row = &row };
	struct alarm_fact f;

	assert_int_equal(alarm_judge_watch(&w, &policy, NOW, &f), -1);
	row.not_after = NOW + 99 * DAY;
	row.not_before = NOW - 301 * DAY;
	assert_int_equal(alarm_judge_watch(&w, &policy, NOW, &f), 0);
	assert_string_equal(f.key, "watch intranet erp:443");
	assert_true(f.is_ripe && f.level == NLEV_WARNING);
	assert_int_equal(f.stage, STAGE_QUARTER);
	assert_int_equal(f.events, NEV_BIT(NEV_WATCHED) |
	    NEV_BIT(NEV_EXPIRING));
	/* Who wants it later is told later, and urgently before the end. */
	w.warn_s = 20L * DAY;
	assert_int_equal(alarm_judge_watch(&w, &policy, NOW, &f), -1);
	assert_int_equal(alarm_judge_watch(&w, &policy, row.not_after -
	    11 * DAY, &f), 0);
	assert_int_equal(f.stage, STAGE_QUARTER);
	assert_int_equal(alarm_judge_watch(&w, &policy, row.not_after -
	    9 * DAY, &f), 0);
	assert_int_equal(f.level, NLEV_CRITICAL);
	assert_int_equal(alarm_judge_watch(&w, &policy, row.not_after, &f),
	    0);
	assert_int_equal(f.stage, STAGE_EXPIRED);
	/* Silence is told when it has lasted, what was seen at once. */
	(void)error_set(&row.err, ERR_TRANSIENT, "tls:refused", "no");
	row.tries = 2;
	assert_int_equal(alarm_judge_watch(&w, &policy, NOW, &f), 0);
	assert_false(f.is_ripe);
	row.tries = 3;
	assert_int_equal(alarm_judge_watch(&w, &policy, NOW, &f), 0);
	assert_true(f.is_ripe && f.stage == STAGE_FINE);
	row.tries = 0;
	w.is_judged = true;
	(void)error_set(&row.err, ERR_REJECTED, "watch:name", "another");
	assert_int_equal(alarm_judge_watch(&w, &policy, NOW, &f), 0);
	assert_true(f.is_ripe);
	assert_string_equal(f.text, "another");
}

static void
test_filter(void **state)
{
	static const struct {
		unsigned events;
		enum notify_level min;
		const char *globs[3];
		unsigned of;
		enum notify_level level;
		const char *cert;
		bool want;
	} cases[] = {
		{ NEV_DEFAULT, NLEV_NOTICE, { NULL }, NEV_BIT(NEV_FAILED),
		    NLEV_WARNING, "web", true },
		{ NEV_DEFAULT, NLEV_NOTICE, { NULL }, NEV_BIT(NEV_RENEWED),
		    NLEV_NOTICE, "web", false },
		{ NEV_DEFAULT, NLEV_CRITICAL, { NULL }, NEV_BIT(NEV_FAILED),
		    NLEV_WARNING, "web", false },
		{ NEV_BIT(NEV_EXPIRING), NLEV_NOTICE, { NULL },
		    NEV_BIT(NEV_FAILED) | NEV_BIT(NEV_EXPIRING), NLEV_WARNING,
		    "web", true },
		{ NEV_ALL, NLEV_NOTICE, { "*.example", "mail*" },
		    NEV_BIT(NEV_FAILED), NLEV_WARNING, "web.example", true },
		{ NEV_ALL, NLEV_NOTICE, { "*.example", "mail*" },
		    NEV_BIT(NEV_FAILED), NLEV_WARNING, "mail.test", true },
		{ NEV_ALL, NLEV_NOTICE, { "*.example", "mail*" },
		    NEV_BIT(NEV_FAILED), NLEV_WARNING, "web.test", false },
		{ NEV_ALL, NLEV_NOTICE, { "*.example" },
		    NEV_BIT(NEV_CONFIG), NLEV_WARNING, "", true },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct conf_notify n = { .kind = NOTIFY_SYSLOG,
		    .events = cases[i].events, .level = cases[i].min,
		    .certs = (char **)(uintptr_t)cases[i].globs };

		if (alarm_passes(&n, cases[i].of, cases[i].level,
		    cases[i].cert) != cases[i].want)
			fail_msg("case %zu", i);
	}
}

static void
test_digest(void **state)
{
	time_t midnight = NOW - NOW % DAY;	/* UTC here */

	assert_int_equal(alarm_next_digest(midnight, 8 * 3600),
	    midnight + 8 * 3600);
	assert_int_equal(alarm_next_digest(midnight + 8 * 3600, 8 * 3600),
	    midnight + DAY + 8 * 3600);
	assert_int_equal(alarm_next_digest(midnight + 9 * 3600,
	    8 * 3600 + 300), midnight + DAY + 8 * 3600 + 300);
	/* The night on which an hour is missing. */
	(void)setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
	tzset();
	assert_int_equal(alarm_next_digest(1806188400, 9000) - 1806188400,
	    9000);
	(void)setenv("TZ", "UTC", 1);
	tzset();
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stage),
		cmocka_unit_test(test_cert),
		cmocka_unit_test(test_act),
		cmocka_unit_test(test_gather),
		cmocka_unit_test(test_deploy),
		cmocka_unit_test(test_others),
		cmocka_unit_test(test_watched),
		cmocka_unit_test(test_filter),
		cmocka_unit_test(test_digest),
	};

	(void)setenv("TZ", "UTC", 1);
	tzset();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
