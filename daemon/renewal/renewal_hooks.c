/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "common/log.h"
#include "daemon/certs/event.h"
#include "daemon/deploy/hooks.h"
#include "daemon/renewal/renewal_priv.h"

static void
line_cb(const char *line, void *arg)
{
	renewal_say(arg, line);
}

static void
begin(struct renewal *r, enum hooks_when when, deploy_done_cb *done)
{
	const char *name = cert_tried_name(r->cert->row.name);
	bool is_dry_run = cert_is_dry_run(r->cert->row.name);
	const struct conf_cert *cc = !is_dry_run ? r->cc :
	    conf_find_cert(r->conf, name);
	char *live = store_live_path(r->env->store, name);
	struct hooks_args args = {
		.when = when,
		.dir = r->conf->hooks_dir,
		.cert = cc != NULL ? cc : r->cc,
		.live_dir = live,
		.serial = cert_serial(r->cert),
		.is_dry_run = is_dry_run,
		.line = line_cb,
	};

	r->hooks = hooks_start(r->env->hooks, &args, done, r);
	free(live);
	place_give(&r->cert->place);
}

static void
placed(void *arg)
{
	struct renewal *r = arg;

	r->taking = NULL;
	r->after_pre(r);
}

static void
pre_done(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->hooks = NULL;
	/* As certbot: a certificate is worth more than what they prepare. */
	if (err != NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING, "a pre hook failed: %s", err->msg);
	r->taking = place_start(&r->cert->place, placed, r);
}

void
renewal_pre_hooks(struct renewal *r, void (*next)(struct renewal *))
{
	r->after_pre = next;
	begin(r, HOOKS_PRE, pre_done);
}

static void
post_done(const struct error *err, void *arg)
{
	struct renewal *r = arg;

	r->hooks = NULL;
	if (err != NULL)
		event_emit(r->env->certs, r->cert->row.name, r->cert->step,
		    LOGL_WARNING, "a post hook failed: %s", err->msg);
	renewal_end(r, r->result.kind != ERR_NONE ? &r->result : NULL);
}

void
renewal_post_hooks(struct renewal *r, const struct error *err)
{
	if (err != NULL)
		r->result = *err;
	renewal_halt(r);
	place_begun(&r->cert->place);
	/* What is installed is renewed, even if nobody could be told. */
	begin(r, err == NULL || r->cert->step == STEP_DEPLOY ?
	    HOOKS_POST_RENEWED :
	    HOOKS_POST_FAILED, post_done);
}
