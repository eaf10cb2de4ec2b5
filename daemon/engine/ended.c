/* SPDX-License-Identifier: MIT */
/* How a run has ended: what is noted, and who is told. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/choice.h"
#include "daemon/accounts/hold.h"
#include "daemon/alerts/notifier.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/floor.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/shared.h"
#include "daemon/persist/persist_watch.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"

/* "in 59d 3h", for the next run of a certificate. */
#define WHEN_MAX (TEXT_SPAN_MAX + 32)
static const char *
when_next(const struct engine *e, const struct cert *c, char out[WHEN_MAX])
{
	char span[TEXT_SPAN_MAX];
	const char *action;
	time_t now = clock_now(), at = engine_next_at(e, c, &action);

	if (at == -1)
		(void)text_printf(out, WHEN_MAX, "%s", c->conf == NULL ?
		    "never, it is not configured" : strcmp(action, "held") ==
		    0 ? "after acmectl renew-now" : "after acmectl resume");
	else
		(void)text_printf(out, WHEN_MAX, "in %s", at > now ?
		    text_span(at - now, span) : "a moment");
	return out;
}

/* The same, for its targets that failed. */
static const char *
deploy_next(const struct cert *c, char out[WHEN_MAX])
{
	char span[TEXT_SPAN_MAX];
	time_t now = clock_now(), at = rollout_next_at(c);

	(void)text_printf(out, WHEN_MAX, "in %s", at > now ?
	    text_span(at - now, span) : "a moment");
	return out;
}

/* It has not asked, or is not to ask. */
static bool
is_no_failure(const struct cert *c, const struct error *err)
{
	return strcmp(err->code, "engine:held") == 0 || c->waits != NULL ||
	    certs_is_shared_error(err);
}

static void
note_failure(const struct engine *e, struct cert *c, enum step step,
    const struct error *err, const char *from, time_t now)
{
	struct store_cert *row = &c->row;

	/* A person who tries again and again shall not make the next try of
	 * our own a day later. */
	if (!c->was_forced || row->failures == 0)
		row->failures++;
	row->retry_at = choice_sooner(e->holds, c, from, due_retry_at(
	    err, row->failures, now, row->not_after));
	/* Another order, which the CA has not refused. */
	if (missing_decide(c, now)) {
		time_t held = due_held_until(err, now, row->not_after);

		row->retry_at = due_soon_retry_at(1, now);
		if (row->retry_at < held)
			row->retry_at = held;
	}
	floor_failed(c, step, err);
	row->error_at = now;
	free(row->error);
	row->error = xmemdup(err, sizeof(*err));
	c->fails_here = c->is_taken;
	cert_save(c);
}

/* The certificate in use is as good as it was. */
static void
comeback_failed(struct engine *e, struct cert *c, enum step step,
    const struct error *err)
{
	char when[WHEN_MAX];
	unsigned n = missing_count(c);

	if (!is_no_failure(c, err))
		missing_put_off(c, err);
	event_end(c, step, err, "%s; %u name%s still missing from the "
	    "certificate; next try %s", err->msg, n, n == 1 ? " is" : "s are",
	    when_next(e, c, when));
}

static void
run_failed(struct engine *e, struct cert *c, enum step step,
    const struct error *err, const char *from)
{
	char when[WHEN_MAX], expiry[TEXT_EXPIRY_MAX], others[64] = "";
	const struct store_cert *row = &c->row;
	time_t now = clock_now();
	size_t n;

	choice_make(e->holds, c, false);
	n = hold_waiting(e->holds, c);
	/* What has not asked has not failed: it goes when its account may. */
	if (!is_no_failure(c, err))
		note_failure(e, c, step, err, from, now);
	if (n > 1)
		(void)text_printf(others, sizeof(others), "; %zu other%s "
		    "wait%s for this CA", n - 1, n > 2 ? "s" : "",
		    n > 2 ? "" : "s");
	if (row->serial != NULL)
		event_end(c, step, err, "%s; next try %s; the "
		    "certificate in use %s%s", err->msg, when_next(e, c, when),
		    text_expiry(row->not_after - now, expiry), others);
	else
		event_end(c, step, err, "%s; next try %s; there is no "
		    "certificate yet%s", err->msg, when_next(e, c, when),
		    others);
}

/* Not the run's end for who waits for it: that comes with the last CA's. */
static void
run_moves(struct engine *e, struct cert *c, enum step step,
    const struct error *err, const char *from)
{
	cert_save(c);
	choice_make(e->holds, c, false);
	/* Who has asked for it has asked for that as well. */
	c->forced = c->was_forced;
	event_emit(e->certs, c->row.name, step, LOGL_WARNING, "account "
	    "\"%s\": %s; going on with account \"%s\"", from, err->msg,
	    issuer_now(c)->name);
}

void
engine_run_done(struct cert *c, enum step step, const struct error *err,
    void *arg)
{
	struct engine *e = arg;
	char when[WHEN_MAX];

	const char *from = c->account != NULL ? c->account->name : NULL;
	bool moves = err != NULL && choice_failed(e->holds, c, step, err);

	watch_run_ended(c, err != NULL);
	takeover_kick(c);
	place_end(&c->place);
	c->passes_hold = c->passes_limits = false;
	if (err == NULL)
		c->fails_here = false;
	e->renewed += err == NULL;
	e->failed += err != NULL && strcmp(err->code, "engine:held") != 0 &&
	    !certs_is_shared_error(err);
	if (err != NULL && certs_is_shared_error(err)) {
		c->put_off = clock_now() + ENGINE_PUT_OFF_S;
		c->forced = c->was_forced;
	}
	/* Not one of long ago: a renewal may have been asked for since. */
	if (err != NULL && rollback_is_done(c) &&
	    strncmp(err->code, "deploy:", 7) == 0)
		event_end_told(c, STEP_DEPLOY, err, "%s", err->msg);
	else if (err != NULL && strncmp(err->code, "deploy:", 7) == 0)
		/* Each target has told its own failure. */
		event_end_told(c, STEP_DEPLOY, err, "the certificate is "
		    "installed, but not deployed; next try %s",
		    deploy_next(c, when));
	else if (err != NULL && c->is_comeback)
		comeback_failed(e, c, step, err);
	else if (moves)
		run_moves(e, c, step, err, from);
	else if (err != NULL)
		run_failed(e, c, step, err, from);
	else if (rollout_next_at(c) != 0)
		event_end(c, STEP_DEPLOY, NULL, "the certificate is installed; "
		    "next deploy %s", deploy_next(c, when));
	else
		event_end(c, STEP_DEPLOY, NULL, "done; next %s %s",
		    c->watch != NULL ? "look" : "renewal",
		    when_next(e, c, when));
	if (!moves)
		shared_run_ended(e, c, err);
	if (err == NULL) {
		c->limited_until = 0;
		notifier_renewed(e->notifier, c);
	}
	rollout_kick(e->rollout);
	persist_watch_kick(e->persist_watch, c);
	ari_kick(e->ari);
	engine_start_ready(e);
	engine_reschedule(e);
}
