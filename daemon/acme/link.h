/* SPDX-License-Identifier: MIT */
/*
 * link - Link header fields (RFC 8288).
 */
#ifndef DAEMON_ACME_LINK_H
#define DAEMON_ACME_LINK_H

#include <stddef.h>

/* One called with every target of the wanted relation, unresolved. */
typedef void link_cb(const char *target, void *arg);

/*
 * Walk through the links of one header's value.  It ends silently at the
 * first byte that is no link: what was found before it counts.
 */
void	link_each(const char *value, const char *rel, link_cb *, void *arg);

#endif
