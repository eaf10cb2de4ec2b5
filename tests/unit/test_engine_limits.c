/* SPDX-License-Identifier: MIT */
/* Work waits before the CA would refuse it. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/mem.h"
#include "daemon/limits/limits.h"
#include "tests/fake/fake_channel.h"

#define DAY_S 86400
#define LIMITED(list, certs) "account \"own\" { directory = " \
    "\"https://ca.test/dir\" agree_tos = true limits = { " list " } }\n" certs
#define CERT(name) "certificate \"" name "\" { names = \"" name \
    ".test\" account = own provider = dns }\n"

static json_t *
shown(struct erig *r, const char *name)
{
	json_t *o = engine_cert_brief(r->engine, name);

	assert_non_null(o);
	return o;
}

static time_t
held_until(struct erig *r, const char *name)
{
	json_t *o = shown(r, name);
	time_t at = (time_t)jsonx_int(o, "held.until", 0);

	if (at != 0)
		assert_true(jsonx_int(o, "next.at", 0) >= at);
	json_decref(o);
	return at;
}

static void
expect_words(struct erig *r, const char *name, const char *words)
{
	json_t *o = shown(r, name);
	const char *msg = jsonx_str(o, "held.msg");

	if (msg == NULL || strstr(msg, words) == NULL)
		fail_msg("\"%s\" is not in: %s", words, msg != NULL ? msg :
		    "null");
	json_decref(o);
}

/* The third waits; a crash does not make it forget that. */
static void
test_third_waits(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, LIMITED("\"orders 2 per 10m\"", CERT("a") CERT("b")
	    CERT("c")));
	erig_up(r);
	erig_ends(r, 2);
	fake_time_pass(30 * SECOND);
	assert_int_equal(r->oks, 2);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_in_range(held_until(r, "c"), RIG_NOW + 300, RIG_NOW + 306);
	expect_words(r, "c", "waits for the CA's limit of 2 orders per "
	    "account in 10m until 2027-01-15T08:05:05Z");
	expect_next(r, "c", "renew");
	assert_int_equal(engine_check_held(r->engine, "c", &err), -1);
	assert_string_equal(err.code, "engine:held");
	assert_int_equal(err.retry_at, held_until(r, "c"));
	/* Not due, and yet it would be held. */
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	assert_int_equal(held_until(r, "a"), 0);
	erig_crash(r);
	erig_up(r);
	fake_time_pass(MINUTE);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_in_range(held_until(r, "c"), RIG_NOW + 300, RIG_NOW + 306);
	ERIG_UNTIL(r->oks == 3);
	assert_in_range(clock_now(), RIG_NOW + 300, RIG_NOW + 400);
	/* It was no failure of its own. */
	assert_int_equal(r->ends, 3);
	assert_int_equal(erig_row(r, "c")->failures, 0);
}

static time_t
planned(struct erig *r, const char *name)
{
	json_t *o = shown(r, name);
	time_t at = (time_t)jsonx_int(o, "next.at", 0);

	json_decref(o);
	return at;
}

/* Who waits is shown its own token, by urgency, and gets it then. */
static void
test_turns(void **state)
{
	struct erig *r = *state;

	erig_conf(r, LIMITED("\"orders 2 per 10m\"", CERT("a") CERT("b")
	    CERT("c") CERT("d") CERT("e")));
	erig_up(r);
	erig_ends(r, 2);
	fake_time_pass(30 * SECOND);
	assert_in_range(planned(r, "c"), RIG_NOW + 300, RIG_NOW + 310);
	assert_in_range(planned(r, "d"), RIG_NOW + 600, RIG_NOW + 610);
	assert_in_range(planned(r, "e"), RIG_NOW + 900, RIG_NOW + 910);
	ERIG_UNTIL(r->oks == 3);
	assert_non_null(erig_row(r, "c")->serial);
	fake_time_pass(10 * SECOND);
	assert_in_range(planned(r, "d"), RIG_NOW + 600, RIG_NOW + 620);
	assert_in_range(planned(r, "e"), RIG_NOW + 900, RIG_NOW + 920);
	ERIG_UNTIL(r->oks == 5);
	assert_in_range(clock_now(), RIG_NOW + 900, RIG_NOW + 960);
}

/* Asked for all the same: told, or passed with force. */
static void
test_forced(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, LIMITED("\"orders 1 per 1h\"", CERT("a") CERT("b")));
	erig_up(r);
	erig_ends(r, 1);
	fake_time_pass(10 * SECOND);
	/* Whoever asks without a look is told by its run. */
	assert_int_equal(engine_renew_now(r->engine, "b", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "engine:held");
	assert_non_null(strstr(r->err.msg, "limit of 1 order per account"));
	fake_time_pass(MINUTE);
	assert_int_equal(fake_ca.n_orders, 1);
	engine_pass_limits(r->engine, "b");
	assert_int_equal(engine_renew_now(r->engine, "b", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	/* That counts as well, but not for more than an empty bucket. */
	engine_pass_limits(r->engine, "a");
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 3);
	assert_false(erig_cert(r, "a")->passes_limits);
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	assert_in_range(err.retry_at, clock_now(), clock_now() + 3610);
}

/* A renewal that says what it replaces is held by nothing. */
static void
test_ari(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_ca.has_ari = true;
	fake_ca.ari_start = RIG_NOW + 58 * DAY_S;
	fake_ca.ari_end = RIG_NOW + 59 * DAY_S;
	erig_conf(r, LIMITED("\"orders 1 per 1h\", \"duplicates 1 per 7d\"",
	    CERT("a") CERT("b")));
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	ERIG_UNTIL(erig_row(r, "a")->ari_end != 0);
	assert_int_equal(engine_check_held(r->engine, "a", &err), 0);
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_true(fake_ca.orders[1].replaces[0] != '\0');
	/* The CA does not take the next one for such: then it waits. */
	ERIG_UNTIL(erig_row(r, "a")->ari_end != 0);
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_REJECTED,
	    "acme:alreadyReplaced", "replaced before");
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "engine:held");
	fake_time_pass(10 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 2);
	assert_int_not_equal(held_until(r, "a"), 0);
}

/* A renewal of the same names, at the CA that is known or not known. */
static void
test_renewals(void **state)
{
	static const char list[] = LIMITED("\"orders 1 per 1d except "
	    "renewals\"", CERT("a"));
	struct erig *r = *state;
	struct error err;

	erig_conf(r, list);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_check_held(r->engine, "a", &err), 0);
	xstrset(&erig_row(r, "a")->ari_directory, NULL);
	assert_int_equal(engine_check_held(r->engine, "a", &err), 0);
	xstrset(&erig_row(r, "a")->issuer, "(STAGING) Counterfeit Cashew");
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	xstrset(&erig_row(r, "a")->ari_directory, "https://other.test/dir");
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	xstrset(&erig_row(r, "a")->ari_directory, "https://ca.test/dir");
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	/* What has expired, or has other names, is an order like any other. */
	erig_row(r, "a")->not_after = clock_now() - 1;
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
	erig_row(r, "a")->not_after = clock_now() + DAY_S;
	assert_int_equal(engine_check_held(r->engine, "a", &err), 0);
	xstrset(&erig_row(r, "a")->names, "[\"b.test\"]");
	assert_int_equal(engine_check_held(r->engine, "a", &err), -1);
}

/* What the CA did not make counts for nothing; what it may have made, does. */
static void
test_given_back(void **state)
{
	struct erig *r = *state;
	struct fake_rule *rule = &fake_ca.rules[FAKE_NEW_ORDER];

	fake_rule_fail(rule, 1, ERR_REJECTED, "acme:rejectedIdentifier", "no");
	erig_conf(r, LIMITED("\"orders 1 per 1h\"", CERT("a") CERT("b")));
	erig_up(r);
	ERIG_UNTIL(r->oks == 1);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_in_range(clock_now(), RIG_NOW, RIG_NOW + 120);
	erig_crash(r);
	/* A day later, by a fifth at the most, it is tried again; and nobody
	 * knows what became of that. */
	fake_time_pass(2 * DAY);
	fake_rule_fail(rule, 1, ERR_TRANSIENT, "http:timeout", "no answer");
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "http:timeout");
	fake_time_pass(20 * MINUTE);
	assert_int_equal(fake_ca.n_orders, 1);
}

/* An order that fails before it is issued is no certificate; its validation
 * is counted. */
static void
test_failures(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "a.test";
	erig_conf(r, LIMITED("\"certificates 1 per domain per 7d\", "
	    "\"duplicates 1 per 7d\", \"failures 2 per name per 10h\"",
	    CERT("a")));
	erig_up(r);
	erig_ends(r, 2);
	assert_int_equal(fake_ca.n_orders, 2);
	fake_time_pass(HOUR);
	assert_int_equal(fake_ca.n_orders, 2);
	expect_words(r, "a", "limit of 2 failed validations per name in 10h "
	    "(a.test) until");
	assert_in_range(held_until(r, "a"), RIG_NOW + 5 * 3600,
	    RIG_NOW + 5 * 3600 + 700);
	fake_ca.refused_name = NULL;
	ERIG_UNTIL(r->oks == 1);
	assert_in_range(clock_now(), RIG_NOW + 5 * 3600, RIG_NOW + 6 * 3600);
}

/* An order without a name that failed gives back what it took, for the names
 * that it had. */
static void
test_shrunk(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "b.test";
	erig_conf(r, LIMITED("\"certificates 1 per domain per 7d\", "
	    "\"duplicates 1 per 7d\"", "certificate \"a\" { names = { "
	    "\"a.test\", \"b.test\" } provider = dns account = own "
	    "on_name_failure = shrink }\n"));
	erig_up(r);
	erig_ends(r, 2);
	fake_ca.refused_name = "a.test";
	erig_ends(r, 1);
	assert_int_equal(fake_ca.n_orders, 3);
	assert_int_equal(fake_ca.orders[2].n_names, 1);
	fake_ca.refused_name = NULL;
	ERIG_UNTIL(r->oks == 1);
	assert_int_equal(fake_ca.orders[3].n_names, 1);
	assert_in_range(clock_now(), RIG_NOW, RIG_NOW + DAY_S);
}

/* The CA counts a certificate from when it has issued, and so do we, whatever
 * was in between. */
static void
test_issued_late(void **state)
{
	struct erig *r = *state;
	time_t issued_at;

	fake_ca.validation_ms = 200000;
	erig_conf(r, LIMITED("\"certificates 1 per domain per 1h\"",
	    "certificate \"a\" { names = { \"a.x.test\" } provider = dns "
	    "account = own }\n"
	    "certificate \"b\" { names = { \"b.x.test\" } provider = dns "
	    "account = own }\n"));
	erig_up(r);
	ERIG_UNTIL(erig_cert(r, "a")->step == STEP_FINALIZE);
	erig_crash(r);
	erig_up(r);
	erig_ends(r, 1);
	issued_at = clock_now();
	assert_in_range(issued_at, RIG_NOW + 200, RIG_NOW + 400);
	fake_time_pass(SECOND);
	assert_in_range(held_until(r, "b"), issued_at + 3600 - 5,
	    issued_at + 3600 + 6);
}

/* The end of an order under way needs no room. */
static void
test_resumed(void **state)
{
	struct erig *r = *state;

	erig_conf(r, LIMITED("\"orders 1 per 1h\", \"duplicates 1 per 7d\"",
	    CERT("a")));
	erig_up(r);
	ERIG_UNTIL(erig_row(r, "a")->order_url != NULL &&
	    erig_cert(r, "a")->step == STEP_FINALIZE);
	assert_int_equal(erig_row(r, "a")->order_limits,
	    LIMIT_BIT(LIMIT_ORDERS) | LIMIT_BIT(LIMIT_DUPLICATES));
	erig_crash(r);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.n_orders, 1);
	assert_int_equal(erig_row(r, "a")->order_limits, 0);
}

/* Is it there, wherever its lines are broken? */
static bool
has_words(const char *text, const char *words)
{
	for (; *text != '\0'; text++) {
		const char *t = text, *w = words;

		while (*w != '\0' && (*t == *w || (*w == ' ' && *t == '\n'))) {
			w++;
			t += strspn(t, " \n") > 0 ? strspn(t, " \n") : 1;
		}
		if (*w == '\0')
			return true;
	}
	return false;
}

/* A delay that is longer than the certificate is told of at once. */
static void
test_alarm(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_channel_reset();
	fake_ca.lifetime_s = 90 * DAY_S;
	erig_conf(r, LIMITED("\"duplicates 1 per 7d\"", CERT("a"))
	    "notify \"ops\" { syslog = daemon }\n");
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_row(r, "a")->not_after = clock_now() + 6 * DAY_S;
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "engine:held");
	fake_time_pass(10 * MINUTE);
	assert_int_equal(fake_channel.n, 1);
	assert_true(has_words(fake_channel.got[0].text, "waits for the CA's "
	    "limit of 1 certificate with the same names in 7d until"));
	assert_true(has_words(fake_channel.got[0].text, "; the certificate "
	    "in use ends before that: 2027-01-21T"));
	/* By force it has come, and lives less long than the limit lasts. */
	fake_ca.lifetime_s = 6 * DAY_S;
	engine_pass_limits(r->engine, "a");
	assert_int_equal(engine_renew_now(r->engine, "a", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	fake_time_pass(2 * HOUR);
	assert_int_equal(fake_channel.n, 2);
	assert_non_null(strstr(fake_channel.got[1].text,
	    "The reported problem is solved."));
	erig_crash(r);
	fake_channel_reset();
}

static unsigned domains_asked;

const char *__real_domain_of(const struct domains *, const char *,
	    char out[DOMAIN_SIZE]);
const char *__wrap_domain_of(const struct domains *, const char *,
	    char out[DOMAIN_SIZE]);

const char *
__wrap_domain_of(const struct domains *d, const char *name,
    char out[DOMAIN_SIZE])
{
	domains_asked++;
	return __real_domain_of(d, name, out);
}

/* However many wait, the schedule does not look at their names again and
 * again; and it does where a token has come back. */
static void
test_many_wait(void **state)
{
	enum { N = 3000 };
	struct erig *r = *state;
	char *conf;
	size_t len;
	FILE *f = open_memstream(&conf, &len);

	fprintf(f, LIMITED("\"certificates 1 per domain per 7d\"", ""));
	for (int i = 0; i < N; i++)
		fprintf(f, "certificate \"c%04d\" { names = "
		    "\"c%04d.example.test\" account = own provider = dns }\n",
		    i, i);
	assert_int_equal(fclose(f), 0);
	fake_ca.refused_name = "c0000.example.test";
	fake_ca.latency_ms = 100;
	erig_conf(r, conf);
	free(conf);
	erig_up(r);
	fake_time_pass(100);
	assert_int_equal(r->ends, 0);
	assert_in_range(held_until(r, "c2999"), RIG_NOW + 7 * DAY_S,
	    RIG_NOW + 7 * DAY_S + 6);
	domains_asked = 0;
	for (int i = 0; i < 10; i++)
		engine_schedule_cb(r->engine);
	assert_int_equal(domains_asked, 0);
	/* The order came to nothing: another one goes on. */
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	ERIG_UNTIL(fake_ca.n_orders == 2);
	assert_true(clock_now() < RIG_NOW + 60);
	assert_true(domains_asked > 0);
}

/*
 * A thousand that are due at once: no more than the CA allows at any time, and
 * what ends first goes first.
 */
static void
test_thousand(void **state)
{
	enum { N = 1000, BURST = 20, INTERVAL = 30, LAST = 50 };
	struct erig *r = *state;
	time_t at[LAST];
	char *conf;
	size_t len, n = 0;
	FILE *f = open_memstream(&conf, &len);

	fprintf(f, LIMITED("\"orders %d per %ds\"", ""), BURST,
	    BURST * INTERVAL);
	for (int i = 0; i < N; i++)
		fprintf(f, "certificate \"c%04d\" { names = "
		    "\"c%04d.example.test\" account = own provider = dns }\n",
		    i, i);
	assert_int_equal(fclose(f), 0);
	erig_conf(r, conf);
	free(conf);
	erig_up(r);
	/* Of those that wait the last ends first. */
	for (int i = 0; i < N; i++)
		r->engine->certs->list[i]->row.not_after = RIG_NOW +
		    DAY_S * 30 + N - i;
	while (n < LAST) {
		size_t before = fake_ca.n_orders;

		assert_true(fake_time_step());
		assert_true(fake_ca.n_orders <= before + 1);
		if (fake_ca.n_orders > before)
			at[n++] = clock_now();
	}
	for (int i = 0; i < LAST; i++) {
		for (int k = i + 1; k < LAST; k++)
			assert_true(k - i + 1 <= BURST + (at[k] - at[i]) /
			    INTERVAL);
	}
	/* ... and not much less than it allows. */
	assert_in_range(at[LAST - 1], RIG_NOW + (LAST - BURST) * INTERVAL,
	    RIG_NOW + (LAST - BURST + 5) * INTERVAL);
	for (int i = BURST; i < LAST; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "c%04d.example.test",
		    N - 1 - (i - BURST));
		assert_string_equal(fake_ca.orders[i].names[0], name);
	}
	assert_int_equal(r->ends, r->oks);
	expect_words(r, "c0500", "waits for the CA's limit of 20 orders per "
	    "account in 10m until");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_third_waits), ERIG_TEST(test_turns),
		ERIG_TEST(test_forced),
		ERIG_TEST(test_ari),
		ERIG_TEST(test_renewals),
		ERIG_TEST(test_given_back),
		ERIG_TEST(test_failures),
		ERIG_TEST(test_shrunk),
		ERIG_TEST(test_issued_late),
		ERIG_TEST(test_resumed),
		ERIG_TEST(test_alarm),
		ERIG_TEST(test_thousand),
		ERIG_TEST(test_many_wait),
	};

	return cmocka_run_group_tests_name("engine: limits", tests,
	    erig_group_setup, erig_group_teardown);
}
