/* SPDX-License-Identifier: MIT */
/*
 * fake_dns - daemon/dns/zone.h, txtget.h, txtwait.h and provider_run.h over
 * one small DNS that remembers TXT records.  Every name is in the zone of its
 * last two labels.
 */
#ifndef TESTS_FAKE_FAKE_DNS_H
#define TESTS_FAKE_FAKE_DNS_H

#include <stdbool.h>
#include <stddef.h>

#include "tests/fake/fake_rule.h"

enum fake_dns_act {
	FAKE_ZONE,		/* subject: the name asked for */
	FAKE_ADD,		/* "PROVIDER FQDN" */
	FAKE_REMOVE,
	FAKE_SHOWN,		/* txtwait for presence; FQDN of the first */
	FAKE_GONE,
	FAKE_GET,		/* txtget; FQDN */
	FAKE_DNS_END
};

struct fake_dns {
	struct fake_rule rules[FAKE_DNS_END];
	unsigned	 calls[FAKE_DNS_END];
	char		 removed[300];	/* handle of the last removal */
	char		 resolver[64];	/* the first that was set */
	unsigned	 in_flight;
	unsigned	 latency_ms;	/* of every answer */
	const char	*cname_from, *cname_to;	/* NULL: no CNAME */
	const char	*note;		/* of txtwait */
	unsigned	 shown_ms;	/* the last such was given */
	/* "+ PROVIDER FQDN VALUE...\n" and "- ..." for each call of a
	 * provider that did something. */
	char		 log[8192];
};
extern struct fake_dns fake_dns;

/* Forget all. */
void	fake_dns_reset(void);
bool	fake_dns_has(const char *fqdn, const char *value);
/* A record that nobody asked to add. */
void	fake_dns_put(const char *fqdn, const char *value);
/* Records there are. */
size_t	fake_dns_count(void);

#endif
