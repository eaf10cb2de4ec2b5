/* SPDX-License-Identifier: MIT */
#include "common/pool.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "common/mem.h"

#define PIECE (256 << 10)	/* bytes; what is not touched costs nothing */
#define ALIGN alignof(max_align_t)

struct piece {
	struct piece	*next;
	size_t		 size;
	alignas(max_align_t) char data[];
};

struct pool {
	struct piece	*pieces;	/* the first one is in use */
	size_t		 used;		/* of its size */
};

struct pool *
pool_new(void)
{
	return xcalloc(1, sizeof(struct pool));
}

void
pool_free(struct pool *p)
{
	struct piece *piece;

	if (p == NULL)
		return;
	while ((piece = p->pieces) != NULL) {
		p->pieces = piece->next;
		(void)munmap(piece, piece->size);
	}
	free(p);
}

static void
add_piece(struct pool *p, size_t size)
{
	struct piece *piece = mmap(NULL, size, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (piece == MAP_FAILED) {
		fprintf(stderr, "acmed: out of memory (%zu bytes)\n", size);
		abort();
	}
	piece->next = p->pieces;
	piece->size = size;
	p->pieces = piece;
	p->used = sizeof(*piece);
}

void *
pool_alloc(struct pool *p, size_t len)
{
	void *given;

	if (len > SIZE_MAX - sizeof(struct piece) - ALIGN)
		abort();
	len = (len + ALIGN - 1) / ALIGN * ALIGN;
	if (p->pieces == NULL || len > p->pieces->size - p->used)
		add_piece(p, len > PIECE - sizeof(struct piece) ?
		    len + sizeof(struct piece) : PIECE);
	given = (char *)p->pieces + p->used;
	p->used += len;
	return given;
}

void *
pool_memdup(struct pool *p, const void *data, size_t len)
{
	void *copy = pool_alloc(p, len);

	if (len > 0)
		memcpy(copy, data, len);
	return copy;
}
