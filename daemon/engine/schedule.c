/* SPDX-License-Identifier: MIT */
/* When each certificate is due, and the queue of those that are. */
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
#include "daemon/alerts/notifier.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/budget_order.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/floor.h"
#include "daemon/certs/freeze.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/engine/ari.h"
#include "daemon/engine/lost.h"
#include "daemon/engine/priv.h"
#include "daemon/engine/shared.h"
#include "daemon/engine/requests.h"
#include "daemon/io/loop.h"
#include "daemon/io/sd.h"
#include "daemon/manage/revocations.h"
#include "daemon/persist/persist_watch.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"

/* The wall clock may jump or the machine sleep: look again this often. */
#define WAKE_MAX_MS 30000
/* No floor is planned further beyond the end of its certificate. */
#define FLOOR_SLACK_S (2 * 86400)
/* After a run that the cluster did not let go on. */
#define SHARED_RETRY_S 5

/* Is the installed certificate the one that the configuration wants? */
static bool
is_wanted(const struct cert *c)
{
	return c->row.serial != NULL && missing_fits(c, c->row.names) &&
	    issuer_has_profile(c) && cert_csr_fits(c) && pair_is_wanted(c);
}

/*
 * Was a renewal begun and not ended?  Also one that was asked for early goes
 * on: after a crash the new certificate may be in live/ already, with nobody
 * told of it.  One that was to bring names back does so when they are tried
 * again.
 */
static bool
is_begun(const struct cert *c)
{
	bool has_order = c->row.order_url != NULL;
	const char *names = has_order ? c->row.order_names :
	    pair_first_names(c);
	const struct conf_account *a;
	struct conf_issuer at;

	if (names == NULL || missing_count(c) != 0 ||
	    conf_n_issuers(c->conf) == 0 || (!has_order && !c->conf->is_pair))
		return false;
	a = budget_order_account(c);
	at = conf_issuer(c->conf, conf_issuer_index(c->conf, a != NULL ?
	    a->name : c->row.account));
	return missing_fits_next(c, names) && conf_has_profile(&at,
	    has_order ? c->row.order_profile : c->pair->first_profile);
}

/* ... and does the next run go on with its order, which needs no other?  It may
 * have been left at another CA. */
static bool
goes_on(const struct cert *c)
{
	bool is = c->row.order_url != NULL && is_begun(c);
	const struct conf_account *a = is ? budget_order_account(c) : NULL;

	return is && (a == NULL || a == issuer_now(c));
}

/* Whatever was tried and failed: when is it to be renewed, also where it lacks
 * names?  0: now. */
static time_t
needed_at(const struct cert *c)
{
	bool by_ari;

	if (c->row.asked_at != 0 || !is_wanted(c) || is_begun(c) ||
	    issuer_is_other(c))
		return 0;
	return freeze_due_at(c, ari_window_due_at(c, &by_ari));
}

/* The same, or when names that were left out are tried again. */
static time_t
wanted_at(const struct cert *c)
{
	time_t at = needed_at(c), comeback = missing_retry_at(c);

	return comeback != 0 && comeback < at ? comeback : at;
}

/*
 * When the failed run is tried again.  The floor may lie further ahead than
 * any other pause; it means nothing where the clock is back at a time before
 * the certificate came.
 */
static time_t
retry_at_of(const struct cert *c, time_t now)
{
	const struct store_cert *row = &c->row;

	if (skew_is_over(c))
		return 0;
	if (!floor_is_held(row))
		return due_planned(row->retry_at, now);
	if (issuer_is_other(c) || row->error_at > now || row->retry_at >
	    (row->not_after > now ? row->not_after : now) + FLOOR_SLACK_S)
		return 0;
	return row->retry_at;
}

/* Names that come back are not worth another CA: they wait for the first. */
static void
choose(const struct engine *e, struct cert *c)
{
	if (c->conf != NULL && !c->forced && c->watch == NULL &&
	    missing_retry_at(c) != 0 && needed_at(c) > clock_now())
		choice_first(c);
	else
		choice_make(e->holds, c, c->passes_hold);
}

/* The same, whatever its account may. */
static time_t
due_of(const struct cert *c, const char **action)
{
	const struct store_cert *row = &c->row;
	time_t now = clock_now(), due = wanted_at(c), held;
	time_t retry_at = retry_at_of(c, now);

	*action = "renew";
	if (row->failures > 0 && retry_at > due &&
	    cert_is_for(c, row->names_failed)) {
		*action = "retry";
		due = retry_at;
	}
	held = freeze_renew_at(c, due > now ? due : now);
	return held > due && held > now ? held : due;
}

time_t
engine_limited_until(const struct cert *c, struct error *why)
{
	const char *action;

	if (c->conf == NULL || c->watch != NULL || c->run != NULL ||
	    (goes_on(c) && c->limited_until <= clock_now()) ||
	    (!c->forced && due_of(c, &action) > clock_now()))
		return 0;
	return budget_until(c, issuer_now(c), why);
}

/* Of one with a source: it looks for news in a freeze as well, and takes them
 * when that is over. */
static time_t
fetch_at(const struct cert *c, const char **action)
{
	time_t now = clock_now(), at = watch_next_at(c, action), held;

	if (!watch_wants_run(c))
		return at;
	held = freeze_renew_at(c, at > now ? at : now);
	return held > now ? held : at;
}

/* What is to be revoked is replaced all the same. */
static bool
is_held_by_pause(const struct engine *e, const struct cert *c)
{
	return cert_is_paused(c, clock_now()) && !c->forced &&
	    !revocations_want_new_key(e->revocations, c);
}

time_t
engine_next_at(const struct engine *e, const struct cert *c,
    const char **action)
{
	time_t due, held, limited, now = clock_now();

	*action = "none";
	if (c->conf == NULL)
		return -1;
	if (c->run != NULL || c->is_queued) {
		*action = "running";
		return -1;
	}
	if (is_held_by_pause(e, c)) {
		*action = "paused";
		return c->row.paused_until == STORE_PAUSED_EVER ? -1 :
		    c->row.paused_until;
	}
	if (c->put_off > now && c->put_off <= now + SHARED_RETRY_S) {
		*action = "retry";
		return c->put_off;
	}
	if (c->watch != NULL)
		return fetch_at(c, action);
	if (c->forced) {
		*action = "renew";
		return 0;
	}
	due = due_of(c, action);
	held = hold_until(e->holds, c, NULL);
	limited = engine_limited_until(c, NULL);
	if (held < limited)
		held = limited;
	if (due >= held)
		return due;
	/* Until a person has done what the CA wants. */
	if (held == STORE_PAUSED_EVER) {
		*action = "held";
		return -1;
	}
	if (c->waits != NULL)
		*action = "retry";
	return held;
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
	    rollback_is_done(c) || needed_at(c) <= now ||
	    (floor_is_held(row) && row->error_at <= now))
		return;
	row->failures = 0;
	row->retry_at = 0;
	free(row->error);
	row->error = NULL;
	cert_save(c);
}

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

static void
run_done(struct cert *c, enum step step, const struct error *err, void *arg)
{
	struct engine *e = arg;
	char when[WHEN_MAX];

	const char *from = c->account != NULL ? c->account->name : NULL;
	bool moves = err != NULL && choice_failed(e->holds, c, step, err);

	watch_run_ended(c, err != NULL);
	takeover_kick(c);
	place_end(&c->place);
	c->passes_hold = c->passes_limits = false;
	e->renewed += err == NULL;
	e->failed += err != NULL && strcmp(err->code, "engine:held") != 0 &&
	    !certs_is_shared_error(err);
	if (err != NULL && certs_is_shared_error(err)) {
		c->put_off = clock_now() + SHARED_RETRY_S;
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
		    is_held_by_pause(e, c) ||
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
		    needed_at(c) > clock_now();
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
		c->run = renewal_start(&e->renewal_env, c, run_done, e);
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

void
engine_schedule_cb(void *arg)
{
	struct engine *e = arg;
	time_t now = clock_now(), next = 0;
	const char *action;

	if (e->is_stopping)
		return;
	fault_look_again(e->certs);
	/* What is queued stays queued; what became due joins it. */
	memmove(e->ready, e->ready + e->next_ready,
	    (e->n_ready - e->next_ready) * sizeof(*e->ready));
	e->n_ready -= e->next_ready;
	e->next_ready = 0;
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];
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
			    due_of(c, &action) <= now);
		if (at == -1)
			continue;
		if (at <= now) {
			c->is_queued = true;
			e->ready[e->n_ready++] = c;
		} else if (next == 0 || at < next) {
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
	    (c->watch != NULL || goes_on(c) || budget_until(c,
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
	c->forced = true;
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
