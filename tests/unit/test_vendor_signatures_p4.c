/* SPDX-License-Identifier: MIT */
/* What providers sign, against the vectors of their vendors or their SDKs. */
#include "tests/unit/unit.h"

#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "daemon/dns/preq.h"
#include "providers/scheme_v4.h"

/* "get-vanilla" of AWS' own test suite: 2015-08-30T12:36:00Z. */
static void
test_scheme_v4(void **state)
{
	static const struct scheme_v4 aws = {
		.algorithm = "AWS4-HMAC-SHA256", .key_prefix = "AWS4",
		.terminator = "aws4_request", .date_header = "X-Amz-Date",
		.service = "service",
	};
	struct preq *rq = preq_new("https://example.amazonaws.com", false);

	clock_test_set(1440938160);
	preq_start(rq, "GET", "/");
	scheme_v4_sign(rq, &aws, "us-east-1", "AKIDEXAMPLE",
	    "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY");
	assert_string_equal(preq_get_header(rq, "Authorization"),
	    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/"
	    "service/aws4_request, SignedHeaders=host;x-amz-date, Signature="
	    "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
	preq_free(rq);
	clock_test_set(0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_scheme_v4),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
