/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/orderwait.h"

#include <stdbool.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/places.h"
#include "daemon/io/loop.h"

#define PACE_MIN_MS	5
#define PACE_MAX_MS	3000
#define EAGER_MS	1000	/* so long the CA's own pace is not asked, */
#define EAGER_POLLS	3	/* nor for so many polls */
#define POLL_MAX_MS	30000

struct orderwait_op {
	struct orderwait_args a;
	char		*url;
	struct acme_op	*get;
	struct timer	 poll;
	struct place_op	*taking;
	int64_t		 begun_ms, next_ms;
	int64_t		 ready_at_ms;	/* since when it is; 0: it is not */
	unsigned	 polls;
	orderwait_done_cb *done;
	void		*arg;
};

void
orderwait_cancel(struct orderwait_op *op)
{
	if (op == NULL)
		return;
	acme_cancel(op->get);
	place_cancel(op->taking);
	timer_clear(&op->poll);
	free(op->url);
	free(op);
}

static void
finish(struct orderwait_op *op, const struct error *err,
    const struct acme_order *order)
{
	op->done(err, order, op->arg);
	orderwait_cancel(op);
}

/*
 * Remember how long it took.  A hit at the first poll only says "not longer",
 * so the guess creeps down until a poll comes too early.
 */
static void
learn(struct orderwait_op *op, int64_t took_ms)
{
	int64_t *pace = op->a.pace_ms;

	if (op->polls <= 1)
		*pace -= (*pace + 9) / 10;
	else
		*pace = (*pace + took_ms + 1) / 2 + 1;
	if (*pace < PACE_MIN_MS)
		*pace = PACE_MIN_MS;
	if (*pace > PACE_MAX_MS)
		*pace = PACE_MAX_MS;
}

/* The pause before the next poll, in ms. */
static int64_t
pause_ms(struct orderwait_op *op, const struct acme_order *order,
    int64_t waited_ms)
{
	int64_t ms = op->next_ms;

	if (op->next_ms < EAGER_MS)
		op->next_ms *= 2;
	/* It was expected to be done by now: a little more may do. */
	if (op->polls <= EAGER_POLLS || waited_ms + ms < EAGER_MS)
		return ms < EAGER_MS ? ms : EAGER_MS;
	if (order->retry_at != 0)
		ms = (int64_t)(order->retry_at - clock_now()) * 1000;
	else
		ms = waited_ms / 4;
	if (ms < EAGER_MS)
		ms = EAGER_MS;
	return ms > POLL_MAX_MS ? POLL_MAX_MS : ms;
}

/* After finalize: has it been decided? */
static bool
is_issued(struct orderwait_op *op, const struct acme_order *order)
{
	int64_t now = clock_mono_ms();

	if (order->status == ACME_VALID)
		return order->cert_url != NULL;
	if (order->status != ACME_READY) {
		op->ready_at_ms = 0;
		return order->status != ACME_PENDING &&
		    order->status != ACME_PROCESSING;
	}
	if (op->ready_at_ms == 0)
		op->ready_at_ms = now;
	return now - op->ready_at_ms >= (int64_t)op->a.ready_ms;
}

static bool
is_decided(struct orderwait_op *op, const struct acme_order *order)
{
	if (op->a.ready_ms > 0)
		return is_issued(op, order);
	return order->status != ACME_PENDING &&
	    order->status != ACME_PROCESSING;
}

static void
pause_for(struct orderwait_op *op, int64_t ms)
{
	if (ms >= EAGER_MS)
		place_give(op->a.place);
	timer_set(&op->poll, ms);
}

static void
got_order(const struct error *err, const struct acme_order *order, void *arg)
{
	struct orderwait_op *op = arg;
	int64_t waited_ms = clock_mono_ms() - op->begun_ms;

	op->get = NULL;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
	if (is_decided(op, order)) {
		if (op->a.ready_ms == 0 || order->status != ACME_READY)
			learn(op, waited_ms);
		finish(op, NULL, order);
		return;
	}
	if (waited_ms >= (int64_t)op->a.timeout_ms) {
		char span[TEXT_SPAN_MAX];
		struct error slow;

		(void)error_set(&slow, ERR_TRANSIENT, "acme:slow",
		    "the CA's order is still %s%s after %s",
		    acme_status_name(order->status),
		    order->status == ACME_VALID ? " without a certificate" : "",
		    text_span(waited_ms / 1000, span));
		finish(op, &slow, NULL);
		return;
	}
	pause_for(op, pause_ms(op, order, waited_ms));
}

static void
ask(void *arg)
{
	struct orderwait_op *op = arg;

	op->taking = NULL;
	op->polls++;
	op->get = acme_order_get_start(op->a.acme, op->url, got_order, op);
}

static void
poll_cb(void *arg)
{
	struct orderwait_op *op = arg;

	if (op->a.place->is_working)
		ask(op);
	else
		op->taking = place_start(op->a.place, ask, op);
}

struct orderwait_op *
orderwait_start(const struct orderwait_args *a, orderwait_done_cb *done,
    void *arg)
{
	struct orderwait_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->url = xstrdup(a->url);
	op->begun_ms = clock_mono_ms();
	op->next_ms = *a->pace_ms / 8 > PACE_MIN_MS ? *a->pace_ms / 8 :
	    PACE_MIN_MS;
	op->done = done;
	op->arg = arg;
	timer_init(&op->poll, a->loop, poll_cb, op);
	pause_for(op, *a->pace_ms);
	return op;
}
