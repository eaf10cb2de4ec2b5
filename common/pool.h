/* SPDX-License-Identifier: MIT */
/*
 * pool - memory for many small things that are dropped together.  It is asked
 * for in large pieces beside the heap, and all of it goes back to the system:
 * what was made on the heap meanwhile stays close together.
 */
#ifndef COMMON_POOL_H
#define COMMON_POOL_H

#include <stddef.h>

struct pool;

struct pool	*pool_new(void);
/* All that was ever given; the kernel wipes it.  NULL is allowed. */
void		 pool_free(struct pool *);
/* Zeroed, aligned for anything; never NULL. */
void		*pool_alloc(struct pool *, size_t len)
		    __attribute__((returns_nonnull));
void		*pool_memdup(struct pool *, const void *, size_t len)
		    __attribute__((returns_nonnull));

#endif
