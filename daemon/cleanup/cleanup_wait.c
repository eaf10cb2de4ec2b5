/* SPDX-License-Identifier: MIT */
/* Waiting until records are gone, or have been tried. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/mem.h"
#include "daemon/certs/certs.h"
#include "daemon/cleanup/cleanup_priv.h"
#include "daemon/io/loop.h"

/* Does what the caller waits for not hold yet? */
static bool
is_waiting(const struct cleanup *c, const char *cert, enum cleanup_wait what)
{
	const struct txtrec *t;
	time_t now = clock_now();

	TAILQ_FOREACH(t, &c->recs, link) {
		if (t->in_use || (cert != NULL &&
		    strcmp(t->row.cert, cert) != 0) ||
		    (t->removal == NULL && !txtrec_is_ours(t)))
			continue;
		if (what == CLEANUP_IDLE ? t->removal != NULL &&
		    t->removal->run != NULL : !t->was_tried &&
		    (t->removal != NULL || t->row.retry_at <= now) &&
		    (what == CLEANUP_TRIED || t->remove_now))
			return true;
	}
	return false;
}

void
cleanup_wait_cancel(struct cleanup_wait_op *op)
{
	if (op == NULL)
		return;
	timer_clear(&op->timer);
	TAILQ_REMOVE(&op->cleanup->waits, op, link);
	free(op->cert);
	free(op);
}

static void
wait_finish_cb(void *arg)
{
	struct cleanup_wait_op *op = arg;

	op->done(op->arg);
	cleanup_wait_cancel(op);
}

void
cleanup_check_waits(struct cleanup *c)
{
	struct cleanup_wait_op *op;

	TAILQ_FOREACH(op, &c->waits, link) {
		if (!is_waiting(c, op->cert, op->what))
			timer_set(&op->timer, 0);
	}
}

struct cleanup_wait_op *
cleanup_wait_start(struct cleanup *c, const char *cert,
    enum cleanup_wait what, unsigned timeout_ms, void (*done)(void *arg),
    void *arg)
{
	struct cleanup_wait_op *op = xcalloc(1, sizeof(*op));

	op->cleanup = c;
	op->cert = cert != NULL ? xstrdup(cert) : NULL;
	op->what = what;
	op->done = done;
	op->arg = arg;
	TAILQ_INSERT_TAIL(&c->waits, op, link);
	timer_init(&op->timer, c->env->loop, wait_finish_cb, op);
	timer_set(&op->timer, is_waiting(c, cert, what) ? timeout_ms : 0);
	return op;
}
