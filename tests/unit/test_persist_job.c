/* SPDX-License-Identifier: MIT */
/* The standing records of dns-persist-01: shown, written, watched. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/persist/persist_job.h"
#include "daemon/persist/persist_watch.h"

#define NAME "_validation-persist.example.test"
#define VALUE "ca.test; accounturi=https://ca.test/acct/1"
#define WILD VALUE "; policy=wildcard"
#define CERT(rest) "certificate \"web\" { names = { \"example.test\", " \
    "\"*.example.test\" } challenge = dns-persist-01 " rest " }\n"

struct seen {
	struct persist_job *job;
	int		 calls;
	struct error	 err;
	json_t		*reply;
};

static void
done(const struct error *err, const json_t *reply, void *arg)
{
	struct seen *s = arg;

	s->job = NULL;
	s->calls++;
	if (err != NULL)
		s->err = *err;
	else
		s->reply = json_deep_copy(reply);
}

/* Start a daemon that does nothing by itself, and do one job. */
static void
work(struct erig *r, struct seen *s, enum persist_act act, time_t until)
{
	const struct persist_job_args a = { .cert = "web", .act = act,
	    .until = until };

	json_decref(s->reply);
	memset(s, 0, sizeof(*s));
	s->job = persist_job_start(engine_persist_jobs(r->engine), &a, done, s);
	assert_int_equal(s->calls, 0);
	ERIG_UNTIL(s->calls == 1);
}

static const char *
field(const struct seen *s, const char *path)
{
	const char *text = jsonx_str(s->reply, path);

	return text != NULL ? text : "-";
}

static void
test_show(void **state)
{
	struct erig *r = *state;
	struct seen s = { .reply = NULL };

	erig_conf(r, CERT("name \"*.example.test\" { provider = dns }"));
	erig_open(r);
	work(r, &s, PERSIST_SHOW, 0);
	assert_string_equal(s.err.msg, "");
	assert_true(jsonx_bool(s.reply, "configured", false));
	assert_string_equal(field(&s, "account_url"),
	    "https://ca.test/acct/1");
	assert_string_equal(field(&s, "issuers.0"), "ca.test");
	assert_int_equal(json_array_size(jsonx_get(s.reply, "records")), 1);
	assert_string_equal(field(&s, "records.0.name"), NAME);
	assert_string_equal(field(&s, "records.0.for.1"), "*.example.test");
	assert_string_equal(field(&s, "records.0.value"), WILD);
	assert_string_equal(field(&s, "records.0.line"),
	    NAME ". 3600 IN TXT \"" WILD "\"");
	assert_string_equal(field(&s, "records.0.state"), "missing");
	assert_string_equal(field(&s, "records.0.alias"), "-");
	fake_dns_put(NAME, VALUE);
	work(r, &s, PERSIST_SHOW, 1900000000);
	assert_string_equal(field(&s, "records.0.value"),
	    WILD "; persistUntil=1900000000");
	assert_string_equal(field(&s, "records.0.state"), "no-wildcard");
	fake_dns_put(NAME, WILD);
	work(r, &s, PERSIST_SHOW, 0);
	assert_string_equal(field(&s, "records.0.state"), "right");
	assert_string_equal(fake_dns.log, "");
	json_decref(s.reply);
}

/* Every name, where none is configured for it yet; what cannot be written is
 * told of each. */
static void
test_not_configured(void **state)
{
	struct erig *r = *state;
	struct seen s = { .reply = NULL };

	erig_conf(r, "certificate \"web\" { names = { \"a.test\", "
	    "\"b.test\" } provider = dns }\n");
	erig_open(r);
	fake_rule_fail(&fake_dns.rules[FAKE_ADD], 1, ERR_CONFIG,
	    "provider:credentials", "who are you");
	work(r, &s, PERSIST_WRITE, 0);
	assert_false(jsonx_bool(s.reply, "configured", true));
	assert_string_equal(field(&s, "records.0.name"),
	    "_validation-persist.a.test");
	assert_string_equal(field(&s, "records.0.value"), VALUE);
	assert_string_equal(field(&s, "records.0.action"), "failed");
	assert_string_equal(field(&s, "records.0.error.code"),
	    "provider:credentials");
	assert_string_equal(field(&s, "records.0.state"), "missing");
	assert_string_equal(field(&s, "records.1.action"), "written");
	assert_string_equal(field(&s, "records.1.state"), "right");
	assert_string_equal(fake_dns.log, "+ dns _validation-persist.b.test "
	    VALUE "\n");
	json_decref(s.reply);
}

static void
test_write(void **state)
{
	static const struct {
		const char	*there[3];
		time_t		 until;
		const char	*log, *action;
	} cases[] = {
		{ { "other", "other.test; accounturi=x" }, 0,
		    "+ dns " NAME " " WILD "\n", "written" },
		{ { WILD }, 0, "", "kept" },
		{ { "ca.test;accounturi=https://ca.test/acct/1;"
		    "policy=wildcard" }, 0, "", "kept" },
		{ { VALUE, VALUE "9" }, 0, "+ dns " NAME " " WILD "\n"
		    "- dns " NAME " " VALUE "\n", "written" },
		{ { WILD "; persistUntil=1" }, 0, "+ dns " NAME " " WILD "\n"
		    "- dns " NAME " " WILD "; persistUntil=1\n", "written" },
		{ { WILD }, 1900000000, "+ dns " NAME " " WILD
		    "; persistUntil=1900000000\n- dns " NAME " " WILD "\n",
		    "written" },
		{ { WILD "; persistUntil=1900000000" }, 1900000000, "",
		    "kept" },
		{ { WILD "; persistUntil=1900000000" }, 0, "+ dns " NAME " "
		    WILD "\n- dns " NAME " " WILD
		    "; persistUntil=1900000000\n", "written" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct seen s = { .reply = NULL };
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		erig_conf(r, CERT("provider = dns"));
		erig_open(r);
		for (int k = 0; k < 3 && cases[i].there[k] != NULL; k++)
			fake_dns_put(NAME, cases[i].there[k]);
		work(r, &s, PERSIST_WRITE, cases[i].until);
		assert_string_equal(fake_dns.log, cases[i].log);
		assert_string_equal(field(&s, "records.0.action"),
		    cases[i].action);
		assert_string_equal(field(&s, "records.0.state"), "right");
		/* It is there to stay. */
		assert_int_equal(cleanup_count(r->engine->cleanup), 0);
		json_decref(s.reply);
		assert_int_equal(erig_teardown(state), 0);
	}
}

static void
test_remove(void **state)
{
	struct erig *r = *state;
	struct seen s = { .reply = NULL };

	erig_conf(r, CERT("provider = dns"));
	erig_open(r);
	fake_dns_put(NAME, WILD);
	fake_dns_put(NAME, VALUE "; persistUntil=1");
	fake_dns_put(NAME, VALUE "9");
	fake_dns_put(NAME, "other.test; accounturi=https://ca.test/acct/1");
	work(r, &s, PERSIST_REMOVE, 0);
	assert_string_equal(field(&s, "records.0.action"), "removed");
	assert_string_equal(field(&s, "records.0.state"), "other-account");
	assert_int_equal(fake_dns_count(), 2);
	work(r, &s, PERSIST_REMOVE, 0);
	assert_string_equal(field(&s, "records.0.action"), "kept");
	json_decref(s.reply);
}

static void
test_who_writes(void **state)
{
	static const struct {
		const char	*conf, *code, *log;
	} cases[] = {
		{ CERT(""), "persist:no-provider", "" },
		{ "provider \"one\" { type = tokendns }\n"
		    CERT("provider = one"), "persist:provider", "" },
		/* In the zone of another provider. */
		{ CERT("provider = dns alias_provider = dns2"), "-",
		    "+ dns2 p.acme.test " WILD "\n" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct seen s = { .reply = NULL };
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_dns.cname_from = NAME;
		fake_dns.cname_to = "p.acme.test";
		erig_conf(r, cases[i].conf);
		erig_open(r);
		work(r, &s, PERSIST_WRITE, 0);
		assert_string_equal(field(&s, "records.0.error.code"),
		    cases[i].code);
		assert_string_equal(field(&s, "records.0.alias"),
		    "p.acme.test");
		assert_string_equal(fake_dns.log, cases[i].log);
		json_decref(s.reply);
		assert_int_equal(erig_teardown(state), 0);
	}
}

static void
test_errors(void **state)
{
	struct erig *r = *state;
	struct seen s = { .reply = NULL };

	erig_conf(r, CERT("provider = dns"));
	erig_open(r);
	fake_check.identities[0] = NULL;
	work(r, &s, PERSIST_SHOW, 0);
	assert_string_equal(s.err.code, "persist:no-issuer");
	fake_check.identities[0] = "ca.test";
	(void)error_set(&fake_check.meta_err, ERR_TRANSIENT, "http:connect",
	    "no CA");
	work(r, &s, PERSIST_SHOW, 0);
	assert_string_equal(s.err.code, "http:connect");
	fake_check.meta_err.kind = ERR_NONE;
	fake_rule_fail(&fake_ca.rules[FAKE_ACCOUNT], 1, ERR_CONFIG,
	    "acme:tos", "agree");
	work(r, &s, PERSIST_WRITE, 0);
	assert_string_equal(s.err.code, "acme:tos");
	fake_rule_fail(&fake_dns.rules[FAKE_GET], 1, ERR_TRANSIENT,
	    "dns:no-answer", "nobody");
	work(r, &s, PERSIST_WRITE, 0);
	assert_string_equal(field(&s, "records.0.state"), "unknown");
	assert_string_equal(field(&s, "records.0.error.code"),
	    "dns:no-answer");
	json_decref(s.reply);
}

/* Broken off at any moment, by the client or by the end of the daemon. */
static void
test_broken_off(void **state)
{
	for (unsigned i = 0; i < 60; i++) {
		const struct persist_job_args a = { .cert = "web",
		    .act = PERSIST_WRITE };
		struct seen s = { .reply = NULL };
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_dns_put(NAME, VALUE);
		erig_conf(r, CERT("provider = dns"));
		erig_open(r);
		s.job = persist_job_start(engine_persist_jobs(r->engine),
		    &a, done, &s);
		for (unsigned k = 0; k < i / 2; k++)
			(void)fake_time_step();
		if (i % 2 == 0) {
			persist_job_cancel(s.job);
		} else if (s.calls == 0) {
			persist_jobs_stop(engine_persist_jobs(r->engine));
			assert_int_equal(s.calls, 1);
			assert_string_equal(s.err.code, "engine:stopping");
		}
		json_decref(s.reply);
		assert_int_equal(erig_teardown(state), 0);
	}
	persist_job_cancel(NULL);
}

/* --- the watch --- */

static unsigned
count(const char *text, const char *what)
{
	unsigned n = 0;

	for (; (text = strstr(text, what)) != NULL; text += strlen(what))
		n++;
	return n;
}

#define ENDS "the dns-persist-01 record at " NAME " ends at"

static void
sleep_s(int64_t s)
{
	int64_t until = clock_mono_ms() + s * 1000;

	while (clock_mono_ms() < until && fake_time_step())
		;
}

/* It ends before the next renewal and 14 days: told once a day. */
static void
test_watch_until(void **state)
{
	static const struct { int64_t days; bool is_told; } cases[] = {
		{ 30, true }, { 70, true }, { 80, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;
		char *value;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		value = xasprintf(WILD "; persistUntil=%lld", (long long)
		    RIG_NOW + cases[i].days * 86400);
		fake_ca.persist = value;
		fake_dns_put(NAME, value);
		erig_conf(r, CERT(""));
		erig_up(r);
		erig_ends(r, 1);
		assert_int_equal(r->oks, 1);
		sleep_s(3600);
		assert_int_equal(count(r->events, ENDS), cases[i].is_told);
		assert_int_equal(json_object_get(json_array_get(
		    erig_cert(r, "web")->persist, 0), "problem") ==
		    json_null(), !cases[i].is_told);
		sleep_s(2 * 86400);
		assert_int_equal(count(r->events, ENDS),
		    cases[i].is_told ? 3 : 0);
		/* A start or a reload does not repeat it. */
		free(erig_reload(r, CERT("")));
		sleep_s(60);
		assert_int_equal(count(r->events, ENDS),
		    cases[i].is_told ? 3 : 0);
		assert_int_equal(erig_teardown(state), 0);
		free(value);
	}
}

/* It vanished: the next renewal would fail, or go by dns-01. */
static void
test_watch_missing(void **state)
{
	for (int with_provider = 0; with_provider < 2; with_provider++) {
		const struct persist_job_args a = { .cert = "web",
		    .act = PERSIST_REMOVE };
		struct seen s = { .reply = NULL };
		const char *problem;
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.persist = WILD;
		fake_dns_put(NAME, WILD);
		erig_conf(r, CERT("provider = dns"));
		erig_up(r);
		erig_ends(r, 1);
		s.job = persist_job_start(engine_persist_jobs(r->engine),
		    &a, done, &s);
		ERIG_UNTIL(s.calls == 1);
		json_decref(s.reply);
		erig_events_clear(r);
		free(erig_reload(r, with_provider ? CERT("provider = dns") :
		    CERT("")));
		sleep_s(60);
		problem = json_string_value(json_object_get(json_array_get(
		    erig_cert(r, "web")->persist, 0), "problem"));
		assert_non_null(problem);
		assert_non_null(strstr(problem, with_provider ?
		    "is not there; the next renewal will go by dns-01" :
		    "is not there; the next renewal will fail"));
		assert_int_equal(erig_told(r, "renewal will fail"),
		    !with_provider);
		/* It is not proved by it any more. */
		free(erig_reload(r, "certificate \"web\" { names = { "
		    "\"example.test\", \"*.example.test\" } "
		    "provider = dns }\n"));
		sleep_s(60);
		assert_null(erig_cert(r, "web")->persist);
		assert_int_equal(erig_teardown(state), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_show),
		ERIG_TEST(test_not_configured),
		cmocka_unit_test(test_write),
		ERIG_TEST(test_remove),
		cmocka_unit_test(test_who_writes),
		ERIG_TEST(test_errors),
		cmocka_unit_test(test_broken_off),
		cmocka_unit_test(test_watch_until),
		cmocka_unit_test(test_watch_missing),
	};

	return cmocka_run_group_tests_name("persist_job", tests,
	    erig_group_setup, erig_group_teardown);
}
