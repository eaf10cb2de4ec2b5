/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dns.h"
#include "daemon/dns/dnsaddr.h"
#include "tests/unit/unit.h"
#include "tests/unit/fakedns.h"

#include <ldns/ldns.h>
#include <string.h>

#include "common/error.h"
#include "daemon/dns/addrs.h"
#include "daemon/dns/dnssec.h"
#include "daemon/dns/nscheck.h"
#include "daemon/dns/zone.h"
#include "daemon/io/loop.h"

enum { SOA = LDNS_RR_TYPE_SOA, NS = LDNS_RR_TYPE_NS };

static const struct fake_rr zones[] = {
	{ .qname = "a.test", .qtype = SOA, .type = SOA },
	{ .qname = "b.test", .qtype = SOA, .type = SOA },
	{ .qname = "a.test", .qtype = NS, .type = NS, .data = "ns9.test" },
	{ .qname = "a.test", .qtype = NS, .type = NS, .data = "ns8.test" },
	{ .qname = NULL }
};

struct rig {
	struct loop	*loop;
	struct fakedns	 f[2];
	struct dns	*dns;
	int		 calls;
	struct error	 err;
	struct dnssec_reply reply;
	struct nscheck_server servers[2];
	size_t		 n_bad;
	char		 homeless[512];
};

static int
setup(void **state)
{
	struct rig *r = test_calloc(1, sizeof(*r));
	const char *resolvers[3] = { NULL, NULL, NULL };
	struct error err;

	r->loop = loop_new();
	for (int i = 0; i < 2; i++) {
		fakedns_init(&r->f[i], r->loop, 9 - i, zones);
		resolvers[i] = r->f[i].server.text;
	}
	r->dns = dns_new(r->loop, resolvers, &err);
	*state = r;
	return 0;
}

static int
teardown(void **state)
{
	struct rig *r = *state;

	dns_free(r->dns);
	fakedns_clear(&r->f[0]);
	fakedns_clear(&r->f[1]);
	loop_free(r->loop);
	test_free(r);
	return 0;
}

static void
seen(const struct error *err, const struct dnssec_reply *reply, void *arg)
{
	struct rig *r = arg;

	r->calls++;
	r->err = (struct error){ .kind = ERR_NONE };
	if (err != NULL)
		r->err = *err;
	else
		r->reply = *reply;
}

static enum dnssec_state
look(struct rig *r)
{
	r->calls = 0;
	(void)dnssec_start(r->dns, "a.test", 1000, seen, r);
	assert_int_equal(r->calls, 0);
	fakedns_run(r->loop, &r->calls, 3000);
	assert_int_equal(r->calls, 1);
	return r->reply.state;
}

static void
test_states(void **state)
{
	static const struct {
		const char	*secure[2], *bogus[2];
		enum dnssec_state want;
		int		 who;	/* says so; -1: nobody */
	} cases[] = {
		{ { NULL, NULL }, { NULL, NULL }, DNSSEC_UNKNOWN, -1 },
		/* AD for the top, not for the zone. */
		{ { NULL, "test" }, { NULL, NULL }, DNSSEC_SECURE, 1 },
		{ { "a.test", NULL }, { NULL, NULL }, DNSSEC_SECURE, 0 },
		/* Only the one that validates sees that it is broken. */
		{ { "test", NULL }, { "a.test", NULL }, DNSSEC_BROKEN, 0 },
		{ { NULL, "test" }, { NULL, "a.test" }, DNSSEC_BROKEN, 1 },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		for (int k = 0; k < 2; k++) {
			r->f[k].secure = cases[i].secure[k];
			r->f[k].bogus = cases[i].bogus[k];
		}
		if (look(r) != cases[i].want || r->err.kind != ERR_NONE)
			fail_msg("case %zu: %d", i, r->reply.state);
		assert_string_equal(r->reply.resolver, cases[i].who == -1 ?
		    "" : r->f[cases[i].who].server.text);
	}
}

/* The top-level domain is signed, the zone is not. */
static const struct fake_rr unsigned_zone[] = {
	{ .qname = "a.test", .qtype = SOA, .type = SOA },
	{ .qname = NULL }
};

static void
test_insecure(void **state)
{
	struct rig *r = *state;

	r->f[0].rrs = unsigned_zone;
	r->f[0].secure_only = "test";
	assert_int_equal(look(r), DNSSEC_INSECURE);
	assert_string_equal(r->reply.resolver, r->f[0].server.text);
}

static void
test_errors(void **state)
{
	struct rig *r = *state;

	r->f[0].mode = FAKE_SERVFAIL;	/* with CD, too */
	(void)look(r);
	assert_int_equal(r->err.kind, ERR_NONE);
	r->f[1].mode = FAKE_REFUSED;
	(void)look(r);
	assert_string_equal(r->err.code, "dns:resolver");
	assert_non_null(strstr(r->err.msg, "SERVFAIL"));
	assert_non_null(strstr(r->err.msg, "REFUSED"));
	dnssec_cancel(dnssec_start(r->dns, "a.test", 1000, seen, r));
	dnssec_cancel(NULL);
}

static void
checked(const struct nscheck_reply *reply, void *arg)
{
	struct rig *r = arg;

	r->calls++;
	r->n_bad = reply->n_bad;
	assert_int_equal(reply->n_servers, 2);
	memcpy(r->servers, reply->servers, sizeof(r->servers));
	memcpy(r->homeless, reply->homeless, sizeof(r->homeless));
}

static void
check(struct rig *r, bool cancel)
{
	struct dns_server servers[2] = { r->f[0].server, r->f[1].server };
	struct zone zone = { .apex = "a.test", .servers = servers,
	    .n_servers = 2 };
	struct nscheck_op *op;

	r->calls = 0;
	op = nscheck_start(r->dns, &zone, 700, checked, r);
	if (cancel) {
		nscheck_cancel(op);
		return;
	}
	fakedns_run(r->loop, &r->calls, 3000);
	assert_int_equal(r->calls, 1);
}

static void
test_servers(void **state)
{
	static const struct {
		enum fake_mode	 mode;
		const char	*udp, *tcp;
	} cases[] = {
		{ FAKE_NORMAL, "", "" },
		{ FAKE_LAME, "is lame", "is lame" },
		{ FAKE_REFUSED, "answers REFUSED", "answers REFUSED" },
		{ FAKE_SERVFAIL, "answers SERVFAIL", "answers SERVFAIL" },
		{ FAKE_NO_TCP, "", "closed the connection" },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		r->f[1].mode = cases[i].mode;
		check(r, false);
		assert_string_equal(r->servers[0].udp, "");
		assert_string_equal(r->servers[0].tcp, "");
		if (strncmp(r->servers[1].udp, cases[i].udp,
		    strlen(cases[i].udp)) != 0 ||
		    (cases[i].udp[0] == '\0') != (r->servers[1].udp[0] ==
		    '\0') || strncmp(r->servers[1].tcp, cases[i].tcp,
		    strlen(cases[i].tcp)) != 0 ||
		    r->n_bad != (cases[i].tcp[0] != '\0'))
			fail_msg("case %zu: \"%s\", \"%s\"", i,
			    r->servers[1].udp, r->servers[1].tcp);
		assert_string_equal(r->homeless, "");
	}
	check(r, true);
}

static const struct fake_rr more_servers[] = {
	{ .qname = "a.test", .qtype = SOA, .type = SOA },
	{ .qname = "a.test", .qtype = NS, .type = NS, .data = "ns9.test" },
	{ .qname = "a.test", .qtype = NS, .type = NS, .data = "lost.test" },
	{ .qname = NULL }
};

static void
test_homeless(void **state)
{
	struct rig *r = *state;

	r->f[0].rrs = more_servers;
	check(r, false);
	assert_string_equal(r->homeless, "lost.test");
}

static const struct fake_rr host[] = {
	{ .qname = "a.test", .qtype = LDNS_RR_TYPE_A, .type = LDNS_RR_TYPE_A,
	    .data = "192.0.2.1" },
	{ .qname = "a.test", .qtype = LDNS_RR_TYPE_AAAA,
	    .type = LDNS_RR_TYPE_AAAA, .data = "2001:db8::1" },
	{ .qname = NULL }
};

static void
addresses(const struct error *err, const struct dns_addrs_reply *reply,
    void *arg)
{
	struct rig *r = arg;

	r->calls++;
	r->err = (struct error){ .kind = ERR_NONE };
	if (err != NULL)
		r->err = *err;
	else
		memcpy(r->homeless, reply->text, sizeof(r->homeless));
}

static void
test_addresses(void **state)
{
	static const struct {
		const char	*name;
		enum fake_mode	 mode;
		const char	*one, *two, *code;
	} cases[] = {
		{ "a.test", FAKE_NORMAL, "192.0.2.1", "2001:db8::1", "" },
		{ "b.test", FAKE_NORMAL, "", "", "" },
		{ "a.test", FAKE_SERVFAIL, "", "", "dns:resolver" },
	};
	struct rig *r = *state;

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		for (int k = 0; k < 2; k++) {
			r->f[k].rrs = host;
			r->f[k].mode = cases[i].mode;
		}
		r->calls = 0;
		r->homeless[0] = '\0';
		(void)dns_addrs_start(r->dns, cases[i].name, 1000, addresses,
		    r);
		assert_int_equal(r->calls, 0);
		fakedns_run(r->loop, &r->calls, 3000);
		if (r->calls != 1 || strstr(r->homeless, cases[i].one) ==
		    NULL || strstr(r->homeless, cases[i].two) == NULL ||
		    strcmp(r->err.code, cases[i].code) != 0)
			fail_msg("case %zu: %s %s", i, r->err.code,
			    r->homeless);
		if (cases[i].one[0] == '\0')
			assert_string_equal(r->homeless, "");
	}
	dns_addrs_cancel(dns_addrs_start(r->dns, "a.test", 1000, addresses,
	    r));
	dns_addrs_cancel(NULL);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_states),
		T(test_insecure),
		T(test_errors),
		T(test_addresses),
		T(test_servers),
		T(test_homeless),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
