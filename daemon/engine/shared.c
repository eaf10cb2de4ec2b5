/* SPDX-License-Identifier: MIT */
#include "daemon/engine/shared.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/accounts/accounts.h"
#include "daemon/alerts/notifier.h"
#include "daemon/certs/event.h"
#include "daemon/cleanup/cleanup.h"
#include "daemon/cluster/cluster.h"
#include "daemon/cluster/replica.h"
#include "daemon/engine/priv.h"
#include "daemon/etcd/etcd.h"
#include "daemon/fleet/waves.h"
#include "daemon/io/loop.h"
#include "daemon/renewal/renewal.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_stream.h"
#include "daemon/rollout/source_watch.h"
#include "daemon/rollout/takeover.h"
#include "daemon/store/store.h"

#define TICK_MS		500
#define STOP_MS		2000
#define RETRY_S		5	/* after a lock that could not be taken */
#define LOCKING_MAX	20	/* locks asked for at one time */
#define REDO_S		30	/* all are looked at within */
#define GRANT_WAIT_S	30	/* for what another member has renewed */

static void
tick_later(struct engine *e)
{
	if (!timer_is_set(&e->shared_tick))
		timer_set(&e->shared_tick, TICK_MS);
}

static bool
is_shared(const struct cert *c)
{
	return c->conf != NULL && c->conf->realm != NULL;
}

static bool
held(const struct cert *c, void *arg)
{
	const struct engine *e = arg;

	return !is_shared(c) || cluster_holds(e->cluster, c);
}

/* --- whose is it --- */

static void
follow(struct engine *e, struct cert *c)
{
	enum cluster_part part = cluster_part(e->cluster, c, NULL);

	bool was_ours = c->is_ours;

	/* Who is away keeps what it was. */
	if (part != CLUSTER_ALONE && part != CLUSTER_AWAY)
		takeover_follow(&e->rollout_env, c, part == CLUSTER_OURS);
	if (!was_ours && c->is_ours && c->row.failures >= CLUSTER_TRIES &&
	    c->row.error != NULL)
		log_notice(&(struct log_ctx){ .cert = c->row.name },
		    "other members could not renew it: %s; the next try is "
		    "made here", c->row.error->msg);
}

void
shared_changed(struct engine *e, struct cert *c)
{
	if (is_shared(c))
		follow(e, c);
}

/* Is what is published still what we have, and readable? */
static void
redo(struct engine *e)
{
	e->redoes = false;
	for (size_t i = 0; i < e->certs->n; i++)
		takeover_again(&e->rollout_env, e->certs->list[i], REDO_S);
}

static void
changed(struct cert *c, void *arg)
{
	struct engine *e = arg;

	if (e->is_stopping)
		return;
	if (c != NULL)
		follow(e, c);
	/* Another member's lock comes and goes with each renewal of its own. */
	if (c != NULL && cluster_part(e->cluster, c, NULL) == CLUSTER_OURS)
		engine_look(e, c);
	if (c != NULL)
		return;
	for (size_t i = 0; i < e->certs->n; i++)
		follow(e, e->certs->list[i]);
	if (e->redoes && cluster_is_joined(e->cluster))
		redo(e);
	/* What an owner knows, and nobody else does. */
	notifier_kick(e->notifier);
	replica_look(e->replica);
	source_streams_kick(e->streams);
	engine_reschedule(e);
}

/* Its order and its records are the next holder's. */
static void
lost(struct cert *c, const struct error *err, void *arg)
{
	struct engine *e = arg;
	struct renewal *run = c->run;

	store_sync_cancel(c->unlocking);
	c->unlocking = NULL;
	if (run == NULL)
		return;
	c->run = NULL;
	c->put_off = clock_now() + RETRY_S;
	event_end(c, c->step, err, "%s; the run ends, whoever renews it now "
	    "goes on", err->msg);
	renewal_cancel(run);
	watch_run_ended(c, true);
	takeover_kick(c);
	place_end(&c->place);
	c->passes_hold = c->passes_limits = false;
	follow(e, c);
	engine_start_ready(e);
	engine_reschedule(e);
}

/* --- the lock --- */

/* A person who has asked for it waits, and hears why, once. */
static void
tell_wait(struct cert *c, const struct error *err)
{
	if (c->forced && c->wants_why)
		event_emit(c->certs, c->row.name, STEP_ACCOUNT, LOGL_INFO,
		    "it has not begun yet: the lock in etcd: %s; tried again "
		    "until it can", err->msg);
	else
		log_info(&(struct log_ctx){ .cert = c->row.name },
		    "the lock in etcd: %s", err->msg);
	c->wants_why = false;
}

static void
locked(const struct error *err, void *arg)
{
	struct cert *c = arg;
	struct engine *e = c->certs->held_arg;

	c->locking = NULL;
	e->n_locking--;
	/* Another one's run: we are told when that is over. */
	if (err != NULL && strcmp(err->code, "cluster:locked") != 0) {
		tell_wait(c, err);
		c->put_off = clock_now() + RETRY_S;
	}
	tick_later(e);
	cleanup_kick(e->cleanup);
	waves_look(e->waves, c);
	engine_look(e, c);
	/* Not all again for each of them. */
	if (e->waits_to_lock && e->n_locking <= LOCKING_MAX / 2) {
		e->waits_to_lock = false;
		engine_reschedule(e);
	}
}

/* Not by a clock that was set back. */
static bool
is_put_off(const struct cert *c)
{
	time_t now = clock_now();

	return c->put_off > now && c->put_off <= now + RETRY_S;
}

static void
lock(struct engine *e, struct cert *c)
{
	if (c->locking != NULL || e->is_stopping || is_put_off(c) ||
	    cluster_part(e->cluster, c, NULL) != CLUSTER_OURS)
		return;
	if (e->n_locking >= LOCKING_MAX) {
		e->waits_to_lock = true;
		return;
	}
	e->n_locking++;
	c->locking = cluster_lock_start(e->cluster, c, locked, c);
}

bool
shared_may_run(struct engine *e, struct cert *c)
{
	/* What is taken from others needs none. */
	if (!is_shared(c) || c->watch != NULL)
		return true;
	if (cluster_holds(e->cluster, c) && c->unlocking == NULL)
		return true;
	if (c->unlocking == NULL)
		lock(e, c);
	return false;
}

bool
shared_hold(struct cert *c, void *engine)
{
	return shared_may_run(engine, c);
}

void
shared_looked(struct cert *c, void *engine)
{
	const struct engine *e = engine;

	/* With each wave that is opened; what others mirror. */
	if (c->conf->realm->certs->waves != NULL)
		replica_ask(e->replica, c, true);
}

void
shared_look(struct engine *e, struct cert *c)
{
	if (!is_shared(c) || c->is_taken || c->run != NULL ||
	    cluster_holds(e->cluster, c))
		return;
	if (cluster_is_open(e->cluster, c) ||
	    cleanup_has(e->cleanup, c->row.name))
		lock(e, c);
}

static void
unlocked(const struct error *err, void *arg)
{
	struct cert *c = arg;
	struct engine *e = c->certs->held_arg;

	c->unlocking = NULL;
	if (err == NULL)
		cluster_unlock(e->cluster, c);
	engine_look(e, c);
}

/* What others must know of it is there before the lock is free. */
static void
unlock(struct engine *e, struct cert *c)
{
	c->unlocking = store_sync_shared_start(e->a.store, c->row.name,
	    unlocked, c);
}

static void
release_idle(struct cert *c, void *arg)
{
	struct engine *e = arg;
	bool passes_on = cluster_passes_on(e->cluster, c);
	const char *action;
	time_t at;

	if (c->run != NULL || c->is_queued || c->locking != NULL ||
	    c->unlocking != NULL || c->acting != NULL ||
	    waves_is_telling(e->waves, c))
		return;
	/* Who tries next removes its records, too; not beside us. */
	if (passes_on ? cleanup_is_busy(e->cleanup, c->row.name) :
	    cleanup_has(e->cleanup, c->row.name) ||
	    (!c->is_taken && cluster_is_open(e->cluster, c)))
		return;
	at = engine_next_at(e, c, &action);
	if (at == -1 || at > clock_now())
		unlock(e, c);
}

void
shared_forget(struct engine *e, struct cert *c)
{
	e->n_locking -= c->locking != NULL;
	cluster_lock_cancel(c->locking);
	c->locking = NULL;
	store_sync_cancel(c->unlocking);
	c->unlocking = NULL;
	store_sync_cancel(c->acting);
	c->acting = NULL;
}

/* --- asked for at one, done by another --- */

static void
wished(struct cert *c, bool force, void *arg)
{
	struct engine *e = arg;
	struct error err;

	log_info(&(struct log_ctx){ .cert = c->row.name },
	    "another member was asked to renew it now");
	if (force)
		engine_pass_limits(e, c->row.name);
	if (engine_renew_now(e, c->row.name, &err) == -1) {
		log_warning(&(struct log_ctx){ .cert = c->row.name }, "%s",
		    err.msg);
		cluster_wish_over(e->cluster, c);
	}
}

static void
wish_end(struct cert *c)
{
	free(c->wished_for);
	c->wished_for = NULL;
	c->wished_until = 0;
}

/* The one who renews it has ended its run: the certificate is on its way, or it
 * has failed. */
static void
granted(struct cert *c, const struct error *err, void *arg)
{
	struct engine *e = arg;

	if (c->wished_for == NULL)
		return;
	if (err != NULL) {
		event_end(c, STEP_ACCOUNT, err, "the cluster cannot be told: "
		    "%s", err->msg);
		wish_end(c);
		return;
	}
	c->wished_until = clock_now() + GRANT_WAIT_S;
	/* It may be there, and could not be taken. */
	if (c->fails_here && c->run == NULL) {
		c->forced = true;
		engine_look(e, c);
	}
	tick_later(e);
}

static void
look_for_wished(struct engine *e, struct cert *c)
{
	const struct store_cert *row = &c->row;
	struct error err;

	if (c->wished_for == NULL)
		return;
	/* The end of the run that took it was told. */
	if (strcmp(cert_serial(c), c->wished_for) != 0 && c->run == NULL) {
		wish_end(c);
		return;
	}
	if (c->wished_until == 0 || c->run != NULL)
		return;
	if (row->error != NULL && row->failures > 0 &&
	    row->error_at >= c->wished_at) {
		event_end(c, STEP_ACCOUNT, row->error, "%s",
		    row->error->msg);
		wish_end(c);
	} else if (clock_now() > c->wished_until) {
		(void)error_set(&err, ERR_TRANSIENT, "cluster:late",
		    "member \"%s\" was asked, and no new certificate came; "
		    "see acmectl status %s there", shared_who(e, c),
		    row->name);
		event_end(c, STEP_ACCOUNT, &err, "%s", err.msg);
		wish_end(c);
	} else {
		/* How it fared may be written after that it is over. */
		replica_ask(e->replica, c, false);
	}
}

const char *
shared_who(const struct engine *e, struct cert *c)
{
	const char *who;

	(void)cluster_part(e->cluster, c, &who);
	return who != NULL ? who : "?";
}

int
shared_ask(struct engine *e, struct cert *c, bool force, struct error *err)
{
	if (!is_shared(c) || (!c->is_taken &&
	    cluster_part(e->cluster, c, NULL) == CLUSTER_OURS))
		return 1;
	if (cluster_wish(e->cluster, c, force, err) == -1)
		return -1;
	free(c->wished_for);
	c->wished_for = xstrdup(cert_serial(c));	/* "": none yet */
	c->wished_at = clock_now();
	c->wished_until = 0;
	event_emit(e->certs, c->row.name, STEP_ACCOUNT, LOGL_INFO,
	    "member \"%s\" of the cluster renews it; waiting for the new "
	    "certificate", shared_who(e, c));
	tick_later(e);
	return 0;
}

void
shared_run_ended(struct engine *e, struct cert *c, const struct error *err)
{
	if (!is_shared(c))
		return;
	tick_later(e);
	follow(e, c);
	waves_look(e->waves, c);
	if (c->watch == NULL && (err == NULL || !certs_is_shared_error(err)))
		cluster_wish_over(e->cluster, c);
}

void
shared_taken_over(struct engine *e, struct cert *c)
{
	cluster_look(e->cluster, c);
	waves_look(e->waves, c);
}

static void
tick_cb(void *arg)
{
	struct engine *e = arg;
	bool waits = false;

	cluster_each_held(e->cluster, release_idle, e);
	for (size_t i = 0; i < e->certs->n; i++) {
		look_for_wished(e, e->certs->list[i]);
		waits |= e->certs->list[i]->wished_for != NULL;
	}
	if (waits || cluster_n_held(e->cluster) > 0)
		tick_later(e);
}

/* --- what is shared --- */

static char *
doc_key(const struct cert *c, void *arg)
{
	const struct engine *e = arg;

	return replica_cert_key(e->replica, c);
}

static int
adopt(struct cert *c, const struct etcd_kv *doc, void *arg,
    struct error *err)
{
	const struct engine *e = arg;

	return replica_adopt(e->replica, c, doc != NULL ? doc->value : NULL,
	    doc != NULL ? doc->len : 0, doc != NULL ? doc->modified : 0, err);
}

static bool
is_open(const struct cert *c, void *arg)
{
	const struct engine *e = arg;

	return replica_is_open(e->replica, c);
}

static void
drop(struct cert *c, void *arg)
{
	struct engine *e = arg;

	replica_drop(e->replica, c);
}

static void
account(const char *name, const char *directory, void *arg)
{
	struct engine *e = arg;

	accounts_key_changed(e->accounts, name, directory);
}

static int64_t
fence(const struct cert *c, void *arg)
{
	const struct engine *e = arg;

	return cluster_fence(e->cluster, c);
}

static char *
lock_key(const struct cert *c, void *arg)
{
	const struct engine *e = arg;

	return cluster_lock_key(e->cluster, c);
}

static bool
is_ours(const struct cert *c, void *arg)
{
	(void)arg;
	return c->is_ours;
}

static void
fenced(struct cert *c, void *arg)
{
	struct engine *e = arg;

	cluster_fenced(e->cluster, c);
}

/* Other hosts may take it now: perhaps this one. */
static void
wave(struct cert *c, void *arg)
{
	struct engine *e = arg;

	rollout_kick(e->rollout);
	waves_look(e->waves, c);
	notifier_kick(e->notifier);
}

static void
full(const struct error *err, void *arg)
{
	struct engine *e = arg;

	cluster_full(e->cluster, err);
}

/* --- life --- */

void
shared_new(struct engine *e)
{
	e->cluster_env = (struct cluster_env){ .loop = e->a.loop,
	    .etcd = e->etcd, .certs = e->certs, .changed = changed,
	    .lost = lost, .wished = wished, .granted = granted,
	    .ordered = shared_ordered, .not_ordered = shared_not_ordered,
	    .arg = e };
	e->cluster = cluster_new(&e->cluster_env);
	e->cluster_adopt = (struct cluster_adopt){ .doc_key = doc_key,
	    .adopt = adopt, .is_open = is_open, .lost = drop, .arg = e };
	timer_init(&e->shared_tick, e->a.loop, tick_cb, e);
	e->certs->held = held;
	e->certs->held_arg = e;
}

void
shared_begin(struct engine *e)
{
	e->replica_env = (struct replica_env){ .loop = e->a.loop,
	    .etcd = e->etcd, .store = e->a.store, .certs = e->certs,
	    .cleanup = e->cleanup, .holds = e->holds, .account = account,
	    .fence = fence, .lock_key = lock_key, .ours = is_ours,
	    .lost = fenced, .wave = wave, .full = full, .arg = e };
	e->replica = replica_new(&e->replica_env);
	e->publisher = publisher_new(e->a.loop, e->etcd, e->a.store);
}

void
shared_apply(struct engine *e)
{
	const struct conf_cluster *k = e->conf->cluster;
	bool renews = k != NULL && k->role != CLUSTER_SERVE;

	/* Such as a new secret: what is published may be unreadable now. */
	e->redoes = k != NULL && (e->redoes || (e->cluster_hash != 0 &&
	    e->cluster_hash != k->hash));
	e->cluster_hash = k != NULL ? k->hash : 0;
	replica_apply(e->replica, e->conf);
	publisher_apply(e->publisher, e->conf);
	accounts_set_share(e->accounts, renews ?
	    replica_accounts(e->replica) : NULL);
	cluster_set_adopt(e->cluster, renews ? &e->cluster_adopt : NULL);
	cluster_apply(e->cluster, e->conf);
}

static void
left(void *arg)
{
	struct engine *e = arg;

	e->shared_done(e->shared_arg);
}

static void
stop_one(struct cert *c, void *arg)
{
	struct engine *e = arg;

	if (c->unlocking == NULL)
		unlock(e, c);
}

static void
stop_cb(void *arg)
{
	struct engine *e = arg;

	if (cluster_n_held(e->cluster) > 0 &&
	    clock_mono_ms() < e->shared_stop_by_ms) {
		timer_set(&e->shared_tick, 20);
		return;
	}
	cluster_leave(e->cluster, left, e);
}

void
shared_stop(struct engine *e, void (*done)(void *arg), void *arg)
{
	e->shared_done = done;
	e->shared_arg = arg;
	e->shared_stop_by_ms = clock_mono_ms() + STOP_MS;
	cluster_each_held(e->cluster, stop_one, e);
	timer_clear(&e->shared_tick);
	timer_init(&e->shared_tick, e->a.loop, stop_cb, e);
	timer_set(&e->shared_tick, 0);
}

void
shared_free(struct engine *e)
{
	timer_clear(&e->shared_tick);
	for (size_t i = 0; i < e->certs->n; i++) {
		struct cert *c = e->certs->list[i];

		shared_forget(e, c);
		wish_end(c);
	}
	e->certs->held = NULL;
	cluster_free(e->cluster);
	e->cluster = NULL;
}

struct cluster *
engine_cluster(const struct engine *e)
{
	return e->cluster;
}
