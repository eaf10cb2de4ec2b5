/* SPDX-License-Identifier: MIT */
/*
 * domain - under what CAs count a name: its registered domain, by the public
 * suffix list of the distribution.
 */
#ifndef DAEMON_LIMITS_DOMAIN_H
#define DAEMON_LIMITS_DOMAIN_H

#include "common/names.h"

struct domains;

/* Without a list (the package publicsuffix is damaged) the last two labels are
 * taken: that is rather one domain too few than too many. */
struct domains	*domains_new(void);
void		 domains_free(struct domains *);
/*
 * Of a canonical name: "example.co.uk" of "*.www.example.co.uk"; a suffix
 * itself counts as such.  An IPv4 address counts as itself, an IPv6 address as
 * its network of 64 bits, "2001:db8::/64".  Borrowed, of the name or out.
 */
#define DOMAIN_SIZE (DNAME_SIZE + sizeof("/64"))
const char	*domain_of(const struct domains *, const char *name,
		    char out[DOMAIN_SIZE]);

#endif
