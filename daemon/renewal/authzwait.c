/* SPDX-License-Identifier: MIT */
#include "daemon/renewal/authzwait.h"

#include <stdint.h>
#include <stdlib.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/acme/acme.h"
#include "daemon/certs/places.h"
#include "daemon/io/loop.h"

#define PAUSE_MIN_MS	50
#define EAGER_MS	1000	/* so long the CA's own pace is not asked */
#define PAUSE_MAX_MS	30000

struct authzwait_op {
	struct authzwait_args a;
	struct acme_op	*get;
	struct timer	 poll;
	struct place_op	*taking;
	int64_t		 begun_ms, next_ms;
	authzwait_done_cb *done;
	void		*arg;
};

void
authzwait_cancel(struct authzwait_op *op)
{
	if (op == NULL)
		return;
	acme_cancel(op->get);
	place_cancel(op->taking);
	timer_clear(&op->poll);
	free(op);
}

static void
finish(struct authzwait_op *op, const struct error *err,
    const struct acme_authz *authz)
{
	op->done(err, authz, op->arg);
	authzwait_cancel(op);
}

static int64_t
pause_ms(struct authzwait_op *op, const struct acme_authz *authz,
    int64_t waited_ms)
{
	int64_t ms = op->next_ms;

	op->next_ms *= 2;
	if (waited_ms + ms < EAGER_MS)
		return ms;
	ms = authz->retry_at != 0 ?
	    (int64_t)(authz->retry_at - clock_now()) * 1000 : waited_ms / 4;
	if (ms < EAGER_MS)
		ms = EAGER_MS;
	return ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms;
}

static void
got_authz(const struct error *err, const struct acme_authz *authz, void *arg)
{
	struct authzwait_op *op = arg;
	int64_t waited_ms = clock_mono_ms() - op->begun_ms, pause;

	op->get = NULL;
	if (err != NULL) {
		finish(op, err, NULL);
		return;
	}
	if (authz->status != ACME_PENDING && authz->status != ACME_PROCESSING) {
		finish(op, NULL, authz);
		return;
	}
	if (waited_ms >= (int64_t)op->a.timeout_ms) {
		char span[TEXT_SPAN_MAX];
		struct error slow;

		(void)error_set(&slow, ERR_TRANSIENT, "acme:slow",
		    "the CA's authorization for %s is still %s after %s",
		    authz->identifier, acme_status_name(authz->status),
		    text_span(waited_ms / 1000, span));
		finish(op, &slow, NULL);
		return;
	}
	pause = pause_ms(op, authz, waited_ms);
	if (pause >= EAGER_MS)
		place_give(op->a.place);
	timer_set(&op->poll, pause);
}

static void
ask(void *arg)
{
	struct authzwait_op *op = arg;

	op->taking = NULL;
	op->get = acme_authz_get_start(op->a.acme, op->a.url, got_authz, op);
}

static void
poll_cb(void *arg)
{
	struct authzwait_op *op = arg;

	if (op->a.place->is_working)
		ask(op);
	else
		op->taking = place_start(op->a.place, ask, op);
}

struct authzwait_op *
authzwait_start(const struct authzwait_args *a, authzwait_done_cb *done,
    void *arg)
{
	struct authzwait_op *op = xcalloc(1, sizeof(*op));

	op->a = *a;
	op->begun_ms = clock_mono_ms();
	op->next_ms = PAUSE_MIN_MS;
	op->done = done;
	op->arg = arg;
	timer_init(&op->poll, a->loop, poll_cb, op);
	timer_set(&op->poll, PAUSE_MIN_MS);
	return op;
}
