/* SPDX-License-Identifier: MIT */
/*
 * A run for a certificate of a cluster: what another member has published since
 * is taken instead of an order, and what it had issued is published before it
 * is installed here.  Whoever dies in between leaves an order that the next
 * member goes on with.
 */
#include "daemon/renewal/renewal_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/clock.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/text.h"
#include "daemon/certs/budget.h"
#include "daemon/certs/due.h"
#include "daemon/certs/event.h"
#include "daemon/publish/fetch.h"
#include "daemon/publish/objects.h"
#include "daemon/rollout/release.h"
#include "daemon/rollout/rollback.h"

bool
renewal_is_shared(const struct renewal *r)
{
	return r->is_issued && r->cc->realm != NULL &&
	    !cert_is_dry_run(r->cert->row.name);
}

/* --- before the account --- */

/* The rest of the run is that of a certificate with a source. */
static void
take_instead(struct renewal *r)
{
	renewal_say(r, "another member of the cluster has published a newer "
	    "certificate: taking it");
	budget_give(r->env->certs, r->cc, r->at.account, &r->taken, false);
	r->at = (struct conf_issuer){ .account = NULL };
	r->source = r->cc->realm->certs;
	r->is_issued = false;
	renewal_goto(r, STEP_DOWNLOAD);
}

/* The cluster cannot be asked: that is no failure of the certificate's. */
static void
as_away(struct error *err)
{
	if (err->kind == ERR_TRANSIENT && strncmp(err->code, "cluster:",
	    strlen("cluster:")) != 0)
		(void)text_printf(err->code, sizeof(err->code), "%s",
		    "cluster:away");
}

static void
looked(const struct error *err, const struct fetch_result *result, void *arg)
{
	struct renewal *r = arg;
	struct error told;

	r->fetch = NULL;
	if (err != NULL && !fetch_found_no_better(err)) {
		told = *err;
		/* No refusal of the order's. */
		if (told.kind == ERR_REJECTED)
			told.kind = ERR_CONFIG;
		as_away(&told);
		renewal_fail(r, &told);
	} else if (err == NULL && result->is_new &&
	    !rollback_is_done(r->cert)) {
		take_instead(r);
	} else {
		r->after_look(r);
	}
}

void
renewal_look_first(struct renewal *r, void (*next)(struct renewal *))
{
	const struct store_cert *row = &r->cert->row;

	r->after_look = next;
	r->fetch = fetch_start(&(struct fetch_args){
	    .loop = r->env->loop, .http = r->env->http,
	    .etcd = r->env->etcd, .store = r->env->store, .cert = r->cc,
	    .repository = r->cc->realm->certs,
	    .serial = cert_serial(r->cert), .not_before = row->not_before,
	    .etag = "", .published_at = row->source_at, .only_look = true },
	    looked, r);
}

/* --- before it is installed --- */

static void
released(const struct error *err, void *arg)
{
	struct renewal *r = arg;
	struct error told;

	r->release = NULL;
	if (err == NULL) {
		r->after_look(r);
		return;
	}
	told = *err;
	/* The order is as good as it was, and is gone on with. */
	if (told.kind == ERR_REJECTED)
		told.kind = ERR_TRANSIENT;
	as_away(&told);
	(void)error_wrap(&told, "publish for the cluster");
	renewal_fail(r, &told);
}

static void
say_cb(const char *line, void *arg)
{
	renewal_say(arg, line);
}

void
renewal_begin_wave(struct renewal *r)
{
	const struct conf_repository *to = r->cc->realm->certs;

	if (to->waves == NULL)
		return;
	(void)store_wave_begin(r->env->store, r->cert->row.name, to->name,
	    r->info.serial, r->info.not_before, clock_now());
	r->cert->has_wave = true;
}

void
renewal_publish_first(struct renewal *r, void (*next)(struct renewal *))
{
	const struct renewal_env *env = r->env;
	const char *name = r->cert->row.name;
	char *dir = store_version_path(env->store, name, r->version);
	char *key = NULL;
	struct object_fence fence = { NULL, 0 };

	if (env->fence != NULL)
		fence.created = env->fence(r->cert, &key, env->arg);
	fence.key = key;
	r->after_look = next;
	r->release = release_start(&(struct release_args){
	    .loop = env->loop, .http = env->http, .etcd = env->etcd,
	    .store = env->store, .conf = r->conf, .cc = r->cc,
	    .version_dir = dir, .serial = r->info.serial, .renew_at =
	    due_at(r->info.not_before, r->info.not_after,
	    r->cc->renew_before_s, 0), .fence = key != NULL ? &fence :
	    NULL, .line = say_cb }, released, r);
	free(key);
	free(dir);
}
