/* SPDX-License-Identifier: MIT */
#include "daemon/fleet/waves.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/cluster/cluster.h"
#include "daemon/config/conf.h"
#include "daemon/fleet/env.h"
#include "daemon/fleet/hosts.h"
#include "daemon/fleet/wave_step.h"
#include "daemon/fleet/waves_priv.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/store.h"

#define TICK_MS		1000	/* while one is under way */
#define TURN_MS		20	/* of it, at one time */
#define ROLLBACK_MS	60000	/* between tries */

/* --- where it is published --- */

/* Its targets, and then what its cluster shares; NULL: this one publishes
 * nothing.  i goes to n_deploys. */
static const struct conf_deploy *
place(const struct cert *c, unsigned i)
{
	const struct conf_deploy *dep;

	if (i < c->conf->n_deploys)
		dep = c->conf->deploys[i];
	else
		dep = c->conf->realm != NULL ? c->conf->realm->publish : NULL;
	return dep != NULL && dep->publish != NULL ? dep : NULL;
}

const struct conf_deploy *
waves_place(const struct cert *c, const char *repository)
{
	for (unsigned i = 0; c->conf != NULL && i <= c->conf->n_deploys;
	    i++) {
		const struct conf_deploy *dep = place(c, i);

		if (dep != NULL && strcmp(dep->publish->name, repository) == 0)
			return dep;
	}
	return NULL;
}

/* Have we gone back from it ourselves?  A repository then keeps the newer. */
static bool
is_given_up(const struct cert *c, const struct store_wave *w)
{
	return rollback_is_done(c) && w->not_before > c->row.not_before;
}

/* Do we say who may take it?  In a cluster who renews it does. */
static bool
is_ours(const struct cert *c, const struct conf_deploy *dep)
{
	return !dep->is_shared || (c->is_ours && !c->is_taken);
}

/* Is that what is published there? */
static bool
is_published(const struct cert *c, const struct conf_deploy *dep,
    const struct store_wave *w)
{
	const char *serial = cert_serial(c);

	return (dep->is_shared || rollout_done_get(c, dep->name, &serial) !=
	    0) && strcmp(serial, w->serial) == 0;
}

/* May the row be changed now? */
static bool
may_write(const struct waves *all, struct cert *c,
    const struct conf_deploy *dep)
{
	return !dep->is_shared || all->env->hold(c, all->env->arg);
}

/* "repository \"fleet\""; or "the cluster" */
static const char *
where(const struct conf_deploy *dep, char out[160])
{
	(void)text_printf(out, 160, dep->is_shared ? "the cluster" :
	    "repository \"%s\"", dep->publish->name);
	return out;
}

/* --- whether the next wave is due --- */

struct looking {
	const struct waves *all;
	const struct store_wave *wave;
	const struct conf_deploy *dep;
	const char	*self;		/* of a cluster, a member that does not
					   serve; else NULL */
	size_t		 waiting;	/* hosts of open waves without it; */
	const char	**unsure;	/* ... those of a cluster that may be
					   dead */
	size_t		 n_unsure;
	char		 failed[512];	/* one that cannot deploy it; or "" */
};

static void
look(const struct host_told *t, void *arg)
{
	struct looking *l = arg;
	const struct conf_repository *r = l->dep->publish;
	const struct fleet_env *env = l->all->env;
	size_t n = l->wave->opened < r->n_waves ? l->wave->opened :
	    r->n_waves;
	char *why;

	if (strcmp(t->repository, r->name) != 0 ||
	    !conf_waves_have(r->waves, n, t->host) ||
	    (l->self != NULL && strcmp(l->self, t->host) == 0))
		return;
	if (wave_host_failed(l->wave, t) && l->failed[0] == '\0') {
		why = host_why(t);
		(void)text_printf(l->failed, sizeof(l->failed), "%s: %s",
		    t->host, why);
		free(why);
	}
	/* Who is dead must not keep all others from a new certificate, nor
	 * what somebody has put in the place of a host that never was. */
	if (t->is_silent || t->at == 0 ||
	    (strcmp(t->serial, l->wave->serial) == 0 && t->ok))
		return;
	if (!l->dep->is_shared || cluster_has_member(env->cluster, t->host)) {
		l->waiting++;
		return;
	}
	l->unsure = xreallocarray(l->unsure, l->n_unsure + 1,
	    sizeof(*l->unsure));
	l->unsure[l->n_unsure++] = t->host;
}

static void
put(struct waves *all, struct cert *c, const struct store_wave *w)
{
	store_wave_put(all->env->store, w);
	c->has_wave = true;
}

/* Members that only serve ask why when something is published: that is tried
 * until it can be. */
static void
put_stopped(struct waves *all, struct cert *c, const struct conf_deploy *dep,
    struct store_wave *w)
{
	bool is_told = dep->is_shared && is_published(c, dep, w);
	char text[160];

	if (is_told)
		w->served_at = STORE_WAVE_UNTOLD;
	put(all, c, w);
	event_emit(all->env->certs, w->cert, STEP_DEPLOY, LOGL_WARNING,
	    "the roll-out in %s is stopped after wave %u: %s",
	    where(dep, text), w->opened, w->why);
	all->env->noticed(all->env->arg);
	if (is_told)
		waves_tell(all, c, dep);
}

static void
tell_opened(struct waves *all, struct cert *c, const struct conf_deploy *dep,
    const struct store_wave *w)
{
	const struct conf_repository *r = dep->publish;
	char text[160];

	(void)where(dep, text);
	if (r->n_waves == 0)
		event_emit(all->env->certs, w->cert, STEP_DEPLOY, LOGL_NOTICE,
		    "%s: there are no waves any more: all may take %s", text,
		    w->serial);
	else
		event_emit(all->env->certs, w->cert, STEP_DEPLOY, LOGL_NOTICE,
		    "%s: wave %u of %zu (%s) may take %s", text, w->opened,
		    r->n_waves, r->waves[w->opened - 1], w->serial);
	waves_tell(all, c, dep);
	/* Our own hosts' targets may have waited for it. */
	rollout_kick(all->env->rollout);
}

/* Who says so rolls back itself, if it has not, and publishes that.  true: it
 * is under way. */
static bool
take_back(struct waves *all, struct cert *c, const struct conf_deploy *dep,
    const struct store_wave *w)
{
	struct rollout *r = all->env->rollout;
	struct error err;

	if (strcmp(cert_serial(c), w->serial) != 0) {
		if (may_write(all, c, dep))
			waves_tell(all, c, dep);
		return true;
	}
	if (rollout_is_rolling_back(r, c) || !rollout_settle(r, c))
		return true;
	if (rollback_check(c, false, &err) == -1) {
		event_emit(all->env->certs, w->cert, STEP_DEPLOY,
		    LOGL_WARNING, "it cannot be rolled back: %s", err.msg);
		c->wave_retry_ms = clock_mono_ms() + ROLLBACK_MS;
		rollout_kick(r);
		return true;
	}
	rollout_rollback(r, c, false);
	return true;
}

/* What the hosts say, as to the row. */
static enum wave_next
judge(struct waves *all, struct cert *c, const struct conf_deploy *dep,
    struct store_wave *w)
{
	const struct conf_cluster *k = all->env->certs->conf->cluster;
	struct looking l = { .all = all, .wave = w, .dep = dep,
	    .self = dep->is_shared && k->role == CLUSTER_RENEW ? k->name :
	    NULL };

	/* By itself: nothing is verified any more. */
	if (!is_published(c, dep, w) || is_given_up(c, w)) {
		wave_stop(w, c->row.error->msg);
		return WAVE_NEXT_STOPPED;
	}
	/* Who has just begun does not know them yet. */
	if (dep->publish->n_waves > 0 && !hosts_are_known(c, dep->publish))
		return WAVE_NEXT_NONE;
	hosts_each(c, look, &l);
	if (l.n_unsure > 0 && l.waiting == 0 && l.failed[0] == '\0' &&
	    !waves_none_there(all, c, l.unsure, l.n_unsure))
		l.waiting = l.n_unsure;
	free(l.unsure);
	return wave_step(w, dep->publish, l.waiting, l.failed, clock_now());
}

static void	do_act(struct waves *, struct cert *,
		    const struct conf_deploy *);
static void	drop_act(struct waves *, struct cert *);

/* Is there anything to be done about the row, as long as nobody decides? */
static bool
is_open(const struct cert *c, const struct conf_deploy *dep,
    const struct store_wave *w)
{
	if (dep->is_shared && w->state == WAVE_WITHDRAWN)
		return w->served_at == STORE_WAVE_UNTOLD;
	if (is_given_up(c, w))
		return w->state == WAVE_RUNNING;
	if (!is_published(c, dep, w))
		return false;
	return w->served_at == STORE_WAVE_UNTOLD || w->state == WAVE_RUNNING;
}

/* true: it is under way. */
static bool
go_on(struct waves *all, struct cert *c, const struct conf_deploy *dep)
{
	struct store_wave w;
	enum wave_next next;

	if (!is_ours(c, dep)) {
		if (dep->is_shared && !c->is_ours)
			drop_act(all, c);
		return false;
	}
	if ((dep->is_shared && c->run != NULL) || waves_is_telling(all, c))
		return true;
	if (dep->is_shared && c->wave_act != 0) {
		if (may_write(all, c, dep))
			do_act(all, c, dep);
		return true;
	}
	if (store_wave_get(all->env->store, c->row.name, dep->publish->name,
	    &w) == -1 || !is_open(c, dep, &w))
		return false;
	if (w.served_at == STORE_WAVE_UNTOLD) {
		if (clock_mono_ms() < c->wave_retry_ms)
			return true;
		if (dep->is_shared && w.state == WAVE_WITHDRAWN)
			return take_back(all, c, dep, &w);
		if (may_write(all, c, dep))
			waves_tell(all, c, dep);
		return true;
	}
	next = judge(all, c, dep, &w);
	if (next == WAVE_NEXT_NONE || !may_write(all, c, dep))
		return true;
	if (next == WAVE_NEXT_STOPPED) {
		put_stopped(all, c, dep, &w);
		return w.served_at == STORE_WAVE_UNTOLD;
	}
	put(all, c, &w);
	if (next == WAVE_NEXT_OPENED)
		tell_opened(all, c, dep, &w);
	return true;
}

static bool
go_on_all(struct waves *all, struct cert *c)
{
	bool is_open = false;

	for (unsigned k = 0; c->conf != NULL && k <= c->conf->n_deploys; k++) {
		const struct conf_deploy *dep = place(c, k);

		/* Also where there are no waves any more. */
		if (dep != NULL)
			is_open |= go_on(all, c, dep);
	}
	return is_open;
}

/* A hundred certificates may be under way, each with 10,000 hosts to be looked
 * at; the loop has others to serve. */
static void
tick_cb(void *arg)
{
	struct waves *all = arg;
	const struct certs *certs = all->env->certs;
	int64_t began = clock_mono_ms();

	if (all->next >= certs->n)
		all->next = 0;
	all->is_under_way &= all->next > 0;
	while (all->next < certs->n) {
		struct cert *c = certs->list[all->next++];

		if (!c->wave_is_open)
			continue;
		c->wave_is_open = go_on_all(all, c);
		all->is_under_way |= c->wave_is_open;
		if (clock_mono_ms() - began < TURN_MS)
			continue;
		if (!all->is_stopped)
			timer_set(&all->tick, (clock_mono_ms() - began) * 4);
		return;
	}
	if (all->is_under_way && !all->is_stopped &&
	    !timer_is_set(&all->tick))
		timer_set(&all->tick, TICK_MS);
}

void
waves_look(struct waves *all, struct cert *c)
{
	if (!c->has_wave || all->is_stopped)
		return;
	c->wave_is_open = all->is_under_way = true;
	timer_set(&all->tick, 0);
}

/* A publication may have begun one. */
static void
happened(const json_t *event, void *arg)
{
	struct waves *all = arg;
	const char *code = jsonx_str(event, "code");
	const char *name = jsonx_str(event, "cert");
	struct cert *c = code == NULL || name == NULL ||
	    strcmp(code, "deploy:done") != 0 ? NULL :
	    certs_find(all->env->certs, name);

	if (c == NULL || c->conf == NULL)
		return;
	for (unsigned i = 0; i < c->conf->n_deploys; i++)
		c->has_wave |= c->conf->deploys[i]->publish != NULL &&
		    c->conf->deploys[i]->publish->waves != NULL;
	waves_look(all, c);
}

static void
load_cb(const char *cert, void *arg)
{
	struct waves *all = arg;
	struct cert *c = certs_find(all->env->certs, cert);

	if (c != NULL)
		c->has_wave = true;
}

struct waves *
waves_new(const struct fleet_env *env)
{
	struct waves *all = xcalloc(1, sizeof(*all));

	all->env = env;
	LIST_INIT(&all->tellings);
	LIST_INIT(&all->askings);
	timer_init(&all->tick, env->loop, tick_cb, all);
	store_wave_each(env->store, load_cb, all);
	all->events = event_subscribe(env->certs, happened, all);
	return all;
}

void
waves_stop(struct waves *all)
{
	all->is_stopped = true;
	timer_clear(&all->tick);
	waves_tell_stop(all);
	waves_there_stop(all);
}

void
waves_free(struct waves *all)
{
	if (all == NULL)
		return;
	waves_stop(all);
	event_unsubscribe(all->events);
	free(all);
}

void
waves_apply(struct waves *all)
{
	/* What is being published borrows the configuration before. */
	waves_stop(all);
	all->is_stopped = false;
	for (size_t i = 0; i < all->env->certs->n; i++)
		all->env->certs->list[i]->wave_is_open =
		    all->env->certs->list[i]->has_wave;
	timer_set(&all->tick, TICK_MS);
}

/* --- what a person decides --- */

/* *w is empty where it is not known. */
static bool
can(const struct waves *all, const struct cert *c,
    const struct conf_deploy *dep, enum waves_act act, struct store_wave *w)
{
	bool is_known = store_wave_get(all->env->store, c->row.name,
	    dep->publish->name, w) == 0, is_left;

	if (!is_known)
		memset(w, 0, sizeof(*w));
	switch (act) {
	case WAVES_CONTINUE:
		/* It may have been stopped when there were more. */
		is_left = w->opened < dep->publish->n_waves ||
		    (w->state == WAVE_STOPPED && is_published(c, dep, w));
		/* What we have gone back from ourselves we do not publish. */
		return is_known && is_left && w->state != WAVE_DONE &&
		    w->state != WAVE_WITHDRAWN && !is_given_up(c, w) &&
		    (!dep->is_shared || is_published(c, dep, w));
	case WAVES_STOP:
		return is_known && w->state == WAVE_RUNNING;
	case WAVES_WITHDRAW:
		break;
	}
	return true;
}

/* Have we gone back already from what is to be taken back? */
static bool
is_back(const struct cert *c, const struct conf_deploy *dep,
    const struct store_wave *w)
{
	return dep->is_shared && w->serial[0] != '\0' && is_given_up(c, w);
}

/* The version to be taken back. */
static void
withdraw(const struct cert *c, const struct conf_deploy *dep,
    struct store_wave *w)
{
	if (is_back(c, dep, w))
		wave_withdraw(w, w->serial, w->not_before);
	else
		wave_withdraw(w, cert_serial(c), c->row.not_before);
	if (dep->is_shared)
		w->served_at = STORE_WAVE_UNTOLD;
}

static void
decide(struct waves *all, struct cert *c, const struct conf_deploy *dep,
    enum waves_act act)
{
	struct store_wave w;

	if (store_wave_get(all->env->store, c->row.name, dep->publish->name,
	    &w) == -1) {
		memset(&w, 0, sizeof(w));
		(void)text_printf(w.cert, sizeof(w.cert), "%s", c->row.name);
		(void)text_printf(w.repository, sizeof(w.repository), "%s",
		    dep->publish->name);
	}
	switch (act) {
	case WAVES_CONTINUE:
		wave_open(&w, dep->publish, clock_now());
		put(all, c, &w);
		tell_opened(all, c, dep, &w);
		break;
	case WAVES_STOP:
		wave_stop(&w, "acmectl rollout");
		put_stopped(all, c, dep, &w);
		break;
	case WAVES_WITHDRAW:
		withdraw(c, dep, &w);
		put(all, c, &w);
		break;
	}
	all->env->noticed(all->env->arg);
}

static const char *const acts[] = {
	[WAVES_CONTINUE] = "continue",
	[WAVES_STOP] = "stop",
	[WAVES_WITHDRAW] = "rollback",
};

/* The version that it is about. */
static const char *
subject(const struct cert *c, const struct conf_deploy *dep,
    enum waves_act act, const struct store_wave *w)
{
	return act != WAVES_WITHDRAW || is_back(c, dep, w) ? w->serial :
	    cert_serial(c);
}

/* Of a cluster: it waits for the lock, and others may do it, or something
 * else, until we have it. */
static void
keep_act(struct cert *c, const struct conf_deploy *dep, enum waves_act act,
    const struct store_wave *w)
{
	c->wave_act = (unsigned char)(act + 1);
	(void)text_printf(c->wave_of, sizeof(c->wave_of), "%s",
	    subject(c, dep, act, w));
	c->wave_at = w->opened;
}

/* What was decided, now that the row is ours to change. */
static void
do_act(struct waves *all, struct cert *c, const struct conf_deploy *dep)
{
	enum waves_act act = (enum waves_act)(c->wave_act - 1);
	struct store_wave w;
	bool is_possible = can(all, c, dep, act, &w);

	c->wave_act = 0;
	if (strcmp(subject(c, dep, act, &w), c->wave_of) != 0 ||
	    w.opened != c->wave_at)
		event_emit(all->env->certs, c->row.name, STEP_DEPLOY,
		    LOGL_WARNING, "rollout %s was meant for wave %u of %s, "
		    "and is not done", acts[act], c->wave_at, c->wave_of);
	else if (is_possible)
		decide(all, c, dep, act);
	all->env->acted(c, all->env->arg);
}

/* An order in etcd is the next holder's. */
static void
drop_act(struct waves *all, struct cert *c)
{
	if (c->wave_act == 0)
		return;
	event_emit(all->env->certs, c->row.name, STEP_DEPLOY, LOGL_NOTICE,
	    "rollout %s is not done here: another member renews it now",
	    acts[c->wave_act - 1]);
	c->wave_act = 0;
}

static int
none(const struct cert *c, struct error *err)
{
	return error_set(err, ERR_CONFIG, "waves:none", "no roll-out of "
	    "\"%s\" is under way; see: acmectl status %s", c->row.name,
	    c->row.name);
}

int
waves_do(struct waves *all, struct cert *c, enum waves_act act,
    struct error *err)
{
	struct store_wave w;
	size_t n = 0;

	for (unsigned i = 0; c->conf != NULL && i <= c->conf->n_deploys;
	    i++) {
		const struct conf_deploy *dep = place(c, i);

		if (dep == NULL || !is_ours(c, dep) ||
		    !can(all, c, dep, act, &w) ||
		    (act == WAVES_CONTINUE && waves_is_telling(all, c)))
			continue;
		n++;
		if (dep->is_shared)
			keep_act(c, dep, act, &w);
		else
			decide(all, c, dep, act);
	}
	if (n == 0)
		return none(c, err);
	c->has_wave = true;
	waves_look(all, c);
	return 0;
}

/* --- told --- */

/* Where none was ever in waves, nothing is asked for. */
static bool
get(const struct waves *all, const struct cert *c,
    const struct conf_deploy *dep, struct store_wave *w)
{
	return (c->has_wave || !dep->is_shared) && store_wave_get(
	    all->env->store, c->row.name, dep->publish->name, w) == 0;
}

int
waves_shared(const struct waves *all, const struct cert *c, char serial[64],
    unsigned *opened)
{
	struct store_wave w;

	if (c->conf == NULL || c->conf->realm == NULL ||
	    !get(all, c, c->conf->realm->publish, &w))
		return -1;
	(void)text_printf(serial, 64, "%s", w.serial);
	*opened = w.opened;
	return 0;
}

json_t *
waves_json(const struct waves *all, const struct cert *c)
{
	struct store_wave w;

	for (unsigned i = 0; c->conf != NULL && i <= c->conf->n_deploys;
	    i++) {
		const struct conf_deploy *dep = place(c, i);
		const struct conf_repository *conf;

		if (dep == NULL || !get(all, c, dep, &w))
			continue;
		conf = dep->publish;
		return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:o}",
		    "repository", conf->name, "serial", w.serial,
		    "state", wave_state_name(w.state), "wave", (int)w.opened,
		    "waves", (int)conf->n_waves,
		    "opened_at", jsonx_time(w.opened_at),
		    "next_at", jsonx_time(w.state == WAVE_RUNNING &&
		    w.served_at > 0 ? w.served_at + conf->wave_pause_s : 0),
		    "why", w.why[0] != '\0' ? json_string(w.why) :
		    json_null());
	}
	return json_null();
}

int
waves_stopped(const struct waves *all, const struct cert *c, char *why,
    size_t size)
{
	struct store_wave w;

	for (unsigned i = 0; c->conf != NULL && i <= c->conf->n_deploys;
	    i++) {
		const struct conf_deploy *dep = place(c, i);
		char text[160];

		if (dep == NULL || !is_ours(c, dep) ||
		    !get(all, c, dep, &w) || w.state != WAVE_STOPPED)
			continue;
		(void)text_printf(why, size, "the roll-out in %s is stopped "
		    "after wave %u of %zu: %s", where(dep, text), w.opened,
		    dep->publish->n_waves, w.why);
		return 0;
	}
	return -1;
}
