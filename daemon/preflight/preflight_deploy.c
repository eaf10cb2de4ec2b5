/* SPDX-License-Identifier: MIT */
#include "daemon/preflight/preflight_priv.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "daemon/deploy/deploy.h"
#include "daemon/deploy/hooks.h"
#include "daemon/deploy/verify.h"
#include "daemon/rollout/rollout.h"

#define LOOK_S 5	/* a server that is right answers at once */

/* One deploy target, of which everything is done but the deed. */
struct pf_target {
	struct pf_check	*check;
	const struct conf_deploy *conf;
	struct conf_deploy steps;	/* without verify */
	struct conf_deploy look;	/* with a shorter verify_timeout */
	char		*live_dir, *version_dir;
	bool		 has_version;
	struct deploy_op *op;
	char		 note[600];	/* the last line of a step; "" */
};

void
pf_target_cancel(struct pf_target *t)
{
	if (t == NULL)
		return;
	deploy_cancel(t->op);
	free(t->live_dir);
	free(t->version_dir);
	free(t);
}

static void
note_line(const char *line, void *arg)
{
	struct pf_target *t = arg;

	(void)text_printf(t->note, sizeof(t->note), "%s", line);
}

static void
begin(struct pf_target *t, const struct conf_deploy *conf, const char *only,
    deploy_done_cb *done)
{
	const struct pf_cert *pc = t->check->pc;
	const struct cert *cert = certs_find(pc->pf->env->certs, pc->cc->name);
	struct deploy_args args = {
		.env = rollout_env(pc->pf->env->rollout),
		.cert = pc->cc,
		.target = conf,
		.live_dir = t->live_dir,
		.version_dir = t->version_dir,
		.serial = cert != NULL ? cert_serial(cert) : "",
		.only = only,
		.is_check = true,
		.line = only == NULL ? note_line : NULL,
	};

	t->op = deploy_start(&args, done, t);
}

static void
looked(const struct error *err, void *arg)
{
	struct pf_target *t = arg;

	t->op = NULL;
	if (err != NULL)
		/* What is served now says little of the next certificate. */
		pf_tell(t->check, PF_WARN, "see that the server runs and reads "
		    "the certificate of acmed; to run the target: acmectl "
		    "deploy", "target \"%s\" could be run, but %s",
		    t->conf->name, err->msg);
	else
		pf_tell(t->check, PF_OK, NULL, "target \"%s\" could be run, "
		    "and the certificate here is served%s%s", t->conf->name,
		    t->note[0] != '\0' ? "; " : "", t->note);
}

static void
tried(const struct error *err, void *arg)
{
	struct pf_target *t = arg;

	t->op = NULL;
	if (err != NULL)
		pf_tell(t->check, PF_FAIL, "fix it, or the next certificate "
		    "is not deployed", "target \"%s\": %s", t->conf->name,
		    err->msg);
	else if (t->conf->n_verify > 0 && t->has_version)
		begin(t, &t->look, "verify", looked);
	else
		pf_tell(t->check, PF_OK, NULL, "target \"%s\" could be run"
		    "%s%s%s", t->conf->name, t->conf->n_verify > 0 ? "; what "
		    "is served is not looked at before there is a certificate"
		    : "", t->note[0] != '\0' ? "; " : "", t->note);
}

/* Which of the certificate's targets: as many are before it. */
static const struct conf_deploy *
conf_of(const struct pf_check *c)
{
	const struct pf_check *other;
	size_t n = 0;

	TAILQ_FOREACH(other, &c->pc->checks, link) {
		if (other == c)
			break;
		n += other->start == c->start;
	}
	return c->pc->cc->deploys[n];
}

/* May this member of a cluster ever have to run it? */
static bool
is_here(const struct pf_cert *pc, const struct conf_deploy *conf)
{
	const struct conf_cluster *k = pc->pf->conf->cluster;

	return k == NULL || pc->cc->realm == NULL || k->role !=
	    (conf->at_holder ? CLUSTER_SERVE : CLUSTER_RENEW);
}

static void
target_check(struct pf_check *c)
{
	const struct conf_deploy *conf = conf_of(c);
	const struct preflight_env *env = c->pc->pf->env;
	const char *name = c->pc->cc->name;
	const struct cert *cert = certs_find(env->certs, name);
	struct pf_target *t;

	if (!is_here(c->pc, conf)) {
		pf_tell(c, PF_OK, NULL, "target \"%s\" runs where the "
		    "certificate is %s, and is checked there", conf->name,
		    conf->at_holder ? "renewed" : "served");
		return;
	}
	t = xcalloc(1, sizeof(*t));
	t->check = c;
	t->conf = conf;
	t->steps = t->look = *t->conf;
	t->steps.n_verify = 0;
	t->look.verify_timeout_s = LOOK_S;
	t->live_dir = store_live_path(env->store, name);
	t->version_dir = store_live_version_path(env->store, name);
	t->has_version = cert != NULL && cert->row.serial != NULL;
	c->target = t;
	begin(t, &t->steps, NULL, tried);
}

void
pf_deploy_plan(struct pf_cert *pc)
{
	for (size_t i = 0; i < pc->cc->n_deploys; i++) {
		const struct conf_deploy *conf = pc->cc->deploys[i];

		/* Hooks, the last of them, that nobody has made. */
		if (conf->hooks_dir == NULL || hooks_exist(conf->hooks_dir,
		    HOOKS_DEPLOY))
			(void)pf_check_add(pc, NULL, "deploy", target_check);
	}
}
