/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_update.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/responder_table.h"
#include "daemon/dns/tsig.h"

#define KEEP_MS (INT64_C(86400) * 1000)

/* What one record of the update section asks for. */
struct change {
	struct rname	 name;
	bool		 is_add;
	char		 value[RESPONDER_VALUE_MAX + 1];
};

/* The zone section: one SOA question, of a zone of ours. */
static const struct responder_zone *
zone_of(const struct responder_table *t, const ldns_pkt *pkt)
{
	const ldns_rr_list *list = ldns_pkt_question(pkt);
	const struct responder_zone *z;
	const ldns_rdf *owner;
	struct rname name;

	if (ldns_rr_list_rr_count(list) != 1 || ldns_rr_get_type(
	    ldns_rr_list_rr(list, 0)) != LDNS_RR_TYPE_SOA)
		return NULL;
	owner = ldns_rr_owner(ldns_rr_list_rr(list, 0));
	if (rname_from_wire(&name, ldns_rdf_data(owner),
	    ldns_rdf_size(owner)) == 0)
		return NULL;
	z = responder_table_zone(t, &name);
	return z != NULL && rname_equal(&z->name, &name) ? z : NULL;
}

/* The value of a TXT record of one string, as the CA wants it. */
static bool
read_value(const ldns_rr *rr, char out[RESPONDER_VALUE_MAX + 1])
{
	const ldns_rdf *rdf;
	const uint8_t *string;

	if (ldns_rr_rd_count(rr) != 1)
		return false;
	rdf = ldns_rr_rdf(rr, 0);
	string = ldns_rdf_data(rdf);
	if (ldns_rdf_size(rdf) != 1u + string[0] ||
	    memchr(string + 1, '\0', string[0]) != NULL)
		return false;
	memcpy(out, string + 1, string[0]);
	out[string[0]] = '\0';
	return true;
}

/* -1: none of ours: another type, a name elsewhere, a whole set to delete. */
static int
read_change(const struct responder_table *t, const struct responder_zone *z,
    const ldns_rr *rr, struct change *c)
{
	const ldns_rdf *owner = ldns_rr_owner(rr);

	c->is_add = ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN;
	if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_TXT ||
	    (!c->is_add && ldns_rr_get_class(rr) != LDNS_RR_CLASS_NONE) ||
	    rname_from_wire(&c->name, ldns_rdf_data(owner),
	    ldns_rdf_size(owner)) == 0 ||
	    responder_table_zone(t, &c->name) != z)
		return -1;
	return read_value(rr, c->value) ? 0 : -1;
}

/* All of them are read before the first is done. */
static ldns_pkt_rcode
apply(struct responder_table *t, const struct responder_zone *z,
    const ldns_pkt *pkt)
{
	const ldns_rr_list *list = ldns_pkt_authority(pkt);
	size_t n = ldns_rr_list_rr_count(list);
	ldns_pkt_rcode rcode = LDNS_RCODE_NOERROR;
	struct change *changes;
	struct error ignored;

	/* No prerequisites: we have no use for them. */
	if (n == 0 || n > RESPONDER_VALUES_MAX || ldns_pkt_ancount(pkt) != 0)
		return LDNS_RCODE_REFUSED;
	changes = xcalloc(n, sizeof(*changes));
	for (size_t i = 0; i < n && rcode == LDNS_RCODE_NOERROR; i++) {
		if (read_change(t, z, ldns_rr_list_rr(list, i),
		    &changes[i]) == -1)
			rcode = LDNS_RCODE_REFUSED;
	}
	for (size_t i = 0; i < n && rcode == LDNS_RCODE_NOERROR; i++) {
		if (!changes[i].is_add)
			responder_table_return(t, &changes[i].name,
			    changes[i].value);
		else if (responder_table_lend(t, &changes[i].name,
		    changes[i].value, clock_boot_ms() + KEEP_MS,
		    &ignored) == -1)
			rcode = LDNS_RCODE_SERVFAIL;
	}
	free(changes);
	return rcode;
}

/* The header of the answer, and its TSIG record, if there was a key. */
static size_t
answer(const uint8_t *msg, ldns_pkt_rcode rcode, const struct tsig_key *key,
    const struct tsig_request *request, uint8_t *reply, size_t size)
{
	size_t len = DNSMSG_HEADER;
	uint8_t *out = xcalloc(1, len);

	memcpy(out, msg, 2);
	out[2] = (uint8_t)(0x80 | (msg[2] & 0x78));	/* QR, opcode */
	out[3] = (uint8_t)rcode;
	if (key != NULL && tsig_sign_reply(key, (uint64_t)clock_now(),
	    request, &out, &len) == -1)
		len = 0;
	if (len > size)
		len = 0;
	memcpy(reply, out, len);
	free(out);
	return len;
}

size_t
responder_update(struct responder_table *t, const uint8_t *msg, size_t len,
    uint8_t *reply, size_t size)
{
	ldns_pkt *pkt = dnsmsg_parse(msg, len);
	const struct responder_zone *z;
	struct tsig_request request;
	ldns_pkt_rcode rcode;
	size_t n;

	if (pkt == NULL)
		return answer(msg, LDNS_RCODE_FORMERR, NULL, NULL, reply,
		    size);
	z = zone_of(t, pkt);
	if (z == NULL) {
		n = answer(msg, LDNS_RCODE_NOTAUTH, NULL, NULL, reply, size);
	} else if (z->key == NULL || tsig_check_request(z->key,
	    (uint64_t)clock_now(), msg, len, &request) == -1) {
		n = answer(msg, LDNS_RCODE_REFUSED, NULL, NULL, reply, size);
	} else {
		rcode = request.error != 0 ? LDNS_RCODE_NOTAUTH :
		    apply(t, z, pkt);
		n = answer(msg, rcode, z->key, &request, reply, size);
	}
	ldns_pkt_free(pkt);
	return n;
}
