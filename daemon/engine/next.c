/* SPDX-License-Identifier: MIT */
/* When each certificate is to be looked at next. */
#include <stddef.h>

#include "common/clock.h"
#include "daemon/accounts/hold.h"
#include "daemon/accounts/skew.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/budget_order.h"
#include "daemon/certs/cert_csr.h"
#include "daemon/certs/due.h"
#include "daemon/certs/floor.h"
#include "daemon/certs/freeze.h"
#include "daemon/certs/issuer.h"
#include "daemon/certs/missing.h"
#include "daemon/certs/pair.h"
#include "daemon/engine/priv.h"
#include "daemon/manage/revocations.h"
#include "daemon/rollout/source_watch.h"

/* No floor is planned further beyond the end of its certificate. */
#define FLOOR_SLACK_S (2 * 86400)

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
bool
engine_goes_on(const struct cert *c)
{
	bool is = c->row.order_url != NULL && is_begun(c);
	const struct conf_account *a = is ? budget_order_account(c) : NULL;

	return is && (a == NULL || a == issuer_now(c));
}

/* Whatever was tried and failed: when is it to be renewed, also where it lacks
 * names?  0: now. */
time_t
engine_needed_at(const struct cert *c)
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
	time_t at = engine_needed_at(c), comeback = missing_retry_at(c);

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

/* The same, whatever its account may. */
time_t
engine_due_of(const struct cert *c, const char **action)
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
	    (engine_goes_on(c) && c->limited_until <= clock_now()) ||
	    (!c->forced && engine_due_of(c, &action) > clock_now()))
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
bool
engine_is_paused(const struct engine *e, const struct cert *c)
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
	if (engine_is_paused(e, c)) {
		*action = "paused";
		return c->row.paused_until == STORE_PAUSED_EVER ? -1 :
		    c->row.paused_until;
	}
	if (c->put_off > now && c->put_off <= now + ENGINE_PUT_OFF_S) {
		*action = "retry";
		return c->put_off;
	}
	if (c->watch != NULL)
		return fetch_at(c, action);
	if (c->forced) {
		*action = "renew";
		return 0;
	}
	due = engine_due_of(c, action);
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
