/* SPDX-License-Identifier: MIT */
#include "daemon/dns/responder_limit.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "common/mem.h"

#define BUCKETS 4096
#define TOKEN 1000			/* a token, so that ms count */

struct bucket {
	uint64_t	prefix;
	int64_t		at_ms;		/* when left was right */
	int64_t		left;		/* in 1/TOKEN */
};

struct responder_limit {
	uint64_t	seed;		/* nobody chooses who shares */
	struct bucket	buckets[BUCKETS];
};

struct responder_limit *
responder_limit_new(void)
{
	struct responder_limit *l = xcalloc(1, sizeof(*l));

	/* Failure cannot be helped, and does little harm. */
	(void)!getrandom(&l->seed, sizeof(l->seed), GRND_NONBLOCK);
	return l;
}

void
responder_limit_free(struct responder_limit *l)
{
	free(l);
}

/* Never 0; the two families differ. */
static uint64_t
prefix_of(const struct sockaddr *sa)
{
	const uint64_t v4 = UINT64_C(1) << 60, v6 = UINT64_C(1) << 61;
	uint64_t prefix = 0;
	struct sockaddr_in6 sin6;
	struct sockaddr_in sin;

	if (sa->sa_family != AF_INET6) {
		memcpy(&sin, sa, sizeof(sin));
		return v4 | ntohl(sin.sin_addr.s_addr) >> 8;
	}
	memcpy(&sin6, sa, sizeof(sin6));
	if (IN6_IS_ADDR_V4MAPPED(&sin6.sin6_addr)) {
		for (int i = 12; i < 15; i++)
			prefix = prefix << 8 | sin6.sin6_addr.s6_addr[i];
		return v4 | prefix;
	}
	for (int i = 0; i < 7; i++)
		prefix = prefix << 8 | sin6.sin6_addr.s6_addr[i];
	return v6 | prefix;
}

/* The finalizer of splitmix64. */
static size_t
place(uint64_t x)
{
	x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
	return (size_t)((x ^ (x >> 31)) % BUCKETS);
}

bool
responder_limit_take(struct responder_limit *l, const struct sockaddr *sa,
    int64_t now_ms)
{
	const int64_t full = (int64_t)RESPONDER_BURST * TOKEN;
	uint64_t prefix = prefix_of(sa);
	struct bucket *b = &l->buckets[place(prefix ^ l->seed)];
	int64_t passed = now_ms - b->at_ms;

	if (b->prefix == 0 || passed > full / RESPONDER_RATE)
		b->left = full;
	else if (passed > 0)
		b->left += passed * RESPONDER_RATE * TOKEN / 1000;
	if (b->left > full)
		b->left = full;
	b->prefix = prefix;
	b->at_ms = now_ms;
	if (b->left < TOKEN)
		return false;
	b->left -= TOKEN;
	return true;
}
