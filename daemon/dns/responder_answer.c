/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_answer.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "daemon/dns/dnsmsg.h"
#include "daemon/dns/responder_table.h"
#include "daemon/dns/responder_update.h"

/* Seconds; records of a zone's own that hardly ever change. */
#define FIXED_TTL 300
#define REFRESH 3600
#define RETRY 600
#define EXPIRE 86400

#define UDP_MIN 512			/* bytes, RFC 1035 */

enum { CLASS_IN = 1, BADVERS_LOW = 0, BADVERS_HIGH = 1 };
/* Byte 2. */
enum { QR = 0x80, TC = 0x02, RD = 0x01, OPCODE = 0x78, UPDATE = 0x28 };

/* A query that is well formed. */
struct query {
	struct rname	 name;
	unsigned	 type, class;
	ldns_pkt	*pkt;
};

static unsigned
get_u16(const uint8_t *p)
{
	return (unsigned)p[0] << 8 | p[1];
}

/* Only a header: all there is to say about what was not understood. */
static size_t
header_only(const uint8_t *query, unsigned flags, unsigned rcode,
    uint8_t *reply, size_t size)
{
	if (size < DNSMSG_HEADER)
		return 0;
	memset(reply, 0, DNSMSG_HEADER);
	reply[0] = query[0];
	reply[1] = query[1];
	reply[2] = (uint8_t)(QR | (query[2] & (OPCODE | RD)) | flags);
	reply[3] = (uint8_t)rcode;
	return DNSMSG_HEADER;
}

/* --- records --- */

static void
must(bool is_done)
{
	if (!is_done)
		abort();
}

static ldns_rdf *
name_rdf(const struct wire_name *w)
{
	return ldns_rdf_new_frm_data(LDNS_RDF_TYPE_DNAME, w->len, w->wire);
}

static ldns_rr *
rr_new(ldns_rdf *owner, ldns_rr_type type, uint32_t ttl)
{
	ldns_rr *rr = ldns_rr_new();

	must(rr != NULL && owner != NULL);
	ldns_rr_set_owner(rr, owner);
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_rr_set_ttl(rr, ttl);
	return rr;
}

static void
put_rdf(ldns_rr *rr, ldns_rdf *rdf)
{
	must(rdf != NULL && ldns_rr_push_rdf(rr, rdf));
}

static void
put_string(ldns_rr *rr, const char *text)
{
	uint8_t string[1 + RESPONDER_VALUE_MAX];
	size_t n = strlen(text);

	string[0] = (uint8_t)n;
	memcpy(string + 1, text, n);
	put_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_STR, n + 1, string));
}

static ldns_rr *
soa_rr(const struct responder_table *t, const struct responder_zone *z,
    uint32_t ttl)
{
	const uint32_t numbers[] = { t->serial, REFRESH, RETRY, EXPIRE,
	    z->ttl };
	ldns_rr *rr = rr_new(name_rdf(&z->apex), LDNS_RR_TYPE_SOA, ttl);

	put_rdf(rr, name_rdf(&z->ns));
	put_rdf(rr, name_rdf(&z->mbox));
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
		put_rdf(rr, ldns_native2rdf_int32(LDNS_RDF_TYPE_INT32,
		    numbers[i]));
	return rr;
}

/* --- the answer --- */

struct answer {
	const struct responder_table *t;
	const struct responder_zone *z;
	const struct query *q;
	ldns_pkt	*pkt;
	size_t		 n;		/* records in the answer section */
};

static ldns_rr *
own_rr(const struct answer *a, ldns_rr_type type, uint32_t ttl)
{
	const ldns_rr *question =
	    ldns_rr_list_rr(ldns_pkt_question(a->q->pkt), 0);

	return rr_new(ldns_rdf_clone(ldns_rr_owner(question)), type, ttl);
}

static void
put_answer(struct answer *a, ldns_rr *rr)
{
	must(ldns_pkt_push_rr(a->pkt, LDNS_SECTION_ANSWER, rr));
	a->n++;
}

static void
answer_txt(struct answer *a, size_t first, size_t n)
{
	for (size_t i = first; i < first + n; i++) {
		ldns_rr *rr = own_rr(a, LDNS_RR_TYPE_TXT, a->z->ttl);

		put_string(rr, a->t->values[i].text);
		put_answer(a, rr);
	}
}

static void
put_ns(struct answer *a, const struct wire_name *host)
{
	ldns_rr *rr = own_rr(a, LDNS_RR_TYPE_NS, FIXED_TTL);

	put_rdf(rr, name_rdf(host));
	put_answer(a, rr);
}

static void
answer_apex(struct answer *a)
{
	if (a->q->type == LDNS_RR_TYPE_SOA)
		put_answer(a, soa_rr(a->t, a->z, FIXED_TTL));
	if (a->q->type == LDNS_RR_TYPE_NS) {
		put_ns(a, &a->z->ns);
		for (size_t i = 0; i < a->z->n_peers; i++)
			put_ns(a, &a->z->peers[i]);
	}
}

static void
answer_addresses(struct answer *a, const struct responder_zone *z)
{
	size_t n = a->q->type == LDNS_RR_TYPE_A ? z->n_in :
	    a->q->type == LDNS_RR_TYPE_AAAA ? z->n_in6 : 0;

	for (size_t i = 0; i < n; i++) {
		ldns_rr *rr = own_rr(a, (ldns_rr_type)a->q->type, FIXED_TTL);

		if (a->q->type == LDNS_RR_TYPE_A)
			put_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_A,
			    sizeof(z->in[i]), &z->in[i]));
		else
			put_rdf(rr, ldns_rdf_new_frm_data(LDNS_RDF_TYPE_AAAA,
			    sizeof(z->in6[i]), &z->in6[i]));
		put_answer(a, rr);
	}
}

/*
 * Is the name that of a server of ours, or one above it?  Then it exists.
 * Addresses are answered where the zone that names it knows them.
 */
static bool
answer_server(struct answer *a)
{
	bool exists = false;

	for (size_t i = 0; i < a->t->n_zones; i++) {
		const struct responder_zone *z = &a->t->zones[i];

		if (z->n_in + z->n_in6 == 0 ||
		    !rname_is_in(&z->ns_name, &a->q->name))
			continue;
		exists = true;
		if (rname_equal(&z->ns_name, &a->q->name) && a->n == 0)
			answer_addresses(a, z);
	}
	return exists;
}

static void
answer_any(struct answer *a)
{
	/* RFC 8482. */
	ldns_rr *rr = own_rr(a, LDNS_RR_TYPE_HINFO, a->z->ttl);

	put_string(rr, "RFC8482");
	put_string(rr, "");
	put_answer(a, rr);
}

/* Is there a zone of ours below that name, inside the zone z? */
static bool
has_zone_below(const struct answer *a)
{
	for (size_t i = 0; i < a->t->n_zones; i++) {
		if (rname_is_in(&a->t->zones[i].name, &a->q->name))
			return true;
	}
	return false;
}

static void
answer_in_zone(struct answer *a)
{
	size_t n_at, n_below;
	size_t first = responder_table_find(a->t, &a->q->name, &n_at,
	    &n_below);
	bool exists = n_at > 0 || n_below > 0 || has_zone_below(a);

	if (answer_server(a))
		exists = true;
	if (a->q->type == LDNS_RR_TYPE_TXT)
		answer_txt(a, first, n_at);
	if (rname_equal(&a->q->name, &a->z->name))
		answer_apex(a);
	if (a->q->type == LDNS_RR_TYPE_ANY && exists)
		answer_any(a);
	ldns_pkt_set_aa(a->pkt, true);
	if (!exists)
		ldns_pkt_set_rcode(a->pkt, LDNS_RCODE_NXDOMAIN);
	if (a->n == 0)
		must(ldns_pkt_push_rr(a->pkt, LDNS_SECTION_AUTHORITY,
		    soa_rr(a->t, a->z, a->z->ttl)));
}

/* --- messages --- */

/* 0 and q (its pkt is the caller's to free), or -1: FORMERR. */
static int
parse(const uint8_t *wire, size_t len, struct query *q)
{
	size_t n;

	/* One question, and nothing but EDNS and signatures after it. */
	if (get_u16(wire + 4) != 1 || get_u16(wire + 6) != 0 ||
	    get_u16(wire + 8) != 0 || get_u16(wire + 10) > 2)
		return -1;
	n = rname_from_wire(&q->name, wire + DNSMSG_HEADER,
	    len - DNSMSG_HEADER);
	if (n == 0 || DNSMSG_HEADER + n + 4 > len)
		return -1;
	q->type = get_u16(wire + DNSMSG_HEADER + n);
	q->class = get_u16(wire + DNSMSG_HEADER + n + 2);
	q->pkt = dnsmsg_parse(wire, len);
	if (q->pkt == NULL)
		return -1;
	/* ldns takes OPT records away; RFC 6891: there is one at most. */
	if (ldns_pkt_qdcount(q->pkt) != 1 ||
	    ldns_pkt_arcount(q->pkt) + 1u < get_u16(wire + 10)) {
		ldns_pkt_free(q->pkt);
		return -1;
	}
	return 0;
}

/* Zone transfers and types that never are in a zone. */
static bool
is_meta(unsigned type)
{
	return type == 0 || type == LDNS_RR_TYPE_OPT ||
	    (type >= 249 && type <= 254);
}

static ldns_pkt *
reply_new(const struct query *q)
{
	const ldns_rr *question = ldns_rr_list_rr(ldns_pkt_question(q->pkt),
	    0);
	ldns_pkt *pkt = ldns_pkt_new();

	must(pkt != NULL && ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION,
	    ldns_rr_clone(question)));
	ldns_pkt_set_id(pkt, ldns_pkt_id(q->pkt));
	ldns_pkt_set_qr(pkt, true);
	ldns_pkt_set_rd(pkt, ldns_pkt_rd(q->pkt));
	if (ldns_pkt_edns(q->pkt))
		ldns_pkt_set_edns_udp_size(pkt, RESPONDER_UDP_MAX);
	return pkt;
}

static size_t
write_pkt(const ldns_pkt *pkt, uint8_t *reply, size_t max)
{
	uint8_t *wire = NULL;
	size_t len = 0;

	if (ldns_pkt2wire(&wire, pkt, &len) != LDNS_STATUS_OK || len > max)
		len = 0;
	else
		memcpy(reply, wire, len);
	free(wire);
	return len;
}

/* How long an answer may be. */
static size_t
limit(const struct query *q, bool is_tcp, size_t size)
{
	size_t max = DNSMSG_MAX;

	if (!is_tcp) {
		max = ldns_pkt_edns(q->pkt) ?
		    ldns_pkt_edns_udp_size(q->pkt) : UDP_MIN;
		if (max < UDP_MIN)
			max = UDP_MIN;
		if (max > RESPONDER_UDP_MAX)
			max = RESPONDER_UDP_MAX;
	}
	return max < size ? max : size;
}

static size_t
answer_query(const struct responder_table *t, const struct query *q,
    uint8_t *reply, size_t max)
{
	struct answer a = { .t = t, .q = q, .pkt = reply_new(q),
	    .z = responder_table_zone(t, &q->name) };
	size_t len;

	if (ldns_pkt_edns(q->pkt) && ldns_pkt_edns_version(q->pkt) > 0) {
		ldns_pkt_set_rcode(a.pkt, BADVERS_LOW);
		ldns_pkt_set_edns_extended_rcode(a.pkt, BADVERS_HIGH);
	} else if (q->class != CLASS_IN || is_meta(q->type) || a.z == NULL) {
		ldns_pkt_set_rcode(a.pkt, LDNS_RCODE_REFUSED);
	} else {
		answer_in_zone(&a);
	}
	len = write_pkt(a.pkt, reply, max);
	ldns_pkt_free(a.pkt);
	if (len == 0) {
		/* Too long: without any records, so that all are asked for. */
		a.pkt = reply_new(q);
		ldns_pkt_set_aa(a.pkt, true);
		ldns_pkt_set_tc(a.pkt, true);
		len = write_pkt(a.pkt, reply, max);
		ldns_pkt_free(a.pkt);
	}
	return len;
}

static bool
has_peers(const struct responder_table *t)
{
	for (size_t i = 0; i < t->n_zones; i++) {
		if (t->zones[i].key != NULL)
			return true;
	}
	return false;
}

size_t
responder_answer(struct responder_table *t, const void *query,
    size_t len, bool is_tcp, uint8_t *reply, size_t size)
{
	const uint8_t *wire = query;
	struct query q;
	size_t n;

	/* An answer to an answer could go on for ever. */
	if (len < DNSMSG_HEADER || len > RESPONDER_QUERY_MAX ||
	    (wire[2] & QR) != 0)
		return 0;
	responder_table_expire(t, clock_boot_ms());
	if ((wire[2] & OPCODE) == UPDATE && has_peers(t))
		return responder_update(t, wire, len, reply, size);
	if ((wire[2] & OPCODE) != 0)
		return header_only(wire, 0, LDNS_RCODE_NOTIMPL, reply, size);
	if (parse(wire, len, &q) == -1)
		return header_only(wire, 0, LDNS_RCODE_FORMERR, reply, size);
	n = answer_query(t, &q, reply, limit(&q, is_tcp, size));
	ldns_pkt_free(q.pkt);
	return n;
}

size_t
responder_truncated(const void *query, size_t len, uint8_t *reply,
    size_t size)
{
	const uint8_t *wire = query;
	struct rname name;
	size_t n;

	if (len < DNSMSG_HEADER || (wire[2] & (QR | OPCODE)) != 0 ||
	    get_u16(wire + 4) != 1)
		return 0;
	n = rname_from_wire(&name, wire + DNSMSG_HEADER,
	    len - DNSMSG_HEADER);
	n += DNSMSG_HEADER + 4;
	if (n == DNSMSG_HEADER + 4 || n > len || n > size)
		return 0;
	/* Resolvers want to see their question. */
	(void)header_only(wire, TC, LDNS_RCODE_NOERROR, reply, size);
	memcpy(reply + DNSMSG_HEADER, wire + DNSMSG_HEADER, n -
	    DNSMSG_HEADER);
	reply[5] = 1;
	return n;
}
