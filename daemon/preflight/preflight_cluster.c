/* SPDX-License-Identifier: MIT */
/* Who of a cluster renews it, and whether anybody can. */
#include "daemon/preflight/preflight_priv.h"

#include "daemon/certs/certs.h"
#include "daemon/cluster/cluster.h"

static void
tell_who(struct pf_cert *pc, const struct conf_cluster *k)
{
	const struct preflight_env *env = pc->pf->env;
	struct cert *cert = certs_find(env->certs, pc->cc->name);
	const char *who = NULL;
	enum cluster_part part = cert == NULL ? CLUSTER_ALONE :
	    cluster_part(env->cluster, cert, &who);
	struct pf_check *c = pf_check_add(pc, NULL, "cluster", NULL);

	if (pc->pf->caa != PREFLIGHT_CAA_HINT && k->role == CLUSTER_SERVE)
		pf_tell(c, PF_FAIL, "run it at a member that renews; see "
		    "acmectl cluster status", "this member of the cluster "
		    "only serves, and has no account of its own");
	else if (part == CLUSTER_OURS)
		pf_tell(c, PF_OK, NULL, "this member of the cluster renews "
		    "it");
	else if (part == CLUSTER_OTHERS && who != NULL)
		pf_tell(c, PF_OK, NULL, "member \"%s\" of the cluster renews "
		    "it%s", who, k->role != CLUSTER_SERVE ? "; what follows "
		    "is for when this one takes over" : "; what that needs "
		    "is checked there");
	else if (k->role == CLUSTER_SERVE)
		pf_tell(c, PF_FAIL, "start one with role = renew or both, "
		    "whose configuration has this certificate; see acmectl "
		    "cluster status", "no member of the cluster renews it");
	else
		pf_tell(c, PF_OK, NULL, "who of the cluster renews it is not "
		    "known yet");
}

bool
pf_cluster_plan(struct pf_cert *pc)
{
	const struct conf_cluster *k = pc->pf->conf->cluster;
	const struct error *err;
	time_t since;

	if (k == NULL || pc->cc->realm == NULL)
		return false;
	err = cluster_trouble(pc->pf->env->cluster, &since);
	if (err != NULL)
		pf_tell(pf_check_add(pc, NULL, "cluster", NULL), PF_FAIL,
		    "see acmectl cluster status", "nothing is renewed here: "
		    "%s", err->msg);
	else
		tell_who(pc, k);
	return k->role == CLUSTER_SERVE;
}
