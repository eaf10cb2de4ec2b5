/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <string.h>

#include "daemon/rest/rest.h"

/*
 * Those of Route 53 and of Google's 409 are from logs that people published
 * (external-dns, CDK, google-cloud-ruby), with other names; the others are in
 * the form of the vendor.
 */
static const struct {
	const char	*body;
	bool		 is_lasting;
} cases[] = {
	/* Route 53: a lost race, and a CNAME. */
	{ "<Message>[Tried to create resource record set [name='_acme-"
	    "challenge.example.net.', type='TXT'] but it already exists]"
	    "</Message>", false },
	{ "<Message>[Tried to create resource record set [name='_acme-"
	    "challenge.cname.example.net.', type='TXT'] but it already "
	    "exists]</Message>", false },
	{ "<Message>[Tried to delete resource record set [name='quota."
	    "readonly.example.net.', type='TXT'] but the values provided do "
	    "not match the current values]</Message>", false },
	{ "<Message>[RRSet of type TXT with DNS name live.example.net. is not "
	    "permitted because a conflicting RRSet of type CNAME with the "
	    "same DNS name already exists in zone example.net.]</Message>",
	    true },
	{ "<Code>PriorRequestNotComplete</Code><Message>The request was "
	    "rejected because Route 53 was still processing a prior request."
	    "</Message>", false },
	/* Google */
	{ "{\"error\": {\"code\": 409, \"message\": \"The resource 'entity."
	    "change.additions[0]' named 'instance-8.quota.example.net. (A)' "
	    "already exists\", \"errors\": [{\"reason\": \"alreadyExists\"}]"
	    "}}", false },
	{ "{\"error\": {\"code\": 403, \"errors\": [{\"reason\": "
	    "\"quotaExceeded\"}]}}", true },
	/* Azure: operations of others, a lock. */
	{ "{\"code\": \"Conflict\", \"message\": \"The request failed due to "
	    "conflicting concurrent changes to cname-set.\"}", false },
	{ "{\"code\": \"ScopeLocked\", \"message\": \"The scope '/subscriptions"
	    "/0/dnszones/example.net' cannot perform write operation because "
	    "following scope(s) are locked\"}", true },
	/* Too fast is no limit of the number of records. */
	{ "{\"message\": \"Too many requests for this zone\"}", false },
	{ "{\"message\": \"too many records in this zone\"}", true },
	{ "{\"message\": \"the zone is locked by another operation in "
	    "progress\"}", false },
	{ "{\"message\": \"the zone is locked\"}", true },
	/* Where to read more. */
	{ "{\"message\": \"record already exists\", \"documentation_url\": "
	    "\"https://api/docs/quota\"}", false },
	{ "{\"type\": \"quotas_exceeded\"}", true },
	{ "cname", true },
	{ "it is a CNAME.", true },
	{ "_acme-challenge-cname exists", false },
	{ "", false },
};

static void
test_lasting(void **state)
{
	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		const struct rest_answer a = { .body = cases[i].body };

		if (rest_is_lasting(&a) != cases[i].is_lasting)
			fail_msg("%s", cases[i].body);
	}
}

/* The first row that is found; what is in none stays as it was. */
static void
test_judge(void **state)
{
	static const struct rest_code codes[] = {
		{ "Quota", REST_QUOTA },
		{ "LimitExceeded", REST_THROTTLED },
		{ .word = NULL }
	};
	static const struct {
		enum rest_match	 match;
		const char	*said;
		enum err_kind	 kind;
		const char	*code;
	} judged[] = {
		{ REST_IS, "LimitExceeded", REST_THROTTLED },
		{ REST_IS, "limitexceeded", REST_THROTTLED },
		{ REST_IS, "LimitExceeded.Zone", ERR_REJECTED, "x:y" },
		{ REST_BEGINS, "LimitExceeded.Zone", REST_THROTTLED },
		{ REST_BEGINS, "QuotaLimitExceeded", REST_QUOTA },
		{ REST_BEGINS, "ZoneLimitExceeded", ERR_REJECTED, "x:y" },
		{ REST_HAS, "ZoneLimitExceeded", REST_THROTTLED },
		{ REST_HAS, "LimitExceeded.Quota", REST_QUOTA },
		{ REST_HAS, "", ERR_REJECTED, "x:y" },
		{ REST_HAS, NULL, ERR_REJECTED, "x:y" },
	};

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(judged); i++) {
		struct error err;

		(void)error_set(&err, ERR_REJECTED, "x:y", "words");
		rest_judge(codes, judged[i].match, judged[i].said, &err);
		assert_int_equal(err.kind, judged[i].kind);
		assert_string_equal(err.code, judged[i].code);
		assert_string_equal(err.msg, "words");
	}
}

/* A page as one line, which another sentence may follow. */
static void
test_words(void **state)
{
	static const struct { const char *body, *want; } pages[] = {
		{ "no such thing\n", "no such thing" },
		{ "<html>\n<h1>502  Bad\tGateway</h1>\n</html>\r\n",
		    "502 Bad Gateway" },
		{ " \n", "" },
		{ "", "" },
	};
	char words[REST_WORDS_MAX];

	(void)state;
	for (size_t i = 0; i < N_ELEMENTS(pages); i++) {
		const struct rest_answer a = { .body = pages[i].body };

		rest_vendor_words(&a, words);
		assert_string_equal(words, pages[i].want);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_judge),
		cmocka_unit_test(test_lasting),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
