/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/cloud_turns.h"

#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/mem.h"

struct cloud_turn {
	TAILQ_ENTRY(cloud_turn) link;
	struct cloud_turns *turns;
	char		*place;
	struct timer	 timer;
};

struct cloud_turns {
	struct loop	*loop;
	TAILQ_HEAD(, cloud_turn) list;	/* of a place the first has it */
};

struct cloud_turns *
cloud_turns_new(struct loop *loop)
{
	struct cloud_turns *turns = xcalloc(1, sizeof(*turns));

	turns->loop = loop;
	TAILQ_INIT(&turns->list);
	return turns;
}

void
cloud_turns_free(struct cloud_turns *turns)
{
	free(turns);
}

static struct cloud_turn *
first_of(const struct cloud_turns *turns, const char *place)
{
	struct cloud_turn *t;

	TAILQ_FOREACH(t, &turns->list, link) {
		if (strcmp(t->place, place) == 0)
			break;
	}
	return t;
}

struct cloud_turn *
cloud_turn_take(struct cloud_turns *turns, const char *place, loop_cb *go,
    void *arg)
{
	struct cloud_turn *t = xcalloc(1, sizeof(*t));

	t->turns = turns;
	t->place = xstrdup(place);
	timer_init(&t->timer, turns->loop, go, arg);
	TAILQ_INSERT_TAIL(&turns->list, t, link);
	if (first_of(turns, place) == t)
		timer_set(&t->timer, 0);
	return t;
}

void
cloud_turn_give(struct cloud_turn *t)
{
	struct cloud_turn *next;
	bool was_first;

	if (t == NULL)
		return;
	was_first = first_of(t->turns, t->place) == t;
	TAILQ_REMOVE(&t->turns->list, t, link);
	next = first_of(t->turns, t->place);
	if (was_first && next != NULL)
		timer_set(&next->timer, 0);
	timer_clear(&t->timer);
	free(t->place);
	free(t);
}
