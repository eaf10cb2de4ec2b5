/* SPDX-License-Identifier: MIT */
/* Provider acme-dns on a server with two rows, the older one overwritten. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/text.h"
#include "tests/unit/rest_fake.h"
#include "tests/unit/rig.h"

#define SUB "c36f50e8-4632-44f0-83fe-e070fef28a10"
#define FQDN SUB ".auth.test"
#define A "LoqXcYV8q5ONbJQxbmR7SCTNo3tiAXDfowyjxAjEuX0"
#define B "-9B7wJ2a4x5cO0jzWq3k1pRrYt8sVuNnMmLlKkJjHhG"

extern const struct provider provider_acme_dns;

static struct rig rig;
static struct fake *fake;
static struct rig_run run;
static struct provider type;		/* without the two seconds */

static void
handler(struct fake *f, const struct fake_request *r, struct fake_answer *a)
{
	char *subdomain, *txt;

	assert_string_equal(r->method, "POST");
	assert_string_equal(r->path, "/update");
	if (strcmp(fake_header(r, "X-Api-User"), "user") != 0 ||
	    strcmp(fake_header(r, "X-Api-Key"), "api-key-1") != 0) {
		a->status = 401;
		a->json = json_pack("{s:s}", "error", "forbidden");
		return;
	}
	assert_int_equal(json_unpack((json_t *)r->json, "{s:s, s:s!}",
	    "subdomain", &subdomain, "txt", &txt), 0);
	assert_string_equal(subdomain, SUB);
	assert_int_equal(strlen(txt), 43);
	/* records[0] is the older one */
	f->records[0] = f->records[1];
	f->records[1].used = false;
	if (!f->records[0].used)
		(void)fake_put(f, "x", "older", 1);
	(void)fake_put(f, FQDN, txt, 1);
	a->json = json_pack("{s:s}", "txt", txt);
}

static int
setup(void **state)
{
	char url[64];

	type = provider_acme_dns;
	type.gap_ms = 0;
	rig_init(&rig, &type);
	fake = fake_new(rig.loop, handler, NULL);
	(void)text_printf(url, sizeof(url), "http://127.0.0.1:%d", fake->port);
	rig_set(&rig, "base_url", url);
	rig_set(&rig, "username", "user");
	rig_set(&rig, "password", "api-key-1");
	rig_set(&rig, "subdomain", SUB);
	return 0;
}

static int
teardown(void **state)
{
	fake_free(fake);
	rig_clear(&rig);
	return 0;
}

static void
go(bool is_add, const char *fqdn, const char *const *values)
{
	rig_do(&rig, &run, is_add, fqdn, "auth.test", values, NULL);
}

/* Whatever is lost or repeated, both values are there in the end. */
static void
test_pair(void **state)
{
	static const enum fault faults[] = { FAULT_NONE, FAULT_500,
	    FAULT_SILENT, FAULT_CUT, FAULT_HTML, FAULT_BARE };

	for (size_t i = 0; i < N_ELEMENTS(faults); i++) {
		for (unsigned at = 1; at <= 2; at++) {
			fake_reset(fake);
			rig.env.request_ms = faults[i] == FAULT_SILENT ? 150 :
			    5000;
			fake_fail(fake, faults[i], at, 1);
			go(true, FQDN, VALUES(A, B));
			assert_int_equal(run.err.kind, ERR_NONE);
			assert_int_equal(fake_count(fake, FQDN, A), 1);
			assert_int_equal(fake_count(fake, FQDN, B), 1);
		}
	}
	fake_reset(fake);
	go(false, FQDN, VALUES(A, B));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_int_equal(fake->n_requests, 0);
}

static void
test_refused(void **state)
{
	go(true, FQDN, VALUES(A, B, A));
	assert_string_equal(run.err.code, "provider:max-values");
	go(true, "_acme-challenge.example.test", VALUES(A));
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_non_null(strstr(run.err.msg, "_acme-challenge.example.test "
	    "must be a CNAME"));
	assert_int_equal(fake->n_requests, 0);
	rig_set(&rig, "password", "api-key-2");
	go(true, FQDN, VALUES(A));
	assert_int_equal(run.err.kind, ERR_CONFIG);
	assert_non_null(strstr(run.err.msg, "forbidden"));
}

/* The rows are told apart by a clock that shows seconds. */
static void
test_two_seconds(void **state)
{
	int64_t t0 = clock_mono_ms();

	assert_int_equal(provider_acme_dns.gap_ms, 2000);
	type.gap_ms = 30;
	go(true, FQDN, VALUES(A, B));
	assert_int_equal(run.err.kind, ERR_NONE);
	assert_in_range(run.done_at - t0, 30, 10000);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_pair), T(test_refused), T(test_two_seconds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
