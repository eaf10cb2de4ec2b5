/* SPDX-License-Identifier: MIT */
/* From an order's authorizations to the CA's verdict. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/cleanup/cleanup.h"

#define CERT(names) "certificate \"web\" { names = { " names " } " \
    "provider = dns }\n"
#define APEX CERT("\"example.test\"")
#define BOTH CERT("\"example.test\", \"*.example.test\"")
#define TWO CERT("\"a.test\", \"b.test\"")
#define TWO_PROVIDERS "certificate \"web\" { names = { \"a.test\", " \
    "\"b.test\" } provider = dns name \"b.test\" { provider = dns2 } }\n"

/* The first run is over, well or with this error. */
static void
expect_run(struct erig *r, const char *conf, const char *code,
    const char *text)
{
	if (r->engine == NULL) {
		erig_conf(r, conf);
		erig_up(r);
	}
	erig_ends(r, 1);
	if (code == NULL && r->oks != 1)
		fail_msg("%s", r->err.msg);
	if (code == NULL)
		return;
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, code);
	if (strstr(r->err.msg, text) == NULL)
		fail_msg("%s", r->err.msg);
}

/* The records are gone, and the next run succeeds. */
static void
expect_recovery(struct erig *r)
{
	erig_ends(r, 1);
	if (r->oks != 1)
		fail_msg("%s", r->err.msg);
	ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
	assert_int_equal(fake_dns_count(), 0);
}

/* --- which names, which calls --- */

static void
test_calls(void **state)
{
	static const struct {
		const char	*conf, *log;
	} cases[] = {
		{ APEX, "+ dns _acme-challenge.example.test txt-0-0\n" },
		{ BOTH, "+ dns _acme-challenge.example.test txt-0-0 txt-0-1\n"
		},
		{ TWO, "+ dns _acme-challenge.a.test txt-0-0\n"
		    "+ dns _acme-challenge.b.test txt-0-1\n" },
		{ TWO_PROVIDERS, "+ dns _acme-challenge.a.test txt-0-0\n"
		    "+ dns2 _acme-challenge.b.test txt-0-1\n" },
		/* The same name through two providers. */
		{ "certificate \"web\" { names = { \"example.test\", "
		    "\"*.example.test\" } provider = dns\n"
		    "name \"*.example.test\" { provider = dns2 } }\n",
		    "+ dns _acme-challenge.example.test txt-0-0\n"
		    "+ dns2 _acme-challenge.example.test txt-0-1\n" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		expect_run(r, cases[i].conf, NULL, NULL);
		assert_int_equal(strncmp(fake_dns.log, cases[i].log,
		    strlen(cases[i].log)), 0);
		assert_true(fake_dns.log[strlen(cases[i].log)] == '-');
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_int_equal(fake_dns_count(), 0);
		assert_int_equal(fake_dns.calls[FAKE_SHOWN], 1);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* Room for one value of each zone: each is gone before the next. */
#define ONE "provider \"one\" { type = tokendns }\n" \
    "certificate \"web\" { names = { \"example.test\", " \
    "\"*.example.test\", \"b.test\", \"a.example.test\" } " \
    "provider = one }\n"

static void
test_rounds(void **state)
{
	struct erig *r = *state;

	expect_run(r, ONE, NULL, NULL);
	ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
	assert_string_equal(fake_dns.log,
	    "+ one _acme-challenge.example.test txt-0-0\n"
	    "+ one _acme-challenge.b.test txt-0-2\n"
	    "- one _acme-challenge.example.test txt-0-0\n"
	    "- one _acme-challenge.b.test txt-0-2\n"
	    "+ one _acme-challenge.example.test txt-0-1\n"
	    "- one _acme-challenge.example.test txt-0-1\n"
	    "+ one _acme-challenge.a.example.test txt-0-3\n"
	    "- one _acme-challenge.a.example.test txt-0-3\n");
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(fake_dns.in_flight, 0);
}

/* The wait for the DNS ends while the CA would still look. */
static void
test_short_authorization(void **state)
{
	static const struct { int64_t authz_s; unsigned least_ms, most_ms; }
	cases[] = {
		{ 0, 7200000, 7200000 },
		{ 7 * 86400, 7200000, 7200000 },
		{ 3600, 3500000, 3540000 },
		{ 30, 60000, 60000 },
		{ -86400, 60000, 60000 },	/* or our clock is wrong */
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		assert_int_equal(erig_setup(state), 0);
		fake_ca.authz_s = cases[i].authz_s;
		expect_run(*state, "certificate \"web\" { names = "
		    "\"example.test\" provider = dns "
		    "propagation_timeout = 2h }\n", NULL, NULL);
		assert_in_range(fake_dns.shown_ms, cases[i].least_ms,
		    cases[i].most_ms);
		assert_int_equal(erig_teardown(state), 0);
	}
}

static void
test_alias_provider(void **state)
{
	/* The CA follows the CNAME from _acme-challenge to .to. */
	static const struct {
		const char	*to, *text, *provider;
	} cases[] = {
		{ "x1.other.test", "", "dns" },
		{ "x1.other.test", "alias_provider = dns2", "dns2" },
		{ "x1.example.test", "alias_provider = dns2", "dns" },
		{ "x1.other.test", "alias_provider = dns2 challenge_alias = "
		    "x1.other.test name \"example.test\" { provider = dns }",
		    "dns" },
		{ "x1.example.test", "alias_provider = dns2 "
		    "challenge_alias = x1.example.test", "dns" },
		{ "x1.other.test", "alias_provider = dns2 "
		    "challenge_alias = x1.other.test", "dns2" },
		{ "x1.other.test", "propagation = none "
		    "propagation_delay = 1h", "dns" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		char *conf = xasprintf("certificate \"web\" { names = "
		    "example.test provider = dns %s }\n", cases[i].text);
		char *log = xasprintf("+ %s %s txt-0-0\n- %s %s txt-0-0\n",
		    cases[i].provider, cases[i].to, cases[i].provider,
		    cases[i].to);
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_dns.cname_from = "_acme-challenge.example.test";
		fake_dns.cname_to = cases[i].to;
		expect_run(r, conf, NULL, NULL);
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_string_equal(fake_dns.log, log);
		assert_int_equal(fake_dns_count(), 0);
		assert_int_equal(erig_teardown(state), 0);
		free(conf);
		free(log);
	}
}

/* The record is put where nobody follows the CNAME to. */
static void
test_cname_is_not_followed(void **state)
{
	struct erig *r = *state;

	fake_dns.cname_from = "_acme-challenge.example.test";
	fake_dns.cname_to = "x1.other.test";
	expect_run(r, "certificate \"web\" { names = example.test "
	    "provider = dns alias_provider = dns2 follow_cname = false }\n",
	    "acme:dns", "");
	assert_non_null(strstr(fake_dns.log,
	    "+ dns _acme-challenge.example.test txt-0-0\n"));
}

static void
test_cname(void **state)
{
	struct erig *r = *state;

	fake_dns.cname_from = "_acme-challenge.example.test";
	fake_dns.cname_to = "x1.validation.other";
	expect_run(r, BOTH, NULL, NULL);
	assert_non_null(strstr(fake_dns.log,
	    "+ dns x1.validation.other txt-0-0 txt-0-1\n"));
	ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
	assert_int_equal(fake_dns_count(), 0);
}

static void
test_one_is_valid(void **state)
{
	struct erig *r = *state;

	fake_ca.valid_name = "example.test";
	expect_run(r, BOTH, NULL, NULL);
	assert_non_null(strstr(fake_dns.log,
	    "+ dns _acme-challenge.example.test txt-0-1\n"));
	assert_int_equal(fake_ca.calls[FAKE_ANSWER], 1);
}

static void
test_all_are_valid(void **state)
{
	struct erig *r = *state;

	/* No zone is needed for what is valid. */
	fake_rule_fail(&fake_dns.rules[FAKE_ZONE], 1, ERR_TRANSIENT,
	    "dns:resolver", "nobody answers");
	erig_conf(r, APEX);
	erig_up(r);
	ERIG_UNTIL(fake_ca.n_orders == 1);
	fake_ca.orders[0].authz[0] = ACME_VALID;
	expect_run(r, NULL, NULL, NULL);
	assert_true(erig_told(r, "every name is authorized already"));
	assert_string_equal(fake_dns.log, "");
	assert_int_equal(fake_ca.calls[FAKE_ANSWER], 0);
}

static void
test_zone_of_valid_name(void **state)
{
	fake_ca.valid_name = "a.test";
	fake_rule_fail(&fake_dns.rules[FAKE_ZONE], 1, ERR_TRANSIENT,
	    "dns:resolver", "nobody answers");
	fake_dns.rules[FAKE_ZONE].match = ".a.test";
	expect_run(*state, TWO, NULL, NULL);
}

static void
test_zone_of_pending_name(void **state)
{
	fake_ca.valid_name = "a.test";
	fake_rule_fail(&fake_dns.rules[FAKE_ZONE], 1, ERR_TRANSIENT,
	    "dns:resolver", "nobody answers");
	fake_dns.rules[FAKE_ZONE].match = ".b.test";
	expect_run(*state, TWO, "dns:resolver", "authorize: nobody answers");
	assert_string_equal(fake_dns.log, "");
	expect_recovery(*state);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* --- what the CA offers --- */

static void
test_no_dns01(void **state)
{
	fake_ca.no_dns01 = true;
	expect_run(*state, APEX, "acme:no-dns-01",
	    "example.test: the CA offers no dns-01 challenge, only: http-01");
	fake_ca.no_dns01 = false;
	expect_recovery(*state);
	assert_int_equal(fake_ca.n_orders, 2);
}

static void
test_foreign_authorization(void **state)
{
	struct erig *r = *state;

	erig_conf(r, APEX);
	erig_up(r);
	ERIG_UNTIL(fake_ca.n_orders == 1);
	free(fake_ca.orders[0].names[0]);
	fake_ca.orders[0].names[0] = xstrdup("*.example.test");
	expect_run(r, NULL, "acme:badReply",
	    "an authorization for *.example.test, which was not asked for");
	expect_recovery(r);
}

static void
test_dead_authorization(void **state)
{
	static const struct {
		enum acme_status status;
		const char	*code, *text;
	} cases[] = {
		{ ACME_INVALID, "acme:dns", "example.test: no TXT record" },
		{ ACME_DEACTIVATED, "acme:authorization",
		    "the authorization for example.test is deactivated" },
		{ ACME_EXPIRED, "acme:authorization", "is expired" },
		{ ACME_REVOKED, "acme:authorization", "is revoked" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		erig_conf(r, APEX);
		erig_up(r);
		ERIG_UNTIL(fake_ca.n_orders == 1);
		fake_ca.orders[0].authz[0] = cases[i].status;
		expect_run(r, NULL, cases[i].code, cases[i].text);
		expect_recovery(r);
		assert_int_equal(fake_ca.n_orders, 2);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* --- the verdict --- */

static void
test_refused(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "b.test";
	fake_dns.note = "ns2 (192.0.2.2) did not answer";
	expect_run(r, TWO, "acme:dns", "authorize: b.test: no TXT record was "
	    "right (before: ns2 (192.0.2.2) did not answer)");
	assert_null(strstr(r->err.msg, "a.test"));
	assert_true(erig_told(r,
	    "authorize warning ns2 (192.0.2.2) did not answer"));
	fake_ca.refused_name = NULL;
	expect_recovery(r);
	assert_int_equal(fake_ca.n_orders, 2);
}

static void
test_all_refused(void **state)
{
	fake_ca.refused_name = "example.test";
	expect_run(*state, BOTH, "acme:dns", "example.test: no TXT record was "
	    "right; *.example.test: no TXT record was right");
}

/* The reasons cannot be fetched: the order's own, or none. */
static void
test_refused_without_reasons(void **state)
{
	fake_ca.refused_name = "example.test";
	fake_rule_fail(&fake_ca.rules[FAKE_GET_AUTHZ], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_ca.rules[FAKE_GET_AUTHZ].skip = 1;
	expect_run(*state, APEX, "acme:invalid", "gave no reason");
}

static void
test_refused_by_order(void **state)
{
	fake_ca.refused_name = "example.test";
	fake_ca.order_error = "the CA is in a bad mood";
	fake_rule_fail(&fake_ca.rules[FAKE_GET_AUTHZ], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_ca.rules[FAKE_GET_AUTHZ].skip = 1;
	expect_run(*state, APEX, "acme:orderError", "in a bad mood");
}

/* The answer was taken, though it came back as an error. */
static void
test_answered_already(void **state)
{
	fake_rule_fail(&fake_ca.rules[FAKE_ANSWER], 1, ERR_REJECTED,
	    "acme:malformed", "the challenge is not pending");
	fake_ca.rules[FAKE_ANSWER].acts = true;
	expect_run(*state, BOTH, NULL, NULL);
	assert_int_equal(fake_ca.n_orders, 1);
}

static void
test_answer_refused(void **state)
{
	fake_rule_fail(&fake_ca.rules[FAKE_ANSWER], 1, ERR_REJECTED,
	    "acme:malformed", "I do not want it");
	expect_run(*state, BOTH, "acme:malformed", "I do not want it");
	expect_recovery(*state);
	assert_int_equal(fake_ca.n_orders, 2);
}

static void
test_answer_refused_unseen(void **state)
{
	fake_rule_fail(&fake_ca.rules[FAKE_ANSWER], 1, ERR_REJECTED,
	    "acme:malformed", "I do not want it");
	fake_rule_fail(&fake_ca.rules[FAKE_GET_AUTHZ], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_ca.rules[FAKE_GET_AUTHZ].skip = 2;
	expect_run(*state, BOTH, "http:timeout", "slow");
	expect_recovery(*state);
}

static void
test_slow_ca(void **state)
{
	struct erig *r = *state;

	fake_ca.validation_ms = 400 * SECOND;
	expect_run(r, APEX, "acme:slow", "still pending after 5m");
	/* The record is taken away; the order is asked again later. */
	expect_recovery(r);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* --- the DNS and its providers --- */

/* All adds come back before the run ends: one that is cut short might land
 * after its removal. */
static void
test_provider_fails(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_dns.rules[FAKE_ADD], 1, ERR_CONFIG,
	    "provider:credentials", "dns: no entry");
	fake_dns.rules[FAKE_ADD].match = "dns _acme-challenge.a.test";
	expect_run(r, TWO_PROVIDERS, "provider:credentials",
	    "authorize: dns: no entry");
	assert_int_equal(fake_dns.calls[FAKE_ADD], 2);
	assert_non_null(strstr(fake_dns.log,
	    "+ dns2 _acme-challenge.b.test txt-0-1\n"));
	fake_time_pass(40 * SECOND);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(cleanup_count(r->engine->cleanup), 0);
	assert_int_equal(fake_ca.n_orders, 1);
	expect_recovery(r);
	assert_int_equal(fake_ca.n_orders, 1);
}

static void
test_provider_fails_while_other_works(void **state)
{
	struct erig *r = *state;

	fake_rule_hang(&fake_dns.rules[FAKE_ADD]);
	fake_dns.rules[FAKE_ADD].match = "dns2";
	erig_conf(r, TWO_PROVIDERS);
	erig_up(r);
	ERIG_UNTIL(fake_dns.calls[FAKE_ADD] == 2);
	fake_time_pass(MINUTE);
	assert_int_equal(r->ends, 0);
	erig_down(r);
	assert_int_equal(fake_dns_count(), 0);
}

/* It failed, and yet the record is there. */
static void
test_provider_fails_after_all(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_dns.rules[FAKE_ADD], 1, ERR_TRANSIENT,
	    "provider:timeout", "dns: no answer");
	fake_dns.rules[FAKE_ADD].acts = true;
	expect_run(r, APEX, "provider:timeout", "dns: no answer");
	fake_time_pass(40 * SECOND);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(fake_dns.calls[FAKE_REMOVE], 2);
	/* With what it said before it failed. */
	assert_string_equal(fake_dns.removed, "handle");
	expect_recovery(r);
}

static void
test_never_shown(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_dns.rules[FAKE_SHOWN], 1, ERR_TRANSIENT,
	    "dns:stale", "ns2 does not show it");
	expect_run(r, APEX, "dns:stale", "ns2 does not show it");
	assert_int_equal(fake_ca.calls[FAKE_ANSWER], 0);
	expect_recovery(r);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* A removal of an earlier run must not overtake the add of this one. */
static void
test_after_removal(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_dns.rules[FAKE_SHOWN], 1, ERR_TRANSIENT,
	    "dns:stale", "not yet");
	erig_conf(r, APEX);
	erig_up(r);
	erig_ends(r, 1);
	fake_dns.latency_ms = 3 * MINUTE;
	ERIG_UNTIL(erig_cert(r, "web")->run != NULL);
	/* The first removal may take longer than the retry. */
	fake_time_pass(20 * SECOND);
	fake_dns.latency_ms = 2;
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
	assert_int_equal(fake_dns_count(), 0);
}

/* --- stopped while something never answers --- */

static void
stop_at(void **state, struct fake_rule *rule)
{
	struct erig *r;

	assert_int_equal(erig_setup(state), 0);
	r = *state;
	fake_rule_hang(rule);
	erig_conf(r, BOTH);
	erig_up(r);
	ERIG_UNTIL(rule->times == 0);
	fake_time_pass(SECOND);
	erig_down(r);
	assert_int_equal(fake_dns_count(), 0);
	erig_up(r);
	ERIG_UNTIL(r->oks == 1 && cleanup_count(r->engine->cleanup) == 0);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(erig_teardown(state), 0);
}

static void
test_stop(void **state)
{
	static const int ca[] = { FAKE_GET_AUTHZ, FAKE_ANSWER,
	    FAKE_GET_ORDER };
	static const int dns[] = { FAKE_ZONE, FAKE_ADD, FAKE_SHOWN };

	for (size_t i = 0; i < N_ELEMENTS(ca); i++)
		stop_at(state, &fake_ca.rules[ca[i]]);
	for (size_t i = 0; i < N_ELEMENTS(dns); i++)
		stop_at(state, &fake_dns.rules[dns[i]]);
}

/* --- dns-persist-01 --- */

#define RECORD "_validation-persist.example.test"
#define PERSIST "ca.test; accounturi=https://ca.test/acct/1"
#define PERSIST_CERT(names) "certificate \"web\" { names = { " names " } " \
    "challenge = dns-persist-01 }\n"
#define PERSIST_OR_DNS "certificate \"web\" { names = { " \
    "\"example.test\" } challenge = dns-persist-01 provider = dns }\n"

static void
test_persist(void **state)
{
	struct erig *r = *state;

	fake_ca.persist = PERSIST "; policy=wildcard";
	fake_dns_put(RECORD, fake_ca.persist);
	expect_run(r, PERSIST_CERT("\"example.test\", \"*.example.test\""),
	    NULL, NULL);
	assert_string_equal(fake_dns.log, "");
	assert_int_equal(fake_dns.calls[FAKE_GET], 2);
	assert_true(erig_told(r, "its dns-persist-01 record is there"));
	assert_true(fake_dns_has(RECORD, fake_ca.persist));
}

/* A record that will not do: dns-01, and the reason is told. */
static void
test_persist_falls_back(void **state)
{
	static const struct {
		const char	*record, *why;
		bool		 is_offered;
	} cases[] = {
		{ NULL, "the record at " RECORD " is not there", true },
		{ PERSIST "0", "is for another account", true },
		{ PERSIST ";", "is malformed", true },
		{ PERSIST "; persistUntil=1799999999", "has expired", true },
		{ PERSIST, "the CA does not offer it", false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.persist = cases[i].is_offered ? PERSIST : NULL;
		if (cases[i].record != NULL)
			fake_dns_put(RECORD, cases[i].record);
		expect_run(r, PERSIST_OR_DNS, NULL, NULL);
		if (!erig_told(r, cases[i].why) ||
		    !erig_told(r, "warning example.test: not by "
		    "dns-persist-01 but by dns-01"))
			fail_msg("%s: %s", cases[i].why, r->events);
		assert_int_equal(strncmp(fake_dns.log,
		    "+ dns _acme-challenge.example.test txt-0-0\n", 43), 0);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* Without a provider the error tells what to do, and nothing is answered. */
static void
test_persist_only(void **state)
{
	static const struct {
		const char	*record, *code, *text;
		bool		 is_offered;
	} cases[] = {
		{ NULL, "persist:record", "no provider is configured; add: "
		    "_validation-persist.example.test. IN TXT \"" PERSIST
		    "; policy=wildcard\"", true },
		{ PERSIST, "persist:record", "it has no policy=wildcard",
		    true },
		{ PERSIST, "persist:not-offered", "the CA does not offer it",
		    false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.persist = cases[i].is_offered ? PERSIST : NULL;
		if (cases[i].record != NULL)
			fake_dns_put(RECORD, cases[i].record);
		expect_run(r, PERSIST_CERT("\"*.example.test\""),
		    cases[i].code, cases[i].text);
		assert_int_equal(fake_ca.calls[FAKE_ANSWER], 0);
		assert_string_equal(fake_dns.log, "");
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* What the CA refused once is not tried again in the next run. */
static void
test_persist_refused(void **state)
{
	struct erig *r = *state;

	fake_ca.persist = PERSIST;
	fake_dns_put(RECORD, PERSIST);
	fake_ca.refused_name = "example.test";
	expect_run(r, PERSIST_OR_DNS, "acme:dns", "no TXT record was right");
	assert_string_equal(fake_dns.log, "");
	fake_ca.refused_name = NULL;
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_true(erig_told(r, "the CA refused it the last time"));
	assert_int_equal(strncmp(fake_dns.log,
	    "+ dns _acme-challenge.example.test txt-1-0\n", 43), 0);
	/* That run went well: the next one begins with it again. */
	assert_false(erig_cert(r, "web")->avoids_persist);
}

/* The DNS does not tell: dns-01, or the same error without a provider. */
static void
test_persist_no_answer(void **state)
{
	for (int i = 0; i < 2; i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.persist = PERSIST;
		fake_rule_fail(&fake_dns.rules[FAKE_GET], 1, ERR_TRANSIENT,
		    "dns:no-answer", "nobody tells");
		if (i == 0)
			expect_run(r, PERSIST_OR_DNS, NULL, NULL);
		else
			expect_run(r, PERSIST_CERT("\"example.test\""),
			    "persist:record", "nobody tells");
		assert_int_equal(r->err.kind, i == 0 ? ERR_NONE :
		    ERR_TRANSIENT);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* Both ways in one certificate. */
static void
test_persist_mixed(void **state)
{
	struct erig *r = *state;

	fake_ca.persist = PERSIST;
	fake_dns_put(RECORD, PERSIST);
	expect_run(r, "certificate \"web\" { names = { \"a.test\", "
	    "\"example.test\" } provider = dns name \"example.test\" { "
	    "challenge = dns-persist-01 } }\n", NULL, NULL);
	ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
	assert_string_equal(fake_dns.log,
	    "+ dns _acme-challenge.a.test txt-0-0\n"
	    "- dns _acme-challenge.a.test txt-0-0\n");
	assert_int_equal(fake_dns_count(), 1);
}

/* Stopped at each of its moments: the next start goes on. */
static void
test_persist_crash(void **state)
{
	for (unsigned steps = 0; steps < 60; steps += 3) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.persist = PERSIST;
		fake_dns_put(RECORD, PERSIST);
		erig_conf(r, PERSIST_OR_DNS);
		erig_up(r);
		for (unsigned i = 0; i < steps; i++)
			(void)fake_time_step();
		erig_crash(r);
		erig_up(r);
		ERIG_UNTIL(erig_row(r, "web")->serial != NULL);
		assert_string_equal(fake_dns.log, "");
		assert_int_equal(erig_teardown(state), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls),
		ERIG_TEST(test_rounds),
		cmocka_unit_test(test_short_authorization),
		cmocka_unit_test(test_alias_provider),
		ERIG_TEST(test_cname_is_not_followed),
		ERIG_TEST(test_cname),
		ERIG_TEST(test_one_is_valid),
		ERIG_TEST(test_all_are_valid),
		ERIG_TEST(test_zone_of_valid_name),
		ERIG_TEST(test_zone_of_pending_name),
		ERIG_TEST(test_no_dns01),
		ERIG_TEST(test_foreign_authorization),
		cmocka_unit_test(test_dead_authorization),
		ERIG_TEST(test_refused),
		ERIG_TEST(test_all_refused),
		ERIG_TEST(test_refused_without_reasons),
		ERIG_TEST(test_refused_by_order),
		ERIG_TEST(test_answered_already),
		ERIG_TEST(test_answer_refused),
		ERIG_TEST(test_answer_refused_unseen),
		ERIG_TEST(test_slow_ca),
		ERIG_TEST(test_provider_fails),
		ERIG_TEST(test_provider_fails_while_other_works),
		ERIG_TEST(test_provider_fails_after_all),
		ERIG_TEST(test_never_shown),
		ERIG_TEST(test_after_removal),
		ERIG_TEST(test_persist),
		cmocka_unit_test(test_persist_falls_back),
		cmocka_unit_test(test_persist_only),
		ERIG_TEST(test_persist_refused),
		cmocka_unit_test(test_persist_no_answer),
		ERIG_TEST(test_persist_mixed),
		cmocka_unit_test(test_persist_crash),
		cmocka_unit_test(test_stop),
	};

	return cmocka_run_group_tests_name("authorize", tests,
	    erig_group_setup, erig_group_teardown);
}
