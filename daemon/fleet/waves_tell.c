/* SPDX-License-Identifier: MIT */
/* waves_tell - a manifest is published again. */
#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/config/conf.h"
#include "daemon/deploy/deploy.h"
#include "daemon/fleet/env.h"
#include "daemon/fleet/waves_priv.h"
#include "daemon/publish/objects.h"
#include "daemon/rollout/release.h"
#include "daemon/rollout/rollout.h"
#include "daemon/store/store.h"

#define RETRY_MS	60000	/* of a manifest that cannot be written */

struct telling {
	LIST_ENTRY(telling) link;
	struct waves	*all;
	char		*cert, *repository;
	char		*live_dir, *version_dir, *serial;
	struct store_sync_op *sync;
	struct deploy_op *deploy;
	struct release_op *release;	/* ... in a cluster */
};

static void
telling_free(struct telling *t)
{
	store_sync_cancel(t->sync);
	deploy_cancel(t->deploy);
	release_cancel(t->release);
	LIST_REMOVE(t, link);
	free(t->cert);
	free(t->repository);
	free(t->live_dir);
	free(t->version_dir);
	free(t->serial);
	free(t);
}

void
waves_tell_stop(struct waves *all)
{
	struct telling *t;

	while ((t = LIST_FIRST(&all->tellings)) != NULL)
		telling_free(t);
}

bool
waves_is_telling(const struct waves *all, const struct cert *c)
{
	const struct telling *t;

	LIST_FOREACH(t, &all->tellings, link) {
		if (strcmp(t->cert, c->row.name) == 0)
			return true;
	}
	return false;
}

/* The manifest says what the row does. */
static void
note_told(struct waves *all, const struct telling *t)
{
	struct store_wave w;

	if (store_wave_get(all->env->store, t->cert, t->repository, &w) ==
	    -1 || w.served_at != STORE_WAVE_UNTOLD)
		return;
	w.served_at = 0;
	store_wave_put(all->env->store, &w);
}

static void
finish(struct telling *t, const struct error *err)
{
	struct waves *all = t->all;
	struct cert *c = certs_find(all->env->certs, t->cert);

	/* The row says what is still to be told, also after a crash. */
	if (err == NULL) {
		note_told(all, t);
	} else {
		event_emit(all->env->certs, t->cert, STEP_DEPLOY,
		    LOGL_WARNING, "which hosts may take it now is not told "
		    "yet: %s", err->msg);
		if (c != NULL)
			c->wave_retry_ms = clock_mono_ms() + RETRY_MS;
	}
	telling_free(t);
	timer_set(&all->tick, 0);
}

static void
deployed(const struct error *err, void *arg)
{
	struct telling *t = arg;

	t->deploy = NULL;
	finish(t, err);
}

static void
released(const struct error *err, void *arg)
{
	struct telling *t = arg;

	t->release = NULL;
	finish(t, err);
}

static void
release(struct telling *t, const struct cert *c)
{
	const struct fleet_env *env = t->all->env;
	struct object_fence fence;
	char *key;
	bool by_ari;

	fence.created = env->fence(c, &key, env->arg);
	fence.key = key;
	t->release = release_start(&(struct release_args){ .loop = env->loop,
	    .http = env->http, .etcd = env->etcd, .store = env->store,
	    .conf = env->certs->conf, .cc = c->conf,
	    .version_dir = t->version_dir, .serial = t->serial,
	    .renew_at = ari_window_due_at(c, &by_ari), .fence = &fence },
	    released, t);
	free(key);
}

static void
kept(const struct error *err, void *arg)
{
	struct telling *t = arg;
	const struct fleet_env *env = t->all->env;
	const struct cert *c = certs_find(env->certs, t->cert);
	const struct conf_deploy *dep = c != NULL ? waves_place(c,
	    t->repository) : NULL;

	t->sync = NULL;
	if (err != NULL || dep == NULL) {
		finish(t, err);
		return;
	}
	t->serial = xstrdup(cert_serial(c));
	t->live_dir = store_live_path(env->store, t->cert);
	t->version_dir = store_live_version_path(env->store, t->cert);
	if (dep->is_shared) {
		release(t, c);
		return;
	}
	t->deploy = deploy_start(&(struct deploy_args){
	    .env = rollout_env(env->rollout), .cert = c->conf,
	    .wanted = c->conf, .target = dep, .live_dir = t->live_dir,
	    .version_dir = t->version_dir, .serial = t->serial,
	    .only = "publish" }, deployed, t);
}

void
waves_tell(struct waves *all, const struct cert *c,
    const struct conf_deploy *dep)
{
	struct telling *t = xcalloc(1, sizeof(*t));

	t->all = all;
	t->cert = xstrdup(c->row.name);
	t->repository = xstrdup(dep->publish->name);
	LIST_INSERT_HEAD(&all->tellings, t, link);
	t->sync = dep->is_shared ? store_sync_shared_start(all->env->store,
	    t->cert, kept, t) : store_sync_start(all->env->store, kept, t);
}
