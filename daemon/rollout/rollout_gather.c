/* SPDX-License-Identifier: MIT */
/*
 * rollout_gather - who will soon want the same of a unit.  Of many
 * certificates of one server some are renewed a little before the others; one
 * reload is to serve them all.
 */
#include <string.h>

#include "common/clock.h"
#include "daemon/deploy/unit.h"
#include "daemon/rollout/rollout_priv.h"

/* Its new version is not installed yet; each of its targets will run. */
static bool
is_under_way(const struct cert *c)
{
	return c->conf != NULL && (c->place.is_running || c->is_queued);
}

static bool
wants(const struct cert *c, const char *step, const char *unit)
{
	for (size_t i = 0; i < c->conf->n_deploys; i++) {
		if (unit_is_wanted(c->conf->deploys[i], step, unit))
			return true;
	}
	return false;
}

/* It is being deployed: will it come to that unit?  One of its targets is
 * there already: it does not wait for the others of its own. */
static bool
comes_to(const struct cert *c, const char *step, const char *unit)
{
	const struct target *t;
	time_t now = clock_now();
	bool comes = false;

	TAILQ_FOREACH(t, &c->targets, link) {
		const struct conf_deploy *dep = rollout_conf(c,
		    t->row.target);

		if (t->row.done || dep == NULL ||
		    !unit_is_wanted(dep, step, unit))
			continue;
		if (t->task == NULL)
			comes |= rollout_target_at(c, t, dep, now) <= now;
		else if (strcmp(deploy_step(task_op(t->task)), step) == 0)
			return false;
		else
			comes |= deploy_comes_to(task_op(t->task), step);
	}
	return comes;
}

bool
rollout_is_more(const char *step, const char *unit, void *arg)
{
	const struct rollout *r = arg;
	const struct certs *certs = r->env->certs;

	for (size_t i = 0; i < certs->n && r->is_started; i++) {
		const struct cert *c = certs->list[i];

		if (is_under_way(c) ? wants(c, step, unit) :
		    c->deploys > 0 && comes_to(c, step, unit))
			return true;
	}
	return false;
}
