/* SPDX-License-Identifier: MIT */
#include "daemon/cluster/rendezvous.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/seal.h"

uint64_t
rendezvous_hash(const char *name)
{
	char hex[SEAL_MAC_SIZE];

	seal_hash(name, strlen(name), hex);
	hex[16] = '\0';
	return strtoull(hex, NULL, 16);
}

/* Each bit of both decides on each bit of the weight (the finalizer of
 * MurmurHash3 by Appleby, with Stafford's constants). */
static uint64_t
weight(uint64_t member, uint64_t name)
{
	uint64_t x = member ^ name;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	return x ^ (x >> 31);
}

size_t
rendezvous_nth(const uint64_t *members, size_t n, uint64_t name, size_t nth)
{
	size_t best = n, last = n;
	uint64_t most = 0, below = 0;

	for (size_t k = 0; k <= nth && k < n; k++) {
		best = n;
		for (size_t i = 0; i < n; i++) {
			uint64_t w = weight(members[i], name);
			bool is_left = last == n || w < below || (w == below &&
			    i > last);

			if (is_left && (best == n || w > most)) {
				best = i;
				most = w;
			}
		}
		last = best;
		below = most;
	}
	return best;
}

size_t
rendezvous_pick(const uint64_t *members, size_t n, uint64_t name)
{
	return rendezvous_nth(members, n, name, 0);
}
