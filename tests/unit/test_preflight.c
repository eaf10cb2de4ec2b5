/* SPDX-License-Identifier: MIT */
/* acmectl check: every line, and a probe that never stays. */
#include "tests/unit/engine_rig.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/dns/provider_run.h"
#include "daemon/io/http.h"
#include "daemon/preflight/preflight.h"
#include "tests/fake/fake_check.h"
#include "tests/fake/fake_http.h"

#define CERT(name, names, more) "certificate \"" name "\" { names = { " names \
    " } provider = dns " more " }\n"
#define WEB CERT("web", "\"example.test\"", "")
#define FQDN "_acme-challenge.example.test"

struct seen {
	struct preflight *pf;
	char		*lines;	/* "CERT NAME CHECK RESULT MSG [-> FIX]\n" */
	unsigned	 dones, stop_after;	/* lines; 0: never */
	unsigned	 n_lines;
	struct error	 err;
};

static const char *
str(const json_t *line, const char *member)
{
	const char *s = json_string_value(json_object_get(line, member));

	return s != NULL ? s : "";
}

static void
line_cb(const json_t *line, void *arg)
{
	const char *name = str(line, "name"), *fix = str(line, "fix");
	bool is_end = json_is_true(json_object_get(line, "end"));
	struct seen *s = arg;
	char *all = xasprintf("%s%s %s %s %s %s%s%s\n", s->lines,
	    str(line, "cert"), *name != '\0' ? name : "-", is_end ? "end" :
	    str(line, "check"), !is_end ? str(line, "result") :
	    json_is_true(json_object_get(line, "ok")) ? "good" : "bad",
	    str(line, "msg"), *fix != '\0' ? " -> " : "", fix);

	free(s->lines);
	s->lines = all;
	if (++s->n_lines == s->stop_after) {
		preflight_cancel(s->pf);
		s->pf = NULL;
	}
}

static void
done_cb(const struct error *err, void *arg)
{
	struct seen *s = arg;

	s->pf = NULL;
	s->dones++;
	if (err != NULL)
		s->err = *err;
}

static void
look_start(struct erig *r, struct seen *s, const char *name, bool has_probe)
{
	const struct preflight_args a = { .names = &name,
	    .n_names = name != NULL, .has_probe = has_probe };

	*s = (struct seen){ .lines = xstrdup("") };
	s->pf = preflight_start(engine_preflights(r->engine), &a, line_cb,
	    done_cb, s);
	assert_int_equal(s->dones, 0);
}

/* An engine whose certificates are not being renewed. */
static void
quiet(struct erig *r, const char *conf)
{
	fake_check_reset(r->loop);
	erig_conf(r, conf);
	erig_open(r);
	cleanup_start(r->engine->cleanup);
}

static void
look(struct erig *r, struct seen *s, bool has_probe)
{
	look_start(r, s, NULL, has_probe);
	ERIG_UNTIL(s->dones == 1);
	assert_int_equal(fake_check.in_flight, 0);
}

static void
expect(const struct seen *s, const char *want)
{
	if (strstr(s->lines, want) == NULL)
		fail_msg("no \"%s\" in:\n%s", want, s->lines);
}

static void
test_all_ok(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, CERT("web", "\"example.test\", \"*.example.test\"", ""));
	look(r, &s, true);
	expect(&s, "web - directory ok the CA answers: https://ca.test/dir\n"
	    "web - account ok account \"ca\" is not registered yet");
	expect(&s, "web example.test servers ok zone example.test: 192.0.2.1");
	expect(&s, "web example.test dnssec ok zone example.test: cannot tell");
	expect(&s, "web example.test delegation ok " FQDN ", in zone "
	    "example.test, through provider \"dns\" (bare)\n");
	expect(&s, "web example.test caa ok the CAA records of a.test let "
	    "ca.test issue\n");
	expect(&s, "web example.test probe wait waiting for the fake DNS\n"
	    "web example.test probe ok a TXT value was added "
	    "at " FQDN " through provider \"dns\", seen and removed\n"
	    "web *.example.test delegation ok");
	expect(&s, "web - end good \n");
	/* Once for both names, with a value as long as a real one. */
	assert_int_equal(fake_dns.calls[FAKE_ADD], 1);
	assert_int_equal(fake_dns.calls[FAKE_REMOVE], 1);
	assert_int_equal(strspn(strstr(fake_dns.log, "acmed-probe-"),
	    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
	    "-_"), 43);
	assert_int_equal(fake_dns_count(), 0);
	assert_int_equal(cleanup_count(r->engine->cleanup), 0);
	free(s.lines);
	look(r, &s, false);
	assert_null(strstr(s.lines, "probe"));
	assert_int_equal(fake_dns.calls[FAKE_ADD], 1);
	free(s.lines);
}

static void
test_ca(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, WEB);
	fake_check.eab_required = true;
	fake_check.terms = "https://ca.test/terms";	/* agree_tos is set */
	fake_check.caa_refused = "example.test";
	look(r, &s, false);
	expect(&s, "account fail the CA requires external account binding");
	expect(&s, "-> set eab_kid and eab_hmac_key_file");
	expect(&s, "caa fail not you -> add the record\n");
	expect(&s, "end bad");
	free(s.lines);
	(void)error_set(&fake_check.meta_err, ERR_TRANSIENT, "http:connect",
	    "nobody there");
	look(r, &s, false);
	expect(&s, "directory fail nobody there -> see that this machine");
	expect(&s, "account warn");
	expect(&s, "caa warn CAA is not looked at");
	free(s.lines);
	fake_check_reset(r->loop);
	fake_check.identities[0] = NULL;
	look(r, &s, false);
	expect(&s, "caa ok CAA is not looked at: the CA does not say");
	expect(&s, "end good");
	free(s.lines);
}

/* The account is known, and CAA is judged for it. */
static void
test_account(void **state)
{
	static const struct {
		const char	*code, *want;
	} cases[] = {
		{ "acme:account-status", "account fail account \"ca\" (" },
		{ "acme:accountDoesNotExist", "account warn the CA does not" },
	};
	struct erig *r = *state;
	struct seen s;

	fake_check_reset(r->loop);
	erig_conf(r, WEB);
	erig_up(r);
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	look(r, &s, false);
	expect(&s, "account ok account \"ca\" is registered: https://");
	assert_string_equal(fake_check.caa_account, fake_ca.kid);
	free(s.lines);
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		fake_rule_fail(&fake_ca.rules[FAKE_FIND], 1, ERR_CONFIG,
		    cases[i].code, "no");
		look(r, &s, false);
		expect(&s, cases[i].want);
		free(s.lines);
	}
	(void)error_set(&fake_check.meta_err, ERR_TRANSIENT, "http:connect",
	    "nobody there");
	look(r, &s, false);
	expect(&s, "account warn account \"ca\" is registered (");
	free(s.lines);
	assert_int_equal(fake_ca.calls[FAKE_FIND], 3);
	assert_int_equal(fake_ca.accounts, 1);
	fake_check_reset(r->loop);
	fake_rule_hang(&fake_ca.rules[FAKE_FIND]);
	look_start(r, &s, "web", false);
	fake_time_pass(20);
	preflight_cancel(s.pf);
	free(s.lines);
}

static void
test_terms(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, "account \"b\" { directory = \"https://b.test/dir\" }\n"
	    "certificate \"web\" { names = { \"example.test\" } provider = dns "
	    "account = b }\n");
	fake_check.terms = "https://ca.test/terms";
	look(r, &s, false);
	expect(&s, "account fail the CA wants you to agree to its terms of "
	    "service, https://ca.test/terms -> read them, and set agree_tos");
	free(s.lines);
}

static void
test_dns(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, WEB);
	fake_check.dnssec = DNSSEC_BROKEN;
	fake_check.dead_tcp = "example.test";
	fake_dns.cname_from = FQDN;
	fake_dns.cname_to = "x.acme.org";
	look(r, &s, true);
	expect(&s, "servers fail zone example.test: 192.0.2.1 does not answer "
	    "over TCP -> see that");
	expect(&s, "dnssec fail zone example.test: DNSSEC is broken: resolver "
	    "192.0.2.9");
	expect(&s, "servers ok zone acme.org");
	expect(&s, "delegation ok " FQDN " -> x.acme.org, in zone acme.org");
	expect(&s, "probe ok a TXT value was added at x.acme.org");
	free(s.lines);
	fake_rule_fail(&fake_dns.rules[FAKE_ZONE], 2, ERR_REJECTED,
	    "dns:cname-loop", "round");
	look(r, &s, true);
	expect(&s, "delegation fail " FQDN ": round -> fix the CNAMEs");
	assert_null(strstr(s.lines, "probe"));
	free(s.lines);
	fake_rule_fail(&fake_dns.rules[FAKE_ZONE], 2, ERR_TRANSIENT,
	    "dns:resolver", "no resolver answers");
	look(r, &s, true);
	expect(&s, "dnssec fail zone example.test: DNSSEC is broken");
	expect(&s, "delegation fail " FQDN ": no resolver answers -> see");
	free(s.lines);
}

/* One line for one cause, whatever else has not come yet. */
static void
test_no_resolver(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, WEB);
	(void)error_set(&fake_check.reach_err, ERR_TRANSIENT, "dns:resolver",
	    "no resolver answers: 192.0.2.9 does not answer");
	(void)error_set(&fake_check.meta_err, ERR_TRANSIENT, "http:resolve",
	    "Could not resolve host");
	look(r, &s, true);
	expect(&s, "resolvers fail no resolver answers: 192.0.2.9 does not "
	    "answer -> see that they run");
	assert_null(strstr(s.lines, "directory"));
	assert_null(strstr(s.lines, "account"));
	assert_null(strstr(s.lines, "caa"));
	assert_null(strstr(s.lines, "delegation"));
	assert_null(strstr(s.lines, "probe"));
	assert_int_equal(fake_check.n_caas, 0);
	free(s.lines);
	(void)error_set(&fake_check.meta_err, ERR_REJECTED, "acme:directory",
	    "not a directory");
	look(r, &s, true);
	expect(&s, "directory fail not a directory");
	free(s.lines);
}

#define URL "http://a.test/.well-known/acme-challenge/acmed-check"

/* http-01 needs no zone and no provider, but the web server. */
static void
test_http(void **state)
{
	static const struct fake_exchange
	    script[] = { { "GET", URL, 404, NULL, "no", NULL } },
	    dead[] = { { "GET", URL, 0, NULL, NULL, "http:connect" } },
	    hangs[] = { { "GET", URL, 0, NULL, NULL, FAKE_HANGS } };
	struct erig *r = *state;
	struct http *http = http_new(r->loop, "test");
	struct seen s;

	quiet(r, CERT("web", "\"a.test\", \"b.test\"", ""));
	r->engine->preflight_env.http = http;
	r->conf->certs[0]->names[0].challenge = CHALLENGE_HTTP_01;
	r->conf->certs[0]->names[0].webroot = xstrdup("/nonexistent");
	fake_check.addresses = "127.0.0.7";
	fake_http_script(http, script, 1);
	look(r, &s, false);
	expect(&s, "web a.test address ok a.test is at 127.0.0.7\n"
	    "web a.test port ok a web server answers at a.test on port 80\n"
	    "web a.test caa ok");
	assert_null(strstr(s.lines, "_acme-challenge.a.test"));
	assert_string_equal(fake_check.caa_method, "dns-01");
	free(s.lines);
	fake_http_script(http, dead, 1);
	look(r, &s, false);
	expect(&s, "a.test port warn http-01 needs port 80 of a.test");
	free(s.lines);
	fake_check.addresses = NULL;
	fake_http_script(http, NULL, 0);
	look(r, &s, true);
	expect(&s, "a.test address fail a.test has no address -> add A");
	expect(&s, "a.test port fail webroot: ");
	expect(&s, "web b.test probe ok");
	free(s.lines);
	fake_check.addresses = "127.0.0.7";
	r->conf->certs[0]->names[1].challenge = CHALLENGE_HTTP_01;
	fake_http_script(http, hangs, 1);
	look_start(r, &s, "web", false);
	fake_time_pass(8);
	preflight_cancel(s.pf);
	assert_string_equal(fake_check.caa_method, "http-01");
	assert_int_equal(fake_http_in_flight(http), 0);
	free(s.lines);
	http_free(http);
}

/* Where acmed does not follow, the CA does. */
static void
test_mismatch(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, CERT("web", "\"example.test\"", "follow_cname = false"));
	fake_dns.cname_from = FQDN;
	fake_dns.cname_to = "x.acme.org";
	look(r, &s, false);
	expect(&s, "delegation fail the CA will look at " FQDN
	    " -> x.acme.org, but the record goes to " FQDN
	    " (follow_cname = false) -> set follow_cname = true");
	free(s.lines);
	free(erig_reload(r, CERT("web", "\"example.test\"",
	    "challenge_alias = \"y.acme.org\"")));
	look(r, &s, false);
	expect(&s, "-> add the record: " FQDN ". CNAME y.acme.org.\n");
	free(s.lines);
	fake_dns.cname_to = "y.acme.org";
	look(r, &s, false);
	expect(&s, "delegation ok " FQDN " -> y.acme.org, in zone acme.org");
	free(s.lines);
}

static void
test_probe_fails(void **state)
{
	static const struct {
		enum fake_dns_act act;
		enum err_kind	 kind;
		const char	*code, *want;
	} cases[] = {
		{ FAKE_ADD, ERR_CONFIG, "provider:credentials",
		    "probe fail " FQDN ": no -> see the provider's cred" },
		{ FAKE_ADD, ERR_REJECTED, "provider:no-zone",
		    "probe fail " FQDN ": no -> see which zones" },
		{ FAKE_ADD, ERR_INTERNAL, "store:io",
		    "probe fail " FQDN ": no -> see this machine" },
		{ FAKE_SHOWN, ERR_TRANSIENT, "dns:resolver",
		    "probe fail " FQDN ": no -> try again later" },
		{ FAKE_REMOVE, ERR_TRANSIENT, "provider:x",
		    "probe warn a TXT value was added at " FQDN " through "
		    "provider \"dns\", but is not removed yet: no" },
		{ FAKE_GONE, ERR_TRANSIENT, "dns:stale",
		    "probe warn a TXT value was added" },
	};
	struct erig *r = *state;
	struct seen s;

	quiet(r, WEB);
	fake_dns_put(FQDN, "somebody else's");
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		fake_rule_fail(&fake_dns.rules[cases[i].act], 1,
		    cases[i].kind, cases[i].code, "no");
		look(r, &s, true);
		expect(&s, cases[i].want);
		free(s.lines);
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_int_equal(fake_dns_count(), 1);
	}
	assert_true(fake_dns_has(FQDN, "somebody else's"));
}

/* Whenever it is ended, by whomever, nothing stays. */
static void
test_probe_ends(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, WEB);
	for (unsigned ms = 0; ms < 30; ms++) {
		look_start(r, &s, "web", true);
		fake_time_pass(ms);
		preflight_cancel(s.pf);
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_int_equal(fake_dns_count(), 0);
		assert_int_equal(s.dones != 0, s.pf == NULL);
		free(s.lines);
	}
	for (unsigned n = 1; n < 9; n++) {
		look_start(r, &s, "web", true);
		s.stop_after = n;
		ERIG_UNTIL(s.pf == NULL);
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_int_equal(fake_dns_count(), 0);
		free(s.lines);
	}
	/* As kill -9 does it. */
	for (unsigned ms = 4; ms < 24; ms += 2) {
		look_start(r, &s, "web", true);
		fake_time_pass(ms);
		erig_crash(r);
		free(s.lines);
		erig_open(r);
		cleanup_start(r->engine->cleanup);
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_int_equal(fake_dns_count(), 0);
	}
	look_start(r, &s, "web", true);
	fake_time_pass(6);
	erig_down(r);
	assert_int_equal(s.dones, 1);
	assert_string_equal(s.err.code, "engine:stopping");
	assert_int_equal(fake_dns_count(), 0);
	free(s.lines);
}

static void
test_refusals(void **state)
{
	struct erig *r = *state;
	struct seen s;

	quiet(r, WEB);
	look_start(r, &s, "nobody", true);
	ERIG_UNTIL(s.dones == 1);
	assert_string_equal(s.err.code, "engine:unknown-cert");
	free(s.lines);
	preflight_cancel(NULL);
}

/* A renewal of the same certificate at the same time: both go well. */
static void
test_beside_a_renewal(void **state)
{
	struct erig *r = *state;
	struct seen s;

	for (unsigned ms = 0; ms < 40; ms += 3) {
		fake_check_reset(r->loop);
		erig_conf(r, WEB);
		erig_up(r);
		fake_time_pass(ms);
		look_start(r, &s, "web", true);
		ERIG_UNTIL(s.dones == 1 && r->ends > 0);
		if (r->oks != r->ends)
			fail_msg("%u ms: %s", ms, r->err.msg);
		expect(&s, "probe ok");
		expect(&s, "end good");
		free(s.lines);
		ERIG_UNTIL(cleanup_count(r->engine->cleanup) == 0);
		assert_int_equal(fake_dns_count(), 0);
		r->ends = r->oks = 0;
		assert_int_equal(engine_renew_now(r->engine, "web", &s.err),
		    0);
		erig_ends(r, 1);
		erig_crash(r);
	}
}

/* A provider that holds one value: they take turns. */
static void
test_one_value(void **state)
{
	struct erig *r = *state;
	struct seen s;

	fake_check_reset(r->loop);
	erig_conf(r, "provider \"one\" { type = tokendns }\n"
	    "certificate \"web\" { names = { \"example.test\" } "
	    "provider = one }\n");
	erig_up(r);
	for (unsigned i = 0; i < 8; i++) {
		fake_time_pass(i * 4);
		look_start(r, &s, "web", true);
		for (size_t most = 0; s.dones == 0 || r->ends <= i;) {
			assert_true(fake_time_step());
			most = fake_dns_count();
			assert_true(most <= 1);
		}
		expect(&s, "probe ok");
		assert_int_equal(r->oks, r->ends);
		free(s.lines);
		assert_int_equal(engine_renew_now(r->engine, "web", &s.err),
		    0);
	}
}

/* Many names: bounded, in order, and each zone and account once. */
static void
test_many(void **state)
{
	struct erig *r = *state;
	char *conf = xstrdup(""), *more;
	const char *at;
	struct seen s;

	for (int c = 0; c < 10; c++) {
		more = xasprintf("%scertificate \"c%d\" { provider = dns names "
		    "= { ", conf, c);
		free(conf);
		conf = more;
		for (int i = 0; i < 20; i++) {
			more = xasprintf("%s%s\"n%d.c%d.test\"", conf,
			    i > 0 ? ", " : "", i, c);
			free(conf);
			conf = more;
		}
		more = xasprintf("%s } }\n", conf);
		free(conf);
		conf = more;
	}
	quiet(r, conf);
	free(conf);
	look(r, &s, false);
	assert_int_equal(fake_check.n_metas, 1);
	assert_int_equal(fake_check.n_nschecks, 10);
	assert_int_equal(fake_check.n_caas, 200);
	assert_in_range(fake_check.most, 10, 33);
	at = s.lines;
	for (int c = 0; c < 10; c++) {
		char text[32];

		(void)text_printf(text, sizeof(text), "c%d - end good", c);
		at = strstr(at, text);
		assert_non_null(at);
	}
	free(s.lines);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		ERIG_TEST(test_all_ok),
		ERIG_TEST(test_ca),
		ERIG_TEST(test_account),
		ERIG_TEST(test_terms),
		ERIG_TEST(test_dns),
		ERIG_TEST(test_no_resolver),
		ERIG_TEST(test_http),
		ERIG_TEST(test_mismatch),
		ERIG_TEST(test_probe_fails),
		ERIG_TEST(test_probe_ends),
		ERIG_TEST(test_refusals),
		ERIG_TEST(test_beside_a_renewal),
		ERIG_TEST(test_one_value),
		ERIG_TEST(test_many),
	};

	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
