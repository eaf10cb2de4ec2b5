/* SPDX-License-Identifier: MIT */
/* fuzz_responder - a datagram to the built-in responder. */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "common/error.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/responder_answer.h"
#include "daemon/dns/responder_table.h"
#include "tests/fuzz/fuzz.h"

static const char *const addresses[] = { "192.0.2.1", "2001:db8::1", NULL };

static void
fill(struct responder_table *t)
{
	const struct responder_zone_args a = { .apex = "acme.example.net",
	    .ns_name = "ns.acme.example.net", .ns_addresses = addresses,
	    .ttl = 1 };
	struct responder_zone z;
	struct rname name;
	struct error err;

	responder_table_init(t);
	if (responder_zone_init(&z, &a, &err) == -1 ||
	    rname_from_text(&name, "a.acme.example.net", &err) == -1 ||
	    responder_table_add(t, &name, "v1", &err) == -1 ||
	    responder_table_add(t, &name, "v2", &err) == -1)
		abort();
	responder_table_put_zone(t, &z);
}

static void
check(const uint8_t *data, const uint8_t *reply, size_t n, size_t max)
{
	ldns_pkt *pkt;

	if (n == 0)
		return;
	assert(n >= DNSMSG_HEADER && n <= max);
	assert(reply[0] == data[0] && reply[1] == data[1]);
	assert((reply[2] & 0x80) != 0);
	pkt = dnsmsg_parse(reply, n);
	assert(pkt != NULL);
	ldns_pkt_free(pkt);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static uint8_t reply[DNSMSG_MAX];
	static struct responder_table table;
	size_t n;

	if (table.n_zones == 0)
		fill(&table);
	n = responder_answer(&table, data, len, false, reply,
	    RESPONDER_UDP_MAX);
	check(data, reply, n, RESPONDER_UDP_MAX);
	n = responder_answer(&table, data, len, true, reply, sizeof(reply));
	check(data, reply, n, sizeof(reply));
	n = responder_truncated(data, len, reply, RESPONDER_UDP_MAX);
	check(data, reply, n, len);
	return 0;
}
