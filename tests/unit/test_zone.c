/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <ldns/ldns.h>
#include <string.h>

#include "common/error.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

/*
 * The name above is what the resolver is asked about; nobody listens on port
 * 53 of the servers found, so that the resolver is asked for the CNAME too.
 */
#define PARENT "www.example.test"
#define NAME "_acme-challenge." PARENT

enum { SOA = LDNS_RR_TYPE_SOA, NS = LDNS_RR_TYPE_NS, A = LDNS_RR_TYPE_A,
    AAAA = LDNS_RR_TYPE_AAAA, CNAME = LDNS_RR_TYPE_CNAME };

#define APEX_RRS(zone) \
	{ .qname = zone, .qtype = NS, .type = NS, .data = "ns1.test" }, \
	{ .qname = zone, .qtype = NS, .type = NS, .data = "ns2.test" }, \
	{ .qname = zone, .qtype = NS, .type = NS, .data = "NS1.test" }, \
	{ .qname = "ns1.test", .qtype = A, .type = A, .data = "127.9.0.1" }, \
	{ .qname = "ns1.test", .qtype = A, .type = A, .data = "127.9.0.1" }, \
	{ .qname = "ns2.test", .qtype = A, .type = A, .data = "127.9.0.2" }, \
	{ .qname = NULL }

static const struct fake_rr negative[] = {	/* NXDOMAIN carries the SOA */
	{ .qname = PARENT, .qtype = SOA, .owner = "example.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	APEX_RRS("example.test")
};
static const struct fake_rr label_by_label[] = {
	{ .qname = "example.test", .qtype = SOA, .type = SOA },
	APEX_RRS("example.test")
};
static const struct fake_rr foreign_soa[] = {	/* not above the name */
	{ .qname = PARENT, .qtype = SOA, .owner = "ample.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	{ .qname = "example.test", .qtype = SOA, .type = SOA },
	APEX_RRS("example.test")
};
static const struct fake_rr root_soa[] = {
	{ .qname = PARENT, .qtype = SOA, .owner = "", .type = SOA,
	    .section = FAKE_AUTHORITY },
	{ .qname = NULL }
};
static const struct fake_rr cnames[] = {
	{ .qname = NAME, .qtype = CNAME, .type = CNAME, .data = "a.b.test" },
	{ .qname = "a.b.test", .qtype = CNAME, .type = CNAME,
	    .data = "X.acme.test" },
	{ .qname = PARENT, .qtype = SOA, .owner = "example.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	{ .qname = "acme.test", .qtype = SOA, .type = SOA },
	APEX_RRS("acme.test")
};
/* Every name beside it has the alias, which is a wildcard's: not followed. */
static const struct fake_rr wildcard[] = {
	{ .qname = NAME, .qtype = CNAME, .type = CNAME, .data = "a.b.test" },
	{ .qname = "*." PARENT, .qtype = CNAME, .type = CNAME,
	    .data = "A.b.test" },
	{ .qname = PARENT, .qtype = SOA, .owner = "example.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	APEX_RRS("example.test")
};
static const struct fake_rr other_wildcard[] = {
	{ .qname = NAME, .qtype = CNAME, .type = CNAME, .data = "x.acme.test" },
	{ .qname = "*." PARENT, .qtype = CNAME, .type = CNAME,
	    .data = "a.b.test" },
	{ .qname = PARENT, .qtype = SOA, .owner = "example.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	{ .qname = "acme.test", .qtype = SOA, .type = SOA },
	APEX_RRS("acme.test")
};
static const struct fake_rr loop_rrs[] = {
	{ .qname = NAME, .qtype = CNAME, .type = CNAME, .data = "l.test" },
	{ .qname = "l.test", .qtype = CNAME, .type = CNAME, .data = NAME },
	{ .qname = NULL }
};
static const struct fake_rr no_address[] = {
	{ .qname = PARENT, .qtype = SOA, .owner = "example.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	{ .qname = "example.test", .qtype = NS, .type = NS, .data = "n.test" },
	{ .qname = NULL }
};
static const struct fake_rr six[] = {	/* loopback: a route exists */
	{ .qname = PARENT, .qtype = SOA, .owner = "example.test", .type = SOA,
	    .section = FAKE_AUTHORITY },
	{ .qname = "example.test", .qtype = NS, .type = NS, .data = "n.test" },
	{ .qname = "n.test", .qtype = AAAA, .type = AAAA, .data = "::1" },
	{ .qname = "n.test", .qtype = A, .type = A, .data = "127.9.0.1" },
	{ .qname = NULL }
};
static const struct fake_rr nothing[] = { { .qname = NULL } };

struct seen {
	struct zone_op	*op;
	int		 calls;
	struct error	 err;
	struct zone	 zone;
};

static void
done(const struct error *err, const struct zone *zone, void *arg)
{
	struct seen *s = arg;

	s->op = NULL;
	s->calls++;
	memset(&s->err, 0, sizeof(s->err));
	if (err != NULL)
		s->err = *err;
	else
		zone_copy(&s->zone, zone);
}

static const struct {
	const char	*what;
	const struct fake_rr *rrs;
	enum fake_mode	 mode;
	const char	*fqdn, *apex, *servers;
	const char	*code;		/* of an error; NULL: success */
	bool		 is_exact, is_elsewhere;
} cases[] = {
	{ "SOA in a negative answer", negative, FAKE_LAME, NAME,
	    "example.test", "ns1.test=127.9.0.1 ns2.test=127.9.0.2 ", NULL,
	    false, false },
	{ "label by label", label_by_label, FAKE_LAME, NAME,
	    "example.test", "ns1.test=127.9.0.1 ns2.test=127.9.0.2 ", NULL,
	    false, false },
	{ "SOA of another zone", foreign_soa, FAKE_LAME, NAME,
	    "example.test", "ns1.test=127.9.0.1 ns2.test=127.9.0.2 ", NULL,
	    false, false },
	{ "SOA of the root", root_soa, FAKE_LAME, NAME, "", "", NULL, false,
	    false },
	{ "CNAMEs", cnames, FAKE_LAME, "x.acme.test", "acme.test",
	    "ns1.test=127.9.0.1 ns2.test=127.9.0.2 ", NULL, false, true },
	{ "CNAMEs not to be followed", cnames, FAKE_LAME, NAME,
	    "example.test", "", NULL, true,
	    false },
	{ "CNAME of a wildcard", wildcard, FAKE_LAME, NAME, "example.test",
	    "ns1.test=127.9.0.1 ns2.test=127.9.0.2 ", NULL,
	    false, false },
	{ "CNAME beside a wildcard", other_wildcard, FAKE_LAME,
	    "x.acme.test", "acme.test",
	    "ns1.test=127.9.0.1 ns2.test=127.9.0.2 ", NULL, false, true },
	{ "a loop of CNAMEs", loop_rrs, FAKE_LAME, "", "", "",
	    "dns:cname-loop", false, false },
	{ "no SOA at all", nothing, FAKE_LAME, NAME, "", "", NULL, false,
	    false },
	{ "NOTIMP for all", nothing, FAKE_NOTIMP, NAME, "", "", NULL, false,
	    false },
	{ "no address", no_address, FAKE_LAME, NAME, "example.test", "",
	    NULL, false, false },
	{ "IPv6 too", six, FAKE_LAME, NAME, "example.test", NULL, NULL, false,
	    false },
	{ "SERVFAIL", negative, FAKE_SERVFAIL, "", "", "", "dns:resolver",
	    false, false },
	{ "REFUSED", negative, FAKE_REFUSED, "", "", "", "dns:resolver",
	    false, false },
};

static void
start(struct seen *s, struct dns *dns, unsigned ms)
{
	memset(s, 0, sizeof(*s));
	s->op = zone_start(dns, NAME, ms, done, s);
	assert_int_equal(s->calls, 0);
}

/* All servers as text; those of one lookup may come before another's. */
static void
describe(const struct zone *z, char *out, size_t size)
{
	out[0] = '\0';
	for (int ns = 1; ns <= 9; ns++) {
		for (size_t i = 0; i < z->n_servers; i++) {
			const struct dns_server *s = &z->servers[i];
			size_t len = strlen(out);

			if (s->name[2] == (char)('0' + ns))
				(void)text_printf(out + len, size - len,
				    "%s=%s ", s->name, s->text);
		}
	}
}

static void
test_cases(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		struct loop *loop = loop_new();
		const char *resolvers[2] = { NULL, NULL };
		char servers[256];
		struct fakedns f;
		struct error err;
		struct dns *dns;
		struct seen s;

		fakedns_init(&f, loop, 9, cases[i].rrs);
		f.mode = cases[i].mode;
		resolvers[0] = f.server.text;
		dns = dns_new(loop, resolvers, &err);
		memset(&s, 0, sizeof(s));
		s.op = (cases[i].is_exact ? zone_start_exact : zone_start)(dns,
		    NAME, 2000, done, &s);
		fakedns_run(loop, &s.calls, 3000);
		describe(&s.zone, servers, sizeof(servers));
		if (s.calls != 1 || strcmp(s.zone.fqdn, cases[i].fqdn) != 0 ||
		    strcmp(s.zone.apex, cases[i].apex) != 0 ||
		    s.zone.is_elsewhere != cases[i].is_elsewhere ||
		    (cases[i].servers != NULL &&
		    strcmp(servers, cases[i].servers) != 0) ||
		    strcmp(s.err.code, cases[i].code == NULL ? "" :
		    cases[i].code) != 0)
			fail_msg("%s: calls %d, %s \"%s\" in \"%s\": %s",
			    cases[i].what, s.calls, s.err.msg, s.zone.fqdn,
			    s.zone.apex, servers);
		if (cases[i].code != NULL && strcmp(cases[i].code,
		    "dns:resolver") == 0)
			assert_non_null(strstr(s.err.msg, f.server.text));
		if (s.calls == 1 && cases[i].rrs == six)
			assert_in_range(s.zone.n_servers, 1, 2);
		if (s.calls == 1 && cases[i].rrs == cnames) {
			assert_int_equal(s.zone.n_aliases,
			    cases[i].is_exact ? 0 : 2);
			if (s.zone.n_aliases == 2) {
				assert_string_equal(s.zone.aliases[0], NAME);
				assert_string_equal(s.zone.aliases[1],
				    "a.b.test");
			}
		}
		assert_true(f.saw_rd);
		zone_clear(&s.zone);
		dns_free(dns);
		fakedns_clear(&f);
		loop_free(loop);
	}
}

/*
 * The configuration names the zone, and perhaps a server that has it: enough
 * where no resolver tells of it, and only there.
 */
static void
test_told(void **state)
{
	static const struct {
		const char	*what;
		const struct fake_rr *rrs;	/* of the resolver */
		enum fake_mode	 mode;
		const char	*told;
		bool		 has_server;
		const char	*apex;		/* NULL: an error, ... */
		const char	*says;		/* ... that says */
		bool		 is_told;
	} cases_told[] = {
		{ "SERVFAIL", negative, FAKE_SERVFAIL, "example.test", false,
		    "example.test", NULL, true },
		{ "REFUSED", negative, FAKE_REFUSED, "example.test", true,
		    "example.test", NULL, true },
		{ "no SOA", nothing, FAKE_LAME, "example.test", true,
		    "example.test", NULL, true },
		{ "SOA of the root", root_soa, FAKE_LAME, "example.test",
		    false, "example.test", NULL, true },
		{ "the resolvers know", negative, FAKE_LAME, "test", false,
		    "example.test", NULL, false },
		{ "the resolvers know better", negative, FAKE_LAME, PARENT,
		    true, "example.test", NULL, false },
		{ "of another name", negative, FAKE_SERVFAIL, "ample.test",
		    true, NULL, "no resolver answers", false },
		{ "a server alone is only looked at", negative,
		    FAKE_SERVFAIL, "", true, NULL, "127.0.0.5:", false },
	};

	for (size_t i = 0; i < N_ELEMENTS(cases_told); i++) {
		struct loop *loop = loop_new();
		const char *resolvers[2] = { NULL, NULL };
		struct fakedns f, own;
		struct error err;
		struct dns *dns;
		struct seen s;

		fakedns_init(&f, loop, 9, cases_told[i].rrs);
		f.mode = cases_told[i].mode;
		fakedns_init(&own, loop, 5, nothing);
		resolvers[0] = f.server.text;
		dns = dns_new(loop, resolvers, &err);
		dns_tell(dns, "example.org", "192.0.2.1");
		dns_tell(dns, cases_told[i].told, cases_told[i].has_server ?
		    own.server.text : NULL);
		start(&s, dns, 2000);
		fakedns_run(loop, &s.calls, 4000);
		if (s.calls != 1 || (cases_told[i].apex == NULL) !=
		    (s.err.kind != ERR_NONE) || (cases_told[i].says != NULL &&
		    strstr(s.err.msg, cases_told[i].says) == NULL) ||
		    (cases_told[i].apex != NULL && (strcmp(s.zone.apex,
		    cases_told[i].apex) != 0 ||
		    s.zone.is_told != cases_told[i].is_told)))
			fail_msg("%s: calls %d, \"%s\" in \"%s\"",
			    cases_told[i].what, s.calls, s.err.msg,
			    s.zone.apex);
		if (cases_told[i].is_told) {
			assert_int_equal(s.zone.n_servers,
			    cases_told[i].has_server);
			assert_false(s.zone.is_elsewhere);
		}
		zone_clear(&s.zone);
		dns_free(dns);
		fakedns_clear(&f);
		fakedns_clear(&own);
		loop_free(loop);
	}
}

/* A name that does not fit into the DNS is refused, never cut. */
static void
test_long(void **state)
{
	struct loop *loop = loop_new();
	const char *resolvers[2] = { NULL, NULL };
	char name[DNAME_SIZE + 32];
	struct fakedns f;
	struct error err;
	struct dns *dns;
	struct seen s;

	fakedns_init(&f, loop, 9, negative);
	resolvers[0] = f.server.text;
	dns = dns_new(loop, resolvers, &err);
	memset(name, 'a', sizeof(name));
	for (size_t i = 50; i < sizeof(name); i += 50)
		name[i] = '.';
	for (size_t len = DNAME_MAX; len <= DNAME_MAX + 1; len++) {
		name[len] = '\0';
		memset(&s, 0, sizeof(s));
		s.op = zone_start(dns, name, 1000, done, &s);
		assert_int_equal(s.calls, 0);
		name[len] = 'a';
		fakedns_run(loop, &s.calls, 2000);
		assert_int_equal(s.err.kind, len > DNAME_MAX ? ERR_CONFIG :
		    ERR_NONE);
		if (len <= DNAME_MAX)
			assert_int_equal(strlen(s.zone.fqdn), len);
		else
			assert_string_equal(s.err.code, "dns:name");
		zone_clear(&s.zone);
	}
	dns_free(dns);
	fakedns_clear(&f);
	loop_free(loop);
}

/* A resolver that is down, or fails, is passed over, and then left aside. */
static void
test_failover(void **state)
{
	struct loop *loop = loop_new();
	const char *resolvers[4] = { NULL };
	struct fakedns bad, good;
	struct dns_server nobody;
	struct error err;
	struct dns *dns;
	struct seen s;
	unsigned n;

	fakedns_init(&bad, loop, 8, negative);
	bad.mode = FAKE_SERVFAIL;
	fakedns_init(&good, loop, 9, negative);
	fakedns_nobody(&nobody, 7);
	resolvers[0] = nobody.text;
	resolvers[1] = bad.server.text;
	resolvers[2] = good.server.text;
	dns = dns_new(loop, resolvers, &err);
	for (int i = 0; i < 2; i++) {
		start(&s, dns, 2000);
		fakedns_run(loop, &s.calls, 3000);
		assert_int_equal(s.err.kind, ERR_NONE);
		assert_int_equal(s.zone.n_servers, 2);
		zone_clear(&s.zone);
		if (i == 0)
			n = bad.n_queries;
		else
			assert_int_equal(bad.n_queries, n);
	}
	dns_free(dns);
	fakedns_clear(&bad);
	fakedns_clear(&good);
	loop_free(loop);
}

static void
test_timeout_cancel(void **state)
{
	struct loop *loop = loop_new();
	const char *resolvers[2] = { NULL, NULL };
	struct fakedns f;
	struct error err;
	struct dns *dns;
	struct seen s;
	int never = 0;

	fakedns_init(&f, loop, 9, negative);
	f.mode = FAKE_SILENT;
	resolvers[0] = f.server.text;
	dns = dns_new(loop, resolvers, &err);
	start(&s, dns, 30);
	fakedns_run(loop, &s.calls, 3000);
	assert_int_equal(s.err.kind, ERR_TRANSIENT);
	assert_string_equal(s.err.code, "dns:resolver");
	assert_non_null(strstr(s.err.msg, f.server.text));
	start(&s, dns, 0);
	fakedns_run(loop, &s.calls, 3000);
	assert_string_equal(s.err.code, "dns:resolver");
	zone_cancel(NULL);
	f.mode = FAKE_NORMAL;
	for (int turns = 0; turns < 12; turns++) {
		start(&s, dns, 1000);
		for (int i = 0; i < turns && s.calls == 0; i++)
			loop_turn(loop);
		zone_cancel(s.op);
		fakedns_run(loop, &never, 2);
		assert_int_equal(s.calls, s.op == NULL ? 1 : 0);
		zone_clear(&s.zone);
	}
	dns_free(dns);
	fakedns_clear(&f);
	loop_free(loop);
}

static void
test_address(void **state)
{
	static const struct { const char *in, *out; } good[] = {
		{ "192.0.2.1", "192.0.2.1" },
		{ "192.0.2.1:53", "192.0.2.1" },
		{ "192.0.2.1:5353", "192.0.2.1:5353" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "[2001:db8::1]", "2001:db8::1" },
		{ "[2001:db8::1]:5353", "[2001:db8::1]:5353" },
		{ "fe80::1%lo", "fe80::1%lo" },
	};
	static const char *const bad[] = { "", "192.0.2", "192.0.2.1:",
	    "192.0.2.1:0", "192.0.2.1:65536", "192.0.2.1:5x", "[::1",
	    "[::1]5", "[::1]:", "[192.0.2.1]:5", "ns.test", ":53", "::1%none",
	    "192.0.2.1 ", "[]:5", "1.2.3.4:-1", "1.2.3.4:99999999999" };
	const char *no[] = { "nonsense", NULL };
	struct dns_server s;
	struct error err;
	struct loop *loop = loop_new();

	for (size_t i = 0; i < N_ELEMENTS(good); i++) {
		assert_int_equal(dnsaddr_parse(good[i].in, &s, &err), 0);
		assert_string_equal(s.text, good[i].out);
	}
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		if (dnsaddr_parse(bad[i], &s, &err) == 0)
			fail_msg("\"%s\" accepted", bad[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
	assert_null(dns_new(loop, no, &err));
	assert_int_equal(err.kind, ERR_CONFIG);
	loop_free(loop);
}

static void
test_resolv_conf(void **state)
{
	static const char text[] = "# nameserver 192.0.2.9\n"
	    "search example.test\nnameserver 192.0.2.53\r\n"
	    "nameserver\t 2001:db8::53 # the second\nnameserver192.0.2.9\n"
	    " nameserver 192.0.2.9\nnameserver\nnameserver ns.test\n"
	    "nameserver 0000000000000000000000000000000000000000000000000000"
	    "00000000192.0.2.9\nnameserver fe80::1%lo";
	struct dns_server s[4];

	assert_int_equal(dnsaddr_of_resolv_conf(text, s, N_ELEMENTS(s)), 3);
	assert_string_equal(s[0].text, "192.0.2.53");
	assert_string_equal(s[1].text, "2001:db8::53");
	assert_string_equal(s[2].text, "fe80::1%lo");
	assert_int_equal(dnsaddr_of_resolv_conf(text, s, 1), 1);
	assert_int_equal(dnsaddr_of_resolv_conf("", s, 1), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cases),
		cmocka_unit_test(test_told),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_failover),
		cmocka_unit_test(test_timeout_cancel),
		cmocka_unit_test(test_address),
		cmocka_unit_test(test_resolv_conf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
