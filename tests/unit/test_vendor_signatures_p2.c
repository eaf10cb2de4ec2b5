/* SPDX-License-Identifier: MIT */
/*
 * What providers sign, against known vectors: AWS' own and two computed with
 * other code; DNS Made Easy's, computed with the code that gives lego's.
 */
#include "daemon/rest/preq.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/config/provider_values.h"
#include "daemon/rest/preq_run.h"
#include "daemon/rest/scheme_v4.h"

static void
test_sigv4(void **state)
{
	static const struct {
		const char *host, *path, *query[3][2], *type, *token, *service;
		time_t now;
		const char *names, *signature;
	} cases[] = {
		{ "iam.amazonaws.com", "/", { { "Action", "ListUsers" },
		    { "Version", "2010-05-08" } },
		    "application/x-www-form-urlencoded; charset=utf-8", NULL,
		    "iam", 1440938160, "content-type;host;x-amz-date",
		    "5d672d79c15b13162d9279b0855cfba6"
		    "789a8edb4c82c400e06b5924a6f2b5d7" },
		{ "route53.amazonaws.com", "/2013-04-01/hostedzonesbyname",
		    { { "dnsname", "example.com" } }, NULL, NULL, "route53",
		    1767323045, "host;x-amz-date",
		    "016ab2e3f3da5e4284b151d6ffb46459"
		    "3182e3732d43bdeac6f72b14788db5cc" },
		{ "route53.amazonaws.com",
		    "/2013-04-01/hostedzone/Z111111QQQQQQQ/rrset",
		    { { "name", "_acme-challenge.example.com" },
		    { "type", "TXT" }, { "maxitems", "1" } }, NULL, "tok",
		    "route53", 1767323045,
		    "host;x-amz-date;x-amz-security-token",
		    "a597ee1430c22e52fc29e7da7cf9b4ae"
		    "7694a0e051a92568d124411174c46106" },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct scheme_v4 aws = {
			.algorithm = "AWS4-HMAC-SHA256", .key_prefix = "AWS4",
			.terminator = "aws4_request",
			.date_header = "X-Amz-Date",
			.service = cases[i].service,
		};
		char base[64], want[128];
		const char *got;
		struct preq *rq;

		(void)snprintf(base, sizeof(base), "https://%s",
		    cases[i].host);
		rq = preq_new(base, false);
		preq_start(rq, "GET", cases[i].path);
		for (size_t j = 0; j < 3 && cases[i].query[j][0] != NULL; j++)
			preq_query(rq, cases[i].query[j][0],
			    cases[i].query[j][1]);
		if (cases[i].type != NULL)
			preq_header(rq, "Content-Type", cases[i].type);
		if (cases[i].token != NULL)
			preq_secret_header(rq, "X-Amz-Security-Token",
			    cases[i].token);
		clock_test_set(cases[i].now);
		scheme_v4_sign(rq, &aws, "us-east-1", "AKIDEXAMPLE",
		    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
		(void)snprintf(want, sizeof(want),
		    "SignedHeaders=%s, Signature=%s", cases[i].names,
		    cases[i].signature);
		got = preq_get_header(rq, "Authorization");
		assert_string_equal(strstr(got, "SignedHeaders="), want);
		preq_free(rq);
	}
	clock_test_set(0);
}

static void
test_dnsmadeeasy(void **state)
{
	const struct provider *type = provider_find("dnsmadeeasy");
	struct provider_values *values = provider_values_new(type);
	struct provider_call c = { .values = values };
	struct preq *rq = preq_new("https://api.dnsmadeeasy.com", false);
	struct error err;

	/* In the table's order: api_key, secret_key. */
	for (int i = 0; i < 2; i++)
		assert_int_equal(provider_values_set(values, i,
		    &(const char *){ i == 0 ? "key" : "secret" }, 1, &err), 0);
	clock_test_set(1433212567);
	preq_start(rq, "GET", "/V2.0/dns/managed");
	assert_int_equal(type->prepare(&c, rq, &err), 0);
	assert_string_equal(preq_get_header(rq, "x-dnsme-apiKey"), "key");
	assert_string_equal(preq_get_header(rq, "x-dnsme-requestDate"),
	    "Tue, 02 Jun 2015 02:36:07 GMT");
	assert_string_equal(preq_get_header(rq, "x-dnsme-hmac"),
	    "bc138437cb232ec5eb959a47690c5913158058bb");
	clock_test_set(0);
	preq_free(rq);
	provider_values_free(values);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sigv4),
		cmocka_unit_test(test_dnsmadeeasy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
