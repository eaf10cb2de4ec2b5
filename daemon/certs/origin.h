/* SPDX-License-Identifier: MIT */
/*
 * origin - where a certificate comes from now: a CA issues it at our request,
 * it is taken from a repository where another host publishes it, or from files.
 * One of a cluster (config/conf_realm.h) changes as it goes from member to
 * member.
 * What may come from a CA by the configuration is conf_is_issued()'s to say;
 * whether this daemon has it issued, only this.
 */
#ifndef DAEMON_CERTS_ORIGIN_H
#define DAEMON_CERTS_ORIGIN_H

#include <stdbool.h>

struct cert;
struct conf_repository;

/* Does this daemon have it issued?  One that is not configured: no. */
bool	origin_is_ca(const struct cert *);
/* Is it taken from the cluster, as another member has it issued, or nobody is
 * known yet to be the one that has? */
bool	origin_is_cluster(const struct cert *);
/* The repository that it is taken from, of the configuration in force; NULL:
 * none. */
const struct conf_repository *origin_repository(const struct cert *);

/* The same to whom waves may say wait; NULL: they do not matter, as to who
 * renews it. */
const char	*origin_wave_host(const struct cert *,
		    const struct conf_repository *);
/* What this host is called by who publishes it there. */
const char	*origin_host(const struct cert *,
		    const struct conf_repository *);

#endif
