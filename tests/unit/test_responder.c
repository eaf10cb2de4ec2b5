/* SPDX-License-Identifier: MIT */
/* The built-in responder's answers, from bytes to bytes. */
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/text.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/responder_answer.h"
#include "daemon/dns/responder_limit.h"
#include "daemon/dns/responder_table.h"

#define BYTES(s) s, sizeof(s) - 1
/* Header of a query, with RD and these counts. */
#define HEADER(qd, ar) "\0\7\1\0\0" qd "\0\0\0\0\0" ar
#define ZONE "\4AcMe\7example\3NET\0"
#define APEX "acme.example.net"
#define TYPE(t) "\0" t "\0\1"
#define Q(name, t) HEADER("\1", "\0") name TYPE(t)
#define OPT(size, version) "\0\0\x29" size "\0" version "\0\0\0\0"
#define QE(name, t, size, version) \
	HEADER("\1", "\1") name TYPE(t) OPT(size, version)

static struct responder_table table;

static void
add(const char *fqdn, const char *value)
{
	struct rname name;
	struct error err;

	assert_int_equal(rname_from_text(&name, fqdn, &err), 0);
	assert_int_equal(responder_table_add(&table, &name, value, &err), 0);
}

static void
take(const char *fqdn, const char *value)
{
	struct rname name;
	struct error err;

	assert_int_equal(rname_from_text(&name, fqdn, &err), 0);
	responder_table_remove(&table, &name, value);
}

static void
zone(const char *apex, const char *ns, const char *const *addresses)
{
	const struct responder_zone_args a = { .apex = apex, .ns_name = ns,
	    .ns_addresses = addresses, .ttl = 1 };
	struct responder_zone z;
	struct error err;

	if (responder_zone_init(&z, &a, &err) == -1)
		fail_msg("%s", err.msg);
	responder_table_put_zone(&table, &z);
}

static int
setup(void **state)
{
	static const char *const addresses[] = { "192.0.2.1", "192.0.2.2",
	    "2001:db8::1", NULL };
	static const char *const none[] = { NULL };

	responder_table_init(&table);
	zone(APEX, "ns.host.acme.example.net", addresses);
	zone("_acme-challenge.example.org", "ns.example.com", none);
	zone("deep.sub.acme.example.net", "ns.example.com", none);
	add("example.com.acme.example.net", "v1");
	add("example.com.acme.example.net", "v2");
	add("example.com.acme.example.net", "v1");
	add("_acme-challenge.example.org", "v3");
	return 0;
}

static int
teardown(void **state)
{
	responder_table_clear(&table);
	return 0;
}

#define NAME "\7eXample\3cOM" ZONE

static const struct {
	const char	*what, *wire;
	size_t		 len;
	int		 rcode;		/* -1: no answer */
	unsigned	 n_answer, n_authority;
	bool		 aa;
} cases[] = {
	{ "TXT", BYTES(Q(NAME, "\x10")), 0, 2, 0, true },
	{ "TXT at an apex", BYTES(Q("\x0f_acme-challenge\7example\3org\0",
	    "\x10")), 0, 1, 0, true },
	{ "other type", BYTES(Q(NAME, "\1")), 0, 0, 1, true },
	{ "between", BYTES(Q("\3com" ZONE, "\x10")), 0, 0, 1, true },
	{ "not there", BYTES(Q("\3org" ZONE, "\x10")), 3, 0, 1, true },
	{ "below a name", BYTES(Q("\1a" NAME, "\x10")), 3, 0, 1, true },
	{ "part of a label", BYTES(Q("\2om" ZONE, "\x10")), 3, 0, 1, true },
	{ "SOA", BYTES(Q(ZONE, "\6")), 0, 1, 0, true },
	{ "NS", BYTES(Q(ZONE, "\2")), 0, 1, 0, true },
	{ "apex, other type", BYTES(Q(ZONE, "\x10")), 0, 0, 1, true },
	{ "SOA below", BYTES(Q(NAME, "\6")), 0, 0, 1, true },
	{ "CAA", BYTES(HEADER("\1", "\0") NAME "\1\1\0\1"), 0, 0, 1,
	    true },
	{ "A of the server", BYTES(Q("\2ns\4host" ZONE, "\1")), 0, 2, 0,
	    true },
	{ "AAAA of the server", BYTES(Q("\2ns\4host" ZONE, "\x1c")), 0, 1, 0,
	    true },
	{ "TXT of the server", BYTES(Q("\2ns\4host" ZONE, "\x10")), 0, 0, 1,
	    true },
	{ "above the server", BYTES(Q("\4host" ZONE, "\1")), 0, 0, 1, true },
	{ "above a zone", BYTES(Q("\3sub" ZONE, "\1")), 0, 0, 1, true },
	{ "zone in a zone", BYTES(Q("\4deep\3sub" ZONE, "\6")), 0, 1, 0,
	    true },
	{ "ANY", BYTES(Q(NAME, "\xff")), 0, 1, 0, true },
	{ "ANY, not there", BYTES(Q("\3org" ZONE, "\xff")), 3, 0, 1, true },
	{ "zone transfer", BYTES(Q(ZONE, "\xfc")), 5, 0, 0, false },
	{ "meta type", BYTES(Q(ZONE, "\x29")), 5, 0, 0, false },
	{ "another zone", BYTES(Q("\7example\3org\0", "\x10")), 5, 0, 0,
	    false },
	{ "the root", BYTES(Q("\0", "\2")), 5, 0, 0, false },
	{ "a dot within a label", BYTES(Q("\6a.acme\7example\3net\0",
	    "\x10")), 5, 0, 0, false },
	{ "class CH", BYTES(HEADER("\1", "\0") "\7version\4bind\0"
	    "\0\x10\0\3"), 5, 0, 0, false },
	{ "class ANY", BYTES(HEADER("\1", "\0") NAME "\0\x10\0\xff"), 5, 0, 0,
	    false },
	{ "EDNS", BYTES(QE(NAME, "\x10", "\x10\0", "\0")), 0, 2, 0, true },
	{ "EDNS 1", BYTES(QE(NAME, "\x10", "\x10\0", "\1")), 16, 0, 0,
	    false },
	{ "EDNS twice", BYTES(HEADER("\1", "\2") NAME TYPE("\x10")
	    OPT("\4\0", "\0") OPT("\4\0", "\0")), 1, 0, 0, false },
	{ "response", BYTES("\0\7\x81\0\0\1\0\0\0\0\0\0" NAME TYPE("\x10")),
	    -1, 0, 0, false },
	{ "response of NOTIFY", BYTES("\0\7\xa1\0\0\1\0\0\0\0\0\0" NAME
	    TYPE("\x10")), -1, 0, 0, false },
	{ "NOTIFY", BYTES("\0\7\x21\0\0\1\0\0\0\0\0\0" NAME TYPE("\6")),
	    4, 0, 0, false },
	{ "UPDATE", BYTES("\0\7\x28\0\0\1\0\0\0\0\0\0" NAME TYPE("\6")),
	    4, 0, 0, false },
	{ "no question", BYTES(HEADER("\0", "\0")), 1, 0, 0, false },
	{ "two questions", BYTES(HEADER("\2", "\0") NAME TYPE("\x10") NAME
	    TYPE("\x10")), 1, 0, 0, false },
	{ "an answer in a query", BYTES("\0\7\1\0\0\1\0\1\0\0\0\0" NAME
	    TYPE("\x10") "\xc0\x0c\0\x10\0\1\0\0\0\0\0\2\1a"), 1, 0, 0,
	    false },
	{ "records told and not there", BYTES(HEADER("\1", "\1") NAME
	    TYPE("\x10")), 1, 0, 0, false },
	{ "pointer", BYTES(Q("\xc0\x0c", "\x10")), 1, 0, 0, false },
	{ "label type 0x40", BYTES(Q("\x41" "a\0", "\x10")), 1, 0, 0,
	    false },
	{ "name without end", BYTES(HEADER("\1", "\0") "\7example"), 1, 0, 0,
	    false },
	{ "no type", BYTES(HEADER("\1", "\0") ZONE), 1, 0, 0, false },
	{ "half a header", BYTES("\0\7\1\0\0\1"), -1, 0, 0, false },
	{ "nothing", "", 0, -1, 0, 0, false },
};

static ldns_pkt *
ask(const void *wire, size_t len, bool is_tcp, uint8_t *reply, size_t *n)
{
	/* Copies of exactly that size, for ASan and valgrind. */
	uint8_t *copy = malloc(len + 1);

	memcpy(copy, wire, len);
	*n = responder_answer(&table, copy, len, is_tcp, reply,
	    is_tcp ? 65535 : RESPONDER_UDP_MAX);
	free(copy);
	return *n == 0 ? NULL : dnsmsg_parse(reply, *n);
}

static void
check(size_t i, const ldns_pkt *pkt)
{
	int rcode = (int)ldns_pkt_get_rcode(pkt) |
	    ldns_pkt_edns_extended_rcode(pkt) << 4;

	if (rcode != cases[i].rcode ||
	    ldns_pkt_ancount(pkt) != cases[i].n_answer ||
	    ldns_pkt_nscount(pkt) != cases[i].n_authority ||
	    ldns_pkt_aa(pkt) != cases[i].aa || !ldns_pkt_qr(pkt) ||
	    ldns_pkt_id(pkt) != 7 || ldns_pkt_tc(pkt) || ldns_pkt_ra(pkt))
		fail_msg("%s: rcode %d, %u answers, %u authority",
		    cases[i].what, rcode, ldns_pkt_ancount(pkt),
		    ldns_pkt_nscount(pkt));
}

static void
test_cases(void **state)
{
	static uint8_t reply[65535];

	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		for (int tcp = 0; tcp < 2; tcp++) {
			size_t n;
			ldns_pkt *pkt = ask(cases[i].wire, cases[i].len,
			    tcp != 0, reply, &n);

			if ((pkt == NULL) != (cases[i].rcode == -1))
				fail_msg("%s: %zu bytes", cases[i].what, n);
			if (pkt != NULL)
				check(i, pkt);
			ldns_pkt_free(pkt);
		}
	}
}

/* The question comes back as it was, letter by letter. */
static void
test_question_case(void **state)
{
	const char query[] = Q(NAME, "\x10");
	uint8_t reply[RESPONDER_UDP_MAX];
	size_t n, len = sizeof(query) - 1;
	ldns_pkt *pkt = ask(query, len, false, reply, &n);
	bool has;

	assert_non_null(pkt);
	assert_true(n > len);
	assert_memory_equal(reply + 12, query + 12, len - 12);
	assert_int_equal(dnsmsg_txt(pkt, "example.com." APEX, "v1", &has), 2);
	assert_true(has);
	assert_int_equal(dnsmsg_txt(pkt, "example.com." APEX, "v2", &has), 2);
	assert_true(has);
	assert_false(ldns_pkt_edns(pkt));
	ldns_pkt_free(pkt);
}

static void
test_negative_ttl(void **state)
{
	const char query[] = Q("\3org" ZONE, "\x10");
	uint8_t reply[RESPONDER_UDP_MAX];
	char apex[DNAME_SIZE];
	ldns_pkt *pkt;
	ldns_rr *soa;
	size_t n;

	pkt = ask(query, sizeof(query) - 1, false, reply, &n);
	assert_non_null(pkt);
	assert_true(dnsmsg_apex(pkt, "org." APEX, apex));
	assert_string_equal(apex, APEX);
	soa = ldns_rr_list_rr(ldns_pkt_authority(pkt), 0);
	assert_int_equal(ldns_rr_ttl(soa), 1);
	assert_int_equal(ldns_rdf2native_int32(ldns_rr_rdf(soa, 6)), 1);
	ldns_pkt_free(pkt);
}

/* Many values: TC over UDP within what was asked for, all over TCP. */
static void
test_sizes(void **state)
{
	static const struct {
		const char	*wire;
		size_t		 len, max;
		bool		 has_edns;
	} sizes[] = {
		{ BYTES(Q(NAME, "\x10")), 512, false },
		{ BYTES(QE(NAME, "\x10", "\0\0", "\0")), 512, true },
		{ BYTES(QE(NAME, "\x10", "\4\0", "\0")), 1024, true },
		{ BYTES(QE(NAME, "\x10", "\xff\xff", "\0")), 1232, true },
	};
	static uint8_t reply[65535];
	unsigned n_full = 2;
	ldns_pkt *pkt;
	char value[44];
	size_t n;

	for (int v = 0; v < RESPONDER_VALUES_MAX - 2; v++) {
		bool was_cut = false;

		(void)text_printf(value, sizeof(value), "%043d", v);
		add("example.com." APEX, value);
		n_full++;
		if (v > 30 && v < RESPONDER_VALUES_MAX - 3)
			continue;
		for (size_t i = 0; i < N_ELEMENTS(sizes); i++) {
			pkt = ask(sizes[i].wire, sizes[i].len, false, reply,
			    &n);
			assert_non_null(pkt);
			assert_true(n <= sizes[i].max);
			assert_int_equal(ldns_pkt_edns(pkt),
			    sizes[i].has_edns);
			assert_int_equal(ldns_pkt_ancount(pkt),
			    ldns_pkt_tc(pkt) ? 0 : n_full);
			was_cut |= ldns_pkt_tc(pkt);
			ldns_pkt_free(pkt);
		}
		assert_int_equal(was_cut, v >= 7);
		pkt = ask(sizes[0].wire, sizes[0].len, true, reply, &n);
		assert_non_null(pkt);
		assert_int_equal(ldns_pkt_ancount(pkt), n_full);
		ldns_pkt_free(pkt);
	}
}

static void
test_values(void **state)
{
	char value[300];
	struct rname name;
	struct error err;
	size_t at, below;
	uint32_t serial;

	assert_int_equal(rname_from_text(&name, "example.com." APEX, &err),
	    0);
	serial = table.serial;
	take("example.com." APEX, "v4");
	take("com." APEX, "v1");
	assert_int_equal(table.serial, serial);
	take("example.com." APEX, "v1");
	assert_true(table.serial != serial);
	(void)responder_table_find(&table, &name, &at, &below);
	assert_int_equal(at, 1);
	take("example.com." APEX, "v2");
	take("example.com." APEX, "v2");
	(void)responder_table_find(&table, &name, &at, &below);
	assert_int_equal(at, 0);
	assert_int_equal(table.n_values, 1);

	memset(value, 'a', sizeof(value));
	value[255] = '\0';
	assert_int_equal(responder_table_add(&table, &name, value, &err), 0);
	value[255] = 'a';
	value[256] = '\0';
	assert_int_equal(responder_table_add(&table, &name, value, &err), -1);
	for (int i = 1; i < RESPONDER_VALUES_MAX; i++) {
		(void)text_printf(value, sizeof(value), "%d", i);
		assert_int_equal(responder_table_add(&table, &name, value,
		    &err), 0);
	}
	assert_int_equal(responder_table_add(&table, &name, "x", &err), -1);
	assert_string_equal(err.code, "builtin:values");
}

/* A peer's values end with their time, although no peer asks for anything. */
static void
test_lent(void **state)
{
	const char q[] = Q(NAME, "\x10");
	int64_t now = clock_boot_ms();
	uint8_t reply[RESPONDER_UDP_MAX];
	struct rname name;
	struct error err;
	ldns_pkt *pkt;
	size_t n;

	assert_int_equal(rname_from_text(&name, "example.com." APEX, &err), 0);
	assert_int_equal(responder_table_lend(&table, &name, "later",
	    now + 3600000, &err), 0);
	assert_int_equal(responder_table_lend(&table, &name, "over", now,
	    &err), 0);
	assert_int_equal(responder_table_lend(&table, &name, "v1", now, &err),
	    0);		/* it is ours */
	pkt = ask(q, sizeof(q) - 1, false, reply, &n);
	assert_int_equal(ldns_pkt_ancount(pkt), 3);
	ldns_pkt_free(pkt);
	responder_table_expire(&table, now + 3600000);
	pkt = ask(q, sizeof(q) - 1, false, reply, &n);
	assert_int_equal(ldns_pkt_ancount(pkt), 2);
	ldns_pkt_free(pkt);
	assert_int_equal(table.expire_ms, 0);
}

static void
test_zone_options(void **state)
{
	static const char *const none[] = { NULL }, *const bad[] = { "a",
	    NULL }, *const many[] = { "a.example", "b.example",
	    "192.0.2.1:53", "c.example:5353", "d.example", "e.example",
	    NULL };
	static const struct {
		struct responder_zone_args a;
		const char	*code;
	} refused[] = {
		{ { "acme", "ns.example.com", NULL, none, NULL, 1 }, NULL },
		{ { APEX, "ns", NULL, none, NULL, 1 }, NULL },
		{ { APEX, "ns." APEX, NULL, none, NULL, 1 },
		    "builtin:ns_addresses" },
		{ { APEX, "ns.example.com", "a@example.com", none, NULL, 1 },
		    NULL },
		{ { APEX, "ns.example.com", NULL, bad, NULL, 1 },
		    "dns:address" },
		{ { APEX, "ns.example.com", NULL, none, many, 1 },
		    "builtin:peers" },
	};
	struct responder_zone z;
	struct error err;

	for (size_t i = 0; i < N_ELEMENTS(refused); i++) {
		if (responder_zone_init(&z, &refused[i].a, &err) == 0)
			fail_msg("%zu was accepted", i);
		assert_int_equal(err.kind, ERR_CONFIG);
		if (refused[i].code != NULL)
			assert_string_equal(err.code, refused[i].code);
	}
}

/* Every prefix, and every byte changed: no harm, and nothing too long. */
static void
test_hostile(void **state)
{
	const char good[] = QE(NAME, "\x10", "\x10\0", "\0");
	uint8_t reply[RESPONDER_UDP_MAX], wire[sizeof(good) - 1];
	size_t n;

	for (size_t i = 0; i < sizeof(wire); i++)
		ldns_pkt_free(ask(good, i, false, reply, &n));
	for (size_t i = 0; i < sizeof(wire); i++) {
		for (int bit = 0; bit < 256; bit++) {
			memcpy(wire, good, sizeof(wire));
			wire[i] = (uint8_t)bit;
			ldns_pkt_free(ask(wire, sizeof(wire), false, reply,
			    &n));
			assert_true(n <= RESPONDER_UDP_MAX);
			n = responder_truncated(wire, sizeof(wire), reply,
			    sizeof(reply));
			assert_true(n <= sizeof(wire));
		}
	}
}

static void
test_truncated(void **state)
{
	const char good[] = QE(NAME, "\x10", "\x10\0", "\0");
	uint8_t reply[RESPONDER_UDP_MAX];
	size_t n = responder_truncated(good, sizeof(good) - 1, reply,
	    sizeof(reply));
	ldns_pkt *pkt = dnsmsg_parse(reply, n);

	assert_non_null(pkt);
	assert_true(ldns_pkt_tc(pkt) && ldns_pkt_qr(pkt));
	assert_int_equal(ldns_pkt_qdcount(pkt), 1);
	assert_int_equal(ldns_pkt_get_rcode(pkt), 0);
	ldns_pkt_free(pkt);
}

static bool
from(struct responder_limit *l, const char *text, int64_t now)
{
	struct sockaddr_in6 sin6 = { .sin6_family = AF_INET6 };
	struct sockaddr_in sin = { .sin_family = AF_INET };

	if (inet_pton(AF_INET, text, &sin.sin_addr) == 1)
		return responder_limit_take(l,
		    (struct sockaddr *)(void *)&sin, now);
	assert_int_equal(inet_pton(AF_INET6, text, &sin6.sin6_addr), 1);
	return responder_limit_take(l, (struct sockaddr *)(void *)&sin6, now);
}

static void
test_limit(void **state)
{
	static const struct {
		const char	*one, *same, *other;
	} sources[] = {
		{ "192.0.2.1", "192.0.2.254", "192.0.3.1" },
		{ "2001:db8::1", "2001:db8:0:ff::2", "2001:db8:0:100::1" },
		{ "::ffff:198.51.100.1", "198.51.100.2",
		    "::ffff:198.51.101.1" },
	};

	for (size_t i = 0; i < N_ELEMENTS(sources); i++) {
		struct responder_limit *l = responder_limit_new();
		int64_t now = 1000000;

		for (int n = 0; n < RESPONDER_BURST; n++)
			assert_true(from(l, n % 2 == 0 ? sources[i].one :
			    sources[i].same, now));
		assert_false(from(l, sources[i].one, now));
		assert_false(from(l, sources[i].same, now));
		assert_true(from(l, sources[i].other, now));
		/* 10 ms are one token; a clock that stands still none. */
		assert_true(from(l, sources[i].one, now + 10));
		assert_false(from(l, sources[i].one, now + 10));
		now += 60000;
		for (int n = 0; n < RESPONDER_BURST; n++)
			assert_true(from(l, sources[i].one, now));
		assert_false(from(l, sources[i].one, now));
		responder_limit_free(l);
	}
}

int
main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_cases),
		TEST(test_question_case),
		TEST(test_negative_ttl),
		TEST(test_sizes),
		TEST(test_values),
		TEST(test_lent),
		TEST(test_hostile),
		TEST(test_truncated),
		cmocka_unit_test(test_zone_options),
		cmocka_unit_test(test_limit),
	};

	return cmocka_run_group_tests_name("responder", tests, NULL, NULL);
}
