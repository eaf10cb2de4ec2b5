/* SPDX-License-Identifier: MIT */
/* http-01 in a run: files in webroots, their journal, their removal. */
#include "tests/unit/engine_rig.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cleanup/tokens.h"

#define FILES "www/.well-known/acme-challenge/*"

static int
setup(void **state)
{
	struct erig *r;

	assert_int_equal(erig_setup(state), 0);
	r = *state;
	fake_ca.webroot = xstrdup(scratch_path(&r->scratch, "www"));
	assert_int_equal(mkdir(fake_ca.webroot, 0755), 0);
	return 0;
}

static int
teardown(void **state)
{
	char *webroot = (char *)(uintptr_t)fake_ca.webroot;
	int rc = erig_teardown(state);

	free(webroot);
	return rc;
}

/* "web", with its names and what else there is, in our webroot. */
static void
configure(struct erig *r, const char *names, const char *rest)
{
	char *text = xasprintf("certificate \"web\" { names = { %s } "
	    "challenge = http-01 webroot = \"%s\" %s }\n", names,
	    fake_ca.webroot, rest);

	erig_conf(r, text);
	free(text);
}

static void
expect_ok(struct erig *r)
{
	erig_ends(r, 1);
	if (r->oks == 0)
		fail_msg("%s", r->err.msg);
}

static void
expect_error(struct erig *r, const char *code, const char *text)
{
	erig_ends(r, 1);
	assert_int_equal(r->oks, 0);
	assert_string_equal(r->err.code, code);
	if (strstr(r->err.msg, text) == NULL)
		fail_msg("%s", r->err.msg);
}

static void
expect_clean(struct erig *r)
{
	ERIG_UNTIL(tokens_count(r->engine->tokens) == 0 &&
	    cleanup_count(r->engine->cleanup) == 0);
	assert_int_equal(scratch_count(&r->scratch, FILES), 0);
	assert_int_equal(fake_dns_count(), 0);
}

static void
test_files(void **state)
{
	struct erig *r = *state;

	configure(r, "\"a.test\", \"b.test\"", "");
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_ANSWER] > 0);
	assert_int_equal(scratch_count(&r->scratch, FILES), 2);
	assert_int_equal(tokens_count(r->engine->tokens), 2);
	expect_ok(r);
	expect_clean(r);
	/* Nobody has asked the DNS for anything. */
	assert_string_equal(fake_dns.log, "");
	assert_int_equal(fake_dns.calls[FAKE_ZONE], 0);
	assert_true(erig_told(r, "2 names can be proved over HTTP"));
	assert_true(erig_told(r, "2 challenge files are removed from "));
}

/* A name over HTTP, its wildcard through the DNS. */
static void
test_mixed(void **state)
{
	struct erig *r = *state;

	configure(r, "\"a.test\", \"*.a.test\"", "provider = dns "
	    "name \"*.a.test\" { challenge = dns-01 }");
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_ANSWER] > 0);
	assert_int_equal(scratch_count(&r->scratch, FILES), 1);
	expect_ok(r);
	expect_clean(r);
	assert_string_equal(fake_dns.log,
	    "+ dns _acme-challenge.a.test txt-0-1\n"
	    "- dns _acme-challenge.a.test txt-0-1\n");
}

/* The values of one name take turns; the file is there all the time. */
static void
test_rounds(void **state)
{
	struct erig *r = *state;

	configure(r, "\"a.test\", \"b.test\", \"*.b.test\"", "provider = one "
	    "name \"b.test\" { challenge = dns-01 } "
	    "name \"*.b.test\" { challenge = dns-01 } }\n"
	    "provider \"one\" { type = tokendns ");
	erig_up(r);
	expect_ok(r);
	expect_clean(r);
	assert_string_equal(fake_dns.log,
	    "+ one _acme-challenge.b.test txt-0-1\n"
	    "- one _acme-challenge.b.test txt-0-1\n"
	    "+ one _acme-challenge.b.test txt-0-2\n"
	    "- one _acme-challenge.b.test txt-0-2\n");
}

static void
test_refused(void **state)
{
	struct erig *r = *state;

	fake_ca.refused_name = "b.test";
	configure(r, "\"a.test\", \"b.test\"", "");
	erig_up(r);
	expect_error(r, "acme:dns", "b.test: ");
	expect_clean(r);
}

static void
test_no_webroot(void **state)
{
	struct erig *r = *state;

	assert_int_equal(rmdir(fake_ca.webroot), 0);
	configure(r, "\"a.test\", \"*.a.test\"", "provider = dns "
	    "name \"*.a.test\" { challenge = dns-01 }");
	erig_up(r);
	expect_error(r, "http01:missing", "authorize: a.test: webroot: ");
	expect_clean(r);
	/* Before any provider was called to add. */
	assert_null(strstr(fake_dns.log, "+ "));
	assert_int_equal(fake_ca.calls[FAKE_ANSWER], 0);
	assert_int_equal(mkdir(fake_ca.webroot, 0755), 0);
	r->oks = 0;
	erig_ends(r, 1);
	assert_int_equal(r->oks, 1);
	assert_int_equal(fake_ca.n_orders, 1);
}

static void
test_not_offered(void **state)
{
	struct erig *r = *state;

	fake_ca.no_http01 = true;
	configure(r, "\"a.test\"", "");
	erig_up(r);
	expect_error(r, "acme:no-http-01",
	    "a.test: the CA offers no http-01 challenge, only: dns-01");
	expect_clean(r);
}

static void
test_no_listener(void **state)
{
	struct erig *r = *state;

	erig_conf(r, "http_listen = systemd\n"
	    "certificate \"web\" { names = a.test challenge = http-01 }\n");
	log_set_level(LOGL_ERROR);
	erig_up(r);
	expect_error(r, "http:listen", "acmed-http.socket");
	expect_clean(r);
}

/* kill -9 at each point; the next start leaves nothing behind. */
static void
test_crash(void **state)
{
	static const enum fake_act points[] = { FAKE_GET_AUTHZ, FAKE_ANSWER,
	    FAKE_FINALIZE, FAKE_CERT };

	for (size_t i = 0; i < N_ELEMENTS(points); i++) {
		struct erig *r;

		assert_int_equal(setup(state), 0);
		r = *state;
		configure(r, "\"a.test\", \"b.test\"", "");
		erig_up(r);
		ERIG_UNTIL(fake_ca.calls[points[i]] > 0);
		if (points[i] == FAKE_ANSWER)
			assert_int_equal(scratch_count(&r->scratch, FILES),
			    2);
		erig_crash(r);
		erig_up(r);
		expect_ok(r);
		expect_clean(r);
		assert_int_equal(fake_ca.n_orders, 1);
		assert_int_equal(teardown(state), 0);
	}
}

/* The certificate went with the crash: what it left is removed all the
 * same. */
static void
test_crash_and_gone(void **state)
{
	struct erig *r = *state;

	configure(r, "\"a.test\"", "");
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_ANSWER] > 0);
	assert_int_equal(scratch_count(&r->scratch, FILES), 1);
	erig_crash(r);
	erig_conf(r, "");
	erig_up(r);
	assert_int_equal(tokens_count(r->engine->tokens), 1);
	expect_clean(r);
}

static void
test_stop(void **state)
{
	struct erig *r = *state;

	fake_ca.validation_ms = 100000;
	configure(r, "\"a.test\"", "");
	erig_up(r);
	ERIG_UNTIL(fake_ca.calls[FAKE_ANSWER] > 0);
	assert_int_equal(scratch_count(&r->scratch, FILES), 1);
	erig_down(r);
	assert_int_equal(scratch_count(&r->scratch, FILES), 0);
	erig_up(r);
	assert_int_equal(tokens_count(r->engine->tokens), 0);
}

/* It cannot be removed: told, shown, tried again. */
static void
test_removal_fails(void **state)
{
	struct erig *r = *state;
	char *hidden = xstrdup(scratch_path(&r->scratch, "www.hidden"));
	json_t *list;

	configure(r, "\"a.test\"", "");
	erig_up(r);
	ERIG_UNTIL(fake_ca.n_orders > 0 &&
	    fake_ca.orders[0].answered_ms[0] != 0);
	assert_int_equal(rename(fake_ca.webroot, hidden), 0);
	scratch_write(fake_ca.webroot, "no directory");
	expect_ok(r);
	ERIG_UNTIL(erig_told(r, "are not removed yet: webroot: "));
	list = tokens_json(r->engine->tokens);
	assert_int_equal(json_array_size(list), 1);
	assert_string_equal(json_string_value(json_object_get(
	    json_array_get(list, 0), "state")), "removing");
	assert_non_null(strstr(json_string_value(json_object_get(
	    json_array_get(list, 0), "error")), "webroot: "));
	json_decref(list);
	/* Also after a restart. */
	erig_crash(r);
	erig_up(r);
	assert_int_equal(tokens_count(r->engine->tokens), 1);
	assert_int_equal(unlink(fake_ca.webroot), 0);
	assert_int_equal(rename(hidden, fake_ca.webroot), 0);
	assert_int_equal(scratch_count(&r->scratch, FILES), 1);
	expect_clean(r);
	free(hidden);
}

/* Two names with one token: it stays until the last gives it up. */
static void
test_same_token_twice(void **state)
{
	struct erig *r = *state;
	const char *const roots[] = { fake_ca.webroot, NULL };

	erig_conf(r, "");
	erig_up(r);
	for (size_t i = 0; i < N_ELEMENTS(roots); i++) {
		struct token *one = tokens_acquire(r->engine->tokens, "web",
		    roots[i], "tok", "tok.print");
		struct token *other = tokens_acquire(r->engine->tokens, "web",
		    roots[i], "tok", "tok.print");
		struct error err;

		if (roots[i] != NULL)
			assert_int_equal(token_publish(one, &err), 0);
		token_release(one);
		fake_time_pass(SECOND);
		assert_int_equal(scratch_count(&r->scratch, FILES), i == 0);
		token_release(other);
		expect_clean(r);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_files), TEST(test_mixed), TEST(test_rounds),
		TEST(test_refused), TEST(test_no_webroot),
		TEST(test_not_offered), TEST(test_no_listener),
		cmocka_unit_test(test_crash), TEST(test_crash_and_gone),
		TEST(test_stop), TEST(test_removal_fails),
		TEST(test_same_token_twice),
	};

	return cmocka_run_group_tests(tests, erig_group_setup,
	    erig_group_teardown);
}
