/* SPDX-License-Identifier: MIT */
#include "daemon/acme/turns.h"

#include "daemon/acme/op.h"

static bool
is_open(const struct turns *t, enum turn turn)
{
	return t->active == 0 || t->now == turn;
}

static void
take(struct turns *t, struct acme_op *op)
{
	t->now = op->act->turn;
	t->active++;
	op->turn_state = OP_HAS_TURN;
}

bool
turns_begin(struct turns *t, struct acme_op *op)
{
	if (op->act->turn == TURN_ANY)
		return true;
	if (TAILQ_EMPTY(&t->waiting) && is_open(t, op->act->turn)) {
		take(t, op);
		return true;
	}
	TAILQ_INSERT_TAIL(&t->waiting, op, turn_link);
	op->turn_state = OP_AWAITS_TURN;
	return false;
}

void
turns_end(struct turns *t, struct acme_op *op)
{
	struct acme_op *next, *following;
	enum turn turn;

	if (op->turn_state == OP_HAS_TURN)
		t->active--;
	else if (op->turn_state == OP_AWAITS_TURN)
		TAILQ_REMOVE(&t->waiting, op, turn_link);
	op->turn_state = OP_NO_TURN;
	next = TAILQ_FIRST(&t->waiting);
	if (next == NULL || !is_open(t, next->act->turn))
		return;
	turn = next->act->turn;
	for (; next != NULL; next = following) {
		following = TAILQ_NEXT(next, turn_link);
		if (next->act->turn != turn)
			continue;
		TAILQ_REMOVE(&t->waiting, next, turn_link);
		take(t, next);
		op_send(next);
	}
}
