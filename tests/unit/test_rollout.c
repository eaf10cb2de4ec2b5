/* SPDX-License-Identifier: MIT */
/* Deploy actions: once for each certificate, in order, until they succeed. */
#include "tests/unit/engine_rig.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/alerts/condition.h"
#include "daemon/deploy/deploy.h"
#include "daemon/rollout/rollout.h"
#include "tests/unit/pki.h"

#define CERT(actions) "certificate \"web\" { names = { \"example.test\" } " \
    "provider = dns " actions " }\n"
#define ACTION(name) "deploy \"" name "\" { exec = { \"/bin/true\" } } "
#define ABC ACTION("a") ACTION("b") ACTION("c")

static void
expect_ran(const char *log)
{
	assert_string_equal(fake_deploy.log, log);
	fake_deploy.log[0] = '\0';
}

/* One member of the deploy actions in acmectl status. */
static void
expect_state(struct erig *r, const char *states)
{
	json_t *list = rollout_json(erig_cert(r, "web")), *o;
	char *all = xstrdup("");
	size_t i;

	json_array_foreach(list, i, o) {
		char *more = xasprintf("%s%s=%s ", all, json_string_value(
		    json_object_get(o, "name")), json_string_value(
		    json_object_get(o, "state")));

		free(all);
		all = more;
	}
	assert_string_equal(all, states);
	free(all);
	json_decref(list);
}

static void
test_order(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ACTION("c") ACTION("a") ACTION("b")));
	erig_up(r);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	expect_state(r, "c=running a=pending b=pending ");
	assert_int_equal(rollout_pending(r->engine->rollout), 3);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	expect_ran("web c ab0001\nweb a ab0001\nweb b ab0001\n");
	expect_state(r, "c=done a=done b=done ");
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
	assert_true(erig_told(r, "web deploy info c: a line of output"));
	/* Neither time nor restart nor reload runs them again. */
	free(erig_reload(r, CERT(ABC)));
	fake_time_pass(DAY);
	erig_down(r);
	erig_up(r);
	fake_time_pass(DAY);
	expect_ran("");
	fake_time_pass(61 * DAY);
	expect_ran("web a ab0002\nweb b ab0002\nweb c ab0002\n");
}

static void
test_failure(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 3, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web b";
	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, "deploy:exec");
	assert_string_equal(r->err.msg, "deploy \"b\": status 3");
	/* All were tried, and the certificate is there. */
	expect_ran("web a ab0001\nweb b ab0001\nweb c ab0001\n");
	expect_state(r, "a=done b=failed c=done ");
	assert_int_equal(erig_row(r, "web")->failures, 0);
	assert_string_equal(erig_row(r, "web")->serial, "ab0001");
	/* 1 and 10 minutes later, jittered. */
	fake_time_pass(45 * SECOND);
	expect_ran("");
	fake_time_pass(30 * SECOND);
	expect_ran("web b ab0001\n");
	fake_time_pass(15 * MINUTE);
	expect_ran("web b ab0001\n");
	expect_state(r, "a=done b=failed c=done ");
	/* The wait is durable in number, not in time: a person has come. */
	erig_down(r);
	erig_up(r);
	fake_time_pass(SECOND);
	expect_ran("web b ab0001\n");
	expect_state(r, "a=done b=done c=done ");
	assert_int_equal(fake_ca.n_orders, 1);
}

static void
test_several_failures(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 2, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(r->err.msg,
	    "2 actions failed; the first: deploy \"a\": status 3");
	expect_state(r, "a=failed b=failed c=done ");
	assert_int_equal(rollout_pending(r->engine->rollout), 2);
	free(erig_reload(r, CERT(ABC)));
	fake_time_pass(SECOND);
	expect_state(r, "a=done b=done c=done ");
}

/* Killed, or stopped, while an action runs: it runs again. */
static void
test_restart(void **state)
{
	static void (*const ends[])(struct erig *) = { erig_crash, erig_down };

	for (size_t i = 0; i < N_ELEMENTS(ends); i++) {
		struct erig *r;

		assert_int_equal(erig_setup(state), 0);
		r = *state;
		fake_rule_hang(&fake_deploy.rule);
		fake_deploy.rule.match = "web b";
		erig_conf(r, CERT(ABC));
		erig_up(r);
		ERIG_UNTIL(fake_deploy.rule.times == 0);
		ends[i](r);
		expect_ran("web a ab0001\nweb b ab0001\n");
		erig_up(r);
		fake_time_pass(SECOND);
		expect_ran("web b ab0001\nweb c ab0001\n");
		expect_state(r, "a=done b=done c=done ");
		assert_int_equal(erig_teardown(state), 0);
	}
}

/* An action that failed, or was never run, is not configured any more. */
static void
test_removed(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web b";
	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	free(erig_reload(r, CERT(ACTION("a") ACTION("d"))));
	fake_time_pass(DAY);
	/* A new one runs for the certificate in use. */
	expect_state(r, "a=done d=done ");
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
	erig_down(r);
	erig_up(r);
	expect_state(r, "a=done d=done ");
	expect_ran("web a ab0001\nweb b ab0001\nweb c ab0001\n"
	    "web d ab0001\n");
}

/* Removed while it runs, and then it fails: nobody runs it again. */
static void
test_removed_while_running(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ABC));
	fake_deploy.latency_ms = 5000;
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web a";
	erig_up(r);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	free(erig_reload(r, CERT(ACTION("b"))));
	erig_ends(r, 1);
	fake_time_pass(DAY);
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
	expect_state(r, "b=done ");
}

/* Removed between the order and the installation. */
static void
test_removed_during_run(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ABC));
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_FINALIZE] == 1);
	free(erig_reload(r, CERT(ACTION("b"))));
	erig_ends(r, 1);
	fake_time_pass(DAY);
	expect_ran("web b ab0001\n");
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
	expect_state(r, "b=done ");
}

/* Added meanwhile: the first certificate is for it, too. */
static void
test_added_during_run(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_FINALIZE] == 1);
	free(erig_reload(r, CERT("deploy \"a\" { exec = other } "
	    ACTION("b"))));
	erig_ends(r, 1);
	expect_ran("web a ab0001\nweb b ab0001\n");
	expect_state(r, "a=done b=done ");
	/* It ran as it is configured now. */
	erig_down(r);
	erig_up(r);
	fake_time_pass(DAY);
	expect_ran("");
}

/* ... and with it its certificate. */
static void
test_certificate_removed_during_run(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ABC));
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_FINALIZE] == 1);
	free(erig_reload(r, ""));
	erig_ends(r, 1);
	fake_time_pass(DAY);
	expect_ran("");
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
}

/* A retry comes due while a run that will fail is under way. */
static void
test_retry_during_failing_run(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	expect_ran("web a ab0001\n");
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_ca.latency_ms = 5 * MINUTE;
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	fake_ca.latency_ms = 2;
	fake_time_pass(MINUTE / 2);	/* before the next run */
	expect_ran("web a ab0001\n");
	expect_state(r, "a=done ");
}

/* The clock was wrong by years when an action failed. */
static void
test_clock_jump_back(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_time_jump(30 * 86400);
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_time_jump(-30 * 86400);
	fake_time_pass(HOUR);
	expect_ran("web a ab0001\nweb a ab0001\n");
	expect_state(r, "a=done ");
}

/* A new certificate comes while a retry for the old one still runs. */
static void
test_new_certificate_during_retry(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_deploy.latency_ms = MINUTE;
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "web")->serial, "ab0002");
	ERIG_UNTIL(rollout_pending(r->engine->rollout) == 0);
	expect_ran("web a ab0001\nweb a ab0001\nweb a ab0002\n");
	expect_state(r, "a=done ");
}

/* A crash after live/web was switched, before any row was written. */
static void
test_installed_without_row(void **state)
{
	struct erig *r = *state;
	EVP_PKEY *key = pki_key();
	char version[STORE_VERSION_SIZE];
	struct cert_info info;
	struct error err;
	char *pem = fake_ca_issue(key, (const char *const []){ "example.test",
	    NULL }, "5EC0", false);

	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	expect_ran("web a ab0001\n");
	erig_row(r, "web")->order_url = xstrdup("https://ca.test/order/0");
	erig_row(r, "web")->order_names = xstrdup("[\"example.test\"]");
	erig_row(r, "web")->order_account = xstrdup("https://ca.test/acct/1");
	cert_save(erig_cert(r, "web"));
	if (store_stage(r->store, "web", key, NULL, pem, strlen(pem), NULL,
	    version, &info, &err) == -1 || store_promote(r->store, "web",
	    version, &err) == -1)
		fail_msg("%s", err.msg);
	cert_info_clear(&info);
	erig_crash(r);
	erig_up(r);
	fake_time_pass(SECOND);
	assert_string_equal(erig_row(r, "web")->serial, "5ec0");
	expect_ran("web a 5ec0\n");
	/* Its order is used up. */
	assert_null(erig_row(r, "web")->order_url);
	EVP_PKEY_free(key);
	free(pem);
}

static void
test_stop(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_hang(&fake_deploy.rule);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	expect_ran("web a ab0001\nweb a ab0001\n");
	erig_down(r);		/* a retry, which nobody waits for */
	erig_up(r);
	fake_time_pass(SECOND);
	expect_ran("web a ab0001\n");
}

/* --- targets that are new, or other than they were --- */

static void
test_added(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	expect_ran("web a ab0001\n");
	erig_down(r);
	erig_conf(r, CERT(ACTION("a") ACTION("b")));
	erig_up(r);
	fake_time_pass(SECOND);
	expect_ran("web b ab0001\n");
	expect_state(r, "a=done b=done ");
	/* What says only how long does not change what was done. */
	free(erig_reload(r, CERT("deploy \"a\" { timeout = 5s "
	    "exec = { \"/bin/true\" } } " ACTION("b"))));
	fake_time_pass(SECOND);
	expect_ran("");
	free(erig_reload(r, CERT("deploy \"a\" { exec = { \"/bin/true\", "
	    "\"x\" } } " ACTION("b"))));
	fake_time_pass(SECOND);
	expect_ran("web a ab0001\n");
	expect_state(r, "a=done b=done ");
}

/* Changed while it runs: what ran does not count, and it runs as it is now. */
static void
test_changed_while_running(void **state)
{
	struct erig *r = *state;

	erig_conf(r, CERT(ACTION("a")));
	fake_deploy.latency_ms = 5000;
	erig_up(r);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	assert_string_equal(fake_deploy.program, "/bin/true");
	free(erig_reload(r, CERT("deploy \"a\" { exec = other } "
	    ACTION("b"))));
	erig_ends(r, 1);
	fake_time_pass(MINUTE);
	expect_ran("web a ab0001\nweb a ab0001\nweb b ab0001\n");
	expect_state(r, "a=done b=done ");
	assert_string_equal(fake_deploy.program, "/bin/true");
	free(erig_reload(r, CERT("deploy \"a\" { exec = third }")));
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	free(erig_reload(r, CERT("deploy \"a\" { exec = fourth }")));
	fake_time_pass(MINUTE);
	expect_ran("web a ab0001\nweb a ab0001\n");
	assert_string_equal(fake_deploy.program, "fourth");
	expect_state(r, "a=done ");
}

/* --- several at once --- */

static void
test_parallel(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web b";
	erig_conf(r, CERT("deploy_order = parallel " ABC));
	fake_deploy.latency_ms = 5000;
	erig_up(r);
	ERIG_UNTIL(fake_deploy.in_flight == 3);
	expect_state(r, "a=running b=running c=running ");
	fake_deploy.step = "verify";
	expect_state(r, "a=verifying b=verifying c=verifying ");
	erig_ends(r, 1);
	expect_state(r, "a=done b=failed c=done ");
	assert_int_equal(r->oks, 0);
}

/* Those who wait for a server to serve it keep nobody from their work. */
static void
test_all_begin(void **state)
{
	struct erig *r = *state;
	char *text = xstrdup("deploy_order = parallel "), *all;
	unsigned most = 0;

	for (int i = 0; i < 25; i++) {
		char *more = xasprintf("%sdeploy \"t%02d\" { exec = x }\n",
		    text, i);

		free(text);
		text = more;
	}
	all = xasprintf("certificate \"web\" { names = { \"example.test\" }"
	    " provider = dns %s }\n", text);
	erig_conf(r, all);
	erig_up(r);
	while (r->ends == 0) {
		assert_true(fake_time_step());
		if (fake_deploy.in_flight > most)
			most = fake_deploy.in_flight;
	}
	assert_int_equal(most, 25);
	assert_int_equal(rollout_pending(r->engine->rollout), 0);
	free(all);
	free(text);
}

/* A run that only deploys keeps no other from being renewed. */
static void
test_place(void **state)
{
	struct erig *r = *state;

	fake_rule_hang(&fake_deploy.rule);
	fake_deploy.rule.match = "web";
	erig_conf(r, "max_renewals = 1 " CERT(ACTION("a"))
	    "certificate \"zz\" { provider = dns names = \"zz.test\" }");
	erig_up(r);
	erig_ends(r, 1);
	assert_string_equal(erig_row(r, "zz")->serial, "ab0002");
	assert_non_null(erig_cert(r, "web")->run);
	assert_int_equal(r->engine->certs->places.working, 0);
}

/* Is another certificate on its way to the reload of that unit? */
static bool
is_more(struct erig *r, const char *unit)
{
	const struct deploy_env *env = rollout_env(r->engine->rollout);

	assert_false(env->is_more("restart", unit, env->arg));
	return env->is_more("reload", unit, env->arg);
}

static void
test_more(void **state)
{
	struct erig *r = *state;

	fake_rule_hang(&fake_deploy.rule);
	fake_deploy.rule.match = "web b";
	erig_conf(r, "max_renewals = 1 "
	    CERT("deploy a { reload = apache2 } deploy b { reload = nginx }")
	    "certificate \"zz\" { provider = dns names = \"zz.test\" "
	    "deploy c { reload = bind } }");
	erig_up(r);
	/* web is being renewed, zz is queued. */
	ERIG_UNTIL(erig_cert(r, "zz")->is_queued);
	assert_true(is_more(r, "apache2.service"));
	assert_true(is_more(r, "bind.service"));
	assert_false(is_more(r, "other.service"));
	/* zz is over, and web at b, which nothing keeps from its reload. */
	erig_ends(r, 1);
	expect_ran("web a ab0001\nweb b ab0001\nzz c ab0002\n");
	assert_false(is_more(r, "apache2.service"));
	assert_false(is_more(r, "bind.service"));
	assert_true(is_more(r, "nginx.service"));
	/* Whoever waits for it, or is past it, is waited for by nobody. */
	fake_deploy.step = "reload";
	assert_false(is_more(r, "nginx.service"));
	fake_deploy.step = "verify";
	assert_false(is_more(r, "nginx.service"));
}

/* What failed comes again in a minute: too late for those of now. */
static void
test_more_failed(void **state)
{
	struct erig *r = *state;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT("deploy a { reload = nginx } deploy b { reload = "
	    "nginx }"));
	erig_up(r);
	fake_deploy.latency_ms = 5000;
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	fake_deploy.step = "exec";
	expect_state(r, "a=running b=pending ");
	assert_true(is_more(r, "nginx.service"));
	/* It comes to the same reload later, but not to this one. */
	fake_deploy.step = "reload";
	assert_false(is_more(r, "nginx.service"));
	ERIG_UNTIL(strstr(fake_deploy.log, "web b") != NULL);
	expect_state(r, "a=failed b=running ");
	fake_deploy.step = "verify";
	assert_false(is_more(r, "nginx.service"));
}

/* renew-now ends with the deploy of its own certificate, not with the retry
 * of an earlier one. */
static void
test_own_deploy(void **state)
{
	struct erig *r = *state;
	struct error err;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	erig_ends(r, 1);
	fake_deploy.latency_ms = 20000;
	fake_deploy.log[0] = '\0';
	ERIG_UNTIL(fake_deploy.in_flight == 1);	/* the retry */
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	ERIG_UNTIL(strcmp(erig_row(r, "web")->serial, "ab0002") == 0);
	assert_int_equal(fake_deploy.in_flight, 1);
	erig_ends(r, 1);
	expect_ran("web a ab0001\nweb a ab0002\n");
	expect_state(r, "a=done ");
	/* What only waits to be served need not be waited for. */
	fake_deploy.latency_ms = 5;
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	fake_deploy.step = "verify";
	fake_rule_hang(&fake_deploy.rule);
	fake_deploy.log[0] = '\0';
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	expect_ran("web a ab0003\nweb a ab0004\n");
}

static const char *
condition(struct erig *r)
{
	return condition_name(condition_of(erig_cert(r, "web")));
}

/* What failed is not well while it is tried again; one word for all. */
static void
test_condition(void **state)
{
	struct erig *r = *state;
	json_t *next;
	char *metrics;

	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	erig_conf(r, CERT(ACTION("a")));
	erig_up(r);
	assert_string_equal(condition(r), "missing");
	fake_deploy.latency_ms = 20000;
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	assert_string_equal(condition(r), "deploying");
	assert_false(condition_is_good(erig_cert(r, "web")));
	erig_ends(r, 1);
	assert_string_equal(condition(r), "not deployed");
	/* Told once in full; what is next is the deploy. */
	assert_true(erig_told(r, "web deploy warning deploy \"a\" failed: "
	    "status 3; next try in "));
	assert_true(erig_told(r, "web deploy notice the certificate is "
	    "installed, but not deployed; next try in "));
	next = engine_next_json(r->engine, erig_cert(r, "web"));
	assert_string_equal(json_string_value(json_object_get(next,
	    "action")), "deploy");
	json_decref(next);
	ERIG_UNTIL(fake_deploy.in_flight == 1);
	expect_state(r, "a=running ");
	assert_string_equal(condition(r), "not deployed");
	assert_false(condition_is_good(erig_cert(r, "web")));
	metrics = engine_metrics(r->engine);
	assert_non_null(strstr(metrics, "acmed_certificates_by_condition"
	    "{condition=\"not deployed\"} 1\n"));
	free(metrics);
	ERIG_UNTIL(fake_deploy.in_flight == 0);
	assert_string_equal(condition(r), "valid");
	assert_true(condition_is_good(erig_cert(r, "web")));
}

/* --- windows --- */

/* The rig's time begins at 08:00 UTC; the certificate lasts 90 days. */
#define WINDOW CERT("deploy_window = \"22:00-02:00\" " ACTION("a") \
    "deploy \"b\" { exec = x deploy_window = {} }")

static void
test_window(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, WINDOW);
	erig_up(r);
	erig_ends(r, 1);
	/* The first is urgent: nothing is served yet. */
	expect_ran("web a ab0001\nweb b ab0001\n");
	fake_time_pass(HOUR);
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 2);
	expect_ran("web b ab0002\n");
	expect_state(r, "a=pending b=done ");
	assert_true(erig_told(r, "waits for its deploy_window"));
	assert_true(rollout_next_at(erig_cert(r, "web")) == RIG_NOW +
	    14 * 3600);
	fake_time_pass(12 * HOUR);
	expect_ran("");
	erig_down(r);
	erig_up(r);
	fake_time_pass(HOUR + 5 * MINUTE);
	expect_ran("web a ab0002\n");
	/* A person is not kept waiting. */
	fake_time_pass(12 * HOUR);
	assert_int_equal(rollout_force(r->engine->rollout,
	    erig_cert(r, "web"), "a", &err), 0);
	fake_time_pass(SECOND);
	expect_ran("web a ab0002\n");
}

/* What is served ends before the window comes. */
static void
test_window_urgent(void **state)
{
	struct erig *r = *state;

	erig_conf(r, WINDOW);
	erig_up(r);
	erig_ends(r, 1);
	fake_deploy.log[0] = '\0';
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_TRANSIENT,
	    "http:timeout", "slow");
	/* So late that the next try is not a day away. */
	fake_time_pass(83LL * DAY);
	fake_ca.rules[FAKE_NEW_ORDER].times = 0;
	ERIG_UNTIL(strcmp(erig_row(r, "web")->serial, "ab0001") != 0);
	fake_time_pass(MINUTE);
	expect_state(r, "a=done b=done ");
}

/* --- the daily look --- */

#define VERIFIED(more) CERT("deploy \"a\" { exec = x " \
    "verify = \"example.test:443\" " more " }")

static void
test_daily_look(void **state)
{
	struct erig *r = *state;

	erig_conf(r, VERIFIED(""));
	erig_up(r);
	erig_ends(r, 1);
	expect_ran("web a ab0001\n");
	fake_time_pass(28 * HOUR);
	expect_ran("web a ab0001 verify\n");
	/* Its time is durable. */
	erig_crash(r);
	erig_up(r);
	fake_time_pass(20 * HOUR - MINUTE - 6 * HOUR);
	expect_ran("");
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT,
	    "deploy:verify-old", "it still serves the old certificate");
	erig_events_clear(r);
	fake_time_pass(14 * HOUR);
	expect_ran("web a ab0001 verify\nweb a ab0001\n");
	assert_true(erig_told(r, "web deploy warning deploy \"a\": it still "
	    "serves the old certificate; it runs again"));
	expect_state(r, "a=done ");
	assert_int_equal(rollout_serving_old(erig_cert(r, "web")), 0);
	/* Nobody can be asked: that is told, and nothing is done. */
	fake_rule_fail(&fake_deploy.rule, 3, ERR_TRANSIENT, "deploy:verify",
	    "refused");
	erig_events_clear(r);
	/* At the least 21 hours from the end of the last run. */
	fake_time_pass(6 * HOUR);
	expect_ran("");
	ERIG_UNTIL(fake_deploy.rule.times == 0);
	fake_time_pass(SECOND);
	expect_ran("web a ab0001 verify\nweb a ab0001 verify\n"
	    "web a ab0001 verify\n");
	assert_true(erig_told(r, "web deploy warning deploy \"a\": what is "
	    "served cannot be seen: refused\n"));
	assert_true(erig_told(r, "web deploy info deploy \"a\": what is "
	    "served cannot be seen: refused\n"));
	expect_state(r, "a=done ");
	fake_time_pass(2 * HOUR);
	expect_ran("web a ab0001 verify\n");
	assert_true(erig_told(r, "the certificate is served"));
}

/* Still the old one after the reload, until somebody reloads by hand. */
static void
test_serving_old(void **state)
{
	struct erig *r = *state;
	char *metrics;

	fake_rule_fail(&fake_deploy.rule, 2, ERR_TRANSIENT,
	    "deploy:verify-old", "it still serves the old certificate");
	erig_conf(r, VERIFIED(""));
	erig_up(r);
	erig_ends(r, 1);
	expect_state(r, "a=failed ");
	assert_int_equal(rollout_serving_old(erig_cert(r, "web")), 1);
	metrics = engine_metrics(r->engine);
	assert_non_null(strstr(metrics, "acmed_deploys_serving_old 1\n"));
	free(metrics);
	erig_crash(r);
	erig_open(r);
	assert_int_equal(rollout_serving_old(erig_cert(r, "web")), 1);
	engine_start(r->engine);
	fake_time_pass(HOUR);
	expect_state(r, "a=done ");
	assert_int_equal(rollout_serving_old(erig_cert(r, "web")), 0);
}

/* --- back --- */

static void
test_rollback_on_failure(void **state)
{
	struct erig *r = *state;
	struct error err;
	const char *action;
	time_t at;

	erig_conf(r, VERIFIED("on_verify_failure = rollback "));
	/* There is nothing to go back to. */
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:verify",
	    "no");
	erig_up(r);
	erig_ends(r, 1);
	assert_true(erig_told(r, "error cannot roll back: there is no "
	    "version"));
	fake_time_pass(HOUR);
	expect_ran("web a ab0001\nweb a ab0001\n");
	fake_rule_fail(&fake_deploy.rule, 2, ERR_TRANSIENT, "deploy:verify",
	    "handshake fails");
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	erig_events_clear(r);
	erig_ends(r, 1);
	/* Back, and deployed, and not back once more. */
	expect_ran("web a ab0002\nweb a ab0001\n");
	assert_true(erig_told(r, "web deploy error rolled back from "
	    "certificate ab0002 to ab0001"));
	assert_string_equal(r->err.code, "deploy:rolled-back");
	assert_string_equal(erig_row(r, "web")->serial, "ab0001");
	fake_time_pass(HOUR);
	expect_state(r, "a=done ");
	expect_ran("web a ab0001\n");
	/* Not renewed at once, also not by the next daemon. */
	erig_crash(r);
	erig_up(r);
	at = engine_next_at(r->engine, erig_cert(r, "web"), &action);
	assert_string_equal(action, "renew");	/* it is not due anyhow */
	assert_true(at > clock_now() + 50 * 86400);
	assert_string_equal(erig_row(r, "web")->serial, "ab0001");
	expect_ran("");
}

static void
test_rollback_by_hand(void **state)
{
	struct erig *r = *state;
	struct error err;
	const char *action;
	time_t at;

	erig_conf(r, CERT(ABC));
	erig_up(r);
	assert_int_equal(engine_rollback(r->engine, "web", false, &err), -1);
	assert_string_equal(err.code, "engine:no-cert");
	erig_ends(r, 1);
	assert_int_equal(engine_rollback(r->engine, "web", false, &err), -1);
	assert_string_equal(err.code, "store:no-previous");
	assert_int_equal(err.kind, ERR_REJECTED);
	fake_time_pass(61LL * DAY);		/* renewed */
	fake_deploy.log[0] = '\0';
	assert_int_equal(engine_rollback(r->engine, "web", false, &err), 0);
	erig_ends(r, 1);
	expect_ran("web a ab0001\nweb b ab0001\nweb c ab0001\n");
	/* It is what was wanted, and no failure. */
	assert_string_equal(condition(r), "rolled back");
	assert_true(condition_is_good(erig_cert(r, "web")));
	assert_null(condition_error(erig_cert(r, "web")));
	at = engine_next_at(r->engine, erig_cert(r, "web"), &action);
	assert_string_equal(action, "retry");
	assert_true(at > clock_now() + 19 * 3600);
	assert_true(at < clock_now() + 29 * 3600);
	/* It is over when that has gone well. */
	fake_time_pass(30 * HOUR);
	assert_string_equal(erig_row(r, "web")->serial, "ab0003");
	assert_null(erig_row(r, "web")->error);
	/* Expired: only if it must be. */
	fake_rule_fail(&fake_ca.rules[FAKE_NEW_ORDER], 1000, ERR_TRANSIENT,
	    "http:timeout", "slow");
	fake_time_pass(89LL * DAY);
	assert_int_equal(engine_rollback(r->engine, "web", false, &err), -1);
	assert_string_equal(err.code, "store:expired");
	assert_string_equal(erig_row(r, "web")->serial, "ab0003");
	ERIG_UNTIL(erig_cert(r, "web")->run == NULL);
	assert_int_equal(engine_rollback(r->engine, "web", true, &err), 0);
	ERIG_UNTIL(strcmp(erig_row(r, "web")->serial, "ab0003") != 0);
}

/* --- again --- */

static void
test_force(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, CERT(ABC) "certificate \"bare\" { provider = dns names ="
	    " \"bare.test\" }");
	erig_up(r);
	assert_int_equal(engine_deploy_now(r->engine, "web", NULL, &err), -1);
	assert_string_equal(err.code, "engine:no-cert");
	erig_ends(r, 2);
	expect_ran("web a ab0002\nweb b ab0002\nweb c ab0002\n");
	assert_int_equal(engine_deploy_now(r->engine, "wbe", NULL, &err), -1);
	assert_string_equal(err.code, "engine:unknown-cert");
	assert_int_equal(engine_deploy_now(r->engine, "web", "d", &err), -1);
	assert_string_equal(err.code, "engine:no-target");
	assert_int_equal(engine_deploy_now(r->engine, "bare", NULL, &err),
	    -1);
	assert_string_equal(err.code, "engine:no-target");
	assert_int_equal(engine_deploy_now(r->engine, "web", "b", &err), 0);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 3);
	expect_ran("web b ab0002\n");
	/* Twice is once; a failure ends it with its error, and is tried
	 * again. */
	fake_rule_fail(&fake_deploy.rule, 1, ERR_TRANSIENT, "deploy:exec",
	    "status 3");
	fake_deploy.rule.match = "web c";
	assert_int_equal(engine_deploy_now(r->engine, "web", NULL, &err), 0);
	assert_int_equal(engine_deploy_now(r->engine, "web", "a", &err), 0);
	erig_ends(r, 1);
	assert_string_equal(r->err.code, "deploy:exec");
	expect_ran("web a ab0002\nweb b ab0002\nweb c ab0002\n");
	fake_time_pass(2 * MINUTE);
	expect_ran("web c ab0002\n");
	assert_int_equal(r->ends, 4);
	/* While it is renewed. */
	assert_int_equal(engine_renew_now(r->engine, "web", &err), 0);
	ERIG_UNTIL(erig_cert(r, "web")->run != NULL);
	assert_int_equal(engine_deploy_now(r->engine, "web", NULL, &err), -1);
	assert_string_equal(err.code, "engine:busy");
}

/* Killed between the steps of a forced run: it goes on. */
static void
test_force_and_crash(void **state)
{
	struct erig *r = *state;
	struct error err;

	erig_conf(r, CERT(ABC));
	erig_up(r);
	erig_ends(r, 1);
	fake_rule_hang(&fake_deploy.rule);
	fake_deploy.rule.match = "web b";
	fake_deploy.log[0] = '\0';
	assert_int_equal(engine_deploy_now(r->engine, "web", NULL, &err), 0);
	ERIG_UNTIL(fake_deploy.rule.times == 0);
	fake_time_pass(SECOND);
	erig_crash(r);
	expect_ran("web a ab0001\nweb b ab0001\n");
	erig_up(r);
	fake_time_pass(SECOND);
	expect_ran("web b ab0001\nweb c ab0001\n");
	expect_state(r, "a=done b=done c=done ");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_order),
		ERIG_TEST(test_failure),
		ERIG_TEST(test_several_failures),
		cmocka_unit_test(test_restart),
		ERIG_TEST(test_removed),
		ERIG_TEST(test_removed_while_running),
		ERIG_TEST(test_removed_during_run),
		ERIG_TEST(test_added_during_run),
		ERIG_TEST(test_certificate_removed_during_run),
		ERIG_TEST(test_retry_during_failing_run),
		ERIG_TEST(test_clock_jump_back),
		ERIG_TEST(test_new_certificate_during_retry),
		ERIG_TEST(test_installed_without_row),
		ERIG_TEST(test_stop),
		ERIG_TEST(test_added),
		ERIG_TEST(test_changed_while_running),
		ERIG_TEST(test_parallel),
		ERIG_TEST(test_all_begin),
		ERIG_TEST(test_place),
		ERIG_TEST(test_more),
		ERIG_TEST(test_more_failed),
		ERIG_TEST(test_condition),
		ERIG_TEST(test_own_deploy),
		ERIG_TEST(test_window),
		ERIG_TEST(test_window_urgent),
		ERIG_TEST(test_daily_look),
		ERIG_TEST(test_serving_old),
		ERIG_TEST(test_rollback_on_failure),
		ERIG_TEST(test_rollback_by_hand),
		ERIG_TEST(test_force),
		ERIG_TEST(test_force_and_crash),
	};

	(void)setenv("TZ", "UTC", 1);
	return cmocka_run_group_tests_name("rollout", tests,
	    erig_group_setup, erig_group_teardown);
}
