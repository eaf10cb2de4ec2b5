/* SPDX-License-Identifier: MIT */
/*
 * rendezvous - which member owns a name (highest random weight; Thaler and
 * Ravishankar 1996).  All members find the same one without asking each other;
 * where one comes or goes, only the names change hands that are its.  Pure.
 */
#ifndef DAEMON_CLUSTER_RENDEZVOUS_H
#define DAEMON_CLUSTER_RENDEZVOUS_H

#include <stddef.h>
#include <stdint.h>

/* Of the name of a member, or of what is owned: the first 64 bits of its
 * SHA-256.  All versions of acmed must agree. */
uint64_t rendezvous_hash(const char *name);
/* The index of the owner of a name among n > 0 members, by their hashes; in the
 * same order everywhere. */
size_t	rendezvous_pick(const uint64_t *members, size_t n, uint64_t name);
/* The same where the first nth < n of those it would be are passed over. */
size_t	rendezvous_nth(const uint64_t *members, size_t n, uint64_t name,
	    size_t nth);

#endif
