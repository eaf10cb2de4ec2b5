/* SPDX-License-Identifier: MIT */
#include "daemon/certs/places.h"

#include <assert.h>
#include <stdlib.h>

#include "common/mem.h"

struct place_op {
	TAILQ_ENTRY(place_op) link;
	struct place	*place;
	place_go_cb	*go;
	void		*arg;
};

static void
next_cb(void *arg)
{
	struct places *p = arg;
	struct place_op *op;

	while (p->working < p->max &&
	    (op = TAILQ_FIRST(&p->waiting)) != NULL) {
		TAILQ_REMOVE(&p->waiting, op, link);
		if (!op->place->is_working)
			p->working++;
		op->place->is_working = true;
		op->go(op->arg);
		free(op);
	}
	if (p->freed != NULL && places_are_free(p))
		p->freed(p->arg);
}

void
places_init(struct places *p, struct loop *loop)
{
	TAILQ_INIT(&p->waiting);
	timer_init(&p->next, loop, next_cb, p);
}

void
places_clear(struct places *p)
{
	assert(TAILQ_EMPTY(&p->waiting));
	timer_clear(&p->next);
	free(p->runs);
	p->runs = NULL;
}

static void
look(struct places *p)
{
	timer_set(&p->next, 0);
}

void
places_set_max(struct places *p, unsigned max)
{
	p->max = max;
	look(p);
}

size_t
places_waiting(const struct places *p)
{
	const struct place_op *op;
	size_t n = 0;

	TAILQ_FOREACH(op, &p->waiting, link)
		n++;
	return n;
}

bool
places_are_free(const struct places *p)
{
	return p->working < p->max && TAILQ_EMPTY(&p->waiting) &&
	    p->beginning < PLACES_BEGINNING_MAX &&
	    (p->running < PLACES_RUNS_MAX || p->running < p->max);
}

void
place_begin(struct place *place)
{
	struct places *p = place->places;

	place->is_running = place->is_working = place->is_beginning = true;
	p->runs = xreallocarray(p->runs, p->running + 1, sizeof(*p->runs));
	p->runs[p->running++] = place;
	p->working++;
	p->beginning++;
}

void
place_begun(struct place *place)
{
	if (!place->is_beginning)
		return;
	place->is_beginning = false;
	place->places->beginning--;
	look(place->places);
}

void
place_give(struct place *place)
{
	if (!place->is_working)
		return;
	place->is_working = false;
	place->places->working--;
	look(place->places);
}

void
place_end(struct place *place)
{
	struct places *p = place->places;
	unsigned i = 0;

	place_give(place);
	place_begun(place);
	if (!place->is_running)
		return;
	place->is_running = false;
	while (p->runs[i] != place)
		i++;
	p->runs[i] = p->runs[--p->running];
	look(p);
}

struct place_op *
place_start(struct place *place, place_go_cb *go, void *arg)
{
	struct place_op *op = xcalloc(1, sizeof(*op));

	op->place = place;
	op->go = go;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&place->places->waiting, op, link);
	look(place->places);
	return op;
}

void
place_cancel(struct place_op *op)
{
	if (op == NULL)
		return;
	TAILQ_REMOVE(&op->place->places->waiting, op, link);
	free(op);
}
