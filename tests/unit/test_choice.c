/* SPDX-License-Identifier: MIT */
/* Several CAs: which is asked, when the next one is, and what each limit of a
 * CA holds. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/json.h"
#include "common/mem.h"
#include "daemon/accounts/choice.h"
#include "daemon/accounts/hold.h"
#include "daemon/acme/problem.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"

#define A "https://ca.test/dir"
#define B "https://b.test/dir"
#define TWO "account \"b\" { directory = \"" B "\" agree_tos = true }\n"
#define WEB TWO "certificate \"web\" { names = { \"web.test\" } " \
    "provider = dns account = { \"ca\", \"b\" } }\n"
#define MANY 100000

/* As the CA sends it. */
static void
read_problem(int status, const char *detail, time_t retry_at,
    struct error *err)
{
	json_t *o = json_pack("{s:s, s:s, s:i}", "type",
	    "urn:ietf:params:acme:error:rateLimited", "detail", detail,
	    "status", status);
	char *text = json_dumps(o, 0);

	problem_from_reply(status, text, strlen(text), retry_at, err);
	free(text);
	json_decref(o);
}

static void
test_pick(void **state)
{
	static const time_t free_all[] = { 0, 0, 0 };
	static const time_t first_held[] = { 5000, 0, 0 };
	static const time_t all_held[] = { 5000, 4000, 6000 };
	static const time_t soon[] = { 1060, 0, 0 };

	assert_int_equal(choice_pick(free_all, 3, 0, 1000), 0);
	assert_int_equal(choice_pick(free_all, 3, 2, 1000), 2);
	assert_int_equal(choice_pick(first_held, 3, 0, 1000), 1);
	assert_int_equal(choice_pick(first_held, 3, 2, 1000), 2);
	assert_int_equal(choice_pick(all_held, 3, 0, 1000), 1);
	assert_int_equal(choice_pick(all_held, 3, 0, 5000), 0);
	assert_int_equal(choice_pick(soon, 3, 0, 1060), 0);
	assert_int_equal(choice_pick(soon, 3, 0, 1059), 1);
	assert_int_equal(choice_after(free_all, 3, 0, 1000), 1);
	assert_int_equal(choice_after(free_all, 3, 2, 1000), -1);
	assert_int_equal(choice_after(all_held, 3, 0, 1000), -1);
	assert_int_equal(choice_after(first_held, 1, 0, 1000), -1);
}

static void
test_moves(void **state)
{
	static const struct { enum err_kind kind; const char *code;
		enum step step; bool moves, urgent; } cases[] = {
		{ ERR_TRANSIENT, "http:connect", STEP_ACCOUNT, true, true },
		{ ERR_CONFIG, "acme:externalAccountRequired", STEP_ACCOUNT,
		    true, true },
		{ ERR_TRANSIENT, "acme:http-503", STEP_ORDER, true, true },
		{ ERR_RATELIMIT, "acme:rateLimited", STEP_ORDER, true, true },
		{ ERR_CONFIG, "acme:paused", STEP_ORDER, true, true },
		{ ERR_RATELIMIT, "engine:held", STEP_ORDER, true, true },
		{ ERR_TRANSIENT, "acme:serverInternal", STEP_FINALIZE, true,
		    true },
		{ ERR_REJECTED, "acme:caa", STEP_AUTHORIZE, false, true },
		{ ERR_REJECTED, "acme:rejectedIdentifier", STEP_ORDER, false,
		    true },
		{ ERR_TRANSIENT, "provider:http-500", STEP_AUTHORIZE, false,
		    true },
		{ ERR_TRANSIENT, "store:full", STEP_ACCOUNT, false, false },
		{ ERR_INTERNAL, "sys:io", STEP_FINALIZE, false, false },
		{ ERR_TRANSIENT, "deploy:exit", STEP_DEPLOY, false, false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct error err;

		(void)error_set(&err, cases[i].kind, cases[i].code, "x");
		if (choice_moves(&err, cases[i].step, false) !=
		    cases[i].moves || choice_moves(&err, cases[i].step,
		    true) != cases[i].urgent)
			fail_msg("%s", cases[i].code);
	}
}

static void
down(enum fake_act act, enum err_kind kind, const char *code,
    const char *msg)
{
	fake_ca.rules_at = A;
	fake_rule_fail(&fake_ca.rules[act], MANY, kind, code, msg);
}

static void
up_again(void)
{
	fake_ca.rules_at = NULL;
	for (int i = 0; i < FAKE_ACT_END; i++)
		fake_ca.rules[i].times = 0;
}

static const char *
ordered_at(size_t n)
{
	assert_in_range(n, 0, fake_ca.n_orders - 1);
	return fake_ca.orders[n].at;
}

/* Go on until n more runs have ended, over months. */
static void
ends(struct erig *r, unsigned n)
{
	unsigned want = r->ends + n;

	for (unsigned d = 0; r->ends < want && d < 100; d++)
		fake_time_pass(DAY);
	assert_int_equal(r->ends, want);
}

/* The first CA is down when it is time: the second one issues, at once, and
 * that is no reason to renew again; then the first one is asked again. */
static void
test_second(void **state)
{
	static const struct { enum fake_act act; enum err_kind kind;
		const char *code; } cases[] = {
		{ FAKE_ACCOUNT, ERR_TRANSIENT, "http:connect" },
		{ FAKE_NEW_ORDER, ERR_TRANSIENT, "acme:http-503" },
		{ FAKE_NEW_ORDER, ERR_RATELIMIT, "acme:rateLimited" },
		{ FAKE_GET_AUTHZ, ERR_TRANSIENT, "acme:serverInternal" },
		{ FAKE_FINALIZE, ERR_TRANSIENT, "http:timeout" },
		{ FAKE_CERT, ERR_TRANSIENT, "acme:http-500" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct erig *r;
		size_t n;
		json_t *o;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		erig_conf(r, WEB);
		erig_up(r);
		erig_ends(r, 1);
		assert_string_equal(ordered_at(0), A);
		down(cases[i].act, cases[i].kind, cases[i].code, "it is ill");
		/* One end, and it is a good one. */
		ends(r, 1);
		assert_int_equal(r->oks, 2);
		assert_int_equal(r->ends, 2);
		assert_true(erig_told(r, "going on with account \"b\""));
		n = fake_ca.n_orders;
		assert_string_equal(ordered_at(n - 1), B);
		assert_string_equal(fake_ca.orders[n - 1].replaces, "");
		assert_string_equal(erig_row(r, "web")->ari_directory, B);
		assert_false(issuer_is_other(erig_cert(r, "web")));
		o = engine_cert_status(r->engine, "web");
		assert_non_null(strstr(jsonx_str(o, "fallback.why"), "it is "
		    "ill"));
		json_decref(o);
		fake_time_pass(10 * DAY);
		assert_int_equal(fake_ca.n_orders, n);
		up_again();
		ends(r, 1);
		assert_int_equal(r->oks, 3);
		assert_string_equal(ordered_at(fake_ca.n_orders - 1), A);
		assert_null(erig_row(r, "web")->account_why);
	}
}

/* Killed in the middle of the second CA's order: that is gone on with, though
 * the first one is there again. */
static void
test_killed(void **state)
{
	struct erig *r = *state;
	struct fake_rule *hang = &fake_ca.rules[FAKE_FINALIZE];

	erig_conf(r, WEB);
	fake_ca.rules_at = A;
	fake_rule_fail(&fake_ca.rules[FAKE_ACCOUNT], MANY, ERR_TRANSIENT,
	    "http:connect", "refused");
	erig_up(r);
	ERIG_UNTIL(fake_ca.n_orders == 1);
	fake_ca.rules_at = NULL;
	up_again();
	fake_rule_hang(hang);
	ERIG_UNTIL(hang->times == 0);
	erig_crash(r);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_string_equal(ordered_at(0), B);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
}

/* Both are ill: the usual pauses, and not one CA after the other for ever. */
static void
test_both(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	fake_rule_fail(&fake_ca.rules[FAKE_GET_AUTHZ], MANY, ERR_TRANSIENT,
	    "acme:serverInternal", "ill");
	erig_up(r);
	fake_time_pass(2 * DAY);
	assert_int_equal(r->oks, 0);
	assert_in_range(r->ends, 3, 6);
	assert_in_range(fake_ca.calls[FAKE_GET_AUTHZ], 2 * 3, 2 * 6);
	up_again();
	fake_time_pass(2 * DAY);
	assert_int_equal(r->oks, 1);
}

/* The first is down, and the second refuses: it is asked at its own pace, not
 * each time that the first one is. */
static void
test_pace(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WEB);
	down(FAKE_ACCOUNT, ERR_TRANSIENT, "http:connect", "refused");
	fake_ca.refused_name = "web.test";
	erig_up(r);
	fake_time_pass(DAY);
	assert_int_equal(r->oks, 0);
	assert_string_equal(ordered_at(0), B);
	assert_in_range(fake_ca.n_orders, 2, 7);
}

#define HALF TWO "certificate \"web\" { names = { \"web.test\", " \
    "\"bad.test\" } on_name_failure = shrink provider = dns " \
    "account = { \"ca\", \"b\" } }\n" \
    "certificate \"one\" { names = { \"one.test\" } provider = dns " \
    "account = ca }\n"

/* Names that were left out wait for the first, and leave nothing behind that
 * the next renewal would begin with. */
static void
test_comeback(void **state)
{
	struct erig *r = *state;
	struct error err;
	size_t n;

	erig_conf(r, HALF);
	fake_ca.refused_name = "bad.test";
	erig_up(r);
	ERIG_UNTIL(r->oks == 2);
	assert_true(missing_count(erig_cert(r, "web")) == 1);
	n = fake_ca.n_orders;
	down(FAKE_NEW_ORDER, ERR_RATELIMIT, "acme:rateLimited",
	    "too many new orders (300) from this account");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = clock_now() + 2 * 86400;
	/* The other one is told to wait. */
	assert_int_equal(engine_renew_now(r->engine, "one", &err), 0);
	fake_time_pass(4 * DAY);
	assert_int_equal(fake_ca.n_orders, n);
	assert_null(erig_row(r, "web")->account);
	up_again();
	fake_time_pass(3 * DAY);
	assert_in_range(fake_ca.n_orders, n + 2, n + 8);
	while (n < fake_ca.n_orders)
		assert_string_equal(ordered_at(n++), A);
	assert_null(erig_row(r, "web")->account);
}

/* The second one leaves the list while it is asked: what it says holds not the
 * first. */
static void
test_left(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];

	erig_conf(r, WEB);
	down(FAKE_GET_AUTHZ, ERR_TRANSIENT, "acme:serverInternal", "ill");
	fake_ca.latency_ms = 1000;
	erig_up(r);
	ERIG_UNTIL(erig_told(r, "going on with account \"b\"") &&
	    erig_cert(r, "web")->run != NULL);
	up_again();
	down(FAKE_NEW_ORDER, ERR_RATELIMIT, "acme:rateLimited", "too many new "
	    "orders (300) from this account");
	rule->err.retry_at = clock_now() + 86400;
	fake_ca.rules_at = B;
	free(erig_reload(r, TWO "certificate \"web\" { names = { "
	    "\"web.test\" } provider = dns account = ca }\n"));
	ERIG_UNTIL(rule->times == MANY - 1);
	ERIG_UNTIL(erig_cert(r, "web")->run == NULL);
	assert_int_equal(hold_until_at(r->engine->holds, erig_cert(r, "web"),
	    erig_cert(r, "web")->conf->account, NULL), 0);
}

/* Ordered at the first, which is the second when acmed goes on. */
static void
test_turned(void **state)
{
	struct erig *r = *state;
	struct fake_rule *hang = &fake_ca.rules[FAKE_FINALIZE];

	erig_conf(r, WEB);
	fake_rule_hang(hang);
	erig_up(r);
	ERIG_UNTIL(hang->times == 0);
	erig_crash(r);
	erig_conf(r, TWO "certificate \"web\" { names = { \"web.test\" } "
	    "provider = dns account = { \"b\", \"ca\" } }\n");
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* An order left at the first is none at the second: that one's limits hold. */
static void
test_left_order(void **state)
{
	struct erig *r = *state;
	struct cert *c;

	erig_conf(r, "account \"b\" { directory = \"" B "\" agree_tos = true "
	    "limits = { \"orders 1 per 1d\" } }\n"
	    "certificate \"there\" { names = { \"there.test\" } "
	    "provider = dns account = b }\n"
	    "certificate \"web\" { names = { \"web.test\" } "
	    "provider = dns account = { \"ca\", \"b\" } }\n");
	down(FAKE_GET_AUTHZ, ERR_TRANSIENT, "acme:serverInternal", "ill");
	erig_up(r);
	ERIG_UNTIL(r->oks > 0 && erig_row(r, "web")->order_url != NULL &&
	    erig_cert(r, "web")->run == NULL);
	c = erig_cert(r, "web");
	/* Moved on, before the other one had taken what there was. */
	xstrset(&c->row.account, "b");
	choice_make(r->engine->holds, c, false);
	assert_string_equal(issuer_now(c)->name, "ca");
}

/* A name that no CA may certify is not tried at the next one, until there is
 * little time left. */
static void
test_urgent(void **state)
{
	struct erig *r = *state;
	const struct store_cert *row;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	down(FAKE_NEW_ORDER, ERR_REJECTED, "acme:caa", "no");
	row = erig_row(r, "web");
	while (clock_now() < row->not_after - (row->not_after -
	    row->not_before) / 8 - 2 * 86400) {
		fake_time_pass(DAY);
		assert_int_equal(r->oks, 1);
	}
	fake_time_pass(4 * DAY);
	assert_int_equal(r->oks, 2);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
}

/* A person who asks gets it from the second, and hears one end.  A CA that is
 * not in the list any more is another CA. */
static void
test_asked(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	down(FAKE_NEW_ORDER, ERR_RATELIMIT, "acme:rateLimited",
	    "too many new orders (300) from this account");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_int_equal(r->ends, 2);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	/* The first is held: it is not asked, though a person asks. */
	assert_int_equal(engine_check_held(r->engine, "web", &err), 0);
	free(erig_reload(r, TWO "certificate \"web\" { names = { \"web.test\" "
	    "} provider = dns account = ca }\n"));
	assert_true(issuer_is_other(erig_cert(r, "web")));
}

/* --- what limits hold: Boulder's own words --- */

#define LE_DOCS ": see https://letsencrypt.org/docs/rate-limits/"
#define LIMITED TWO \
    "certificate \"one\" { names = { \"a.example.com\" } provider = dns " \
    "account = ca }\n" \
    "certificate \"same\" { names = { \"a.example.com\" } key = ec384 " \
    "provider = dns account = ca }\n" \
    "certificate \"sub\" { names = { \"z.example.com\" } provider = dns " \
    "account = ca }\n" \
    "certificate \"else\" { names = { \"example.net\" } provider = dns " \
    "account = ca }\n" \
    "certificate \"there\" { names = { \"a.example.com\" } " \
    "provider = dns account = b }\n"

/* Which certificates a text holds that one was told, and until when. */
static void
test_limits(void **state)
{
	static const struct { const char *text, *held; } cases[] = {
		{ "too many certificates (50) already issued for "
		    "\"example.com\" in the last 168h0m0s, retry after "
		    "2027-01-16 08:00:00 UTC" LE_DOCS
		    "#new-certificates-per-registered-domain",
		    "one same sub " },
		{ "too many certificates (5) already issued for this exact "
		    "set of identifiers in the last 168h0m0s, retry after "
		    "2027-01-16 08:00:00 UTC" LE_DOCS
		    "#new-certificates-per-exact-set-of-identifiers",
		    "one same " },
		{ "too many failed authorizations (5) for \"a.example.com\" "
		    "in the last 1h0m0s, retry after 2027-01-16 08:00:00 UTC"
		    LE_DOCS "#authorization-failures-per-identifier-per-"
		    "account", "one same " },
		{ "too many new orders (300) from this account in the last "
		    "3h0m0s, retry after 2027-01-16 08:00:00 UTC" LE_DOCS
		    "#new-orders-per-account", "else one same sub " },
		{ "too many new registrations (10) from this IP address in "
		    "the last 3h0m0s, retry after 2027-01-16 08:00:00 UTC",
		    "else one same sub " },
		/* As it was said until 2024. */
		{ "too many certificates already issued for: example.com, "
		    "retry after 2027-01-16T08:00:00Z" LE_DOCS,
		    "one same sub " },
		{ "Error creating new order :: too many certificates (5) "
		    "already issued for this exact set of domains in the last "
		    "168 hours: a.example.com, retry after "
		    "2027-01-16T08:00:00Z", "one same " },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct cert *one;
		char *held = xstrdup(""), *longer;
		struct erig *r;
		struct hold_run run = { .begun = 0, .has_asked = true };
		struct error err;

		assert_int_equal(erig_teardown(state), 0);
		assert_int_equal(erig_setup(state), 0);
		r = *state;
		erig_conf(r, LIMITED);
		erig_open(r);
		one = erig_cert(r, "one");
		one->step = STEP_ORDER;
		read_problem(429, cases[i].text, 0, &err);
		assert_int_equal(err.retry_at, RIG_NOW + 86400);
		assert_false(hold_failed(r->engine->holds, one,
		    issuer_now(one), &run, &err));
		/* Also after a restart. */
		erig_down(r);
		erig_open(r);
		for (size_t k = 0; k < r->engine->certs->n; k++) {
			const struct cert *c = r->engine->certs->list[k];
			time_t until = hold_until(r->engine->holds, c, &err);

			if (until == 0)
				continue;
			assert_int_equal(until, RIG_NOW + 86400);
			assert_non_null(strstr(err.msg, "the CA asks account "
			    "\"ca\" to wait until 2027-01-16T08:00:00Z"));
			longer = xasprintf("%s%s ", held, c->row.name);
			free(held);
			held = longer;
		}
		if (strcmp(held, cases[i].held) != 0)
			fail_msg("%s: %s", cases[i].text, held);
		free(held);
		erig_down(r);
	}
}

/* To the second, as the header says; a 503 as well. */
static void
test_exact(void **state)
{
	struct erig *r = *state;
	struct hold_run run = { .begun = 0, .has_asked = true };
	struct error err;
	struct cert *c;

	erig_conf(r, LIMITED);
	erig_open(r);
	c = erig_cert(r, "one");
	c->step = STEP_ORDER;
	read_problem(503, "Service busy; retry later.", RIG_NOW + 7, &err);
	(void)hold_failed(r->engine->holds, c, issuer_now(c), &run,
	    &err);
	assert_int_equal(hold_until(r->engine->holds, erig_cert(r, "else"),
	    NULL), RIG_NOW + 7);
	fake_time_pass(7 * SECOND);
	assert_int_equal(hold_until(r->engine->holds, c, NULL), 0);
	/* Again and again: that is not believed for ever. */
	for (int i = 0; i < 5; i++) {
		time_t now = clock_now();

		read_problem(503, "Service busy; retry later.", now + 7,
		    &err);
		(void)hold_failed(r->engine->holds, c, issuer_now(c), &run,
	    &err);
		fake_time_pass(7 * SECOND);
	}
	assert_in_range(hold_until(r->engine->holds, c, NULL), clock_now() +
	    1000, clock_now() + 2 * 86400);
	erig_down(r);
}

#define NEW "certificate \"new\" { names = { \"new.example.com\" } " \
    "provider = dns account = ca }\n"

/* Certificates that ARI renews, and "new", which has none yet, as the CA has
 * told "sub" that the domain's limit is used up. */
static void
use_up(struct erig *r)
{
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;

	fake_ca.has_ari = true;
	fake_ca.ari_start = RIG_NOW + 58 * 86400;
	fake_ca.ari_end = RIG_NOW + 59 * 86400;
	erig_conf(r, LIMITED);
	erig_up(r);
	ERIG_UNTIL(r->oks == 5);
	ERIG_UNTIL(erig_row(r, "one")->ari_end != 0 &&
	    erig_row(r, "sub")->ari_end != 0);
	read_problem(429, "too many certificates (50) already issued for "
	    "\"example.com\" in the last 168h0m0s" LE_DOCS, clock_now() +
	    86400, &rule->err);
	rule->times = 1;
	rule->match = "z.example.com";
	assert_int_equal(engine_renew_now(r->engine, "sub", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(rule->times, 0);
	free(erig_reload(r, LIMITED NEW));
	fake_time_pass(MINUTE);
	assert_int_equal(r->oks, 5);
}

static bool
is_held(struct erig *r, const char *name)
{
	return hold_until(r->engine->holds, erig_cert(r, name), NULL) != 0;
}

/* A person renews it: the CA makes the order. */
static void
renew(struct erig *r, const char *name, bool replaces)
{
	unsigned oks = r->oks;
	struct error err;

	assert_int_equal(engine_renew_now(r->engine, name, &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, oks + 1);
	assert_int_equal(fake_ca.orders[fake_ca.n_orders - 1].replaces[0] !=
	    '\0', replaces);
}

/* An order that CAs make whatever limit is used up ends none, but a pause; any
 * other does. */
static void
test_exempt_ends(void **state)
{
	struct erig *r = *state;
	struct hold_run run = { .begun = 0, .has_asked = true };
	struct cert *there;
	struct error err;

	use_up(r);
	there = erig_cert(r, "there");
	read_problem(429, "too many new orders (300) from this account in "
	    "the last 3h0m0s" LE_DOCS, clock_now() + 86400, &err);
	assert_false(hold_failed(r->engine->holds, there, issuer_now(there),
	    &run, &err));
	(void)error_set(&err, ERR_CONFIG, "acme:paused", "the CA has paused "
	    "a.example.com for this account");
	assert_false(hold_failed(r->engine->holds, erig_cert(r, "one"),
	    issuer_now(erig_cert(r, "one")), &run, &err));
	assert_int_equal(hold_until(r->engine->holds, erig_cert(r, "same"),
	    NULL), STORE_PAUSED_EVER);
	renew(r, "one", true);
	assert_int_not_equal(hold_until(r->engine->holds, erig_cert(r,
	    "same"), NULL), STORE_PAUSED_EVER);
	assert_true(is_held(r, "new"));
	renew(r, "there", true);
	assert_true(is_held(r, "there"));
	renew(r, "new", false);
	assert_false(is_held(r, "sub"));
	assert_true(is_held(r, "there"));
}

/* ... and one that a domain's limit does not hold is not held by what another
 * was told: until it is told so itself. */
static void
test_exempt_goes(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;

	use_up(r);
	assert_true(is_held(r, "sub"));
	assert_true(is_held(r, "new"));
	assert_false(is_held(r, "one"));
	assert_int_equal(hold_until_asked(r->engine->holds, erig_cert(r,
	    "one"), &err), 0);
	/* It is due, and goes. */
	erig_row(r, "one")->ari_at = clock_now();
	engine_reschedule(r->engine);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 6);
	assert_true(fake_ca.orders[5].replaces[0] != '\0');
	/* Without a window nobody knows what the CA makes of it. */
	erig_row(r, "same")->ari_end = 0;
	assert_true(is_held(r, "same"));
	erig_row(r, "same")->ari_end = fake_ca.ari_end;
	assert_false(is_held(r, "same"));
	rule->times = 1;
	rule->match = "a.example.com";
	assert_int_equal(engine_renew_now(r->engine, "same", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(rule->times, 0);
	assert_true(is_held(r, "same"));
	fake_time_pass(MINUTE);
	assert_int_equal(r->oks, 6);
}

/* Renewals of the same names are spared where the CA does so, without ARI, too:
 * they neither wait for a domain's limit nor end it. */
static void
test_same_names_go(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;

	erig_conf(r, "account \"own\" { directory = \"" A "\" agree_tos = true "
	    "ari = false limits = { \"certificates 50 per domain per 7d except "
	    "renewals\" } }\ncertificate \"old\" { names = \"a.example.com\" "
	    "account = own provider = dns }\ncertificate \"more\" { names = { "
	    "\"b.example.com\" } account = own provider = dns }\n");
	erig_up(r);
	erig_ends(r, 2);
	read_problem(429, "too many certificates (50) already issued for "
	    "\"example.com\" in the last 168h0m0s" LE_DOCS, clock_now() +
	    86400, &rule->err);
	rule->times = 1;
	rule->match = "b.example.com";
	free(erig_reload(r, "account \"own\" { directory = \"" A "\" "
	    "agree_tos = true ari = false limits = { \"certificates 50 per "
	    "domain per 7d except renewals\" } }\ncertificate \"old\" { names "
	    "= \"a.example.com\" account = own provider = dns }\ncertificate "
	    "\"more\" { names = { \"b.example.com\", \"c.example.com\" } "
	    "account = own provider = dns }\n"));
	erig_ends(r, 1);
	assert_int_equal(rule->times, 0);
	assert_true(is_held(r, "more"));
	assert_false(is_held(r, "old"));
	assert_int_equal(engine_check_held(r->engine, "old", &err), 0);
	renew(r, "old", false);
	assert_true(is_held(r, "more"));
}

/* One that a reload has taken out runs on, while there are such limits: it is
 * told one, or its order is made. */
static void
test_removed(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;

	use_up(r);
	rule->match = "new.example.com";
	fake_ca.latency_ms = 20000;
	for (unsigned i = 0; i < 2; i++) {
		unsigned calls = fake_ca.calls[FAKE_NEW_ORDER];

		rule->times = 1 - i;
		free(erig_reload(r, LIMITED NEW));
		assert_int_equal(engine_renew_now(r->engine, "new", &err), 0);
		ERIG_UNTIL(erig_cert(r, "new")->run != NULL &&
		    (i == 0 || fake_ca.calls[FAKE_NEW_ORDER] > calls));
		free(erig_reload(r, LIMITED));
		ERIG_UNTIL(erig_cert(r, "new")->run == NULL);
		assert_int_equal(r->oks, 5 + i);
		assert_true(is_held(r, "sub"));
		assert_false(is_held(r, "else"));
	}
	fake_ca.latency_ms = 0;
	fake_time_pass(MINUTE);
}

#define JWT "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." \
    "eyJhdWQiOlsic2ZlIl0sImV4cCI6MTgwMTIwOTYwMCwiaSI6ImEuZXhhbXBsZS5jb20i" \
    "LCJpYXQiOjE4MDAwMDAwMDAsImlzcyI6IldGRSIsInN1YiI6IjEyMzQ1Njc4OSJ9." \
    "c2lnbmF0dXJlLXNpZ25hdHVyZS1zaWduYXR1cmUtc2lnbg"
#define PORTAL "https://portal.letsencrypt.org/sfe/v1/unpause?jwt="
#define PAUSED(url) "Your account is temporarily prevented from requesting " \
    "certificates for a.example.com, b.example.com and possibly others. " \
    "Please visit: " url

/* The link is whole, or not there. */
static void
test_paused_text(void **state)
{
	struct error err;
	char *longer, *text;

	read_problem(429, PAUSED(PORTAL JWT), 0, &err);
	assert_int_equal(err.kind, ERR_CONFIG);
	assert_string_equal(err.code, "acme:paused");
	assert_string_equal(err.msg, "the CA has paused a.example.com, "
	    "b.example.com and possibly others for this account, as its "
	    "validation failed too often; to unpause: " PORTAL JWT);
	/* What is in front of it is that of a run at the most. */
	longer = xmalloc(4000);
	memset(longer, 'x', 3999);
	longer[1300] = '\0';
	text = xasprintf(PAUSED(PORTAL "%s"), longer);
	read_problem(429, text, 0, &err);
	assert_non_null(strstr(err.msg, longer));
	(void)error_wrap(&err, "%s", "order");
	assert_non_null(strstr(err.msg, longer));
	free(text);
	longer[1300] = 'x';
	longer[3999] = '\0';
	text = xasprintf(PAUSED(PORTAL "%s"), longer);
	read_problem(429, text, 0, &err);
	assert_string_equal(err.code, "acme:paused");
	assert_null(strstr(err.msg, "https:"));
	free(text);
	free(longer);
	read_problem(429, "Your account is temporarily prevented from "
	    "requesting certificates for a.example.com\nPlease visit: "
	    "javascript:alert(1)", 0, &err);
	assert_string_equal(err.code, "acme:paused");
	assert_null(strstr(err.msg, "javascript"));
}

/* It is not tried again, until a person asks or its names change; the others
 * are.  Where it has another CA, that is asked. */
static void
test_paused(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;
	unsigned calls;
	json_t *o;

	fake_rule_fail(rule, MANY, ERR_CONFIG, "acme:paused", "the CA has "
	    "paused a.example.com for this account; to unpause: " PORTAL JWT);
	rule->match = "a.example.com";
	fake_ca.rules_at = A;
	erig_conf(r, LIMITED);
	erig_up(r);
	fake_time_pass(3 * DAY);
	assert_int_equal(r->oks, 3);		/* sub, else, there */
	calls = fake_ca.calls[FAKE_NEW_ORDER];
	erig_down(r);
	erig_up(r);
	fake_time_pass(20 * DAY);
	assert_int_equal(fake_ca.calls[FAKE_NEW_ORDER], calls);
	o = engine_cert_brief(r->engine, "one");
	assert_string_equal(jsonx_str(o, "next.action"), "held");
	assert_non_null(strstr(jsonx_str(o, "error.msg"), PORTAL JWT));
	assert_non_null(strstr(jsonx_str(o, "held.msg"), PORTAL JWT));
	assert_int_equal(jsonx_int(o, "held.until", -1), -1);
	json_decref(o);
	/* It was unpaused; the twin, which was told the same, goes on with
	 * it. */
	rule->times = 0;
	assert_int_equal(engine_check_held(r->engine, "one", &err), 0);
	assert_int_equal(engine_renew_now(r->engine, "one", &err), 0);
	fake_time_pass(2 * DAY);
	assert_int_equal(r->oks, 5);
	o = engine_cert_brief(r->engine, "one");
	assert_true(json_is_null(json_object_get(o, "held")));
	json_decref(o);
}

/* Other names, or another CA. */
static void
test_paused_ways(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];

	fake_rule_fail(rule, MANY, ERR_CONFIG, "acme:paused", "the CA has "
	    "paused web.test for this account");
	rule->match = "web.test";
	fake_ca.rules_at = A;
	erig_conf(r, "certificate \"web\" { names = { \"web.test\" } "
	    "provider = dns account = ca }\n");
	erig_up(r);
	fake_time_pass(3 * DAY);
	assert_int_equal(r->oks, 0);
	free(erig_reload(r, WEB));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 1);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	free(erig_reload(r, "certificate \"web\" { names = { \"new.test\" } "
	    "provider = dns account = ca }\n"));
	fake_time_pass(SECOND);
	assert_int_equal(r->oks, 2);
	assert_string_equal(erig_row(r, "web")->ari_directory, A);
}

/* What was unpaused is asked again at its first CA, when a person asks: the
 * second one would renew it for ever. */
static void
test_unpaused(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];
	struct error err;

	fake_rule_fail(rule, MANY, ERR_CONFIG, "acme:paused", "the CA has "
	    "paused web.test for this account");
	rule->match = "web.test";
	fake_ca.rules_at = A;
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	/* Still paused: the second one has it, with one end. */
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	assert_int_equal(MANY - rule->times, 2);
	up_again();
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 3);
	assert_string_equal(erig_row(r, "web")->ari_directory, A);
}

/* A moment is waited for the first CA, but not while a person waits. */
static void
test_asked_in_a_moment(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->ari_directory, A);
	down(FAKE_NEW_ORDER, ERR_RATELIMIT, "acme:rateLimited", "wait");
	fake_ca.rules[FAKE_NEW_ORDER].err.retry_at = clock_now() + 50;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	fake_time_pass(5 * SECOND);
	assert_int_equal(engine_check_held(r->engine, "web", &err), 0);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 3);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	assert_int_equal(MANY - fake_ca.rules[FAKE_NEW_ORDER].times, 1);
}

static void
revoke_done(const struct error *err, const json_t *reply, void *arg)
{
	*(bool *)arg = err == NULL;
}

/* The CA that issued it is told, not the first of the list. */
static void
test_revoke(void **state)
{
	struct erig *r = *state;
	struct manage_args args = { .act = MANAGE_REVOKE, .name = "web",
	    .reason = 1, .in_use = true };
	struct error err;
	bool ok = false;
	char *serial;

	erig_conf(r, WEB);
	down(FAKE_NEW_ORDER, ERR_RATELIMIT, "acme:rateLimited", "wait");
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->ari_directory, B);
	up_again();
	(void)manage_start(engine_manage_jobs(r->engine), &args, revoke_done,
	    &ok);
	ERIG_UNTIL(ok);
	assert_int_equal(fake_ca.revoked, 1);
	assert_string_equal(fake_ca.revoked_at, B);
	/* Also when it is not the installed one any more. */
	args.serial = serial = xstrdup(erig_row(r, "web")->serial);
	fake_time_pass(15 * MINUTE);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->ari_directory, A);
	ok = false;
	fake_ca.revoked_at[0] = '\0';
	(void)manage_start(engine_manage_jobs(r->engine), &args, revoke_done,
	    &ok);
	ERIG_UNTIL(ok);
	assert_string_equal(fake_ca.revoked_at, B);
	free(serial);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pick), cmocka_unit_test(test_moves),
		ERIG_TEST(test_second), ERIG_TEST(test_killed),
		ERIG_TEST(test_both), ERIG_TEST(test_pace),
		ERIG_TEST(test_comeback), ERIG_TEST(test_left),
		ERIG_TEST(test_turned), ERIG_TEST(test_left_order),
		ERIG_TEST(test_urgent),
		ERIG_TEST(test_asked), ERIG_TEST(test_limits),
		ERIG_TEST(test_exact), ERIG_TEST(test_exempt_ends),
		ERIG_TEST(test_exempt_goes),
		ERIG_TEST(test_same_names_go), ERIG_TEST(test_removed),
		cmocka_unit_test(test_paused_text),
		ERIG_TEST(test_paused), ERIG_TEST(test_paused_ways),
		ERIG_TEST(test_unpaused),
		ERIG_TEST(test_asked_in_a_moment), ERIG_TEST(test_revoke),
	};

	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
