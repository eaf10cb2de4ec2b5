/* SPDX-License-Identifier: MIT */
#include "daemon/dns/dnsmsg.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/dns/dnsaddr.h"

enum { CLASS_IN = 1, CLASS_NONE = 254, FLAG_RD = 0x0100, OPCODE_SHIFT = 11 };

/*
 * A name of ours as ldns wants it.  Text that only looks like a name, with
 * empty or overlong labels or with escapes, is refused.
 */
static ldns_rdf *
name_to_rdf(const char *name, struct error *err)
{
	ldns_rdf *rdf = NULL;

	if (name[0] != '\0' && name[0] != '.' &&
	    strlen(name) <= DNAME_MAX &&
	    strpbrk(name, "\\ \t\"()@;") == NULL)
		rdf = ldns_dname_new_frm_str(name);
	if (rdf == NULL)
		(void)error_set(err, ERR_CONFIG, "dns:name",
		    "\"%s\" is not a domain name", name);
	return rdf;
}

static void
put_name(ldns_buffer *b, const ldns_rdf *rdf)
{
	if (ldns_buffer_reserve(b, ldns_rdf_size(rdf)))
		ldns_buffer_write(b, ldns_rdf_data(rdf), ldns_rdf_size(rdf));
}

static void
put_u16(ldns_buffer *b, unsigned v)
{
	if (ldns_buffer_reserve(b, 2))
		ldns_buffer_write_u16(b, (uint16_t)v);
}

static ldns_buffer *
buffer_new(uint16_t id, unsigned flags, unsigned n_update)
{
	ldns_buffer *b = ldns_buffer_new(512);

	if (b == NULL)
		abort();
	put_u16(b, id);
	put_u16(b, flags);
	put_u16(b, 1);			/* question, or zone */
	put_u16(b, 0);
	put_u16(b, n_update);
	put_u16(b, 0);
	return b;
}

static int
buffer_finish(ldns_buffer *b, uint8_t **out, size_t *len, struct error *err)
{
	int rc = -1;

	if (ldns_buffer_status(b) != LDNS_STATUS_OK ||
	    ldns_buffer_position(b) > DNSMSG_MAX) {
		(void)error_set(err, ERR_INTERNAL, "dns:message",
		    "the message does not fit");
	} else {
		*len = ldns_buffer_position(b);
		*out = xmemdup(ldns_buffer_begin(b), *len);
		rc = 0;
	}
	ldns_buffer_free(b);
	return rc;
}

int
dnsmsg_query(const char *name, unsigned type, bool rd, uint16_t id,
    uint8_t **out, size_t *len, struct error *err)
{
	ldns_rdf *rdf = name_to_rdf(name, err);
	ldns_buffer *b;

	if (rdf == NULL)
		return -1;
	b = buffer_new(id, rd ? FLAG_RD : 0, 0);
	put_name(b, rdf);
	put_u16(b, type);
	put_u16(b, CLASS_IN);
	ldns_rdf_deep_free(rdf);
	return buffer_finish(b, out, len, err);
}

/* A CAA record of some owner; NULL if the value is none. */
static ldns_rr *
caa_parse(const char *value)
{
	char *text = xasprintf("caa. 0 IN CAA %s", value);
	ldns_rr *rr = NULL;

	if (ldns_rr_new_frm_str(&rr, text, 0, NULL, NULL) !=
	    LDNS_STATUS_OK)
		rr = NULL;
	free(text);
	return rr;
}

/* Owner, class and TTL of a record of an update. */
static void
rr_fill(ldns_rr *rr, const ldns_rdf *owner, const struct dnsmsg_update *u)
{
	ldns_rdf_deep_free(ldns_rr_owner(rr));
	ldns_rr_set_owner(rr, ldns_rdf_clone(owner));
	ldns_rr_set_class(rr, (ldns_rr_class)
	    (u->is_add ? CLASS_IN : CLASS_NONE));
	ldns_rr_set_ttl(rr, u->is_add ? u->ttl : 0);
}

/* The TXT record of an update; text over 255 bytes is split. */
static ldns_rr *
txt_rr(const ldns_rdf *owner, const struct dnsmsg_update *u,
    const char *value)
{
	ldns_rr *rr = ldns_rr_new();
	const char *p = value;
	size_t left = strlen(p), n;
	uint8_t string[256];

	if (rr == NULL)
		abort();
	rr_fill(rr, owner, u);
	ldns_rr_set_type(rr, LDNS_RR_TYPE_TXT);
	do {
		n = left > 255 ? 255 : left;
		string[0] = (uint8_t)n;
		memcpy(string + 1, p, n);
		if (!ldns_rr_push_rdf(rr, ldns_rdf_new_frm_data(
		    LDNS_RDF_TYPE_STR, n + 1, string)))
			abort();
		p += n;
		left -= n;
	} while (left > 0);
	return rr;
}

int
dnsmsg_update(const struct dnsmsg_update *u, uint16_t id, uint8_t **out,
    size_t *len, struct error *err)
{
	ldns_rdf *zone = NULL, *owner = NULL;
	ldns_buffer *b;

	if ((zone = name_to_rdf(u->zone, err)) == NULL ||
	    (owner = name_to_rdf(u->fqdn, err)) == NULL) {
		ldns_rdf_deep_free(zone);
		return -1;
	}
	b = buffer_new(id, LDNS_PACKET_UPDATE << OPCODE_SHIFT,
	    (unsigned)u->n_values);
	put_name(b, zone);
	put_u16(b, LDNS_RR_TYPE_SOA);
	put_u16(b, CLASS_IN);
	ldns_rdf_deep_free(zone);
	for (size_t i = 0; i < u->n_values; i++) {
		ldns_rr *rr = u->is_caa ? caa_parse(u->values[i]) :
		    txt_rr(owner, u, u->values[i]);

		if (rr == NULL) {
			ldns_rdf_deep_free(owner);
			ldns_buffer_free(b);
			return error_set(err, ERR_CONFIG, "dns:caa", "\"%s\" "
			    "is no CAA record", u->values[i]);
		}
		if (u->is_caa)
			rr_fill(rr, owner, u);
		(void)ldns_rr2buffer_wire(b, rr, LDNS_SECTION_AUTHORITY);
		ldns_rr_free(rr);
	}
	ldns_rdf_deep_free(owner);
	return buffer_finish(b, out, len, err);
}

int
dnsmsg_name_wire(const char *name, uint8_t out[255], size_t *len,
    struct error *err)
{
	ldns_rdf *rdf = name_to_rdf(name, err);

	if (rdf == NULL)
		return -1;
	ldns_dname2canonical(rdf);
	*len = ldns_rdf_size(rdf);
	memcpy(out, ldns_rdf_data(rdf), *len);
	ldns_rdf_deep_free(rdf);
	return 0;
}

ldns_pkt *
dnsmsg_parse(const void *wire, size_t len)
{
	const uint8_t *w = wire;
	ldns_pkt *pkt = NULL;
	unsigned records = 0;

	if (len < DNSMSG_HEADER || len > DNSMSG_MAX)
		return NULL;
	/*
	 * Each record can make ldns chase a long chain of compression
	 * pointers: bound the work before it begins.
	 */
	for (size_t i = 4; i < DNSMSG_HEADER; i += 2)
		records += (unsigned)w[i] << 8 | w[i + 1];
	if (records > DNSMSG_MAX_RECORDS)
		return NULL;
	if (ldns_wire2pkt(&pkt, w, len) != LDNS_STATUS_OK)
		return NULL;
	return pkt;
}

/* A name out of a reply; false if it does not fit. */
static bool
rdf_to_name(const ldns_rdf *rdf, char out[DNAME_SIZE])
{
	char text[4 * LDNS_MAX_DOMAINLEN + 8];	/* all of it escaped */
	const uint8_t *p, *end;
	size_t n = 0;

	if (rdf == NULL || ldns_rdf_get_type(rdf) != LDNS_RDF_TYPE_DNAME ||
	    ldns_rdf_size(rdf) > LDNS_MAX_DOMAINLEN)
		return false;
	p = ldns_rdf_data(rdf);
	end = p + ldns_rdf_size(rdf);
	while (p < end && *p != 0) {
		const uint8_t *label_end = p + 1 + *p;

		if (*p > LDNS_MAX_LABELLEN || label_end >= end)
			return false;
		if (n > 0)
			text[n++] = '.';
		for (p++; p < label_end; p++) {
			if (*p >= 'A' && *p <= 'Z')
				text[n++] = (char)(*p - 'A' + 'a');
			else if (*p > ' ' && *p < 0x7f && *p != '.' &&
			    *p != '\\')
				text[n++] = (char)*p;
			else
				n += (size_t)snprintf(text + n, 5, "\\%03u",
				    (unsigned)*p);
		}
	}
	text[n] = '\0';
	if (p >= end || n >= DNAME_SIZE)
		return false;
	memcpy(out, text, n + 1);
	return true;
}

static bool
owner_is(const ldns_rr *rr, const char *name)
{
	char owner[DNAME_SIZE];

	return rdf_to_name(ldns_rr_owner(rr), owner) &&
	    strcmp(owner, name) == 0;
}

/* The next IN record of that type from *i on, or NULL. */
static const ldns_rr *
next_rr(const ldns_rr_list *list, unsigned type, size_t *i)
{
	size_t n = list == NULL ? 0 : ldns_rr_list_rr_count(list);

	while (*i < n) {
		const ldns_rr *rr = ldns_rr_list_rr(list, (*i)++);

		if ((unsigned)ldns_rr_get_type(rr) == type &&
		    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN)
			return rr;
	}
	return NULL;
}

bool
dnsmsg_answers(const ldns_pkt *pkt, const char *name, unsigned type)
{
	const ldns_rr_list *q = ldns_pkt_question(pkt);
	size_t n = q == NULL ? 0 : ldns_rr_list_rr_count(q);
	const ldns_rr *rr;

	if (n == 0)
		return ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR &&
		    ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NXDOMAIN;
	rr = ldns_rr_list_rr(q, 0);
	return n == 1 && (unsigned)ldns_rr_get_type(rr) == type &&
	    ldns_rr_get_class(rr) == LDNS_RR_CLASS_IN && owner_is(rr, name);
}

const char *
dnsmsg_rcode(unsigned rcode, char out[DNSMSG_RCODE_MAX])
{
	static const char *const names[] = {
		"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP",
		"REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH",
		"NOTZONE",
	};

	if (rcode < sizeof(names) / sizeof(names[0]))
		(void)text_printf(out, DNSMSG_RCODE_MAX, "%s", names[rcode]);
	else
		(void)text_printf(out, DNSMSG_RCODE_MAX, "RCODE %u", rcode);
	return out;
}

bool
dnsmsg_cname(const ldns_pkt *pkt, const char *name, char out[DNAME_SIZE])
{
	const ldns_rr *rr;
	size_t i = 0;

	while ((rr = next_rr(ldns_pkt_answer(pkt), LDNS_RR_TYPE_CNAME,
	    &i)) != NULL) {
		if (owner_is(rr, name))
			return rdf_to_name(ldns_rr_rdf(rr, 0), out);
	}
	return false;
}

bool
dnsmsg_apex(const ldns_pkt *pkt, const char *name, char out[DNAME_SIZE])
{
	const ldns_rr_list *sections[] = {
		ldns_pkt_answer(pkt), ldns_pkt_authority(pkt)
	};
	char owner[DNAME_SIZE];
	const ldns_rr *rr;

	for (size_t s = 0; s < 2; s++) {
		size_t i = 0;

		while ((rr = next_rr(sections[s], LDNS_RR_TYPE_SOA,
		    &i)) != NULL) {
			/* The root's SOA says only that there is no zone. */
			if (!rdf_to_name(ldns_rr_owner(rr), owner) ||
			    owner[0] == '\0' || !dname_is_in(name, owner))
				continue;
			memcpy(out, owner, sizeof(owner));
			return true;
		}
	}
	return false;
}

bool
dnsmsg_serial(const ldns_pkt *pkt, const char *apex, uint32_t *out)
{
	char owner[DNAME_SIZE];
	const ldns_rr *rr;
	size_t i = 0;

	while ((rr = next_rr(ldns_pkt_answer(pkt), LDNS_RR_TYPE_SOA, &i)) !=
	    NULL) {
		if (!rdf_to_name(ldns_rr_owner(rr), owner) ||
		    strcmp(owner, apex) != 0 || ldns_rr_rd_count(rr) < 3 ||
		    ldns_rdf_size(ldns_rr_rdf(rr, 2)) != 4)
			continue;
		*out = ldns_rdf2native_int32(ldns_rr_rdf(rr, 2));
		return true;
	}
	return false;
}

/* The servers' names of owner's NS records in this section. */
static size_t
ns_names(const ldns_rr_list *section, const char *owner,
    char (*out)[DNAME_SIZE], size_t max)
{
	const ldns_rr *rr;
	size_t i = 0, n = 0, k;

	while (n < max && (rr = next_rr(section, LDNS_RR_TYPE_NS, &i)) !=
	    NULL) {
		if (!owner_is(rr, owner) ||
		    !rdf_to_name(ldns_rr_rdf(rr, 0), out[n]) ||
		    out[n][0] == '\0')
			continue;
		for (k = 0; k < n && strcmp(out[k], out[n]) != 0; k++)
			;
		if (k == n)
			n++;
	}
	return n;
}

size_t
dnsmsg_ns(const ldns_pkt *pkt, const char *apex, char (*out)[DNAME_SIZE],
    size_t max)
{
	return ns_names(ldns_pkt_answer(pkt), apex, out, max);
}

size_t
dnsmsg_referral(const ldns_pkt *pkt, const char *apex, const char *name,
    char below[DNAME_SIZE], char (*out)[DNAME_SIZE], size_t max)
{
	const ldns_rr_list *authority = ldns_pkt_authority(pkt);
	const ldns_rr *rr;
	size_t i = 0;

	if (ldns_pkt_get_rcode(pkt) != LDNS_RCODE_NOERROR)
		return 0;
	while ((rr = next_rr(authority, LDNS_RR_TYPE_NS, &i)) != NULL) {
		if (rdf_to_name(ldns_rr_owner(rr), below) &&
		    strcmp(below, apex) != 0 && dname_is_in(below, apex) &&
		    dname_is_in(name, below))
			return ns_names(authority, below, out, max);
	}
	return 0;
}

bool
dnsmsg_is_authoritative(const ldns_pkt *pkt)
{
	return ldns_pkt_aa(pkt) &&
	    (ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NOERROR ||
	    ldns_pkt_get_rcode(pkt) == LDNS_RCODE_NXDOMAIN);
}

size_t
dnsmsg_addresses(const ldns_pkt *pkt, const char *name,
    struct dns_server *out, size_t max)
{
	const ldns_rr_list *answer = ldns_pkt_answer(pkt);
	const ldns_rr *rr;
	const ldns_rdf *rdf;
	size_t i = 0, n = 0;

	/* The owner may be the end of a chain of CNAMEs: any will do. */
	while (n < max &&
	    (rr = next_rr(answer, LDNS_RR_TYPE_A, &i)) != NULL) {
		struct in_addr in;

		rdf = ldns_rr_rdf(rr, 0);
		if (rdf == NULL || ldns_rdf_size(rdf) != sizeof(in))
			continue;
		memcpy(&in, ldns_rdf_data(rdf), sizeof(in));
		dnsaddr_from_in(&out[n++], name, &in, DNS_PORT);
	}
	i = 0;
	while (n < max &&
	    (rr = next_rr(answer, LDNS_RR_TYPE_AAAA, &i)) != NULL) {
		struct in6_addr in6;

		rdf = ldns_rr_rdf(rr, 0);
		if (rdf == NULL || ldns_rdf_size(rdf) != sizeof(in6))
			continue;
		memcpy(&in6, ldns_rdf_data(rdf), sizeof(in6));
		dnsaddr_from_in6(&out[n++], name, &in6, DNS_PORT);
	}
	return n;
}

/* Are the record's strings, joined, equal to value? */
static bool
txt_equals(const ldns_rr *rr, const char *value)
{
	size_t left = strlen(value);

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *d = ldns_rdf_data(rdf);
		size_t size = ldns_rdf_size(rdf);

		if (size == 0 || d[0] != size - 1 || d[0] > left ||
		    memcmp(d + 1, value, d[0]) != 0)
			return false;
		value += d[0];
		left -= d[0];
	}
	return left == 0;
}

size_t
dnsmsg_txt(const ldns_pkt *pkt, const char *name, const char *value,
    bool *has)
{
	const ldns_rr *rr;
	size_t i = 0, n = 0;

	*has = false;
	while ((rr = next_rr(ldns_pkt_answer(pkt), LDNS_RR_TYPE_TXT,
	    &i)) != NULL) {
		if (!owner_is(rr, name))
			continue;
		n++;
		if (txt_equals(rr, value))
			*has = true;
	}
	return n;
}

static char *
txt_text(const ldns_rr *rr)
{
	char *out = xmalloc(DNSMSG_MAX + 1);
	size_t len = 0;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);
		const uint8_t *d = ldns_rdf_data(rdf);
		size_t size = ldns_rdf_size(rdf);

		for (size_t k = 1; k < size && len < DNSMSG_MAX; k++)
			out[len++] = d[k] >= ' ' && d[k] <= '~' ?
			    (char)d[k] : 0x7f;
	}
	out[len] = '\0';
	return xreallocarray(out, len + 1, 1);
}

char *
dnsmsg_txt_value(const ldns_pkt *pkt, const char *name, size_t nth)
{
	const ldns_rr *rr;
	size_t i = 0;

	while ((rr = next_rr(ldns_pkt_answer(pkt), LDNS_RR_TYPE_TXT,
	    &i)) != NULL) {
		if (owner_is(rr, name) && nth-- == 0)
			return txt_text(rr);
	}
	return NULL;
}

/* Flags, tag and value. */
static bool
same_data(const ldns_rr *a, const ldns_rr *b)
{
	if (ldns_rr_rd_count(a) != ldns_rr_rd_count(b))
		return false;
	for (size_t i = 0; i < ldns_rr_rd_count(a); i++) {
		if (ldns_rdf_compare(ldns_rr_rdf(a, i), ldns_rr_rdf(b,
		    i)) != 0)
			return false;
	}
	return true;
}

size_t
dnsmsg_caa(const ldns_pkt *pkt, const char *name, const char *value,
    bool *has)
{
	ldns_rr *wanted = caa_parse(value);
	const ldns_rr *rr;
	size_t i = 0, n = 0;

	*has = false;
	while ((rr = next_rr(ldns_pkt_answer(pkt), LDNS_RR_TYPE_CAA,
	    &i)) != NULL) {
		if (!owner_is(rr, name))
			continue;
		n++;
		if (wanted != NULL && same_data(rr, wanted))
			*has = true;
	}
	ldns_rr_free(wanted);
	return n;
}
