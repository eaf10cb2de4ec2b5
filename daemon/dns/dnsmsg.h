/* SPDX-License-Identifier: MIT */
/*
 * dnsmsg - DNS messages built and read through ldns' wire functions, and the
 * few questions we have of a reply.  Names come out as in common/names.h
 * (lower case, no final dot, the root is ""); bytes that are not printable
 * are written \DDD and so never equal a name of ours.
 */
#ifndef DAEMON_DNS_DNSMSG_H
#define DAEMON_DNS_DNSMSG_H

#include <ldns/ldns.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/names.h"

struct dns_server;
struct error;

#define DNSMSG_MAX 65535		/* bytes of a message */
#define DNSMSG_MAX_RECORDS 1024		/* of a reply, all sections */
#define DNSMSG_HEADER 12		/* bytes */

/* A query of class IN without EDNS.  The caller frees *out.  ERR_CONFIG
 * "dns:name" if name cannot be put into a message. */
int	dnsmsg_query(const char *name, unsigned type, bool rd, uint16_t id,
	    uint8_t **out, size_t *len, struct error *);

/*
 * An UPDATE (RFC 2136) of TXT records (is_caa: CAA, each as a zone file has
 * it; ERR_CONFIG "dns:caa" if it is none) at fqdn, unsigned: add the values, or
 * remove exactly them.  All or nothing.  The caller frees *out.
 */
struct dnsmsg_update {
	const char	*zone;
	const char	*fqdn;
	const char *const *values;
	size_t		 n_values;
	bool		 is_add;
	bool		 is_caa;
	uint32_t	 ttl;		/* seconds; of an addition */
};
int	dnsmsg_update(const struct dnsmsg_update *, uint16_t id,
	    uint8_t **out, size_t *len, struct error *);

/* A name in wire form, lower case, not compressed.  *len at most 255. */
int	dnsmsg_name_wire(const char *name, uint8_t out[255], size_t *len,
	    struct error *);

/* NULL if it is malformed or has too many records; ldns_pkt_free() it. */
ldns_pkt	*dnsmsg_parse(const void *wire, size_t len);
/*
 * Does pkt answer the question (name, type, IN)?  An error reply without a
 * question does as well: servers that do not understand leave it out.
 */
bool	dnsmsg_answers(const ldns_pkt *, const char *name, unsigned type);

/* "NOERROR", "SERVFAIL", "RCODE 23". */
#define DNSMSG_RCODE_MAX 16
const char	*dnsmsg_rcode(unsigned rcode, char out[DNSMSG_RCODE_MAX]);

/* The target of name's CNAME in the answer section, if there is one. */
bool	dnsmsg_cname(const ldns_pkt *, const char *name,
	    char out[DNAME_SIZE]);
/* The zone of name, from a SOA record of the answer or authority section. */
bool	dnsmsg_apex(const ldns_pkt *, const char *name, char out[DNAME_SIZE]);
/* The serial of the SOA record of this zone in the answer section. */
bool	dnsmsg_serial(const ldns_pkt *, const char *apex, uint32_t *out);
/* The servers' names of the zone's NS records, at most max, each once. */
size_t	dnsmsg_ns(const ldns_pkt *, const char *apex,
	    char (*out)[DNAME_SIZE], size_t max);
/*
 * Does pkt refer to a zone below apex that holds name?  Its apex in below,
 * and as dnsmsg_ns() the names of its servers; 0 if it does not.
 */
size_t	dnsmsg_referral(const ldns_pkt *, const char *apex, const char *name,
	    char below[DNAME_SIZE], char (*out)[DNAME_SIZE], size_t max);
/* Does the server speak for the zone: AA, and NOERROR or NXDOMAIN? */
bool	dnsmsg_is_authoritative(const ldns_pkt *);
/* The A and AAAA records of the answer, port 53, at most max. */
size_t	dnsmsg_addresses(const ldns_pkt *, const char *name,
	    struct dns_server *out, size_t max);
/*
 * How many TXT records name has, and whether one of them, its strings joined,
 * is value.
 */
size_t	dnsmsg_txt(const ldns_pkt *, const char *name, const char *value,
	    bool *has);
/*
 * The nth of these, its strings joined, at most 64 KiB; what is not printable
 * ASCII is DEL.  NULL: there are no so many.  The caller frees.
 */
char	*dnsmsg_txt_value(const ldns_pkt *, const char *name, size_t nth);
/* As dnsmsg_txt(), of CAA records; value is as a zone file has it. */
size_t	dnsmsg_caa(const ldns_pkt *, const char *name, const char *value,
	    bool *has);

#endif
