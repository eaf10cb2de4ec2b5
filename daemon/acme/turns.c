/* SPDX-License-Identifier: MIT */
#include "daemon/acme/turns.h"

#include "common/clock.h"
#include "common/error.h"

#define ORDERS_FIRST 1
#define ORDERS_MAX 1000		/* as max_renewals */
/* What a CA answered longer ago says nothing of the next. */
#define ORDERS_AGE_MS 60000
#define SLOW_MS 3000

static bool
is_open(const struct turns *t, enum turn_kind kind)
{
	return t->active == 0 || (t->now == kind &&
	    (kind != TURN_ORDER || t->active < t->orders_max));
}

static void
take(struct turns *t, struct turn *turn)
{
	t->now = turn->kind;
	t->active++;
	turn->state = TURN_TAKEN;
}

/* Those of one kind that may go, past those of the other. */
static void
let_go(struct turns *t)
{
	struct turn *turn = TAILQ_FIRST(&t->waiting), *following;
	enum turn_kind kind;

	if (turn == NULL)
		return;
	kind = turn->kind;
	for (; turn != NULL && is_open(t, kind); turn = following) {
		following = TAILQ_NEXT(turn, link);
		if (turn->kind != kind)
			continue;
		TAILQ_REMOVE(&t->waiting, turn, link);
		take(t, turn);
		turn->go(turn->arg);
	}
	if (!TAILQ_EMPTY(&t->waiting) && t->now == TURN_ORDER)
		timer_set(&t->slow, SLOW_MS);
	else
		timer_clear(&t->slow);
}

static void
next_cb(void *arg)
{
	let_go(arg);
}

static void
slow_cb(void *arg)
{
	struct turns *t = arg;

	if (TAILQ_EMPTY(&t->waiting))
		return;
	if (t->orders_max < ORDERS_MAX)
		t->orders_max++;
	let_go(t);
}

void
turns_init(struct turns *t, struct loop *loop)
{
	TAILQ_INIT(&t->waiting);
	t->orders_max = ORDERS_FIRST;
	timer_init(&t->next, loop, next_cb, t);
	timer_init(&t->slow, loop, slow_cb, t);
}

void
turns_clear(struct turns *t)
{
	timer_clear(&t->next);
	timer_clear(&t->slow);
}

bool
turns_begin(struct turns *t, struct turn *turn)
{
	int64_t age = clock_boot_ms() - t->ordered_ms;

	if (turn->kind == TURN_ANY)
		return true;
	if (t->active == 0 && TAILQ_EMPTY(&t->waiting) &&
	    (age < 0 || age > ORDERS_AGE_MS))
		t->orders_max = ORDERS_FIRST;
	if (TAILQ_EMPTY(&t->waiting) && is_open(t, turn->kind)) {
		take(t, turn);
		return true;
	}
	if (TAILQ_EMPTY(&t->waiting))
		timer_set(&t->slow, SLOW_MS);
	TAILQ_INSERT_TAIL(&t->waiting, turn, link);
	turn->state = TURN_AWAITED;
	return false;
}

void
turns_learn(struct turns *t, const struct turn *turn,
    const struct error *err)
{
	if (turn->kind != TURN_ORDER)
		return;
	t->ordered_ms = clock_boot_ms();
	if (err != NULL && err->kind == ERR_RATELIMIT)
		t->orders_max = ORDERS_FIRST;
	else if (t->orders_max < ORDERS_MAX)
		t->orders_max++;
}

void
turns_end(struct turns *t, struct turn *turn)
{
	if (turn->state == TURN_TAKEN)
		t->active--;
	else if (turn->state == TURN_AWAITED)
		TAILQ_REMOVE(&t->waiting, turn, link);
	else
		return;
	turn->state = TURN_NONE;
	if (!TAILQ_EMPTY(&t->waiting))
		timer_set(&t->next, 0);
}
