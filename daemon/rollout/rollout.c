/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/rollout.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/certs/freeze.h"
#include "daemon/certs/wave.h"
#include "daemon/deploy/cloud_turns.h"
#include "daemon/deploy/hooks.h"
#include "daemon/deploy/unit_job.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/rollout/rollout_priv.h"

#define WAKE_MAX_MS 60000
#define WORK_MAX 10		/* steps that work at once */
#define WAVE_LOOK_S 60		/* its wave may be open then */
#define ASKING_MAX 64		/* connections to see what is served */

struct target *
rollout_find(const struct cert *cert, const char *name)
{
	struct target *t;

	TAILQ_FOREACH(t, &cert->targets, link) {
		if (strcmp(t->row.target, name) == 0)
			return t;
	}
	return NULL;
}

/* Does this member of a cluster run it now? */
static bool
is_here(const struct cert *c, const struct conf_deploy *dep)
{
	if (c->conf->realm == NULL)
		return true;
	return dep->at_holder ? !c->is_taken :
	    c->certs->conf->cluster->role != CLUSTER_RENEW;
}

static const struct conf_deploy *
configured(const struct cert *c, const char *name)
{
	for (size_t i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		const struct conf_deploy *dep = c->conf->deploys[i];

		if (strcmp(dep->name, name) != 0)
			continue;
		/* Its directory may come and go while we run. */
		return dep->hooks_dir == NULL || hooks_exist(dep->hooks_dir,
		    HOOKS_DEPLOY) ? dep : NULL;
	}
	return NULL;
}

const struct conf_deploy *
rollout_conf(const struct cert *c, const char *name)
{
	const struct conf_deploy *dep = configured(c, name);

	return dep != NULL && is_here(c, dep) ? dep : NULL;
}

static void
target_free(struct cert *c, struct target *t)
{
	TAILQ_REMOVE(&c->targets, t, link);
	free(t->row.target);
	free(t->row.serial);
	free(t->row.error);
	free(t);
}

static void
load_cb(const struct store_deploy *row, void *arg)
{
	struct rollout *r = arg;
	struct cert *c = certs_find(r->env->certs, row->cert);
	struct target *t;

	if (c == NULL)
		return;
	t = xcalloc(1, sizeof(*t));
	t->row = *row;
	t->row.cert = c->row.name;
	t->row.target = xstrdup(row->target);
	t->row.serial = xstrdup(row->serial != NULL ? row->serial : "");
	t->row.error = row->error != NULL ? xstrdup(row->error) : NULL;
	TAILQ_INSERT_TAIL(&c->targets, t, link);
	r->pending += !row->done;
}

void
rollout_save(struct rollout *r, const struct target *t)
{
	store_deploy_put(r->env->store, &t->row);
}

void
rollout_undo(struct rollout *r, struct target *t)
{
	r->pending += t->row.done;
	t->row.done = false;
	t->row.tries = 0;
	t->row.retry_at = 0;
	t->row.check_at = 0;
}

void
rollout_drop_removed(struct rollout *r, struct cert *c)
{
	struct target *t, *next;

	for (t = TAILQ_FIRST(&c->targets); t != NULL; t = next) {
		next = TAILQ_NEXT(t, link);
		/* What another member does meanwhile may be ours again. */
		if (t->task != NULL || (t->row.done ? configured(c,
		    t->row.target) : rollout_conf(c, t->row.target)) != NULL)
			continue;
		r->pending -= !t->row.done;
		store_deploy_delete(r->env->store, t->row.cert,
		    t->row.target);
		store_cloud_forget(r->env->store, t->row.cert,
		    t->row.target);
		target_free(c, t);
	}
}

/* --- when --- */

void
rollout_kick(struct rollout *r)
{
	if (r->is_started)
		timer_set(&r->retry, 0);
}

bool
rollout_waits_for_wave(const struct cert *c, const struct conf_deploy *dep)
{
	return !dep->at_holder && wave_holds(c);
}

time_t
rollout_target_at(const struct cert *c, const struct target *t,
    const struct conf_deploy *dep, time_t now)
{
	time_t at = due_planned(t->row.retry_at, now), from = at > now ? at :
	    now, urgent = t->row.urgent_at, window, thawed;

	if (from >= urgent)
		return at;
	if (rollout_waits_for_wave(c, dep))
		return from + WAVE_LOOK_S < urgent ? from + WAVE_LOOK_S :
		    urgent;
	/* A freeze may end outside of the windows, and a window be in the
	 * next freeze. */
	window = due_window_at(dep->windows, dep->n_windows, from);
	while ((thawed = freeze_deploy_at(c, urgent, window)) > window)
		window = due_window_at(dep->windows, dep->n_windows, thawed);
	if (window == from)
		return at;
	return window < urgent ? window : urgent;
}

time_t
rollout_next_check(const struct conf_deploy *dep, const struct target *t,
    time_t now)
{
	return dep->n_verify == 0 ? 0 : due_look_at(t->row.not_before,
	    t->row.not_after, now);
}

/* When the first target that is not done is to run; -1: all are done. */
static time_t
pending_at(const struct cert *c)
{
	const struct target *t;
	time_t best = -1, now = clock_now();

	TAILQ_FOREACH(t, &c->targets, link) {
		const struct conf_deploy *dep = rollout_conf(c,
		    t->row.target);
		time_t at;

		if (t->row.done || t->task != NULL || dep == NULL)
			continue;
		at = rollout_target_at(c, t, dep, now);
		if (best == -1 || at < best)
			best = at;
	}
	return best;
}

/* When the first look is due; -1: none is planned. */
static time_t
check_at(const struct cert *c)
{
	const struct target *t;
	time_t best = -1, now = clock_now();

	TAILQ_FOREACH(t, &c->targets, link) {
		time_t at = due_planned(t->row.check_at, now);

		if (t->row.done && t->row.check_at != 0 && t->task == NULL &&
		    rollout_conf(c, t->row.target) != NULL &&
		    (best == -1 || at < best))
			best = at;
	}
	return best;
}

static void
sooner(time_t *next, time_t at)
{
	if (at != -1 && (*next == 0 || at < *next))
		*next = at;
}

static void
retry_cb(void *arg)
{
	struct rollout *r = arg;
	time_t now = clock_now(), next = 0;

	for (size_t i = 0; i < r->env->certs->n; i++) {
		struct cert *c = r->env->certs->list[i];
		time_t pending, check;

		if (TAILQ_EMPTY(&c->targets) || c->conf == NULL ||
		    c->run != NULL || c->deploys > 0)
			continue;
		pending = pending_at(c);
		check = check_at(c);
		if (pending != -1 && pending <= now)
			rollout_run_due(r, c, false);
		else if (check != -1 && check <= now)
			rollout_run_due(r, c, true);
		else {
			sooner(&next, pending);
			sooner(&next, check);
		}
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&r->retry, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

/* --- life --- */

struct rollout *
rollout_new(const struct rollout_env *env)
{
	struct rollout *r = xcalloc(1, sizeof(*r));

	r->env = env;
	r->steps = (struct deploy_env){ .loop = env->loop,
	    .children = env->children, .http = env->http,
	    .leases = env->leases, .etcd = env->etcd, .dns = env->dns,
	    .sdbus = env->sdbus, .hooks = env->hooks, .gate = env->gate,
	    .store = env->store, .scratch = store_scratch(env->store),
	    .is_more = rollout_is_more, .arg = r };
	r->steps.units = unit_jobs_new(&r->steps);
	r->steps.work = slots_new(env->loop, WORK_MAX);
	r->steps.clouds = cloud_turns_new(env->loop);
	r->steps.asking = slots_new(env->loop, ASKING_MAX);
	TAILQ_INIT(&r->ops);
	timer_init(&r->retry, env->loop, retry_cb, r);
	store_deploy_each(env->store, load_cb, r);
	return r;
}

void
rollout_free(struct rollout *r)
{
	if (r == NULL)
		return;
	rollout_stop(r);
	unit_jobs_free(r->steps.units);
	slots_free(r->steps.work);
	cloud_turns_free(r->steps.clouds);
	slots_free(r->steps.asking);
	free(r);
}

const struct deploy_env *
rollout_env(const struct rollout *r)
{
	return &r->steps;
}

void
rollout_forget(struct cert *c)
{
	struct target *t;

	while ((t = TAILQ_FIRST(&c->targets)) != NULL)
		target_free(c, t);
}

/* --- what is to be done --- */

/* One target is to get this certificate; cert->row has its dates. */
static void
plan(struct rollout *r, struct cert *cert, const struct conf_deploy *dep,
    const char *serial)
{
	struct target *t = rollout_find(cert, dep->name);
	struct store_deploy *row;
	bool was_done = t == NULL || t->row.done;

	if (t == NULL) {
		t = xcalloc(1, sizeof(*t));
		t->row.cert = cert->row.name;
		t->row.target = xstrdup(dep->name);
		t->row.serial = xstrdup("");
		TAILQ_INSERT_TAIL(&cert->targets, t, link);
		t->row.done = true;
	} else if (t->row.done) {
		/* What it serves meanwhile; if that is not what was done
		 * last, the earlier end still counts. */
		rollout_serves(t, t->row.not_before, t->row.not_after);
		t->row.urgent_at = due_urgent_at(t->row.not_before,
		    t->row.not_after);
	}
	row = &t->row;
	rollout_undo(r, t);
	free(row->serial);
	row->serial = xstrdup(serial);
	row->hash = dep->hash;
	row->not_before = cert->row.not_before;
	row->not_after = cert->row.not_after;
	/* What failed is not well before it has succeeded. */
	if (was_done)
		xstrset(&row->error, NULL);
	rollout_save(r, t);
}

void
rollout_plan(struct rollout *r, struct cert *cert,
    const struct conf_cert *cc, const char *serial)
{
	for (size_t i = 0; i < cc->n_deploys; i++) {
		if (rollout_conf(cert, cc->deploys[i]->name) != NULL)
			plan(r, cert, cc->deploys[i], serial);
	}
}

/* Is the target as the certificate in use wants it?  If not, plan it. */
static void
refresh_target(struct rollout *r, struct cert *c,
    const struct conf_deploy *dep)
{
	struct target *t = rollout_find(c, dep->name);
	time_t now = clock_now();

	if (t == NULL) {
		plan(r, c, dep, c->row.serial);
		event_deploy(r->env->certs, c->row.name, dep->name, NULL,
		    LOGL_INFO, "deploy \"%s\" is new: it runs for the "
		    "certificate in use", dep->name);
		return;
	}
	if (c->conf->realm != NULL && strcmp(t->row.serial,
	    c->row.serial) != 0) {
		plan(r, c, dep, c->row.serial);	/* it was not run here */
	} else if (t->row.hash == 0) {
		/* Written by a version that did not know. */
		t->row.hash = dep->hash;
		t->row.not_before = c->row.not_before;
		t->row.not_after = c->row.not_after;
	} else if (t->row.hash != dep->hash) {
		plan(r, c, dep, c->row.serial);
		event_deploy(r->env->certs, c->row.name, dep->name, NULL,
		    LOGL_INFO, "deploy \"%s\" does something else now: it "
		    "runs again", dep->name);
		return;
	}
	if (t->row.done && (t->row.check_at == 0) == (dep->n_verify > 0)) {
		t->row.check_at = rollout_next_check(dep, t, now);
		rollout_save(r, t);
	}
}

/* Forget what is not configured any more, try the rest at once. */
static void
refresh(struct rollout *r, struct cert *c)
{
	struct target *t;

	TAILQ_FOREACH(t, &c->targets, link)
		t->row.retry_at = 0;
	rollout_drop_removed(r, c);
	if (c->conf == NULL || c->row.serial == NULL)
		return;
	for (size_t i = 0; i < c->conf->n_deploys; i++) {
		if (rollout_conf(c, c->conf->deploys[i]->name) != NULL)
			refresh_target(r, c, c->conf->deploys[i]);
	}
}

void
rollout_start(struct rollout *r)
{
	r->is_started = true;
	for (size_t i = 0; i < r->env->certs->n; i++)
		refresh(r, r->env->certs->list[i]);
	rollout_kick(r);
}

void
rollout_follow(struct rollout *r, struct cert *c)
{
	if (!r->is_started)
		return;
	rollout_drop_removed(r, c);
	for (size_t i = 0; c->row.serial != NULL && i < c->conf->n_deploys;
	    i++) {
		if (rollout_conf(c, c->conf->deploys[i]->name) != NULL)
			refresh_target(r, c, c->conf->deploys[i]);
	}
	rollout_kick(r);
}

void
rollout_urge(struct rollout *r, struct cert *c)
{
	struct target *t;

	TAILQ_FOREACH(t, &c->targets, link) {
		if (t->row.done)
			continue;
		t->row.urgent_at = 0;
		rollout_save(r, t);
	}
}

/* Their names, those that are there. */
static size_t
target_names(const struct cert *c, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < c->conf->n_deploys; i++) {
		const char *name = c->conf->deploys[i]->name;

		if (rollout_conf(c, name) != NULL)
			names[n++] = name;
	}
	return n;
}

static int
no_target(const struct cert *c, const char *target, struct error *err)
{
	const char **names = xcalloc(c->conf->n_deploys + 1, sizeof(*names));
	const char *near = NULL;
	size_t n = target_names(c, names);

	if (target != NULL)
		near = text_nearest(target, names, n);
	if (n == 0)
		(void)error_set(err, ERR_CONFIG, "engine:no-target",
		    "certificate \"%s\" has no deploy target", c->row.name);
	else
		(void)error_set(err, ERR_CONFIG, "engine:no-target",
		    "certificate \"%s\" has no deploy target \"%s\"%s%s%s",
		    c->row.name, target, near != NULL ? "; did you mean \"" :
		    "", near != NULL ? near : "", near != NULL ? "\"?" : "");
	free(names);
	return -1;
}

int
rollout_force(struct rollout *r, struct cert *c, const char *target,
    struct error *err)
{
	const char **names = xcalloc(c->conf->n_deploys + 1, sizeof(*names));
	size_t n = target_names(c, names);

	if (n == 0 || (target != NULL && rollout_conf(c, target) == NULL)) {
		free(names);
		return no_target(c, target, err);
	}
	if (!rollout_settle(r, c)) {
		free(names);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (target == NULL || strcmp(target, names[i]) == 0)
			plan(r, c, rollout_conf(c, names[i]),
			    c->row.serial);
	}
	free(names);
	rollout_urge(r, c);	/* a person has said so */
	(void)rollout_run_told(r, c, target);
	return 0;
}

/* --- what is known --- */

static const char *
state_name(const struct target *t)
{
	if (t->task != NULL)
		return task_state(t->task);
	if (t->row.done)
		return "done";
	return t->row.error != NULL ? "failed" : "pending";
}

static json_t *
target_json(const struct cert *c, const struct target *t)
{
	const struct store_deploy *row = &t->row;
	const struct conf_deploy *dep = rollout_conf(c, row->target);
	time_t now = clock_now(), at = 0;
	bool held = false;

	if (!row->done && dep != NULL && t->task == NULL) {
		at = rollout_target_at(c, t, dep, now);
		held = at > now && at > due_planned(row->retry_at, now);
	}
	return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:b, s:b, s:o, s:o, "
	    "s:o}",
	    "name", row->target, "state", state_name(t),
	    "serial", row->serial, "tries", (int)row->tries,
	    "at", jsonx_time(row->done ? row->done_at : 0),
	    "next_at", jsonx_time(at), "held", held,
	    "serving_old", row->is_old,
	    "served_not_after", jsonx_time(rollout_served_until(t)),
	    "check_at", jsonx_time(row->done ? row->check_at : 0),
	    "error", row->error != NULL ? json_string(row->error) :
	    json_null());
}

json_t *
rollout_json(const struct cert *c)
{
	json_t *list = json_array();
	const struct target *t;

	/* In the order in which they run; then what is just being dropped. */
	for (size_t i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		t = rollout_find(c, c->conf->deploys[i]->name);
		if (t != NULL && is_here(c, c->conf->deploys[i]))
			(void)json_array_append_new(list, target_json(c, t));
	}
	TAILQ_FOREACH(t, &c->targets, link) {
		if (configured(c, t->row.target) == NULL)
			(void)json_array_append_new(list, target_json(c, t));
	}
	return list;
}

time_t
rollout_next_at(const struct cert *c)
{
	time_t at = pending_at(c);

	return at == -1 ? 0 : at;
}

size_t
rollout_pending(const struct rollout *r)
{
	return r->pending;
}
