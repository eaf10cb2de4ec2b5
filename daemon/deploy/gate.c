/* SPDX-License-Identifier: MIT */
#include "daemon/deploy/gate.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/io/loop.h"

TAILQ_HEAD(gate_ops, gate_op);

struct gate_op {
	TAILQ_ENTRY(gate_op) link;
	struct gate	*gate;
	struct gate_ops	*list;		/* one of the gate's */
	bool		 gathers;
	bool		 is_called;	/* its turn has come: in this batch */
	int64_t		 since_ms;
	char		*what;		/* of readers */
	gate_cb		*go;
	void		*arg;
};

struct gate {
	struct gate_args a;
	struct gate_ops	 switches;	/* that wait */
	struct gate_ops	 readers;	/* that wait */
	struct gate_ops	 reading;
	struct gate_ops	 late;		/* reading, not waited for any more */
	struct timer	 turn;
};

static void
op_move(struct gate_op *op, struct gate_ops *to)
{
	TAILQ_REMOVE(op->list, op, link);
	TAILQ_INSERT_TAIL(to, op, link);
	op->list = to;
}

static void
op_free(struct gate_op *op)
{
	TAILQ_REMOVE(op->list, op, link);
	free(op->what);
	free(op);
}

void
gate_end(struct gate_op *op)
{
	if (op == NULL)
		return;
	timer_set(&op->gate->turn, 0);
	op_free(op);
}

/* Those who wait now have their turn; who comes later waits for the next. */
static void
call(struct gate_ops *ops)
{
	struct gate_op *op;

	TAILQ_FOREACH(op, ops, link)
		op->is_called = true;
}

static struct gate_op *
first_called(struct gate_ops *ops)
{
	struct gate_op *op = TAILQ_FIRST(ops);

	return op != NULL && op->is_called ? op : NULL;
}

static void
admit_readers(struct gate *g)
{
	struct gate_op *op;

	call(&g->readers);
	while ((op = first_called(&g->readers)) != NULL) {
		op_move(op, &g->reading);
		op->go(op->arg);
	}
}

size_t
gate_waiting(const struct gate *g)
{
	const struct gate_op *op;
	size_t n = 0;

	TAILQ_FOREACH(op, &g->switches, link)
		n += op->gathers;
	return n;
}

/* When those that gather have gathered; in the past: they have. */
static int64_t
gathered_at(const struct gate *g, int64_t now)
{
	const struct gate_op *op, *first = NULL, *last = NULL;
	int64_t at;

	TAILQ_FOREACH(op, &g->switches, link) {
		if (!op->gathers)
			continue;
		if (first == NULL)
			first = op;
		last = op;
	}
	if (first == NULL || g->a.is_more == NULL || !g->a.is_more(g->a.arg))
		return now;
	at = last->since_ms + GATE_QUIET_MS;
	return at < first->since_ms + GATE_GATHER_MS ? at :
	    first->since_ms + GATE_GATHER_MS;
}

/* They have had their time. */
static void
give_up_readers(struct gate *g)
{
	struct gate_op *op;

	while ((op = TAILQ_FIRST(&g->reading)) != NULL) {
		op_move(op, &g->late);
		if (g->a.late != NULL)
			g->a.late(op->what, g->a.arg);
	}
}

/* May switches begin?  If not, the timer is set or a reader's end tells. */
static bool
may_switch(struct gate *g)
{
	int64_t now = clock_mono_ms(), at = gathered_at(g, now);

	if (at > now) {
		timer_set(&g->turn, at - now);
		return false;
	}
	if (TAILQ_EMPTY(&g->reading))
		return true;
	at = TAILQ_FIRST(&g->switches)->since_ms + GATE_PATIENCE_MS;
	if (at > now) {
		timer_set(&g->turn, at - now);
		return false;
	}
	give_up_readers(g);
	return true;
}

/* One a turn, for each takes some milliseconds of the disk's. */
static void
turn_cb(void *arg)
{
	struct gate *g = arg;
	struct gate_op *op = first_called(&g->switches);

	if (op == NULL && !TAILQ_EMPTY(&g->switches)) {
		if (!may_switch(g))
			return;
		call(&g->switches);
		op = TAILQ_FIRST(&g->switches);
	}
	if (op != NULL) {
		op->go(op->arg);
		op_free(op);
		timer_set(&g->turn, 0);
		if (first_called(&g->switches) != NULL)
			return;
	}
	admit_readers(g);
}

static struct gate_op *
op_new(struct gate *g, struct gate_ops *list, gate_cb *go, void *arg)
{
	struct gate_op *op = xcalloc(1, sizeof(*op));

	op->gate = g;
	op->list = list;
	op->since_ms = clock_mono_ms();
	op->go = go;
	op->arg = arg;
	TAILQ_INSERT_TAIL(list, op, link);
	timer_set(&g->turn, 0);
	return op;
}

struct gate_op *
gate_switch_start(struct gate *g, bool gathers, gate_cb *go, void *arg)
{
	struct gate_op *op = op_new(g, &g->switches, go, arg);

	op->gathers = gathers;
	return op;
}

struct gate_op *
gate_read_start(struct gate *g, const char *what, gate_cb *go, void *arg)
{
	struct gate_op *op = op_new(g, &g->readers, go, arg);

	op->what = xstrdup(what);
	return op;
}

const char *
gate_reader(const struct gate *g)
{
	const struct gate_op *op = TAILQ_FIRST(&g->reading);

	return op != NULL ? op->what : NULL;
}

struct gate *
gate_new(const struct gate_args *a)
{
	struct gate *g = xcalloc(1, sizeof(*g));

	g->a = *a;
	TAILQ_INIT(&g->switches);
	TAILQ_INIT(&g->readers);
	TAILQ_INIT(&g->reading);
	TAILQ_INIT(&g->late);
	timer_init(&g->turn, a->loop, turn_cb, g);
	return g;
}

void
gate_free(struct gate *g)
{
	if (g == NULL)
		return;
	assert(TAILQ_EMPTY(&g->switches) && TAILQ_EMPTY(&g->readers) &&
	    TAILQ_EMPTY(&g->reading) && TAILQ_EMPTY(&g->late));
	timer_clear(&g->turn);
	free(g);
}
