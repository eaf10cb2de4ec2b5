/* SPDX-License-Identifier: MIT */
#include "daemon/io/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/mem.h"

struct slot {
	TAILQ_ENTRY(slot) link;		/* while it waits */
	struct slots	*slots;
	bool		 is_taken;
	loop_cb		*go;
	void		*arg;
};

struct slots {
	TAILQ_HEAD(, slot) waiting;
	unsigned	 taken, max;
	struct timer	 turn;
};

static void
turn_cb(void *arg)
{
	struct slots *s = arg;
	struct slot *first;

	while (s->taken < s->max &&
	    (first = TAILQ_FIRST(&s->waiting)) != NULL) {
		TAILQ_REMOVE(&s->waiting, first, link);
		first->is_taken = true;
		s->taken++;
		first->go(first->arg);
	}
}

struct slot *
slot_take(struct slots *s, loop_cb *go, void *arg)
{
	struct slot *slot = xcalloc(1, sizeof(*slot));

	slot->slots = s;
	slot->go = go;
	slot->arg = arg;
	TAILQ_INSERT_TAIL(&s->waiting, slot, link);
	timer_set(&s->turn, 0);
	return slot;
}

void
slot_give(struct slot *slot)
{
	struct slots *s;

	if (slot == NULL)
		return;
	s = slot->slots;
	if (slot->is_taken)
		s->taken--;
	else
		TAILQ_REMOVE(&s->waiting, slot, link);
	if (!TAILQ_EMPTY(&s->waiting))
		timer_set(&s->turn, 0);
	free(slot);
}

struct slots *
slots_new(struct loop *loop, unsigned max)
{
	struct slots *s = xcalloc(1, sizeof(*s));

	s->max = max;
	TAILQ_INIT(&s->waiting);
	timer_init(&s->turn, loop, turn_cb, s);
	return s;
}

void
slots_free(struct slots *s)
{
	if (s == NULL)
		return;
	assert(s->taken == 0 && TAILQ_EMPTY(&s->waiting));
	timer_clear(&s->turn);
	free(s);
}
