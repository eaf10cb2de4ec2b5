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
#include "daemon/deploy/hooks.h"
#include "daemon/deploy/unit_job.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/rollout/rollout_priv.h"

#define WAKE_MAX_MS 60000
#define WORK_MAX 10		/* steps that work at once */
#define ASKING_MAX 64		/* connections to see what is served */
#define DAY_S 86400

struct action *
rollout_find(const struct cert *cert, const char *name)
{
	struct action *a;

	TAILQ_FOREACH(a, &cert->actions, link) {
		if (strcmp(a->row.action, name) == 0)
			return a;
	}
	return NULL;
}

const struct conf_deploy *
rollout_target(const struct cert *c, const char *name)
{
	for (size_t i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		const struct conf_deploy *dep = &c->conf->deploys[i];

		if (strcmp(dep->name, name) != 0)
			continue;
		/* Its directory may come and go while we run. */
		return dep->hooks_dir == NULL || hooks_exist(dep->hooks_dir,
		    HOOKS_DEPLOY) ? dep : NULL;
	}
	return NULL;
}

static void
load_cb(const struct store_deploy *row, void *arg)
{
	struct rollout *d = arg;
	struct cert *c = certs_find(d->env->certs, row->cert);
	struct action *a;

	if (c == NULL)
		return;
	a = xcalloc(1, sizeof(*a));
	a->row = *row;
	TAILQ_INSERT_TAIL(&c->actions, a, link);
	d->pending += !row->done;
}

void
rollout_save(struct rollout *d, const struct action *a)
{
	store_deploy_put(d->env->store, &a->row);
}

void
rollout_undo(struct rollout *d, struct action *a)
{
	d->pending += a->row.done;
	a->row.done = false;
	a->row.tries = 0;
	a->row.retry_at = 0;
	a->row.check_at = 0;
}

void
rollout_drop_removed(struct rollout *d, struct cert *c)
{
	struct action *a, *next;

	for (a = TAILQ_FIRST(&c->actions); a != NULL; a = next) {
		next = TAILQ_NEXT(a, link);
		if (a->task != NULL || rollout_target(c, a->row.action) !=
		    NULL)
			continue;
		d->pending -= !a->row.done;
		store_deploy_delete(d->env->store, a->row.cert,
		    a->row.action);
		TAILQ_REMOVE(&c->actions, a, link);
		free(a);
	}
}

/* --- when --- */

void
rollout_arm(struct rollout *d)
{
	if (d->is_started)
		timer_set(&d->retry, 0);
}

time_t
rollout_action_at(const struct action *a, const struct conf_deploy *dep,
    time_t now)
{
	time_t at = due_planned(a->row.retry_at, now), from = at > now ? at :
	    now, window;

	if (from >= a->row.urgent_at)
		return at;
	window = due_window_at(dep->windows, dep->n_windows, from);
	if (window == from)
		return at;
	return window < a->row.urgent_at ? window : a->row.urgent_at;
}

time_t
rollout_next_check(const struct conf_deploy *dep, time_t now)
{
	/* Between 21 and 27 hours: not all at once, not at the same time. */
	return dep->n_verify == 0 ? 0 : now + DAY_S - DAY_S / 8 +
	    (time_t)arc4random_uniform(DAY_S / 4);
}

/* When the first target that is not done is to run; -1: all are done. */
static time_t
pending_at(const struct cert *c)
{
	const struct action *a;
	time_t best = -1, now = clock_now();

	TAILQ_FOREACH(a, &c->actions, link) {
		const struct conf_deploy *dep = rollout_target(c,
		    a->row.action);
		time_t at;

		if (a->row.done || a->task != NULL || dep == NULL)
			continue;
		at = rollout_action_at(a, dep, now);
		if (best == -1 || at < best)
			best = at;
	}
	return best;
}

/* When the first look is due; -1: none is planned. */
static time_t
check_at(const struct cert *c)
{
	const struct action *a;
	time_t best = -1, now = clock_now();

	TAILQ_FOREACH(a, &c->actions, link) {
		time_t at = due_planned(a->row.check_at, now);

		if (a->row.done && a->row.check_at != 0 && a->task == NULL &&
		    rollout_target(c, a->row.action) != NULL &&
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
	struct rollout *d = arg;
	time_t now = clock_now(), next = 0;

	for (size_t i = 0; i < d->env->certs->n; i++) {
		struct cert *c = d->env->certs->list[i];
		time_t pending, check;

		if (TAILQ_EMPTY(&c->actions) || c->conf == NULL ||
		    c->run != NULL || c->deploys > 0)
			continue;
		pending = pending_at(c);
		check = check_at(c);
		if (pending != -1 && pending <= now)
			rollout_run_due(d, c, false);
		else if (check != -1 && check <= now)
			rollout_run_due(d, c, true);
		else {
			sooner(&next, pending);
			sooner(&next, check);
		}
	}
	if (next != 0) {
		int64_t ms = (int64_t)(next - now) * 1000;

		timer_set(&d->retry, ms < WAKE_MAX_MS ? ms : WAKE_MAX_MS);
	}
}

/* --- life --- */

struct rollout *
rollout_new(const struct rollout_env *env)
{
	struct rollout *d = xcalloc(1, sizeof(*d));

	d->env = env;
	d->steps = (struct deploy_env){ .loop = env->loop,
	    .children = env->children, .http = env->http, .dns = env->dns,
	    .sdbus = env->sdbus, .hooks = env->hooks, .gate = env->gate,
	    .scratch = store_scratch(env->store),
	    .is_more = rollout_is_more, .arg = d };
	d->steps.units = unit_jobs_new(&d->steps);
	d->steps.work = slots_new(env->loop, WORK_MAX);
	d->steps.asking = slots_new(env->loop, ASKING_MAX);
	TAILQ_INIT(&d->ops);
	timer_init(&d->retry, env->loop, retry_cb, d);
	store_deploy_each(env->store, load_cb, d);
	return d;
}

void
rollout_free(struct rollout *d)
{
	if (d == NULL)
		return;
	rollout_stop(d);
	unit_jobs_free(d->steps.units);
	slots_free(d->steps.work);
	slots_free(d->steps.asking);
	free(d);
}

const struct deploy_env *
rollout_env(const struct rollout *d)
{
	return &d->steps;
}

void
rollout_forget(struct cert *c)
{
	struct action *a;

	while ((a = TAILQ_FIRST(&c->actions)) != NULL) {
		TAILQ_REMOVE(&c->actions, a, link);
		free(a);
	}
}

/* --- what is to be done --- */

/* One target is to get this certificate; cert->row has its dates. */
static void
plan(struct rollout *d, struct cert *cert, const struct conf_deploy *dep,
    const char *serial)
{
	struct action *a = rollout_find(cert, dep->name);
	struct store_deploy *row;
	bool was_done = a == NULL || a->row.done;

	if (a == NULL) {
		a = xcalloc(1, sizeof(*a));
		(void)text_printf(a->row.cert, sizeof(a->row.cert), "%s",
		    cert->row.name);
		(void)text_printf(a->row.action, sizeof(a->row.action), "%s",
		    dep->name);
		TAILQ_INSERT_TAIL(&cert->actions, a, link);
		a->row.done = true;
	} else if (a->row.done) {
		/* What it serves meanwhile; if that is not what was done
		 * last, the earlier end still counts. */
		rollout_serves(a, a->row.not_before, a->row.not_after);
		a->row.urgent_at = due_urgent_at(a->row.not_before,
		    a->row.not_after);
	}
	row = &a->row;
	rollout_undo(d, a);
	(void)text_printf(row->serial, sizeof(row->serial), "%s", serial);
	(void)text_printf(row->hash, sizeof(row->hash), "%s", dep->hash);
	row->not_before = cert->row.not_before;
	row->not_after = cert->row.not_after;
	/* What failed is not well before it has succeeded. */
	if (was_done)
		row->error[0] = '\0';
	rollout_save(d, a);
}

void
rollout_plan(struct rollout *d, struct cert *cert,
    const struct conf_cert *cc, const char *serial)
{
	for (size_t i = 0; i < cc->n_deploys; i++) {
		if (rollout_target(cert, cc->deploys[i].name) != NULL)
			plan(d, cert, &cc->deploys[i], serial);
	}
}

/* Is the target as the certificate in use wants it?  If not, plan it. */
static void
refresh_target(struct rollout *d, struct cert *c,
    const struct conf_deploy *dep)
{
	struct action *a = rollout_find(c, dep->name);
	time_t now = clock_now();

	if (a == NULL) {
		plan(d, c, dep, c->row.serial);
		event_deploy(d->env->certs, c->row.name, dep->name, NULL,
		    LOGL_INFO, "deploy \"%s\" is new: it runs for the "
		    "certificate in use", dep->name);
		return;
	}
	if (a->row.hash[0] == '\0') {
		/* Written by a version that did not know. */
		memcpy(a->row.hash, dep->hash, sizeof(a->row.hash));
		a->row.not_before = c->row.not_before;
		a->row.not_after = c->row.not_after;
	} else if (strcmp(a->row.hash, dep->hash) != 0) {
		plan(d, c, dep, c->row.serial);
		event_deploy(d->env->certs, c->row.name, dep->name, NULL,
		    LOGL_INFO, "deploy \"%s\" does something else now: it "
		    "runs again", dep->name);
		return;
	}
	if (a->row.done && (a->row.check_at == 0) == (dep->n_verify > 0)) {
		a->row.check_at = rollout_next_check(dep, now);
		rollout_save(d, a);
	}
}

/* Forget what is not configured any more, try the rest at once. */
static void
refresh(struct rollout *d, struct cert *c)
{
	struct action *a;

	TAILQ_FOREACH(a, &c->actions, link)
		a->row.retry_at = 0;
	rollout_drop_removed(d, c);
	if (c->conf == NULL || c->row.serial[0] == '\0')
		return;
	for (size_t i = 0; i < c->conf->n_deploys; i++) {
		if (rollout_target(c, c->conf->deploys[i].name) != NULL)
			refresh_target(d, c, &c->conf->deploys[i]);
	}
}

void
rollout_start(struct rollout *d)
{
	d->is_started = true;
	for (size_t i = 0; i < d->env->certs->n; i++)
		refresh(d, d->env->certs->list[i]);
	rollout_arm(d);
}

void
rollout_kick(struct rollout *d)
{
	rollout_arm(d);
}

void
rollout_reload(struct rollout *d)
{
	rollout_start(d);
}

bool
rollout_settle(struct rollout *d, struct cert *c)
{
	return !rollout_run_clear(d, c);
}

void
rollout_urge(struct rollout *d, struct cert *c)
{
	struct action *a;

	TAILQ_FOREACH(a, &c->actions, link) {
		if (a->row.done)
			continue;
		a->row.urgent_at = 0;
		rollout_save(d, a);
	}
}

/* Their names, those that are there. */
static size_t
targets(const struct cert *c, const char **names)
{
	size_t n = 0;

	for (size_t i = 0; i < c->conf->n_deploys; i++) {
		const char *name = c->conf->deploys[i].name;

		if (rollout_target(c, name) != NULL)
			names[n++] = name;
	}
	return n;
}

static int
no_target(const struct cert *c, const char *target, struct error *err)
{
	const char **names = xcalloc(c->conf->n_deploys + 1, sizeof(*names));
	const char *near = NULL;
	size_t n = targets(c, names);

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
rollout_force(struct rollout *d, struct cert *c, const char *target,
    struct error *err)
{
	const char **names = xcalloc(c->conf->n_deploys + 1, sizeof(*names));
	size_t n = targets(c, names);

	if (n == 0 || (target != NULL && rollout_target(c, target) == NULL)) {
		free(names);
		return no_target(c, target, err);
	}
	if (rollout_run_clear(d, c)) {
		free(names);
		return 0;
	}
	for (size_t i = 0; i < n; i++) {
		if (target == NULL || strcmp(target, names[i]) == 0)
			plan(d, c, rollout_target(c, names[i]),
			    c->row.serial);
	}
	free(names);
	rollout_urge(d, c);	/* a person has said so */
	(void)rollout_run_told(d, c, target);
	return 0;
}

/* --- what is known --- */

static const char *
state_name(const struct action *a)
{
	if (a->task != NULL)
		return task_state(a->task);
	if (a->row.done)
		return "done";
	return a->row.error[0] != '\0' ? "failed" : "pending";
}

static json_t *
action_json(const struct cert *c, const struct action *a)
{
	const struct store_deploy *row = &a->row;
	const struct conf_deploy *dep = rollout_target(c, row->action);
	time_t now = clock_now(), at = 0;
	bool held = false;

	if (!row->done && dep != NULL && a->task == NULL) {
		at = rollout_action_at(a, dep, now);
		held = at > now && at > due_planned(row->retry_at, now);
	}
	return json_pack("{s:s, s:s, s:s, s:i, s:o, s:o, s:b, s:b, s:o, s:o, "
	    "s:o}",
	    "name", row->action, "state", state_name(a),
	    "serial", row->serial, "tries", (int)row->tries,
	    "at", jsonx_time(row->done ? row->done_at : 0),
	    "next_at", jsonx_time(at), "held", held,
	    "serving_old", row->is_old,
	    "served_not_after", jsonx_time(rollout_served_until(a)),
	    "check_at", jsonx_time(row->done ? row->check_at : 0),
	    "error", row->error[0] != '\0' ? json_string(row->error) :
	    json_null());
}

json_t *
rollout_json(const struct cert *c)
{
	json_t *list = json_array();
	const struct action *a;

	/* In the order in which they run; then what is just being dropped. */
	for (size_t i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		a = rollout_find(c, c->conf->deploys[i].name);
		if (a != NULL)
			(void)json_array_append_new(list, action_json(c, a));
	}
	TAILQ_FOREACH(a, &c->actions, link) {
		if (rollout_target(c, a->row.action) == NULL)
			(void)json_array_append_new(list, action_json(c, a));
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
rollout_pending(const struct rollout *d)
{
	return d->pending;
}
