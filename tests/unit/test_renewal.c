/* SPDX-License-Identifier: MIT */
/* Runs, step by step: what each failure costs, and what the next resumes. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "common/clock.h"
#include "daemon/alerts/condition.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/rollout/rollout.h"
#include "tests/unit/pki.h"

#define NAMES "names = { \"example.test\", \"*.example.test\" } " \
    "provider = dns\n"
#define WEB "certificate \"web\" { " NAMES " }\n"
#define WEB_DEPLOY "certificate \"web\" { " NAMES \
    " deploy \"nginx\" { exec = { \"/bin/true\" } } }\n"

/* A valid certificate, and nothing left behind. */
static void
expect_done(struct erig *r, size_t orders)
{
	ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0 &&
	    erig_cert(r, "web")->run == NULL);
	if (fake_ca.n_orders != orders)
		fail_msg("%zu orders, not %zu:\n%s", fake_ca.n_orders, orders,
		    r->events);
	assert_string_equal(erig_row(r, "web")->serial,
	    orders == 1 ? "ab0001" : "ab0002");
	assert_int_equal(erig_row(r, "web")->failures, 0);
	assert_null(erig_row(r, "web")->error);
	assert_null(erig_row(r, "web")->order_url);
	assert_int_equal(fake_dns_count(), 0);
}

static void
test_first_issue(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	if (r->oks != 1)
		fail_msg("%s\n%s", r->err.msg, r->events);
	expect_done(r, 1);
	/* One call for both values of the name. */
	assert_string_equal(fake_dns.log,
	    "+ dns _acme-challenge.example.test txt-0-0 txt-0-1\n"
	    "- dns _acme-challenge.example.test txt-0-0 txt-0-1\n");
	assert_int_equal(fake_ca.calls[FAKE_CERT], 1);
	assert_int_equal(scratch_count(&r->scratch, "s/pending/*"), 0);
	fake_time_pass(59 * DAY);
	assert_int_equal(fake_ca.n_orders, 1);
	fake_time_pass(3 * DAY);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_equal(r->oks, 2);
	assert_int_equal(scratch_count(&r->scratch, "s/archive/web/*"), 2);
}

/* --- a failure in each step --- */

/* Does the order outlive a failure of this kind?  One of which a certificate
 * was issued does always. */
static bool
is_kept(enum err_kind kind, const char *step)
{
	return kind != ERR_REJECTED || strcmp(step, "download: ") == 0;
}

static void
fail_once(void **state, struct fake_rule *rule, enum err_kind kind,
    const char *step, bool has_order)
{
	struct erig *r;
	const char *action;
	bool is_second;

	assert_int_equal(erig_setup(state), 0);
	r = *state;
	fake_rule_fail(rule, 1, kind, "test:failure", "it failed");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, "test:failure");
	assert_int_equal(r->err.kind, kind);
	assert_int_equal(strncmp(r->err.msg, step, strlen(step)), 0);
	assert_non_null(strstr(r->err.msg, "it failed"));
	assert_int_equal(condition_failure(erig_cert(r, "web")).times, 1);
	assert_true(engine_next_at(r->engine, erig_cert(r, "web"), &action) >
	    clock_now());
	assert_int_equal(erig_row(r, "web")->order_url != NULL,
	    has_order && is_kept(kind, step));
	is_second = has_order && !is_kept(kind, step);
	/* Whatever it was, all is well the next time; at most a day on. */
	erig_ends(r, 1);
	if (r->oks != 1)
		fail_msg("%s: %s", step, r->err.msg);
	expect_done(r, is_second ? 2 : 1);
	assert_int_equal(erig_teardown(state), 0);
}

static void
test_fail(void **state)
{
	static const struct {
		int		 act;
		const char	*step;
		bool		 has_order;
	} ca[] = {
		{ FAKE_ACCOUNT, "account: ", false },
		{ FAKE_NEW_ORDER, "order: ", false },
		{ FAKE_GET_AUTHZ, "authorize: ", true },
		{ FAKE_ANSWER, "authorize: ", true },
		{ FAKE_GET_ORDER, "authorize: ", true },
		{ FAKE_FINALIZE, "finalize: ", true },
		{ FAKE_CERT, "download: ", true },
	};
	static const int dns[] = { FAKE_ZONE, FAKE_ADD, FAKE_SHOWN };

	for (enum err_kind kind = ERR_TRANSIENT; kind < ERR_KIND_END; kind++) {
		for (size_t i = 0; i < N_ELEMENTS(ca); i++)
			fail_once(state, &fake_ca.rules[ca[i].act], kind,
			    ca[i].step, ca[i].has_order);
		for (size_t i = 0; i < N_ELEMENTS(dns); i++)
			fail_once(state, &fake_dns.rules[dns[i]], kind,
			    "authorize: ", true);
	}
}

/* --- ended anywhere, by command or by force --- */

static void
end_after(void **state, unsigned steps, void (*end)(struct erig *),
    bool *is_over)
{
	struct erig *r;

	assert_int_equal(erig_setup(state), 0);
	r = *state;
	erig_conf(r, WEB_DEPLOY);
	erig_up(r);
	for (unsigned i = 0; i < steps; i++)
		(void)fake_time_step();
	*is_over = r->oks > 0;
	end(r);
	assert_int_equal(fake_ca.n_orders <= 1, 1);
	erig_up(r);
	ERIG_UNTIL(erig_row(r, "web")->serial != NULL &&
	    strstr(fake_deploy.log, "web nginx ab0001\n") != NULL);
	expect_done(r, 1);
	assert_int_equal(r->oks + r->ends > 0 ? r->err.kind : ERR_NONE,
	    r->ends > r->oks ? ERR_TRANSIENT : ERR_NONE);
	assert_int_equal(erig_teardown(state), 0);
}

static void
test_stop_anywhere(void **state)
{
	bool is_over = false;
	unsigned n = 0;

	while (!is_over)
		end_after(state, n++, erig_down, &is_over);
	assert_true(n > 40);
}

static void
test_crash_anywhere(void **state)
{
	bool is_over = false;
	unsigned n = 0;

	while (!is_over)
		end_after(state, n++, erig_crash, &is_over);
	assert_true(n > 40);
}

/* The disk is full from some point of a run on, for ten minutes. */
static void
fill_after(void **state, unsigned steps, bool crashes, bool *is_over)
{
	struct erig *r;

	assert_int_equal(erig_setup(state), 0);
	r = *state;
	erig_conf(r, WEB_DEPLOY);
	erig_up(r);
	for (unsigned i = 0; i < steps; i++)
		(void)fake_time_step();
	*is_over = r->oks > 0;
	scratch_limit(1);
	fake_time_pass(10 * MINUTE);
	scratch_limit(RLIM_INFINITY);
	if (crashes) {
		erig_crash(r);
		erig_up(r);
	}
	fake_time_pass(DAY);
	assert_non_null(erig_row(r, "web")->serial);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(cleanup_count(r->engine->cleanup), 0);
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
	assert_string_not_equal(fake_deploy.log, "");
	/* One order may have been made that could not be written down. */
	assert_in_range(fake_ca.n_orders, 1, 3);
	assert_int_equal(erig_teardown(state), 0);
}

static void
test_disk_full_anywhere(void **state)
{
	for (int crashes = 0; crashes < 2; crashes++) {
		bool is_over = false;

		for (unsigned n = 0; !is_over; n++)
			fill_after(state, n, crashes, &is_over);
	}
}

/* What is not in the journal is not in the DNS. */
static void
test_journal_first(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_GET_AUTHZ] == 2);
	scratch_limit(1);
	ERIG_UNTIL(r->ends == 1);
	fake_time_pass(HOUR);
	scratch_limit(RLIM_INFINITY);
	assert_int_equal(r->err.kind, ERR_INTERNAL);
	assert_null(strstr(fake_dns.log, "+"));
	fake_time_pass(DAY);
	assert_int_equal(r->oks, 1);
	expect_done(r, 1);
}

/* --- the order of an earlier run --- */

/* Run until the CA does not answer act any more (but does what it says, if
 * it acts), and die. */
static void
die_at(struct erig *r, int act, bool acts)
{
	erig_conf(r, WEB);
	fake_rule_hang(&fake_ca.rules[act]);
	fake_ca.rules[act].acts = acts;
	erig_up(r);
	ERIG_UNTIL(fake_ca.rules[act].times == 0);
	fake_time_pass(5);
	erig_crash(r);
	erig_events_clear(r);
}

static void
test_resume(void **state)
{
	static const struct {
		int	 act;
		bool	 acts;
		int64_t	 pause_ms;
		bool	 is_key_lost;
		size_t	 orders;
	} cases[] = {
		{ FAKE_GET_AUTHZ, false, 0, false, 1 },	/* pending */
		{ FAKE_ANSWER, false, 0, false, 1 },
		/* Answered, and soon decided; the TXT record stays a while. */
		{ FAKE_ANSWER, true, 0, false, 1 },
		{ FAKE_FINALIZE, false, 0, false, 1 },	/* ready */
		{ FAKE_FINALIZE, false, 0, true, 1 },	/* a new key */
		{ FAKE_FINALIZE, true, 0, false, 1 },	/* processing */
		{ FAKE_FINALIZE, true, 0, true, 2 },
		{ FAKE_FINALIZE, true, 1000, false, 1 },	/* valid */
		{ FAKE_FINALIZE, true, 1000, true, 2 },
		{ FAKE_CERT, false, 0, false, 1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.issuance_ms = 500;
		die_at(r, cases[i].act, cases[i].acts);
		fake_time_pass(cases[i].pause_ms);
		if (cases[i].is_key_lost)
			assert_int_equal(unlink(scratch_path(&r->scratch,
			    "s/pending/web.key")), 0);
		erig_up(r);
		erig_ends(r, 1);
		if (r->oks != 1)
			fail_msg("case %zu: %s", i, r->err.msg);
		assert_true(erig_told(r, cases[i].orders == 1 ?
		    "resuming the earlier order" :
		    "the earlier order is of no use any more"));
		expect_done(r, cases[i].orders);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* The CA has forgotten, refused or expired the order meanwhile. */
static void
test_resume_in_vain(void **state)
{
	for (int i = 0; i < 3; i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		die_at(r, FAKE_GET_AUTHZ, false);
		if (i == 0)
			fake_rule_fail(&fake_ca.rules[FAKE_GET_ORDER], 1,
			    ERR_REJECTED, "acme:unauthorized", "not yours");
		else
			fake_ca.orders[0].status = i == 1 ? ACME_INVALID :
			    ACME_EXPIRED;
		erig_up(r);
		erig_ends(r, 1);
		assert_int_equal(r->oks, 1);
		expect_done(r, 2);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* A CA that is down now says nothing about the order. */
static void
test_resume_later(void **state)
{
	struct erig *r = *state;

	die_at(r, FAKE_GET_AUTHZ, false);
	fake_rule_fail(&fake_ca.rules[FAKE_GET_ORDER], 1, ERR_TRANSIENT,
	    "http:connect", "down");
	erig_up(r);
	erig_ends(r, 2);
	assert_int_equal(r->oks, 1);
	expect_done(r, 1);
}

/* An order for other names is not the order for these. */
static void
test_resume_other_names(void **state)
{
	struct erig *r = *state;

	die_at(r, FAKE_FINALIZE, false);
	erig_conf(r, "certificate \"web\" { names = { \"www.example.test\", "
	    "\"example.test\" } provider = dns }\n");
	erig_up(r);
	erig_ends(r, 1);
	expect_done(r, 2);
	assert_string_equal(erig_row(r, "web")->names,
	    "[\"example.test\",\"www.example.test\"]");
}

/* The order under way has a key of the type that was configured before. */
static void
test_resume_other_key(void **state)
{
	struct erig *r = *state;

	fake_ca.issuance_ms = 500;
	die_at(r, FAKE_FINALIZE, true);
	erig_conf(r, "certificate \"web\" { key = ec384 " NAMES " }\n");
	erig_up(r);
	ERIG_UNTIL(erig_row(r, "web")->key == KEY_EC384);
	expect_done(r, 2);
	fake_time_pass(DAY);
	assert_int_equal(fake_ca.n_orders, 2);
}

/* --- certificates that differ --- */

static void
test_changes(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	free(erig_reload(r, "certificate \"web\" { key = ec384 " NAMES
	    " }\n"));
	erig_ends(r, 1);
	assert_int_equal(erig_row(r, "web")->key, KEY_EC384);
	free(erig_reload(r, "certificate \"web\" { key = ec384 names = { "
	    "\"example.test\" } provider = dns }\n"));
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->names, "[\"example.test\"]");
	assert_int_equal(r->oks, 3);
	/* The order of names alone is no change. */
	free(erig_reload(r, WEB));
	erig_ends(r, 1);
	free(erig_reload(r, "certificate \"web\" { names = { "
	    "\"*.example.test\", \"example.test\" } provider = dns }\n"));
	fake_time_pass(DAY);
	assert_int_equal(r->ends, 4);
}

static void
expect_same_key(struct erig *r, const char *conf, bool is_same)
{
	char *before, *after;

	erig_conf(r, conf);
	erig_up(r);
	erig_ends(r, 1);
	before = erig_live(r, "web", "privkey.pem");
	fake_time_pass(62 * DAY);
	assert_int_equal(r->oks, 2);
	after = erig_live(r, "web", "privkey.pem");
	assert_int_equal(strcmp(before, after) == 0, is_same);
	free(before);
	free(after);
}

static void
test_reuse_key(void **state)
{
	expect_same_key(*state, "certificate \"web\" { reuse_key = yes " NAMES
	    " }\n", true);
}

static void
test_new_key(void **state)
{
	expect_same_key(*state, WEB, false);
}

/* The key to be reused is of another type than wanted now. */
static void
test_reuse_key_of_other_type(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	free(erig_reload(r, "certificate \"web\" { reuse_key = yes key = ec384 "
	    NAMES " }\n"));
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_int_equal(erig_row(r, "web")->key, KEY_EC384);
}

/* A damaged key costs a new one, not the certificate. */
static void
test_reuse_damaged_key(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "certificate \"web\" { reuse_key = yes " NAMES " }\n");
	erig_up(r);
	erig_ends(r, 1);
	erig_down(r);
	scratch_write(scratch_path(&r->scratch, "s/live/web/privkey.pem"),
	    "rubbish");
	erig_up(r);
	erig_ends(r, 1);
	if (r->oks != 2)
		fail_msg("%s", r->err.msg);
	assert_true(erig_told(r, "making a new key"));
}

static void
test_resume_damaged_key(void **state)
{
	struct erig *r = *state;

	die_at(r, FAKE_FINALIZE, false);
	scratch_write(scratch_path(&r->scratch, "s/pending/web.key"), "");
	erig_up(r);
	erig_ends(r, 1);
	if (r->oks != 1)
		fail_msg("%s", r->err.msg);
	expect_done(r, 1);
}

static void
test_preferred_chain(void **state)
{
	static const struct {
		const char	*preferred;
		bool		 has_alternate;
		const char	*issuer;
		bool		 is_told;
		unsigned	 downloads;
	} cases[] = {
		{ "Fake Root", true, "Fake Root", false, 1 },
		{ "Other Root", true, "Other Root", false, 2 },
		{ "Third Root", true, "Fake Root", true, 2 },
		{ "Other Root", false, "Fake Root", true, 1 },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;
		char conf[300];

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_ca.has_alternate = cases[i].has_alternate;
		(void)snprintf(conf, sizeof(conf), "certificate \"web\" { "
		    "preferred_chain = \"%s\" " NAMES " }\n",
		    cases[i].preferred);
		erig_conf(r, conf);
		erig_up(r);
		erig_ends(r, 1);
		assert_int_equal(r->oks, 1);
		assert_string_equal(erig_row(r, "web")->issuer,
		    cases[i].issuer);
		assert_int_equal(erig_told(r, "the CA offers no chain"),
		    cases[i].is_told);
		assert_int_equal(fake_ca.calls[FAKE_CERT],
		    cases[i].downloads);
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* An alternate that cannot be had is no reason to fail. */
static void
test_alternate_fails(void **state)
{
	struct erig *r = *state;

	fake_ca.has_alternate = true;
	fake_rule_fail(&fake_ca.rules[FAKE_CERT], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_ca.rules[FAKE_CERT].skip = 1;
	erig_conf(r, "certificate \"web\" { preferred_chain = \"Other Root\" "
	    NAMES " }\n");
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_string_equal(erig_row(r, "web")->issuer, "Fake Root");
}

/* --- a CA that does odd things --- */

/* One failed run; then the CA comes to its senses. */
static void
expect_refused(struct erig *r, const char *code, const char *text)
{
	if (r->engine == NULL) {
		erig_conf(r, WEB);
		erig_up(r);
	}
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, code);
	if (strstr(r->err.msg, text) == NULL)
		fail_msg("%s", r->err.msg);
	assert_null(erig_row(r, "web")->order_url);
	fake_ca.new_status = ACME_PENDING;
	fake_ca.end_status = ACME_VALID;
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	expect_done(r, 2);
}

static void
test_new_order_is_invalid(void **state)
{
	fake_ca.new_status = ACME_INVALID;
	fake_ca.order_error = "I do not like you";
	expect_refused(*state, "acme:invalid", "I do not like you");
}

static void
test_new_order_is_valid(void **state)
{
	fake_ca.new_status = ACME_VALID;
	expect_refused(*state, "acme:malformed", "no such certificate");
}

/* Processing what nobody has sent; at last without a key of ours. */
static void
test_new_order_is_processing(void **state)
{
	struct erig *r = *state;
	EVP_PKEY *key = pki_key();

	fake_ca.new_status = ACME_PROCESSING;
	erig_conf(r, WEB);
	erig_up(r);
	ERIG_UNTIL(fake_ca.n_orders == 1);
	fake_time_pass(10);
	fake_ca.orders[0].pem[0] = fake_ca_issue(key,
	    (const char *const []){ "example.test", NULL }, "77", false);
	EVP_PKEY_free(key);
	fake_ca.orders[0].finalized_ms = 1;
	expect_refused(r, "cert:key", "download: ");
}

static void
test_new_order_is_ready(void **state)
{
	struct erig *r = *state;

	fake_ca.new_status = ACME_READY;
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	expect_done(r, 1);
	assert_int_equal(fake_ca.calls[FAKE_GET_AUTHZ], 0);
	assert_string_equal(fake_dns.log, "");
}

static void
test_issuance_fails(void **state)
{
	fake_ca.end_status = ACME_INVALID;
	fake_ca.order_error = "CAA forbids it";
	expect_refused(*state, "acme:orderError", "finalize: CAA forbids it");
}

static void
test_issuance_fails_silently(void **state)
{
	fake_ca.end_status = ACME_INVALID;
	expect_refused(*state, "acme:order", "became invalid instead of valid");
}

/* --- accounts --- */

static void
test_account_lost(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_ca.has_lost_account = true;
	fake_time_pass(65 * DAY);
	/* Registered anew in the same run, as acmectl check says. */
	assert_int_equal(r->ends, 2);
	assert_int_equal(r->oks, 2);
	assert_true(erig_told(r, "registering it anew"));
	assert_int_equal(fake_ca.accounts, 2);
}

/* Two runs share an account; the CA has lost it for one of them only. */
static void
test_account_lost_midway(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_CONFIG,
	    "acme:accountDoesNotExist", "who are you?");
	fake_ca.rules[FAKE_NEW_ORDER].match = "a.test";
	erig_conf(r, "certificate \"a\" { names = { \"a.test\" } provider = dns"
	    " }\ncertificate \"b\" { names = { \"b.test\" } provider = dns "
	    "}\n");
	erig_up(r);
	ERIG_UNTIL(erig_row(r, "a")->serial != NULL &&
	    erig_row(r, "b")->serial != NULL);
}

/* An answer to the old account must not forget the one made since. */
static void
test_account_lost_late(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "max_renewals = 2\n"
	    "certificate \"a\" { names = { \"a.test\" } provider = dns }\n"
	    "certificate \"b\" { names = { \"b.test\" } provider = dns }\n"
	    "certificate \"c\" { names = { \"c.test\" } provider = dns }\n");
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_CONFIG,
	    "acme:accountDoesNotExist", "who are you?");
	fake_ca.rules[FAKE_NEW_ORDER].match = "a.test";
	fake_rule_fail(&fake_ca.rules[FAKE_GET_AUTHZ], 1, ERR_CONFIG,
	    "acme:accountDoesNotExist", "who are you?");
	erig_up(r);
	ERIG_UNTIL(erig_row(r, "a")->serial != NULL &&
	    erig_row(r, "b")->serial != NULL &&
	    erig_row(r, "c")->serial != NULL);
	assert_int_equal(fake_ca.accounts, 2);
}

static void
test_account_refused(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_ACCOUNT], 1, ERR_CONFIG, "acme:tos",
	    "agree first");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(r->err.msg, "account: agree first");
	/* A reload tries at once what waited for a person. */
	free(erig_reload(r, WEB));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
}

/* So does a restart, but not one after the other. */
static void
test_mended_by_restart(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_ca.rules[FAKE_ACCOUNT], 3, ERR_CONFIG, "acme:tos",
	    "agree first");
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(75 * SECOND);	/* the first step of the ladder */
	assert_int_equal(fake_ca.calls[FAKE_ACCOUNT], 2);
	for (int i = 0; i < 3; i++) {
		erig_down(r);
		erig_up(r);
		fake_time_pass(SECOND);
	}
	assert_int_equal(fake_ca.calls[FAKE_ACCOUNT], 2);
	fake_time_pass(75 * SECOND);
	for (int i = 0; i < 3; i++) {
		erig_down(r);
		erig_up(r);
		fake_time_pass(SECOND);
	}
	assert_int_equal(fake_ca.calls[FAKE_ACCOUNT], 3);
}

static void
expect_hooks(const char *log)
{
	assert_string_equal(fake_hooks.log, log);
	fake_hooks.log[0] = '\0';
}

#define HOOKS "hooks_dir = \"/\"\n"

/* Before and after a run, however it ends; a retried deploy is none. */
static void
test_hooks(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 2, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, HOOKS WEB_DEPLOY);
	erig_up(r);
	erig_ends(r, 1);
	expect_hooks("pre web \nrenewed web ab0001\n");
	assert_string_equal(r->err.code, "deploy:exec");
	fake_time_pass(DAY);
	expect_hooks("");
	fake_rule_fail(&fake_ca.rules[FAKE_FINALIZE], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_time_pass(61 * DAY);
	expect_hooks("pre web ab0001\nfailed web ab0001\n"
	    "pre web ab0001\nrenewed web ab0002\n");
	assert_int_equal(fake_dns_count(), 0);
}

static void
test_pre_hook_fails(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_hooks.rule, 1, ERR_TRANSIENT, "hooks:pre",
	    "/x/pre.d/a exited with status 1");
	erig_conf(r, HOOKS WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_true(erig_told(r, "a pre hook failed: /x/pre.d/a"));
	expect_hooks("pre web \nrenewed web ab0001\n");
	expect_done(r, 1);
}

static void
test_post_hook_fails(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_hooks.rule, 1, ERR_TRANSIENT, "hooks:post",
	    "/x/post.d/a exited with status 1");
	fake_hooks.rule.match = "renewed web";
	erig_conf(r, HOOKS WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_true(erig_told(r, "a post hook failed: /x/post.d/a"));
	expect_done(r, 1);
}

/* Stopped while hooks run, of each kind. */
static void
test_stop_in_hooks(void **state)
{
	static const char *const whens[] = { "pre web", "renewed web" };

	for (size_t i = 0; i < N_ELEMENTS(whens); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_rule_hang(&fake_hooks.rule);
		fake_hooks.rule.match = whens[i];
		erig_conf(r, HOOKS WEB);
		erig_up(r);
		ERIG_UNTIL(fake_hooks.rule.times == 0);
		erig_down(r);
		erig_up(r);
		fake_time_pass(MINUTE);
		expect_done(r, 1);
		assert_int_equal(erig_teardown(state), 0);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_first_issue),
		cmocka_unit_test(test_fail),
		cmocka_unit_test(test_stop_anywhere),
		cmocka_unit_test(test_crash_anywhere),
		cmocka_unit_test(test_disk_full_anywhere),
		ERIG_TEST(test_journal_first),
		cmocka_unit_test(test_resume),
		cmocka_unit_test(test_resume_in_vain),
		ERIG_TEST(test_resume_later),
		ERIG_TEST(test_resume_other_names),
		ERIG_TEST(test_resume_other_key),
		ERIG_TEST(test_changes),
		ERIG_TEST(test_reuse_key),
		ERIG_TEST(test_new_key),
		ERIG_TEST(test_reuse_key_of_other_type),
		ERIG_TEST(test_reuse_damaged_key),
		ERIG_TEST(test_resume_damaged_key),
		cmocka_unit_test(test_preferred_chain),
		ERIG_TEST(test_alternate_fails),
		ERIG_TEST(test_new_order_is_invalid),
		ERIG_TEST(test_new_order_is_valid),
		ERIG_TEST(test_new_order_is_processing),
		ERIG_TEST(test_new_order_is_ready),
		ERIG_TEST(test_issuance_fails),
		ERIG_TEST(test_issuance_fails_silently),
		ERIG_TEST(test_account_lost),
		ERIG_TEST(test_account_lost_midway),
		ERIG_TEST(test_account_lost_late),
		ERIG_TEST(test_account_refused),
		ERIG_TEST(test_mended_by_restart),
		ERIG_TEST(test_hooks),
		ERIG_TEST(test_pre_hook_fails),
		ERIG_TEST(test_post_hook_fails),
		cmocka_unit_test(test_stop_in_hooks),
	};

	return cmocka_run_group_tests_name("renewal", tests,
	    erig_group_setup, erig_group_teardown);
}
