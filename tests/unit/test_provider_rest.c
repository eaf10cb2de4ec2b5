/* SPDX-License-Identifier: MIT */
/*
 * What every REST provider must do, asked of each of them on a fake of its
 * vendor.  A new provider is one more line in vendors[].
 */
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "daemon/io/tally.h"
#include "daemon/rest/run.h"
#include "tests/unit/rest_fake.h"
#include "tests/unit/rig.h"

static const struct rest_vendor *const vendors[] = {
	&rest_cloudflare, &rest_httpreq, &rest_pdns_new, &rest_pdns_old
};

#define FQDN "_acme-challenge.www.example.test"
#define A "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define B "-9B7wJ2a4x5cO0jzWq3k1pRrYt8sVuNnMmLlKkJjHhG"
#define FOREIGN "somebody-else's"

static struct rig rig;
static struct fake *fake;
static struct rig_run run;

static void
begin(const struct rest_vendor *v)
{
	char url[200];

	rig_init(&rig, v->type);
	fake = fake_new(rig.loop, v->handler, NULL);
	(void)text_printf(url, sizeof(url), "http://127.0.0.1:%d%s",
	    fake->port, v->base);
	rig_set(&rig, "base_url", url);
	for (size_t i = 0; v->options[i][0] != NULL; i++)
		rig_set(&rig, v->options[i][0], v->options[i][1]);
	(void)fake_put(fake, FQDN, "\"" FOREIGN "\"", 300);
}

static void
end(void)
{
	fake_free(fake);
	rig_clear(&rig);
}

static void
change(bool is_add, const char *const *values, const char *const *handles)
{
	rig_do(&rig, &run, is_add, FQDN, "example.test", values, handles);
}

static void
expect_ok(const struct rest_vendor *v, const char *what)
{
	if (run.err.kind != ERR_NONE)
		fail_msg("%s: %s: %s\n%s", v->label, what, run.err.msg,
		    fake->log);
}

/* The set holds a of A, b of B, and still the foreign one. */
static void
expect_set(const struct rest_vendor *v, const char *what, int a, int b)
{
	if (fake_count(fake, FQDN, A) != a || fake_count(fake, FQDN, B) != b ||
	    fake_count(fake, FQDN, FOREIGN) != 1 ||
	    fake_total(fake) != a + b + 1)
		fail_msg("%s: %s: A %d, B %d, foreign %d, total %d\n%s",
		    v->label, what, fake_count(fake, FQDN, A),
		    fake_count(fake, FQDN, B),
		    fake_count(fake, FQDN, FOREIGN), fake_total(fake),
		    fake->log);
}

static void
life_of_values(const struct rest_vendor *v)
{
	char kept[PROVIDER_HANDLE_SIZE];

	change(true, VALUES(A), NULL);
	expect_ok(v, "add");
	expect_set(v, "add", 1, 0);
	(void)text_printf(kept, sizeof(kept), "%s", run.handles[0]);
	change(true, VALUES(A), NULL);
	expect_ok(v, "add again");
	expect_set(v, "add again", 1, 0);
	assert_string_equal(run.handles[0], kept);
	change(true, VALUES(B), NULL);
	expect_ok(v, "second value");
	expect_set(v, "second value", 1, 1);
	change(false, VALUES(A), VALUES(kept));
	expect_ok(v, "remove");
	expect_set(v, "remove", 0, 1);
	change(false, VALUES(A), VALUES(kept));
	expect_ok(v, "remove again");
	expect_set(v, "remove again", 0, 1);
	change(false, VALUES(B), NULL);
	expect_ok(v, "remove without handle");
	expect_set(v, "remove without handle", 0, 0);
	change(true, VALUES(A, B), NULL);
	expect_ok(v, "add both");
	expect_set(v, "add both", 1, 1);
	change(false, VALUES(A), VALUES("no-such-handle"));
	expect_ok(v, "remove with a stale handle");
	expect_set(v, "remove with a stale handle", 0, 1);
	change(false, VALUES(A, B), NULL);
	expect_ok(v, "remove both");
	expect_set(v, "remove both", 0, 0);
}

/* The first value makes the set, the last one takes it away. */
static void
alone_at_the_name(const struct rest_vendor *v)
{
	fake_reset(fake);
	change(true, VALUES(A, B), NULL);
	expect_ok(v, "add to nothing");
	assert_int_equal(fake_total(fake), 2);
	change(false, VALUES(A, B), NULL);
	expect_ok(v, "remove to nothing");
	assert_int_equal(fake_total(fake), 0);
}

/* Whatever single request goes wrong, however: the outcome is the same. */
static void
one_fault(const struct rest_vendor *v)
{
	static const struct {
		enum fault fault;
		const char *name;
	} faults[] = { { FAULT_500, "HTTP 500" }, { FAULT_SILENT, "silence" },
	    { FAULT_HTML, "HTML" }, { FAULT_CUT, "cut answer" },
	    { FAULT_THROTTLE_SHORT, "throttled" } };
	char what[100];

	for (size_t i = 0; i < N_ELEMENTS(faults); i++) {
		/* HTML with status 200 is success to some. */
		if (v->bare_status && faults[i].fault == FAULT_HTML)
			continue;
		for (unsigned at = 1; at <= 9; at++) {
			(void)text_printf(what, sizeof(what), "%s at request "
			    "%u", faults[i].name, at);
			fake->log[0] = '\0';
			rig.env.request_ms = faults[i].fault == FAULT_SILENT ?
			    150 : 5000;
			fake_fail(fake, faults[i].fault, at, 1);
			change(true, VALUES(A, B), NULL);
			expect_ok(v, what);
			/* A kept notify may be lost: nothing else. */
			expect_set(v, what, 1, 1);
			change(false, VALUES(A, B), (const char *const []){
			    run.handles[0], run.handles[1] });
			expect_ok(v, what);
			expect_set(v, what, 0, 0);
			fake->fault = FAULT_NONE;
		}
	}
}

static void
for_ever_down(const struct rest_vendor *v)
{
	fake_fail(fake, FAULT_500, 1, 0);
	change(true, VALUES(A), NULL);
	assert_int_equal(run.err.kind, ERR_TRANSIENT);
	assert_string_equal(run.err.code, "provider:unavailable");
	assert_non_null(strstr(run.err.msg, "HTTP 500: out of order"));
	assert_int_equal(fake->n_requests, 3);	/* two retries */
}

static void
throttled(const struct rest_vendor *v)
{
	time_t now = clock_now();

	fake_fail(fake, FAULT_THROTTLE, 1, 0);
	change(true, VALUES(A), NULL);
	assert_int_equal(run.err.kind, ERR_RATELIMIT);
	assert_string_equal(run.err.code, "provider:throttled");
	assert_non_null(strstr(run.err.msg, "slow down"));
	assert_in_range(run.err.retry_at - now, 118, 122);
	assert_int_equal(fake->n_requests, 1);
	/* And we leave the vendor alone, whoever asks. */
	fake->fault = FAULT_NONE;
	change(false, VALUES(B), NULL);
	assert_int_equal(run.err.kind, ERR_RATELIMIT);
	assert_in_range(run.err.retry_at - now, 118, 122);
	assert_int_equal(fake->n_requests, 1);
}

static void
bad_credentials(const struct rest_vendor *v)
{
	rig_set(&rig, v->bad[0], v->bad[1]);
	change(true, VALUES(A), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.code, "provider:credentials");
	if (strstr(run.err.msg, v->bad_words) == NULL)
		fail_msg("%s: %s", v->label, run.err.msg);
	assert_null(strstr(run.err.msg, v->bad[1]));
	assert_int_equal(fake->n_requests, 1);	/* accounts get locked */
	expect_set(v, "bad credentials", 0, 0);
}

static void
no_zone(const struct rest_vendor *v)
{
	if (!v->has_zones)
		return;
	rig_do(&rig, &run, true, "_acme-challenge.example.org", "",
	    VALUES(A), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.code, "provider:no-zone");
	assert_non_null(strstr(run.err.msg, "no zone for "
	    "_acme-challenge.example.org (asked for "
	    "_acme-challenge.example.org, example.org, org)"));
	/* The neighbour whose name ends alike is not ours. */
	rig_do(&rig, &run, true, "_acme-challenge.notexample.test", "",
	    VALUES(A), NULL);
	assert_string_equal(run.err.code, "provider:no-zone");
	assert_int_equal(fake->n_writes, 0);
}

static void
zone_walk(const struct rest_vendor *v)
{
	rig_do(&rig, &run, true, FQDN, "", VALUES(A), NULL);
	expect_ok(v, "no hint");
	/* A hint of a zone that the vendor does not have. */
	rig_do(&rig, &run, true, FQDN, "www.example.test", VALUES(B), NULL);
	expect_ok(v, "wrong hint");
	expect_set(v, "zone walk", 1, 1);
	rig_do(&rig, &run, false, FQDN, "", VALUES(A, B), NULL);
	expect_ok(v, "no hint");
	expect_set(v, "zone walk", 0, 0);
	if (!v->has_zones)
		return;
	rig_set(&rig, "zone", "example.test");
	fake->log[0] = '\0';
	rig_do(&rig, &run, true, FQDN, "", VALUES(A), NULL);
	expect_ok(v, "configured zone");
	assert_null(strstr(fake->log, "www.example.test.\n"));
	rig_set(&rig, "zone", "example.org");
	rig_do(&rig, &run, true, FQDN, "", VALUES(A), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_non_null(strstr(run.err.msg, "is not in the configured zone"));
}

/* Cancel at once, and while each of the requests is under way. */
static void
cancelled(const struct rest_vendor *v)
{
	unsigned at = 0;

	do {
		fake_fail(fake, FAULT_SILENT, at, 0);
		rig_start(&rig, &run, true, FQDN, "example.test",
		    VALUES(A, B), NULL);
		if (at > 0)
			rig_spin(&rig, 30);
		if (run.calls > 0)
			break;		/* there are no more requests */
		provider_run_cancel(run.op);
		rig_spin(&rig, 10);
		assert_int_equal(run.calls, 0);
		fake->fault = FAULT_NONE;
		change(false, VALUES(A, B), NULL);
		expect_ok(v, "after cancel");
		expect_set(v, "after cancel", 0, 0);
	} while (++at < 20);
	assert_in_range(at, 2, 19);
}

static int
ask(void *user, struct preq *rq, struct error *err)
{
	preq_start(rq, "GET", "/");
	return 0;
}

static enum rest_next
fail_silently(void *user, const struct rest_answer *a, struct error *err)
{
	return REST_FAIL;
}

static void
step_done(enum rest_next end, struct error *err, void *arg)
{
	run.err = *err;
	run.calls++;
}

static void
say_ok(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	a->text = "ok";
}

/* A table with a mistake: its failure is counted as one. */
static void
test_no_reason(void **state)
{
	static const struct rest_step steps[] = {
		{ "ask", ask, fail_silently, NULL }, { 0 }
	};
	struct tallies tallies;
	char base[64], *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	rig_init(&rig, vendors[0]->type);
	fake = fake_new(rig.loop, say_ok, NULL);
	tallies_init(&tallies);
	memset(&run, 0, sizeof(run));
	(void)text_printf(base, sizeof(base), "http://127.0.0.1:%d",
	    fake->port);
	(void)rest_start(&(struct rest_args){ .loop = rig.loop,
	    .http = rig.http, .steps = steps, .base_url = base,
	    .timeout_ms = 5000, .plain_text = true,
	    .tally = tallies_get(&tallies, "a", "x", "b", "y") },
	    step_done, NULL);
	rig_wait(&rig, &run);
	assert_string_equal(run.err.code, "provider:bug");
	tallies_print(&tallies, "t", "vendors", f);
	assert_int_equal(fclose(f), 0);
	assert_non_null(strstr(text, "kind=\"internal\"} 1\n"));
	free(text);
	tallies_clear(&tallies);
	end();
}

static void
plain_http(const struct rest_vendor *v)
{
	rig_set(&rig, "base_url", "http://192.0.2.1/");
	change(true, VALUES(A), NULL);
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_string_equal(run.err.code, "provider:plain-http");
	assert_non_null(strstr(run.err.msg, "allow_http"));
}

/* Every vendor, each on a rig of its own. */
static void
each(void (*test)(const struct rest_vendor *))
{
	for (size_t i = 0; i < N_ELEMENTS(vendors); i++) {
		begin(vendors[i]);
		test(vendors[i]);
		end();
	}
}

static void test_life(void **s) { each(life_of_values); }
static void test_alone(void **s) { each(alone_at_the_name); }
static void test_one_fault(void **s) { each(one_fault); }
static void test_down(void **s) { each(for_ever_down); }
static void test_throttled(void **s) { each(throttled); }
static void test_credentials(void **s) { each(bad_credentials); }
static void test_no_zone(void **s) { each(no_zone); }
static void test_zone_walk(void **s) { each(zone_walk); }
static void test_cancelled(void **s) { each(cancelled); }
static void test_plain_http(void **s) { each(plain_http); }

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_life),
		cmocka_unit_test(test_alone),
		cmocka_unit_test(test_one_fault),
		cmocka_unit_test(test_down),
		cmocka_unit_test(test_throttled),
		cmocka_unit_test(test_credentials),
		cmocka_unit_test(test_no_zone),
		cmocka_unit_test(test_zone_walk),
		cmocka_unit_test(test_cancelled),
		cmocka_unit_test(test_no_reason),
		cmocka_unit_test(test_plain_http),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
