/* SPDX-License-Identifier: MIT */
/*
 * dns_map - what other ACME clients call a DNS provider and its credentials,
 * as types and options of acmed.
 */
#ifndef CTL_IMPORT_DNS_MAP_H
#define CTL_IMPORT_DNS_MAP_H

#include <jansson.h>
#include <stdbool.h>

struct import;
struct source;

enum dns_client {
	DNS_CERTBOT,	/* authenticators, and keys of credential files behind
			   their prefix */
	DNS_LEGO,	/* providers, and environment variables */
	DNS_ACME_SH,	/* dnsapi/NAME.sh, and what it saves, without SAVED_ */
	DNS_CLIENT_END
};

/* An option that is made of several variables: "A,B" is both with a comma
 * between, "A.B" with a dot; "@A": the file that A names.  "A|B": A, or B
 * where that is not there. */
struct dns_map_opt {
	const char	*from, *to;
	bool		 optional;
};

enum { DNS_MAP_OPTS = 7 };

struct dns_map {
	enum dns_client	 client;
	const char	*theirs, *type;
	struct dns_map_opt opts[DNS_MAP_OPTS];	/* .from NULL ends them */
	const char	*hint;		/* where a needed one is missing */
};

/* The rows, which end with .type NULL; for tests. */
extern const struct dns_map dns_maps[];
const struct dns_map *dns_map_find(enum dns_client, const char *theirs);

/*
 * Add a provider of these variables ({NAME: value}) to the plan: its index, or
 * IMPORT_NONE, and *why says what is missing, on the heap.  from is for people.
 */
int	dns_map_add(struct import *, const struct source *,
	    const struct dns_map *, const json_t *vars, const char *from,
	    char **why);

#endif
