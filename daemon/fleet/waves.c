/* SPDX-License-Identifier: MIT */
#include "daemon/fleet/waves.h"

#include <fnmatch.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/json.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/deploy.h"
#include "daemon/fleet/env.h"
#include "daemon/fleet/hosts.h"
#include "daemon/io/loop.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/store.h"

#define TICK_MS		1000	/* while one is under way */
#define RETRY_MS	60000	/* of a manifest that cannot be written */

/* The manifest is being published again. */
struct reopening {
	LIST_ENTRY(reopening) link;
	struct waves	*all;
	char		*cert, *repository;
	char		*live_dir, *version_dir, *serial;
	struct deploy_op *deploy;
};

struct waves {
	const struct fleet_env *env;
	struct timer	 tick;
	struct event_sub *events;
	LIST_HEAD(, reopening) reopenings;
	int64_t		 retry_at_ms;	/* of what could not be told;
					   monotonic */
	bool		 is_stopped;
};

/* --- publishing the manifest again --- */

static void
reopening_free(struct reopening *r)
{
	deploy_cancel(r->deploy);
	LIST_REMOVE(r, link);
	free(r->cert);
	free(r->repository);
	free(r->live_dir);
	free(r->version_dir);
	free(r->serial);
	free(r);
}

/* The manifest says what the row does. */
static void
note_told(struct waves *all, const struct reopening *r)
{
	struct store_wave w;

	if (store_wave_get(all->env->store, r->cert, r->repository, &w) ==
	    -1 || w.served_at != STORE_WAVE_UNTOLD)
		return;
	w.served_at = 0;
	store_wave_put(all->env->store, &w);
}

static void
republished(const struct error *err, void *arg)
{
	struct reopening *r = arg;
	struct waves *all = r->all;

	r->deploy = NULL;
	/* The row says what is still to be told, also after a crash. */
	if (err == NULL)
		note_told(all, r);
	else
		event_emit(all->env->certs, r->cert, STEP_DEPLOY,
		    LOGL_WARNING, "the next wave of hosts is not told yet: %s",
		    err->msg);
	if (err != NULL)
		all->retry_at_ms = clock_mono_ms() + RETRY_MS;
	reopening_free(r);
	timer_set(&all->tick, 0);
}

/* The target that publishes there; NULL: none does. */
static const struct conf_deploy *
target_of(const struct cert *c, const struct conf_repository *conf)
{
	for (unsigned i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		if (c->conf->deploys[i]->publish == conf)
			return c->conf->deploys[i];
	}
	return NULL;
}

static bool
is_reopening(const struct waves *all, const char *cert)
{
	const struct reopening *r;

	LIST_FOREACH(r, &all->reopenings, link) {
		if (strcmp(r->cert, cert) == 0)
			return true;
	}
	return false;
}

static void
republish(struct waves *all, struct cert *c, const struct conf_deploy *dep)
{
	struct store *store = all->env->store;
	struct reopening *r = xcalloc(1, sizeof(*r));

	r->all = all;
	r->cert = xstrdup(c->row.name);
	r->repository = xstrdup(dep->publish->name);
	r->serial = xstrdup(cert_serial(c));
	r->live_dir = store_live_path(store, c->row.name);
	r->version_dir = store_live_version_path(store, c->row.name);
	LIST_INSERT_HEAD(&all->reopenings, r, link);
	r->deploy = deploy_start(&(struct deploy_args){
	    .env = rollout_env(all->env->rollout), .cert = c->conf,
	    .wanted = c->conf, .target = dep, .live_dir = r->live_dir,
	    .version_dir = r->version_dir, .serial = r->serial,
	    .only = "publish" }, republished, r);
}

/* --- whether the next wave is due --- */

struct looking {
	const struct store_wave *wave;
	const struct conf_repository *conf;
	size_t		 waiting;	/* hosts of open waves without it */
	char		 failed[512];	/* one that cannot deploy it; or "" */
};

static bool
is_open(const struct looking *l, const char *host)
{
	for (unsigned i = 0; i < l->wave->opened && i < l->conf->n_waves;
	    i++) {
		if (fnmatch(l->conf->waves[i], host, 0) == 0)
			return true;
	}
	return false;
}

/* It went back by itself, or cannot serve what it has. */
static bool
has_failed(const struct host_told *t, const struct store_wave *w)
{
	if (t->at < w->opened_at || t->code[0] == '\0')
		return false;
	return (strcmp(t->serial, w->serial) == 0 && !t->ok) ||
	    strcmp(t->code, "deploy:rolled-back") == 0;
}

static void
look(const struct host_told *t, void *arg)
{
	struct looking *l = arg;
	char *why;

	if (strcmp(t->repository, l->conf->name) != 0 ||
	    !is_open(l, t->host))
		return;
	if (has_failed(t, l->wave) && l->failed[0] == '\0') {
		why = host_why(t);
		(void)text_printf(l->failed, sizeof(l->failed), "%s: %s",
		    t->host, why);
		free(why);
	}
	/* Who is dead must not keep all others from a new certificate, nor
	 * what somebody has put in the place of a host that never was. */
	if (!t->is_silent && t->at != 0 &&
	    (strcmp(t->serial, l->wave->serial) != 0 || !t->ok))
		l->waiting++;
}

static void
stop(struct waves *all, struct store_wave *w, const char *why)
{
	w->state = WAVE_STOPPED;
	(void)text_printf(w->why, sizeof(w->why), "%s", why);
	store_wave_put(all->env->store, w);
	event_emit(all->env->certs, w->cert, STEP_DEPLOY, LOGL_WARNING,
	    "the roll-out in repository \"%s\" is stopped after wave %u: %s",
	    w->repository, w->opened, why);
	all->env->noticed(all->env->arg);
}

static void
open_next(struct waves *all, struct cert *c,
    const struct conf_repository *conf, struct store_wave *w)
{
	w->opened++;
	w->opened_at = clock_now();
	w->served_at = STORE_WAVE_UNTOLD;
	w->state = w->opened >= conf->n_waves ? WAVE_DONE : WAVE_RUNNING;
	w->why[0] = '\0';
	store_wave_put(all->env->store, w);
	event_emit(all->env->certs, w->cert, STEP_DEPLOY, LOGL_NOTICE,
	    "repository \"%s\": wave %u of %zu (%s) may take %s",
	    w->repository, w->opened, conf->n_waves,
	    conf->waves[w->opened - 1], w->serial);
	republish(all, c, target_of(c, conf));
}

/* true: it is under way. */
static bool
go_on(struct waves *all, struct cert *c, const struct conf_deploy *dep)
{
	const struct conf_repository *conf = dep->publish;
	struct store_wave w;
	struct looking l = { .wave = &w, .conf = conf };
	const char *serial;
	time_t now = clock_now();

	if (store_wave_get(all->env->store, c->row.name, conf->name, &w) ==
	    -1 || rollout_done_get(c, dep->name, &serial) == 0 ||
	    strcmp(serial, w.serial) != 0 || is_reopening(all, c->row.name))
		return false;
	if (w.served_at == STORE_WAVE_UNTOLD) {
		if (clock_mono_ms() >= all->retry_at_ms)
			republish(all, c, dep);
		return true;
	}
	if (w.state != WAVE_RUNNING)
		return false;
	if (w.opened >= conf->n_waves) {	/* there are fewer now */
		w.opened = (unsigned)conf->n_waves - 1;
		open_next(all, c, conf, &w);
		return true;
	}
	hosts_each(c, look, &l);
	if (l.failed[0] != '\0') {
		stop(all, &w, l.failed);
		return false;
	}
	if (l.waiting > 0 && w.served_at != 0) {
		w.served_at = 0;
		store_wave_put(all->env->store, &w);
	} else if (l.waiting == 0 && w.served_at == 0) {
		w.served_at = now;
		store_wave_put(all->env->store, &w);
	}
	if (w.served_at != 0 && (now - w.served_at >= conf->wave_pause_s ||
	    w.served_at > now))
		open_next(all, c, conf, &w);
	return true;
}

static void
tick_cb(void *arg)
{
	struct waves *all = arg;
	bool is_under_way = false;

	for (size_t i = 0; i < all->env->certs->n; i++) {
		struct cert *c = all->env->certs->list[i];

		for (unsigned k = 0; c->conf != NULL && k < c->conf->n_deploys;
		    k++) {
			const struct conf_deploy *dep = c->conf->deploys[k];

			if (dep->publish != NULL && dep->publish->waves !=
			    NULL)
				is_under_way |= go_on(all, c, dep);
		}
	}
	if (is_under_way && !all->is_stopped)
		timer_set(&all->tick, TICK_MS);
}

/* A publication may have begun one. */
static void
happened(const json_t *event, void *arg)
{
	struct waves *all = arg;
	const char *code = jsonx_str(event, "code");

	if (code != NULL && strcmp(code, "deploy:done") == 0 &&
	    !all->is_stopped)
		timer_set(&all->tick, 0);
}

struct waves *
waves_new(const struct fleet_env *env)
{
	struct waves *all = xcalloc(1, sizeof(*all));

	all->env = env;
	LIST_INIT(&all->reopenings);
	timer_init(&all->tick, env->loop, tick_cb, all);
	all->events = event_subscribe(env->certs, happened, all);
	return all;
}

void
waves_stop(struct waves *all)
{
	struct reopening *r;

	all->is_stopped = true;
	timer_clear(&all->tick);
	while ((r = LIST_FIRST(&all->reopenings)) != NULL)
		reopening_free(r);
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
	timer_set(&all->tick, TICK_MS);
}

/* --- what a person decides --- */

static bool
decide(struct waves *all, struct cert *c, const struct conf_deploy *dep,
    enum waves_act act)
{
	const struct conf_repository *conf = dep->publish;
	struct store_wave w;
	bool is_known = store_wave_get(all->env->store, c->row.name,
	    conf->name, &w) == 0;

	switch (act) {
	case WAVES_CONTINUE:
		if (!is_known || conf->waves == NULL ||
		    w.opened >= conf->n_waves || w.state == WAVE_WITHDRAWN ||
		    is_reopening(all, c->row.name))
			return false;
		open_next(all, c, conf, &w);
		break;
	case WAVES_STOP:
		if (!is_known || w.state != WAVE_RUNNING)
			return false;
		stop(all, &w, "acmectl rollout");
		break;
	case WAVES_WITHDRAW:
		if (!is_known) {
			memset(&w, 0, sizeof(w));
			(void)text_printf(w.cert, sizeof(w.cert), "%s",
			    c->row.name);
			(void)text_printf(w.repository, sizeof(w.repository),
			    "%s", conf->name);
		}
		(void)text_printf(w.serial, sizeof(w.serial), "%s",
		    cert_serial(c));
		w.not_before = c->row.not_before;
		w.state = WAVE_WITHDRAWN;
		w.why[0] = '\0';
		store_wave_put(all->env->store, &w);
		break;
	}
	return true;
}

int
waves_do(struct waves *all, struct cert *c, enum waves_act act,
    struct error *err)
{
	size_t n = 0;

	for (unsigned i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		if (c->conf->deploys[i]->publish != NULL)
			n += decide(all, c, c->conf->deploys[i], act);
	}
	if (n == 0)
		return error_set(err, ERR_CONFIG, "waves:none", "no roll-out "
		    "of \"%s\" is under way; see: acmectl status %s",
		    c->row.name, c->row.name);
	all->env->noticed(all->env->arg);
	if (!all->is_stopped)
		timer_set(&all->tick, TICK_MS);
	return 0;
}

/* --- told --- */

static const char *const states[] = {
	[WAVE_RUNNING] = "running", [WAVE_STOPPED] = "stopped",
	[WAVE_DONE] = "done", [WAVE_WITHDRAWN] = "rolled back",
};

json_t *
waves_json(const struct waves *all, const struct cert *c)
{
	struct store_wave w;

	for (unsigned i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		const struct conf_repository *conf =
		    c->conf->deploys[i]->publish;

		if (conf == NULL || store_wave_get(all->env->store,
		    c->row.name, conf->name, &w) == -1)
			continue;
		return json_pack("{s:s, s:s, s:s, s:i, s:i, s:o, s:o, s:o}",
		    "repository", conf->name, "serial", w.serial,
		    "state", states[w.state], "wave", (int)w.opened,
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

	for (unsigned i = 0; c->conf != NULL && i < c->conf->n_deploys; i++) {
		const struct conf_repository *conf =
		    c->conf->deploys[i]->publish;

		if (conf == NULL || store_wave_get(all->env->store,
		    c->row.name, conf->name, &w) == -1 ||
		    w.state != WAVE_STOPPED)
			continue;
		(void)text_printf(why, size, "the roll-out in repository "
		    "\"%s\" is stopped after wave %u of %zu: %s", conf->name,
		    w.opened, conf->n_waves, w.why);
		return 0;
	}
	return -1;
}
