/* SPDX-License-Identifier: MIT */
#include "daemon/acme/nonces.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"

#define NONCE_LEN_MAX 512

bool
nonces_put(struct nonces *pool, const char *nonce)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyz"
	    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
	size_t len = nonce == NULL ? 0 : strlen(nonce);

	if (len == 0 || len > NONCE_LEN_MAX || strspn(nonce, chars) != len)
		return false;
	if (pool->n == NONCES_MAX) {
		free(pool->stack[0]);
		pool->n--;
		memmove(&pool->stack[0], &pool->stack[1],
		    pool->n * sizeof(pool->stack[0]));
	}
	pool->stack[pool->n++] = xstrdup(nonce);
	return true;
}

char *
nonces_take(struct nonces *pool)
{
	return pool->n == 0 ? NULL : pool->stack[--pool->n];
}

void
nonces_clear(struct nonces *pool)
{
	char *nonce;

	while ((nonce = nonces_take(pool)) != NULL)
		free(nonce);
}
