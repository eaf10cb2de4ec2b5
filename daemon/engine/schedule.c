/* SPDX-License-Identifier: MIT */
/* The queue of certificates that are due. */
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/accounts/choice.h"
#include "daemon/accounts/fault.h"
#include "daemon/accounts/hold.h"
#include "daemon/accounts/skew.h"
#include "daemon/alerts/condition.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/event.h"
#include "daemon/certs/floor.h"
#include "daemon/certs/freeze.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/lost.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/shared.h"
#include "daemon/engine/requests.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"
#include "daemon/manage/revocations.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"

/* The wall clock may jump or the machine sleep: look again this often. */
#define WAKE_MAX_MS 30000
/* After one was looked at alone, all are: what depends on it, and the unit's
 * status line. */
#define SWEEP_MS 1000

/* Names that come back are not worth another CA: they wait for the first. */
static void
choose(const struct engine *e, struct cert *c)
{
	if (c->conf != NULL && !c->forced && c->watch == NULL &&
	    missing_retry_at(c) != 0 && engine_needed_at(c) > clock_now())
		choice_first(c);
	else
		choice_make(e->holds, c, c->passes_hold);
}

/*
 * A failure of a renewal that nothing calls for any more is over: the clock
 * was put right, the CA has moved its window, the names are the old ones.
 */
static void
forget_failure(struct cert *c, time_t now)
{
	struct store_cert *row = &c->row;

	if (c->conf == NULL || c->watch != NULL || c->run != NULL ||
	    row->error == NULL || row->failures == 0 ||
	    rollback_is_done(c) || engine_needed_at(c) <= now ||
	    (floor_is_held(row) && row->error_at <= now))
		return;
	row->failures = 0;
	row->retry_at = 0;
	free(row->error);
	row->error = NULL;
	cert_save(c);
}

static const struct cert *
cert_of_place(const struct place *p)
{
	return (const void *)((const char *)p - offsetof(struct cert, place));
}

/*
 * Is one of the same names and account under way, such as the RSA twin of an
 * EC certificate?  Boulder gives both the same order while it is pending, and
 * an order makes one certificate: they go one after the other.  Each of 100,000
 * that are ready may ask: only those under way are looked at.
 */
static bool
twin_runs(const struct engine *e, const struct cert *c)
{
	const struct places *p = &e->certs->places;

	for (unsigned i = 0; i < p->running; i++) {
		const struct cert *t = cert_of_place(p->runs[i]);

		if (t != c && t->conf != NULL &&
		    c->watch == NULL && t->watch == NULL &&
		    conf_same_names(t->conf, c->conf) &&
		    strcmp(issuer_now(t)->name,
		    issuer_now(c)->name) == 0)
			return true;
	}
	return false;
}

/*
 * The run before it was told to wait, or asks for it, or has taken what the CA
 * allows: true, and it is told where a person asked.
 */
static bool
is_held(struct engine *e, struct cert *c)
{
	struct error held;
	time_t until = hold_until(e->holds, c, &held);

	if (until == 0) {
		until = engine_limited_until(c, c->forced ? &held : NULL);
		if (until != 0)
			budget_mark(c, issuer_now(c), until);
	}
	if (until == 0)
		return false;
	if (c->forced)
		event_end(c, STEP_ACCOUNT, &held, "%s", held.msg);
	c->forced = c->passes_hold = c->passes_limits = false;
	return true;
}

void
engine_start_ready(struct engine *e)
{
	const char *action;

	while (!e->is_stopping && e->next_ready < e->n_ready &&
	    places_are_free(&e->certs->places)) {
		struct cert *c = e->ready[e->next_ready++];

		c->is_queued = false;
		choose(e, c);
		/* A twin is queued again when the run is over. */
		if (c->conf == NULL || c->run != NULL || twin_runs(e, c) ||
		    engine_is_paused(e, c) ||
		    rollout_is_rolling_back(e->rollout, c))
			continue;
		if (is_held(e, c)) {
			engine_reschedule(e);
			continue;
		}
		/* Linked again it may not be due, but to be deployed. */
		if (lost_mend(e, c)) {
			rollout_kick(e->rollout);
			if (engine_next_at(e, c, &action) > clock_now()) {
				engine_reschedule(e);
				continue;
			}
		}
		if (c->watch != NULL && !watch_wants_run(c)) {
			watch_poll(c);
			continue;
		}
		/* It may have begun while this was queued. */
		if (freeze_renew_at(c, clock_now()) > clock_now()) {
			engine_reschedule(e);
			continue;
		}
		if (!shared_may_run(e, c))
			continue;
		c->was_forced = c->forced;
		c->forced = false;
		if (c->was_forced)
			missing_try_all(c);
		c->is_comeback = !c->was_forced && c->watch == NULL &&
		    engine_needed_at(c) > clock_now();
		ari_window_run_begins(c);
		if (issuer_is_other(c))
			event_emit(e->certs, c->row.name, STEP_ACCOUNT,
			    LOGL_NOTICE,
			    "the certificate in use is of another CA (%s) than "
			    "the account \"%s\" names now: renewing it",
			    c->row.ari_directory != NULL ?
			    c->row.ari_directory : c->row.issuer,
			    issuer_now(c)->name);
		choice_begin(e->holds, c);
		place_begin(&c->place);
		hold_begin(e->holds, c);
		c->run = renewal_start(&e->renewal_env, c, engine_run_done, e);
	}
}

int
engine_by_urgency(const void *a, const void *b)
{
	const struct cert *x = *(struct cert *const *)a;
	const struct cert *y = *(struct cert *const *)b;

	if (x->forced != y->forced)
		return x->forced ? -1 : 1;
	if (x->row.not_after != y->row.not_after)
		return x->row.not_after < y->row.not_after ? -1 : 1;
	return strcmp(x->row.name, y->row.name);
}

static void
update_status(struct engine *e)
{
	size_t configured = 0, n[COND_END] = { 0 };
	char words[300] = "";

	for (size_t i = 0; i < e->certs->n; i++) {
		const struct cert *c = e->certs->list[i];

		if (c->conf == NULL)
			continue;
		configured++;
		n[condition_of(c)]++;
	}
	for (int i = 0; i < COND_END; i++) {
		size_t used = strlen(words);

		if (n[i] > 0)
			(void)text_printf(words + used, sizeof(words) - used,
			    "%s%zu %s", used > 0 ? ", " : ": ", n[i],
			    condition_name((enum condition)i));
	}
	sd_status(e->a.sd, "%zu certificate%s%s; %u being renewed; %zu TXT "
	    "record%s in the DNS%s", configured, configured == 1 ? "" : "s",
	    words, e->certs->places.running, cleanup_count(e->cleanup),
	    cleanup_count(e->cleanup) == 1 ? "" : "s",
	    e->reload_error != NULL ? "; the configuration has mistakes, see "
	    "acmectl status" : "");
}

/* What is to be revoked; also where a rollback has brought it back. */
static void
want_replacement(struct engine *e, struct cert *c)
{
	if (c->conf == NULL || c->watch != NULL || c->run != NULL ||
	    !revocations_want_new_key(e->revocations, c))
		return;
	c->wants_new_key = true;
	if (c->row.asked_at == 0) {
		c->row.asked_at = clock_now();
		cert_save(c);
	}
}

static void
mark_waiting(struct engine *e, struct cert *c, bool is_due)
{
	time_t until = is_due ? engine_limited_until(c, NULL) : 0;

	hold_mark(e->holds, c, is_due);
	if (until != 0)
		budget_mark(c, issuer_now(c), until);
}

/* When it is to be looked at next; 0: it was queued, or waits for nothing. */
static time_t
look_at(struct engine *e, struct cert *c, time_t now, bool *is_due)
{
	const char *action;
	time_t at;

	shared_look(e, c);
	want_replacement(e, c);
	forget_failure(c, now);
	choose(e, c);
	at = engine_next_at(e, c, &action);
	/* What goes on keeps its mark until it has ended. */
	if (at > now || (at == -1 && !c->is_queued && c->run == NULL))
		mark_waiting(e, c, at > now && c->watch == NULL &&
		    !cert_is_paused(c, now) &&
		    engine_due_of(c, &action) <= now);
	*is_due = at != -1 && at <= now;
	return at > now ? at : 0;
}

/* What is queued stays queued; what became due joins it. */
static void
close_up(struct engine *e)
{
	memmove(e->ready, e->ready + e->next_ready,
	    (e->n_ready - e->next_ready) * sizeof(*e->ready));
	e->n_ready -= e->next_ready;
	e->next_ready = 0;
}

void
engine_schedule_cb(void *arg)
{
	struct engine *e = arg;
	time_t now = clock_now(), next = 0;

	if (e->is_stopping)
		return;
	timer_clear(&e->sweep);
	fault_look_again(e->certs);
	close_up(e);
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];
		bool is_due;
		time_t at = look_at(e, c, now, &is_due);

		engine_unlook(e, c);
		if (is_due) {
			c->is_queued = true;
			e->ready[e->n_ready++] = c;
		} else if (at != 0 && (next == 0 || at < next)) {
			next = at;
		}
	}
	qsort(e->ready, e->n_ready, sizeof(*e->ready), engine_by_urgency);
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&e->schedule, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
	engine_start_ready(e);	/* which may have it look again at once */
	revocations_look(e->revocations);
	update_status(e);
}

void
engine_reschedule(struct engine *e)
{
	if (!e->is_stopping)
		timer_set(&e->schedule, 0);
}

/* --- one of many --- */

static void
queue_in(struct engine *e, struct cert *c)
{
	size_t from = 0, to = e->n_ready;

	while (from < to) {
		size_t mid = from + (to - from) / 2;

		if (engine_by_urgency(&e->ready[mid], &c) <= 0)
			from = mid + 1;
		else
			to = mid;
	}
	memmove(e->ready + from + 1, e->ready + from,
	    (e->n_ready++ - from) * sizeof(*e->ready));
	e->ready[from] = c;
	c->is_queued = true;
}

void
engine_look_cb(void *arg)
{
	struct engine *e = arg;
	time_t now = clock_now();
	struct cert *c;

	close_up(e);
	while ((c = TAILQ_FIRST(&e->looks)) != NULL) {
		bool is_due;

		engine_unlook(e, c);
		(void)look_at(e, c, now, &is_due);
		if (is_due)
			queue_in(e, c);
	}
	/* It plans what is due later, too. */
	if (!timer_is_set(&e->sweep))
		timer_set(&e->sweep, SWEEP_MS);
	engine_start_ready(e);
}

void
engine_look(struct engine *e, struct cert *c)
{
	if (e->is_stopping || c->is_looked_at)
		return;
	c->is_looked_at = true;
	TAILQ_INSERT_TAIL(&e->looks, c, look);
	timer_set(&e->look, 0);
}

void
engine_unlook(struct engine *e, struct cert *c)
{
	if (!c->is_looked_at)
		return;
	c->is_looked_at = false;
	TAILQ_REMOVE(&e->looks, c, look);
}

/* --- asked for by a person --- */

int
engine_check_held(const struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);
	struct error why;

	if (c == NULL)
		return -1;
	/* One that runs is joined. */
	if (c->run != NULL)
		return 0;
	/* Who waits takes any CA that is free, also for names that come back,
	 * which by themselves wait for the first. */
	choice_make(e->holds, c, true);
	/* A person who asks may have unpaused it. */
	if ((hold_until_asked(e->holds, c, &why) == 0 ||
	    strcmp(why.code, "acme:paused") == 0) && !skew_stops(c, &why) &&
	    (c->watch != NULL || engine_goes_on(c) || budget_until(c,
	    issuer_now(c), &why) == 0))
		return 0;
	(void)error_set(err, why.kind, why.code, "\"%s\" is held: %s; to ask "
	    "all the same: acmectl renew-now --force %s", name, why.msg, name);
	err->retry_at = why.retry_at;
	return -1;
}

void
engine_pass_limits(struct engine *e, const char *name)
{
	struct cert *c = certs_find(e->certs, name);

	if (c != NULL && c->run == NULL)
		c->passes_limits = true;
}

int
engine_renew_now(struct engine *e, const char *name, struct error *err)
{
	struct cert *c = engine_find_known(e, name, err);
	int rc;

	if (c == NULL)
		return -1;
	rc = shared_ask(e, c, c->passes_limits, err);
	if (rc != 1) {
		c->passes_limits = false;
		return rc;
	}
	if (c->run != NULL)
		return 0;
	if (c->conf->keeps_key)
		requests_want(e->requests, name);
	c->forced = c->wants_why = true;
	c->passes_hold = true;
	c->asked_after = hold_count(e->holds);
	/* A person may know that the first is there again. */
	if (c->row.order_url == NULL)
		xstrset(&c->row.account, NULL);
	/* Until there is a certificate: also where this run fails, or none
	 * begins before the next start. */
	if (c->watch == NULL || c->is_ours) {
		c->row.asked_at = clock_now();
		cert_save(c);
	}
	engine_reschedule(e);
	return 0;
}
