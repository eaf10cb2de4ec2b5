/* SPDX-License-Identifier: MIT */
/*
 * fuzz_dns - a reply of a DNS server: everything that reads one, and the TSIG
 * record of one.
 */
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "daemon/dns/dnsaddr.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/tsig.h"
#include "tests/fuzz/fuzz.h"

#define NAME "_acme-challenge.example.test"

static void
read_reply(const ldns_pkt *pkt)
{
	struct dns_server servers[8];
	char names[8][DNAME_SIZE], out[DNAME_SIZE];
	char *value;
	bool has;

	(void)dnsmsg_answers(pkt, NAME, LDNS_RR_TYPE_TXT);
	if (dnsmsg_cname(pkt, NAME, out))
		assert(strlen(out) <= DNAME_MAX);
	if (dnsmsg_referral(pkt, "example.test", NAME, out, names, 8) > 0)
		assert(dname_is_in(NAME, out));
	if (dnsmsg_apex(pkt, NAME, out))
		assert(dname_is_in(NAME, out) && out[0] != '\0');
	assert(dnsmsg_ns(pkt, "example.test", names, 8) <= 8);
	assert(dnsmsg_addresses(pkt, NAME, servers, 8) <= 8);
	if (dnsmsg_txt(pkt, NAME, "v1", &has) == 0)
		assert(!has);
	for (size_t i = 0; (value = dnsmsg_txt_value(pkt, NAME, i)) != NULL;
	    i++) {
		assert(strlen(value) <= DNSMSG_MAX);
		free(value);
	}
}

static void
read_tsig(const uint8_t *data, size_t len)
{
	static const struct tsig_mac request = { .len = 32 };
	struct tsig_reply r;
	struct tsig_key key;
	struct error err;

	if (tsig_key_init(&key, "upd", "hmac-sha256", "QUJDRA==",
	    &err) == -1)
		abort();
	if (tsig_check(&key, &request, data, len, &r, &err) == 0)
		assert(!r.is_verified || r.is_signed);
	tsig_key_clear(&key);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	ldns_pkt *pkt = dnsmsg_parse(data, len);

	if (pkt != NULL)
		read_reply(pkt);
	ldns_pkt_free(pkt);
	read_tsig(data, len);
	return 0;
}
