/* SPDX-License-Identifier: MIT */
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "daemon/dns/dnsmsg.h"

#define NAME "a.test"
#define QUESTION "\1a\4test\0"
/* Header with these counts; id 7, a response, authoritative. */
#define HEADER(qd, an) "\0\7\x84\0\0" qd "\0" an "\0\0\0\0"
#define TXT_Q HEADER("\1", "\1") QUESTION "\0\x10\0\1"
#define PTR "\xc0\x0c"
#define RR(type, len) type "\0\1\0\0\0\x3c\0" len

#define A16 "aaaaaaaaaaaaaaaa"
#define BYTES(s) s, sizeof(s) - 1

static const struct {
	const char	*what;
	const char	*wire;
	size_t		 len;
	bool		 parses, answers;
	size_t		 n_txt;
	bool		 has;		/* "v1" */
} cases[] = {
	{ "plain", BYTES(TXT_Q PTR RR("\0\x10", "\3") "\2v1"),
	    true, true, 1, true },
	{ "in pieces", BYTES(TXT_Q PTR RR("\0\x10", "\4") "\1v\1""1"),
	    true, true, 1, true },
	{ "longer", BYTES(TXT_Q PTR RR("\0\x10", "\4") "\3v12"),
	    true, true, 1, false },
	{ "a beginning", BYTES(TXT_Q PTR RR("\0\x10", "\2") "\1v"),
	    true, true, 1, false },
	{ "other case of the name", BYTES(TXT_Q "\1A\4TEST\0"
	    RR("\0\x10", "\3") "\2v1"), true, true, 1, true },
	{ "other name", BYTES(TXT_Q "\1b\4test\0" RR("\0\x10", "\3") "\2v1"),
	    true, true, 0, false },
	{ "a dot within a label", BYTES(TXT_Q "\6a.test\0"
	    RR("\0\x10", "\3") "\2v1"), true, true, 0, false },
	{ "a NUL within a label", BYTES(TXT_Q "\3a\0b\4test\0"
	    RR("\0\x10", "\3") "\2v1"), true, true, 0, false },
	{ "another type", BYTES(TXT_Q PTR RR("\0\x63", "\3") "\2v1"),
	    true, true, 0, false },
	{ "string longer than data", BYTES(TXT_Q PTR RR("\0\x10", "\3")
	    "\7v1"), false, false, 0, false },
	{ "data longer than message", BYTES(TXT_Q PTR RR("\0\x10", "\x30")
	    "\2v1"), false, false, 0, false },
	{ "pointer to itself", BYTES(TXT_Q "\xc0\x18" RR("\0\x10", "\3")
	    "\2v1"), false, false, 0, false },
	{ "pointer outside", BYTES(TXT_Q "\xff\xff" RR("\0\x10", "\3")
	    "\2v1"), false, false, 0, false },
	{ "fewer records than told", BYTES(HEADER("\1", "\2") QUESTION
	    "\0\x10\0\1" PTR RR("\0\x10", "\3") "\2v1"), false, false, 0,
	    false },
	{ "too many records", BYTES("\0\7\x84\0\0\1\x40\0\0\0\0\0" QUESTION
	    "\0\x10\0\1"), false, false, 0, false },
	{ "another question", BYTES(HEADER("\1", "\0") "\1b\4test\0"
	    "\0\x10\0\1"), true, false, 0, false },
	{ "another type asked", BYTES(HEADER("\1", "\0") QUESTION
	    "\0\1\0\1"), true, false, 0, false },
	{ "no question", BYTES(HEADER("\0", "\0")), true, false, 0, false },
	{ "no question, FORMERR", BYTES("\0\7\x84\1\0\0\0\0\0\0\0\0"),
	    true, true, 0, false },
	{ "half a header", BYTES("\0\7\x84\0\0\1"), false, false, 0, false },
	{ "nothing", "", 0, false, false, 0, false },
};

static void
test_replies(void **state)
{
	for (size_t i = 0; i < N_ELEMENTS(cases); i++) {
		/* A copy of exactly that size, for ASan and valgrind. */
		uint8_t *wire = malloc(cases[i].len + 1);
		ldns_pkt *pkt;
		bool has = false;

		memcpy(wire, cases[i].wire, cases[i].len);
		pkt = dnsmsg_parse(wire, cases[i].len);
		if ((pkt != NULL) != cases[i].parses ||
		    (pkt != NULL && (dnsmsg_answers(pkt, NAME,
		    LDNS_RR_TYPE_TXT) != cases[i].answers ||
		    dnsmsg_txt(pkt, NAME, "v1", &has) != cases[i].n_txt)) ||
		    has != cases[i].has)
			fail_msg("%s", cases[i].what);
		ldns_pkt_free(pkt);
		free(wire);
	}
}

/* Long values come in several strings, and may hold anything. */
static void
test_txt_value(void **state)
{
	static const uint8_t head[] = { 0, 1, 0x84, 0, 0, 1, 0, 1, 0, 0, 0, 0,
	    1, 'a', 4, 't', 'e', 's', 't', 0, 0, 16, 0, 1,
	    0xc0, 12, 0, 16, 0, 1, 0, 0, 0, 9, 1, 5 };
	uint8_t wire[sizeof(head) + 261];
	ldns_pkt *pkt;
	char *value;

	memcpy(wire, head, sizeof(head));
	wire[sizeof(head)] = 255;
	memset(wire + sizeof(head) + 1, 'x', 255);
	memcpy(wire + sizeof(head) + 256, "\4y\0\xc3;", 5);
	pkt = dnsmsg_parse(wire, sizeof(wire));
	assert_non_null(pkt);
	value = dnsmsg_txt_value(pkt, "a.test", 0);
	assert_int_equal(strlen(value), 259);
	assert_string_equal(value + 254, "xy\x7f\x7f;");
	free(value);
	assert_null(dnsmsg_txt_value(pkt, "a.test", 1));
	assert_null(dnsmsg_txt_value(pkt, "b.test", 0));
	ldns_pkt_free(pkt);
}

/* No prefix of a good reply is a good one. */
static void
test_prefixes(void **state)
{
	for (size_t n = 0; n < cases[0].len; n++) {
		uint8_t *wire = malloc(n + 1);
		ldns_pkt *pkt;

		memcpy(wire, cases[0].wire, n);
		pkt = dnsmsg_parse(wire, n);
		if (pkt != NULL)
			fail_msg("%zu bytes", n);
		free(wire);
	}
}

static void
test_query(void **state)
{
	static const char *const bad[] = { "", ".", "a..b", ".a", "a b",
	    "a\\046b", A16 A16 A16 A16 ".test" };
	static const uint8_t want[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\0"
	    QUESTION "\0\x10\0\1";
	uint8_t *wire;
	size_t len;
	struct error err;

	assert_int_equal(dnsmsg_query(NAME, LDNS_RR_TYPE_TXT, true, 0x1234,
	    &wire, &len, &err), 0);
	assert_int_equal(len, sizeof(want) - 1);
	assert_memory_equal(wire, want, len);
	free(wire);
	for (size_t i = 0; i < N_ELEMENTS(bad); i++) {
		if (dnsmsg_query(bad[i], LDNS_RR_TYPE_TXT, true, 1, &wire,
		    &len, &err) == 0)
			fail_msg("\"%s\" accepted", bad[i]);
		assert_int_equal(err.kind, ERR_CONFIG);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_txt_value),
		cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_query),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
