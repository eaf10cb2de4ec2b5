/* SPDX-License-Identifier: MIT */
#include "daemon/rollout/takeover.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/error.h"
#include "common/log.h"
#include "common/mem.h"
#include "daemon/certs/ari_window.h"
#include "daemon/certs/certs.h"
#include "daemon/certs/event.h"
#include "daemon/certs/origin.h"
#include "daemon/io/loop.h"
#include "daemon/io/slots.h"
#include "daemon/publish/fetch.h"
#include "daemon/rollout/release.h"
#include "daemon/rollout/rollback.h"
#include "daemon/rollout/rollout.h"
#include "daemon/rollout/source_watch.h"

#define RETRY_MS	2000
#define RETRY_MAX_MS	60000

struct takeover {
	const struct rollout_env *env;
	struct cert	*cert;
	struct timer	 turn;
	struct slot	*slot;		/* while it looks and publishes */
	struct fetch_op	*fetch;
	struct release_op *release;
	int64_t		 retry_ms;
};

static void
takeover_free(struct takeover *t)
{
	timer_clear(&t->turn);
	fetch_cancel(t->fetch);
	release_cancel(t->release);
	slot_give(t->slot);
	t->cert->takeover = NULL;
	free(t);
}

void
takeover_cancel(struct cert *c)
{
	if (c->takeover != NULL)
		takeover_free(c->takeover);
}

static void
give(struct takeover *t)
{
	slot_give(t->slot);
	t->slot = NULL;
}

static void
again(struct takeover *t)
{
	give(t);
	timer_set(&t->turn, t->retry_ms / 2 +
	    (int64_t)arc4random_uniform((uint32_t)t->retry_ms));
	t->retry_ms = t->retry_ms * 2 > RETRY_MAX_MS ? RETRY_MAX_MS :
	    t->retry_ms * 2;
}

/* From now on it is due here, if it is to be. */
static void
finish(struct takeover *t)
{
	const struct rollout_env *env = t->env;
	struct cert *c = t->cert;

	takeover_free(t);
	if (!c->is_ours)
		return;
	watch_free(c);
	c->is_taken = false;
	if (env->taken_over != NULL)
		env->taken_over(c, env->arg);
	cert_changed(c);
}

/* --- what is published --- */

static void
released(const struct error *err, void *arg)
{
	struct takeover *t = arg;

	t->release = NULL;
	if (err == NULL) {
		finish(t);
		return;
	}
	event_emit(t->env->certs, t->cert->row.name, STEP_INSTALL, LOGL_INFO,
	    "the certificate in use cannot be published for the cluster: %s",
	    err->msg);
	again(t);
}

/* Nothing as good is there. */
static void
release(struct takeover *t)
{
	const struct rollout_env *env = t->env;
	struct cert *c = t->cert;
	char *dir = store_live_version_path(env->store, c->row.name);
	bool by_ari;

	event_emit(env->certs, c->row.name, STEP_INSTALL, LOGL_INFO,
	    "publishing the certificate in use for the cluster");
	t->release = release_start(&(struct release_args){ .loop = env->loop,
	    .http = env->http, .etcd = env->etcd, .store = env->store,
	    .conf = env->certs->conf, .cc = c->conf, .version_dir = dir,
	    .serial = c->row.serial,
	    .renew_at = ari_window_due_at(c, &by_ari) }, released, t);
	free(dir);
}

/* Does it lack ours? */
static bool
lacks_ours(const struct cert *c, const struct error *err,
    const struct fetch_result *result)
{
	const struct store_cert *row = &c->row;

	if (row->serial == NULL || row->not_after <= clock_now())
		return false;
	/* Also while the old secret is accepted, so that it can be dropped. */
	return err != NULL ? strcmp(err->code, "object:missing") == 0 ||
	    strcmp(err->code, "fetch:older") == 0 :
	    strcmp(result->serial, row->serial) != 0 || result->is_old_secret;
}

static void
looked(const struct error *err, const struct fetch_result *result, void *arg)
{
	struct takeover *t = arg;
	struct cert *c = t->cert;

	t->fetch = NULL;
	if (err != NULL && !fetch_found_no_better(err)) {
		again(t);
	} else if (err == NULL && result->is_new && !rollback_is_done(c)) {
		if (c->is_ours)
			again(t);
		else
			finish(t);
		/* That takes it.  Last: who renews it may be another one by
		 * now, and then this is over. */
		watch_soon(c, 0);
	} else if (lacks_ours(c, err, result) && (!rollback_is_done(c) ||
	    (err == NULL && strcmp(result->serial, cert_serial(c)) == 0))) {
		release(t);
	} else {
		finish(t);
	}
}

static void
look(void *arg)
{
	struct takeover *t = arg;
	const struct rollout_env *env = t->env;
	struct cert *c = t->cert;

	/* A run has begun meanwhile; its end is told. */
	if (c->run != NULL) {
		give(t);
		return;
	}
	t->fetch = fetch_start(&(struct fetch_args){ .loop = env->loop,
	    .http = env->http, .etcd = env->etcd, .store = env->store,
	    .cert = c->conf,
	    .repository = c->conf->realm->certs, .serial = cert_serial(c),
	    .not_before = c->row.not_before, .etag = "",
	    .published_at = c->row.source_at, .only_look = true }, looked, t);
}

/* When a renewer has died, all that it had are looked at. */
static void
turn_cb(void *arg)
{
	struct takeover *t = arg;

	/* It may be taking what is there. */
	if (t->cert->run == NULL && t->slot == NULL)
		t->slot = slot_take(t->env->takeovers, look, t);
}

/* --- life --- */

static void
begin(const struct rollout_env *env, struct cert *c)
{
	struct takeover *t = xcalloc(1, sizeof(*t));

	t->env = env;
	t->cert = c;
	t->retry_ms = RETRY_MS;
	timer_init(&t->turn, env->loop, turn_cb, t);
	timer_set(&t->turn, 0);
	c->takeover = t;
}

void
takeover_kick(struct cert *c)
{
	if (c->takeover != NULL)
		timer_set(&c->takeover->turn, 0);
}

void
takeover_reload(const struct rollout_env *env, struct cert *c)
{
	takeover_cancel(c);
	if (c->is_ours && c->is_taken)
		begin(env, c);
}

void
takeover_again(const struct rollout_env *env, struct cert *c,
    unsigned within_s)
{
	takeover_cancel(c);
	if (c->conf == NULL || c->conf->realm == NULL || !c->is_ours)
		return;
	if (!c->is_taken) {
		c->is_taken = true;
		watch_reload(env, c);
	}
	begin(env, c);
	if (within_s > 0)
		timer_set(&c->takeover->turn,
		    (int64_t)arc4random_uniform(within_s * 1000));
}

/* What it had before the cluster may be the newest. */
static void
compare(const struct rollout_env *env, struct cert *c)
{
	if (c->is_ours || !c->is_taken || c->is_compared ||
	    c->takeover != NULL ||
	    env->certs->conf->cluster->role == CLUSTER_SERVE)
		return;
	c->is_compared = true;
	begin(env, c);
}

void
takeover_follow(const struct rollout_env *env, struct cert *c, bool ours)
{
	if (c->conf == NULL || c->conf->realm == NULL)
		return;
	if (c->is_ours == ours || (!ours && !c->is_taken && c->run != NULL)) {
		compare(env, c);
		return;
	}
	c->is_ours = ours;
	takeover_cancel(c);
	if (ours) {
		c->is_compared = false;
		begin(env, c);
	} else if (!c->is_taken) {
		c->is_taken = true;
		c->is_compared = true;	/* it was published */
		watch_reload(env, c);
		cert_changed(c);
	} else {
		compare(env, c);
	}
}
