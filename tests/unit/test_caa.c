/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <ldns/ldns.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/dns/caa.h"
#include "daemon/io/loop.h"

#define ACCOUNT "https://ca.test/acct/1"

static const char *const identities[] = { "ca.test", "ca2.test", NULL };

static const struct {
	const char	*what, *name;
	struct caa_record recs[4];
	bool		 want;
	const char	*fix;
} cases[] = {
	{ "only iodef", "a.test", { { 0, "iodef", "mailto:a@a.test" } }, true,
	    NULL },
	{ "named", "a.test", { { 0, "issue", "ca.test" } }, true, NULL },
	{ "its other name, in capitals", "a.test", { { 0, "ISSUE",
	    " CA2.test ; x=1" } }, true, NULL },
	{ "another CA", "a.test", { { 0, "issue", "other.test" } }, false,
	    "add the record: a.test. CAA 0 issue \"ca.test\"" },
	{ "a longer name", "a.test", { { 0, "issue", "xca.test" } }, false,
	    "CAA 0 issue" },
	{ "one of two", "a.test", { { 0, "issue", "other.test" },
	    { 0, "issue", "ca.test" } }, true, NULL },
	{ "nobody", "a.test", { { 0, "issue", ";" } }, false, "add the" },
	{ "issuewild is not asked", "a.test", { { 0, "issuewild", ";" } },
	    true, NULL },
	{ "issuewild alone", "*.a.test", { { 0, "issuewild", ";" } }, false,
	    "CAA 0 issuewild" },
	{ "issuewild first", "*.a.test", { { 0, "issue", "ca.test" },
	    { 0, "issuewild", "other.test" } }, false, "issuewild" },
	{ "issue for a wildcard", "*.a.test", { { 0, "issue", "ca.test" } },
	    true, NULL },
	{ "critical and unknown", "a.test", { { 0, "issue", "ca.test" },
	    { 128, "tbs", "x" } }, false, "remove that record" },
	{ "critical and known", "a.test", { { 128, "issue", "ca.test" } },
	    true, NULL },
	{ "this account", "a.test", { { 0, "issue", "ca.test; accounturi="
	    ACCOUNT } }, true, NULL },
	{ "another account", "a.test", { { 0, "issue", "ca.test;accounturi="
	    ACCOUNT "0" } }, false, "to: a.test. CAA 0 issue \"ca.test; "
	    "accounturi=" ACCOUNT "\"" },
	{ "two accounts in one", "a.test", { { 0, "issue",
	    "ca.test; accounturi=" ACCOUNT "; accounturi=" ACCOUNT } }, false,
	    "\"ca.test; accounturi=" ACCOUNT "\"" },
	{ "two accounts", "a.test", { { 0, "issue",
	    "ca.test; accounturi=" ACCOUNT "9" }, { 0, "issue",
	    "ca.test; accounturi=" ACCOUNT } }, true, NULL },
	{ "method", "a.test", { { 0, "issue",
	    "ca.test; validationmethods=http-01,dns-01" } }, true, NULL },
	{ "another method", "a.test", { { 0, "issue",
	    "ca.test; validationmethods=http-01,dns-011" } }, false,
	    "\"ca.test; validationmethods=http-01,dns-011,dns-01\"" },
	{ "both, and another's parameter", "a.test", { { 0, "issue",
	    "ca.test; x=y; accounturi=z; validationmethods=a" } }, false,
	    "\"ca.test; x=y; accounturi=" ACCOUNT "; validationmethods=a,"
	    "dns-01\"" },
	{ "malformed", "a.test", { { 0, "issue", "ca.test; oops" } }, false,
	    "to: a.test. CAA 0 issue \"ca.test\"" },
};

static void
test_account_unknown(void **state)
{
	static const struct caa_record rec = { 0, "issue",
	    "ca.test; accounturi=" ACCOUNT };
	const struct caa_args a = { .name = "a.test",
	    .identities = identities, .account = "", .method = "dns-01" };
	struct caa_refusal r;

	assert_false(caa_allows(&rec, 1, "a.test", &a, &r));
	assert_non_null(strstr(r.fix, "not registered yet"));
	assert_non_null(strstr(r.fix, "issue \"ca.test\", and"));
}

static void
test_allows(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct caa_args a = { .name = cases[i].name,
		    .identities = identities, .account = ACCOUNT,
		    .method = "dns-01" };
		struct caa_refusal r;
		size_t n = 0;

		while (n < 4 && cases[i].recs[n].tag != NULL)
			n++;
		if (caa_allows(cases[i].recs, n, "a.test", &a, &r) !=
		    cases[i].want || (cases[i].fix == NULL) !=
		    (r.why[0] == '\0') || (cases[i].fix != NULL &&
		    strstr(r.fix, cases[i].fix) == NULL))
			fail_msg("%s: \"%s\": \"%s\"", cases[i].what, r.why,
			    r.fix);
	}
}

#define NARROW "CAA 0 issue \"ca.test; accounturi=" ACCOUNT \
    "; validationmethods=dns-01,http-01\""

/* What is to be pasted; then nothing more is said. */
static void
test_narrow(void **state)
{
	static const char full[] = "ca.test; accounturi=" ACCOUNT
	    "; validationmethods=dns-01,http-01";
	static const struct {
		const char	*name;
		struct caa_record recs[3];
		const char	*want;
	} n[] = {
		{ "a.test", { { 0, NULL, NULL } }, "a.test. " NARROW },
		{ "a.test", { { 0, "iodef", "x" } }, "a.test. " NARROW },
		{ "a.test", { { 0, "issue", "ca.test" } }, "a.test. " NARROW
		    " instead of \"ca.test\"" },
		{ "a.test", { { 0, "issue", full }, { 0, "issue",
		    "ca2.test; accounturi=" ACCOUNT } }, "a.test. " NARROW
		    " instead of \"ca2.test; accounturi=" ACCOUNT "\"" },
		{ "a.test", { { 0, "issue", full }, { 0, "issue",
		    "other.test" } }, "" },
		{ "*.a.test", { { 0, "issue", full }, { 0, "issuewild",
		    "ca.test" } }, "a.test. CAA 0 issuewild \"ca.test; "
		    "accounturi=" ACCOUNT "; validationmethods=dns-01,"
		    "http-01\" instead of \"ca.test\"" },
	};
	struct caa_args a = { .identities = identities, .account = ACCOUNT,
	    .method = "dns-01", .methods = "dns-01,http-01" };
	char out[768];

	for (size_t i = 0; i < N_ELEMENTS(n); i++) {
		size_t len = 0;

		while (len < 3 && n[i].recs[len].tag != NULL)
			len++;
		a.name = n[i].name;
		caa_narrow(n[i].recs, len, "a.test", &a, out, sizeof(out));
		assert_string_equal(out, n[i].want);
	}
	a.account = "";
	caa_narrow(NULL, 0, "a.test", &a, out, sizeof(out));
	assert_string_equal(out, "");
}

/* What is to be added, beside all that is there. */
static void
test_own(void **state)
{
	static const char full[] = "ca.test; accounturi=" ACCOUNT
	    "; validationmethods=dns-01,http-01";
	static const char theirs[] = "ca.test; accounturi=https://ca.test/9; "
	    "validationmethods=dns-01";
	static const struct {
		const char	*name;
		struct caa_record recs[3];
		const char	*tag;		/* of what is to be added */
		bool		 is_there;
		const char	*wide;
	} n[] = {
		{ "a.test", { { 0, NULL, NULL } }, "issue", false, "" },
		{ "a.test", { { 0, "issue", "other.test" } }, "issue", false,
		    "" },
		{ "a.test", { { 0, "issue", "ca.test" } }, "issue", false,
		    "ca.test" },
		{ "a.test", { { 0, "issue", theirs } }, "issue", false, "" },
		{ "a.test", { { 0, "issue", full } }, NULL, true, "" },
		{ "a.test", { { 0, "issue", full }, { 0, "issue",
		    "ca2.test" } }, NULL, true, "ca2.test" },
		{ "*.a.test", { { 0, "issue", full } }, NULL, true, "" },
		{ "*.a.test", { { 0, "issue", full }, { 0, "issuewild",
		    "other.test" } }, "issuewild", false, "" },
	};
	struct caa_args a = { .identities = identities, .account = ACCOUNT,
	    .method = "dns-01", .methods = "dns-01,http-01" };
	struct caa_own own;
	char want[768];

	for (size_t i = 0; i < N_ELEMENTS(n); i++) {
		size_t len = 0;

		while (len < 3 && n[i].recs[len].tag != NULL)
			len++;
		a.name = n[i].name;
		caa_own(n[i].recs, len, &a, &own);
		want[0] = '\0';
		if (n[i].tag != NULL)
			(void)text_printf(want, sizeof(want), "0 %s \"%s\"",
			    n[i].tag, full);
		assert_string_equal(own.content, want);
		assert_int_equal(own.is_there, n[i].is_there);
		assert_string_equal(own.wide, n[i].wide);
	}
	a.methods = NULL;
	caa_own(NULL, 0, &a, &own);
	assert_string_equal(own.content, "");
}

enum { CAA = LDNS_RR_TYPE_CAA, CNAME = LDNS_RR_TYPE_CNAME };

static const struct fake_rr tree[] = {
	{ .qname = "a.test", .qtype = CAA, .type = CAA,
	    .data = "issue other.test" },
	{ .qname = "b.a.test", .qtype = CAA, .type = CAA,
	    .data = "issue ca.test" },
	{ .qname = "alias.a.test", .qtype = CAA, .type = CNAME,
	    .data = "x.test" },
	{ .qname = "alias.a.test", .qtype = CAA, .owner = "x.test",
	    .type = CAA, .data = "issue ca.test" },
	{ .qname = NULL }
};

struct seen {
	struct caa_op	*op;
	int		 calls;
	struct error	 err;
	struct caa_reply reply;
};

static void
done(const struct error *err, const struct caa_reply *reply, void *arg)
{
	struct seen *s = arg;

	s->op = NULL;
	s->calls++;
	if (err != NULL)
		s->err = *err;
	else
		s->reply = *reply;
}

static void
look(struct seen *s, const char *name, enum fake_mode mode, bool cancel)
{
	struct loop *loop = loop_new();
	const char *resolvers[2] = { NULL, NULL };
	struct caa_args a = { .name = name, .identities = identities,
	    .account = ACCOUNT, .method = "dns-01", .timeout_ms = 2000 };
	struct fakedns f;
	struct error err;
	struct dns *dns;

	fakedns_init(&f, loop, 9, tree);
	f.mode = mode;
	resolvers[0] = f.server.text;
	dns = dns_new(loop, resolvers, &err);
	memset(s, 0, sizeof(*s));
	s->op = caa_start(dns, &a, done, s);
	assert_int_equal(s->calls, 0);
	if (cancel)
		caa_cancel(s->op);
	else
		fakedns_run(loop, &s->calls, 3000);
	assert_int_equal(s->calls, cancel ? 0 : 1);
	dns_free(dns);
	fakedns_clear(&f);
	loop_free(loop);
}

static void
test_climb(void **state)
{
	static const struct {
		const char	*name, *at;
		bool		 want;
	} names[] = {
		{ "a.test", "a.test", false },
		{ "c.a.test", "a.test", false },
		{ "x.y.b.a.test", "b.a.test", true },
		{ "*.b.a.test", "b.a.test", true },
		{ "alias.a.test", "alias.a.test", true },
		{ "b.test", "", true },
	};
	struct seen s;

	for (size_t i = 0; i < N_ELEMENTS(names); i++) {
		look(&s, names[i].name, FAKE_LAME, false);
		if (s.err.kind != ERR_NONE ||
		    s.reply.is_allowed != names[i].want ||
		    strcmp(s.reply.at, names[i].at) != 0)
			fail_msg("%s: %s at \"%s\"", names[i].name,
			    s.err.msg, s.reply.at);
	}
	look(&s, "a.test", FAKE_SERVFAIL, false);
	assert_string_equal(s.err.code, "dns:resolver");
	look(&s, "a.test", FAKE_LAME, true);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_allows),
		cmocka_unit_test(test_narrow),
		cmocka_unit_test(test_own),
		cmocka_unit_test(test_account_unknown),
		cmocka_unit_test(test_climb),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
